"""A GPU filters tiles, one after another, while others are copied to it and from it.

Three streams: one uploads, one computes, one downloads. Each does its work in order, and waits for
the events of another where it needs what that has done:

    upload     1  2  3  4
    compute       1  2  3  4
    download         1  2  3  4

Memory of the device that windows lie in belongs to the lane, in as many slots as tiles are on their
way: a slot is written again when the filter that read it has ended. All other device memory is
taken and given back in the order of the stream that computes, as CuPy's pool has it; a result is
held until it was copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.cuda import runtime
from gpuconv.backends.cuda.pinned import Pinned
from gpuconv.backends.cuda.protocol import Event, Runtime
from gpuconv.backends.device import ordinal

__all__ = ["CudaLane"]

Array = NDArray[Any]
Make = Callable[[Sequence[Any]], Any]
Span = tuple[str, float, float]

#: Tiles on their way: one that is uploaded, one that is filtered, one that is downloaded; and one
#: more, or uploads would stop while the host takes a result and reads the next tile.
_DEPTH = 4
#: What windows are aligned to that share a slot: as CuPy's arrays are.
_ALIGNED = 512


@dataclass
class _Slot:
    """Device memory for the windows of a tile."""

    memory: Any = None
    #: When the last filter has read it; or when the memory was there.
    free: Event | None = None


@dataclass(frozen=True)
class _Ticket:
    """A tile at work on a device."""

    lane: CudaLane
    #: When each stage began and ended, in the order of STAGES.
    events: tuple[Event, ...]
    pixels: Array
    #: What copies still use: windows in host memory, the result on the device.
    held: list[Any]

    def result(self) -> tuple[Array, tuple[Span, ...]]:
        """Wait for it; return the pixels in host memory, and how long its stages took."""
        times = self.lane.times(self.events)
        self.held.clear()
        return self.pixels, tuple(
            (stage, times[2 * i], times[2 * i + 1]) for i, stage in enumerate(_STAGES)
        )


_STAGES = ("upload", "compute", "download")


class CudaLane:
    """A GPU at work on tiles, several of them on their way at a time; for one thread.

    Parameters
    ----------
    device : str, optional
        "cuda:N"; the default is the first GPU.
    pinned : int, optional
        Bytes of pinned host memory, at most.

    Raises
    ------
    DeviceError
        There is no such device.
    """

    depth = _DEPTH

    def __init__(self, device: str | None = None, pinned: int | None = None) -> None:
        self._runtime: Runtime = runtime.current()
        self._index = ordinal(device) or 0
        self.name = f"cuda:{self._index}"
        with self._there():
            self._upload, self._compute, self._download = (self._runtime.stream() for _ in range(3))
            self._anchor = self._download.record()
        self._anchor.synchronize()
        self._anchored = perf_counter()
        limit = () if pinned is None else (pinned,)
        self._pinned = Pinned(self._runtime, *limit)
        self._slots = [_Slot() for _ in range(_DEPTH)]

    def _there(self) -> AbstractContextManager[Any]:
        return self._runtime.on_device(self._index)

    def room(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return host memory for pixels that are to be filtered; from any thread."""
        with self._there():
            return self._pinned.take(shape, dtype)

    def give_back(self, room: Array) -> None:
        """Take memory back that `room` or a ticket gave, for the tiles to come; from any thread."""
        self._pinned.give(room)

    def free_memory(self) -> int:
        """Return the bytes that the device has for tiles."""
        with self._there():
            return self._runtime.free_memory()

    def start(self, make: Make, windows: Sequence[Array]) -> _Ticket:
        """Have `make` filter windows in host memory; wait for nothing.

        Raises
        ------
        MemoryError, DeviceError
            The device has no room for them, or what `make` raises; nothing is on its way then.
        """
        slot = self._slots[0]
        host = [np.ascontiguousarray(window) for window in windows]
        with self._there():
            try:
                return self._started(make, host, slot)
            except BaseException:
                # What was begun may still read the windows, which the caller gets back.
                self._upload.synchronize()
                self._compute.synchronize()
                self._download.synchronize()
                slot.memory = slot.free = None
                raise
            finally:
                self._slots.append(self._slots.pop(0))

    def _started(self, make: Make, host: list[Array], slot: _Slot) -> _Ticket:
        there = self._views(slot, host)
        with self._upload:
            if slot.free is not None:
                self._upload.wait_event(slot.free)
            uploading = self._upload.record()
            for window, target in zip(host, there, strict=True):
                self._runtime.upload(window, target)
            uploaded = self._upload.record()
        for window in host:
            self._pinned.used(window, uploaded)
        with self._compute:
            self._compute.wait_event(uploaded)
            computing = self._compute.record()
            made = make(there)
            made = made if made.flags.c_contiguous else made.copy(order="C")
            computed = slot.free = self._compute.record()
        pixels = self._pinned.take(made.shape, made.dtype)
        with self._download:
            self._download.wait_event(computed)
            downloading = self._download.record()
            self._runtime.download(made, pixels)
            downloaded = self._download.record()
        self._pinned.used(pixels, downloaded)
        events = uploading, uploaded, computing, computed, downloading, downloaded
        return _Ticket(self, events, pixels, [host, made])

    def _views(self, slot: _Slot, host: list[Array]) -> list[Any]:
        """Return arrays for windows in the memory of a slot, which grows where it is too small."""
        places, size = [], 0
        for window in host:
            places.append(size)
            size += -(-window.nbytes // _ALIGNED) * _ALIGNED
        if slot.memory is None or slot.memory.nbytes < size:
            slot.memory = None
            self._fill_slots(size)
        return [
            slot.memory[at : at + window.nbytes].view(window.dtype).reshape(window.shape)
            for at, window in zip(places, host, strict=True)
        ]

    def _fill_slots(self, size: int) -> None:
        """Get memory for slots that have none: for all at the start, when nothing is waited for."""
        with self._compute:
            for slot in self._slots:
                if slot.memory is None:
                    slot.memory = self._runtime.empty((size,), np.dtype(np.uint8))
                    # What used the memory before did so in the order of this stream.
                    slot.free = self._compute.record()

    def times(self, events: tuple[Event, ...]) -> list[float]:
        """Wait for events, and return when they were, by ``time.perf_counter``."""
        last = events[-1]
        with self._there():
            if last.done:
                ended = self._anchored + self._runtime.elapsed(self._anchor, last)
            else:
                last.synchronize()
                # Here both clocks are known, so they never drift apart.
                ended = self._anchored = perf_counter()
                self._anchor = last
            return [ended - self._runtime.elapsed(event, last) for event in events]

    def close(self) -> None:
        """Wait for what is on its way, and let go of the memory."""
        with self._there():
            for stream in (self._upload, self._compute, self._download):
                stream.synchronize()
            self._slots = [_Slot() for _ in range(_DEPTH)]
            self._pinned.close()
