"""An image on disk, read by regions: what all kinds of files have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.io.indexing import Pick, picks
from gpuconv.io.metadata import Metadata

__all__ = ["Layout", "Plane", "Run", "Source"]

Array = NDArray[Any]
#: Rows or columns `start` … `stop` − 1.
Run: TypeAlias = tuple[int, int]
#: Index of a picture among the leading axes of an image.
Plane: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """What there is to know of an image on disk before a pixel is read.

    Attributes
    ----------
    shape : tuple of int
        (…, H, W), or (…, H, W, C) where pixels have channels: whatever the file's own order is.
    dtype : dtype
        Of the pixels, in native byte order.
    chunks : (int, int)
        Rows and columns that are stored together: a region along them is read without waste.
    channels : str
        "L", "LA", "RGB", "RGBA", "CMYK"; or "" where nothing tells what the last axis means.
    metadata : Metadata
        What the file says besides.
    axes : str
        A letter for each axis of `shape`, such as "tczyx", where the file tells; else "".
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, int]
    channels: str = "L"
    metadata: Metadata = field(default_factory=Metadata)
    axes: str = ""

    @property
    def channel_axis(self) -> int | None:
        """The axis of the channels, −1 or none."""
        return None if self.channels == "L" else -1

    @property
    def planes(self) -> Plane:
        """The axes before rows and columns."""
        return self.shape[: -2 if self.channel_axis is None else -3]

    @property
    def picture(self) -> tuple[int, ...]:
        """Shape of one picture, (H, W) or (H, W, C)."""
        return self.shape[len(self.planes) :]

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.picture[0], self.picture[1]

    @property
    def nbytes(self) -> int:
        """Bytes of all pixels."""
        return prod(self.shape) * self.dtype.itemsize

    def check(self, rows: Run, columns: Run, plane: Plane) -> None:
        """Refuse a region that is not in the image.

        Raises
        ------
        ArgumentError
            The message says what there is.
        """
        for name, run, n in zip(("rows", "columns"), (rows, columns), self.size, strict=True):
            if not 0 <= run[0] <= run[1] <= n:
                raise ArgumentError(f"{name}={run} are not in an image that has {n} of them")
        inside = all(0 <= i < n for i, n in zip(plane, self.planes, strict=False))
        if len(plane) != len(self.planes) or not inside:
            raise ArgumentError(
                f"plane={plane} is not in an image whose leading axes are {self.planes}"
            )


class Source(ABC):
    """An image on disk that is read by regions, from any number of threads.

    It is like an array: ``source.shape``, ``source.dtype``, ``source[1000:1200, 300:400]``; only
    what is asked for is read. Close it, or use it as a context.
    """

    #: What the messages of errors call it, and the file that a journal remembers.
    path: Path
    layout: Layout
    #: Opens the file anew; set by `open_image`, so that another process can be given the source.
    again: Callable[[], Source] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(…, H, W), or (…, H, W, C) where pixels have channels."""
        return self.layout.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the pixels."""
        return self.layout.dtype

    @property
    def ndim(self) -> int:
        """Dimensions."""
        return len(self.layout.shape)

    @property
    def chunks(self) -> tuple[int, int]:
        """Rows and columns that are stored together."""
        return self.layout.chunks

    @property
    def channel_axis(self) -> int | None:
        """The axis of the channels, −1 or none."""
        return self.layout.channel_axis

    @property
    def levels(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of each picture of a pyramid, from the full one on."""
        return (self.layout.size,)

    @property
    def cache_bytes(self) -> int:
        """Bytes that are held beside the regions that are returned, at most."""
        return 0

    @abstractmethod
    def _read(self, rows: Run, columns: Run, plane: Plane) -> Array:
        """Return the pixels of a region that lies in the image, (h, w) or (h, w, C)."""

    def read(self, rows: Run, columns: Run, plane: Plane = ()) -> Array:
        """Return the pixels of a region, in the image's dtype and native byte order.

        Parameters
        ----------
        rows, columns : (int, int)
            First, and one after the last.
        plane : tuple of int
            Which picture, where the image has leading axes.

        Returns
        -------
        ndarray of shape (h, w) or (h, w, C)

        Raises
        ------
        ArgumentError
            The region is not in the image.
        ImageFileError
            It cannot be read; the message names the file and what of it.
        """
        self.layout.check(rows, columns, plane)
        return self._read(rows, columns, plane)

    def close(self) -> None:  # noqa: B027 — there are sources with nothing to let go of
        """Let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self.again is None:
            raise ArgumentTypeError(f"{self!r} was not opened by open_image: it cannot be pickled")
        return self.again, ()

    def __repr__(self) -> str:
        kind = type(self).__name__
        return f"<{kind} {self.path}: {self.shape} {self.dtype}, chunks of {self.chunks}>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("a file cannot be an array without a copy")
        return self[...].astype(dtype or self.dtype, copy=False)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, item: Any) -> Array:
        """Return part of the image, by integers, slices and an ellipsis."""
        chosen, lead = picks(item, self.shape), len(self.layout.planes)
        planes, (y, x), channels = chosen[:lead], chosen[lead : lead + 2], chosen[lead + 2 :]
        sizes = tuple(len(pick.items) for pick in (*planes, y, x))
        found = np.empty(sizes + self.layout.picture[2:], self.dtype)
        for place in np.ndindex(*sizes[:-2]):
            plane = tuple(pick.items[i] for pick, i in zip(planes, place, strict=True))
            self._fill(found[place], y, x, plane)
        kept = [0 if pick.dropped else slice(None) for pick in (*planes, y, x)]
        part: Array = found[(*kept, *(pick.key for pick in channels))]
        return part

    def _fill(self, out: Array, y: Pick, x: Pick, plane: Plane) -> None:
        """Read some rows and columns of a picture."""
        rows, columns = y.rising, x.rising
        if not (rows and columns):
            return
        out = out[:: -1 if y.falling else 1, :: -1 if x.falling else 1]
        # Where rows are left out, not all that lie between the first and the last are read at once.
        band = len(rows) if rows.step == 1 else max(1, self.chunks[0] // rows.step)
        for start in range(0, len(rows), band):
            some = rows[start : start + band]
            pixels = self.read((some[0], some[-1] + 1), (columns[0], columns[-1] + 1), plane)
            out[start : start + band] = pixels[:: rows.step, :: columns.step]
