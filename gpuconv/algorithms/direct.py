"""Sums over taps: a single tap, all of them, and those of separable terms."""

from __future__ import annotations

from math import ceil, prod

import numpy as np

from gpuconv.cost import Machine
from gpuconv.request import Candidate, Request
from gpuconv.separation import cross_terms
from gpuconv.weights import Term, Weights

__all__ = [
    "COPIES",
    "STRIP",
    "cpu_tile",
    "dense",
    "scale",
    "separable",
    "strip_tile",
    "terms",
    "workspace",
]

#: Rows of a tile and bytes of a row, without the halo: with it and its copies a tile fills a
#: second-level cache (1–2 MiB). Half the width costs up to half the speed, as a tile has a fixed
#: cost in Python.
_TILE_ROWS = 128
_TILE_ROW_BYTES = 4096

#: Terms beyond which a transform is faster, whatever the kernel's size, and the search for them is
#: not worth its time.
_MOST_TERMS = 12


#: Bytes that a column pass leaves for the row pass, and how many times its halo a tile is wide if
#: these are not too few: a sixteenth of the column pass is then done twice.
_BETWEEN = 8 * 2**20
_HALOS = 16

#: A tile has at least an eighth as many rows as its columns have taps: above, its pixels are read
#: so often that this takes a third of the time (σ = 250: 60 ms for a tile, of which 17 ms).
_TALL = 8

#: Tiles for each thread: with fewer, some threads wait for the last ones.
_TILES_EACH = 4

#: Bytes of copies of a tile in the dense engine, and of a strip of pixels in the separable one.
COPIES = 3 * 2**20
STRIP = 2**19


def cpu_tile(request: Request, itemsize: int) -> tuple[int, int]:
    """Return output rows and columns of a tile: at least as wide as its halo, which is work too.

    Tiles of a narrow image are higher instead of wide.
    """
    x, y = request.x, request.y
    columns = _TILE_ROW_BYTES // itemsize
    width = max(columns, x.footprint) // x.stride
    narrow = min(max(width, 1), max(x.out, 1))
    height = _TILE_ROWS * max(1, columns // (narrow * x.stride)) // y.stride
    return min(max(height, 1), max(y.out, 1)), narrow


def strip_tile(request: Request, itemsize: int, count: int, machine: Machine) -> tuple[int, int]:
    """Return output rows and columns of a tile for that many separable terms.

    A wide one, if its halo is: it is loaded strip by strip, so that its width costs no memory but
    what the column passes leave.
    """
    height, width = cpu_tile(request, itemsize)
    x, y = request.x, request.y
    height = min(max(height, y.footprint // _TALL // y.stride), max(y.out, 1))
    room = _BETWEEN // (count * height * itemsize)
    wide = (min(_HALOS * x.footprint, room) - x.footprint) // x.stride
    if wide <= width or request.weighed:
        return height, width
    down = ceil(y.out / height) * prod(request.batch)
    across = max(ceil(x.out / wide), ceil(_TILES_EACH * machine.units / max(down, 1)))
    return height, min(max(ceil(x.out / across), width), x.out)


def workspace(request: Request, tile: tuple[int, int], itemsize: int, count: int) -> int:
    """Return the bytes that a thread takes for a tile: for `count` separable terms, 0 if dense."""
    x, y = request.x, request.y
    rows, columns = (
        (size - 1) * axis.stride + axis.footprint for size, axis in zip(tile, (y, x), strict=True)
    )
    sums = 2 * tile[0] * tile[1] * itemsize
    if not count:
        return rows * columns * itemsize + max(COPIES, rows * tile[1] * itemsize) + sums
    return min(rows * columns * itemsize, STRIP) + count * tile[0] * columns * itemsize + sums


def scale(request: Request, machine: Machine) -> Candidate | str:
    """Return how to run a kernel of a single weight: no sums at all."""
    # A kernel of one weight ≠ 0 has nothing else left when its margins of zeros are cut away.
    if request.kernel.shape != (1, 1) or not request.kernel.numerators.any():
        return "the kernel has more than one weight"
    summed = request.accumulator
    tile = cpu_tile(request, summed.itemsize)
    scratch = workspace(request, tile, summed.itemsize, 0)
    return Candidate("scale", summed, tile, 1, workspace=scratch)


def dense(request: Request, machine: Machine) -> Candidate | str:
    """Return how to sum over all taps, which can run any request."""
    rows, columns = request.kernel.shape
    summed = request.accumulator
    tile = cpu_tile(request, summed.itemsize)
    scratch = workspace(request, tile, summed.itemsize, 0)
    return Candidate("dense", summed, tile, rows * columns, workspace=scratch)


def separable(request: Request, machine: Machine) -> Candidate | str:
    """Return how to sum a column and a row for each separable term of the kernel."""
    found = terms(request)
    if isinstance(found, str):
        return found
    # Terms found for dense weights may cancel, and then their sums are larger than the kernel's.
    total = max(request.kernel.total, Weights(None, found).total)
    summed = request.summing(total)
    operations = len(found) * sum(request.kernel.shape)
    tile = strip_tile(request, summed.itemsize, len(found), machine)
    scratch = workspace(request, tile, summed.itemsize, len(found))
    return Candidate("separable", summed, tile, operations, found, workspace=scratch)


def terms(request: Request) -> tuple[Term, ...] | str:
    """Return the kernel's separable terms, or why there are none worth having."""
    kernel = request.kernel
    if kernel.terms:
        return kernel.terms
    rows, columns = kernel.shape
    most = min(rows, columns)
    if request.method != "separable":
        fewer = (rows * columns - 1) // (rows + columns)
        most = most if most == 1 < max(rows, columns) else min(most, fewer, _MOST_TERMS)
    tolerance = float(np.finfo(request.accumulator).eps) / 4
    found = cross_terms(kernel.numerators, tolerance, most)
    if not found and request.method == "separable":
        return "its integer weights are no sum of integer separable terms"
    return found or f"the kernel is no sum of {most} or fewer separable terms"
