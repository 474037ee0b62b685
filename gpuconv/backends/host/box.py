"""Equal weights: windows built from smaller windows, by additions of long runs of pixels.

A tile is one long run: the pixel below is `columns` further on, so that a shift along y is a shift
along the run like one along x, and each addition is a single loop of NumPy's over the whole tile.
Windows that reach around the end of a row are computed too, and not used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from gpuconv.algorithms.box import limits, room
from gpuconv.backends.host.bands import reach
from gpuconv.backends.host.block import Block
from gpuconv.backends.host.windows import Windows
from gpuconv.plan import Plan

__all__ = ["block"]

Array = NDArray[Any]


def block(plan: Plan, height: int, width: int) -> Block:
    """Return a block for kernels of equal weights."""
    y, x = plan.y, plan.x
    rows = reach(height, y.taps, y.stride, y.dilation)
    columns = reach(width, x.taps, x.stride, x.dilation)
    whole = None if plan.masked else limits(plan.dtype, plan.border, plan.cval)
    windows = Windows(whole, plan.accumulator, room(y, x, whole, plan.accumulator, (height, width)))
    pixels = windows.empty(rows * columns)
    column, row = plan.terms[0]
    weight = plan.accumulator.type(column[0] * row[0])
    if weight != 1 and pixels.values.dtype == plan.accumulator:
        # Before they are added up: sums of the largest floats would be infinite.
        windows.steps.append(lambda: np.multiply(pixels.values, weight, out=pixels.values))
    tall = windows.over(pixels, y.taps, y.dilation * columns)
    found = windows.over(tall, x.taps, x.dilation).values
    steps = (y.stride * columns * found.itemsize, x.stride * found.itemsize)
    under = as_strided(found, (height, width), steps)
    # In one piece: NumPy's loops start anew at the end of each row otherwise, which takes longer
    # than this copy does.
    sums = windows.wide(height * width).reshape(height, width)
    windows.steps.append(lambda: np.copyto(sums, under))
    if weight != 1 and pixels.values.dtype != plan.accumulator:
        windows.steps.append(lambda: np.multiply(sums, weight, out=sums))

    def compute() -> Array:
        for step in windows.steps:
            step()
        return sums

    return Block(pixels.values.reshape(rows, columns), compute, smears=False)
