"""Kernels of arrays: the same one for the same few weights, whose plans are then found at once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from gpuconv.kernel import Kernel
from gpuconv.weights import Array

__all__ = ["known_kernel", "known_separable"]

#: Bytes of weights up to which equal weights are known to be the same kernel; of larger ones the
#: comparison takes as long as what it saves.
_SMALL = 4096


def known_kernel(weights: Array, anchor: tuple[int, int] | None = None) -> Kernel:
    """Return the kernel of an array of weights in host memory.

    Examples
    --------
    >>> known_kernel(np.ones((3, 3))) is known_kernel(np.ones((3, 3)))
    True
    """
    if weights.nbytes > _SMALL:
        return Kernel(weights, anchor=anchor)
    return _kernel(weights.shape, weights.dtype, weights.tobytes(), anchor)


@lru_cache(maxsize=256)
def _kernel(
    shape: tuple[int, ...], dtype: np.dtype[Any], content: bytes, anchor: tuple[int, int] | None
) -> Kernel:
    return Kernel(np.frombuffer(content, dtype).reshape(shape), anchor=anchor)


def known_separable(column: Array, row: Array, anchor: tuple[int, int] | None = None) -> Kernel:
    """Return the kernel of a column and a row in host memory.

    Examples
    --------
    >>> known_separable(np.array([1, 2, 1]), np.array([1])).shape
    (3, 1)
    """
    if column.nbytes + row.nbytes > _SMALL:
        return Kernel.separable(column, row, anchor=anchor)
    return _separable(column.dtype, column.tobytes(), row.dtype, row.tobytes(), anchor)


@lru_cache(maxsize=256)
def _separable(
    first: np.dtype[Any],
    column: bytes,
    second: np.dtype[Any],
    row: bytes,
    anchor: tuple[int, int] | None,
) -> Kernel:
    lines = np.frombuffer(column, first), np.frombuffer(row, second)
    return Kernel.separable(*lines, anchor=anchor)
