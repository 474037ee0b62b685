"""Sums in SciPy's order: its bits, and hence its integers where sums are cut off.

A sum of 0.1 · 100 taken ten times is 99.99999999999999 in one order and 100 in another. Where that
is rounded nobody sees it, but SciPy cuts off. So who wants SciPy's integers must add as it does: in
float64, each product and each sum rounded for itself,

- of a kernel of one row or one column as ``correlate1d``: where the weights are symmetric, the
  middle tap and then the pairs of pixels that share a weight, from the outermost inwards, added
  before they are weighed; subtracted where the weights are antisymmetric; else the last tap, and
  then the others from the first on;
- of any other kernel as ``correlate``: tap after tap, row by row.

Taps of weight 0 are left out. Weights are (anti)symmetric up to the epsilon of float64, and those
of two dimensions within it count as 0: both as in SciPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from gpuconv.cost import Machine
from gpuconv.kernel import Kernel
from gpuconv.request import Candidate, Request
from gpuconv.separation import cross_terms
from gpuconv.weights import Array, Term

__all__ = ["Order", "order", "ordered", "pitch"]

#: Pixels of a tile, and its rows at least: what is read and the sums fill most of a second-level
#: cache, and the halo above and below is little beside them.
_PIXELS, _LEAST_ROWS = 2**16, 32
#: Arrays of a tile's size: pixels, sums, and what is added to these.
_ARRAYS = 3

_EPSILON = float(np.finfo(np.float64).eps)
_CACHE_LINE = 8  # of float64


@dataclass(frozen=True, eq=False)
class Order:
    """The taps of a kernel in the order in which they are added."""

    #: (row, column) of each, and its weight, none of which is 0.
    taps: tuple[tuple[int, int], ...]
    weights: tuple[float, ...]
    #: What is done with the pixel under a tap and that under its mirror image: they are added (1),
    #: or subtracted (-1); 0: there are no pairs.
    fold: int

    def mirrored(self, tap: tuple[int, int], shape: tuple[int, int]) -> tuple[int, int] | None:
        """Return the other tap of a pair; None: this one is alone."""
        other = shape[0] - 1 - tap[0], shape[1] - 1 - tap[1]
        return other if self.fold and other != tap else None


def order(kernel: Kernel) -> Order:
    """Return the order in which the taps of a kernel are added.

    Examples
    --------
    >>> [order(Kernel([row])).taps for row in ([1, 2, 1], [1, 2, 3])]
    [((0, 1), (0, 0)), ((0, 2), (0, 0), (0, 1))]
    >>> order(Kernel([[-1, 0, 1]])).fold
    -1
    """
    weights = kernel.numerators.astype(np.float64)
    if 1 not in weights.shape:
        taps = np.argwhere(np.abs(weights) > _EPSILON)
        return _of(weights, taps, 0)
    line = weights.ravel()
    fold, middle = _fold(line), len(line) // 2
    first, others = (middle, range(middle)) if fold else (len(line) - 1, range(len(line) - 1))
    places = np.array([k for k in (first, *others) if line[k] != 0], int)
    taps = np.stack(np.unravel_index(places, weights.shape), axis=1)
    return _of(weights, taps, fold)


def _of(weights: Array, taps: Array, fold: int) -> Order:
    found = tuple((int(row), int(column)) for row, column in taps)
    return Order(found, tuple(weights[tap].item() for tap in found), fold)


def _fold(line: Array) -> int:
    """Return 1 for symmetric weights, -1 for antisymmetric ones, and 0 for others."""
    if len(line) % 2 == 0:
        return 0
    before, after = line[: len(line) // 2], line[::-1][: len(line) // 2]
    for sign in (1, -1):
        if (np.abs(before - sign * after) <= _EPSILON).all():
            return sign
    return 0


def ordered(request: Request, machine: Machine) -> Candidate | str:
    """Return how to add in SciPy's order, for callers who ask for that."""
    if request.method != "ordered":
        return "sums in SciPy's order are taken where they are asked for"
    if request.weighed:
        return "pixels have weights of their own, which SciPy does not know"
    taps, tile = len(order(request.kernel).taps), _tile(request)
    return Candidate(
        "ordered",
        np.dtype(np.float64),
        tile,
        max(taps, 1),
        terms=_terms(request.kernel),
        workspace=_workspace(request, tile),
    )


def _terms(kernel: Kernel) -> tuple[Term, ...]:
    """Return the kernel as a separable term if it is one: for sums whose order does not matter."""
    weights = 1.0 * kernel.numerators
    if weights.shape[0] == 1:
        return ((np.ones(1), weights[0]),)
    return cross_terms(weights, _EPSILON / 4, most=1)


def _tile(request: Request) -> tuple[int, int]:
    """Return output rows and columns of a tile."""
    y, x = request.y, request.x
    rows = max(_LEAST_ROWS, min(y.footprint, _PIXELS // 128))
    columns = min(_PIXELS // rows, max(x.out, 1))
    return max(1, _PIXELS // columns), columns


def pitch(columns: int) -> int:
    """Return how far apart rows of scratch lie: an odd number of cache lines.

    Examples
    --------
    >>> pitch(512), pitch(520)
    (520, 520)
    """
    return (-(-columns // _CACHE_LINE) | 1) * _CACHE_LINE


def _workspace(request: Request, tile: tuple[int, int]) -> int:
    y, x = request.y, request.x
    sides = ((n - 1) * axis.stride + axis.footprint for n, axis in zip(tile, (y, x), strict=True))
    return _ARRAYS * 8 * prod(sides)
