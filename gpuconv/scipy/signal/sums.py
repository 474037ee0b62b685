"""Convolution by its definition, over any number of axes: sums of products of what lies in reach.

The engines sum over two axes. A kernel of more axes is a stack of planes, each of which is summed
over the planes of the array that it lies over.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any, cast

import numpy as np

from gpuconv.arrays import Array
from gpuconv.scipy.arguments import room_like
from gpuconv.scipy.signal import planes
from gpuconv.scipy.signal.inputs import in_host_memory, local, part_of, result_of, span

__all__ = ["convolved", "summed"]

#: Multiply–adds of integers that NumPy has done before an engine has begun.
_FEW = 2**17

#: Weights up to which NumPy is as fast for lines of any length: measured for 10⁴ to 10⁶ integers.
_SHORT = 64


def convolved(image: Array, kernel: Array, mode: str, method: str = "direct") -> Array:
    """Return the convolution over all axes; for "valid", `image` must be the larger.

    `method` is "direct", or one of an engine's.

    Examples
    --------
    >>> convolved(np.array([1, 2, 3]), np.array([1, 1]), "full").tolist()
    [1, 3, 5, 3]
    """
    if image.ndim == 1 and in_host_memory(image) and _numpys(image, kernel):
        return _of_lines(image, kernel, mode)
    # Time grows with the smaller of the two, if that is the kernel.
    if prod(kernel.shape) > prod(image.shape) and mode != "valid":
        whole = _summed(kernel, image, "full", method)
        return part_of(whole, image, kernel, mode, tuple(range(image.ndim)))
    return _summed(image, kernel, mode, method)


def _summed(image: Array, kernel: Array, mode: str, method: str) -> Array:
    dtype = np.result_type(image, kernel)
    out = room_like(image, result_of(mode, image.shape, kernel.shape), dtype)
    summed(image, local(kernel), mode, out, method)
    return out


def _numpys(image: Array, kernel: Array) -> bool:
    """Return whether NumPy's own sums over lines are the fastest, or the only ones."""
    whole = image.dtype.kind in "iu" and kernel.dtype.kind in "iu"
    few = image.size * kernel.size <= _FEW or min(image.size, kernel.size) <= _SHORT
    return not whole or few


def _of_lines(image: Array, kernel: Array, mode: str) -> Array:
    first, second = cast(Any, image), cast(Any, kernel)
    if mode != "same" or image.size >= kernel.size:
        return cast(Array, np.convolve(first, second, cast(Any, mode)))
    # NumPy would return as many as the larger has; SciPy returns as many as the first.
    start, count = span(mode, image.size, kernel.size)
    return cast(Array, np.convolve(first, second)[start : start + count])


def summed(
    image: Array,
    weights: Array,
    mode: str,
    out: Array,
    method: str = "direct",
    border: str = "constant",
    cval: Any = 0,
    middle: tuple[int, ...] | None = None,
) -> None:
    """Write the convolution of `image` with weights in host memory, over all axes, to `out`.

    `middle` is where in the whole convolution "same" begins, along each axis; by default SciPy's.
    More than two axes go with zeros around the image.

    Examples
    --------
    >>> made = np.empty((1, 3), np.uint8)
    >>> summed(np.array([[1, 2, 3]]), np.array([[1, 1]]), "same", made, border="wrap")
    >>> made.tolist()
    [[4, 3, 5]]
    """
    if 0 in out.shape:
        return
    if image.ndim == 1:
        image, weights, out = image[None], weights[None], out[None]
    starts = middle or tuple([(k - 1) // 2 for k in weights.shape])
    anchor = starts[-2], starts[-1]
    if image.ndim == 2:
        planes.convolved(image, weights, anchor, mode, border, cval, out, method)
        return
    out[...] = 0
    for taps in product(*map(range, weights.shape[:-2])):
        read, written = _shifted(mode, image.shape, weights.shape, taps)
        part = room_like(image, out[written].shape, out.dtype)
        if 0 not in part.shape:
            planes.convolved(image[read], weights[taps], anchor, mode, border, cval, part, method)
            with np.errstate(all="ignore"):
                out[written] += part


def _shifted(
    mode: str, shape: Sequence[int], taps: Sequence[int], tap: Sequence[int]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return which planes of the array a plane of the kernel lies over, and for which outputs."""
    read, written = [], []
    for n, k, t in zip(shape, taps, tap, strict=False):
        first, count = span(mode, n, k)
        # Output i reads plane first + i − t.
        low, high = max(t - first, 0), min(n + t - first, count)
        written.append(slice(low, max(low, high)))
        read.append(slice(first + low - t, first + max(low, high) - t))
    return tuple(read), tuple(written)
