"""A part of a filter's result, and the pixels of a large image that it is made from.

What streams over files and Dask's chunks have in common: they never see the whole image. Here they
learn which of its pixels a part of the result reads (:func:`needs`), and hand these to the same
functions that filter whole images, as a :class:`Window`. The algorithm, its tiles and its border
are those of the whole image, so that the bits are, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gpuconv.border import FILL, source_index
from gpuconv.tiling import Axis

__all__ = ["PARTS", "Needs", "Order", "Run", "Window", "gather", "held", "indices", "needs", "own"]

Array = NDArray[Any]
#: Pixels `start` … `stop` − 1 of an axis.
Run: TypeAlias = tuple[int, int]
#: Indices as stretches (first, step, count): a border repeats, turns around, goes on elsewhere.
Order: TypeAlias = tuple[tuple[int, int, int], ...]

#: Parts of a plan that are remembered, so that engines find the scratch that they left: without it
#: a 3×3 median in tiles of 256×512 took twice as long. Tiles of one size have nine parts: those at
#: edges and in corners are others.
PARTS = 32


@dataclass(frozen=True)
class Needs:
    """Which pixels of an axis a part of a result reads, and where a window has them."""

    #: Position on the axis of the window's first pixel; below 0 where that stands in the border.
    origin: int
    #: The pixels to read, in rising order.
    runs: tuple[Run, ...]
    #: Which of those read the pixels of the window are; None: they are the window.
    order: Order | None = None

    @property
    def size(self) -> int:
        """Pixels of the window."""
        return self.read if self.order is None else sum(count for _, _, count in self.order)

    @property
    def read(self) -> int:
        """Pixels that are read."""
        return sum(stop - start for start, stop in self.runs)


@lru_cache(maxsize=4096)
def needs(axes: tuple[Axis, ...], mode: str, start: int, stop: int) -> Needs:
    """Return what of an axis the outputs `start` … `stop` − 1 of filters read.

    Parameters
    ----------
    axes : tuple of Axis
        The same image axis, once for each filter that reads it.
    mode : str
        The border's. Pixels in the border are copied to where they stand; those that are filled
        have no pixel, and stay outside the window.

    Examples
    --------
    >>> from gpuconv.tiling import axis
    >>> needs((axis(100, 5, anchor=2),), "reflect", 10, 20)
    Needs(origin=8, runs=((8, 22),), order=None)
    >>> needs((axis(100, 5, anchor=2),), "wrap", 98, 100)
    Needs(origin=96, runs=((0, 2), (96, 100)), order=((2, 1, 4), (0, 1, 2)))
    >>> needs((axis(100, 5, anchor=2),), "constant", 0, 10)
    Needs(origin=0, runs=((0, 12),), order=None)
    """
    ends = [axis.source(start, stop) for axis in axes]
    first, last = min(low for low, _ in ends), max(high for _, high in ends)
    n = axes[0].n
    if first >= 0 and last <= n:
        return Needs(first, ((first, last),))
    index = source_index(mode, range(first, last), n)
    if (index == FILL).any():
        # One pixel at least: a window without any would be an image without any.
        low, high = min(max(first, 0), n - 1), max(min(last, n), 1)
        return Needs(low, ((low, high),))
    read, order = np.unique(index, return_inverse=True)
    breaks = np.flatnonzero(np.diff(read) > 1) + 1
    runs = tuple((int(run[0]), int(run[-1]) + 1) for run in np.split(read, breaks))
    return Needs(first, runs, _stretches(order))


def _stretches(index: Array) -> Order:
    """Return indices as stretches: a window may have a million."""
    found, start = list[tuple[int, int, int]](), 0
    steps = np.diff(index)
    while start < len(index):
        step = int(steps[start]) if start < len(steps) else 1
        others = np.flatnonzero(steps[start:] != step)
        stop = start + int(others[0]) + 1 if len(others) else len(index)
        found.append((int(index[start]), step, stop - start))
        start = stop
    return tuple(found)


def indices(order: Order) -> Array:
    """Return the indices that stretches stand for.

    Examples
    --------
    >>> indices(((2, -1, 2), (0, 0, 2), (1, 1, 1))).tolist()
    [2, 1, 0, 0, 1]
    """
    parts = [first + step * np.arange(count) for first, step, count in order]
    return np.concatenate(parts)


def gather(
    rows: Needs,
    columns: Needs,
    fetch: Callable[[Run, Run], Array],
    empty: Callable[[tuple[int, ...], Any], Array] = np.empty,
) -> Array:
    """Return the pixels of a window, (h, w) or (h, w, C).

    Parameters
    ----------
    rows, columns : Needs
        Of the part that is to be made.
    fetch : callable
        Returns the pixels of the image in some rows and some columns.
    empty : callable
        Makes room for pixels of a shape and a dtype: of the kind that `fetch` returns.
    """
    blocks = [[fetch(run, across) for across in columns.runs] for run in rows.runs]
    pixels = blocks[0][0]
    if len(rows.runs) + len(columns.runs) > 2:
        pixels = _joined(blocks, empty)
    # An index would leave a NumPy array in another order, and channels no longer side by side.
    if rows.order is not None:
        pixels = pixels.take(indices(rows.order), axis=0)
    if columns.order is not None:
        pixels = pixels.take(indices(columns.order), axis=1)
    return pixels


def _joined(
    blocks: Sequence[Sequence[Array]], empty: Callable[[tuple[int, ...], Any], Array]
) -> Array:
    """Return blocks beside and below each other as one array."""
    high, wide = sum(len(row[0]) for row in blocks), sum(b.shape[1] for b in blocks[0])
    pixels = empty((high, wide, *blocks[0][0].shape[2:]), blocks[0][0].dtype)
    top = 0
    for row in blocks:
        left = 0
        for block in row:
            pixels[top : top + len(block), left : left + block.shape[1]] = block
            left += block.shape[1]
        top += len(row[0])
    return pixels


@dataclass(frozen=True, eq=False)
class Window:
    """Pixels of an image, from which a part of a filter's result is made.

    It stands for the image in :func:`gpuconv.convolve` and the functions like it, which then return
    the part alone.
    """

    #: (h, w) or (h, w, C), of any engine; with other `axes`, of some planes or all.
    pixels: Any
    #: Of the whole image, (H, W) or (H, W, C).
    shape: tuple[int, ...]
    #: Rows and columns of the result that are wanted.
    rows: Run
    columns: Run
    #: Position of the first pixel on the image's axes: in the border where it is below 0.
    origin: tuple[int, int]
    #: Which axes of the image are its rows and its columns.
    axes: tuple[int, int] = (0, 1)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the pixels."""
        dtype: np.dtype[Any] = self.pixels.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """Dimensions of the image."""
        return len(self.shape)

    @property
    def channel_axis(self) -> int | None:
        """The axis of the channels, −1 or none."""
        return -1 if self.ndim == 3 and self.axes == (0, 1) else None

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the pixels."""
        y, x = self.axes
        return self.pixels.shape[y], self.pixels.shape[x]

    @property
    def own(self) -> Any:
        """The pixels where the part lies, without those around it."""
        where = [slice(None)] * self.ndim
        for axis, (start, stop), first in zip(
            self.axes, (self.rows, self.columns), self.origin, strict=True
        ):
            where[axis] = slice(start - first, stop - first)
        return self.pixels[tuple(where)]


def held(image: Any) -> Any:
    """Return the pixels that there are of an image: those of a window, or all."""
    return image.pixels if isinstance(image, Window) else image


def own(image: Any) -> Any:
    """Return the pixels where results lie: those of a window's part, or all."""
    return image.own if isinstance(image, Window) else image
