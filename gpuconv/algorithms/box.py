"""Equal weights: sums over windows, which cost little more for large windows than for small ones.

The sum of 2n neighbours is that of n and that of the next n: every window is built from smaller
ones, with ⌊log₂ K⌋ to 2·⌊log₂ K⌋ additions for K pixels. Unlike a running sum, which adds what
enters the window and subtracts what leaves it, nothing cancels and nothing drifts: only pixels of
the window are ever added, so that NaN and infinity stay where they belong, and each goes through so
few additions that a float result is nearer to the definition than a sum tap by tap.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any, TypeAlias

import numpy as np

from gpuconv import tiling
from gpuconv.cost import Machine
from gpuconv.request import Candidate, Request
from gpuconv.weights import Term

__all__ = ["Limits", "additions", "box", "factor", "limits", "narrowest", "room", "runs"]

#: The least and the largest value of a pixel.
Limits: TypeAlias = tuple[int, int]

#: Rows and pixels of a tile. Rows are long, as what is done to the sums afterwards starts anew at
#: the end of each. Large windows have large halos, which are work too: they take more of both,
#: though that leaves the second-level cache. (4096² float32 on a thread of Zen 4: 3×3 in 22 ms with
#: 64 × 2048, 25 with 128 × 1024; 101×101 in 67 ms with 512 × 512, 75 with 128 × 2048.)
_TILE_ROWS, _MOST_TILE_ROWS = 64, 512
_TILE_PIXELS, _MOST_TILE_PIXELS = 2**17, 2**18


def box(request: Request, machine: Machine) -> Candidate | str:
    """Return how to add up windows, if all weights are equal."""
    term = _constant(request)
    if isinstance(term, str):
        return term
    if machine.kind == "cuda" and (request.y.dilation, request.x.dilation) != (1, 1):
        return "on a GPU, windows whose taps are apart are not moved but summed"
    operations = additions(request.y.taps) + additions(request.x.taps)
    tile, summed = _tile(request), request.accumulator
    pixel = limits(request.dtype, request.border, request.cval)
    scratch = prod(room(request.y, request.x, pixel, summed, tile))
    return Candidate("box", summed, tile, operations, (term,), workspace=scratch)


def _constant(request: Request) -> Term | str:
    """Return a constant column and a row of ones whose product is the kernel, or why not."""
    kernel = request.kernel
    if kernel.shape == (1, 1):
        return "the kernel is a single weight"
    if len(kernel.terms) > 1:
        return "the kernel is a sum of several terms"
    parts = kernel.parts
    if any((part != part.flat[0]).any() for part in parts):
        return "the weights are not all equal"
    weight = prod(part.flat[0].item() for part in parts)
    rows, columns = kernel.shape
    # As in Weights: an integer while float64 holds it.
    column = np.full(rows, weight if abs(weight) < 2**53 else float(weight))
    return column, np.ones(columns, np.int64)


@lru_cache(maxsize=4096)
def additions(taps: int) -> int:
    """Return how many additions for each pixel make the sums of `taps` neighbours.

    Examples
    --------
    >>> [additions(taps) for taps in (1, 2, 3, 4, 11, 101, 301)]
    [0, 1, 2, 2, 5, 9, 11]
    """
    first = factor(taps)
    if first == taps:
        return taps - 1
    return additions(taps - 1) + 1 if first == 1 else additions(first) + additions(taps // first)


@lru_cache(maxsize=4096)
def factor(taps: int) -> int:
    """Return how sums of `taps` neighbours are best built from sums of fewer.

    If from those of f neighbours, taken f apart, f is returned; if from those of `taps` − 1 and one
    pixel more, 1 is. One pixel and two are built from no others: `taps` is returned.

    Examples
    --------
    >>> factor(15), factor(33), factor(2)
    (3, 1, 2)
    """
    if taps <= 2:
        return taps
    needed = {
        f: additions(f) + additions(taps // f)
        for f in range(2, int(taps**0.5) + 1)
        if taps % f == 0
    }
    # The even number below an odd one has a factor: this does not go deep.
    if taps % 2:
        needed[1] = additions(taps - 1) + 1
    return min(needed, key=lambda f: needed[f])


def runs(taps: int, keep: bool = False) -> int:
    """Return how many runs of sums are needed at a time, that of the pixels among them.

    `keep` says whether the pixels are needed afterwards.

    Examples
    --------
    >>> [runs(taps) for taps in (1, 2, 3, 11, 101, 301)]
    [1, 2, 2, 4, 4, 4]
    """
    first = factor(taps)
    if first == taps:
        return taps
    if first == 1:
        return runs(taps - 1, keep=True)
    return max(runs(first, keep), runs(taps // first) + keep)


def limits(dtype: np.dtype[Any], border: tuple[str, str], cval: float) -> Limits | None:
    """Return the least and the largest pixel, those outside among them, if all are integers.

    Examples
    --------
    >>> limits(np.dtype("uint8"), ("reflect", "constant"), cval=-1.0)
    (-1, 255)
    """
    outside = float(cval) if "constant" in border else 0.0
    if dtype.kind not in "iu" or not outside.is_integer():
        return None
    inside = np.iinfo(dtype)
    return min(int(inside.min), int(outside)), max(int(inside.max), int(outside))


def narrowest(limits: Limits | None, count: int, widest: np.dtype[Any]) -> np.dtype[Any]:
    """Return the narrowest dtype that holds the sums of `count` pixels within `limits`.

    Examples
    --------
    >>> widest = np.dtype("float64")
    >>> [narrowest((0, 255), count, widest).name for count in (1, 257, 258, 2**25)]
    ['uint16', 'uint16', 'uint32', 'float64']
    """
    low, high = limits or (-np.inf, np.inf)
    for name in ("uint16", "int16", "uint32", "int32"):
        of = np.iinfo(name)
        if of.dtype.itemsize < widest.itemsize and of.min <= low * count and high * count <= of.max:
            return of.dtype
    return widest


def _tile(request: Request) -> tuple[int, int]:
    """Return output rows and columns of a tile."""
    y, x = request.y, request.x
    halo = y.footprint, x.footprint
    pixels = max(_TILE_PIXELS, min(3 * prod(halo), _MOST_TILE_PIXELS))
    rows = max(_TILE_ROWS, min(2 * halo[0], _MOST_TILE_ROWS), halo[0] // 2)
    columns = min(max(pixels // rows, halo[1] // 2), max(x.out, 1) * x.stride)
    rows = max(rows, pixels // columns)
    return -(-rows // y.stride), -(-columns // x.stride)


def room(
    y: tiling.Axis,
    x: tiling.Axis,
    pixel: Limits | None,
    summed: np.dtype[Any],
    tile: tuple[int, int],
) -> tuple[int, int]:
    """Return how many runs a thread of the CPU needs for tiles of that size, and bytes of each.

    One more than the windows take is for sums of a wider dtype, and for those that are returned.
    """
    rows, columns = (
        (count - 1) * axis.stride + axis.footprint for count, axis in zip(tile, (y, x), strict=True)
    )
    sums = rows * columns * narrowest(pixel, y.taps * x.taps, summed).itemsize
    return max(runs(y.taps), runs(x.taps)) + 1, max(sums, prod(tile) * summed.itemsize)
