"""A device with a clock of its own: streams in order, beside each other, and nothing that computes.

What is asked for is done at once, and written down with the time it would have had: an operation
begins when the ones before it in its stream, and the events that this waits for, have come.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

__all__ = ["ClockedRuntime", "Operation"]

Span = tuple[int, int]


@dataclass(frozen=True)
class Operation:
    """What was done when, and the memory that it read and wrote."""

    stage: str
    start: float
    stop: float
    reads: tuple[Span, ...]
    writes: tuple[Span, ...]


@dataclass(eq=False)
class ClockedEvent:
    """A moment of a stream."""

    device: ClockedRuntime
    at: float

    @property
    def done(self) -> bool:
        """Whether it has come."""
        return self.at <= self.device.now

    def synchronize(self) -> None:
        """Wait for it."""
        self.device.now = max(self.device.now, self.at)


@dataclass(eq=False)
class ClockedStream:
    """Work in order."""

    device: ClockedRuntime
    until: float = 0.0

    def __enter__(self) -> ClockedStream:
        self.device.current.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.device.current.pop()

    def record(self) -> ClockedEvent:
        """Return when all so far is done."""
        return ClockedEvent(self.device, max(self.until, self.device.now))

    def wait_event(self, event: ClockedEvent) -> None:
        """Begin nothing before an event."""
        self.until = max(self.until, event.at)

    def synchronize(self) -> None:
        """Wait until all is done."""
        self.device.now = max(self.device.now, self.until)


@dataclass
class ClockedRuntime:
    """A runtime for a lane: each copy and each filter takes as long as it is told to.

    `memory` are the bytes that one array can have, at most.
    """

    upload_takes: float = 1.0
    compute_takes: float = 1.0
    download_takes: float = 1.0
    memory: int = 1 << 30
    devices: int = 1
    #: What the host's clock shows.
    now: float = 0.0
    log: list[Operation] = field(default_factory=list)
    current: list[ClockedStream] = field(default_factory=list)
    pinned_bytes: int = 0
    used: list[int] = field(default_factory=list)

    def stream(self) -> ClockedStream:
        """Return a new stream."""
        return ClockedStream(self)

    def on_device(self, index: int) -> AbstractContextManager[Any]:
        """Take note of the device."""
        self.used.append(index)
        return nullcontext()

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return memory of the device."""
        made = np.empty(shape, dtype)
        if made.nbytes > self.memory:
            raise MemoryError(f"{made.nbytes} bytes")
        return made

    def pinned(self, size: int) -> Any:
        """Return memory of the host."""
        self.pinned_bytes += size
        return np.empty(size, np.uint8)

    def free_memory(self) -> int:
        """Return what one array can have."""
        return self.memory

    def elapsed(self, start: ClockedEvent, stop: ClockedEvent) -> float:
        """Return the seconds between two events."""
        return stop.at - start.at

    def upload(self, host: Any, there: Any) -> None:
        """Copy there."""
        there[...] = host
        self.work("upload", self.upload_takes, [host], [there])

    def download(self, there: Any, host: Any) -> None:
        """Copy back."""
        host[...] = there
        self.work("download", self.download_takes, [there], [host])

    def negate(self, windows: Any) -> Any:
        """Compute: return the first window negated, in new memory of the device."""
        made = self.empty(windows[0].shape, windows[0].dtype)
        made[...] = -windows[0]
        self.work("compute", self.compute_takes, windows, [made])
        return made

    def work(self, stage: str, takes: float, reads: Any, writes: Any) -> None:
        """Take note of an operation on the current stream."""
        stream = self.current[-1]
        start = max(stream.until, self.now)
        stream.until = start + takes
        self._add(stage, start, stream.until, reads, writes)

    def host(self, takes: float, reads: Any = (), writes: Any = ()) -> None:
        """Take note of what the host does, which takes its time."""
        self._add("host", self.now, self.now + takes, reads, writes)
        self.now += takes

    def _add(self, stage: str, start: float, stop: float, reads: Any, writes: Any) -> None:
        spans = (tuple(byte_bounds(each) for each in some) for some in (reads, writes))
        self.log.append(Operation(stage, start, stop, *spans))

    def stages(self, stage: str) -> list[Operation]:
        """Return what was done of a stage, in order."""
        return [operation for operation in self.log if operation.stage == stage]

    def clashes(self) -> list[tuple[Operation, Operation]]:
        """Return operations, in the order in which they were asked for, that were not done so.

        Both touch the same memory, one writes it, and the later begins before the other ends.
        """
        return [
            (first, then)
            for first, then in combinations(self.log, 2)
            if then.start < first.stop
            and (_meet(first.writes, then.reads + then.writes) or _meet(first.reads, then.writes))
        ]


def _meet(some: tuple[Span, ...], others: tuple[Span, ...]) -> bool:
    return any(a < d and c < b for a, b in some for c, d in others)
