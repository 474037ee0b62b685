"""What files at work share: memory, processors, and the wish to stop."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gpuconv.batch.crew import Budget, Crew, HaltedError
from gpuconv.streaming.memory import BASELINE


def until(true):
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_no_more_bytes_are_held_than_there_are():
    budget, most = Budget(100), []

    def work(bytes):
        with budget.hold(bytes):
            most.append(budget.used)
            time.sleep(0.001)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [10, 60, 35, 100, 5] * 8))
    assert max(most) <= 100
    assert budget.used == 0


def test_a_file_that_never_fits_is_alone():
    budget, order = Budget(100), []
    with ThreadPoolExecutor(3) as pool:
        release = threading.Event()

        def work(name, bytes):
            with budget.hold(bytes):
                order.append((name, budget.used))
                assert release.wait(30)

        first = pool.submit(work, "small", 10)
        until(lambda: order)
        large = pool.submit(work, "large", 300)
        until(lambda: len(budget._line) == 1)
        last = pool.submit(work, "last", 10)
        until(lambda: len(budget._line) == 2)
        release.set()
        for future in (first, large, last):
            future.result()
    assert order == [("small", 10), ("large", 300), ("last", 10)]


def test_memory_is_given_back_after_an_error_and_what_was_grown_too():
    budget = Budget(100)

    def fail():
        with budget.hold(10) as share:
            share.grow(300)
            share.grow(20)
            assert (share.bytes, budget.used) == (300, 300)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert budget.used == 0


def test_files_get_what_the_process_leaves():
    stop = threading.Event()
    assert Crew(1, 2**30, stop).budget.most == 2**30 - BASELINE
    assert Crew(1, BASELINE, stop).budget.most == BASELINE // 4
    assert Crew(1, BASELINE, stop).memory == BASELINE


def test_only_so_many_are_busy_and_those_away_do_not_count():
    crew, lock = Crew(2, 2**30, threading.Event()), threading.Lock()
    busy = most = 0

    def work(index):
        nonlocal busy, most
        with crew.busy():
            with lock:
                busy += 1
                most = max(most, busy)
            time.sleep(0.002)
            with lock:
                busy -= 1
            if index % 2:
                with crew.away():
                    time.sleep(0.002)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))
    assert most == 2


def test_one_that_is_away_lets_another_work():
    crew, met = Crew(1, 2**30, threading.Event()), threading.Barrier(2, timeout=30)

    def leave():
        with crew.busy(), crew.away():
            met.wait()

    def work():
        with crew.busy():
            met.wait()

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(leave), pool.submit(work)]:
            future.result()


def test_nobody_starts_after_a_halt_or_a_stop():
    stop = threading.Event()
    crew = Crew(1, 2**30, stop)
    with crew.busy():
        pass
    crew.halt("disk full")
    crew.halt("too many failures")
    assert (crew.is_set(), crew.reason) == (True, "disk full")
    with pytest.raises(HaltedError), crew.busy():
        pytest.fail("started")
    other = Crew(1, 2**30, stop)
    stop.set()
    assert (other.is_set(), other.reason) == (True, "")
    with pytest.raises(HaltedError), other.busy():
        pytest.fail("started")
