"""How the bilateral filter may run."""

from __future__ import annotations

from math import ceil

import numpy as np

from gpuconv.cost import Machine, Prediction
from gpuconv.cost.sharing import dealt
from gpuconv.neighbourhood.bilateral import Bilateral
from gpuconv.neighbourhood.request import Candidate, Request

__all__ = ["ALGORITHMS", "chunk", "direct"]

Answer = tuple[Candidate, Prediction]

#: Output rows and columns of a tile of the CPU engine, in a window that is not larger. Threads wait
#: for the interpreter between any two steps: large ones gain what leaving the second-level cache
#: costs, and more (2048² float32 at d = 9 on two threads: 184 ms with 128 × 512 and 2**15 pixels at
#: once, 102 with these; on one thread 165 and 154).
_ROWS, _COLUMNS = 256, 1024
#: Channels with which a tile has as many rows: with more it has fewer, and so as much scratch.
_FEW_CHANNELS = 4
_FEWEST_ROWS = 8

#: Operations on a pixel, each at the rate "pixel", that weighing a pair takes on the CPU engine:
#: of which the exponential is nine; and those that each channel adds. Measured at 0.60 ns a tap of
#: grey and 1.49 of colour, where a pair is two taps.
_PAIR, _CHANNEL = 6.0, 18.0
#: Calls of NumPy's functions for a pair and a chunk of pixels, and those that each channel adds: at
#: the rate "step", of which half is for the views that they are given.
_CALLS, _CALLS_CHANNEL = 10, 2

#: Instructions of the CUDA engine for a tap, and for each channel of it; those whose time an
#: exponential takes, and that it is in float64; and those for a pixel beside (``make static``).
_TAP, _TAP_CHANNEL, _EXPONENTIAL, _WIDE_EXPONENTIAL, _PIXEL = 3, 3, 8, 30, 20


def chunk(channels: int) -> int:
    """Return how many pixels the CPU engine weighs at once: what is made of them stays in cache."""
    return max(2**17 // max(1, channels // _FEW_CHANNELS), 2**12)


def _tile(radius: int, channels: int) -> tuple[int, int]:
    """Return the output rows and columns of a tile of the CPU engine.

    Examples
    --------
    >>> _tile(4, 1), _tile(200, 3), _tile(4, 200)
    ((256, 1024), (400, 1024), (8, 1024))
    """
    rows = max(_ROWS, 2 * radius) // max(1, channels // _FEW_CHANNELS)
    return max(rows, _FEWEST_ROWS), max(_COLUMNS, 4 * radius)


def _on_cpu(wanted: Bilateral, request: Request, machine: Machine) -> Answer:
    channels, r = request.channels or 1, wanted.radius
    tile = _tile(r, channels)
    height, width = min(tile[0], request.height), min(tile[1], request.width)
    tiles = request.pixels / max(height * width, 1)
    # Of the halo, pairs begin in all columns, and on average in 0.42 radii of the rows above.
    weighing = _weighing(wanted, (height + 0.42 * r) * (width + 2 * r), request, machine)
    moving = request.scalars * sum(machine.rate(each) for each in _moves(request))
    seconds = dealt(tiles * (machine.rate("tile") + weighing) + moving, tiles, machine)
    values = channels * (2 * height + 2 * r) * (width + 2 * r) + (channels + 2) * chunk(channels)
    scratch = values * request.computed.itemsize * max(1, min(machine.units, tiles))
    candidate = Candidate("direct", tile, wanted.taps // 2 * (_PAIR / channels + _CHANNEL))
    return candidate, request.predicted(machine.rate("call") + seconds, scratch)


def _weighing(wanted: Bilateral, pixels: float, request: Request, machine: Machine) -> float:
    """Return the seconds in which all pairs are weighed that begin in so many pixels of a tile."""
    channels, pairs = request.channels or 1, wanted.taps // 2
    calls = (_CALLS + _CALLS_CHANNEL * channels) * ceil(pixels / chunk(channels))
    wide = machine.rate("double.pixel") if request.computed == np.float64 else 1
    each = (_PAIR + _CHANNEL * channels) * pixels * wide * machine.rate("pixel")
    return pairs * (each + calls * machine.rate("step"))


def _moves(request: Request) -> tuple[str, str]:
    return f"load.{request.dtype}", f"store.{request.out_dtype}"


def _on_gpu(wanted: Bilateral, request: Request, machine: Machine) -> Answer:
    channels = request.channels or 1
    tap = float(max(_TAP + _TAP_CHANNEL * channels, _EXPONENTIAL))
    if request.computed == np.float64:
        tap = (tap + _WIDE_EXPONENTIAL) * machine.rate("double")
    operations = wanted.taps * tap / channels
    issuing = request.scalars * (operations + _PIXEL) * machine.rate("instruction")
    moving = request.bytes * machine.rate("byte")
    seconds = machine.rate("call") + machine.rate("launch") + max(issuing, moving)
    return Candidate("direct", (32, 128), operations), request.predicted(seconds)


def direct(request: Request, machine: Machine) -> Answer:
    """Return how to weigh every pixel of a window."""
    wanted = request.neighbourhood
    assert isinstance(wanted, Bilateral)
    how = _on_gpu if machine.kind == "cuda" else _on_cpu
    return how(wanted, request, machine)


ALGORITHMS = {"direct": direct}
