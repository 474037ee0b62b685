"""Neighbourhood filters, a tile at a time: load a tile with its halo, filter it, store it.

Each thread keeps a block for every tile shape it meets, and leaves them for the next call. What a
block does to the pixels is the plan's family: a file beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gpuconv import tiling
from gpuconv.backends.host import bilateral, nl_means, rank
from gpuconv.backends.host.idle import Leftovers, left_by_one
from gpuconv.backends.host.load import loading
from gpuconv.backends.host.threads import deal, workers
from gpuconv.backends.host.tile import TileBlock
from gpuconv.border import Span, span
from gpuconv.cost.blocks import KEPT
from gpuconv.neighbourhood import NeighbourhoodPlan

__all__ = ["run"]

Array = NDArray[Any]

#: Family → what makes its block for output tiles of a height and a width.
_BLOCKS: dict[str, Callable[[NeighbourhoodPlan, int, int], TileBlock]] = {
    "bilateral": bilateral.block,
    "nl_means": nl_means.block,
    "rank": rank.block,
}


@dataclass(frozen=True, eq=False)
class _Piece:
    """A tile of the output, and the rows and columns that it is made from."""

    shape: tuple[int, int]
    #: Of the output.
    part: tuple[slice, slice]
    #: Of the image and its border.
    rows: Span
    columns: Span


class _Made:
    """A block, and what loads pieces into it."""

    def __init__(self, plan: NeighbourhoodPlan, shape: tuple[int, int]) -> None:
        self._cval = plan.cval
        self._block = _BLOCKS[plan.neighbourhood.family](plan, *shape)
        self._loaders = dict[_Piece, Callable[[Array], None]]()

    def filter(self, piece: _Piece, image: Array, out: Array) -> None:
        """Filter one piece of one plane, or of the planes of its channels."""
        load = self._loaders.get(piece)
        if load is None:
            load = loading(piece.rows, piece.columns, self._cval, self._block.pixels)
            if len(self._loaders) < _LOADERS:
                self._loaders[piece] = load
        load(image)
        self._block.compute(out[..., *piece.part])


#: Blocks of one thread, by the shape of the tile.
_Blocks: TypeAlias = dict[tuple[int, int], _Made]

_IDLE = Leftovers[NeighbourhoodPlan, tuple[list[_Piece], list[_Blocks]]](most=24 * 2**20)
#: Bytes of a piece, about; and pieces of a small image, whose loading is prepared but once.
_PIECE, _LOADERS = 1000, 4
#: Bytes of a block beside its scratch, for each of its operations, about.
_OPERATION = 500


def run(plan: NeighbourhoodPlan, image: Array, out: Array) -> None:
    """Filter `image` into `out`, both (…, H, W) or (…, C, H, W), as `plan` says."""
    pieces, spare = _IDLE.take(plan) or (_pieces(plan), [])
    indices = list(product(*map(range, plan.batch)))
    scratch = plan.prediction.peak - plan.bytes_moved
    used = list[_Blocks]()

    def draw(deck: Iterator[int]) -> None:
        blocks = left_by_one(spare) or {}
        with np.errstate(all="ignore"):
            for item in deck:
                piece, plane = pieces[item // len(indices)], indices[item % len(indices)]
                if piece.shape not in blocks:
                    if blocks and scratch > KEPT * plan.machine.units:
                        blocks.clear()
                    blocks[piece.shape] = _Made(plan, piece.shape)
                blocks[piece.shape].filter(piece, image[plane], out[plane])
        used.append(blocks)

    threads = workers(plan.prediction.seconds) if plan.shared else 1
    deal(draw, len(pieces) * len(indices), threads)
    size = _PIECE * len(pieces) + scratch + int(_OPERATION * plan.operations) * len(used)
    _IDLE.leave(plan, (pieces, used + spare), size)


def _pieces(plan: NeighbourhoodPlan) -> list[_Piece]:
    """Return the pieces, those of one shape after the other: a block is then made once."""
    tiles = sorted(tiling.tiles(plan.y, plan.x, *plan.tile), key=lambda tile: tile.shape)
    return [
        _Piece(
            tile.shape,
            (tile.rows, tile.columns),
            span(plan.border[0], *tile.source_rows, plan.y.n),
            span(plan.border[1], *tile.source_columns, plan.x.n),
        )
        for tile in reversed(tiles)
    ]
