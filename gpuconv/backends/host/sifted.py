"""Sums in SciPy's order where the order matters, and in any order where it does not.

A sum that becomes an integer is rounded once more, and differs between orders only if it is within
rounding errors of a place where that rounding jumps. So all sums are taken the fast way, and what
they become with the largest error added and subtracted is compared: few results are in doubt, and
these alone are summed again in order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.algorithms.ordered import Order, order
from gpuconv.backends.host import dense, separable
from gpuconv.backends.host.filter import finishing
from gpuconv.backends.host.load import load
from gpuconv.backends.host.ordered import OrderedFilter
from gpuconv.backends.host.pieces import Piece
from gpuconv.border import span
from gpuconv.plan import Plan
from gpuconv.weights import Weights

__all__ = ["Near", "SiftedFilter", "nearly"]

Array = NDArray[Any]

#: Steps up to which sums in order take no longer than the sifting (`make swap`): photographs are
#: flat in places, where all is in doubt.
_FEW = 5
#: The largest error of a sum that leaves few results in doubt: one in a hundred.
_MOST_ERROR = 2**-8
#: Of how many results one may be in doubt, before the tile is summed in order altogether: to pick
#: the pixels under the taps of a single result takes as much longer.
_ONE_IN = 8
#: Pixels that are picked at once.
_PICKED = 2**18


@dataclass(frozen=True)
class Near:
    """Sums in some order: what is summed, and how far from those in SciPy's order they may be."""

    plan: Plan
    error: float


def nearly(plan: Plan) -> Near | None:
    """Return a faster way to nearly the same sums; None if that is no use."""
    used = order(plan.kernel)
    steps = {axis.stride * axis.dilation for axis in (plan.y, plan.x)}
    packed = 2 * len(used.taps) * (2 if used.fold else 1) > plan.y.taps * plan.x.taps
    if len(used.taps) <= _FEW or steps != {1} or not packed or not _jumps(plan):
        return None
    algorithm = "separable" if plan.terms and plan.x.taps > 1 else "dense"
    count = sum(plan.kernel.shape) if plan.terms else plan.y.taps * plan.x.taps
    for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        error = _error(plan, used, dtype, count)
        if error <= _MOST_ERROR:
            return Near(replace(plan, algorithm=algorithm, accumulator=dtype), error)
    return None


def _jumps(plan: Plan) -> bool:
    """Return whether results are integers made of bounded sums, and nothing else is done to them.

    A quotient would be rounded once more on the way.
    """
    plain = plan.kernel.divisor == 1 and not plan.epilogue.computes
    bounded = plan.dtype.kind in "iu" and isfinite(plan.cval)
    return plain and bounded and plan.out_dtype.kind in "iu"


def _error(plan: Plan, used: Order, dtype: np.dtype[Any], count: int) -> float:
    """Return how far a sum in a dtype may be from that in SciPy's order (Higham 2002, 3.5)."""
    pixels = np.iinfo(plan.dtype)
    largest = max(-int(pixels.min), int(pixels.max), abs(plan.cval))
    if largest > 2 / np.finfo(dtype).eps or dtype.type(plan.cval) != plan.cval:
        return np.inf  # pixels themselves would be rounded
    total = max(plan.kernel.total, Weights(None, plan.terms).total if plan.terms else 0)
    # Beside each sum: products, weights, those of terms; the error that is added.
    rounded = (count + 2 * len(plan.terms) + 4) * np.finfo(dtype).eps / 2
    rounded += (len(used.taps) + 4) * np.finfo(np.float64).eps / 2
    return float((rounded * total + _apart(plan, used)) * largest) * 1.01


def _apart(plan: Plan, used: Order) -> float:
    """Return how far the weights of the order are from those that are summed the fast way: Σ|a−b|.

    In the order a tap has the weight of its mirror image, and none if that is tiny.
    """
    weights = 1.0 * (Weights(None, plan.terms).array if plan.terms else plan.kernel.numerators)
    for tap, weight in zip(used.taps, used.weights, strict=True):
        weights[tap] -= weight
        other = used.mirrored(tap, plan.kernel.shape)
        if other:
            weights[other] -= used.fold * weight
    return float(np.abs(weights).sum())


class SiftedFilter:
    """Sums sifted by whether their order matters, of pieces of one shape, of one plane."""

    def __init__(self, plan: Plan, near: Near, shape: tuple[int, int]) -> None:
        self._plan, self._shape, self._error = plan, shape, near.error
        make = separable.block if near.plan.algorithm == "separable" else dense.block
        self._block = make(near.plan, *shape)
        self._low = np.empty(shape, near.plan.accumulator)
        self._other = np.empty(shape, plan.out_dtype)
        self._finish, self._finish_ordered = finishing(near.plan), finishing(plan)
        self._taps = _Taps(plan, order(plan.kernel))
        self.bytes = 4 * self._block.pixels.nbytes + self._low.nbytes

    @cached_property
    def _in_order(self) -> OrderedFilter:
        return OrderedFilter(self._plan, self._shape)

    def __call__(self, piece: Piece, image: Array, out: Array) -> None:
        """Filter a piece."""
        plan, rows, columns = self._plan, piece.source_rows, piece.source_columns
        y = span(plan.border[0], rows.start, rows.stop, plan.y.n)
        x = span(plan.border[1], columns.start, columns.stop, plan.x.n)
        load(image, y, x, plan.cval, self._block.pixels)
        target = out[piece.rows, piece.columns]
        doubtful = np.flatnonzero(self._differ(target))
        if doubtful.size > self._low.size // _ONE_IN:
            self._in_order(piece, image, out)
            return
        each = max(1, _PICKED // self._taps.count)
        for first in range(0, doubtful.size, each):
            place = np.divmod(doubtful[first : first + each], self._shape[1])
            results = np.empty(place[0].size, plan.out_dtype)
            self._finish_ordered(self._taps.summed(self._block.pixels, *place), results)
            target[place] = results

    def _differ(self, target: Array) -> Array:
        """Write results of sums that are too small, and return where too large ones differ."""
        sums = self._block.compute()
        np.subtract(sums, self._error, out=self._low)
        np.add(sums, self._error, out=sums)
        self._finish(self._low, target)
        self._finish(sums, self._other)
        differ: Array = target != self._other
        return differ


class _Taps:
    """Taps in their order, for single results."""

    def __init__(self, plan: Plan, used: Order) -> None:
        shape = plan.kernel.shape
        self.count = len(used.taps)
        self._taps = np.array(used.taps).T[..., None]
        self._weights = np.array(used.weights)[:, None]
        self._join = np.add if used.fold == 1 else np.subtract
        #: The first tap with a mirror image; the one in the middle may stand before.
        pairs = [i for i, tap in enumerate(used.taps) if used.mirrored(tap, shape)]
        self._first = pairs[0] if pairs else self.count
        self._mirrored = np.array(shape)[:, None, None] - 1 - self._taps[:, self._first :]

    def summed(self, pixels: Array, rows: Array, columns: Array) -> Array:
        """Return the sums of the outputs in some rows and columns of a tile."""
        under = pixels[self._taps[0] + rows, self._taps[1] + columns].astype(np.float64)
        if self._first < self.count:
            pairs = under[self._first :]
            others = pixels[self._mirrored[0] + rows, self._mirrored[1] + columns]
            self._join(pairs, others, out=pairs)
        under *= self._weights
        # One after the other: a plain sum may be taken in halves.
        sums: Array = np.add.accumulate(under, axis=0)[-1]
        return sums
