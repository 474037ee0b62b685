"""Caches that threads share, in processes that are forked while one of them is at it."""

from __future__ import annotations

import os
import warnings

import pytest

from gpuconv.backends.host.idle import Leftovers
from gpuconv.bounded import Bounded, Shared

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


def in_a_fork(found: Shared) -> bool:
    """Return whether nothing holds a cache in a forked process, and nothing is left in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        child = os.fork()
    if child == 0:
        free = found._lock.acquire(timeout=5)
        os._exit(0 if free and not vars(found)["bytes"] else 1)
    return os.waitpid(child, 0)[1] == 0


def caches() -> list[Shared]:
    numbers, left = Bounded[int](most=9), Leftovers[str, int](most=9)
    numbers.get("one", lambda: 1, bytes=1)
    left.leave("owner", 1, size=1)
    return [numbers, left]


@pytest.mark.parametrize("each", [0, 1], ids=["Bounded", "Leftovers"])
def test_what_a_thread_held_in_the_parent_is_free_and_empty_in_a_fork(each: int) -> None:
    found = caches()[each]
    with found._lock:
        assert in_a_fork(found)


def test_what_nobody_held_is_as_it_was() -> None:
    assert not in_a_fork(caches()[0])
