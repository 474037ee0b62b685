"""The bench's sections beside the table: growth, small calls, first results, frames, memory."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
from scipy import ndimage

from benchmarks.cases import Case
from benchmarks.filters import Box, Canny, Median
from benchmarks.suite import check, section
from benchmarks.suite.contract import Buffers, Peer, Prepared, Unable
from benchmarks.suite.measure import ON_CPU, Limits
from benchmarks.suite.place import Place, place
from benchmarks.suite.section import Options, OutOfTime
from benchmarks.suite.sections import (
    SECTIONS,
    first,
    first_process,
    fresh,
    growth,
    memory,
    memory_process,
    pace,
    small,
    throughput,
)
from benchmarks.suite.timing import Host
from gpuconv.backends.cuda import runtime

Rows = list[dict[str, Any]]
CPU = Place("cpu", Host())


def run(name: str, options: Options, where: Place = CPU) -> Rows:
    return [row for rows in SECTIONS[name].run(where, options) for row in rows]


def box_of(case: Case, image: Any, out: Any) -> None:
    ndimage.uniform_filter(image, case.filter.side, mode=case.border, output=out)


def right(case: Case, buffers: Buffers) -> Prepared:
    return Prepared(lambda i: box_of(case, buffers.images[i], buffers.outs[i]), "right")


def slow(case: Case, buffers: Buffers) -> Prepared:
    def call(i: int) -> None:
        box_of(case, buffers.images[i], buffers.outs[i])
        time.sleep(2e-4 * case.rows * (case.filter.side > 3))

    return Prepared(call, "slow")


def narrow(case: Case, buffers: Buffers) -> Prepared:
    if case.filter.side > 3:
        raise Unable("is for 3×3")
    return right(case, buffers)


def peer(name: str, prepare: Any, device: str = "cpu") -> Peer:
    return Peer(name, ("numpy",), device, prepare)


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


# ------------------------------------------------------------------------ fresh processes


def test_a_fresh_process_answers(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import json, os, sys; print('noise'); print(json.dumps([sys.argv[1:], "
                      "os.environ['EXTRA'], 'benchmarks' in sys.modules]))")  # fmt: skip
    answered = fresh.answer([str(script), "word"], 60, {"EXTRA": "there"})
    assert answered == [["word"], "there", False]


@pytest.mark.parametrize(
    ("code", "seconds", "reason"),
    [
        ("import no_such_library", 60, "cannot be imported: No module named 'no_such_library'"),
        ("raise ValueError('odd')", 60, "failed: ValueError: odd"),
        ("import os; os._exit(3)", 60, "failed: exit code 3"),
        ("import time; time.sleep(60)", 0.2, "takes longer than 0.2 s"),
        ("print('bye')", 60, "failed: its last words are no JSON: 'bye\\n'"),
        ("pass", 60, "failed: its last words are no JSON: ''"),
    ],
)
def test_a_process_that_fails_says_why(code: str, seconds: float, reason: str) -> None:
    with pytest.raises(Unable) as failed:
        fresh.answer(["-c", code], seconds)
    assert str(failed.value) == reason


def test_a_fresh_process_keeps_compiled_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    code = "import json, sys; print(json.dumps([sys.dont_write_bytecode]))"
    assert fresh.answer(["-c", code], 60) == [False]


def test_a_fresh_process_finds_the_bench_and_gpuconv() -> None:
    code = "import json, gpuconv, benchmarks.cases as c; print(json.dumps([c.__name__]))"
    assert fresh.answer(["-c", code], 60) == ["benchmarks.cases"]


# ------------------------------------------------------------------------ first results


Environments = list[tuple[str, dict[str, str]]]


class Answers:
    """Stands in for processes: writes a result, and says what each step took."""

    def __init__(self, wrong: Sequence[str] = (), absent: Sequence[str] = ()) -> None:
        self.wrong, self.absent = wrong, absent
        self.seen: Environments = []

    def __call__(
        self, arguments: Sequence[str], seconds: float, environment: dict[str, str]
    ) -> dict[str, float]:
        _, way, filter_, _, source, target, spawned = arguments
        assert float(spawned) <= time.monotonic()
        if way in self.absent:
            raise Unable("cannot be imported: No module named 'it'")
        self.seen.append((way, environment))
        result = first_process.WAYS["ndimage"](filter_, "cpu")(np.load(source))
        np.save(target, result + 1 if way in self.wrong else result)
        return dict.fromkeys(first.STEPS, float(len(self.seen)))


def test_every_contender_starts_several_processes_in_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = Answers()
    monkeypatch.setattr(first, "answer", answers)
    rows = run("first", Options(cases=("median",), rounds=2))
    ways = ["gpuconv", "ndimage", "opencv", "scikit-image"]
    assert [way for way, _ in answers.seen] == ways * 3  # the first time does not count
    assert rows[0]["peer"] == "gpuconv"
    assert rows[0]["import"] == {"median": 7.0, "p10": 5.4, "p90": 8.6, "shortest": 5.0}
    assert [row["rounds"] for row in rows] == [2] * 4
    assert {row["error"] for row in rows} == {0.0}
    assert all(not environment for _, environment in answers.seen)


def test_who_is_wrong_or_absent_gets_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers(wrong=["opencv"], absent=["torch"])
    monkeypatch.setattr(first, "answer", answers)
    [rows] = first.SECTION.run(CPU, Options(quick=True))
    told = {row["peer"]: row["left_out"] for row in rows}
    assert told["torch"] == "cannot be imported: No module named 'it'"
    assert told["OpenCV"].startswith("wrong: error 1")
    assert told["gpuconv"] == ""
    assert [way for way, _ in answers.seen].count("opencv") == 1
    lines = list(first.SECTION.lines(rows))
    assert len(lines) == 1 + len(rows)
    assert "wrong: error 1" in lines[3]


def test_an_empty_cache_of_kernels_is_new_each_time_and_a_warm_one_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = Answers()
    monkeypatch.setattr(first, "answer", answers)
    rows = run("first", Options(cases=("median",), rounds=2), Place("cuda:0", Host()))
    assert [(row["peer"], row["cache"]) for row in rows] == [
        ("gpuconv", "empty"),
        ("gpuconv", "warm"),
        ("cupyx ndimage", "empty"),
        ("cupyx ndimage", "warm"),
    ]
    ours = [each["CUPY_CACHE_DIR"] for way, each in answers.seen if way == "gpuconv"]
    assert len(set(ours[::2])) == 3
    assert len(set(ours[1::2])) == 1
    theirs = {each["CUPY_CACHE_DIR"] for way, each in answers.seen if way == "cupyx"}
    assert theirs.isdisjoint(ours)
    # What is known of the GPU is kept beside them: an empty cache knows nothing.
    assert all(each["XDG_CACHE_HOME"] == each["CUPY_CACHE_DIR"] for _, each in answers.seen)


def test_when_the_time_is_over_first_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, times = Answers(), iter(float(n) for n in range(1000))
    clock = SimpleNamespace(monotonic=lambda: next(times))
    monkeypatch.setattr(first, "answer", answers)
    monkeypatch.setattr(first, "time", clock)
    monkeypatch.setattr(time, "monotonic", lambda: 1e9)
    pieces = first.SECTION.run(CPU, Options(cases=("median",), seconds=12))
    rows = next(pieces)
    assert [row["peer"] for row in rows] == ["gpuconv", "SciPy ndimage"]
    with pytest.raises(OutOfTime):
        next(pieces)


def imitate_cupy(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have SciPy stand in for CuPy's filters; return where used devices are noted."""
    used = list[int]()

    class Device:
        def __init__(self, number: int) -> None:
            self.number = number

        def use(self) -> None:
            used.append(self.number)

    for name, holds in {
        "cupy": {"asarray": np.array, "asnumpy": np.array, "cuda": SimpleNamespace(Device=Device)},
        "cupyx": {},
        "cupyx.scipy": {"ndimage": ndimage},
    }.items():
        module = ModuleType(name)
        vars(module).update(holds)
        monkeypatch.setitem(sys.modules, name, module)
    return used


@pytest.mark.parametrize("filter_", list(first.CASES))
@pytest.mark.parametrize("way", list(first_process.WAYS))
def test_every_way_computes_what_the_definition_has(
    way: str, filter_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [each for each in first.CONTENDERS if each.way == way]
    if not any(filter_ in each.asked for each in asked):
        pytest.skip("has none")
    if way == "torch" and importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    device, used = "cpu", list[int]()
    if way == "cupyx":
        device, used = "cuda:1", imitate_cupy(monkeypatch)
    case = replace(first.CASES[filter_], shape=(64, 80))
    image = case.image
    result = first_process.WAYS[way](filter_, device)(image)
    parts = check.wanted(case, image)
    nothing = Prepared(lambda _: None, "")
    assert check.apart(nothing, case, np.asarray(result), parts) <= case.allowed
    assert result.dtype == case.dtype
    assert used == [1] * (way == "cupyx")


def test_a_fresh_process_is_timed_from_its_start() -> None:
    options = Options(cases=("Gaussian",), peers=("ndimage",), rounds=1)
    start = time.monotonic()
    rows = run("first", options)
    spent = time.monotonic() - start
    assert [row["peer"] for row in rows] == ["gpuconv", "SciPy ndimage"]
    for row in rows:
        steps = {step: row[step]["median"] for step in first.STEPS}
        assert row["left_out"] == ""
        assert all(seconds >= 0 for seconds in steps.values())
        until_first = sum(steps[step] for step in ("start", "numpy", "import", "first"))
        assert steps["seconds"] == pytest.approx(until_first, abs=1e-6)
    assert sum(row["seconds"]["median"] for row in rows) < spent


# ------------------------------------------------------------------------ memory


class Counter:
    """A meter that says what it was told."""

    def __init__(self, bytes_: int) -> None:
        self.bytes = bytes_

    def start(self) -> None:
        pass

    def stop(self) -> int:
        return self.bytes


BOX = Case(Box(3), "float32", (96, 80))


def making(dtype: str) -> Callable[[Case, Buffers], Prepared]:
    """Return a peer that returns a result of its own."""

    def prepare(case: Case, buffers: Buffers) -> Prepared:
        def call(i: int) -> Any:
            out = np.empty(case.shape, dtype)
            box_of(case, buffers.images[i].astype(dtype), out)
            return out

        return Prepared(call, "making")

    return prepare


def test_memory_is_counted_beside_image_and_result() -> None:
    told = memory_process.peak(BOX, peer("right", right), CPU, Counter(1000))
    assert (told["peak"], told["how"]) == (1000, "right")
    assert told["error"] <= told["allowed"]
    assert BOX.bytes == 2 * 4 * 96 * 80


@pytest.mark.parametrize(("dtype", "itself"), [("float32", 1), ("float64", 2)])
def test_a_result_of_its_own_is_one_but_its_width_counts(dtype: str, itself: int) -> None:
    image = BOX.bytes // 2
    counter = Counter(itself * image)
    told = memory_process.peak(BOX, peer("making", making(dtype)), CPU, counter)
    assert told["peak"] == (itself - 1) * image


def test_a_view_of_the_output_is_no_result_of_its_own() -> None:
    def prepare(case: Case, buffers: Buffers) -> Prepared:
        def call(i: int) -> Any:
            box_of(case, buffers.images[i], buffers.outs[i])
            return buffers.outs[i][:]

        return Prepared(call, "viewing")

    told = memory_process.peak(BOX, peer("viewing", prepare), CPU, Counter(BOX.bytes))
    assert told["peak"] == BOX.bytes


def test_filters_that_know_no_limit_are_compared_on_a_small_image() -> None:
    sizes = list[int]()

    def prepare(case: Case, buffers: Buffers) -> Prepared:
        sizes.append(case.pixels)
        return Prepared(lambda i: case.filter.defined(buffers.images[i]), "defined")

    case = Case(Canny(), "uint8", (300, 224))
    told = memory_process.peak(case, peer("defined", prepare), CPU, Counter(7 << 20))
    assert told["error"] == 0
    assert sizes == [64 * 224, 300 * 224, 160 * 224]


def test_on_a_gpu_results_in_the_output_are_known() -> None:
    with runtime.use(cuda_on_cpu.CpuRuntime(mode="fast")), place("cuda") as where:
        [ours] = [each for each in section.peers("cuda") if each.name == "gpuconv"]
        told = memory_process.peak(BOX, ours, where, Counter(4096))
    assert told["peak"] == 4096
    assert told["error"] <= told["allowed"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the peak")
def test_linux_counts_what_was_taken_and_given_back() -> None:
    meter = memory_process.Linux()
    meter.start()
    largest = np.ones(64 << 20, np.uint8)
    del largest
    assert 63 << 20 <= meter.stop() < 80 << 20  # pages are counted for each core, in lots
    meter.start()
    assert meter.stop() < 16 << 20


def test_a_gpu_counts_what_pools_took_from_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    free, did = [100 << 20], list[str]()
    pool = SimpleNamespace(free_all_blocks=lambda: did.append("empty"))
    cuda = SimpleNamespace(
        Device=lambda: SimpleNamespace(synchronize=lambda: did.append("wait")),
        runtime=SimpleNamespace(memGetInfo=lambda: (free[0], 200 << 20)),
    )
    caching = SimpleNamespace(cuda=SimpleNamespace(empty_cache=lambda: did.append("torch")))
    monkeypatch.setitem(sys.modules, "torch", caching)  # type: ignore[arg-type]
    cupy = SimpleNamespace(cuda=cuda, get_default_memory_pool=lambda: pool)
    meter = memory_process.Cuda(cupy)
    meter.start()
    free[0] -= 6 << 20
    assert meter.stop() == 6 << 20
    assert did == ["empty", "torch", "wait", "wait"]


def told_by(monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any]) -> list[list[str]]:
    """Have processes answer by the name of the peer; return where their arguments are noted."""
    seen = list[list[str]]()

    def answer(arguments: Sequence[str], seconds: float) -> dict[str, Any]:
        seen.append(list(arguments))
        told = answers[arguments[-2]]
        if isinstance(told, Unable):
            raise told
        return dict(told)

    monkeypatch.setattr(memory, "answer", answer)
    monkeypatch.setattr(sys, "platform", "linux")
    return seen


def test_each_row_of_memory_is_a_process(
    monkeypatch: pytest.MonkeyPatch, entrants: Callable[..., None]
) -> None:
    good = {"peak": 192 << 20, "how": "it", "error": 0.0, "allowed": 1.0}
    seen = told_by(
        monkeypatch,
        {
            "gpuconv": good,
            "wrong": {**good, "error": 2.0},
            "broken": {**good, "error": None},
            "without": {"left_out": "has none"},
            "slow": Unable("takes longer than 20 s"),
        },
    )
    names = ("gpuconv", "gpuconv, 1 thread", "copy", "wrong", "broken", "without", "slow")
    entrants(*(peer(name, right) for name in names))
    rows = run("memory", Options(cases=("gaussian s=2 f32",)))
    assert [words[-2] for words in seen] == [row["peer"] for row in rows]
    assert seen[0] == ["-m", "benchmarks.suite.sections.memory_process",
                       "Gaussian σ=2 f32 4096²", "gpuconv", "cpu"]  # fmt: skip
    assert [(row["peak"], row["times"], row["left_out"]) for row in rows] == [
        (192 << 20, 3.0, ""),
        (None, None, "wrong: error 2, 1 allowed"),
        (None, None, "wrong: error infinite, 1 allowed"),
        (None, None, "has none"),
        (None, None, "takes longer than 20 s"),
    ]
    lines = list(memory.SECTION.lines(rows))
    assert lines[0].endswith("192.0 MiB, 3.00 images")
    assert lines[3].endswith("has none")


def test_memory_ends_with_its_time(
    monkeypatch: pytest.MonkeyPatch, entrants: Callable[..., None]
) -> None:
    good = {"peak": 0, "how": "it", "error": 0.0, "allowed": 1.0}
    seen = told_by(monkeypatch, {"gpuconv": good, "slow": Unable("takes longer than 3 s")})
    entrants(peer("gpuconv", right), peer("slow", right), peer("next", right))
    times = iter([0.0, 1.0, 4.0, 11.0])
    pieces = memory.SECTION.run(Place("cpu", Host(lambda: next(times))), Options(seconds=10))
    assert [row["peer"] for row in next(pieces)] == ["gpuconv"]
    with pytest.raises(OutOfTime):  # who was stopped for want of time has no row
        next(pieces)
    assert [words[-2] for words in seen] == ["gpuconv", "slow"]


def test_elsewhere_than_on_linux_memory_is_not_counted(
    monkeypatch: pytest.MonkeyPatch, entrants: Callable[..., None]
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    entrants(peer("gpuconv", right))
    [row] = run("memory", Options(cases=("canny",)))
    assert row["left_out"] == "only Linux tells the peak of a process"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the peak")
def test_a_process_of_its_own_measures_gpuconvs_memory() -> None:
    pieces = memory.SECTION.run(CPU, Options(cases=("nl_means",), peers=("gpuconv",)))
    [row] = next(pieces)
    assert (row["peer"], row["left_out"]) == ("gpuconv", "")
    assert 0 < row["peak"] < 512 << 20
    assert row["times"] == pytest.approx(row["peak"] / (1 << 20), abs=1e-3)


def test_a_process_says_who_cannot_do_a_case(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(memory_process, "CASES", (BOX,))
    monkeypatch.setattr(memory_process, "peers", lambda kind: [peer("few", refusing)])
    memory_process.main(BOX.name, "few", "cpu")
    assert json.loads(capsys.readouterr().out) == {"left_out": "is for others"}


def refusing(case: Case, buffers: Buffers) -> Prepared:
    raise Unable("is for others")


def test_every_case_of_memory_and_frames_has_a_name_of_its_own() -> None:
    for cases in (memory.CASES, throughput.CASES, small.CASES, tuple(first.CASES.values())):
        assert len({case.name for case in cases}) == len(cases)
    assert any(isinstance(case.filter, Median) for case in memory.CASES)
