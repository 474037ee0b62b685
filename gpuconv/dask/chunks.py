"""Which chunks of an array a part of a result is made from, and how they become its window."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, product
from typing import Any

from gpuconv import backends
from gpuconv.window import Needs, Order, Run, indices

__all__ = ["Pieces", "bounds", "joined", "pieces", "runs"]


@dataclass(frozen=True)
class Pieces:
    """The pixels of an axis that a part reads, chunk by chunk."""

    #: The number of each chunk, and which of its pixels are read.
    chunks: tuple[int, ...]
    runs: tuple[Run, ...]
    #: For each pixel of the window, which of those read it is; None: they are the window.
    order: Order | None


def bounds(sizes: Sequence[int]) -> list[int]:
    """Return where the chunks of an axis begin, and where the last one ends.

    Examples
    --------
    >>> bounds((3, 3, 2))
    [0, 3, 6, 8]
    """
    return [0, *accumulate(sizes)]


def runs(sizes: Sequence[int]) -> list[Run]:
    """Return first pixels of chunks, and those after their last ones.

    Examples
    --------
    >>> runs((3, 3, 2))
    [(0, 3), (3, 6), (6, 8)]
    """
    return list(pairwise(bounds(sizes)))


def pieces(need: Needs, edges: Sequence[int]) -> Pieces:
    """Return what is read of an axis whose chunks begin and end somewhere.

    Examples
    --------
    >>> pieces(Needs(2, ((2, 7),)), bounds((3, 3, 2)))
    Pieces(chunks=(0, 1, 2), runs=((2, 3), (0, 3), (0, 1)), order=None)
    """
    found = [
        (number, (max(edges[number], first) - edges[number], min(end, last) - edges[number]))
        for first, last in need.runs
        # Found by halving: an array may have very many chunks, and each asks.
        for number in range(bisect_right(edges, first) - 1, bisect_left(edges, last))
        if edges[number] < (end := edges[number + 1])
    ]
    return Pieces(tuple(n for n, _ in found), tuple(run for _, run in found), need.order)


def joined(blocks: Sequence[Any], axes: Sequence[Pieces]) -> Any:
    """Return the window whose pixels lie in chunks, given one for each piece of each axis.

    The last axis' number of the piece changes fastest. One chunk alone is not copied.

    Examples
    --------
    >>> import numpy as np
    >>> twice = ((1, 0, 2), (0, 0, 1))
    >>> axes = [Pieces((0,), ((0, 1),), None), Pieces((1, 0), ((0, 1), (1, 2)), twice)]
    >>> joined([np.array([[5, 6]]), np.array([[7, 8]])], axes)
    array([[8, 8, 5]])
    """
    places = [list(zip(runs(_lengths(axis)), axis.runs, strict=True)) for axis in axes]
    if len(blocks) == 1:
        window = blocks[0][tuple(slice(*run) for axis in axes for run in axis.runs)]
    else:
        home = backends.owner(blocks[0])
        window = home.empty(tuple(sum(_lengths(axis)) for axis in axes), blocks[0].dtype)
        for block, place in zip(blocks, product(*places), strict=True):
            there = tuple(slice(*to) for to, _ in place)
            window[there] = block[tuple(slice(*of) for _, of in place)]
    for number, axis in enumerate(axes):
        if axis.order is not None:
            # In C's order, as an index would not leave it.
            window = window.take(indices(axis.order), axis=number)
    return window


def _lengths(axis: Pieces) -> list[int]:
    return [stop - start for start, stop in axis.runs]
