"""The bilateral filter on tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.host.tile import TileBlock
from gpuconv.dtypes import store
from gpuconv.neighbourhood import Bilateral, NeighbourhoodPlan

__all__ = ["block"]

Array = NDArray[Any]


def block(plan: NeighbourhoodPlan, height: int, width: int) -> TileBlock:
    """Return a block for output tiles of a height and a width."""
    wanted = plan.neighbourhood
    assert isinstance(wanted, Bilateral)
    r = wanted.radius
    channels = () if plan.channels is None else (plan.channels,)
    pixels = np.empty((*channels, height + 2 * r, width + 2 * r), plan.accumulator)
    reach = range(-r, r + 1)
    shifts = [(y, x) for y in reach for x in reach if y * y + x * x <= r * r]

    def at(y: int, x: int) -> Array:
        return pixels[..., r + y : r + y + height, r + x : r + x + width]

    def compute(out: Array) -> None:
        total = np.zeros(at(0, 0).shape, pixels.dtype)
        weight = np.zeros(total.shape[-2:], pixels.dtype)
        for y, x in shifts:
            distance = np.abs(at(y, x) - at(0, 0))
            if channels:
                distance = distance.sum(axis=0)
            space = -(y * y + x * x) / (2 * wanted.sigma_space**2)
            w = np.exp(space - distance**2 / (2 * wanted.sigma_color**2))
            total += w * at(y, x)
            weight += w
        total /= weight
        store(total, out)

    return TileBlock(pixels, compute)
