"""Times taken in turns, so that what else the machine does meets all alike.

On the CPU a call is timed by the host's clock, several back to back where one is short. On a GPU a
call is a function of the number of a set of buffers: between two events on its stream it is timed
*cold*, its buffers long out of the cache, and *warm*, right after the same call; and on the host's
clock it is one of several back to back, *wall*, so that what it costs the host counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from random import Random
from types import MappingProxyType
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np

__all__ = ["Clock", "Cuda", "Host", "Spread", "Times", "sets_for", "take_turns"]

Call = Callable[[int], object]
#: Is told which call could not be timed, and why.
GaveUp = Callable[[str, Exception], object]
#: Seconds of a call in a turn, by how it was timed: "seconds" is what counts.
Times = dict[str, float]

#: Caches that sets of buffers must exceed, so that none is left of a set when its turn comes again.
_CACHES = 3
#: Sets of buffers at most.
_MOST_SETS = 16
#: Seconds for which the GPU is kept busy while the host enqueues what is timed, at least and at
#: most: without it, slow enqueueing would be timed as slow computing. One filter of CuPy's takes up
#: to 0.2 ms to enqueue, a loop of transforms some milliseconds; who waits for the GPU, any time.
_BUSY, _BUSIEST = 1e-3, 20e-3
#: Tries for the time of a fill: an idle GPU's clocks are low at first.
_TRIES = 20
#: Calls back to back for one time on the host's clock, on a GPU.
_BACK_TO_BACK = 10
#: Seconds that calls back to back take together on a CPU at least, and the most of them.
_LONG_ENOUGH, _MOST = 5e-3, 1000
#: Seconds of a turn that is short, and how often such calls are timed at least: those that take
#: long, and their checks, are not to leave the others one time each.
_SHORT, _FEWEST = 0.3, 5


class Clock(Protocol):
    """What times calls on a device."""

    #: Bytes of the device's last cache that buffers must not be found in.
    cache: int

    def sample(self, call: Call, sets: int, turn: int) -> Times:
        """Return the times of a call in a turn."""

    def now(self) -> float:
        """Return the host's time in seconds."""


class Host:
    """The host's clock, for the CPU; an image and its result are where the last call left them."""

    cache = 0

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.now = now
        # Weak: a call holds its images, and another that comes later may have its id.
        self._counts = WeakKeyDictionary[Call, int]()

    def sample(self, call: Call, sets: int, turn: int) -> Times:
        """Return the seconds of a call, a mean of several where it is short."""
        count = self._counts.get(call, 1)
        start = self.now()
        for number in range(count):
            call((turn + number) % sets)
        each = (self.now() - start) / count
        self._counts[call] = int(min(max(_LONG_ENOUGH / max(each, 1e-9), 1), _MOST))
        return {"seconds": each}


class Cuda:
    """CuPy's events on its current stream, and the host's clock."""

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        device = cupy.cuda.Device()
        self.cache = int(device.attributes["L2CacheSize"])
        self._scratch = cupy.empty(_CACHES * self.cache, np.uint8)
        self._scratch.fill(1)
        self._fill = min(self.between_events(lambda: self._scratch.fill(2)) for _ in range(_TRIES))
        # Weak, as the host clock's counts.
        self._busy = WeakKeyDictionary[Call, float]()

    def sample(self, call: Call, sets: int, turn: int) -> Times:
        """Return the times of a call: cold, warm, and on the host's clock."""
        number, busy = turn % sets, self._busy.get(call, _BUSY)
        self._flush(busy)
        cold = self.between_events(lambda: call(number))
        self._flush(busy)
        start = self.now()
        call(number)
        self._busy[call] = min(max(_BUSY, 2 * (self.now() - start)), _BUSIEST)
        warm = self.between_events(lambda: call(number))
        self._finish()
        start = self.now()
        for more in range(_BACK_TO_BACK):
            call((turn + more) % sets)
        self._finish()
        return {"seconds": cold, "warm": warm, "wall": (self.now() - start) / _BACK_TO_BACK}

    def _flush(self, seconds: float) -> None:
        """Overwrite what no cache holds, again and again: the device is busy for some seconds."""
        self._finish()
        for _ in range(max(1, ceil(seconds / self._fill))):
            self._scratch.fill(3)

    def between_events(self, call: Callable[[], object]) -> float:
        """Return the seconds from when the device begins a call until it has done it."""
        events = self._cupy.cuda.Event(), self._cupy.cuda.Event()
        events[0].record()
        call()
        events[1].record()
        events[1].synchronize()
        return float(self._cupy.cuda.get_elapsed_time(*events)) * 1e-3

    def _finish(self) -> None:
        self._cupy.cuda.Device().synchronize()

    def now(self) -> float:
        """Return the host's time."""
        return time.perf_counter()


@dataclass(frozen=True)
class Spread:
    """Seconds of one call: the median, where most are, and the shortest."""

    median: float
    p10: float
    p90: float
    shortest: float

    @classmethod
    def of(cls, seconds: list[float]) -> Spread:
        """Return the spread of some times.

        Examples
        --------
        >>> Spread.of([3.0, 1.0, 2.0])
        Spread(median=2.0, p10=1.2, p90=2.8, shortest=1.0)
        """
        p10, median, p90 = (round(float(p), 9) for p in np.percentile(seconds, [10, 50, 90]))
        return cls(median, p10, p90, round(min(seconds), 9))


def sets_for(cache: int, size: int) -> int:
    """Return how many sets of buffers of `size` bytes exceed a cache; one where there is none.

    Of small ones there are a few: it would be tens of thousands, and the clock overwrites the cache
    before it times a call cold.

    Examples
    --------
    >>> sets_for(60 << 20, 128 << 20), sets_for(60 << 20, 1 << 20), sets_for(0, 5)
    (3, 16, 1)
    """
    return min(max(2, _CACHES * cache // size + 2), _MOST_SETS) if cache else 1


def _raised(name: str, error: Exception) -> None:
    raise error


def take_turns(
    calls: Mapping[str, Call],
    clock: Clock,
    sets: int,
    rounds: int,
    deadline: float,
    each: float,
    settled: Mapping[str, Callable[[], object]] = MappingProxyType({}),
    gave_up: GaveUp = _raised,
) -> dict[str, list[Times]]:
    """Return the times of all calls, taken in turns.

    The order changes from turn to turn: some libraries leave threads behind that spin for a while,
    and nobody shall always come after them.

    Parameters
    ----------
    calls : mapping from str to callable
        Each with its name.
    clock : Clock
        What times them.
    sets : int
        How many sets of buffers they rotate among.
    rounds : int
        Times that each is timed; a first round only warms up, but for calls longer than `each`.
    deadline : float
        When to stop early, by the clock; each is timed once at least, what is short five times.
    each : float
        Seconds for all turns of a call: one that is slow is timed less often.
    settled : mapping from str to callable, optional
        What is done before each turn of a call, off the clock.
    gave_up : callable, optional
        Is told of a call that breaks, which has no times then, and no further turns; by default it
        ends all.
    """
    times: dict[str, list[Times]] = {name: [] for name in calls}
    spent = dict.fromkeys(calls, 0.0)
    lasted = dict.fromkeys(calls, 0.0)
    order, rng = list(calls), Random(0)
    for turn in range(-1, rounds):
        rng.shuffle(order)
        for name in order:
            if name not in times:
                continue
            few = lasted[name] <= _SHORT and len(times[name]) < _FEWEST
            late = clock.now() > deadline and not few
            if times[name] and (late or spent[name] + lasted[name] > each):
                continue
            start = clock.now()
            try:
                if name in settled:
                    settled[name]()
                sample = clock.sample(calls[name], sets, max(turn, 0))
            except Exception as error:
                del times[name]
                gave_up(name, error)
                continue
            lasted[name] = clock.now() - start
            if turn >= 0 or lasted[name] > each:
                spent[name] += lasted[name]
                times[name].append(sample)
    return times
