"""Time as a GPU sees it, and as its caller does.

A call is a function of the number of a set of buffers. Between two events on the GPU's stream it
is timed *cold*, its buffers long out of the cache, and *warm*, right after the same call; on the
host's clock it is one of several back to back, so that what it costs the host counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Call", "Clock", "Cuda", "Host", "Sample", "Spread", "sets_for", "take_turns"]

Call = Callable[[int], object]

#: Caches that sets of buffers must exceed, so that none is left of a set when its turn comes again.
_CACHES = 3
#: Seconds for which the GPU is kept busy while the host enqueues what is timed: without it, slow
#: enqueueing would be timed as slow computing. CuPy's slowest filter takes 0.2 ms to enqueue.
_BUSY = 1e-3
#: Calls back to back for one time on the host's clock.
_BACK_TO_BACK = 10


class Clock(Protocol):
    """What times calls on a device."""

    def flush(self) -> None:
        """Drive everything out of the cache, and keep the device busy for a while."""

    def between_events(self, call: Callable[[], object]) -> float:
        """Return the seconds from when the device begins a call until it has done it."""

    def finish(self) -> None:
        """Wait for the device."""

    def now(self) -> float:
        """Return the host's time in seconds."""


class Cuda:
    """CuPy's events on its current stream."""

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        device = cupy.cuda.Device()
        #: Bytes of the last cache.
        self.cache = int(device.attributes["L2CacheSize"])
        self._scratch = cupy.empty(_CACHES * self.cache, np.uint8)
        self._scratch.fill(1)
        once = self.between_events(lambda: self._scratch.fill(2))
        self._fills = max(1, round(_BUSY / once))

    def flush(self) -> None:
        """Overwrite several times what no cache holds."""
        for _ in range(self._fills):
            self._scratch.fill(3)

    def between_events(self, call: Callable[[], object]) -> float:
        """Return the seconds between two events around a call."""
        events = self._cupy.cuda.Event(), self._cupy.cuda.Event()
        events[0].record()
        call()
        events[1].record()
        events[1].synchronize()
        return float(self._cupy.cuda.get_elapsed_time(*events)) * 1e-3

    def finish(self) -> None:
        """Wait for the device."""
        self._cupy.cuda.Device().synchronize()

    def now(self) -> float:
        """Return the host's time."""
        return time.perf_counter()


class Host:
    """The host's clock for a device that is the host."""

    cache = 0

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.now = now

    def flush(self) -> None:
        """Do nothing: nobody reads these times."""

    def between_events(self, call: Callable[[], object]) -> float:
        """Return the seconds that a call takes."""
        start = self.now()
        call()
        return self.now() - start

    def finish(self) -> None:
        """Do nothing: nothing is under way."""


@dataclass(frozen=True)
class Spread:
    """Seconds of one call: the median, and where most are."""

    median: float
    p10: float
    p90: float

    @classmethod
    def of(cls, seconds: list[float]) -> Spread:
        """Return the spread of some times."""
        p10, median, p90 = np.percentile(seconds, [10, 50, 90])
        return cls(float(median), float(p10), float(p90))


@dataclass(frozen=True)
class Sample:
    """The times of a call."""

    cold: Spread
    warm: Spread
    wall: Spread
    rounds: int


def sets_for(cache: int, size: int) -> int:
    """Return how many sets of buffers of `size` bytes exceed all caches.

    Examples
    --------
    >>> sets_for(60 << 20, 128 << 20), sets_for(60 << 20, 1 << 20), sets_for(0, 5)
    (3, 182, 2)
    """
    return max(2, _CACHES * cache // size + 2)


def take_turns(
    calls: Mapping[str, Call], clock: Clock, sets: int, rounds: int, deadline: float
) -> dict[str, Sample]:
    """Return the times of all calls, taken in turns so that noise meets all alike.

    Parameters
    ----------
    calls : mapping from str to callable
        Each with its name.
    clock : Clock
        What times them.
    sets : int
        How many sets of buffers they rotate among.
    rounds : int
        Times that each is timed; the first round only warms up.
    deadline : float
        When to stop early, by the clock; two rounds are taken at least.
    """
    times: dict[str, NDArray[np.float64]] = {name: np.empty((rounds, 3)) for name in calls}
    done = 0
    for turn in range(-1, rounds):
        if done >= 2 and clock.now() > deadline:
            break
        for name, call in calls.items():
            one = _cold(call, clock, sets, turn), _warm(call, clock, sets, turn)
            wall = _wall(call, clock, sets, turn)
            if turn >= 0:
                times[name][turn] = *one, wall
        done += turn >= 0
    return {
        name: Sample(*(Spread.of(list(column[:done])) for column in values.T), rounds=done)
        for name, values in times.items()
    }


def _cold(call: Call, clock: Clock, sets: int, turn: int) -> float:
    clock.finish()
    clock.flush()
    return clock.between_events(lambda: call(turn % sets))


def _warm(call: Call, clock: Clock, sets: int, turn: int) -> float:
    clock.finish()
    clock.flush()
    call(turn % sets)
    return clock.between_events(lambda: call(turn % sets))


def _wall(call: Call, clock: Clock, sets: int, turn: int) -> float:
    clock.finish()
    start = clock.now()
    for number in range(_BACK_TO_BACK):
        call((turn + number) % sets)
    clock.finish()
    return (clock.now() - start) / _BACK_TO_BACK
