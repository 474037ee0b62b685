"""What a stream did when: the one account that progress, summary and timeline are made from."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

__all__ = ["STAGES", "Event", "Record"]

#: In the order in which a tile goes through them.
STAGES = ("read", "upload", "compute", "download", "write")


@dataclass(frozen=True)
class Event:
    """A stage of one tile."""

    #: One of :data:`STAGES`.
    stage: str
    #: Number of the tile.
    tile: int
    #: ``time.perf_counter()`` at its start and at its end.
    start: float
    stop: float
    #: That were read, moved or written; of "compute", those of the result.
    bytes: int
    pixels: int
    #: Who did it: "reader 0", "cuda:0", "writer 1".
    worker: str


@dataclass
class Record:
    """The events of a stream so far; filled from any thread."""

    #: Pixels and tiles of the whole work, and those that an earlier run has done.
    pixels: int = 0
    tiles: int = 0
    pixels_before: int = 0
    tiles_before: int = 0
    started: float = field(default_factory=perf_counter)
    events: list[Event] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, event: Event) -> None:
        """Take note of a stage that has ended."""
        with self._lock:
            self.events.append(event)

    @contextmanager
    def stage(self, stage: str, tile: int, bytes: int, pixels: int, worker: str) -> Iterator[None]:
        """Take note of what is done in a context; not, if it fails."""
        start = perf_counter()
        yield
        self.add(Event(stage, tile, start, perf_counter(), bytes, pixels, worker))
