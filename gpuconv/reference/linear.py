"""The definition: convolution tap by tap in float64, with nothing clever about it.

Every engine is verified against this module; it is itself verified against SciPy and against
worked examples. For output pixel (y, x), kernel w with anchor (a, b), dilation d and stride s::

    correlate   Σ w[k, l] · image[s·y + d·(k − a), s·x + d·(l − b)]      over all taps w[k, l] ≠ 0
    convolve    Σ w[k, l] · image[s·y − d·(k − a), s·x − d·(l − b)]

A tap of weight 0 does not exist: it does not spread NaN or infinity (as in SciPy).

With a mask, or where NaN is ignored, pixels have weights m too, and results are normalised: the sum
over w·m times pixel is divided by the sum over w·m and multiplied by Σ w. See :mod:`gpuconv.masks`.

Sums are rounded, so they depend on the order of taps: if they are to be ``ordered``, on SciPy's.
"""

from __future__ import annotations

from math import isnan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpuconv.border import FILL, pair, source_index
from gpuconv.dtypes import accumulator, store
from gpuconv.kernel import Kernel, KernelLike, as_kernel
from gpuconv.masks import check_gain, gain, least
from gpuconv.reference.order import in_order

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
    mask: ArrayLike | None = None,
    nan: str = "propagate",
    ordered: bool = False,
    wrap: bool = False,
) -> Array:
    """Correlate by definition; see :func:`gpuconv.correlate` for the parameters.

    `ordered` is its ``method="ordered"``, `wrap` that of its epilogue.

    Examples
    --------
    >>> correlate([[1, 2, 3]], [[0, 0, 1]], border="constant").tolist()
    [[2, 3, 0]]
    """
    given, k = np.asarray(image), as_kernel(kernel)
    stored = np.dtype(given.dtype if dtype is None else dtype)
    pixels = given.astype(np.complex128 if k.complex or given.dtype.kind == "c" else np.float64)
    where = pair(border), size, np.broadcast_to(stride, 2), np.broadcast_to(dilation, 2)
    if mask is None and nan == "propagate":
        take = _sums_in_order if ordered else _sums
        total = take(pixels, k, cval, *where)
    else:
        summed = accumulator(given.dtype, stored, k.total, k.integer, k.divisor)
        weights = np.broadcast_to(1.0 if mask is None else np.asarray(mask, float), pixels.shape)
        total = _normalised(pixels, weights, k, float(cval.real), nan == "ignore", summed, where)
    total /= k.divisor
    out = np.empty(total.shape, stored)
    store(total, out, wrap)
    return out


def _normalised(
    pixels: Array,
    weights: Array,
    k: Kernel,
    cval: float,
    ignore: bool,
    summed: np.dtype[Any],
    where: tuple[Any, ...],
) -> Array:
    """Return the sums over pixels with `weights`, normalised; NaN where no pixel counts."""
    check_gain(k, summed)
    fill, fill_weight = (0.0, 0.0) if ignore and isnan(cval) else (cval, 1.0)
    if ignore:
        weights = np.where(np.isnan(pixels), 0, weights)
    counted = np.zeros_like(pixels)  # also where 0 times NaN or infinity is NaN
    np.multiply(pixels, weights, out=counted, where=weights != 0)
    total = _sums(counted, k, fill, *where)
    weight = _sums(weights, k, fill_weight, *where)
    largest = max(weights.max(initial=0), float("constant" in where[0]))
    weight[np.abs(weight) <= least(k.total, largest, summed)] = np.nan
    return total * (gain(k) / weight)


def _sums(
    pixels: Array, k: Kernel, cval: complex, modes: Any, size: str, steps: Any, dilations: Any
) -> Array:
    """Return the sums over all taps of weight ≠ 0, before the division."""
    (height, width), (dy, dx) = pixels.shape[-2:], dilations
    ys = _outputs(height, k.shape[0], k.anchor[0], size, steps[0], dy)
    xs = _outputs(width, k.shape[1], k.anchor[1], size, steps[1], dx)
    total = np.zeros((*pixels.shape[:-2], len(ys), len(xs)), pixels.dtype)
    for (row, column), weight in np.ndenumerate(k.numerators):
        if weight != 0 and total.size:
            rows = source_index(modes[0], ys + dy * (row - k.anchor[0]), height)
            columns = source_index(modes[1], xs + dx * (column - k.anchor[1]), width)
            with np.errstate(invalid="ignore", over="ignore"):  # ∞ − ∞ is NaN, quietly
                total += weight * _fetch(pixels, rows, columns, cval)
    return total


def _sums_in_order(
    pixels: Array, k: Kernel, cval: complex, modes: Any, size: str, steps: Any, dilations: Any
) -> Array:
    """Return the same, each product and each sum rounded, in the order of :func:`in_order`."""
    (height, width), (dy, dx) = pixels.shape[-2:], dilations
    ys = _outputs(height, k.shape[0], k.anchor[0], size, steps[0], dy)
    xs = _outputs(width, k.shape[1], k.anchor[1], size, steps[1], dx)

    def under(row: int, column: int) -> Array:
        rows = source_index(modes[0], ys + dy * (row - k.anchor[0]), height)
        columns = source_index(modes[1], xs + dx * (column - k.anchor[1]), width)
        return _fetch(pixels, rows, columns, cval)

    total = np.zeros((*pixels.shape[:-2], len(ys), len(xs)), pixels.dtype)
    if not total.size:
        return total
    for number, (taps, weight) in enumerate(in_order(k.numerators)):
        with np.errstate(invalid="ignore", over="ignore"):
            first, *second = (sign * under(row, column) for row, column, sign in taps)
            product = (first + second[0] if second else first) * weight
            total = total + product if number else product
    return total


def convolve(image: ArrayLike, kernel: KernelLike, **options: Any) -> Array:
    """Convolve by definition: correlate with the kernel turned by 180°.

    Examples
    --------
    >>> convolve([[1, 2, 3]], [[0, 0, 1]], border="constant").tolist()
    [[0, 1, 2]]
    """
    return correlate(image, as_kernel(kernel).flip(), **options)
