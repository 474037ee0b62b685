"""From regions of an image, as they were read, to the windows that parts are made from.

:func:`gpuconv.window.gather` is the definition: it fetches every pixel of a window where that has
it. Here most pixels are copied once, in whole rows, to where they stand; those of the border that
repeat others are copied within the window afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.streaming.parts import Job
from gpuconv.window import Needs, Run, indices

__all__ = ["Block", "fill", "merged", "needed", "split", "stacked"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Block:
    """A region of an image, and its pixels."""

    rows: Run
    columns: Run
    pixels: Array


def merged(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Return runs in rising order, those that touch or overlap as one.

    Examples
    --------
    >>> merged([(8, 12), (0, 4), (4, 6), (10, 20)])
    ((0, 6), (8, 20))
    """
    found = list[Run]()
    for start, stop in sorted(runs):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], stop)
        else:
            found.append((start, stop))
    return tuple(found)


def needed(leaves: Iterable[Job]) -> tuple[tuple[Run, ...], tuple[Run, ...]]:
    """Return the rows and the columns of an image that some windows are made from."""
    together = tuple(leaves)
    return (
        merged(run for leaf in together for run in leaf.high.runs),
        merged(run for leaf in together for run in leaf.wide.runs),
    )


def split(rows: Run, columns: Run, chunks: tuple[int, int], count: int) -> list[tuple[Run, Run]]:
    """Return a region in at most `count` pieces that share no chunk.

    Examples
    --------
    >>> split((0, 100), (0, 1000), (64, 256), 2)
    [((0, 100), (0, 512)), ((0, 100), (512, 1000))]
    >>> split((0, 100), (0, 1000), (1, 1000), 2)
    [((0, 50), (0, 1000)), ((50, 100), (0, 1000))]
    """
    across = _cut(columns, chunks[1], count)
    if len(across) > 1:
        return [(rows, run) for run in across]
    return [(run, columns) for run in _cut(rows, chunks[0], count)]


def _cut(run: Run, chunk: int, count: int) -> list[Run]:
    """Return a run in pieces that end with chunks."""
    first, last = run[0] // chunk, -(-run[1] // chunk)
    count = max(min(count, last - first), 1)
    inner = [chunk * (first + (last - first) * i // count) for i in range(1, count)]
    ends = [run[0], *inner, run[1]]
    return list(pairwise(ends))


def stacked(blocks: Iterable[Block], rows: Run, width: int) -> Array:
    """Return a copy of some rows, `width` pixels wide, from the blocks that have them."""
    together = tuple(blocks)
    like = together[0].pixels
    found = np.empty((rows[1] - rows[0], width, *like.shape[2:]), like.dtype)
    for block in together:
        first, last = max(block.rows[0], rows[0]), min(block.rows[1], rows[1])
        if first < last:
            part = block.pixels[first - block.rows[0] : last - block.rows[0]]
            found[first - rows[0] : last - rows[0], slice(*block.columns)] = part
    return found


def fill(window: Array, leaf: Job, blocks: Iterable[Block]) -> None:
    """Copy the pixels of a leaf's window from the blocks that have them."""
    down, across = _places(leaf.high), _places(leaf.wide)
    for block in blocks:
        for target_rows, rows in down.of(block.rows):
            for target_columns, columns in across.of(block.columns):
                window[target_rows, target_columns] = block.pixels[rows, columns]
    if across.repeats is not None:
        there, again = across.repeats
        window[:, there] = window[:, again]
    if down.repeats is not None:
        there, again = down.repeats
        window[there] = window[again]


@dataclass(frozen=True)
class _Places:
    """Where the pixels of an axis stand in a window."""

    #: (position in the window, position on the axis, how many) of pixels in their own order.
    stretches: tuple[tuple[int, int, int], ...]
    #: Positions in the window, and those that have the same pixels: one of the stretches'.
    repeats: tuple[Array, Array] | None

    def of(self, run: Run) -> Iterator[tuple[slice, slice]]:
        """Yield where pixels of a run go in the window, and where in the run they are."""
        for place, start, count in self.stretches:
            first, last = max(start, run[0]), min(start + count, run[1])
            if first < last:
                to = place + first - start
                yield slice(to, to + last - first), slice(first - run[0], last - run[0])


@lru_cache(maxsize=64)
def _places(needs: Needs) -> _Places:
    if needs.order is None:
        [(start, stop)] = needs.runs
        return _Places(((0, start, stop - start),), None)
    read = np.concatenate([np.arange(*run) for run in needs.runs])
    order = indices(needs.order)
    pixels = read[order]
    ends = [0, *(np.flatnonzero(np.diff(pixels) != 1) + 1).tolist(), len(pixels)]
    every = [(a, int(pixels[a]), b - a) for a, b in pairwise(ends)]
    seen, stretches = np.zeros(len(read), bool), list[tuple[int, int, int]]()
    # The longest first: what they have need not be copied from the blocks again.
    for place, start, count in sorted(every, key=lambda stretch: -stretch[2]):
        first = order[place]
        if not seen[first : first + count].all():
            seen[first : first + count] = True
            stretches.append((place, start, count))
    return _Places(tuple(stretches), _repeats(order, stretches))


def _repeats(order: Array, stretches: Iterable[tuple[int, int, int]]) -> tuple[Array, Array] | None:
    filled = np.zeros(len(order), bool)
    home = np.zeros(order.max() + 1, np.intp)
    for place, _, count in stretches:
        filled[place : place + count] = True
        home[order[place] : order[place] + count] = np.arange(place, place + count)
    there = np.flatnonzero(~filled)
    if not there.size:
        return None
    return there, home[order[there]]
