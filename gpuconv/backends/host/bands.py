"""Filters as products with small banded matrices, which BLAS multiplies at full speed.

A group of G neighbouring outputs of a 1-D filter with K taps is a (G × reach) band times the reach
of pixels they are made from. Multiplying by the zeros of the band is cheaper than another pass over
memory: the products below are several times faster than adding up shifted arrays.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

__all__ = ["PRODUCT", "Product", "band", "groups", "multiply", "products", "reach"]

Array = NDArray[Any]
#: Arguments of ``np.matmul``: left, right, out.
Product: TypeAlias = tuple[Array, Array, Array]

#: Multiply–adds of one product. OpenBLAS runs a product of up to 4 · 65536 on the calling thread
#: (SMP_THRESHOLD_MIN · GEMM_MULTITHREAD_THRESHOLD in its interface/gemm.c); above, it wakes threads
#: of its own, which would fight with ours for the cores.
PRODUCT = 4 * 65536


def reach(count: int, taps: int, stride: int, dilation: int) -> int:
    """Return how many pixels `count` neighbouring outputs are made from."""
    return (count - 1) * stride + (taps - 1) * dilation + 1


def band(taps: Array, count: int, stride: int, dilation: int) -> Array:
    """Return the matrix (count, reach, …) that makes `count` outputs from the pixels they reach.

    `taps` is (K,) or (K, columns); trailing axes are kept.

    Examples
    --------
    >>> band(np.array([1, 2, 3]), 2, stride=1, dilation=1).tolist()
    [[1, 2, 3, 0], [0, 1, 2, 3]]
    """
    matrix = np.zeros(
        (count, reach(count, len(taps), stride, dilation), *taps.shape[1:]), taps.dtype
    )
    for i in range(count):
        matrix[i, i * stride : i * stride + (len(taps) - 1) * dilation + 1 : dilation] = taps
    return matrix


def groups(array: Array, axis: int, count: int, step: int, length: int) -> Array:
    """Return `count` overlapping runs of `length` along `axis`, `step` apart, as a leading axis.

    Examples
    --------
    >>> groups(np.arange(6), 0, count=2, step=2, length=4).tolist()
    [[0, 1, 2, 3], [2, 3, 4, 5]]
    """
    if (count - 1) * step + length > array.shape[axis]:
        raise IndexError(
            f"{count} runs of {length}, {step} apart, leave an axis of {array.shape[axis]}"
        )
    shape = (count, *array.shape[:axis], length, *array.shape[axis + 1 :])
    return as_strided(array, shape, (step * array.strides[axis], *array.strides))


def multiply(left: Array, right: Array, out: Array) -> None:
    """Write the stacked product ``left @ right`` to `out`, in pieces that BLAS runs alone."""
    for each in products(left, right, out):
        np.matmul(*each)


def products(left: Array, right: Array, out: Array) -> list[Product]:
    """Return arguments for ``np.matmul``, which make the stacked product in such pieces.

    The band is `left` (2-D) or `right` (2-D); the other operand is cut along its long axis.
    """
    rows, inner = left.shape[-2:]
    if left.ndim == 2:
        parts = _pieces(right.shape[-1], rows * inner)
        return [(left, right[..., part], out[..., part]) for part in parts]
    parts = _pieces(rows, inner * right.shape[-1])
    return [(left[..., part, :], right, out[..., part, :]) for part in parts]


def _pieces(length: int, operations: int) -> list[slice]:
    """Return equal slices of `length`, each of at most :data:`PRODUCT` operations per product."""
    count = min(-(-length * operations // PRODUCT), length)
    step = -(-length // count)
    return [slice(start, start + step) for start in range(0, length, step)]
