"""Streams of a device that does everything at once, and takes note of what it was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

__all__ = ["CpuEvent", "CpuStream", "Streams"]


@dataclass(eq=False)
class CpuEvent:
    """A moment that has come."""

    stream: int
    time: float = field(default_factory=perf_counter)
    done = True

    def synchronize(self) -> None:
        """Wait for nothing."""


@dataclass
class CpuStream:
    """A queue that is always empty."""

    number: int
    #: What streams were asked for: (what, number of the stream, number of another or None).
    log: list[tuple[str, int, int | None]]

    def __enter__(self) -> CpuStream:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def record(self) -> CpuEvent:
        """Return now."""
        self.log.append(("record", self.number, None))
        return CpuEvent(self.number)

    def wait_event(self, event: CpuEvent) -> None:
        """Wait for nothing."""
        self.log.append(("wait", self.number, event.stream))

    def synchronize(self) -> None:
        """Wait for nothing."""


class Streams:
    """What a runtime whose work is done at once has of streams and copies."""

    def __init__(self) -> None:
        self.streams = 0
        self.log = list[tuple[str, int, int | None]]()

    def stream(self) -> CpuStream:
        """Return a new queue."""
        self.streams += 1
        return CpuStream(self.streams, self.log)

    def pinned(self, size: int) -> Any:
        """Return host memory."""
        return np.empty(size, np.uint8)

    def upload(self, host: Any, there: Any) -> None:
        """Copy to the device."""
        there[...] = host

    def download(self, there: Any, host: Any) -> None:
        """Copy from the device."""
        host[...] = there

    def elapsed(self, start: CpuEvent, stop: CpuEvent) -> float:
        """Return the seconds between two moments."""
        return stop.time - start.time
