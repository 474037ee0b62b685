"""Times taken in turns, so that a busy machine slows all alike; the shortest counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

__all__ = ["Clock", "Times"]

Array = NDArray[Any]
#: Seconds by name; None where a call would have taken longer than the limit.
Times = dict[str, float | None]


class Clock:
    """How calls are timed."""

    def __init__(self, limit: float = 8.0, rounds: int = 5, seconds: float = 3.0) -> None:
        """Leave out what takes longer than `limit`; `rounds` rounds, fewer after `seconds`."""
        self.limit, self.rounds, self.seconds = limit, rounds, seconds

    def shortest(self, calls: Mapping[str, Callable[[Array], Array]], image: Array) -> Times:
        """Return the shortest time of each call on `image`."""
        quick = {name: call for name, call in calls.items() if self._affordable(call, image)}
        times: Times = dict.fromkeys(calls)
        spent = 0.0
        for round_ in range(self.rounds):
            for name, call in quick.items():
                seconds = elapsed(call, image)
                times[name] = min(seconds, times[name] or seconds)
                spent += seconds
            if spent > self.seconds and round_ >= 1:
                break
        return times

    def _affordable(self, call: Callable[[Array], Array], image: Array) -> bool:
        """Return whether a call would stay below the limit, by a part of the image."""
        part = image[: max(len(image) // 16, 1)]
        allowed = self.limit * len(part) / len(image)
        try:
            # Once to warm up: the first call plans, and transforms its kernel.
            return elapsed(call, part) < 4 * allowed and elapsed(call, part) < allowed
        except MemoryError:
            return False


def elapsed(call: Callable[[Array], Array], image: Array) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    call(image)
    return time.perf_counter() - start
