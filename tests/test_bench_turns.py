"""How the bench takes turns, and its clocks, on the CPU and on a GPU."""

from __future__ import annotations

import gc as collector
import weakref
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from fakes.bench_runs import Clock, measured

from benchmarks.cases import Case
from benchmarks.peers import ours
from benchmarks.suite.contract import Buffers, Peer, Prepared
from benchmarks.suite.timing import Cuda, Spread, sets_for, take_turns


def test_calls_take_turns_in_an_order_that_changes() -> None:
    log: list[str] = []
    calls = {name: (lambda i, name=name: log.append(name)) for name in "abc"}
    times = take_turns(calls, Clock(), 1, 20, deadline=1e9, each=1e9)
    assert {name: len(found) for name, found in times.items()} == dict.fromkeys("abc", 20)
    # Each is called several times in a turn, as it is short; what counts is who comes after whom.
    order = [name for n, name in enumerate(log) if n == 0 or log[n - 1] != name]
    after = {(one, other) for one, other in pairwise(order)}
    assert after == {(one, other) for one in "abc" for other in "abc" if one != other}


def test_turns_end_early_but_not_before_each_was_timed_and_short_ones_a_few_times() -> None:
    clock = Clock()

    def slow(i: int) -> None:
        clock.time += 2.0

    calls = {"slow": slow, "fast": lambda i: None}
    times = take_turns(calls, clock, 1, 10, deadline=1e9, each=5.0)
    assert (len(times["slow"]), len(times["fast"])) == (2, 10)
    times = take_turns(calls, clock, 1, 10, deadline=0.0, each=5.0)
    assert (len(times["slow"]), len(times["fast"])) == (1, 5)  # what is short, a few times


def test_what_a_call_needs_is_settled_off_the_clock_before_each_turn() -> None:
    clock, threads = Clock(), [0]
    seen: list[int] = []

    def settle(count: int) -> Callable[[], None]:
        def to_end_threads() -> None:
            clock.time += 7.0
            threads[0] = count

        return to_end_threads

    calls = {name: lambda i: seen.append(threads[0]) for name in ("one", "two")}
    settled = {"one": settle(1), "two": settle(2)}
    times = take_turns(calls, clock, 1, 3, deadline=1e9, each=1e9, settled=settled)
    assert set(seen) == {1, 2}
    assert all(each["seconds"] < 1 for found in times.values() for each in found)


def test_who_breaks_in_its_turn_leaves_the_others_theirs() -> None:
    def broken() -> Peer:
        def prepare(case: Case, buffers: Buffers) -> Prepared:
            right, turns = ours._prepare(case, buffers), [0]

            def settle() -> None:
                turns[0] += 1
                if turns[0] > 2:
                    raise MemoryError("no more")

            return Prepared(right.call, "other.median", settle=settle)

        return Peer("other", ("numpy",), "cpu", prepare)

    right, row = measured(ours.PEERS[0], broken())
    assert (right.left_out, right.rounds) == ("", 3)
    assert (row.left_out, row.seconds, row.rounds) == ("failed: MemoryError: no more", None, 0)
    calls = {"broken": lambda i: 1 // 0}
    with pytest.raises(ZeroDivisionError):
        take_turns(calls, Clock(), 1, 3, deadline=1e9, each=1e9)


def test_short_calls_are_timed_several_at_once_and_no_call_inherits_that() -> None:
    clock, calls = Clock(), [0]

    def short() -> Callable[[int], None]:
        def call(i: int) -> None:
            calls[0] += 1

        return call

    first = short()
    clock.sample(first, 1, 0)
    assert calls == [1]
    # A tick of the clock is a millisecond; what is timed shall take five.
    assert clock.sample(first, 1, 1) == {"seconds": pytest.approx(1e-3 / 5)}
    assert calls == [6]
    gone = weakref.ref(first)
    del first
    collector.collect()
    assert gone() is None  # nor does the clock keep it, with its images
    for _ in range(50):  # one of them lies where the first was
        clock.sample(short(), 1, 0)
    assert calls == [56]


class FakeCupy:
    """A device on which a fill of the scratch takes a quarter of a millisecond."""

    class _Event:
        def __init__(self, made: FakeCupy) -> None:
            self._made = made

        def record(self) -> None:
            self.at = self._made.done

        def synchronize(self) -> None:
            pass

    def __init__(self) -> None:
        #: Milliseconds of work until now.
        self.done = 0.0
        device = SimpleNamespace(attributes={"L2CacheSize": 1000}, synchronize=lambda: None)
        self.cuda = SimpleNamespace(
            Device=lambda: device,
            Event=lambda: self._Event(self),
            get_elapsed_time=self.get_elapsed_time,
        )

    def get_elapsed_time(self, start: Any, end: Any) -> float:
        return float(end.at - start.at)

    def empty(self, size: int, dtype: Any) -> Any:
        self.scratch = size
        return self

    def fill(self, value: int) -> None:
        self.done += 0.25


def test_on_a_gpu_calls_are_timed_cold_and_warm_and_by_the_wall() -> None:
    cupy = FakeCupy()
    clock, log = Cuda(cupy), list[int]()
    assert (clock.cache, cupy.scratch) == (1000, 3000)

    def call(number: int) -> None:
        cupy.done += 2.0 if log[-1:] != [number] else 1.0
        log.append(number)

    times = clock.sample(call, 3, 1)
    # Buffers that were just used are warm.
    assert (times["seconds"], times["warm"]) == (2e-3, 1e-3)
    assert times["wall"] > 0
    assert log == [1, 1, 1, *(n % 3 for n in range(1, 11))]
    assert sets_for(1000, 300) * 300 > 3 * 1000
    assert sets_for(1 << 20, 1) == 16


def test_a_gpu_is_kept_busy_for_as_long_as_a_call_takes_to_enqueue() -> None:
    cupy, now = FakeCupy(), [0.0]
    clock = Cuda(cupy)
    clock.now = lambda: now[0]  # type: ignore[method-assign]

    def call(number: int) -> None:
        now[0] += 5e-3

    busy = []
    for _ in range(2):
        before = cupy.done
        clock.sample(call, 1, 0)
        busy.append(cupy.done - before)
    # Milliseconds of the two fills: at first nothing is known of the call.
    assert busy == [2 * 1, 2 * 10]


def test_a_fill_is_not_timed_while_the_clocks_of_a_gpu_are_low() -> None:
    class Idle(FakeCupy):
        def fill(self, value: int) -> None:
            self.done += 0.25 if self.done > 2 else 1.0

    cupy = Idle()
    clock, before = Cuda(cupy), cupy.done
    clock.sample(lambda number: None, 1, 0)
    assert cupy.done - before == 2 * 1


def test_a_spread_is_of_its_times() -> None:
    spread = Spread.of([float(n) for n in range(101)])
    assert spread == Spread(median=50.0, p10=10.0, p90=90.0, shortest=0.0)
