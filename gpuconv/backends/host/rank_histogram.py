"""Ranks by counting: how many pixels of a window are below a value.

A window's pixel of a rank is the largest value that no more than that many pixels are below. Which
pixels are below a value is an image of ones and zeros, and counting those in all windows is a sum
over windows, at a cost that hardly grows with their size. Bytes are found that way, halving the
values in question as long as any window of the tile asks. Of other pixels, that finds which part of
the tile's pixels, sorted and cut into equal parts, has the wanted one (``rank_parts.py`` goes on).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.host.rank_parts import Parts
from gpuconv.backends.host.sums import Counted, Sums
from gpuconv.backends.host.tile import TileBlock
from gpuconv.neighbourhood import NeighbourhoodPlan, Rank

__all__ = ["block"]

Array = NDArray[Any]


def block(plan: NeighbourhoodPlan, height: int, width: int) -> TileBlock:
    """Return a block that counts."""
    wanted = plan.neighbourhood
    assert isinstance(wanted, Rank)
    rows, columns = wanted.shape
    pixels = np.empty((height + rows - 1, width + columns - 1), plan.accumulator)
    bytes_only = plan.accumulator.itemsize == 1
    search = _Search(wanted, height, pixels.shape, exact=not bytes_only)
    if not bytes_only:
        return TileBlock(pixels, _by_parts(search, Parts(pixels, (rows, columns)), (height, width)))
    # Of signed bytes, the order of their bits begins at -128.
    first = pixels.view(np.uint8), np.uint8(128 if plan.accumulator == np.int8 else 0)

    def compute(out: Array) -> None:
        np.bitwise_xor(*first, out=search.codes.reshape(pixels.shape))
        found, _ = search()
        np.copyto(out, (found[:, :width] ^ first[1]).view(plan.accumulator))

    return TileBlock(pixels, compute)


def _by_parts(search: _Search, parts: Parts, shape: tuple[int, int]) -> Callable[[Array], None]:
    """Return a call that counts pixels of whole parts, and then those of one."""
    width = shape[1]

    def compute(out: Array) -> None:
        parts.sort(search.codes)
        found, left = search()
        np.copyto(out, parts.pick(found[:, :width], left[:, :width]), casting="unsafe")

    return compute


class _Search:
    """Finds the byte of a rank in every window of a tile of bytes."""

    def __init__(self, wanted: Rank, height: int, shape: tuple[int, ...], exact: bool) -> None:
        (rows, columns), pitch, size = wanted.shape, shape[1], shape[0] * shape[1]
        self._pitch = pitch
        #: Bytes of all pixels of the tile, halo included, in a run.
        self.codes = np.empty(size, np.uint8)
        self._below = np.empty(size, bool)
        self._sums = Sums()
        tall = self._sums.over(Counted(self._below.view(np.uint8), 1), rows, pitch)
        counts = self._sums.over(tall, columns, 1).values
        # The ends of the last row have no windows.
        self._counts = counts[: height * pitch]
        self._rank = counts.dtype.type(wanted.index)
        self._reached = np.zeros(height * pitch, np.uint8)
        self._reaches = np.empty(self._counts.size, bool)
        self._left = np.zeros(height * pitch if exact else 0, counts.dtype)

    def __call__(self) -> tuple[Array, Array]:
        """Return the byte of each window, and the rank less the pixels that are below it."""
        self._reached[:], self._left[:] = 0, self._rank
        asked, values = [(0, 256, self._counts.size, 0)], [0]
        while asked:
            low, high, from_low, from_high = asked.pop()
            if high - low < 2 or from_low == from_high:
                continue
            middle = (low + high) // 2
            values.append(middle)
            reached = self._reach(middle)
            asked += [(low, middle, from_low, reached), (middle, high, reached, from_high)]
        # Who reaches a value reaches all that are less: the number of them tells the largest.
        found = np.array(sorted(values), np.uint8)[self._reached]
        return found.reshape(-1, self._pitch), self._left.reshape(-1, self._pitch)

    def _reach(self, value: int) -> int:
        """Return how many windows find the value or a larger one, having marked them."""
        np.less(self.codes, np.uint8(value), out=self._below)
        self._sums()
        np.less_equal(self._counts, self._rank, out=self._reaches)
        windows = self._counts.size
        reached, left = self._reached[:windows], self._left[:windows]
        np.add(reached, self._reaches.view(np.uint8), out=reached)
        if left.size:
            # What would be less than 0 is more than any rank.
            np.minimum(left, self._rank - self._counts, out=left)
        return int(np.count_nonzero(self._reaches))
