"""Sources and sinks that lie in memory, are slow, watched or broken."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import ImageFileError
from gpuconv.io.source import Layout, Plane, Run
from gpuconv.streaming.ends import ArraySink, ArraySource

Array = NDArray[Any]
#: What happens when a region is read or written: it may wait, take notes, or raise.
Hook = Callable[[Run, Run, Plane], None]


class WatchedSource(ArraySource):
    """An array whose reading can be watched, and be made to fail."""

    def __init__(self, pixels: Array, hook: Hook, chunks: tuple[int, int] = (64, 64)) -> None:
        super().__init__(pixels)
        layout = self.layout
        self.layout = Layout(layout.shape, layout.dtype, chunks, layout.channels)
        self._hook = hook

    def _read(self, rows: Run, columns: Run, plane: Plane) -> Array:
        self._hook(rows, columns, plane)
        return super()._read(rows, columns, plane).copy()


class WatchedSink(ArraySink):
    """An array whose writing can be watched, and be made to fail."""

    def __init__(self, pixels: Array, hook: Hook, chunks: tuple[int, int] = (64, 64)) -> None:
        channels = "" if pixels.ndim == 3 and pixels.shape[-1] <= 4 else "L"
        layout = Layout(pixels.shape, pixels.dtype, chunks, channels)
        super().__init__(pixels, layout)
        self.layout = layout
        self._hook = hook

    def _write(self, pixels: Array, rows: Run, columns: Run, plane: Plane) -> None:
        self._hook(rows, columns, plane)
        super()._write(pixels, rows, columns, plane)


def nothing(rows: Run, columns: Run, plane: Plane) -> None:
    """Let it be."""


def unreadable(rows: Run, columns: Run) -> Hook:
    """Return what makes pixels of a region unreadable, as a damaged tile of a file is."""

    def hook(high: Run, wide: Run, plane: Plane) -> None:
        meets = high[0] < rows[1] and rows[0] < high[1] and wide[0] < columns[1]
        if meets and columns[0] < wide[1]:
            raise ImageFileError(f"cannot read in.tif, tile at {rows[0], columns[0]}: it is broken")

    return hook


def failing(error: OSError, times: int) -> Hook:
    """Return what fails some times, and then no more."""
    left, lock = [times], threading.Lock()

    def hook(high: Run, wide: Run, plane: Plane) -> None:
        with lock:
            left[0] -= 1
            failed = left[0] >= 0
        if failed:
            try:
                raise error
            except OSError as cause:
                raise ImageFileError("cannot read in.tif: it is away") from cause

    return hook


def full_after(count: int) -> Hook:
    """Return what fails as a full disk does, after some regions."""
    lock, seen = threading.Lock(), [0]

    def hook(high: Run, wide: Run, plane: Plane) -> None:
        with lock:
            seen[0] += 1
            full = seen[0] > count
        if full:
            try:
                raise OSError(errno.ENOSPC, "No space left on device")
            except OSError as cause:
                raise ImageFileError("cannot write out.tif: No space left on device") from cause

    return hook


def slow(seconds: float) -> Hook:
    """Return what takes some time."""

    def hook(high: Run, wide: Run, plane: Plane) -> None:
        time.sleep(seconds)

    return hook


def noise(*shape: int, dtype: str = "uint8", seed: int = 0) -> Array:
    """Return pixels of which no two parts are alike."""
    return np.random.default_rng(seed).integers(0, 256, shape).astype(dtype)


__all__ = [
    "Hook",
    "WatchedSink",
    "WatchedSource",
    "failing",
    "full_after",
    "noise",
    "nothing",
    "slow",
    "unreadable",
]
