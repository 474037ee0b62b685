"""Dense kernels: one product with a banded matrix per group of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.algorithms.direct import COPIES
from gpuconv.backends.host.bands import band, groups, products, reach
from gpuconv.backends.host.block import Block, scratch, summed
from gpuconv.cost.blocks import DENSE_GROUP, LONG_STRIDE
from gpuconv.plan import Plan

__all__ = ["Stack", "block", "stack"]

Array = NDArray[Any]


def block(plan: Plan, height: int, width: int) -> Block:
    """Return a block for dense kernels: one product per group of rows."""
    alone = stack([plan], height, width)
    sums = alone.sums[0].reshape(-1, width)[:height]

    def compute() -> Array:
        alone.compute()
        return sums

    return Block(alone.pixels, compute)


@dataclass(frozen=True)
class Stack:
    """Dense kernels over the same pixels, which are copied once for all of them."""

    pixels: Array
    compute: Callable[[], object]
    #: Of each kernel, (groups, rows of a group, columns): more rows than asked for at the end.
    sums: tuple[Array, ...]
    #: Of all that it holds.
    bytes: int


def stack(plans: list[Plan], height: int, width: int) -> Stack:
    """Return a stack of dense kernels whose plans have the same axes and accumulator.

    The pixels under each kernel column are copied to rows of their own, so that all pixels that a
    group of output rows is made from stand in one matrix, kernel column beside kernel column.
    Large kernels take a few columns at a time, which bounds the copies.
    """
    y, x, dtype = plans[0].y, plans[0].x, plans[0].accumulator
    group = DENSE_GROUP if y.stride <= LONG_STRIDE else 1
    count = -(-height // group)
    weights = np.stack([plan.kernel.numerators.astype(dtype) for plan in plans])
    rows = reach(count * group, y.taps, y.stride, y.dilation)
    pixels = scratch(rows, reach(width, x.taps, x.stride, x.dilation), dtype)
    at_once = min(x.taps, max(1, COPIES // (rows * width * dtype.itemsize)))
    copies = scratch(rows * at_once, width, dtype)
    sums, part = (np.empty((count, len(plans) * group, width), dtype) for _ in range(2))

    line = reach(width, 1, x.stride, 1)

    def some(first: int, target: Array) -> Callable[[], None]:
        taps = weights[:, :, first : first + at_once]
        at_a_time = taps.shape[2]
        here = copies[: rows * at_a_time]
        # One copy of all columns, row by row, is faster than one for each: 1.2 times for tiles of
        # 130×1024 and three columns, 1.7 times for seven or for tiles of 34×32.
        under = groups(pixels[:, first * x.dilation :], 1, at_a_time, x.dilation, line)
        shifted = under[..., :: x.stride].swapaxes(0, 1)
        room = groups(here, 0, rows, at_a_time, at_a_time)
        bands = [band(each, group, y.stride, y.dilation).reshape(group, -1) for each in taps]
        matrix = np.concatenate(bands)
        step = group * y.stride * at_a_time
        source = groups(here, 0, count, step, matrix.shape[1])
        multiplications = products(matrix, source, target)

        def copy_and_multiply() -> None:
            room[...] = shifted
            for multiplication in multiplications:
                np.matmul(*multiplication)

        return copy_and_multiply

    rounds = [some(j, part if j else sums) for j in range(0, x.taps, at_once)]
    each = sums.reshape(count, len(plans), group, width).swapaxes(0, 1)
    held = sum(array.nbytes for array in (pixels, copies, sums, part))
    return Stack(pixels, summed(rounds, sums, part, sums), tuple(each), held)
