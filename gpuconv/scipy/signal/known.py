"""Weights as kernels, where the engines know such numbers."""

from __future__ import annotations

from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError
from gpuconv.kernel import Kernel
from gpuconv.known import known_kernel

__all__ = ["kernel_of"]


def kernel_of(weights: Array, anchor: tuple[int, int]) -> Kernel | None:
    """Return weights in host memory as a kernel; None if some are NaN, infinite or long doubles.

    Examples
    --------
    >>> import numpy as np
    >>> kernel_of(np.ones((3, 3)), (1, 1)) is kernel_of(np.ones((3, 3)), (1, 1))
    True
    >>> kernel_of(np.full((3, 3), np.nan), (1, 1))
    """
    if weights.dtype.char in "gG":
        return None
    try:
        return known_kernel(weights, anchor)
    except ArgumentError:  # they are not finite
        return None
