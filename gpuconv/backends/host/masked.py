"""Filters in which each pixel has a weight: normalised convolution, in one pass.

The plan's own algorithm runs twice on each tile, first over weights times pixels and then over the
weights: see :mod:`gpuconv.masks`.
"""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import tiling
from gpuconv.backends.host import linear
from gpuconv.backends.host.block import Block
from gpuconv.backends.host.filter import finish, sums
from gpuconv.backends.host.load import load
from gpuconv.border import span
from gpuconv.masks import gain, least
from gpuconv.plan import Plan

__all__ = ["run"]

Array = NDArray[Any]


def run(plan: Plan, image: Array, out: Array, mask: Array | None) -> None:
    """Filter `image` (…, H, W) into `out`, each pixel with its weight in `mask`: all 1 if None."""
    tolerance = least(plan.kernel.total, _largest(plan, mask), plan.accumulator)
    total = plan.accumulator.type(gain(plan.kernel))
    # Errors of sums of integers are taken away by rounding.
    blurred = plan.algorithm == "fft" and plan.kernel.integer
    counted = mask is None or mask.dtype.kind in "biu"
    plan = _in_double(plan)

    def filter_tile(block: Block, tile: tiling.Tile, plane: tuple[int, ...]) -> None:
        weights = _load(plan, block, tile, image[plane], None if mask is None else mask[plane])
        found = sums(plan, block, tile.shape)
        if blurred and _integer(plan) and (counted or weights is None):
            np.rint(found, out=found)
        if weights is not None:
            found = found.copy()  # before the block is used again
            block.pixels[: weights.shape[0], : weights.shape[1]] = weights
            weight = block.compute()
            if blurred and counted:
                np.rint(weight, out=weight)
            _normalise(found, weight, total, tolerance)
        finish(plan, found, out[plane][tile.rows, tile.columns])

    linear.over_tiles(plan, filter_tile)


def _largest(plan: Plan, mask: Array | None) -> float:
    """Return the largest weight of any pixel; those of a "constant" border have 1."""
    if mask is None or mask.dtype == bool:
        return 1.0
    return max(float(mask.max(initial=0)), float("constant" in plan.border))


def _in_double(plan: Plan) -> Plan:
    """Return the plan with sums in float64, if its algorithm would blur what vanishes.

    The error of a transform is as large for a sum of few weights as for one of many, and so it may
    be all that there is of a small one.
    """
    blurs = plan.algorithm in ("fft", "recursive")
    return replace(plan, accumulator=np.dtype(np.float64)) if blurs else plan


def _integer(plan: Plan) -> bool:
    """Return whether all pixels are integers, those of the border too."""
    fills = not isfinite(plan.cval) or float(plan.cval).is_integer()
    return plan.dtype.kind in "iu" and fills


def _load(
    plan: Plan, block: Block, tile: tiling.Tile, image: Array, mask: Array | None
) -> Array | None:
    """Load weights times pixels, and return the weights: None where every pixel counts as 1."""
    rows = span(plan.border[0], *tile.source_rows, plan.y.n)
    columns = span(plan.border[1], *tile.source_columns, plan.x.n)
    (top, bottom), (left, right) = tile.source_rows, tile.source_columns
    pixels = block.pixels[: bottom - top, : right - left]
    load(image, rows, columns, plan.cval, pixels)
    weights = np.ones_like(pixels)
    if mask is not None:
        load(mask, rows, columns, 1, weights)
    if plan.ignore_nan:
        np.copyto(weights, 0, where=np.isnan(pixels))
    if (weights == 1).all():
        return None
    pixels *= weights
    if plan.dtype.kind == "f" or not isfinite(plan.cval):  # 0 times NaN or infinity is NaN
        np.copyto(pixels, 0, where=weights == 0)
    return weights


def _normalise(found: Array, weight: Array, total: float, tolerance: float) -> None:
    """Turn sums of what counts into what they would be if all counted: NaN if nothing does."""
    np.copyto(weight, np.nan, where=np.abs(weight) <= tolerance)
    # This quotient is 1 where all pixels count, so that sums are there what they were.
    np.divide(total, weight, out=weight)
    found *= weight
