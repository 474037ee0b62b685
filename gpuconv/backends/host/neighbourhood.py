"""Neighbourhood filters, a tile at a time: load a tile with its halo, filter it, store it.

Each thread keeps a block for every tile shape it meets. What a block does to the pixels is the
plan's family: a file beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import tiling
from gpuconv.backends.host import bilateral, nl_means, rank
from gpuconv.backends.host.load import load
from gpuconv.backends.host.threads import deal, workers
from gpuconv.backends.host.tile import TileBlock
from gpuconv.border import span
from gpuconv.neighbourhood import NeighbourhoodPlan

__all__ = ["run"]

Array = NDArray[Any]

#: Family → what makes its block for output tiles of a height and a width.
_BLOCKS: dict[str, Callable[[NeighbourhoodPlan, int, int], TileBlock]] = {
    "bilateral": bilateral.block,
    "nl_means": nl_means.block,
    "rank": rank.block,
}


def run(plan: NeighbourhoodPlan, image: Array, out: Array) -> None:
    """Filter `image` into `out`, both (…, H, W) or (…, C, H, W), as `plan` says."""
    tiles = list(tiling.tiles(plan.y, plan.x, *plan.tile))
    indices = list(product(*map(range, plan.batch)))
    make = _BLOCKS[plan.neighbourhood.family]

    def draw(deck: Iterator[int]) -> None:
        blocks = dict[tuple[int, int], TileBlock]()
        with np.errstate(all="ignore"):
            for item in deck:
                tile, plane = tiles[item // len(indices)], indices[item % len(indices)]
                if tile.shape not in blocks:
                    blocks[tile.shape] = make(plan, *tile.shape)
                _filter(plan, blocks[tile.shape], tile, image[plane], out[plane])

    deal(draw, len(tiles) * len(indices), workers(plan.prediction.seconds))


def _filter(
    plan: NeighbourhoodPlan, block: TileBlock, tile: tiling.Tile, image: Array, out: Array
) -> None:
    """Filter one tile of one plane, or of the planes of its channels."""
    rows = span(plan.border[0], *tile.source_rows, plan.y.n)
    columns = span(plan.border[1], *tile.source_columns, plan.x.n)
    load(image, rows, columns, plan.cval, block.pixels)
    block.compute(out[..., tile.rows, tile.columns])
