"""What a call takes on the CPU engine: a bill of its work, each item at a measured rate.

A bill is linear in the rates, so that one bill serves twice: with all rates it predicts, and with a
measured time it tells the one rate that is not known yet (:func:`solved`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import product
from math import ceil, log2, prod, sqrt
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from gpuconv import dtypes
from gpuconv.cost.blocks import COLUMN_GROUP, DENSE_GROUP, KEPT, ROW_GROUP, WORTH_SHARING, together
from gpuconv.cost.machine import Machine
from gpuconv.cost.sharing import least_shared
from gpuconv.request import Candidate, Request

__all__ = ["Item", "bill", "scratch", "seconds", "solved", "traffic"]


class Item(NamedTuple):
    """A kind of work on a bill."""

    #: The name of its rate, in seconds per unit.
    rate: str
    #: Where the rate depends on a size: at which it is taken.
    size: float = 0
    #: Whether it is done in float64.
    double: bool = False

    def price(self, machine: Machine) -> float:
        """Return the seconds of one unit."""
        price = machine.at(self.rate, self.size) if self.size else machine.rate(self.rate)
        return price * machine.rate(f"double.{self._kind()}") if self.double else price

    def _kind(self) -> str:
        """Return what takes as much longer in float64 as this does."""
        moves = self.rate.startswith(("load.", "store."))
        return "pixel" if moves or self.rate == "divide" else self.rate


Bill: TypeAlias = dict[Item, float]


class _Tile(NamedTuple):
    """Pixels that are read, and outputs that are made of them."""

    rows: int
    columns: int
    height: int
    width: int


#: Algorithms that are products with banded matrices.
_BANDED = ("dense", "separable")
#: Work that is done once for a stack, however many pixels that has.
_PYTHON = ("tile", "step")


#: A stacked product of matrices, in calls of other NumPy functions that take as long where arrays
#: are small.
_PRODUCT_STEPS = 2
#: A tile's transforms, likewise.
_TRANSFORM_STEPS = 70


# ------------------------------------------------------------------------ the bill


def bill(candidate: Candidate, request: Request) -> Bill:
    """Return the work of a call."""
    items: Bill = defaultdict(float, {Item("call"): 1})
    planes = prod(request.batch) * (2 if request.weighed else 1)
    ys = _pieces(request.y.out, candidate.tile[0])
    xs = _pieces(request.x.out, candidate.tile[1])
    for (height, downward), (width, across) in product(ys, xs):
        tile = _tile(candidate, request, height, width)
        stacked = min(_together(candidate, request, tile), max(planes, 1))
        if stacked > 1:
            # Between planes in a stack lie rows of sums that nobody wants.
            tile = tile._replace(height=tile.rows)
        for item, amount in _work(candidate, request, tile):
            each = ceil(planes / stacked) if item.rate in _PYTHON else planes
            items[item] += amount * downward * across * each
    return items


def _tile(candidate: Candidate, request: Request, height: int, width: int) -> _Tile:
    """Return a tile that makes so many outputs."""
    y, x = request.y, request.x
    # Banded products leave out the rows between taps.
    banded = candidate.algorithm in _BANDED
    down = y.taps if banded else y.footprint
    return _Tile(
        (height - 1) * y.stride + down, (width - 1) * x.stride + x.footprint, height, width
    )


def _together(candidate: Candidate, request: Request, tile: _Tile) -> int:
    """Return how many planes go through a block together."""
    if not request.batch:
        return 1
    return together(candidate.algorithm, tile.rows, tile.columns, candidate.accumulator.itemsize)


def _pieces(length: int, step: int) -> list[tuple[int, int]]:
    """Return (size, how many) of the pieces of an axis: whole ones, and what is left."""
    whole, rest = divmod(length, step)
    return [piece for piece in ((step, whole), (rest, 1)) if all(piece)]


Work = Iterator[tuple[Item, float]]


def _work(candidate: Candidate, request: Request, tile: _Tile) -> Work:
    """Yield the work of a tile: it is read, filtered and written."""
    wide = candidate.accumulator == np.float64
    outputs = tile.height * tile.width
    yield Item("tile"), 1
    reads, writes = wide and _narrow(request.dtype), wide and _narrow(request.out_dtype)
    yield Item(f"load.{request.dtype}", 0, reads), tile.rows * tile.columns
    yield Item(f"store.{request.out_dtype}", 0, writes), outputs
    if request.kernel.divisor != 1:
        yield Item("divide", 0, wide), outputs
    if request.epilogue:
        yield Item("pixel", 0, wide), 2 * outputs
    for item, amount in _ALGORITHMS[candidate.algorithm](candidate, request, tile):
        yield item._replace(double=wide and item.rate not in ("addition", "step")), amount


def _narrow(dtype: np.dtype[Any]) -> bool:
    """Return whether pixels of a dtype are summed in float32, unless they must be in float64."""
    return dtypes.rule(dtype).accumulator == "float32"


def _scale(candidate: Candidate, request: Request, tile: _Tile) -> Work:
    yield Item("pixel"), tile.height * tile.width


def _dense(candidate: Candidate, request: Request, tile: _Tile) -> Work:
    rows, columns = request.kernel.shape
    # A group of outputs is made from all rows that it spans, in copies of them for each column.
    products = (rows + (DENSE_GROUP - 1) * request.y.stride) * columns
    yield Item("step"), columns + _PRODUCT_STEPS
    yield Item("dense", rows), tile.height * tile.width * products


def _separable(candidate: Candidate, request: Request, tile: _Tile) -> Work:
    y, x, terms = request.y, request.x, len(candidate.terms)
    yield Item("step"), 2 * _PRODUCT_STEPS * terms
    # Groups of outputs span what lies between them, and along x what lies between taps.
    down = y.taps + (COLUMN_GROUP - 1) * (y.stride - 1)
    across = x.footprint + (ROW_GROUP - 1) * (x.stride - 1)
    yield _pass(down, terms * tile.height * tile.columns)
    yield _pass(across, terms * tile.height * tile.width)
    if terms > 1:
        yield Item("pixel"), (terms - 1) * tile.height * tile.width


#: Taps of the longest pass whose rate is measured; longer ones take as long per tap.
_LONGEST_PASS = 255


def _pass(taps: int, pixels: float) -> tuple[Item, float]:
    longer = max(taps / _LONGEST_PASS, 1)
    return Item("pass", min(taps, _LONGEST_PASS)), pixels * longer


def _box(candidate: Candidate, request: Request, tile: _Tile) -> Work:
    (taps, _), all_taps = request.kernel.shape, prod(request.kernel.shape)
    pixels, share = tile.rows * tile.columns, log2(taps) / log2(all_taps)
    yield Item("step"), candidate.operations
    for count, part in ((taps, share), (all_taps, 1 - share)):
        room = pixels * _bytes_of_sum(candidate, request, count)
        yield Item("addition", room), candidate.operations * part * room
    yield Item("pixel"), 2 * tile.height * tile.width


def _bytes_of_sum(candidate: Candidate, request: Request, count: int) -> int:
    """Return the bytes of a sum of so many pixels: of few small integers, it is a small one."""
    sizes = (2, 4) if request.dtype.kind in "iu" else ()
    fits = (size for size in sizes if count << 8 * request.dtype.itemsize <= 1 << 8 * size)
    return next(fits, candidate.accumulator.itemsize)


def _fft(candidate: Candidate, request: Request, tile: _Tile) -> Work:
    points = prod(candidate.transform or (1, 1))
    yield Item("step"), _TRANSFORM_STEPS
    yield Item("transform", sqrt(points)), points * log2(max(points, 2))


def _recursive(candidate: Candidate, request: Request, tile: _Tile) -> Work:
    yield Item("recursion"), candidate.operations * tile.rows * tile.columns


def _ordered(candidate: Candidate, request: Request, tile: _Tile) -> Work:
    # Each tap is a product and a sum of pixels in a cache.
    yield Item("step"), 2 * candidate.operations
    yield Item("pixel"), 2 * candidate.operations * tile.height * tile.width


_ALGORITHMS: dict[str, Callable[[Candidate, Request, _Tile], Work]] = {
    "scale": _scale,
    "dense": _dense,
    "separable": _separable,
    "box": _box,
    "fft": _fft,
    "recursive": _recursive,
    "ordered": _ordered,
}


# ------------------------------------------------------------------------ what it comes to


def seconds(candidate: Candidate, request: Request, machine: Machine) -> float:
    """Return what the call takes: on one thread, or on all if it is worth sharing."""
    items = bill(candidate, request)
    once, moving, computing = _sums(items, machine)
    alone = once + moving + computing
    pieces = items[Item("tile")]
    helpers = min(machine.units, pieces) - 1
    if helpers < 1 or alone <= WORTH_SHARING:
        return alone
    moved = moving / (1 + min(helpers * machine.rate("gain.memory"), machine.rate("gain.most")))
    computed = computing / (1 + helpers * machine.rate("gain.compute"))
    # Nobody can help with the last pieces.
    uneven = ceil(pieces / (helpers + 1)) * (helpers + 1) / pieces
    shared = once + helpers * machine.rate("thread") + (moved + computed) * uneven
    return max(shared, least_shared(alone))


def _sums(items: Bill, machine: Machine) -> tuple[float, float, float]:
    """Return the seconds of what is done once, of moving pixels, and of computing.

    Cores share the memory that pixels are moved to and from; each has arithmetic of its own.
    """
    sums = {"once": 0.0, "move": 0.0, "compute": 0.0}
    for item, amount in items.items():
        moves = item.rate.startswith(("load.", "store."))
        kind = "move" if moves else "once" if item.rate == "call" else "compute"
        sums[kind] += amount * item.price(machine)
    return sums["once"], sums["move"], sums["compute"]


def solved(items: Bill, machine: Machine, rate: str, measured: float) -> float:
    """Return the rate with which a bill, on one thread, comes to what was measured."""
    known = sum(n * item.price(machine) for item, n in items.items() if item.rate != rate)
    return (measured - known) / sum(n for item, n in items.items() if item.rate == rate)


# ------------------------------------------------------------------------ memory


def traffic(candidate: Candidate, request: Request, machine: Machine) -> int:
    """Return the bytes moved beside image and output: none, as tiles stay in the caches."""
    return 0


def scratch(candidate: Candidate, request: Request, machine: Machine) -> int:
    """Return about how many bytes all threads together take for their tiles.

    Each has scratch for every shape of tile: inner ones, those of the last column and of the last
    row, and the corner; but keeps no more than KEPT when it comes to another one.
    """
    height, width = candidate.tile
    down, across = _pieces(request.y.out, height), _pieces(request.x.out, width)
    shapes = sum(rows * columns for rows, _ in down for columns, _ in across) / (height * width)
    threads = min(machine.units, sum(n for _, n in down) * sum(n for _, n in across))
    return int(threads * min(shapes * candidate.workspace, candidate.workspace + KEPT))
