"""Rank filters on tiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.host import rank_histogram, rank_network
from gpuconv.backends.host.footprint import spread
from gpuconv.backends.host.tile import TileBlock
from gpuconv.neighbourhood import NeighbourhoodPlan, Rank

__all__ = ["block"]

Array = NDArray[Any]


def block(plan: NeighbourhoodPlan, height: int, width: int) -> TileBlock:
    """Return a block for output tiles of a height and a width."""
    made = _BLOCKS[plan.algorithm](plan, height, width)
    propagates = plan.algorithm in ("extreme", "network") or plan.accumulator.kind != "f"
    return made if propagates else _with_nan(made, plan.neighbourhood)


def _with_nan(block: TileBlock, wanted: Any) -> TileBlock:
    """Return a block that makes NaN of windows with a NaN, as minima and maxima do anyway."""

    def compute(out: Array) -> None:
        block.compute(out)
        unknown = np.isnan(block.pixels)
        if unknown.any():
            out[_touched(unknown, wanted, *out.shape)] = np.nan

    return TileBlock(block.pixels, compute)


def _touched(marked: Array, wanted: Rank, height: int, width: int) -> Array:
    """Return which windows have a marked pixel."""
    if wanted.whole:
        rows, columns = wanted.shape
        return spread(spread(marked, rows).T, columns).T
    found = np.zeros((height, width), bool)
    for y, x in np.argwhere(wanted.footprint).tolist():
        found |= marked[y : y + height, x : x + width]
    return found


def _sort(plan: NeighbourhoodPlan, height: int, width: int) -> TileBlock:
    """Return a block that sorts every window as far as need be."""
    wanted = plan.neighbourhood
    assert isinstance(wanted, Rank)
    rows, columns = wanted.shape
    pixels = np.empty((height + rows - 1, width + columns - 1), plan.accumulator)
    # NumPy partitions pixels of two bytes some times as fast as those of one.
    compared = {"u1": np.uint16, "i1": np.int16}.get(pixels.dtype.str[1:], pixels.dtype)
    windows = np.empty((height, width, wanted.count), compared)
    shifts = np.argwhere(wanted.footprint).tolist()

    def compute(out: Array) -> None:
        for number, (y, x) in enumerate(shifts):
            windows[..., number] = pixels[y : y + height, x : x + width]
        windows.partition(wanted.index, axis=-1)
        np.copyto(out, windows[..., wanted.index], casting="unsafe")

    return TileBlock(pixels, compute)


_BLOCKS: dict[str, Callable[[NeighbourhoodPlan, int, int], TileBlock]] = {
    "extreme": rank_network.block,
    "network": rank_network.block,
    "histogram": rank_histogram.block,
    "sort": _sort,
}
