"""Kernels of one weight ≠ 0: the image, moved and scaled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.host.bands import reach
from gpuconv.backends.host.block import Block, every, scratch
from gpuconv.plan import Plan

__all__ = ["block"]

Array = NDArray[Any]


def block(plan: Plan, height: int, width: int) -> Block:
    """Return a block that multiplies the pixels under the only tap by its weight."""
    y, x, dtype = plan.y, plan.x, plan.accumulator
    pixels = scratch(
        reach(height, y.taps, y.stride, y.dilation),
        reach(width, x.taps, x.stride, x.dilation),
        dtype,
    )
    row, column = np.argwhere(plan.kernel.numerators)[0]
    under = pixels[every(row, y, height), every(column, x, width)]
    weight = dtype.type(plan.kernel.numerators[row, column])
    sums = np.empty((height, width), dtype)

    def compute() -> Array:
        np.multiply(under, weight, out=sums)
        return sums

    return Block(pixels, compute, smears=False)
