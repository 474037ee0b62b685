"""Threads over tiles: NumPy releases the interpreter lock, so they share the cores."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

from gpuconv.errors import ArgumentError

__all__ = ["VARIABLE", "deal", "thread_count"]

#: Environment variable that limits the threads of one call.
VARIABLE = "GPUCONV_NUM_THREADS"


def thread_count() -> int:
    """Return how many threads a large call uses: :data:`VARIABLE`, else the usable cores.

    Raises
    ------
    ArgumentError
        The variable is set to something that is not a positive integer.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        cores = getattr(os, "sched_getaffinity", None)
        return len(cores(0)) if cores else os.cpu_count() or 1
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentError(f"{VARIABLE}={text!r} must be a positive integer, or unset")
    return int(text)


def deal(work: Callable[[Iterator[int]], None], items: int, threads: int) -> None:
    """Run `work` on several threads, the caller's among them, each drawing items from one deck.

    Threads are started for the call and joined before it returns: starting one takes some 50 µs,
    nothing beside a call worth sharing, and there is no pool to outlive a fork. The first exception
    of any thread is raised here, after all have stopped.
    """
    deck = iter(range(items))
    lock, failures = threading.Lock(), list[BaseException]()

    def draw() -> Iterator[int]:
        while not failures:
            with lock:
                item = next(deck, None)
            if item is None:
                return
            yield item

    def guarded() -> None:
        try:
            work(draw())
        except BaseException as error:  # an interrupt too must stop the other threads
            failures.append(error)

    helpers = [threading.Thread(target=guarded) for _ in range(min(threads, items) - 1)]
    for helper in helpers:
        helper.start()
    guarded()
    for helper in helpers:
        try:
            helper.join()
        except BaseException as error:  # Ctrl-C while waiting: stop the helper, then go
            failures.append(error)
            helper.join()
    if failures:
        raise failures[0]
