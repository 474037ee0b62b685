"""Regions of an output, each with the region of the input that it needs: the halos live here.

An :class:`Axis` is the arithmetic of one axis: tap ``k`` of output ``i`` reads the image at
``offset + stride · i + dilation · k``, which lies in the border where it is below 0 or not below
the image's size. Cache blocking in the CPU engine uses tiles; streams and Dask use windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gpuconv.errors import ArgumentError

__all__ = ["SIZES", "Axis", "Tile", "axis", "clipped", "footprint", "tiles"]

#: What part of the convolution is returned.
SIZES = ("same", "valid", "full")


@dataclass(frozen=True)
class Axis:
    """One axis of a filter over an image."""

    #: Pixels in the image.
    n: int
    #: Pixels in the output.
    out: int
    #: Taps of the kernel.
    taps: int
    #: Position in the image of tap 0 of output 0.
    offset: int
    #: Image pixels between neighbouring outputs.
    stride: int
    #: Image pixels between neighbouring taps.
    dilation: int

    @property
    def footprint(self) -> int:
        """Image pixels from the first tap to the last, both included."""
        return footprint(self.taps, self.dilation)

    def without(self, before: int, after: int) -> Axis:
        """Return the axis of a kernel without its first `before` and last `after` taps.

        Examples
        --------
        >>> axis(100, 5, anchor=2).without(1, 0).source(0, 1)
        (-1, 3)
        """
        taps = self.taps - before - after
        return replace(self, taps=taps, offset=self.offset + self.dilation * before)

    def part(self, start: int, stop: int, origin: int, n: int) -> Axis:
        """Return the axis of outputs `start` … `stop` − 1 alone, in a window of `n` pixels.

        Parameters
        ----------
        start, stop : int
            The outputs that are wanted.
        origin, n : int
            Where on this axis the window begins, and its pixels.

        Examples
        --------
        >>> axis(100, 5, anchor=2).part(10, 20, 8, 14).source(0, 10)
        (0, 14)
        """
        offset = self.offset + self.stride * start - origin
        return replace(self, n=n, out=stop - start, offset=offset)

    def source(self, start: int, stop: int) -> tuple[int, int]:
        """Return the image positions (start, stop) that outputs `start` … `stop` − 1 read.

        Examples
        --------
        >>> axis(100, 5, anchor=2).source(10, 20)
        (8, 22)
        """
        first = self.offset + self.stride * start
        return first, first + self.stride * (stop - start - 1) + self.footprint


def footprint(taps: int, dilation: int) -> int:
    """Return the image pixels that `taps` taps cover, `dilation` apart."""
    return (taps - 1) * dilation + 1


def axis(
    n: int, taps: int, anchor: int, size: str = "same", stride: int = 1, dilation: int = 1
) -> Axis:
    """Return the arithmetic of a correlation along an axis of `n` pixels.

    Parameters
    ----------
    n, taps, anchor : int
        Image pixels, kernel taps, and the tap that lies over the output pixel.
    size : {"same", "valid", "full"}
        As many outputs as pixels; only those whose taps all lie in the image; all that have any.
    stride : int
        Every how manieth of these is returned, from the first on.
    dilation : int
        Distance between taps, in pixels.

    Raises
    ------
    ArgumentError
        `size` is "valid" and the kernel reaches beyond the image wherever it is put.

    Examples
    --------
    >>> [axis(10, 3, 1, size).out for size in SIZES]
    [10, 8, 12]
    >>> axis(10, 3, 1, "same", stride=4).out
    3
    """
    reach = footprint(taps, dilation)
    first, count = {
        "same": (-dilation * anchor, n),
        "valid": (0, n - reach + 1),
        "full": (1 - reach, n + reach - 1),
    }[size]
    if n == 0:
        count = 0
    elif count < 1:
        raise ArgumentError(
            f"size='valid' needs an image at least as large as the kernel, but the kernel covers "
            f"{reach} pixels and the image has {n}; use size='same' or 'full'"
        )
    return Axis(n, -(-count // stride), taps, first, stride, dilation)


def clipped(tile: tuple[int, int], y: Axis, x: Axis) -> tuple[int, int]:
    """Return the rows and columns of a tile that is no larger than the output.

    Examples
    --------
    >>> clipped((128, 1024), axis(100, 3, 1), axis(2000, 3, 1))
    (100, 1024)
    """
    return min(tile[0], max(y.out, 1)), min(tile[1], max(x.out, 1))


@dataclass(frozen=True)
class Tile:
    """Where a piece of the output goes, and the image positions (start, stop) it is made from."""

    rows: slice
    columns: slice
    source_rows: tuple[int, int]
    source_columns: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the output piece."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


def tiles(y: Axis, x: Axis, height: int, width: int) -> Iterator[Tile]:
    """Yield tiles of at most `height` × `width` pixels that cover the output once, row by row.

    Examples
    --------
    >>> y = x = axis(10, 3, 1)
    >>> [(t.shape, t.source_rows) for t in tiles(y, x, 6, 10)]
    [((6, 10), (-1, 7)), ((4, 10), (5, 11))]
    """
    for top in range(0, y.out, height):
        bottom = min(top + height, y.out)
        for left in range(0, x.out, width):
            right = min(left + width, x.out)
            yield Tile(
                slice(top, bottom), slice(left, right), y.source(top, bottom), x.source(left, right)
            )
