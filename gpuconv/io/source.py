"""An image on disk, read by regions: what all kinds of files have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from math import prod
from operator import index
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import ArgumentError, ArgumentTypeError
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
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, int]
    channels: str = "L"
    metadata: Metadata = field(default_factory=Metadata)

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


class Source(ABC):
    """An image on disk that is read by regions, from any number of threads.

    It is like an array: ``source.shape``, ``source.dtype``, ``source[1000:1200, 300:400]``; only
    what is asked for is read. Close it, or use it as a context.
    """

    #: What the messages of errors call it, and the file that a journal remembers.
    path: Path
    layout: Layout

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
        for name, run, n in zip(
            ("rows", "columns"), (rows, columns), self.layout.size, strict=True
        ):
            if not 0 <= run[0] <= run[1] <= n:
                raise ArgumentError(f"{name}={run} are not in an image that has {n} of them")
        planes = self.layout.planes
        if len(plane) != len(planes) or not all(
            0 <= i < n for i, n in zip(plane, planes, strict=True)
        ):
            raise ArgumentError(f"plane={plane} is not in an image whose leading axes are {planes}")
        return self._read(rows, columns, plane)

    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

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
        keys = self._keys(item)
        lead = len(self.layout.planes)
        ranges = [range(n)[key] if isinstance(key, slice) else key for key, n in keys]
        rows, columns = (_run(r) for r in ranges[lead : lead + 2])
        planes = [range(r, r + 1) if isinstance(r, int) else r for r in ranges[:lead]]
        shape = tuple(map(len, planes)) + (rows[1] - rows[0], columns[1] - columns[0])
        out = np.empty(shape + self.layout.picture[2:], self.dtype)
        for place in np.ndindex(*shape[:lead]):
            plane = tuple(axis[i] for axis, i in zip(planes, place, strict=True))
            out[place] = self.read(rows, columns, plane)
        steps = [slice(None)] * lead + [_step(r) for r in ranges[lead : lead + 2]]
        found = out[tuple(steps) + tuple(key for key, _ in keys[lead + 2 :])]
        drop = tuple(slice(None) if not isinstance(r, int) else 0 for r in ranges[: found.ndim])
        return found[drop] if len(drop) == len(keys) else found[drop[: lead + 2]]

    def _keys(self, item: Any) -> list[tuple[int | slice, int]]:
        """Return an integer from 0 on or a slice for each axis, with the axis's size."""
        given = item if isinstance(item, tuple) else (item,)
        if given.count(Ellipsis) == 0:
            given = (*given, Ellipsis)
        at = given.index(Ellipsis)
        missing = self.ndim - (len(given) - 1)
        if missing < 0 or Ellipsis in given[at + 1 :]:
            raise IndexError(f"an image of {self.ndim} dimensions has no item {item!r}")
        full = (*given[:at], *(slice(None),) * missing, *given[at + 1 :])
        return [(_key(key, n), n) for key, n in zip(full, self.shape, strict=True)]


def _key(key: Any, n: int) -> int | slice:
    if isinstance(key, slice):
        return key
    try:
        place = index(key)
    except TypeError:
        raise ArgumentTypeError(
            f"images on disk are indexed by integers, slices and ..., not by {key!r}"
        ) from None
    if not -n <= place < n:
        raise IndexError(f"index {place} is outside an axis of {n}")
    return place % n


def _run(r: range | int) -> Run:
    if isinstance(r, int):
        return r, r + 1
    return (min(r[0], r[-1]), max(r[0], r[-1]) + 1) if len(r) else (0, 0)


def _step(r: range | int) -> slice:
    """Return what picks the items of a range from the run that it lies in."""
    return slice(None) if isinstance(r, int) else slice(None, None, r.step)
