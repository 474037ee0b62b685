"""Files that are nothing but numbers in a row: read and written in place, block by block.

They are not mapped into memory. A mapped file that is cut short, or whose disk is full, kills the
process that touches it, where a read or a write gives an error; and what is mapped counts as memory
of the process for as long as the system likes.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.dtypes import native
from gpuconv.errors import ArgumentTypeError, ImageFileError
from gpuconv.io.axes import Axes
from gpuconv.io.metadata import Metadata
from gpuconv.io.opener import named
from gpuconv.io.partial import Partial
from gpuconv.io.positional import Positional
from gpuconv.io.sink import JournaledSink
from gpuconv.io.source import Layout, Plane, Run, Source

__all__ = ["FlatFile", "FlatSink", "FlatSource", "FlatWriter", "numbers"]

Array = NDArray[Any]
Block = tuple[Run, ...]


class FlatFile:
    """An array in C order somewhere in a file.

    Parameters
    ----------
    path : Path
    shape : tuple of int
    dtype : dtype
        As stored, with its byte order.
    offset : int
        Bytes before the first number.
    writable : bool

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "numbers")
    ...     _ = path.write_bytes(bytes(range(20)))
    ...     file = FlatFile(path, (4, 4), np.dtype("u1"), 2)
    ...     found = file.read(((1, 3), (0, 2)))
    ...     file.close()
    >>> found.tolist()
    [[6, 7], [10, 11]]
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        offset: int,
        writable: bool = False,
    ) -> None:
        self.path, self.shape, self.dtype, self.offset = path, shape, dtype, offset
        self._file = Positional(path, write=writable)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def read(self, block: Block) -> Array:
        """Return a block, in native byte order; from any thread."""
        out = np.empty([stop - start for start, stop in block], self.dtype)
        for offset, piece in self._pieces(block, out):
            self._file.read_into(offset, piece)
        return out.astype(self.dtype.newbyteorder("="), copy=False)

    def write(self, block: Block, values: Array) -> None:
        """Write a block; from any thread."""
        values = np.ascontiguousarray(values, self.dtype)
        for offset, piece in self._pieces(block, values):
            self._file.write_at(offset, piece)

    def _pieces(self, block: Block, values: Array) -> Iterator[tuple[int, memoryview]]:
        """Yield what lies in a row in the file and in `values`, which are a block's."""
        if not values.size:
            return
        steps = [self.dtype.itemsize * prod(self.shape[i + 1 :]) for i in range(len(block))]
        # Axes that are taken whole are in one piece with the last that is not.
        split = len(block) - 1
        while split and block[split] == (0, self.shape[split]):
            split -= 1
        offsets = np.array([self.offset + block[split][0] * steps[split]])
        for run, step in zip(block[:split], steps, strict=False):
            offsets = np.add.outer(offsets, np.arange(*run) * step).ravel()
        data = memoryview(values.reshape(-1).view(np.uint8).data)
        size = len(data) // len(offsets)
        for i, offset in enumerate(offsets.tolist()):
            yield offset, data[i * size : (i + 1) * size]


class FlatSource(Source):
    """Numbers in a file, in C or Fortran order.

    Parameters
    ----------
    path : Path
    shape : tuple of int
    dtype : dtype
        As stored.
    offset : int
        Bytes before the first number.
    axes : Axes
        Of `shape`.
    fortran : bool
        Whether the first axis is the one whose neighbours lie side by side.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        offset: int,
        axes: Axes,
        *,
        fortran: bool = False,
    ) -> None:
        self.path, self._axes, self._fortran, self._shape = path, axes, fortran, shape
        size = axes.image(shape)
        # What a read of one pixel makes the system read: a page.
        page = mmap.PAGESIZE // (dtype.itemsize * (size[-1] if axes.has_channels else 1))
        lying = axes.letters[0 if fortran else -2 if axes.has_channels else -1]
        down, across = (page, 1) if lying == "y" else (1, page)
        high, wide = size[-3:-1] if axes.has_channels else size[-2:]
        chunks = max(1, min(down, high)), max(1, min(across, wide))
        kept = Metadata(suffix=path.suffix)
        self.layout = Layout(
            size, numbers(dtype, path), chunks, axes.channels(size), kept, axes.ordered
        )
        self._file = FlatFile(path, shape[::-1] if fortran else shape, dtype, offset)

    def _read(self, rows: Run, columns: Run, plane: Plane) -> Array:
        block = self._axes.block(rows, columns, plane, self._shape)
        with named(self.path, "read"):
            if self._fortran:
                return self._axes.picture(self._file.read(block[::-1]).T)
            return self._axes.picture(self._file.read(block))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def numbers(dtype: np.dtype[Any], path: Path) -> np.dtype[Any]:
    """Return a file's dtype in native byte order.

    Raises
    ------
    ImageFileError
        It is none that can be filtered; the message says which can.
    """
    try:
        return native(dtype, "dtype")
    except ArgumentTypeError as error:
        raise ImageFileError(f"cannot read {path}: {error}") from None


class FlatWriter:
    """Writes regions into a file of numbers; opens it anew in each process it is sent to.

    Parameters
    ----------
    target : Path
        What the messages of errors call it.
    path, shape, dtype, offset
        As for :class:`FlatFile`.
    """

    def __init__(
        self, target: Path, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], offset: int
    ) -> None:
        self._made_of = target, path, shape, dtype, offset
        self._target = target
        self._file = FlatFile(path, shape, dtype, offset, writable=True)

    def __reduce__(self) -> tuple[Any, ...]:
        return FlatWriter, self._made_of

    def put(self, pixels: Array, rows: Run, columns: Run, plane: Plane) -> None:
        """Write a region."""
        block = (*((i, i + 1) for i in plane), rows, columns)
        block += tuple((0, n) for n in pixels.shape[2:])
        with named(self._target, "write"):
            self._file.write(block, pixels)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class FlatSink(JournaledSink):
    """Numbers in C order in a file, after a header.

    Parameters
    ----------
    layout, partial
        As for :class:`~gpuconv.io.sink.Sink`.
    header : bytes
    """

    def __init__(self, layout: Layout, partial: Partial, header: bytes = b"") -> None:
        self.made = partial.folder / "pixels"
        size = len(header) + layout.nbytes
        with named(partial.target, "write"):
            if not self.made.exists() or self.made.stat().st_size != size:
                partial.restart()
                with open(self.made, "wb") as file:
                    file.write(header)
                    file.truncate(size)
            writer = FlatWriter(partial.target, self.made, layout.shape, layout.dtype, len(header))
        super().__init__(layout, partial, writer)
        self._flat = writer

    def _made(self) -> Path:
        return self.made

    def _let_go(self) -> None:
        self._flat.close()
