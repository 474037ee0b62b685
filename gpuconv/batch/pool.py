"""Threads that take one job after the other, and hand each result to the caller's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Protocol

from gpuconv.batch.jobs import Job, Plan
from gpuconv.batch.report import Result

__all__ = ["Dealer", "Stop", "results"]


class Stop(Protocol):
    """What asks a run to stop: a `threading.Event`, say."""

    def is_set(self) -> bool:
        """Tell whether no more files are to be started."""
        ...


class Dealer:
    """Hands out jobs one by one, until there are none, too many failed, or it is told to stop.

    A worker asks when it is free, so no more images are in memory than there are workers.
    """

    def __init__(self, plan: Plan, stop: Stop, error_limit: int | None) -> None:
        self._jobs = iter(enumerate(plan))
        self._stop = stop
        self._errors_left = float("inf") if error_limit is None else error_limit
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[tuple[int, Job]]:
        while (item := self._next()) is not None:
            yield item

    def close(self) -> None:
        """Hand out no more."""
        self._errors_left = 0

    def tell(self, result: Result) -> None:
        """Count a failure; called before the same worker asks for more."""
        with self._lock:
            self._errors_left -= result.failed

    def _next(self) -> tuple[int, Job] | None:
        with self._lock:
            if self._errors_left <= 0 or self._stop.is_set():
                return None
            return next(self._jobs, None)


def results(
    dealer: Dealer, work: Callable[[Job], Result], workers: int
) -> Iterator[tuple[int, Result]]:
    """Give the results of jobs as they are finished, each with its place in the plan.

    Closing the generator (an exception in the loop over it does) lets the files at work be
    finished. The threads are daemons: a process that is told to end does not wait for them.
    """
    finished: SimpleQueue[tuple[int, Result] | None] = SimpleQueue()

    def draw() -> None:
        try:
            for index, job in dealer:
                result = work(job)
                dealer.tell(result)
                finished.put((index, result))
        finally:
            finished.put(None)

    threads = [threading.Thread(target=draw, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        while workers:
            item = finished.get()
            if item is None:
                workers -= 1
            else:
                yield item
    finally:
        dealer.close()
        for thread in threads:
            thread.join()
