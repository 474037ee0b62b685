"""An image on disk, written by regions: what all kinds of files have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import ArgumentError, ImageFileError
from gpuconv.io.partial import Partial
from gpuconv.io.source import Layout, Plane, Run

__all__ = ["JournaledSink", "Sink", "Writer"]

Array = NDArray[Any]


class Writer(Protocol):
    """Where the pixels of an unfinished image lie; it can be sent to another process."""

    def put(self, pixels: Array, rows: Run, columns: Run, plane: Plane) -> None:
        """Write a region that is made of whole chunks; the same region again is no harm."""


class Sink(ABC):
    """An image that is written by regions, from any number of threads, in any order.

    Nothing stands at `path` before :meth:`finish`: what is written lies in a folder beside it, and
    stays there when the work is interrupted. A sink that is made again with the same key goes on
    where that one stopped: :meth:`has` tells what is there. As a context it keeps what it has.

    Parameters
    ----------
    layout : Layout
        Of what is written; regions must be made of its `chunks`.
    partial : Partial
        Where it grows.
    """

    def __init__(self, layout: Layout, partial: Partial) -> None:
        self.path = partial.target
        self.layout = layout
        self.partial = partial
        #: What the format could not carry, and the like, in sentences.
        self.warnings: list[str] = list(partial.warnings)

    @property
    def finish_bytes(self) -> int:
        """Bytes of memory that :meth:`finish` takes where it must have the image whole; else 0."""
        return 0

    @abstractmethod
    def has(self, rows: Run, columns: Run, plane: Plane = ()) -> bool:
        """Tell whether all chunks of a region have been written, by this run or an earlier one."""

    @abstractmethod
    def _write(self, pixels: Array, rows: Run, columns: Run, plane: Plane) -> None:
        """Write a region that is made of whole chunks."""

    @abstractmethod
    def _complete(self) -> Path:
        """Write what is still missing but for pixels; return what is to be put in place."""

    def write(self, pixels: Array, rows: Run, columns: Run, plane: Plane = ()) -> None:
        """Write the pixels (h, w) or (h, w, C) of a region.

        Raises
        ------
        ArgumentError
            The region does not begin and end with chunks or the image, or has another shape.
        ImageFileError
            It cannot be written; what was written before is kept.
        """
        self._check(pixels, rows, columns, plane)
        self._write(pixels, rows, columns, plane)

    def _check(self, pixels: Array, rows: Run, columns: Run, plane: Plane) -> None:
        self.layout.check(rows, columns, plane)
        for name, run, step, n in zip(
            ("rows", "columns"),
            (rows, columns),
            self.layout.chunks,
            self.layout.size,
            strict=True,
        ):
            if run[0] % step or (run[1] % step and run[1] != n) or run[0] == run[1]:
                raise ArgumentError(
                    f"{name}={run} must begin and end at multiples of {step}, or end with the "
                    f"image at {n}"
                )
        expected = (rows[1] - rows[0], columns[1] - columns[0], *self.layout.picture[2:])
        if pixels.shape != expected or pixels.dtype != self.layout.dtype:
            raise ArgumentError(
                f"pixels of shape {pixels.shape} and dtype {pixels.dtype} are not the region's, "
                f"{expected} and {self.layout.dtype}"
            )

    def finish(self) -> Path:
        """Put the image in its place, whole; return its path.

        Raises
        ------
        ImageFileError
            Regions are missing, or it cannot be put there; what was written is kept.
        """
        made = self._complete()
        self.partial.finish(made)
        return self.path

    def discard(self) -> None:
        """Delete what was written."""
        self._let_go()
        self.partial.discard()

    def close(self) -> None:
        """Let go of the files; what was written stays, for a later run to go on with."""
        self._let_go()
        self.partial.close()

    def _let_go(self) -> None:  # noqa: B027 — some have none
        """Close the files that hold pixels."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        kind, layout = type(self).__name__, self.layout
        return f"<{kind} {self.path}: {layout.shape} {layout.dtype}, chunks of {layout.chunks}>"


class JournaledSink(Sink):
    """A sink whose files have a place for each chunk, so that the journal need only name regions.

    Parameters
    ----------
    layout, partial
        As for :class:`Sink`.
    writer : Writer
        Where the pixels go.
    """

    def __init__(self, layout: Layout, partial: Partial, writer: Writer) -> None:
        super().__init__(layout, partial)
        #: Writes regions in this process or in another, which tells this one to :meth:`note` them.
        self.writer = writer
        grid = (-(-n // step) for n, step in zip(layout.size, layout.chunks, strict=True))
        self._written = np.zeros((*layout.planes, *grid), bool)
        for record in partial.records:
            self._mark(record["rows"], record["columns"], tuple(record["plane"]))

    def _cells(self, rows: Run, columns: Run, plane: Plane) -> tuple[Any, ...]:
        """Return the index of a region's chunks."""
        (down, across) = self.layout.chunks
        high = slice(rows[0] // down, -(-rows[1] // down))
        wide = slice(columns[0] // across, -(-columns[1] // across))
        return (*plane, high, wide)

    def _mark(self, rows: Run, columns: Run, plane: Plane) -> None:
        self._written[self._cells(rows, columns, plane)] = True

    def has(self, rows: Run, columns: Run, plane: Plane = ()) -> bool:
        """Tell whether all chunks of a region have been written, by this run or an earlier one."""
        return bool(self._written[self._cells(rows, columns, plane)].all())

    def note(self, rows: Run, columns: Run, plane: Plane = ()) -> None:
        """Take note that a region has been written."""
        self.partial.add(rows=rows, columns=columns, plane=plane)
        self._mark(rows, columns, plane)

    def _write(self, pixels: Array, rows: Run, columns: Run, plane: Plane) -> None:
        self.writer.put(pixels, rows, columns, plane)
        self.note(rows, columns, plane)

    def _complete(self) -> Path:
        missing = np.argwhere(~self._written)
        if len(missing):
            *plane, i, j = missing[0].tolist()
            where = f"row {i * self.layout.chunks[0]}, column {j * self.layout.chunks[1]}"
            of = f" of plane {tuple(plane)}" if plane else ""
            raise ImageFileError(
                f"cannot finish {self.path}: {len(missing)} of its {self._written.size} chunks "
                f"have not been written, the first of them at {where}{of}"
            )
        return self._made()

    @abstractmethod
    def _made(self) -> Path:
        """Write what is still missing but for pixels; return what is to be put in place."""
