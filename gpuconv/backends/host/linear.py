"""Linear filters, a tile at a time: load a tile with its halo, filter it, store it.

Each thread keeps a filter for every tile shape it meets (four at most: inner, last column, last
row, corner). What it does to the pixels is the plan's algorithm: a file beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import tiling
from gpuconv.backends.host import box, dense, fourier, recursive, scale, separable
from gpuconv.backends.host.block import Block
from gpuconv.backends.host.filter import Filter, StripFilter, stacked, sums
from gpuconv.backends.host.idle import AnyFilter, Filters, Idle, left_by_one
from gpuconv.backends.host.ordered import OrderedFilter
from gpuconv.backends.host.pieces import Piece, pieces, planes, undilated
from gpuconv.backends.host.sifted import SiftedFilter, nearly
from gpuconv.backends.host.threads import deal, workers
from gpuconv.cost.blocks import KEPT, together
from gpuconv.plan import Plan

__all__ = ["block_of", "filter_of", "over_tiles", "run", "stack", "sums"]

Array = NDArray[Any]

#: Algorithm → what makes its block for output tiles of a height and a width.
_BLOCKS: dict[str, Callable[[Plan, int, int], Block]] = {
    "box": box.block,
    "dense": dense.block,
    "fft": fourier.block,
    "recursive": recursive.block,
    "scale": scale.block,
    "separable": separable.block,
}

#: What two threads leave behind for tiles of two or three shapes.
_IDLE = Idle(most=24 * 2**20)


def run(plan: Plan, image: Array, out: Array) -> None:
    """Filter `image` (…, H, W) into `out` as `plan` says; they must not overlap."""
    parts, spare = _IDLE.take(plan) or (_sorted(plan), [])
    if len(parts) == 1 and image.ndim == 2:
        _IDLE.give(plan, parts, _at_once(plan, parts[0], image, out, spare))
        return
    image, out, indices = planes(image, out, stack(plan))
    used = list[Filters]()

    def draw(deck: Iterator[int]) -> None:
        mine = left_by_one(spare) or {}
        with np.errstate(all="ignore"):
            for item in deck:
                piece, index = parts[item // len(indices)], indices[item % len(indices)]
                pixels = image[index]
                key = piece.shape, pixels.shape[:-2]
                if key not in mine:
                    if sum(filter_.bytes for filter_ in mine.values()) > KEPT:
                        mine.clear()
                    mine[key] = _filter(plan, *key)
                mine[key](piece, pixels, out[index])
        used.append(mine)

    deal(draw, len(parts) * len(indices), workers(plan.prediction.seconds))
    _IDLE.give(plan, parts, used + spare)


def _at_once(
    plan: Plan, piece: Piece, image: Array, out: Array, spare: list[Filters]
) -> list[Filters]:
    """Filter an image that is one piece: with no deck to deal, a third of the time of 32² pixels.

    Returns the filters that are left.
    """
    mine = left_by_one(spare) or {}
    key = piece.shape, ()
    if key not in mine:
        mine[key] = _filter(plan, *key)
    with np.errstate(all="ignore"):
        mine[key](piece, image, out)
    return [mine, *spare]


def _sorted(plan: Plan) -> tuple[Piece, ...]:
    """Return the pieces, those of one shape after the other: a filter made is then made once."""
    return tuple(sorted(pieces(plan), key=lambda piece: piece.shape, reverse=True))


def stack(plan: Plan) -> int:
    """Return how many planes go through a block together: as many for a part as for the whole."""
    if not plan.batch:
        return 1
    (top, bottom), (left, right) = (
        axis.source(0, size)
        for axis, size in zip((undilated(plan).y, plan.x), plan.tile, strict=True)
    )
    return together(plan.algorithm, bottom - top, right - left, plan.accumulator.itemsize)


def _filter(plan: Plan, shape: tuple[int, int], count: tuple[int, ...]) -> AnyFilter:
    """Return what filters pieces of a shape: of one plane, or of (count,) planes at once."""
    plan = undilated(plan)
    if not count:
        return filter_of(plan, shape)
    rows = (shape[0] - 1) * plan.y.stride + plan.y.footprint
    stack = count[0], -(-rows // plan.y.stride)
    return Filter(plan, block_of(plan, *stacked(shape, stack)), shape, stack)


def filter_of(plan: Plan, shape: tuple[int, int]) -> AnyFilter:
    """Return what filters pieces of a shape, of one plane."""
    if plan.algorithm == "ordered":
        near = nearly(plan)
        return SiftedFilter(plan, near, shape) if near else OrderedFilter(plan, shape)
    strips = separable.strips(plan, *shape) if plan.algorithm == "separable" else None
    if strips:
        return StripFilter(plan, strips)
    return Filter(plan, block_of(plan, *shape), shape, None)


def block_of(plan: Plan, height: int, width: int) -> Block:
    """Return a block of the plan's algorithm for output tiles of a height and a width."""
    return _BLOCKS[plan.algorithm](plan, height, width)


def over_tiles(plan: Plan, work: Callable[[Block, tiling.Tile, tuple[int, ...]], None]) -> None:
    """Call `work` for each tile of each plane, with a block for tiles of that shape, on threads."""
    tiles = list(tiling.tiles(plan.y, plan.x, *plan.tile))
    indices = list(product(*map(range, plan.batch)))

    def draw(deck: Iterator[int]) -> None:
        blocks = dict[tuple[int, int], Block]()
        with np.errstate(all="ignore"):
            for item in deck:
                tile, plane = tiles[item // len(indices)], indices[item % len(indices)]
                if tile.shape not in blocks:
                    blocks[tile.shape] = block_of(plan, *tile.shape)
                work(blocks[tile.shape], tile, plane)

    deal(draw, len(tiles) * len(indices), workers(plan.prediction.seconds))
