"""How fast a stream is and what holds it up, told from its record while that grows."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter

from gpuconv.streaming.record import STAGES, Event, Record

__all__ = ["Load", "Pace", "amount"]


@dataclass
class Load:
    """What a stage has done so far.

    Examples
    --------
    >>> load = Load("read")
    >>> load.add(Event("read", 0, 1.0, 1.5, bytes=4096, pixels=4096, worker="reader 0"))
    >>> load.add(Event("read", 1, 1.0, 2.0, bytes=4096, pixels=4096, worker="reader 1"))
    >>> load.busy(2.0)
    0.375
    """

    stage: str
    #: Tiles, or parts of them where several workers share one.
    pieces: int = 0
    bytes: int = 0
    pixels: int = 0
    #: Of all workers together.
    seconds: float = 0.0
    workers: set[str] = field(default_factory=set)

    def add(self, event: Event) -> None:
        """Take note of one more piece."""
        self.pieces += 1
        self.bytes += event.bytes
        self.pixels += event.pixels
        self.seconds += event.stop - event.start
        self.workers.add(event.worker)

    def busy(self, elapsed: float) -> float:
        """Return the share of a time in which the stage's workers were at work, on average."""
        return min(self.seconds / (len(self.workers) * elapsed), 1.0) if self.workers else 0.0


class Pace:
    """Sums over a record. Each :meth:`update` looks at what is new alone, so it may come often.

    Examples
    --------
    >>> record = Record(pixels=3000, started=0.0)
    >>> record.add(Event("compute", 0, 0.5, 2.0, bytes=1000, pixels=1000, worker="cpu"))
    >>> record.add(Event("write", 0, 2.0, 2.5, bytes=1000, pixels=1000, worker="writer 0"))
    >>> pace = Pace(record).update(now=2.5)
    >>> pace.pixels_per_second, pace.seconds_left, pace.bound
    (400.0, 5.0, 'compute')
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.elapsed = 0.0
        self._loads = {stage: Load(stage) for stage in STAGES}
        self._seen = 0

    def update(self, now: float | None = None) -> Pace:
        """Take in what has happened until now; return this."""
        new = self.record.events[self._seen :]
        self._seen += len(new)
        for event in new:
            self._loads[event.stage].add(event)
        self.elapsed = (perf_counter() if now is None else now) - self.record.started
        return self

    @property
    def loads(self) -> tuple[Load, ...]:
        """The stages that had something to do, in the order in which tiles go through them."""
        return tuple(load for load in self._loads.values() if load.pieces)

    def busy(self, load: Load) -> float:
        """Return the share of the time in which a stage was at work."""
        return load.busy(self.elapsed)

    def bytes_per_second(self, load: Load) -> float:
        """Return how fast a stage went through bytes, its waiting included."""
        return load.bytes / max(self.elapsed, 1e-9)

    @property
    def bound(self) -> str:
        """The stage that the others wait for: the one that waits least; "" before there is any."""
        return max(self.loads, key=self.busy).stage if self.loads else ""

    @property
    def written(self) -> int:
        """Pixels that are done, without those of an earlier run."""
        return self._loads["write"].pixels

    @property
    def share(self) -> float:
        """How much of the work is done, from 0 to 1; what an earlier run did counts."""
        done = self.record.pixels_before + self.written
        return min(done / self.record.pixels, 1.0) if self.record.pixels else 0.0

    @property
    def pixels_per_second(self) -> float:
        """Pixels done in a second; those of an earlier run took no time and do not count."""
        return self.written / max(self.elapsed, 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take at this pace; None before anything is done."""
        left = self.record.pixels - self.record.pixels_before - self.written
        return max(left, 0) / self.pixels_per_second if self.written else None


def amount(value: float, unit: str) -> str:
    """Return an amount in the unit that suits it.

    Examples
    --------
    >>> amount(4294967296, "pixel"), amount(62.14e6, "pixel/s"), amount(999.96e6, "B/s")
    ('4.3 Gpixel', '62.1 Mpixel/s', '1.0 GB/s')
    >>> amount(431e6, "B"), amount(12, "pixel")
    ('431 MB', '12 pixel')
    """
    for prefix, each in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        # From here on, rounded, it is 1.0 of this unit and not 1000 of the one below.
        if value >= 0.9995 * each:
            digits = 0 if value >= 99.95 * each else 1
            return f"{value / each:.{digits}f} {prefix}{unit}"
    return f"{value:.0f} {unit}"
