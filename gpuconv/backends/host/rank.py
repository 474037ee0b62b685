"""Rank filters on tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.host.tile import TileBlock
from gpuconv.neighbourhood import NeighbourhoodPlan, Rank

__all__ = ["block"]

Array = NDArray[Any]


def block(plan: NeighbourhoodPlan, height: int, width: int) -> TileBlock:
    """Return a block for output tiles of a height and a width."""
    wanted = plan.neighbourhood
    assert isinstance(wanted, Rank)
    rows, columns = wanted.shape
    pixels = np.empty((height + rows - 1, width + columns - 1), plan.accumulator)
    shifts = np.argwhere(wanted.footprint).tolist()

    def compute(out: Array) -> None:
        windows = np.stack([pixels[y : y + height, x : x + width] for y, x in shifts])
        found = np.partition(windows, wanted.index, axis=0)[wanted.index]
        if pixels.dtype.kind == "f":
            found[np.isnan(windows).any(axis=0)] = np.nan
        np.copyto(out, found, casting="unsafe")

    return TileBlock(pixels, compute)
