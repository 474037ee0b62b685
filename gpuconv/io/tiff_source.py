"""Read TIFF files by regions: only the tiles or strips that a region touches."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import MissingExtraError
from gpuconv.io.ifd import pages, read_directory, read_header
from gpuconv.io.metadata import Metadata
from gpuconv.io.opener import named
from gpuconv.io.positional import Positional
from gpuconv.io.read_tiff import metadata_of
from gpuconv.io.recent import Recent
from gpuconv.io.source import Layout, Plane, Run, Source
from gpuconv.io.tiff_page import Page
from gpuconv.io.tiff_pictures import Pictures, pictures

__all__ = ["TiffSource"]

Array = NDArray[Any]

#: Two rows of 256 × 256 RGB tiles of an image 80,000 pixels wide: with less, the tiles that two
#: bands of an image share would be gone before the second is read.
_RECENT_BYTES = 2**27


class TiffSource(Source):
    """A TIFF or BigTIFF file: tiles or strips, any compression that imagecodecs knows.

    Pixels are those of `read_image` as the file stores them: not turned upright (the orientation
    stays a tag of the metadata), palettes looked up, colour not multiplied with alpha. Pictures of
    several dyes that no tag explains are all kept, as channels "".

    Parameters
    ----------
    path : Path
        The file.
    page : int, optional
        Which page, counted without smaller copies and masks; by default pages are a leading axis,
        if there are several.
    level : int, default 0
        Which level of a pyramid: smaller copies below a page (SubIFDs) or after it.
    missing : {"error", "fill"}
        What to do about tiles that lie outside a truncated file. Tiles that a file leaves out
        (those of offset 0) are filled in any case, as the convention is, with 0 or GDAL's
        "no data".

    Raises
    ------
    ImageFileError
        The file is damaged, of a kind that is not supported, or its pages differ.
    ArgumentError
        There is no such page or level.
    MissingExtraError
        tifffile is not installed.

    Examples
    --------
    >>> with TiffSource(Path("samples/hubble.tif")) as source:
    ...     source.shape, source.read((10, 12), (20, 24)).shape
    ((300, 450), (2, 4))
    """

    def __init__(
        self,
        path: Path,
        page: int | None = None,
        level: int = 0,
        missing: Literal["error", "fill"] = "error",
    ) -> None:
        self.path = path
        self._fills = missing == "fill"
        with named(path, "read"):
            if not self._fills:
                _check_chain(path)
            found = _found(path, page, level)
            self._pages, self._levels = found.pages, found.levels
            self.layout = _layout(found.pages, _metadata(path, found), page is None)
            self._file = Positional(path)
        self._recent = Recent(_room(found.pages[0]))

    @property
    def levels(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of each picture of the pyramid, from the full one on."""
        return self._levels

    @property
    def cache_bytes(self) -> int:
        """Bytes that decoded tiles may take at most, beside the regions that are read."""
        return self._recent.budget

    def _read(self, rows: Run, columns: Run, plane: Plane) -> Array:
        page = self._pages[plane[0] if plane else 0]
        return page.read(self._file, self._recent, rows, columns, self._fills)

    def close(self) -> None:
        """Let go of the file, and of what was decoded."""
        self._file.close()
        self._recent.clear()


def _found(path: Path, page: int | None, level: int) -> Pictures:
    try:
        import tifffile
    except ImportError:
        raise MissingExtraError("tifffile", "tiff", f"reading parts of {path}") from None
    with tifffile.TiffFile(path) as tif:
        return pictures(tif, path, page, level)


def _check_chain(path: Path) -> None:
    """Refuse a file that ends before its last page, of which tifffile gives those that are there.

    Slides of Hamamatsu have directories of their own kind.
    """
    if path.suffix.lower() == ".ndpi":
        return
    with open(path, "rb") as file:
        _, whole = pages(file)
    if not whole:
        raise ValueError("it is truncated: a page's directory lies outside the file")


def _metadata(path: Path, found: Pictures) -> Metadata:
    with open(path, "rb") as file:
        form, _ = read_header(file)
        directory, _ = read_directory(file, form, found.offset)
        colour = found.pages[0].colour
        notes: tuple[str, ...] = ()
        if (lost := colour.left_out) > 0:
            notes = (f"left out {lost} extra channel{'s' * (lost > 1)} beside {colour.channels}",)
        return metadata_of(file, directory, path.suffix, notes)


def _layout(pages: tuple[Page, ...], metadata: Metadata, stack: bool) -> Layout:
    first = pages[0]
    planes = (len(pages),) if stack and len(pages) > 1 else ()
    channels = () if first.colour.channels == "L" else (first.colour.samples,)
    rows, columns = first.segment
    # Of strips that are not encoded single rows are read.
    rows = 1 if first.decode is None and first.kind == "strip" else rows
    return Layout(
        shape=(*planes, *first.size, *channels),
        dtype=np.dtype(first.colour.dtype),
        chunks=(min(rows, first.size[0]), min(columns, first.size[1])),
        channels=first.colour.channels,
        metadata=metadata,
    )


def _room(page: Page) -> int:
    """Return the bytes for decoded segments: two rows of them, and one of any size."""
    if page.decode is None:
        return 0
    row = page.grid[1] * page.apart * page.segment_bytes
    return max(min(2 * row, _RECENT_BYTES), page.segment_bytes)
