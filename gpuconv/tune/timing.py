"""How long a call takes, as near to undisturbed as can be had on a machine that others use too."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gpuconv.backends.host.threads import VARIABLE

__all__ = ["Clock", "Progress", "cpu_clock", "fastest", "on_threads", "wall"]

Clock = Callable[[], float]

#: Is told of each rate, before it is measured.
Progress = Callable[[str], None]

#: Each measurement takes at least so many seconds and repetitions; the fastest counts, as whatever
#: disturbs a run only makes it slower.
_SECONDS, _TIMES = 0.03, 3

#: The resolution of a clock that can tell a call's time.
_FINE = 1e-5


def cpu_clock() -> Clock:
    """Return the processor time of this thread, which does not run while others do.

    Where it is too coarse, as on Windows, the time on the wall.
    """
    fine = time.get_clock_info("thread_time").resolution <= _FINE
    return time.thread_time if fine else time.perf_counter


def fastest(call: Callable[[], object], clock: Clock) -> float:
    """Return the seconds that `call` takes when nothing disturbs it."""
    call()  # plans, caches and memory pages are not what is measured
    best, spent, times = float("inf"), 0.0, 0
    while spent < _SECONDS or times < _TIMES:
        start = clock()
        call()
        took = clock() - start
        best, spent, times = min(best, took), spent + took, times + 1
    return best


def wall(call: Callable[[], object]) -> float:
    """Return the seconds on the wall that `call` takes when nothing disturbs it."""
    return fastest(call, time.perf_counter)


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Have the CPU engine use that many threads, in the whole process."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(count)
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
