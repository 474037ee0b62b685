"""Threads over tiles: each item once, errors and interrupts stop all, calls may be concurrent."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import gpuconv as gc
from gpuconv import reference
from gpuconv.backends.host.threads import VARIABLE, deal, share_cores, thread_count
from gpuconv.errors import ArgumentError


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("items", [0, 1, 2, 100])
def test_every_item_is_dealt_once(items: int, threads: int) -> None:
    dealt, workers = list[int](), set[int]()

    def work(deck: Iterator[int]) -> None:
        workers.add(threading.get_ident())
        dealt.extend(deck)

    deal(work, items, threads)
    assert sorted(dealt) == list(range(items))
    assert threading.get_ident() in workers
    assert len(workers) <= max(1, min(threads, items))


def test_threads_run_at_once() -> None:
    meeting = threading.Barrier(3, timeout=10)
    deal(lambda deck: [meeting.wait() for _ in deck] and None, 3, 3)
    assert not meeting.broken


def test_no_thread_outlives_the_call() -> None:
    before = threading.active_count()
    deal(lambda deck: [time.sleep(0.001) for _ in deck] and None, 20, 4)
    assert threading.active_count() == before


class WorkError(Exception):
    """What a worker of these tests raises."""


@pytest.mark.parametrize("error", [WorkError, KeyboardInterrupt, SystemExit, MemoryError])
@pytest.mark.parametrize("where", ["caller", "helper"])
def test_a_failure_stops_all_threads_and_is_raised(error: type[BaseException], where: str) -> None:
    caller, dealt = threading.get_ident(), list[int]()
    started = threading.Barrier(3, timeout=10)

    def work(deck: Iterator[int]) -> None:
        for item in deck:
            dealt.append(item)
            if item < 3:
                started.wait()
            if (threading.get_ident() == caller) == (where == "caller"):
                raise error("no")
            time.sleep(0.001)

    before = threading.active_count()
    with pytest.raises(error, match="no"):
        deal(work, 10**6, 3)
    assert len(dealt) < 1000
    assert threading.active_count() == before


def test_an_interrupt_while_waiting_stops_the_helpers() -> None:
    code = """
import os, signal, threading, time
from gpuconv.backends.host.threads import deal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
caller, dealt = threading.get_ident(), []
def work(deck):
    for item in deck:
        dealt.append(item)
        if threading.get_ident() == caller:
            return
        if len(dealt) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
try:
    deal(work, 10**6, 2)
except KeyboardInterrupt:
    print("interrupted", threading.active_count(), len(dealt) < 1000)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (found.stdout.strip(), found.stderr) == ("interrupted 1 True", "")


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "2 3", "²"])
def test_a_thread_count_of_no_use(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, text)
    said = f"GPUCONV_NUM_THREADS='{text}' must be a positive integer, or unset"
    with pytest.raises(ArgumentError, match="^" + said.replace(".", r"\.")):
        thread_count()


@pytest.mark.parametrize(("text", "count"), [("1", 1), (" 7 ", 7), ("64", 64)])
def test_the_variable_says_how_many(text: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, text)
    assert thread_count() == count


@pytest.mark.parametrize("text", ["", "  "])
def test_else_the_usable_cores(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, text)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert thread_count() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    monkeypatch.delenv(VARIABLE)
    assert thread_count() == 1


@pytest.mark.parametrize(("workers", "count"), [(1, 8), (2, 4), (3, 2), (8, 1), (20, 1)])
def test_workers_share_the_cores(workers: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    with ThreadPoolExecutor(1, initializer=share_cores, initargs=(workers,)) as pool:
        assert pool.submit(thread_count).result() == count
        monkeypatch.setenv(VARIABLE, "5")
        assert pool.submit(thread_count).result() == 5
    monkeypatch.delenv(VARIABLE)
    assert thread_count() == 8  # other threads keep theirs


def test_calls_at_once_do_not_disturb_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "2")
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (130, 1030)).astype(np.uint8)
    kernels = [gc.Kernel(rng.integers(-4, 5, (n, 3)), divisor=n) for n in (1, 2, 3, 5)]
    kernels += [gc.kernels.box(n) for n in (3, 5, 31)]
    expected = [reference.convolve(image, kernel) for kernel in kernels]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(4):
            found = pool.map(lambda kernel: gc.convolve(image, kernel), kernels)
            for mine, right in zip(found, expected, strict=True):
                np.testing.assert_array_equal(mine, right)


def _total(queue: multiprocessing.Queue[int]) -> None:
    queue.put(int(gc.convolve(np.ones((600, 600), np.uint8), np.ones((9, 9))).sum()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_can_filter_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "2")
    here = int(gc.convolve(np.ones((600, 600), np.uint8), np.ones((9, 9))).sum())
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_total, args=(queue,))
    child.start()
    assert queue.get(timeout=60) == here == 81 * 600 * 600
    child.join(60)
    assert child.exitcode == 0
