"""An image on disk, written by regions: what all kinds of files have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from numpy.typing import NDArray

from gpuconv.errors import ArgumentError
from gpuconv.io.partial import Partial
from gpuconv.io.source import Layout, Plane, Run

__all__ = ["Sink"]

Array = NDArray[Any]


class Sink(ABC):
    """An image that is written by regions, from any number of threads, in any order.

    Nothing stands at `path` before :meth:`finish`: what is written lies in a folder beside it, and
    stays there when the work is interrupted. A sink that is made again with the same key goes on
    where that one stopped: :meth:`has` tells what is there. As a context it keeps what it has.
    """

    def __init__(self, path: Path, layout: Layout, partial: Partial) -> None:
        self.path = path
        #: Of what is written; `layout.chunks` are what regions must be made of.
        self.layout = layout
        self.partial = partial

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
        high, wide = self.layout.size
        for name, run, step, n in zip(
            ("rows", "columns"), (rows, columns), self.layout.chunks, (high, wide), strict=True
        ):
            if run[0] % step or (run[1] % step and run[1] != n) or not 0 <= run[0] < run[1] <= n:
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
        self._write(pixels, rows, columns, plane)

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
        self.close()
        self.partial.discard()

    def close(self) -> None:
        """Let go of the files; what was written stays, for a later run to go on with."""
        self.partial.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
