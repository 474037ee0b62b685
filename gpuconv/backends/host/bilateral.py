"""The bilateral filter on tiles: each pair of pixels is weighed once, for both of them.

The weight of the pair (p, p + shift) is the weight of q = p + shift in the mean of p, and of p in
that of q, so half of the shifts do. A tile is one long run of pixels, the pixel below being a row's
length further on: a shift is then a distance along the run, and each step a single loop of NumPy's.
Pairs that reach around the end of a row are weighed too, and not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.host.block import scratch
from gpuconv.backends.host.tile import TileBlock
from gpuconv.dtypes import store
from gpuconv.neighbourhood import Bilateral, NeighbourhoodPlan
from gpuconv.neighbourhood.algorithms.bilateral import chunk

__all__ = ["block"]

Array = NDArray[Any]
Step = Callable[[], object]

#: Pairs that are weighed a chunk at a time whose views are made once per block, and not anew for
#: each tile: so many take 0.9 MB. They are those of windows of up to 17 pixels across.
_KEPT = 300


def block(plan: NeighbourhoodPlan, height: int, width: int) -> TileBlock:
    """Return a block for output tiles of a height and a width."""
    wanted = plan.neighbourhood
    assert isinstance(wanted, Bilateral)
    channels = () if plan.channels is None else (plan.channels,)
    r = wanted.radius
    pixels = np.empty((*channels, height + 2 * r, width + 2 * r), plan.accumulator)
    pairs = _Pairs(wanted, pixels.reshape(-1, *pixels.shape[-2:]), height)
    results = pairs.moved.reshape(*channels, height, width + 2 * r)[..., r : r + width]

    def compute(out: Array) -> None:
        pairs.run()
        store(results, out)

    return TileBlock(pixels, compute)


class _Pairs:
    """The means of `height` rows of pixels in the middle of those loaded, of one tile."""

    def __init__(self, wanted: Bilateral, pixels: Array, height: int) -> None:
        """Make scratch for pixels (C, rows, columns)."""
        channels, _, row = pixels.shape
        self._pixels = pixels.reshape(channels, -1)
        #: Where the outputs begin along the run, and where they end.
        self._first = wanted.radius * row
        self._stop = self._first + height * row
        self._chunk, dtype = min(chunk(channels), self._stop), pixels.dtype
        rows = scratch(channels + 2, self._chunk, dtype)
        self._differences, self._weights, self._part = rows[:-2], rows[-2], rows[-1]
        #: Σ w · (I(q) − I(p)), and later the results; and Σ w.
        sums = scratch(channels + 1, height * row, dtype)
        self.moved, self._total = sums[:-1], sums[-1]
        # No more than the largest float, as 0 times infinity is NaN.
        scale = min(sqrt(0.5) / wanted.sigma_color, float(np.finfo(dtype).max))
        self._scale = dtype.type(scale)
        self._shifts = [
            (y * row + x, dtype.type(wanted.log_space(y * y + x * x))) for y, x in wanted.half
        ]
        few = len(self._shifts) * -(-self._stop // self._chunk) <= _KEPT
        self._kept = list(self._steps()) if few else None

    def run(self) -> None:
        """Make the results of the pixels that are loaded."""
        self._start()
        for step in self._steps() if self._kept is None else self._kept:
            step()
        np.divide(self.moved, self._total, out=self.moved)
        np.add(self._pixels[:, self._first : self._stop], self.moved, out=self.moved)

    def _start(self) -> None:
        """Begin with the pixels themselves, whose weight is 1, or NaN where one is not finite."""
        own = self._pixels[:, self._first : self._stop]
        if len(own) > 1:
            np.subtract(own, own, out=self.moved)
            np.add.reduce(self.moved, axis=0, out=self._total)
            np.add(self._total, 1, out=self._total)
        else:  # its neighbours make NaN of it
            self._total.fill(1)
        self.moved.fill(0)

    def _steps(self) -> Iterator[Step]:
        """Yield what weighs all pairs whose first pixel is in a chunk, then in the next."""
        for start in range(0, self._stop, self._chunk):
            for shift, space in self._shifts:
                # Above the outputs only those count of which the second pixel is an output.
                begin = max(start, self._first - shift)
                end = min(start + self._chunk, self._stop)
                if begin < end:
                    yield from self._weigh(begin, end, shift, space)

    def _weigh(self, begin: int, end: int, shift: int, space: Any) -> Iterator[Step]:
        """Yield what adds the pairs of each pixel in [begin, end) and of that a shift further."""
        there, here = self._pixels[:, begin + shift : end + shift], self._pixels[:, begin:end]
        moved, weights = self._differences[:, : end - begin], self._weights[: end - begin]
        yield partial(np.subtract, there, here, moved)
        yield from self._distance(moved, weights)
        yield partial(np.multiply, weights, weights, weights)
        yield partial(np.subtract, space, weights, weights)
        yield partial(np.exp, weights, weights)
        yield partial(np.multiply, moved, weights, moved)
        first = max(self._first - begin, 0)  # that is an output
        yield from self._add(np.add, begin + first, moved[:, first:], weights[first:])
        last = max(min(self._stop - shift, end) - begin, 0)  # of which the other is
        yield from self._add(np.subtract, begin + shift, moved[:, :last], weights[:last])

    def _add(self, to: np.ufunc, begin: int, moved: Array, weights: Array) -> Iterator[Step]:
        """Yield what adds weights to outputs from `begin` on, and what moves these, if any."""
        if weights.size:
            found = slice(begin - self._first, begin - self._first + weights.size)
            total, sums = self._total[found], self.moved[:, found]
            yield partial(np.add, total, weights, total)
            yield partial(to, sums, moved, sums)

    def _distance(self, differences: Array, distance: Array) -> Iterator[Step]:
        """Yield what makes ‖I(p) − I(q)‖ in units in which its square is the exponent."""
        first, *others = differences
        if not others:  # the square does not need the sign
            yield partial(np.multiply, first, self._scale, distance)
            return
        part = self._part[: distance.size]
        yield partial(np.abs, first, distance)
        for other in others:
            yield partial(np.abs, other, part)
            yield partial(np.add, distance, part, distance)
        yield partial(np.multiply, distance, self._scale, distance)
