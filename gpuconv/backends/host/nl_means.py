"""Non-local means on tiles."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.host.tile import TileBlock
from gpuconv.dtypes import store
from gpuconv.neighbourhood import NeighbourhoodPlan, NonLocalMeans

__all__ = ["block"]

Array = NDArray[Any]


def block(plan: NeighbourhoodPlan, height: int, width: int) -> TileBlock:
    """Return a block for output tiles of a height and a width."""
    wanted = plan.neighbourhood
    assert isinstance(wanted, NonLocalMeans)
    s, patch = wanted.search_distance, wanted.patch_size
    half = patch // 2
    channels = () if plan.channels is None else (plan.channels,)
    margin = 2 * s + patch - 1
    pixels = np.empty((*channels, height + margin, width + margin), plan.accumulator)

    def at(y: int, x: int) -> Array:
        return pixels[..., s + half + y : s + half + y + height, s + half + x :][..., :width]

    def compute(out: Array) -> None:
        total = np.zeros(at(0, 0).shape, pixels.dtype)
        weight = np.zeros(total.shape[-2:], pixels.dtype)
        reach = range(-s, s + 1)
        for y, x in product(reach, reach):
            distance = np.zeros(total.shape, pixels.dtype)
            for j, i in product(range(-half, patch - half), repeat=2):
                distance += (at(y + j, x + i) - at(j, i)) ** 2
            distance /= patch * patch
            if channels:
                distance = distance.mean(axis=0)
            w = np.exp(-np.maximum(distance - 2 * wanted.sigma**2, 0) / wanted.h**2)
            total += w * at(y, x)
            weight += w
        total /= weight
        store(total, out)

    return TileBlock(pixels, compute)
