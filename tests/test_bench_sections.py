"""The bench's sections beside the table: growth, small calls, frames."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice, pairwise

import cuda_on_cpu
import numpy as np
import pytest
from fakes.bench_runs import CPU, box_of, peer, right, run

from benchmarks.cases import Case
from benchmarks.filters import Box
from benchmarks.suite import section
from benchmarks.suite.contract import Buffers, Peer, Prepared, Unable
from benchmarks.suite.measure import ON_CPU, Limits
from benchmarks.suite.place import Place, place
from benchmarks.suite.section import Options, OutOfTime
from benchmarks.suite.sections import (
    SECTIONS,
    growth,
    pace,
    small,
    throughput,
)
from benchmarks.suite.timing import Host
from gpuconv.backends.cuda import runtime


def slow(case: Case, buffers: Buffers) -> Prepared:
    def call(i: int) -> None:
        box_of(case, buffers.images[i], buffers.outs[i])
        time.sleep(2e-4 * case.rows * (case.filter.side > 3))

    return Prepared(call, "slow")


def narrow(case: Case, buffers: Buffers) -> Prepared:
    if case.filter.side > 3:
        raise Unable("is for 3×3")
    return right(case, buffers)


@pytest.fixture
def entrants(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what makes some peers the only ones."""

    def enter(*peers: Peer) -> None:
        monkeypatch.setattr(section, "peers", lambda kind: [p for p in peers if p.device == kind])

    return enter


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch) -> growth.Sweep:
    """Return the only sweep, of boxes."""
    sweep = growth.Sweep(
        "boxes",
        "side, pixels",
        (3, 5, 7),
        lambda side, size: Case(Box(side), "float32", (size, 32)),
        128,
        quick=True,
    )
    monkeypatch.setattr(growth, "SWEEPS", (sweep,))
    monkeypatch.setattr(growth, "_ON_CPU", Limits(rounds=2, call=0.02, each=0.01, case=1.0))
    return sweep


# ------------------------------------------------------------------------ what all share


def test_sections_come_in_the_order_of_their_weight() -> None:
    assert list(SECTIONS) == ["table", "small", "growth", "first", "throughput", "memory"]
    assert all(each.about for each in SECTIONS.values())


def test_what_a_piece_does_not_use_of_the_time_is_the_others() -> None:
    times = iter([0.0, 0.0, 1.0, 9.0, 12.0])
    where, told = Place("cpu", Host(lambda: next(times))), list[str]()
    options = Options(seconds=12.0, rounds=3, watch=told.append)
    pieces, shares = pace.paced("abcd", where, options, ON_CPU), list[float]()
    for piece, limits, watch in islice(pieces, 3):
        watch(piece)
        shares.append(limits.whole)
        assert limits.rounds == 3
    assert shares == [3.0, 11 / 3, 1.5]
    assert told == ["1/4 a", "2/4 b", "3/4 c"]
    with pytest.raises(OutOfTime):
        next(pieces)


def test_without_a_limit_pieces_have_the_usual_one() -> None:
    [(_, limits, _)] = pace.paced("a", CPU, Options(), ON_CPU)
    assert limits == ON_CPU


# ------------------------------------------------------------------------ growth


def test_a_curve_has_a_row_for_each_length_and_peer(
    boxes: growth.Sweep, entrants: Callable[..., None]
) -> None:
    entrants(peer("gpuconv", right), peer("other", right))
    rows = run("growth", Options())
    assert [(row["at"], row["peer"]) for row in rows] == [
        (side, name) for side in boxes.lengths for name in ("gpuconv", "other")
    ]
    assert {(row["sweep"], row["across"]) for row in rows} == {("boxes", "side, pixels")}
    assert all(row["seconds"]["median"] > 0 and not row["last"] for row in rows)


def test_who_is_too_slow_at_a_length_is_not_asked_at_larger_ones(
    boxes: growth.Sweep, entrants: Callable[..., None]
) -> None:
    entrants(peer("gpuconv", slow), peer("other", slow), peer("copy", slow))
    rows = run("growth", Options())
    others = [row for row in rows if row["peer"] == "other"]
    assert [(row["at"], row["part"], row["last"]) for row in others] == [
        (3, 1.0, False),
        (5, 0.5, True),
    ]
    # gpuconv and the copy always are: a curve of theirs has no end.
    for name in ("gpuconv", "copy"):
        assert [row["last"] for row in rows if row["peer"] == name] == [False] * 3


def test_who_cannot_do_a_length_says_so_once(
    boxes: growth.Sweep, entrants: Callable[..., None]
) -> None:
    entrants(peer("gpuconv", right), peer("narrow", narrow))
    told = [(r["at"], r["left_out"]) for r in run("growth", Options()) if r["peer"] == "narrow"]
    assert told == [(3, ""), (5, "is for 3×3")]


def test_a_line_of_growth_has_everyone_who_was_timed(
    boxes: growth.Sweep, entrants: Callable[..., None]
) -> None:
    entrants(peer("gpuconv", right), peer("narrow", narrow), peer("slow", slow))
    [_, five, _] = growth.SECTION.run(CPU, Options())
    title, times = growth.SECTION.lines(five)
    assert title == "boxes: 5"
    assert times.startswith("  gpuconv ")
    assert "slow ≈" in times
    assert "narrow" not in times


def test_sweeps_grow_and_tell_their_cases_apart() -> None:
    assert len({sweep.name for sweep in growth.SWEEPS}) == len(growth.SWEEPS)
    for kind, times in (("cpu", 1), ("cuda", 2)):
        points = growth.points(kind, Options())
        assert len({(point.sweep.name, point.at) for point in points}) == len(points)
        for one, other in pairwise(points):
            if one.sweep is other.sweep:
                assert one.at < other.at
                assert one.case.name != other.case.name
        sizes = {p.case.shape for p in points if p.sweep.name == "dense f32"}
        assert sizes == {(2048 * times, 2048 * times)}


def test_a_quick_run_has_the_last_length_of_few_sweeps() -> None:
    points = growth.points("cpu", Options(quick=True))
    assert {point.sweep.name for point in points} == {s.name for s in growth.SWEEPS if s.quick}
    for sweep in (s for s in growth.SWEEPS if s.quick):
        lengths = [point.at for point in points if point.sweep is sweep]
        assert 2 <= len(lengths) <= 4
        assert lengths[-1] == sweep.lengths[-1]


def test_where_time_is_limited_the_sweeps_that_tell_most_come_first() -> None:
    points = growth.points("cuda", Options(seconds=60))
    assert len(points) == len(growth.points("cuda", Options()))
    assert [point.sweep.quick for point in points] == sorted(
        (point.sweep.quick for point in points), reverse=True
    )


def test_cases_of_growth_are_chosen_by_their_names() -> None:
    points = growth.points("cpu", Options(cases=("median 5x5 u8",)))
    assert {point.case.kind for point in points} == {"median 5×5 u8"}
    assert {point.sweep.name for point in points} == {"median u8", "image, median 5×5 u8"}


# ------------------------------------------------------------------------ small calls


def test_small_images_are_timed_in_microseconds(
    entrants: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small, "CASES", (Case(Box(3), "float32", (32, 32), quick=True),))
    entrants(peer("gpuconv", right), peer("gpuconv, 1 thread", right), peer("other", right))
    [rows] = small.SECTION.run(CPU, Options(rounds=2))
    assert [row["peer"] for row in rows] == ["gpuconv", "other"]
    title, times = small.SECTION.lines(rows)
    assert title == "box 3×3 f32 32²"
    assert times.count(" µs") == 2


def test_on_a_gpu_the_wall_time_of_a_small_call_is_shown() -> None:
    spread = {"median": 1e-6}
    row = {"case": "a", "peer": "gpuconv", "seconds": spread, "wall": {"median": 9e-6}}
    assert list(small.SECTION.lines([row])) == ["a", "  gpuconv 9 µs"]


def test_small_images_grow_to_where_pixels_count() -> None:
    sides = [case.shape[0] for case in small.CASES]
    assert sorted(set(sides)) == [32, 64, 128, 256, 512, 1024]
    assert {case.shape[0] for case in small.CASES if case.quick} == {64, 512}


def test_small_images_are_timed_on_a_gpu_as_well() -> None:
    with runtime.use(cuda_on_cpu.CpuRuntime(mode="fast")), place("cuda") as where:
        options = Options(cases=("dense 3x3 u8 32",), peers=("gpuconv",), rounds=1)
        [row] = [row for row in run("small", options, where) if row["peer"] == "gpuconv"]
    assert row["left_out"] == ""
    assert row["error"] <= 1


# ------------------------------------------------------------------------ frames


def test_frames_rotate_among_more_memory_than_caches_have(
    entrants: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set[int]()

    def prepare(case: Case, buffers: Buffers) -> Prepared:
        def call(i: int) -> None:
            seen.add(id(buffers.outs[i]))
            box_of(case, buffers.images[i], buffers.outs[i])

        return Prepared(call, "right")

    case = Case(Box(3), "float32", (48, 64), quick=True)
    monkeypatch.setattr(throughput, "CASES", (case,))
    monkeypatch.setattr(throughput, "_BEYOND_CACHES", 5 * case.bytes)
    entrants(peer("gpuconv", prepare))
    [row] = run("throughput", Options(rounds=5))
    assert len(seen) == 5
    assert row["per_second"] == pytest.approx(1 / row["seconds"]["median"], rel=1e-3)
    assert next(throughput.SECTION.lines([row])) == "box 3×3 f32 48×64, frames a second"


def test_frames_of_4k_exceed_the_caches() -> None:
    frames = throughput.Frames("cpu", Host()).buffers(np.zeros((2160, 3840), np.uint8))
    assert sum(each.nbytes for each in (*frames.images, *frames.outs)) >= 192 << 20
    assert len({each.ctypes.data for each in frames.images}) == len(frames.images) == 13


def test_frames_on_a_gpu_are_another_commands_matter() -> None:
    assert run("throughput", Options(), Place("cuda:0", Host())) == []


def test_a_frame_that_was_not_timed_has_no_rate(
    entrants: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throughput, "CASES", (Case(Box(5), "float32", (48, 64)),))
    entrants(peer("gpuconv", right), peer("narrow", narrow))
    rows = run("throughput", Options(rounds=1))
    assert [row["per_second"] is None for row in rows] == [False, True]
