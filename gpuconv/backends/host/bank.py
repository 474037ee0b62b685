"""Filter banks: a tile of the image goes through every filter while it is in cache."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from math import isfinite
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gpuconv import tiling
from gpuconv.backends.host import dense, linear
from gpuconv.backends.host.idle import Leftovers, left_by_one
from gpuconv.backends.host.load import loading
from gpuconv.backends.host.pieces import Piece
from gpuconv.backends.host.threads import deal, workers
from gpuconv.bank import Bank
from gpuconv.border import span
from gpuconv.dtypes import store
from gpuconv.plan import Plan

__all__ = ["run", "tile_of"]

Array = NDArray[Any]

#: Bytes of the filters that a thread keeps from tile to tile. Those that find no room among them
#: are made again for each tile, which costs a little time and no memory.
_KEPT = 64 * 2**20

#: What two threads leave behind for tiles of two or three shapes.
_IDLE = Leftovers[Bank, tuple[list[tiling.Tile], list["_Made"]]](most=24 * 2**20)

#: Bytes of a tile, about, and of a filter beside its scratch: views into that, and calls.
_TILE, _FILTER = 500, 10_000

#: Tiles of which it is remembered how they are loaded: all of a small image.
_REMEMBERED = 64

#: What a response and those before it become.
_COMBINED: dict[str | None, np.ufunc] = {
    "magnitude": np.add,
    "max": np.maximum,
    "sum": np.add,
    "direction": np.arctan2,
}

#: Dense filters that share the copies of a tile that they are products with: their sums lie next to
#: each other, and more of them would leave the cache.
_TOGETHER = 4


def run(bank: Bank, image: Array, out: Array) -> None:
    """Filter `image` (…, H, W) into `out` as `bank` says; they must not overlap."""
    tiles, spare = _IDLE.take(bank) or (_tiles(bank), [])
    planes = list(product(*map(range, bank.plans[0].batch)))
    made, every = (_Reduced, ()) if bank.reduce else (_Stacked, (slice(None),))
    used: list[_Made] = []

    def draw(deck: Iterator[int]) -> None:
        mine = left_by_one(spare) or {}
        with np.errstate(all="ignore"):
            for item in deck:
                tile, plane = tiles[item // len(planes)], planes[item % len(planes)]
                if tile.shape not in mine:
                    if sum(filters.bytes for filters in mine.values()) > _KEPT:
                        mine.clear()
                    mine[tile.shape] = made(bank, tile.shape)
                mine[tile.shape].run(tile, image[plane], out[(*every, *plane)])
        used.append(mine)

    deal(draw, len(tiles) * len(planes), workers(bank.seconds))
    kept = used + spare
    size = sum(_FILTER + filters.bytes for each in kept for filters in each.values())
    _IDLE.leave(bank, (tiles, kept), size + _TILE * len(tiles))


def _tiles(bank: Bank) -> list[tiling.Tile]:
    """Return the tiles, those of one shape after the other: filters made are then made once."""
    first = bank.plans[0]
    tiles = tiling.tiles(first.y, first.x, *tile_of(bank.plans))
    return sorted(tiles, key=lambda tile: tile.shape, reverse=True)


def tile_of(plans: Sequence[Plan]) -> tuple[int, int]:
    """Return output rows and columns that suit all filters: transforms have a largest tile."""
    limited = [plan for plan in plans if plan.transform] or plans
    return min(plan.tile[0] for plan in limited), min(plan.tile[1] for plan in limited)


class _Filters:
    """The filters of plans for tiles of one shape, as many of them kept as there is room for."""

    def __init__(self, plans: list[Plan], shape: tuple[int, int]) -> None:
        self.plans, self.shape = plans, shape
        self._kept = dict[int, Callable[[Piece, Array, Array], None]]()
        self.bytes = 0

    def __call__(self, i: int, tile: tiling.Tile, image: Array, out: Array) -> None:
        """Write what filter `i` makes of a tile to `out`, which is the tile's alone."""
        here = slice(0, self.shape[0]), slice(0, self.shape[1])
        self._filter(i)(Piece(self.shape, *here, *_sources(self.plans[i], tile)), image, out)

    def _filter(self, i: int) -> Callable[[Piece, Array, Array], None]:
        if i in self._kept:
            return self._kept[i]
        made = linear.filter_of(self.plans[i], self.shape)
        if self.bytes < _KEPT:
            self._kept[i] = made
            self.bytes += made.bytes
        return made


class _Stacked:
    """A bank whose responses are all stored, at work on tiles of one shape."""

    def __init__(self, bank: Bank, shape: tuple[int, int]) -> None:
        self.shape = shape
        plans = [replace(plan, epilogue=bank.epilogue) for plan in bank.plans]
        self._filters = _Filters(plans, shape)

    @property
    def bytes(self) -> int:
        """Of all that it holds."""
        return self._filters.bytes

    def run(self, tile: tiling.Tile, image: Array, out: Array) -> None:
        """Filter a tile of `image` (H, W) into `out` (F, H, W)."""
        for i, response in enumerate(out[:, tile.rows, tile.columns]):
            self._filters(i, tile, image, response)


class _Reduced:
    """A bank whose responses become one, at work on tiles of one shape."""

    def __init__(self, bank: Bank, shape: tuple[int, int]) -> None:
        self.shape, self._bank = shape, bank
        plans = [replace(plan, out_dtype=bank.accumulator) for plan in bank.plans]
        self._filters = _Filters(plans, shape)
        together, self._alone = _together(bank.plans)
        self._stacks = [
            (members, dense.stack([bank.plans[i] for i in members], *shape)) for members in together
        ]
        # Sums of a stack have their rows in groups, perhaps more of them than the tile.
        group = self._stacks[0][1].sums[0].shape[1] if self._stacks else 1
        room = np.empty((2, -(-shape[0] // group), group, shape[1]), bank.accumulator)
        self._grouped, (self._total, self._part) = room[0], room.reshape(2, -1, shape[1])
        self._total, self._part = self._total[: shape[0]], self._part[: shape[0]]
        self._loads = dict[tuple[int, ...], Callable[[Array], None]]()
        self._limits = _limits(bank)
        self._room = room.nbytes + sum(stack.bytes for _, stack in self._stacks)

    @property
    def bytes(self) -> int:
        """Of all that it holds."""
        return self._room + self._filters.bytes

    def run(self, tile: tiling.Tile, image: Array, out: Array) -> None:
        """Filter a tile of `image` (H, W) into `out` (H, W)."""
        for count, response in enumerate(self._responses(tile, image)):
            total = self._total if response.ndim == 2 else self._grouped
            self._collect(response.astype(total.dtype, copy=False), total, first=count == 0)
        if self._bank.reduce == "magnitude":
            np.sqrt(self._total, out=self._total)
        self._bank.epilogue.apply(self._total)
        target = out[tile.rows, tile.columns]
        if self._limits:
            np.rint(self._total, out=self._total)
            self._total.clip(*self._limits, out=self._total)
            np.copyto(target, self._total, casting="unsafe")
        else:
            store(self._total, target, self._bank.epilogue.wrap)

    def _collect(self, response: Array, total: Array, first: bool) -> None:
        """Add a response, which may be overwritten, to what the others became."""
        if self._bank.reduce == "magnitude":
            np.multiply(response, response, out=total if first else response)
        elif self._bank.reduce == "direction":
            # To add 0 makes 0 of −0, beside which arctan2 would tell left from left.
            np.add(response, 0, out=total if first else response)
        elif first:
            np.copyto(total, response)
        if not first:
            _COMBINED[self._bank.reduce](response, total, out=total)

    def _responses(self, tile: tiling.Tile, image: Array) -> Iterator[Array]:
        """Yield what each filter makes of a tile; it may be overwritten."""
        alone = list(self._alone)
        for number, (members, stack) in enumerate(self._stacks):
            self._loading(number, tile)(image)
            stack.compute()
            if _smeared(self._bank.plans[members[0]], stack):
                alone += members
                continue
            for i, sums in zip(members, stack.sums, strict=True):
                divisor = self._bank.plans[i].kernel.divisor
                yield sums if divisor == 1 else np.divide(sums, divisor, out=sums)
        for i in alone:
            self._filters(i, tile, image, self._part)
            yield self._part

    def _loading(self, number: int, tile: tiling.Tile) -> Callable[[Array], None]:
        """Return a call that copies what a stack reads for a tile."""
        key = number, *tile.source_rows, *tile.source_columns
        known = self._loads.get(key)
        if known is None:
            members, stack = self._stacks[number]
            plan = self._bank.plans[members[0]]
            rows, columns = _sources(plan, tile)
            y = span(plan.border[0], rows.start, rows.stop, plan.y.n)
            x = span(plan.border[1], columns.start, columns.stop, plan.x.n)
            known = loading(y, x, plan.cval, stack.pixels)
            if len(self._loads) < _REMEMBERED:
                self._loads[key] = known
        return known


#: Filters of one thread, by the shape of a tile.
_Made: TypeAlias = dict[tuple[int, int], _Stacked | _Reduced]


def _limits(bank: Bank) -> tuple[int, int] | None:
    """Return the least and the largest integer of an output, if nothing more is to be minded.

    Sums hold these limits exactly, and none of them is NaN.
    """
    first = bank.plans[0]
    written = np.iinfo(bank.out_dtype) if bank.out_dtype.kind in "iu" else None
    if written is None or written.bits == 64 or first.dtype.kind == "f" or not isfinite(first.cval):
        return None
    if bank.epilogue.wrap:
        return None
    total = sum(plan.kernel.total / abs(plan.kernel.divisor) for plan in bank.plans)
    if total * max(2.0**64, abs(first.cval)) >= float(np.finfo(bank.accumulator).max):
        return None
    return int(written.min), int(written.max)


def _together(plans: tuple[Plan, ...]) -> tuple[list[list[int]], list[int]]:
    """Return which filters share what they read, and which are better alone."""
    alike = defaultdict[object, list[int]](list)
    for i, plan in enumerate(plans):
        alike[plan.y, plan.x, plan.accumulator, i if plan.algorithm != "dense" else -1].append(i)
    runs = [
        members[start : start + _TOGETHER]
        for members in alike.values()
        for start in range(0, len(members), _TOGETHER)
    ]
    return [run for run in runs if len(run) > 1], [i for run in runs if len(run) == 1 for i in run]


def _smeared(plan: Plan, stack: dense.Stack) -> bool:
    """Return whether there is NaN or infinity among the pixels, which bands smear."""
    if plan.dtype.kind != "f" and isfinite(plan.cval):
        return False
    # Rows are added to each other faster than the numbers of a row.
    return not isfinite(np.add.reduce(np.add.reduce(stack.pixels)))


def _sources(plan: Plan, tile: tiling.Tile) -> tuple[range, range]:
    """Return the image rows and columns that a filter reads for a tile of the bank's."""
    rows = plan.y.source(tile.rows.start, tile.rows.stop)
    columns = plan.x.source(tile.columns.start, tile.columns.stop)
    return range(*rows), range(*columns)
