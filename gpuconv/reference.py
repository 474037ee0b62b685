"""The definition: convolution tap by tap in float64, with nothing clever about it.

Every engine is verified against this module; it is itself verified against SciPy and against
worked examples. For output pixel (y, x), kernel w with anchor (a, b), dilation d and stride s::

    correlate   Σ w[k, l] · image[s·y + d·(k − a), s·x + d·(l − b)]      over all taps w[k, l] ≠ 0
    convolve    Σ w[k, l] · image[s·y − d·(k − a), s·x − d·(l − b)]

A tap of weight 0 does not exist: it does not spread NaN or infinity (as in SciPy).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpuconv.border import FILL, pair, source_index
from gpuconv.dtypes import store
from gpuconv.kernel import KernelLike, as_kernel

__all__ = ["convolve", "correlate"]

Array = NDArray[Any]


def _outputs(n: int, taps: int, anchor: int, size: str, stride: int, dilation: int) -> Array:
    """Return the image positions under the anchor, one for each output pixel of an axis."""
    before, after = dilation * anchor, dilation * (taps - 1 - anchor)
    first, stop = {
        "same": (0, n),
        "valid": (before, n - after),
        "full": (-after, n + before),
    }[size]
    return np.arange(first, stop, stride) if n else np.arange(0)


def _fetch(image: Array, rows: Array, columns: Array, cval: complex) -> Array:
    """Return image[rows × columns], with `cval` where either index is FILL."""
    values = image[..., rows[:, None], columns]
    values[..., (rows == FILL)[:, None] | (columns == FILL)] = cval
    return values


def correlate(
    image: ArrayLike,
    kernel: KernelLike,
    *,
    border: Any = "reflect",
    cval: complex = 0,
    size: str = "same",
    stride: int | tuple[int, int] = 1,
    dilation: int | tuple[int, int] = 1,
    dtype: Any = None,
) -> Array:
    """Correlate by definition; see :func:`gpuconv.correlate` for the parameters.

    Examples
    --------
    >>> correlate([[1, 2, 3]], [[0, 0, 1]], border="constant").tolist()
    [[2, 3, 0]]
    """
    given, k = np.asarray(image), as_kernel(kernel)
    modes = pair(border)
    inexact = np.complex128 if k.complex or given.dtype.kind == "c" else np.float64
    pixels = given.astype(inexact)
    height, width = pixels.shape[-2:]
    steps, (dy, dx) = np.broadcast_to(stride, 2), np.broadcast_to(dilation, 2)
    ys = _outputs(height, k.shape[0], k.anchor[0], size, steps[0], dy)
    xs = _outputs(width, k.shape[1], k.anchor[1], size, steps[1], dx)
    total = np.zeros((*pixels.shape[:-2], len(ys), len(xs)), inexact)
    for (row, column), weight in np.ndenumerate(k.numerators):
        if weight != 0 and total.size:
            rows = source_index(modes[0], ys + dy * (row - k.anchor[0]), height)
            columns = source_index(modes[1], xs + dx * (column - k.anchor[1]), width)
            with np.errstate(invalid="ignore", over="ignore"):  # ∞ − ∞ is NaN, quietly
                total += weight * _fetch(pixels, rows, columns, cval)
    total /= k.divisor
    out = np.empty(total.shape, given.dtype if dtype is None else dtype)
    store(total, out)
    return out


def convolve(image: ArrayLike, kernel: KernelLike, **options: Any) -> Array:
    """Convolve by definition: correlate with the kernel turned by 180°.

    Examples
    --------
    >>> convolve([[1, 2, 3]], [[0, 0, 1]], border="constant").tolist()
    [[0, 1, 2]]
    """
    return correlate(image, as_kernel(kernel).flip(), **options)
