"""Threads over tiles: NumPy releases the interpreter lock, so they share the cores."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar

import numpy as np

from gpuconv.cost.blocks import WORTH_SHARING
from gpuconv.errors import ArgumentError

__all__ = [
    "VARIABLE",
    "deal",
    "over",
    "share_cores",
    "thread_count",
    "usable_cores",
    "workers",
]

#: Environment variable that limits the threads of one call.
VARIABLE = "GPUCONV_NUM_THREADS"

#: How many workers, this thread one of them, make calls at the same time.
_workers: ContextVar[int] = ContextVar("workers", default=1)

#: Seconds after which a thread that waits looks for an interrupt: a signal need not wake it up.
_INTERRUPTIBLE = 0.05


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def thread_count() -> int:
    """Return how many threads a large call uses: :data:`VARIABLE`, else the usable cores.

    Among workers that share the cores, else this one's part of them.

    Raises
    ------
    ArgumentError
        The variable is set to something that is not a positive integer.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return max(1, usable_cores() // _workers.get())
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentError(f"{VARIABLE}={text!r} must be a positive integer, or unset")
    return int(text)


def share_cores(workers: int) -> None:
    """Let the calls that this thread will make use its part of the cores, one of `workers`."""
    _workers.set(workers)


def workers(seconds: float) -> int:
    """Return how many threads a call that takes so long is worth."""
    return thread_count() if seconds > WORTH_SHARING else 1


def deal(work: Callable[[Iterator[int]], None], items: int, threads: int) -> None:
    """Run `work` on several threads, the caller's among them, each drawing items from one deck.

    Threads are started for the call and joined before it returns: starting one takes some 50 µs,
    nothing beside a call worth sharing, and there is no pool to outlive a fork. The first exception
    of any thread is raised here, after all have stopped.
    """
    deck = iter(range(items))
    if min(threads, items) < 2:
        return work(deck)
    lock, failures = threading.Lock(), list[BaseException]()

    def guarded() -> None:
        try:
            work(_drawn(deck, lock, failures))
        except BaseException as error:  # an interrupt too must stop the other threads
            failures.append(error)

    def help_out() -> None:
        guarded()
        finished.append(None)
        with suppress(RuntimeError):  # another helper has released it, and nobody has seen it yet
            ended.release()

    def wait() -> None:
        # Not `join`, which after an interrupt takes the thread for finished (CPython bpo-45274),
        # and no semaphore, which one can leave locked: this is the only lock that none breaks.
        while len(finished) < len(started):
            ended.acquire(timeout=_INTERRUPTIBLE)

    finished, ended = list[None](), threading.Lock()
    ended.acquire()
    started = list[threading.Thread]()
    waiting = True
    while waiting:
        try:
            if not (started or failures):
                for _ in range(min(threads, items) - 1):
                    helper = threading.Thread(target=help_out)
                    helper.start()
                    started.append(helper)
                guarded()
            wait()
            waiting = False
        except BaseException as error:  # wherever it comes: the helpers stop, and are waited for
            failures.append(error)
    for thread in started:
        thread.join()
    if failures:
        raise failures[0]


def _drawn(
    deck: Iterator[int], lock: threading.Lock, failures: list[BaseException]
) -> Iterator[int]:
    """Yield what one thread draws from a deck, until it is empty or a thread has failed."""
    while not failures:
        with lock:
            item = next(deck, None)
        if item is None:
            return
        yield item


def over(work: Callable[[slice], None], count: int, piece: int, threads: int) -> None:
    """Do `work` on all of `count` items, `piece` of them together, on threads."""

    def draw(deck: Iterator[int]) -> None:
        with np.errstate(all="ignore"):
            for item in deck:
                work(slice(item * piece, min((item + 1) * piece, count)))

    deal(draw, -(-count // piece), threads)
