"""One page of a TIFF file: where its tiles or strips lie, and how they become samples.

tifffile reads the directory and knows the codecs; which bytes are read, and when, is decided here.
Nothing of a page changes after it was made, so that any number of threads can read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import MissingExtraError
from gpuconv.io.opener import named
from gpuconv.io.positional import Positional
from gpuconv.io.recent import Recent
from gpuconv.io.source import Run
from gpuconv.io.tiff_colour import Colour, colour_of

__all__ = ["Page", "page_of"]

Array = NDArray[Any]

_JPEG = (6, 7)
_END_OF_JPEG = b"\xff\xd9"
#: What a tile or strip may hold. One that holds a large image all by itself would be decoded whole
#: for each region.
_LARGEST = 2**30
#: No codec makes more of a segment than this, beside its headers: a larger number is damaged.
_MOST, _HEADS = 2, 2**20
#: Bytes that are read at a time where segments are long: what is read must be copied.
_BLOCK = 2**22


@dataclass(frozen=True, eq=False)
class Page:
    """A picture of a TIFF file, as a grid of segments: tiles, or strips as wide as the picture.

    Attributes
    ----------
    name : str
        What messages call it, with the file's path.
    size : (int, int)
        Rows and columns.
    segment : (int, int)
        Rows and columns of a segment.
    kind : str
        "tile" or "strip".
    apart : int
        How many samples are stored in segments of their own; 1 where those of a pixel are together.
    together : int
        How many samples of a pixel stand together.
    stored : dtype
        Of the samples, with the file's byte order where they are read as they stand.
    offsets, counts : ndarray of int64
        Of the segments in the file.
    fill : number
        What stands where the file has no segment.
    colour : Colour
        How samples become channels.
    decode : callable or None
        From a segment's bytes and number to its samples; None where they need no decoding.
    """

    name: str
    size: tuple[int, int]
    segment: tuple[int, int]
    kind: str
    apart: int
    together: int
    stored: np.dtype[Any]
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]
    fill: float
    colour: Colour
    decode: Callable[[bytes, int], Any] | None

    @property
    def grid(self) -> tuple[int, int]:
        """Segments down and across."""
        (high, wide), (rows, columns) = self.size, self.segment
        return -(-high // rows), -(-wide // columns)

    @property
    def segment_bytes(self) -> int:
        """Bytes of the samples of a segment."""
        rows, columns = self.segment
        return rows * columns * self.together * self.stored.itemsize

    def read(self, file: Positional, recent: Recent, rows: Run, columns: Run, fill: bool) -> Array:
        """Return the pixels of a region.

        Parameters
        ----------
        file : Positional
            The page's file.
        recent : Recent
            Where decoded segments are looked for, and kept.
        rows, columns : (int, int)
            First, and one after the last.
        fill : bool
            Whether segments outside the file are filled, not an error.
        """
        shape = rows[1] - rows[0], columns[1] - columns[0], self.apart * self.together
        samples = np.empty(shape, self.stored.newbyteorder("="))
        for sample in range(self.apart):
            out = samples[..., sample : sample + 1] if self.apart > 1 else samples
            for place in _Place.all(self, sample, rows, columns):
                with named(f"{self.name}, {place}", "read"):
                    self._fill(out[place.inside], file, recent, place, fill)
        return np.ascontiguousarray(self.colour.show(samples))

    def _fill(
        self, out: Array, file: Positional, recent: Recent, place: _Place, fill: bool
    ) -> None:
        """Write what a region needs of a segment to `out`."""
        offset, count = int(self.offsets[place.index]), int(self.counts[place.index])
        # GDAL and libtiff leave out tiles in which there is nothing.
        if offset == 0 or count == 0 or (fill and offset + count > file.size):
            out[:] = self.fill
        elif self.decode is None:
            self._copy(out, file, place)
        else:
            found = recent.get((self.name, place.index))
            if found is None:
                found = self._decoded(file, place.index)
                if place.shared:
                    recent.put((self.name, place.index), found)
            if len(found) < place.rows[1] or found.shape[1] < place.columns[1]:
                raise ValueError(f"it has {found.shape[1]} × {len(found)} pixels, too few")
            out[:] = found[slice(*place.rows), slice(*place.columns)]

    def _decoded(self, file: Positional, index: int) -> Array:
        assert self.decode is not None
        offset, count = int(self.offsets[index]), int(self.counts[index])
        if count > _MOST * self.segment_bytes + _HEADS:
            raise ValueError(f"{count} bytes are too many for {self.segment_bytes} of pixels")
        samples, _, _ = self.decode(file.read_at(offset, count), index)
        # Of the four axes the first is that of volumes.
        found: Array = samples[0]
        return found

    def _copy(self, out: Array, file: Positional, place: _Place) -> None:
        """Read what is needed of a segment that is stored as it is, and little else."""
        (top, bottom), (left, right) = place.rows, place.columns
        pixel = self.together * self.stored.itemsize
        pitch = self.segment[1] * pixel
        if bottom * pitch > self.counts[place.index]:
            raise ValueError(f"it has {self.counts[place.index]} bytes, too few")
        start = int(self.offsets[place.index]) + top * pitch
        # What lies between two rows is read too if that is not more than the rows themselves.
        apart = 2 * (right - left) < self.segment[1]
        step = 1 if apart else max(1, _BLOCK // pitch)
        before, wide = (left * pixel, right - left) if apart else (0, self.segment[1])
        for row in range(0, bottom - top, step):
            rows = min(step, bottom - top - row)
            data = file.read_at(start + row * pitch + before, rows * wide * pixel)
            found = np.frombuffer(data, self.stored).reshape(rows, wide, self.together)
            out[row : row + rows] = found if apart else found[:, left:right]


@dataclass(frozen=True)
class _Place:
    """The part of a segment that a region needs."""

    kind: str
    sample: int
    y: int
    x: int
    index: int
    #: Of the segment's own rows and columns.
    rows: Run
    columns: Run
    #: Where they come in the region.
    inside: tuple[slice, slice]
    #: Whether a region beside this one may need the segment too.
    shared: bool

    def __str__(self) -> str:
        where = f"tile {self.y, self.x}" if self.kind == "tile" else f"strip {self.y}"
        return f"sample {self.sample}, {where}" if self.sample else where

    @classmethod
    def all(cls, page: Page, sample: int, rows: Run, columns: Run) -> Iterator[_Place]:
        """Yield the parts that a region is made of."""
        down, across = page.grid
        for y, ys, inside_y, shared_y in _runs(rows, page.segment[0], page.size[0]):
            for x, xs, inside_x, shared_x in _runs(columns, page.segment[1], page.size[1]):
                index = (sample * down + y) * across + x
                shared = shared_y or shared_x
                yield cls(page.kind, sample, y, x, index, ys, xs, (inside_y, inside_x), shared)


def _runs(run: Run, step: int, size: int) -> Iterator[tuple[int, Run, slice, bool]]:
    """Yield which segments a run meets: number, part, where in the run, whether others need it."""
    start, stop = run
    whole = stop - start == size
    for number in range(start // step, -(-stop // step)):
        first, last = max(start, number * step), min(stop, (number + 1) * step)
        # A region beside this one begins within the last two segments, unless it needs more pixels
        # around its own than a segment has.
        beside = number * step - start < step or stop - (number + 1) * step < step
        part = first - number * step, last - number * step
        yield number, part, slice(first - start, last - start), beside and not whole


def page_of(page: Any, name: str, offset: int = 0) -> Page:
    """Return a page from what tifffile read of its directory.

    Parameters
    ----------
    page : tifffile.TiffPage
        As read.
    name : str
        What messages call it.
    offset : int
        How far after the page's own segments those of this picture lie.

    Raises
    ------
    ValueError
        A kind of page that is not supported.
    """
    colour = colour_of(page)
    apart = int(page.samplesperpixel) if page.planarconfig == 2 else 1
    wide = int(page.imagewidth)
    segment = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, wide)
    plain = _is_plain(page)
    if not plain:
        _check_codec(page, name)
    stored = page.dtype.newbyteorder(page.parent.byteorder) if plain else page.dtype
    found = Page(
        name=name,
        size=(int(page.imagelength), wide),
        segment=(int(segment[0]), int(segment[1])),
        kind="tile" if page.is_tiled else "strip",
        apart=apart,
        together=int(page.samplesperpixel) // apart,
        stored=np.dtype(stored),
        offsets=np.array(page.dataoffsets, np.int64) + offset,
        counts=np.array(page.databytecounts, np.int64),
        fill=page.nodata,
        colour=colour,
        decode=None if plain else _decoder(page),
    )
    _check(found)
    return found


def _check(page: Page) -> None:
    if not all(page.size) or not all(page.segment):
        raise ValueError("it has no pixels")
    needed = page.apart * page.grid[0] * page.grid[1]
    if (there := min(len(page.offsets), len(page.counts))) < needed:
        raise ValueError(f"its directory names {there} of {needed} {page.kind}s")
    if page.decode is not None and page.segment_bytes > _LARGEST:
        raise ValueError(
            f"each of its {page.kind}s is {page.segment_bytes} bytes when decoded, over the limit "
            f"of {_LARGEST}: no region can be read without it; convert it to smaller tiles"
        )


def _check_codec(page: Any, name: str) -> None:
    """Refuse now what would fail at each region: of no data, decoders only say if they can work."""
    try:
        page.decode(None, 0)
    except Exception as error:
        if "imagecodecs" not in str(error):
            raise
        raise MissingExtraError("imagecodecs", "tiff", f"reading {name}") from error


def _is_plain(page: Any) -> bool:
    """Whether the samples stand in the file as NumPy has them."""
    uncoded = int(page.compression) == 1 and int(page.predictor) == 1 and int(page.fillorder) == 1
    whole = page.bitspersample == page.dtype.itemsize * 8
    # Complex integers become complex floats.
    return uncoded and whole and int(page.sampleformat) != 5 and not page.is_subsampled


def _decoder(page: Any) -> Callable[[bytes, int], Any]:
    if int(page.compression) not in _JPEG:
        decode: Callable[[bytes, int], Any] = page.decode
        return decode
    header = page.jpegheader
    jpeg = partial(page.decode, jpegtables=page.jpegtables, jpegheader=header)

    def checked(data: bytes, index: int) -> Any:
        # libjpeg paints what is missing grey; segments under a common header have no end mark.
        if header is None and _END_OF_JPEG not in data[-64:]:
            raise ValueError("it is truncated: the end mark is missing")
        return jpeg(data, index)

    return checked
