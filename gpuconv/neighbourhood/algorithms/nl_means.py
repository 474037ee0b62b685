"""How non-local means may run."""

from __future__ import annotations

import numpy as np

from gpuconv.algorithms.box import additions, runs
from gpuconv.cost import Machine, Prediction
from gpuconv.cost.sharing import dealt
from gpuconv.neighbourhood.nl_means import NonLocalMeans
from gpuconv.neighbourhood.request import Candidate, Request

__all__ = ["ALGORITHMS", "shifts"]

Answer = tuple[Candidate, Prediction]

#: Output rows and columns of a tile of the CPU engine: rows, and columns at least, and for each
#: pixel that patches are searched for in. The halo of a small tile is work, and threads wait for
#: the interpreter between any two steps: a large tile gains more than its leaving the cache costs.
#: (1024×2048 float32, 11 × 11 shifts: 540 ms on two threads with 64 × 512, 313 with 128 × 512, 202
#: with these; on one thread 463, 396 and 369.)
_ROWS, _COLUMNS, _COLUMNS_EACH = 256, 1024, 16

#: Operations on a pixel that an exponential takes on the CPU engine; and what an operation takes,
#: in those that the rate "pixel" counts, as a tile and all that is made of it leave the nearest
#: cache. (With these, predictions were within 18 % for patches of 3 to 21 pixels, search distances
#: of 5 to 30, float32 and float64, one channel and three, images of 64² to 1024².)
_EXPONENTIAL, _OPERATION = 7, 1.65

#: Instructions of the CUDA engine for a shift: as such, for each row of a patch, and for each
#: channel beside the first (14.6 for 3×3, 18.8 for 7×7 and 28.4 for 21×21 of one channel, 48.3 for
#: 7×7 of three: what ``make static`` counts with a search distance of 2, less that with 1, by 16).
_SHIFT, _SHIFT_ROW, _SHIFT_CHANNEL = 13.2, 0.72, 14.8
#: Pixels and sums go through shared memory meanwhile, which takes as long. Assumed.
_UNHIDDEN = 1.3


def shifts(request: Request, machine: Machine) -> Answer:
    """Return how to compare the image with itself, shifted, by sums over windows."""
    wanted = request.neighbourhood
    assert isinstance(wanted, NonLocalMeans)
    how = _on_gpu if machine.kind == "cuda" else _on_cpu
    return how(wanted, request, machine)


def _tile(wanted: NonLocalMeans) -> tuple[int, int]:
    """Return the output rows and columns of a tile of the CPU engine.

    Examples
    --------
    >>> _tile(NonLocalMeans.of(7, 11, h=1)), _tile(NonLocalMeans.of(7, 80, h=1))
    ((256, 1024), (256, 1280))
    """
    return _ROWS, max(_COLUMNS, _COLUMNS_EACH * wanted.search_distance)


def _on_cpu(wanted: NonLocalMeans, request: Request, machine: Machine) -> Answer:
    channels, s, patch = request.channels or 1, wanted.search_distance, wanted.patch_size
    tile = _tile(wanted)
    height, width = min(tile[0], request.height), min(tile[1], request.width)
    columns = width + 2 * s + patch - 1
    # Half of all shifts make the weights of all; each begins in rows above the outputs.
    pairs, begun = (2 * s + 1) ** 2 / 2, (height + s / 2) * columns
    sums = 2 * additions(patch) + 3 * channels + (4 if wanted.sigma else 1)
    moved, added = 2 * channels, 2 * (1 + channels)
    pixels = begun * (sums + _EXPONENTIAL + moved) + height * columns * added
    wide = machine.rate("double.pixel") if request.computed == np.float64 else 1
    computing = pairs * pixels * wide * _OPERATION * machine.rate("pixel")
    computing += pairs * (sums + moved + added + 1) * machine.rate("step")
    tiles = request.pixels / max(height * width, 1)
    moving = machine.rate(f"load.{request.dtype}") + machine.rate(f"store.{request.out_dtype}")
    alone = tiles * (computing + machine.rate("tile")) + request.scalars * moving
    values = (2 * channels + runs(patch) + 2) * (height + 2 * s + patch - 1) * columns
    scratch = values * request.computed.itemsize * max(1, min(machine.units, tiles))
    operations = pairs * pixels / max(height * width, 1)
    seconds = machine.rate("call") + dealt(alone, tiles, machine)
    return Candidate("shifts", tile, operations), request.predicted(seconds, scratch)


def _on_gpu(wanted: NonLocalMeans, request: Request, machine: Machine) -> Answer:
    channels, across = request.channels or 1, 2 * wanted.search_distance + 1
    each = _SHIFT + _SHIFT_ROW * wanted.patch_size + _SHIFT_CHANNEL * (channels - 1)
    if request.computed == np.float64:
        each *= machine.rate("double")
    operations = across**2 * each * _UNHIDDEN
    computing = request.pixels * operations * machine.rate("instruction")
    moving = request.bytes * machine.rate("byte")
    seconds = machine.rate("call") + machine.rate("launch") + max(computing, moving)
    return Candidate("shifts", (32, 128), operations), request.predicted(seconds)


ALGORITHMS = {"shifts": shifts}
