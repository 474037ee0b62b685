"""Write TIFF files by regions: tiles in any order, the directories last.

Tiles that are not compressed have places of their own in the file: its bytes are the same whatever
the order. Compressed ones come one after the other as they are written, so that files of one image
may differ in the order of their tiles; their pixels do not. The journal remembers where each tile
is, and a run that was interrupted goes on behind the last one it knows.
"""

from __future__ import annotations

import struct
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.dtypes import rule
from gpuconv.errors import ArgumentError, ImageFileError, choose
from gpuconv.io import exif as exif_tags
from gpuconv.io import pyramid as levels
from gpuconv.io.ifd import LONG, LONG8, Directory, Entry, Tag, directory_end, lay_out
from gpuconv.io.opener import named
from gpuconv.io.partial import Partial
from gpuconv.io.positional import Positional
from gpuconv.io.sink import Sink
from gpuconv.io.source import Layout, Plane, Run
from gpuconv.io.tiff_codec import COMPRESSIONS, Codec
from gpuconv.io.tiff_plan import Place, Plan, tile_of

__all__ = ["TiffSink"]

Array = NDArray[Any]

_NAME = "image.tif"
#: Where tiles begin: after the header, 8 bytes or 16.
_FIRST = 16
_CLASSIC = 2**32 - 1
#: How much longer a tile may get by compression: LZW's codes of up to 12 bits stand for a byte at
#: least; Deflate and Zstandard store what they cannot compress as it is, with a few bytes of heads.
_GROWTH = {"none": 1.0, "lzw": 1.5, "deflate": 1.01, "zstd": 1.01}


class TiffSink(Sink):
    """A tiled TIFF file, little-endian, a BigTIFF where it may need to be.

    Several pictures are pages. The levels of a pyramid come after their page, marked as smaller
    copies, as openslide, QuPath and libvips read them; where there are several pages, below them
    (SubIFDs), since otherwise they would be between the pages.

    Parameters
    ----------
    layout : Layout
        Of the image. Its chunks become the tiles if they are multiples of 16 from 64 to 4096;
        otherwise tiles have 256 rows and columns.
    partial : Partial
        Where the file grows.
    compression : {"none", "deflate", "lzw", "zstd"}, optional
        Lossless, with differences between neighbours; by default Deflate if the source was a
        compressed TIFF, and else none. All but Deflate need imagecodecs.
    pyramid : bool, default False
        Add smaller copies, each half as large, down to one tile.
    planar : bool, default False
        Store samples apart.
    bigtiff : bool, optional
        By default where the pixels might not fit into 4 GiB if they do not compress at all.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An option is not allowed, or the image has no pixels or pixels of a dtype that is unknown.
    MissingExtraError
        The compression needs imagecodecs.

    Examples
    --------
    >>> import tempfile
    >>> layout = Layout((300, 300), np.dtype(np.uint8), (256, 256))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with TiffSink(layout, Partial(Path(folder, "a.tif"), "key")) as sink:
    ...         sink.write(np.zeros((300, 300), np.uint8), (0, 300), (0, 300))
    ...         _ = sink.finish()
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['a.tif']
    """

    def __init__(
        self,
        layout: Layout,
        partial: Partial,
        compression: str | None = None,
        pyramid: bool = False,
        planar: bool = False,
        bigtiff: bool | None = None,
    ) -> None:
        rule(layout.dtype)
        if 0 in layout.shape:
            raise ArgumentError(f"an image of shape {layout.shape} has no pixels to write")
        name = compression or ("deflate" if layout.metadata.compressed else "none")
        choose("compression", name, COMPRESSIONS, "a compression of TIFF")
        super().__init__(replace(layout, chunks=tile_of(layout)), partial)
        self._plan = Plan(self.layout, bool(pyramid), bool(planar))
        self._big = self._plan.needs_bigtiff(_GROWTH[name]) if bigtiff is None else bool(bigtiff)
        started = [record["predictor"] for record in partial.records if "predictor" in record]
        self._codec = Codec(name, layout.dtype, *started[:1])
        self._in_place = name == "none"
        self._index = np.zeros((2, self._plan.pictures * sum(self._plan.counts)), np.int64)
        self._end = _FIRST + self._in_place * self._index.shape[1] * self._plan.tile_bytes
        self._lock = threading.Lock()
        with named(self.path, "write"):
            self._file = Positional(partial.folder / _NAME, write=True)
        try:
            if not started:
                partial.add(predictor=self._codec.predictor)
            self._resume()
        except BaseException:
            self._file.close()
            raise

    def _resume(self) -> None:
        """Take up the tiles that an earlier run wrote."""
        size = self._file.size
        for record in self.partial.records:
            tiles = np.array(record.get("tiles", []), np.int64).reshape(-1, 3)
            tiles = tiles[tiles[:, 1] + tiles[:, 2] <= size]
            self._index[:, tiles[:, 0]] = tiles[:, 1:].T
            self._end = max(self._end, int((tiles[:, 1] + tiles[:, 2]).max(initial=0)))

    def has(self, rows: Run, columns: Run, plane: Plane = ()) -> bool:
        """Tell whether all tiles of a region have been written, by this run or an earlier one."""
        return self.has_level(self._picture(plane), 0, rows, columns)

    def has_level(self, picture: int, level: int, rows: Run, columns: Run) -> bool:
        """Tell whether all tiles of part of a level have been written."""
        places = self._plan.places(level, rows, columns)
        tiles = [self._plan.position(picture, level, place.index) for place in places]
        return bool(self._index[1, tiles].all())

    def _picture(self, plane: Plane) -> int:
        planes = self.layout.planes
        return int(np.ravel_multi_index(plane, planes)) if planes else 0

    def _write(self, pixels: Array, rows: Run, columns: Run, plane: Plane) -> None:
        self.write_level(self._picture(plane), 0, pixels, rows, columns)

    def write_level(self, picture: int, level: int, pixels: Array, rows: Run, columns: Run) -> None:
        """Write part of a level."""
        samples = pixels.reshape(*pixels.shape[:2], self._plan.samples)
        tiles = []
        with named(self.path, "write"):
            for place in self._plan.places(level, rows, columns):
                tile = self._plan.position(picture, level, place.index)
                data = self._codec.encode(self._padded(samples, place))
                offset = self._claim(tile, len(data))
                self._file.write_at(offset, data)
                tiles.append((tile, offset, len(data)))
        self.partial.add(tiles=tiles)
        written = np.array(tiles, np.int64)
        self._index[:, written[:, 0]] = written[:, 1:].T

    def _padded(self, samples: Array, place: Place) -> Array:
        """Return a whole tile; what lies outside the image is 0."""
        part = samples[(*place.inside, place.samples)]
        if part.shape == self._plan.tile:
            return part
        tile = np.zeros(self._plan.tile, samples.dtype)
        tile[: place.size[0], : place.size[1]] = part
        return tile

    def _claim(self, tile: int, count: int) -> int:
        """Return where a tile is to be written."""
        if self._in_place:
            return _FIRST + tile * self._plan.tile_bytes
        with self._lock:
            offset = self._end
            # TIFF 6.0 wants even offsets.
            self._end += count + count % 2
        self._check_reach(offset + count)
        return offset

    def _check_reach(self, end: int) -> None:
        if end > _CLASSIC and not self._big:
            raise ImageFileError(
                f"cannot write {self.path}: it does not fit into the 4 GiB of a classic TIFF: "
                "use bigtiff=True"
            )

    def read_level(self, picture: int, level: int, rows: Run, columns: Run) -> Array:
        """Return part of a level that was written."""
        size = rows[1] - rows[0], columns[1] - columns[0]
        samples = np.empty((*size, self._plan.samples), self.layout.dtype)
        for place in self._plan.places(level, rows, columns):
            tile = self._plan.position(picture, level, place.index)
            with named(f"{self.path}, its tile {place.index} of level {level}", "read back"):
                data = self._file.read_at(*map(int, self._index[:, tile]))
                found = self._codec.decode(data, self._plan.tile)
            high, wide = place.size
            samples[(*place.inside, place.samples)] = found[:high, :wide]
        return samples.reshape(*size, *self.layout.picture[2:])

    def _complete(self) -> Path:
        self._check_whole()
        for picture in range(self._plan.pictures if self._plan.pyramid else 0):
            levels.build(
                _Picture(self, picture), self._plan.sizes, self.layout.chunks, self.layout.channels
            )
        with named(self.path, "write"):
            self._write_directories()
        self._file.close()
        return self.partial.folder / _NAME

    def _check_whole(self) -> None:
        counts = self._index[1].reshape(self._plan.pictures, -1)[:, : self._plan.counts[0]]
        if missing := int((counts == 0).sum()):
            raise ImageFileError(
                f"cannot finish {self.path}: {missing} of {counts.size} tiles were not written"
            )

    def _write_directories(self) -> None:
        """Write header and directories, each linked from the one before."""
        big = self._big
        head = struct.pack("<2sHHH", b"II", 43, 8, 0) if big else b"II*\0"
        self._file.write_at(0, head.ljust(_FIRST, b"\0"))
        link, end = (8 if big else 4), self._end
        block = exif_tags.stamped(self.layout.metadata.exif, self.layout.picture, tiff=True)
        # Between the pages of a stack, smaller copies would be taken for pages.
        below = self._plan.pictures > 1
        for picture in range(self._plan.pictures):
            pages = [self._directory(picture, level) for level in range(len(self._plan.sizes))]
            exif = block if picture == 0 else {}
            pages[0] |= exif.get(0, {})
            if below and len(pages) > 1:
                offsets, end = self._write_below(pages[1:], end)
                pages[0][Tag.SUBIFDS] = Entry.of(LONG8 if big else LONG, *offsets)
            for number, page in enumerate(pages[: 1 if below else None]):
                pointers = {} if number else {tag: exif[tag] for tag in exif if tag}
                link, end = self._write_page(page, pointers, link, end)
        self._file.truncate(end)

    def _directory(self, picture: int, level: int) -> Directory:
        first = self._plan.position(picture, level, 0)
        offsets, counts = self._index[:, first : first + self._plan.counts[level]]
        codec = self._codec
        return self._plan.directory(level, offsets, counts, codec.tag, codec.predictor, self._big)

    def _write_below(self, pages: list[Directory], end: int) -> tuple[list[int], int]:
        """Write directories that are pointed to; return where they are, and where they end."""
        offsets = []
        for page in pages:
            offsets.append(end + end % 2)
            end = self._write_at(page, {}, offsets[-1])
        return offsets, end

    def _write_page(
        self, page: Directory, pointers: dict[int, Directory], link: int, end: int
    ) -> tuple[int, int]:
        """Write a page and link it; return where its link to the next one is, and its end."""
        start = end + end % 2
        end = self._write_at(page, pointers, start)
        self._file.write_at(link, struct.pack("<Q" if self._big else "<I", start))
        return start + directory_end(len(page) + len(pointers), self._big), end

    def _write_at(self, page: Directory, pointers: dict[int, Directory], start: int) -> int:
        data = lay_out(page, pointers, start, self._big)
        self._check_reach(start + len(data))
        self._file.write_at(start, data)
        return start + len(data)

    def _let_go(self) -> None:
        self._file.close()


class _Picture:
    """One picture of a sink, as the maker of pyramids sees it."""

    def __init__(self, sink: TiffSink, number: int) -> None:
        self._sink, self._number = sink, number

    def has_level(self, level: int, rows: Run, columns: Run) -> bool:
        return self._sink.has_level(self._number, level, rows, columns)

    def read_level(self, level: int, rows: Run, columns: Run) -> Array:
        return self._sink.read_level(self._number, level, rows, columns)

    def write_level(self, level: int, pixels: Array, rows: Run, columns: Run) -> None:
        self._sink.write_level(self._number, level, pixels, rows, columns)
