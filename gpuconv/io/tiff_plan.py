"""How a TIFF file is laid out before a pixel of it is known: tiles, levels, directories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from gpuconv.io.ifd import LONG, LONG8, SHORT, Directory, Entry, Tag
from gpuconv.io.pyramid import level_sizes
from gpuconv.io.source import Layout, Run
from gpuconv.io.tiff_write import PHOTOMETRICS, described

__all__ = ["Place", "Plan", "tile_of"]

#: TIFF 6.0 section 15: sides of tiles are multiples of 16.
_UNIT = 16
#: What openslide, QuPath and libvips read well: large enough to compress, small enough that a
#: region does not read much else.
_TILE = 256
_LARGEST_TILE = 4096
#: Classic TIFF has 32-bit offsets.
_CLASSIC = 2**32 - 1
_FORMATS = {"u": 1, "i": 2, "f": 3, "c": 6}
_REDUCED, _UNASSOCIATED, _CHUNKY, _APART = 1, 2, 1, 2


def tile_of(layout: Layout) -> tuple[int, int]:
    """Return rows and columns of the tiles: the chunks that are asked for, if TIFF allows them.

    Examples
    --------
    >>> tile_of(Layout((5000, 5000), np.dtype("u1"), (512, 512)))
    (512, 512)
    >>> tile_of(Layout((5000, 100), np.dtype("u1"), (1, 100)))
    (256, 112)
    """
    high, wide = (
        chunk if chunk % _UNIT == 0 and 4 * _UNIT <= chunk <= _LARGEST_TILE else _TILE
        for chunk in layout.chunks
    )
    rows, columns = (-(-size // _UNIT) * _UNIT for size in layout.size)
    return min(high, rows), min(wide, columns)


@dataclass(frozen=True)
class Place:
    """The part of a region that a tile holds."""

    #: Which tile of its picture and level.
    index: int
    #: Which samples.
    samples: slice
    #: Rows and columns of the region.
    inside: tuple[slice, slice]
    #: How many rows and columns of the tile the image has.
    size: tuple[int, int]


@dataclass(frozen=True)
class Plan:
    """Geometry of a tiled file.

    Parameters
    ----------
    layout : Layout
        Of the image; its chunks are the tiles.
    pyramid, planar : bool
        Whether there are smaller copies; whether samples are stored apart.
    """

    layout: Layout
    pyramid: bool
    planar: bool

    @cached_property
    def samples(self) -> int:
        """Samples of a pixel."""
        return prod(self.layout.picture[2:])

    @property
    def apart(self) -> int:
        """How many samples have tiles of their own."""
        return self.samples if self.planar else 1

    @cached_property
    def tile(self) -> tuple[int, int, int]:
        """Rows, columns and samples of a tile."""
        return (*self.layout.chunks, self.samples // self.apart)

    @cached_property
    def tile_bytes(self) -> int:
        """Bytes of a tile that is not compressed."""
        return prod(self.tile) * self.layout.dtype.itemsize

    @cached_property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of each level."""
        sizes = level_sizes(self.layout.size, self.layout.chunks)
        return sizes if self.pyramid else sizes[:1]

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """How many tiles a picture has at each level."""
        return tuple(self.apart * prod(self._grid(level)) for level in range(len(self.sizes)))

    @cached_property
    def pictures(self) -> int:
        """How many pictures there are, beside their smaller copies."""
        return prod(self.layout.planes)

    def _grid(self, level: int) -> tuple[int, int]:
        (high, wide), (rows, columns, _) = self.sizes[level], self.tile
        return -(-high // rows), -(-wide // columns)

    def needs_bigtiff(self, growth: float) -> bool:
        """Tell whether offsets may exceed 32 bits, if tiles grow at most so much by compression."""
        tiles = self.pictures * sum(self.counts)
        metadata = self.layout.metadata
        # Offset and count of each tile, and some room for the tags of each directory.
        tags = 16 * tiles + 2**10 * self.pictures * len(self.sizes)
        extra = len(metadata.icc or b"") * self.pictures + len(metadata.exif)
        return tiles * self.tile_bytes * growth + tags + extra > _CLASSIC - 2**20

    def position(self, picture: int, level: int, index: int) -> int:
        """Return which tile of the file one is, in the order of pictures, levels, tiles."""
        return picture * sum(self.counts) + sum(self.counts[:level]) + index

    def places(self, level: int, rows: Run, columns: Run) -> Iterator[Place]:
        """Yield what the tiles hold of a region that begins with a tile."""
        high, wide, together = self.tile
        down, across = self._grid(level)
        for top in range(rows[0], rows[1], high):
            for left in range(columns[0], columns[1], wide):
                bottom, right = min(top + high, rows[1]), min(left + wide, columns[1])
                inside = (
                    slice(top - rows[0], bottom - rows[0]),
                    slice(left - columns[0], right - columns[0]),
                )
                for part in range(self.apart):
                    index = (part * down + top // high) * across + left // wide
                    samples = slice(part * together, (part + 1) * together)
                    yield Place(index, samples, inside, (bottom - top, right - left))

    def directory(
        self,
        level: int,
        offsets: NDArray[np.int64],
        counts: NDArray[np.int64],
        compression: int,
        predictor: int,
        big: bool,
    ) -> Directory:
        """Return the tags of a picture at a level."""
        high, wide = self.sizes[level]
        bits, code = self.layout.dtype.itemsize * 8, _FORMATS[self.layout.dtype.kind]
        directory: Directory = {
            Tag.WIDTH: Entry.of(LONG, wide),
            Tag.HEIGHT: Entry.of(LONG, high),
            Tag.BITS: Entry.of(SHORT, *[bits] * self.samples),
            Tag.COMPRESSION: Entry.of(SHORT, compression),
            Tag.PHOTOMETRIC: Entry.of(SHORT, PHOTOMETRICS.get(self.layout.channels, 1)),
            Tag.SAMPLES: Entry.of(SHORT, self.samples),
            Tag.PLANAR: Entry.of(SHORT, _APART if self.apart > 1 else _CHUNKY),
            Tag.TILE_WIDTH: Entry.of(SHORT, self.tile[1]),
            Tag.TILE_HEIGHT: Entry.of(SHORT, self.tile[0]),
            Tag.TILE_OFFSETS: _numbers(offsets, big),
            Tag.TILE_COUNTS: _numbers(counts, big),
            Tag.FORMAT: Entry.of(SHORT, *[code] * self.samples),
        }
        if level:
            directory[Tag.SUBFILE] = Entry.of(LONG, _REDUCED)
        if predictor > 1:
            directory[Tag.PREDICTOR] = Entry.of(SHORT, predictor)
        if extra := self._extra():
            directory[Tag.EXTRA] = Entry.of(SHORT, *extra)
        return {**directory, **(described(self.layout.metadata) if level == 0 else {})}

    def _extra(self) -> list[int]:
        """Return what the samples beyond those of the colour are."""
        if self.layout.channels in PHOTOMETRICS:
            return [_UNASSOCIATED] * self.layout.channels.endswith("A")
        return [0] * (self.samples - 1)


def _numbers(values: NDArray[np.int64], big: bool) -> Entry:
    kind, code = (LONG8, "<u8") if big else (LONG, "<u4")
    return Entry(kind, values.astype(code).tobytes())
