"""What rank filters take on the CPU engine.

Figures are of a core of a Zen 4 server CPU, in operations on a pixel and in steps of Python, each
at the rate of that name. ``python -m benchmarks.cpu selection`` times every algorithm beside what
is chosen.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, log2, prod
from typing import NamedTuple, TypeAlias

import numpy as np

from gpuconv.cost import Machine, Prediction
from gpuconv.cost.sharing import dealt
from gpuconv.neighbourhood.networks import extreme as extreme_of
from gpuconv.neighbourhood.networks import phases_of, program
from gpuconv.neighbourhood.programs import Program
from gpuconv.neighbourhood.rank import Rank
from gpuconv.neighbourhood.request import Candidate, Request

__all__ = [
    "MOST_SETS",
    "PARTS",
    "WORD",
    "bytes_of_word",
    "extreme",
    "histogram",
    "network",
    "sort",
    "steps_of",
]

Answer: TypeAlias = tuple[Candidate, Prediction] | str

#: Most pixels under a footprint of a network, those of 23×23: larger windows are counted in less
#: time. And the fewest pixels of an image for one of more than 7×7: finding the steps of a network
#: and making its views takes a quarter of a millisecond for each pixel of the footprint, several
#: times as long as sorting so few windows.
_MOST_PIXELS = 529
_SMALL_FOOTPRINT, _LEAST_IMAGE = 49, 2**14

#: Rows of tiles that networks are tried with, and their columns.
_HEIGHTS = (16, 32, 64, 128, 256, 512)
_WIDTH = 512
#: Copies of a tile with its border, and of its results.
_COPIES = 4
#: The part of the time of one thread that several may take at most, each in the best tiles: when
#: other programs keep a core busy they take more than is predicted, and one alone does not.
_WORTH = 0.8
#: Operations on a pixel up to which threads gain by sharing tiles: between any two steps they wait
#: for the interpreter, and what many steps keep at a time must share a cache. (2048² float32 on one
#: thread and on two: 5×5 in 39 and 26 ms, 7×7 in 101 and 150, 11×11 in 257 and 419; bytes: 12.5 and
#: 9.6, 27 and 40, 59 and 110.)
_MOST_SHARED = 100
#: Rooms for arrays of all phases and of one are not shared: so many times what is kept at a time.
_ROOM = 1.3
#: Bytes of scratch of a thread, unless the smallest tile takes more: what two threads leave behind
#: for the next call.
_MOST_SCRATCH = 10 * 2**20

#: A call of NumPy's, in steps. (Its views are made once: the next call finds them.)
_CALL = 0.63
#: Operations on a pixel that the minimum of a byte takes, by the bytes of scratch.
_BYTE = {1e6: 0.55, 5e6: 0.68, 1e7: 0.9, 2e7: 1.2, 4e7: 2.0}
#: And putting a pixel to those of its phase, and back.
_PHASE = 8.0

#: Parts of the pixels of a tile that are not bytes, at most, and pixels of a word of a set of them:
#: with more parts there are more counts, with fewer there are larger sets.
PARTS, WORD = 128, 64
#: Bytes of sets that are made at a time, unless those of one word are more.
MOST_SETS = 8 * 2**20
#: Values that windows are asked for, of bytes: as many as photographs have in a tile.
_ASKED = 150
#: Rows and columns of a tile, of bytes and of pixels that sets are made of. Threads wait for the
#: interpreter between any two steps, but in a larger tile windows ask for more values. (31×31 of
#: bytes, two threads: 1024×2048 in 676 ms with 128 × 512, 386 with these; 2048² in 684 ms, and 1124
#: with 256 × 2048. float32, 1024×2048: 677 with these, 869 with 256 × 512.)
_COUNTED_TILE: dict[bool, tuple[int, int]] = {True: (256, 1024), False: (128, 256)}
#: Operations on a pixel that it takes to make a byte of counts.
_COUNTED = 0.75
#: Operations on a pixel to sort one; to look for one in a word of a set, and in the last one; and
#: on a byte of sets.
_SORTED, _LOOKED, _FOUND, _SETS = 220.0, 100.0, 150.0, 1.0

#: Operations on a pixel to partition a window, and for each of its pixels, by their bytes.
_WINDOW = 750.0
_VALUE = {1: 31.0, 2: 31.0, 4: 50.0, 8: 60.0}


@lru_cache(maxsize=64)
def steps_of(wanted: Rank, algorithm: str) -> Program:
    """Return what "extreme" or "network" computes."""
    if algorithm == "extreme":
        return extreme_of(wanted.columns, larger=wanted.index > 0)
    phases = phases_of(wanted.columns) if wanted.whole else 1
    return program(wanted.columns, wanted.index, phases)


def extreme(request: Request, machine: Machine) -> Answer:
    """Return what minima and maxima of windows take."""
    wanted = _rank(request)
    if wanted.index not in (0, wanted.count - 1):
        return f"rank {wanted.index} of {wanted.count} is neither the least nor the largest"
    return _steps("extreme", request, machine)


def network(request: Request, machine: Machine) -> Answer:
    """Return what a selection network takes."""
    wanted = _rank(request)
    if wanted.count > _MOST_PIXELS:
        return f"a footprint of {wanted.count} pixels, more than {_MOST_PIXELS}"
    worth = wanted.count <= _SMALL_FOOTPRINT or request.scalars >= _LEAST_IMAGE
    if not worth and request.method != "network":
        return f"finding its steps takes longer than filtering {request.scalars} pixels"
    return _steps("network", request, machine)


def _steps(name: str, request: Request, machine: Machine) -> Answer:
    """Return what a program takes, in the tiles in which it takes the least."""
    wanted = _rank(request)
    steps = steps_of(wanted, name)
    tiles = {_clipped(request, height, max(_WIDTH, wanted.shape[1])) for height in _HEIGHTS}
    alone, together = (
        _fastest([_stepping(steps, request, machine, tile, shared) for tile in tiles], machine)
        for shared in (False, True)
    )
    shared = steps.operations <= _MOST_SHARED and together.seconds <= _WORTH * alone.seconds
    chosen = together if shared else alone
    candidate = Candidate(name, chosen.tile, steps.operations, shared)
    return candidate, request.predicted(chosen.seconds, chosen.scratch)


class _Cost(NamedTuple):
    """What a program takes in tiles of a size."""

    seconds: float
    scratch: float
    tile: tuple[int, int]


def _fastest(costs: list[_Cost], machine: Machine) -> _Cost:
    """Return what takes the least time, of what needs no more scratch than it may."""
    most = max(min(cost.scratch for cost in costs), _MOST_SCRATCH * machine.units)
    return min(cost for cost in costs if cost.scratch <= most)


def _stepping(
    steps: Program, request: Request, machine: Machine, tile: tuple[int, int], shared: bool
) -> _Cost:
    """Return what a program takes in tiles of a size, on one thread or on all."""
    (rows, columns), (height, width) = _rank(request).shape, tile
    size, across = request.computed.itemsize, width + columns - 1
    scratch = _ROOM * steps.room * (height + rows - 1) * across * size
    # Steps that come first make the most values: those that have more rows below to serve.
    values = steps.operations * (height + (rows - 1) / 2) * across
    computing = values * size * _byte(scratch) * machine.rate("pixel")
    computing += _PHASE * height * width * (steps.phases > 1) * machine.rate("pixel")
    computing += len(steps.steps) * _CALL * machine.rate("step")
    if not shared:
        seconds = machine.rate("call") + _alone(request, machine, tile, computing)
        return _Cost(seconds, scratch, tile)
    seconds = _dealt(request, machine, tile, computing, len(steps.steps) + _COPIES)
    return _Cost(seconds, scratch * _threads(request, machine, tile), tile)


def _byte(scratch: float) -> float:
    """Return the operations on a pixel that the minimum of a byte takes."""
    return float(np.interp(log2(scratch + 1), [log2(at) for at in _BYTE], list(_BYTE.values())))


def histogram(request: Request, machine: Machine) -> Answer:
    """Return what counting takes."""
    wanted = _rank(request)
    if not wanted.whole:
        return "a footprint that is no rectangle"
    rows, columns = wanted.shape
    bytes_only, size = request.computed.itemsize == 1, _bytes_of(wanted.count)
    height, width = _COUNTED_TILE[bytes_only]
    tile = _clipped(request, max(height, rows), max(width, columns))
    pixels, outputs = (tile[0] + rows - 1) * (tile[1] + columns - 1), tile[0] * tile[1]
    asked = _ASKED if bytes_only else min(PARTS - 1, pixels // WORD)
    adds = sum(side.bit_length() + side.bit_count() for side in wanted.shape)
    low, high = (side.bit_length() + side.bit_count() - 2 for side in wanted.shape)
    moved = pixels * (2 + low * _bytes_of(rows) + high * (1 + size) / 2)
    moved += outputs * (3 + (1 if bytes_only else 3) * size)
    counting = asked * moved * _COUNTED * machine.rate("pixel")
    counting += asked * (adds + 6) * _CALL * machine.rate("step")
    looking, sets = (0.0, 0.0) if bytes_only else _looking(pixels, outputs, tile, wanted)
    computing = counting + looking * machine.rate("pixel")
    scratch = pixels * (8 + 3 * size + 4 * request.computed.itemsize) + sets
    # Threads hardly gain by sharing tiles of sets, whose steps are short (1024² float32, 13×13: 313
    # ms on two, and a network 188).
    if bytes_only:
        seconds = _dealt(request, machine, tile, computing)
    else:
        seconds = machine.rate("call") + _alone(request, machine, tile, computing)
    operations = computing / machine.rate("pixel") / max(outputs, 1)
    return Candidate("histogram", tile, operations), request.predicted(
        seconds, scratch * _threads(request, machine, tile)
    )


def _looking(pixels: int, outputs: int, tile: tuple[int, int], wanted: Rank) -> tuple[float, float]:
    """Return the operations that find pixels in their parts, and the bytes of what they take."""
    words = ceil(pixels / (PARTS * WORD))
    places = sum(tile) + sum(wanted.shape)
    sets, doublings = words * bytes_of_word(places), log2(max(wanted.shape)) + 2
    operations = pixels * _SORTED + outputs * (words * _LOOKED + _FOUND) + sets * doublings * _SETS
    made = min(sets, max(MOST_SETS, bytes_of_word(places)))
    return operations, 3 * made + 80 * outputs + 32 * pixels


def bytes_of_word(places: int) -> int:
    """Return the bytes of the sets of one word of every part, at so many places."""
    return WORD // 8 * PARTS * places


def sort(request: Request, machine: Machine) -> Answer:
    """Return what selecting in every window on its own takes."""
    wanted = _rank(request)
    size = request.computed.itemsize
    # As many windows as 256 kB hold.
    width = min(64, max(8, 2**18 // (16 * wanted.count * size)))
    tile = _clipped(request, max(1, min(16, 2**18 // (width * wanted.count * size))), width)
    operations = _WINDOW + wanted.count * _VALUE[size]
    computing = prod(tile) * operations * machine.rate("pixel")
    computing += wanted.count * machine.rate("step")
    scratch = prod(tile) * wanted.count * max(size, 2) * _threads(request, machine, tile)
    seconds = _dealt(request, machine, tile, computing)
    return Candidate("sort", tile, operations), request.predicted(seconds, scratch)


def _rank(request: Request) -> Rank:
    wanted = request.neighbourhood
    assert isinstance(wanted, Rank)
    return wanted


def _clipped(request: Request, height: int, width: int) -> tuple[int, int]:
    """Return a tile no larger than the image."""
    return min(height, max(request.height, 1)), min(width, max(request.width, 1))


def _bytes_of(count: int) -> int:
    """Return the bytes of integers that count so many."""
    return next(size for size in (1, 2, 4) if count < 1 << 8 * size)


def _tiles(request: Request, tile: tuple[int, int]) -> int:
    height, width = tile
    return prod(request.batch) * ceil(request.height / height) * ceil(request.width / width)


def _threads(request: Request, machine: Machine, tile: tuple[int, int]) -> int:
    return max(1, min(machine.units, _tiles(request, tile)))


def _dealt(
    request: Request, machine: Machine, tile: tuple[int, int], computing: float, steps: int = 0
) -> float:
    """Return the seconds of a call whose tiles take `computing` each, in so many steps."""
    alone, tiles = _alone(request, machine, tile, computing), _tiles(request, tile)
    return machine.rate("call") + dealt(alone, tiles, machine, steps * tiles)


def _copied(request: Request, machine: Machine) -> float:
    """Return the seconds of reading a pixel and of writing one: no number becomes another."""
    if request.dtype == request.computed == request.out_dtype:
        return 2 * machine.rate("load.float32") * request.dtype.itemsize / 4
    return machine.rate(f"load.{request.dtype}") + machine.rate(f"store.{request.out_dtype}")


def _alone(request: Request, machine: Machine, tile: tuple[int, int], computing: float) -> float:
    """Return the seconds of one thread for all tiles."""
    if not request.scalars:
        return 0.0
    moves = _copied(request, machine)
    tiles = _tiles(request, tile)
    # Tiles of the last row and of the last column are smaller.
    share = request.scalars / (tiles * prod(tile))
    return tiles * (share * computing + machine.rate("tile")) + request.scalars * moves
