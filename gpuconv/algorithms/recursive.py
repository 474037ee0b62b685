"""Gaussians by recursion: cost independent of σ, for callers who ask for less than exact results.

Half a Gaussian is a sum of six decaying oscillations to seven parts in a million. Each is the
impulse response of a recursive filter of first order, which takes as long for any σ: one runs over
a line forwards, one backwards, and their sum is the Gaussian. What that leaves out is not assumed
but added up, tap by tap, against the kernel's own weights.

References
----------
R. Deriche, "Recursively implementing the Gaussian and its derivatives", INRIA RR-1893 (1993).
G. Farnebäck, C.-F. Westin, "Improving Deriche-style recursive Gaussian filters", J. Math. Imaging
Vis. 26 (2006): the weights of the oscillations by least squares, for the σ at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import log, sqrt
from typing import Any

import numpy as np

from gpuconv import dtypes, tiling
from gpuconv.cost import Machine
from gpuconv.request import Candidate, Request
from gpuconv.separation import cross_terms
from gpuconv.weights import Array

__all__ = ["BLOCK", "Recursion", "recursion", "recursive", "workspace"]

#: Decay and frequency of the oscillations, times σ. With these the largest distance from the
#: half-Gaussian, in the least-squares sense and with the best weights, is smallest: found by
#: Nelder–Mead's method from Deriche's values and a third pair beside them. His two pairs leave
#: 5e-4 of the weight, these 7e-6.
_DECAY = np.array([2.1865, 2.1555, 2.0833])
_FREQUENCY = np.array([0.5268, 1.6166, 2.8576])

#: Of Σ|w| · max|x|, in both axes together: what accuracy="fast" allows, less rounding.
_ALLOWED = 0.95e-3

#: Beyond this many σ an oscillation is below 1e-9.
_REACH = 10

#: Neighbouring pixels of a line that one product takes on. Of 16, 32 and 64, the first takes longer
#: to hand states on, and the last to multiply.
BLOCK = 32
#: Multiply–adds per pixel along an axis: with neighbours in its block, to the states, from them.
_WORK = BLOCK + 4 * 2 * len(_DECAY)

#: Rows and columns of a tile: at least, and at most. The least leaves most scratch in a cache, and
#: its rows an odd number of blocks apart. In between, tiles are twice what the kernel covers, so
#: that the halo does not become most of the work; at σ = 250 a thread takes 200 MB.
_LEAST_TILE, _MOST_TILE = (256, 33 * BLOCK), 65 * BLOCK


def recursive(request: Request, machine: Machine) -> Candidate | str:
    """Return how to run a recursive filter, if the kernel is a Gaussian and it may be near it."""
    if request.accuracy != "fast":
        return "a recursive filter only comes near the kernel, so it needs accuracy='fast'"
    if (request.y.dilation, request.x.dilation) != (1, 1):
        return "the kernel's taps are apart"
    kernel = request.kernel
    found = kernel.terms or cross_terms(1.0 * kernel.numerators, _ALLOWED / 100, most=1)
    if len(found) != 1:
        return "the kernel is no Gaussian, as it is not separable"
    column, row = (recursion(tuple(part.tolist())) for part in found[0])
    if isinstance(column, str) or isinstance(row, str):
        return f"along y, {column}" if isinstance(column, str) else f"along x, {row}"
    missed = column.error + row.error
    if missed > _ALLOWED:
        return (
            f"recursion would miss {missed:.2g} of the kernel's weight, more than {_ALLOWED:.2g}: "
            "it is no Gaussian, or is cut off below 3.7 σ"
        )
    summed = dtypes.summed_in(request.dtype, request.out_dtype)
    tile = _tile(request)
    return Candidate(
        "recursive",
        np.dtype(summed),
        tile,
        operations=sum(_WORK for fit in (column, row) if fit.sigma),
        terms=found,
        sigma=(column.sigma, row.sigma),
        workspace=workspace(request.y, request.x, np.dtype(summed), tile),
    )


@dataclass(frozen=True, eq=False)
class Recursion:
    """A symmetric line of weights, and the recursive filter that comes near it."""

    #: Of the Gaussian; 0 for a single weight.
    sigma: float
    #: The weights from the middle outwards.
    half: Array
    #: Weight k pixels from the middle is about Re Σ residues · poles^k.
    poles: Array
    residues: Array
    #: Σ|weight − that| / Σ|weight|, over all pixels to infinity.
    error: float


@lru_cache(maxsize=64)
def recursion(weights: tuple[float, ...]) -> Recursion | str:
    """Return the recursive filter that comes near a line of weights, or why there is none.

    Examples
    --------
    >>> gaussian = np.exp(-0.5 * (np.arange(-40, 41) / 10) ** 2)
    >>> fit = recursion(tuple(gaussian))
    >>> round(fit.sigma, 6), fit.error < 1e-4
    (10.0, True)
    """
    line = np.array(weights, np.float64)
    half = line[len(line) // 2 :]
    if len(line) == 1:
        return Recursion(0.0, half, np.empty(0), np.empty(0), 0.0)
    asymmetry = float(np.abs(line - line[::-1]).sum() / 2)
    sigma = _sigma(half)
    if len(line) % 2 == 0 or sigma is None:
        return "the weights are no Gaussian about the middle"
    poles = np.exp((-_DECAY + 1j * _FREQUENCY) / sigma)
    # The middle itself is left out: engines sum near pixels by their own weights.
    wanted = np.zeros(max(int(_REACH * sigma), 2 * len(half)) + 8)
    wanted[: len(half) - 1] = half[1:]
    waves = poles ** np.arange(1, len(wanted) + 1)[:, None]
    matrix = np.hstack([waves.real, -waves.imag])
    parts, *_ = np.linalg.lstsq(matrix, wanted, rcond=None)
    missed = 2 * float(np.abs(matrix @ parts - wanted).sum()) + asymmetry
    residues = parts[: len(poles)] + 1j * parts[len(poles) :]
    return Recursion(sigma, half, poles, residues, missed / float(np.abs(line).sum()))


def _sigma(half: Array) -> float | None:
    """Return the σ that the weight in the middle and one half-way out have, if they have one."""
    tap = len(half) // 2
    ratio = half[0] / half[tap] if half[tap] else 0.0
    return tap / sqrt(2 * log(ratio)) if ratio > 1 else None


def _tile(request: Request) -> tuple[int, int]:
    """Return output rows and columns of a tile."""
    rows, columns = map(_pixels, (request.y, request.x), _LEAST_TILE)
    return -(-rows // request.y.stride), -(-columns // request.x.stride)


def _pixels(axis: tiling.Axis, least: int) -> int:
    """Return the pixels of a tile along an axis."""
    most = min(2 * axis.footprint, _MOST_TILE)
    if most <= least:
        return least
    # All of one size: each size has scratch of its own.
    pixels = max(axis.out * axis.stride, 1)
    return -(-pixels // -(-pixels // most))


def workspace(y: tiling.Axis, x: tiling.Axis, summed: np.dtype[Any], tile: tuple[int, int]) -> int:
    """Return the bytes of scratch, about, that a thread of the CPU needs for tiles of that size."""
    rows, columns = (_whole(n * axis.stride) for n, axis in zip(tile, (y, x), strict=True))
    tall, wide = rows + 2 * _whole(y.taps // 2), columns + 2 * _whole(x.taps // 2)
    states = 4 * len(_DECAY) / BLOCK * (tall * wide + rows * wide)
    return int(tall * wide + states + 2 * rows * wide + 2 * rows * columns) * summed.itemsize


def _whole(pixels: int) -> int:
    """Return the pixels of whole blocks that hold so many."""
    return -(-pixels // BLOCK) * BLOCK
