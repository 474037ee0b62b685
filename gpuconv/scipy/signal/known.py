"""Kernels of weights: the same one for the same few weights, which engines know again at once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from gpuconv.arrays import Array
from gpuconv.kernel import Kernel

__all__ = ["kernel_of", "separable_of"]

#: Bytes of weights up to which that is quicker than to look at them anew.
_SMALL = 4096


def kernel_of(weights: Array, anchor: tuple[int, int]) -> Kernel | None:
    """Return weights in host memory as a kernel; None if some are NaN, infinite or long doubles.

    Examples
    --------
    >>> kernel_of(np.ones((3, 3)), (1, 1)) is kernel_of(np.ones((3, 3)), (1, 1))
    True
    """
    make = _kernel if weights.nbytes <= _SMALL else _kernel.__wrapped__
    return make(weights.shape, weights.dtype, weights.tobytes(), anchor)


@lru_cache(maxsize=256)
def _kernel(
    shape: tuple[int, ...], dtype: np.dtype[Any], content: bytes, anchor: tuple[int, int]
) -> Kernel | None:
    weights = np.frombuffer(content, dtype).reshape(shape)
    if dtype.char in "gG" or not np.isfinite(weights).all():
        return None
    return Kernel(weights, anchor=anchor)


def separable_of(column: Array, row: Array) -> Kernel:
    """Return the kernel of a column and a row.

    Examples
    --------
    >>> separable_of(np.array([1, 2, 1]), np.array([1])).shape
    (3, 1)
    """
    make = _separable if column.nbytes + row.nbytes <= _SMALL else _separable.__wrapped__
    return make(column.dtype, column.tobytes(), row.dtype, row.tobytes())


@lru_cache(maxsize=256)
def _separable(first: np.dtype[Any], column: bytes, second: np.dtype[Any], row: bytes) -> Kernel:
    return Kernel.separable(np.frombuffer(column, first), np.frombuffer(row, second))
