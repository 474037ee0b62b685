"""Non-local means: a tile against itself, shifted, by sums over windows.

A tile is one long run of pixels, as for :mod:`gpuconv.backends.host.box`: the pixel below is
`columns` further on, so that a shift (down, right) is one along the run. The patches of p and p + t
are as alike as those of p + t and p: half of the shifts t make the weights of all, each of which
serves the pixel before it and the one behind it (Darbon et al., ISBI 2008). Squared differences are
added up over patches by windows built from smaller windows, so that the size of patches hardly
matters, nothing drifts, and NaN stays in the windows that hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from gpuconv.algorithms.box import runs
from gpuconv.backends.host.tile import TileBlock
from gpuconv.backends.host.windows import Run, Windows
from gpuconv.dtypes import store
from gpuconv.neighbourhood import NeighbourhoodPlan, NonLocalMeans

__all__ = ["block"]

Array = NDArray[Any]


def block(plan: NeighbourhoodPlan, height: int, width: int) -> TileBlock:
    """Return a block for output tiles of a height and a width."""
    tile = _Tile(plan, height, width)
    return TileBlock(tile.pixels if plan.channels is not None else tile.pixels[0], tile.compute)


@dataclass(frozen=True)
class _Row:
    """The shifts of one row, and what makes the weights of each."""

    down: int
    #: Shifts to the right.
    rights: range
    #: Turn squared differences into weights.
    steps: list[Callable[[], object]]
    squares: Array
    weights: Array
    #: Scratch beside the squares, and beside the weights.
    others: tuple[Array, Array]


class _Tile:
    """A tile of all channels with its halo, and scratch for what is made of it."""

    def __init__(self, plan: NeighbourhoodPlan, height: int, width: int) -> None:
        wanted = plan.neighbourhood
        assert isinstance(wanted, NonLocalMeans)
        self._wanted, self._channels, dtype = wanted, plan.channels or 1, plan.accumulator
        (above, below), (left, right) = wanted.reach
        rows, self._columns = height + above + below, width + left + right
        self._run = np.empty((self._channels, rows * self._columns), dtype)
        self.pixels = self._run.reshape(self._channels, rows, self._columns)
        #: Where the outputs lie in the run, from the first to the last.
        self._first = above * self._columns + left
        self._length = (height - 1) * self._columns + width
        #: Σ w · (I(q) − I(p)), and later the results: of what pixels have in common nothing is
        #: lost, however many are added up.
        self._total = np.empty((self._channels, self._length), dtype)
        self._weight = np.empty(self._length, dtype)
        strides = self._total.strides[0], self._columns * dtype.itemsize, dtype.itemsize
        self._results = as_strided(self._total, (self._channels, height, width), strides)
        # Windows along x follow on those along y, of which none is kept; one for each row beside.
        room = 1 + runs(wanted.patch_size), self._run[0].nbytes
        memory = np.empty(room, np.uint8)
        self._rows = [self._row(down, memory) for down in range(wanted.search_distance + 1)]

    def _row(self, down: int, memory: Array) -> _Row:
        """Return the shifts so far down that are not the opposite of others."""
        s, patch, dtype = self._wanted.search_distance, self._wanted.patch_size, self._run.dtype
        windows = Windows(None, dtype, memory.shape, memory)
        length = self._length + down * self._columns + s
        squares = windows.empty(length + (patch - 1) * (self._columns + 1))
        others = self._beside(squares, memory)
        found = windows.over(windows.over(squares, patch, self._columns), patch, 1)
        beside = self._beside(found, memory)
        steps = [*windows.steps, *self._weigh(found.values, beside)]
        rights = range(-s if down else 1, s + 1)
        return _Row(down, rights, steps, squares.values, found.values, (others, beside))

    def _beside(self, run: Run, memory: Array) -> Array:
        """Return scratch for as many values that is not the run's."""
        room: Array = next(each for each in memory if not np.shares_memory(each, run.room))
        return room.view(run.values.dtype)[: run.values.size]

    def _weigh(self, sums: Array, part: Array) -> Iterator[Callable[[], object]]:
        scale, spared = (sums.dtype.type(each) for each in self._wanted.exponent(self._channels))
        yield partial(np.multiply, sums, -scale / 2 if spared else -scale, out=sums)
        if spared:
            # min(2x, 0) is x − |x|, which takes half as long as np.minimum.
            yield partial(np.add, sums, spared / 2, out=sums)
            yield partial(np.abs, sums, out=part)
            yield partial(np.subtract, sums, part, out=sums)
        yield partial(np.exp, sums, out=sums)

    def compute(self, out: Array) -> None:
        """Filter what is in `pixels` into `out`."""
        self._start()
        for row in self._rows:
            for right in row.rights:
                self._compare(row, right)
                self._add(row, right)
        self._total /= self._weight
        self._total += self._run[:, self._first : self._first + self._length]
        store(self._results if out.ndim == 3 else self._results[0], out)

    def _start(self) -> None:
        """Begin with the outputs' own pixels, whose weight is 1 where their patches are finite."""
        self._compare(self._rows[0], 0)
        own = self._wanted.search_distance
        self._weight[...] = self._rows[0].weights[own : own + self._length]
        self._total.fill(0)

    def _compare(self, row: _Row, right: int) -> None:
        """Make the weights of a shift: of all pixels that are an output, or shifted to one."""
        wanted, columns = self._wanted, self._columns
        begin = self._first - row.down * columns - wanted.search_distance
        begin -= wanted.patch_size // 2 * (columns + 1)
        shifted = begin + row.down * columns + right
        count = row.squares.size
        for channel, run in enumerate(self._run):
            part = row.others[0] if channel else row.squares
            np.subtract(run[begin : begin + count], run[shifted : shifted + count], out=part)
            np.multiply(part, part, out=part)
            if channel:
                np.add(row.squares, part, out=row.squares)
        for step in row.steps:
            step()

    def _add(self, row: _Row, right: int) -> None:
        """Add the pairs of a shift to the outputs that come first in them, and second."""
        length, shift = self._length, row.down * self._columns + right
        # Of the weights, that of the pair whose second pixel is the first output.
        second = row.down * self._columns + self._wanted.search_distance - shift
        weights = row.weights[second : second + shift + length]
        np.add(self._weight, weights[shift:], out=self._weight)
        np.add(self._weight, weights[:length], out=self._weight)
        begin, moved = self._first - shift, row.others[1][: shift + length]
        for run, total in zip(self._run, self._total, strict=True):
            pixels = run[begin : begin + shift + length + shift]
            np.subtract(pixels[shift:], pixels[: shift + length], out=moved)
            np.multiply(moved, weights, out=moved)
            np.add(total, moved[shift:], out=total)
            np.subtract(total, moved[:length], out=total)
