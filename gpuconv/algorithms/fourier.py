"""Sums by Fourier transforms of overlapping tiles, whose cost hardly grows with the kernel."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from math import isfinite, log2, prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import tiling
from gpuconv.cost import Machine
from gpuconv.request import Candidate, Request

__all__ = ["BATCH", "fourier", "good_sizes", "rounding", "workspace"]

Array = NDArray[Any]

#: Points of a transform: 64 MiB of float32. A kernel that covers more than a quarter of that has
#: transforms of up to four times what it covers.
_MOST_POINTS = 2**24
#: On the CPU, bytes that all threads' transforms and the kernel's take together, where transforms
#: of _FEW_POINTS do not take more: half a gigabyte must not be needed beside a small image.
_BYTES, _FEW_POINTS = 48 * 2**20, 2**20

#: A point of a transform, there and back, takes as long as _POINT multiply–adds of the dense engine
#: (``make bench``). That is much the same from 2¹⁵ to 2¹⁸ points; those of larger transforms, which
#: leave the second-level cache, take _FAR of it longer for each doubling. Beside its points a tile
#: costs calls, as much as _CALLS points do; and a thread its start.
_POINT, _NEAR_BITS, _FAR, _CALLS, _START = 200, 18, 0.15, 2**13, 2**14
#: A GPU transforms several tiles at once: up to 2²² points, as its cache of some 50 MB has room for
#: them, their spectra and the library's work; so calls cost it little. Reasoned, not measured.
_GPU_NEAR_BITS, _GPU_CALLS = 22, 2**10

#: Errors of sums that are integers may reach this, and rounding still finds them.
_ERROR = 0.25

#: Error of a transform per bit of its length, in units of the last place.
_PER_BIT = 7

#: Bytes of rows or columns that the CPU transforms in one call: they stay in a second-level cache.
BATCH = 2**19


def fourier(request: Request, machine: Machine) -> Candidate | str:
    """Return how to multiply the spectra of tiles with the kernel's: in which tiles and dtype.

    A transform takes its tile for periodic, so what lies within the kernel's reach of its end is
    not used: tiles overlap by that much (overlap-save). Large tiles waste less, small ones are
    transformed faster per pixel and leave no thread idle: those with the least work are taken.
    """
    threads = machine.units if machine.kind == "host" else 1
    transform, tile, work = _tiled(request, machine)
    summed = request.accumulator
    if request.exact_integers:
        summed = np.dtype(np.float64)
        error = rounding(request, transform)
        if error >= _ERROR:
            return f"its sums are integers, and errors of a transform could reach {error:.2g}"
    operations = round(_POINT * work / max(request.outputs, 1))
    scratch = workspace(transform, summed, threads)
    return Candidate("fft", summed, tile, operations, transform=transform, workspace=scratch)


# ------------------------------------------------------------------------ tiles


@lru_cache(maxsize=64)
def good_sizes(least: int, enough: int) -> tuple[int, ...]:
    """Return good lengths of transforms from `least` to the first ≥ `enough`.

    They are even, as real transforms need for speed, and products of 2 and up to three 3 and 5,
    each of which takes 3 % longer. Other primes take up to several times as long.

    Examples
    --------
    >>> good_sizes(37, 50)
    (40, 48, 50)
    """
    odd = [3**i * 5**k for i in range(4) for k in range(4 - i)]
    sizes = sorted({n << i for n in odd for i in range(1, (2 * enough + 2).bit_length())})
    last = bisect_left(sizes, enough)
    return tuple(sizes[bisect_left(sizes, least) : last + 1])


def _pieces(axis: tiling.Axis) -> tuple[Array, Array]:
    """Return numbers of tiles along an axis, and the shortest transform for each."""
    outputs = max(axis.out, 1)
    sizes = np.array(good_sizes(axis.footprint, (outputs - 1) * axis.stride + axis.footprint))
    counts = -(-outputs // ((sizes - axis.footprint) // axis.stride + 1))
    few, first = np.unique(counts, return_index=True)
    return few, sizes[first]


Size = tuple[int, int]


def _tiled(request: Request, machine: Machine) -> tuple[Size, Size, float]:
    """Return the size of transforms, that of output tiles, and the work of all of them."""
    threads, near, calls = 1, _GPU_NEAR_BITS, _GPU_CALLS
    if machine.kind == "host":
        threads, near, calls = machine.units, _NEAR_BITS, _CALLS
    (down, rows), (across, columns) = _pieces(request.y), _pieces(request.x)
    points = rows[:, None] * columns
    tiles = down[:, None] * across * prod(request.batch)
    far = 1 + _FAR * np.maximum(np.log2(points) - near, 0)
    work = points * far + calls
    shared = -(-tiles // threads) * work + (threads - 1) * _START
    length = np.minimum(tiles * work, shared)
    most = _MOST_POINTS
    if machine.kind == "host":
        together = (threads + 1) * request.accumulator.itemsize
        most = min(most, max(_BYTES // together, _FEW_POINTS))
    footprint = request.y.footprint * request.x.footprint
    length[points > max(most, 4 * footprint, points.min())] = np.inf
    i, j = np.unravel_index(np.argmin(length), length.shape)
    transform = int(rows[i]), int(columns[j])
    height, width = -(-request.y.out // int(down[i])), -(-request.x.out // int(across[j]))
    return transform, (max(height, 1), max(width, 1)), float((tiles * work)[i, j])


# ------------------------------------------------------------------------ accuracy, memory


def rounding(request: Request, transform: Size) -> float:
    """Return a bound on the error of any sum over integers, transformed in float64.

    A transform of N points has an error of at most u · 7 · log₂ N times the norm of what it
    transforms, u = 2⁻⁵³ (6.7 for radix 2: N. J. Higham, "Accuracy and Stability of Numerical
    Algorithms", 2nd edition, theorem 24.2; his proof, for radix 3 and 5, gives no more). Three of
    them make a sum. By the Cauchy–Schwarz inequality the errors of those of the tile x and of the
    kernel w add up to at most that times ‖w‖₂ · ‖x‖₂ each, and that of the way back to that times
    Σ|w| · ‖x‖₂. Two bits more pay for the scaling and the product. ‖x‖₂ ≤ √N · max|x|.
    """
    limits, kernel = np.iinfo(request.dtype), request.kernel
    fill = request.cval if "constant" in request.border and isfinite(request.cval) else 0.0
    largest = max(-int(limits.min), int(limits.max), abs(fill))
    norm = float(np.linalg.norm(kernel.numerators.astype(np.float64)))
    points = prod(transform)
    unit = 2.0**-53 * _PER_BIT * (log2(points) + 2)
    return unit * (2 * norm + kernel.total) * sqrt(points) * largest


def workspace(transform: Size, summed: np.dtype[Any], threads: int) -> int:
    """Return the bytes that each of `threads` takes on the CPU for tiles of one shape.

    It is their scratch, and the share of the kernel's spectrum. A tile and its spectrum lie
    in the same memory. Tiles with NaN or infinity need about five times as much.

    Examples
    --------
    >>> workspace((512, 512), np.dtype("float32"), threads=2) / 2**20
    2.005859375
    """
    rows, columns = transform
    tile = rows * (columns + 2) * summed.itemsize
    return tile + min(BATCH, tile) + tile // threads
