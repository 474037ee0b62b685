"""The bench itself: who is timed, what counts as right, how turns are taken, what is kept."""

from __future__ import annotations

import doctest
import gc as collector
import importlib
import json
import subprocess
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest

import gpuconv as gc
from benchmarks.cases import CASES, Case, chosen
from benchmarks.filters import Bilateral, Canny, Dense, Filter, Gaussian, Median
from benchmarks.peers import FLOOR, OURS, ours, plain_copy
from benchmarks.suite import check, history, machine, record
from benchmarks.suite.contract import Buffers, Peer, Prepared, Unable
from benchmarks.suite.measure import ON_CPU, ON_GPU, Limits, measure
from benchmarks.suite.place import Place, place
from benchmarks.suite.row import FAILED, WRONG, Row, broken
from benchmarks.suite.run import Run
from benchmarks.suite.section import Options, OutOfTime, Section, entered
from benchmarks.suite.timing import Cuda, Host, Spread, sets_for, take_turns
from gpuconv.backends.cuda import runtime
from gpuconv.errors import ArgumentError, DeviceError

CASE = Case(Median(3), "uint8", (96, 130), "nearest")
FEW = Limits(rounds=3)
FOLDER = Path(__file__).parent.parent / "benchmarks"


class Clock(Host):
    """The host's clock, whose time is made up: a call lasts as long as it says."""

    def __init__(self) -> None:
        self.time = 0.0
        super().__init__(self._tick)

    def _tick(self) -> float:
        self.time += 1e-3  # no call is so short that it is timed a thousand times at once
        return self.time


def ours_with(spoil: Callable[[Any], object], name: str = "other", **said: Any) -> Peer:
    """Return a peer that computes as gpuconv does, and then spoils the result."""

    def prepare(case: Case, buffers: Buffers) -> Prepared:
        right = ours._prepare(case, buffers)

        def call(i: int) -> object:
            right.call(i)
            return spoil(buffers.outs[i])

        return Prepared(call, "other.median", **said)

    return Peer(name, ("no-such-package", "numpy"), "cpu", prepare)


def refusing(error: Exception) -> Peer:
    def prepare(case: Case, buffers: Buffers) -> Prepared:
        raise error

    return Peer("other", ("no-such-package",), "cpu", prepare)


def measured(*peers: Peer, case: Case = CASE, limits: Limits = FEW) -> list[Row]:
    return measure(case, peers, Place("cpu", Clock()), limits)


def row_of(peer: Peer, case: Case = CASE) -> Row:
    """Return the row of a peer that is measured beside gpuconv, whose own must be right."""
    right, found = measured(ours.PEERS[0], peer, case=case)
    assert (right.left_out, right.error, right.rounds) == ("", 0.0, 3)
    return found


MODULES = [
    f"benchmarks.{path.relative_to(FOLDER).with_suffix('').as_posix().replace('/', '.')}"
    for path in sorted(FOLDER.rglob("*.py"))
    if path.parent == FOLDER or path.relative_to(FOLDER).parts[0] in ("peers", "suite")
    if path.name != "__init__.py"
]


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_are_true(module: str) -> None:
    found = doctest.testmod(importlib.import_module(module))
    assert found.failed == 0


# ------------------------------------------------------------------------ who is timed


def test_a_right_result_is_timed() -> None:
    row = row_of(ours_with(lambda out: None))
    assert (row.left_out, row.error, row.rounds, row.part) == ("", 0.0, 3, 1.0)
    assert row.seconds
    assert 0 < row.seconds.p10 <= row.seconds.median <= row.seconds.p90
    assert (row.how, row.version) == ("other.median", np.__version__)


def one_off(out: Any) -> None:
    out[-1, -1] ^= 1


WRONG_RESULTS: dict[str, Callable[[Any], object]] = {
    "one pixel in a corner": one_off,
    "nothing is written": lambda out: out.fill(85),
    "another shape": lambda out: out[1:],
    "not a number": lambda out: out * np.nan,
}


@pytest.mark.parametrize("what", WRONG_RESULTS)
def test_a_wrong_result_is_not_timed(what: str) -> None:
    row = row_of(ours_with(WRONG_RESULTS[what]))
    assert row.seconds is None
    assert row.left_out.startswith(WRONG)
    assert row.left_out.endswith(", 0 allowed")
    assert broken(row.json())


def test_who_does_nothing_does_not_have_the_result_of_the_one_before() -> None:
    idle = Peer("idle", (), "cpu", lambda case, buffers: Prepared(lambda i: None, "nothing"))
    assert row_of(idle).left_out.startswith(WRONG)


def test_one_that_breaks_and_one_that_is_absent_say_so() -> None:
    row = row_of(refusing(ZeroDivisionError("by nothing")))
    assert (row.left_out, row.seconds) == (f"{FAILED}ZeroDivisionError: by nothing", None)
    assert broken(row.json())
    row = row_of(refusing(Unable("is not installed")))
    assert (row.left_out, row.seconds, row.version) == ("is not installed", None, "")
    assert not broken(row.json())


def test_what_a_peer_computes_otherwise_must_be_declared() -> None:
    row = row_of(ours_with(one_off, allowed=1.0, because="it is odd at corners"))
    assert (row.left_out, row.error, row.allowed) == ("", 1.0, 1.0)
    assert row.because == "it is odd at corners"
    row = row_of(ours_with(one_off, allowed=0.01, measure="mean", because="likewise"))
    assert row.left_out == ""
    assert row.error == pytest.approx(1 / (16 * 130))
    assert row.measure == "mean"


def test_a_result_may_be_translated_before_it_is_compared() -> None:
    half = ours_with(lambda out: out / 255, alike=lambda found: found * 255, allowed=1e-9)
    assert row_of(half).left_out == ""


def lasting(clock: Clock, seconds: Callable[[int], float]) -> Peer:
    """Return a peer that takes so many seconds for so many rows."""

    def prepare(case: Case, buffers: Buffers) -> Prepared:
        right = ours._prepare(case, buffers)

        def call(i: int) -> None:
            right.call(i)
            clock.time += seconds(case.rows)

        return Prepared(call, "slowly")

    return Peer("slow", ("numpy",), "cpu", prepare)


def test_a_slow_peer_is_timed_on_a_part_of_the_rows_and_its_time_scaled() -> None:
    clock, case = Clock(), replace(CASE, shape=(512, 40))
    peers = [ours.PEERS[0], lasting(clock, lambda rows: rows / 16)]
    _, row = measure(case, peers, Place("cpu", clock), FEW)
    # 32 s for the image; in 6 s a call does 3/16 of it, and images are halved.
    assert (row.part, row.left_out, row.rounds) == (0.125, "", 1)
    assert row.seconds
    assert row.seconds.median == pytest.approx(32, rel=0.01)


@pytest.fixture
def checker() -> Iterator[Place]:
    """A place whose kernels run on the CPU, under the checker."""
    if reason := cuda_on_cpu.missing():
        pytest.skip(reason)
    with runtime.use(cuda_on_cpu.CpuRuntime(mode="fast")), place("cuda") as found:
        yield found


def test_a_kernel_is_compared_and_timed_on_its_device(checker: Place) -> None:
    case = Case(Dense(3), "float32", (40, 72), "mirror")
    peers = [replace(ours.PEERS[0], device="cuda"), plain_copy.PEERS[1], plain_copy.PEERS[2]]
    mine, driver, kernel = measure(case, peers, checker, Limits(rounds=1, call=60))
    assert (mine.left_out, kernel.left_out, kernel.error) == ("", "", 0.0)
    assert mine.error is not None
    assert 0 < mine.error < case.allowed
    assert driver.left_out == "these arrays are not CuPy's"
    assert checker.kind == "cuda"


def test_on_a_gpu_no_part_stands_for_the_whole(checker: Place) -> None:
    case = Case(Dense(3), "float32", (128, 40), "mirror")
    clock = Clock()
    slow = lasting(clock, lambda rows: rows / 16)
    (row,) = measure(case, [slow], replace(checker, clock=clock), ON_GPU)
    assert row.left_out == "about 8e+03 ms, too long to be timed"


def test_on_a_gpu_what_a_call_costs_the_host_does_not_grow_with_the_image(checker: Place) -> None:
    case = Case(Dense(3), "float32", (1024, 40), "mirror")
    clock = Clock()
    enqueued = lasting(clock, lambda rows: 0.01 + 1e-6 * rows)
    (row,) = measure(case, [enqueued], replace(checker, clock=clock), ON_GPU)
    assert not row.left_out


def test_a_device_that_is_not_there_cannot_be_used() -> None:
    with pytest.raises(DeviceError, match="cannot be used"), place("cuda:99"):
        pass
    with place("cpu") as found:
        buffers = found.buffers(np.ones((4, 5), np.float32))
    assert (len(buffers.images), buffers.device) == (1, "cpu")
    assert np.isnan(buffers.outs[0]).all()


def test_each_peer_is_announced_to_who_watches() -> None:
    told: list[str] = []
    measure(CASE, [ours.PEERS[0], plain_copy.PEERS[0]], Place("cpu", Clock()), FEW, told.append)
    assert told == [
        "median 3×3 u8 96×130: gpuconv",
        "median 3×3 u8 96×130: copy",
        "median 3×3 u8 96×130: 2 in turns",
    ]


def test_where_time_is_over_each_is_timed_once() -> None:
    rows = measured(ours.PEERS[0], plain_copy.PEERS[0], limits=replace(ON_CPU, whole=0.0))
    assert [row.rounds for row in rows] == [1, 1]


# ------------------------------------------------------------------------ what is right

BORDERS = ("constant", "mirror", "nearest", "reflect", "wrap")


@pytest.mark.parametrize("border", BORDERS)
def test_a_result_is_right_with_its_own_border_alone(border: str) -> None:
    case = Case(Dense(5), "float32", (50, 230), border)
    image = case.image
    parts = check.wanted(case, image)
    prepared = Prepared(lambda i: None, "")
    for other in BORDERS:
        result = gc.correlate(image, Dense(5).kernel, border=other)
        error = check.apart(prepared, case, result, parts)
        assert (error <= case.allowed) == (other == border)


@pytest.mark.parametrize(
    ("what", "shape", "axes", "dtype"),
    [
        (Gaussian(1.4, 7), (40, 50, 3), "yxc", "uint8"),
        (Bilateral(5), (30, 40, 3), "yxc", "float32"),
        (Gaussian(1.1, 5), (3, 40, 50), "nyx", "float16"),
        (Dense(3), (2, 3, 30, 40), "ncyx", "float32"),
        (Dense(3), (30, 40), "yx", "uint16"),
        (Canny(), (70, 90), "yx", "uint8"),
    ],
)
def test_images_of_all_kinds_are_compared(
    what: Filter, shape: tuple[int, ...], axes: str, dtype: str
) -> None:
    case = Case(what, dtype, shape, "reflect", axes)
    (row,) = measured(ours.PEERS[0], case=case, limits=Limits(rounds=1))
    assert row.left_out == ""
    assert row.error is not None
    assert row.error <= case.allowed


def test_each_image_of_a_batch_that_is_compared_is_its_own() -> None:
    case = Case(Dense(3), "float32", (3, 40, 50), "reflect", "nyx")
    image = case.image
    parts = check.wanted(case, image)
    result = gc.correlate(image, Dense(3).kernel, border="reflect")
    result[-1] = result[0]
    assert check.apart(Prepared(lambda i: None, ""), case, result, parts) > case.allowed


def test_names_tell_cases_apart_and_can_be_typed() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert [case.name for case in chosen(CASES, ["gaussian s=20"])] == ["Gaussian σ=20 f32 4096²"]
    assert chosen(CASES, ["no such"]) == []
    assert 5 <= sum(case.quick for case in CASES) <= 15


# ------------------------------------------------------------------------ turns


def test_calls_take_turns_in_an_order_that_changes() -> None:
    log: list[str] = []
    calls = {name: (lambda i, name=name: log.append(name)) for name in "abc"}
    times = take_turns(calls, Clock(), 1, 20, deadline=1e9, each=1e9)
    assert {name: len(found) for name, found in times.items()} == dict.fromkeys("abc", 20)
    # Each is called several times in a turn, as it is short; what counts is who comes after whom.
    order = [name for n, name in enumerate(log) if n == 0 or log[n - 1] != name]
    after = {(one, other) for one, other in pairwise(order)}
    assert after == {(one, other) for one in "abc" for other in "abc" if one != other}


def test_turns_end_early_but_not_before_each_was_timed() -> None:
    clock = Clock()

    def slow(i: int) -> None:
        clock.time += 2.0

    calls = {"slow": slow, "fast": lambda i: None}
    times = take_turns(calls, clock, 1, 10, deadline=1e9, each=5.0)
    assert (len(times["slow"]), len(times["fast"])) == (2, 10)
    times = take_turns(calls, clock, 1, 10, deadline=0.0, each=5.0)
    assert (len(times["slow"]), len(times["fast"])) == (1, 1)


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


def test_a_spread_is_of_its_times() -> None:
    spread = Spread.of([float(n) for n in range(101)])
    assert spread == Spread(median=50.0, p10=10.0, p90=90.0, shortest=0.0)


# ------------------------------------------------------------------------ what is kept


def entry_of(*rows: dict[str, Any], complete: bool = False, date: str = "2") -> dict[str, Any]:
    with place("cpu") as found:
        made = record.entry(machine.described(found), "cpu", "gpuconv bench", Options())
    return {**made, "complete": complete, "date": date, "rows": list(rows)}


def time_of(
    peer: str, median: float, case: str = "a", noise: float = 0.02, **other: Any
) -> dict[str, Any]:
    low, high = median * (1 - noise), median * (1 + noise)
    spread = {"median": median, "p10": low, "p90": high, "shortest": low}
    return {"case": case, "peer": peer, "version": "1", "part": 1.0, "seconds": spread, **other}


TABLE = Section("table", "", lambda place, options: iter(()), lambda rows: iter(()))


def test_a_row_survives_json() -> None:
    (row,) = measured(ours.PEERS[0])
    assert Row.read(json.loads(json.dumps(row.json()))) == row
    assert replace(row, error=float("inf")).json()["error"] is None


def test_a_run_replaces_what_it_measured_and_leaves_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "machine" / record.NAME
    first = entry_of(time_of("gpuconv", 1.0), time_of("copy", 0.5), complete=True, date="1")
    kept = record.add(record.blank(), TABLE, first)
    other = replace(TABLE, name="growth")
    kept = record.add(kept, other, entry_of(time_of("gpuconv", 9.0), date="1"))
    record.write(path, kept)
    assert record.read(path) == kept
    second = entry_of(time_of("copy", 0.6), time_of("SciPy", 7.0))
    found = record.add(record.read(path), TABLE, second)
    assert found["sections"]["growth"] == kept["sections"]["growth"]
    table = found["sections"]["table"]
    rows = [(row["peer"], row["seconds"]["median"], row["date"]) for row in table["rows"]]
    assert rows == [("gpuconv", 1.0, "1"), ("copy", 0.6, "2"), ("SciPy", 7.0, "2")]
    assert (table["complete"], table["date"]) == (True, "2")
    assert record.read(path) == kept


def test_a_run_of_everything_replaces_all() -> None:
    kept = record.add(record.blank(), TABLE, entry_of(time_of("gone", 1.0), date="1"))
    found = record.add(kept, TABLE, entry_of(time_of("gpuconv", 2.0), complete=True))
    assert [row["peer"] for row in found["sections"]["table"]["rows"]] == ["gpuconv"]


def test_rows_are_told_apart_by_the_key_of_their_section() -> None:
    section = replace(TABLE, key=("library", "step"))
    first = entry_of({"library": "a", "step": 1, "s": 1}, {"library": "a", "step": 2, "s": 2})
    second = entry_of({"library": "a", "step": 2, "s": 3})
    both = record.add(record.add(record.blank(), section, first), section, second)
    assert [row["s"] for row in both["sections"]["table"]["rows"]] == [1, 3]


def test_a_record_has_a_row_a_line(tmp_path: Path) -> None:
    rows = [time_of("gpuconv", n, case=f"σ={n}") for n in (1.0, 2.0)]
    record.write(tmp_path / "x.json", record.add(record.blank(), TABLE, entry_of(*rows)))
    lines = (tmp_path / "x.json").read_text("utf-8").splitlines()
    assert [line.strip()[:15] for line in lines if "σ" in line] == [
        '{"case": "σ=1.0',
        '{"case": "σ=2.0',
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no", "cannot be read as a record"),
        ("[]", "not an object of schema and sections"),
        ('{"schema": 2, "sections": {}}', "schema=2 is not 1"),
        ('{"schema": 1, "sections": []}', "its sections are no object"),
        ('{"schema": 1, "sections": {"table": {"rows": []}}}', "section 'table' lacks one of"),
    ],
)
def test_what_is_no_record_is_not_written_over(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bench.json"
    path.write_text(text)
    with pytest.raises(ArgumentError, match=says):
        run_on(Options()).keep(path, others=True)
    assert path.read_text() == text


def test_a_machine_is_described_so_that_a_run_can_be_repeated() -> None:
    with place("cpu") as found:
        told = machine.described(found)
    assert told["name"] == f"{told['cpu']}, {told['cores']} cores"
    assert told["folder"].endswith(f"-{told['cores']}-cores")
    assert told["versions"]["numpy"] == np.__version__
    assert all(told["versions"].values())
    assert {"system", "python", "threads", "load"} <= set(told)


def test_a_stand_in_for_a_gpu_is_called_what_it_is(checker: Place) -> None:
    told = machine.described(checker)
    assert (told["gpu"], told["folder"]) == ("CpuRuntime", "cpuruntime")


# ------------------------------------------------------------------------ history


def test_a_line_of_history_has_the_ratios() -> None:
    rows = [time_of("gpuconv", 2.0), time_of("gpuconv, 1 thread", 1.5), time_of("copy", 1.0)]
    rows += [time_of("copy, by a kernel", 0.5), time_of("SciPy", 8.0), time_of("OpenCV", 3.0)]
    rows += [time_of("gpuconv", 4.0, case="alone"), time_of("SciPy", 1.0, case="not ours")]
    rows += [{**time_of("gpuconv", 4.0, case="wrong"), "seconds": None}]
    told = history.line(entry_of(*rows), "abc+")
    assert told["cases"] == {
        "a": {"seconds": 2.0, "floor": 0.25, "best": "OpenCV", "ahead": 1.5},
        "alone": {"seconds": 4.0},
    }
    assert (told["commit"], told["gpuconv"]) == ("abc+", gc.__version__)
    assert told["versions"]["numpy"] == np.__version__


def test_history_grows_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "machine" / history.NAME
    for number in range(3):
        history.append(path, {"σ": number})
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == [
        {"σ": number} for number in range(3)
    ]


def test_a_commit_is_named_and_changes_are_marked(tmp_path: Path) -> None:
    assert history.commit(tmp_path) == ""

    def git(*words: str) -> None:
        author = ("-c", "user.name=A", "-c", "user.email=a@b.c")
        command = ["git", "-C", str(tmp_path), *author, *words]
        subprocess.run(command, check=True, capture_output=True)

    git("init")
    (tmp_path / "a").write_text("1")
    git("add", ".")
    git("commit", "-m", "first")
    clean = history.commit(tmp_path)
    assert len(clean) == 12
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    (tmp_path / "benchmarks" / "results" / "bench.json").write_text("{}")
    assert history.commit(tmp_path) == clean
    (tmp_path / "a").write_text("2")
    assert history.commit(tmp_path) == f"{clean}+"


def changed(*after: dict[str, Any], before: tuple[dict[str, Any], ...]) -> list[str]:
    return [line for line in history.lines(before, after) if not line.startswith("cases")]


BEFORE = (time_of("gpuconv", 1.0), time_of("copy", 0.5), time_of("SciPy", 4.0))


def test_a_case_that_is_slower_beside_all_yardsticks_is_told() -> None:
    after = time_of("gpuconv", 1.5), time_of("copy", 0.5), time_of("SciPy", 4.0)
    assert changed(*after, before=BEFORE) == [
        "slower: a: times 1.50 beside a copy, 1.50 beside 1 peers"
    ]
    (one,) = history.changes(BEFORE, after)
    assert one.slower
    (back,) = history.changes(after, BEFORE)
    assert not back.slower


def test_a_machine_that_is_slower_as_a_whole_is_no_change() -> None:
    after = time_of("gpuconv", 2.0), time_of("copy", 1.0), time_of("SciPy", 8.0)
    assert changed(*after, before=BEFORE) == []


def test_what_lies_within_the_noise_is_no_change() -> None:
    after = time_of("gpuconv", 1.5, noise=0.5), time_of("copy", 0.5), time_of("SciPy", 4.0)
    assert changed(*after, before=BEFORE) == []


def test_yardsticks_that_disagree_tell_nothing() -> None:
    after = time_of("gpuconv", 1.5), time_of("copy", 0.5), time_of("SciPy", 8.0)
    assert changed(*after, before=BEFORE) == []


def test_another_version_of_a_library_is_no_yardstick() -> None:
    after = time_of("gpuconv", 1.5), time_of("copy", 0.5), time_of("SciPy", 8.0, version="2")
    assert changed(*after, before=BEFORE) == ["slower: a: times 1.50 beside a copy"]


# ------------------------------------------------------------------------ runs


def run_on(options: Options) -> Run:
    return Run(Place("cpu", Clock()), options, "gpuconv bench")


def section_of(
    *pieces: list[dict[str, Any]], end: BaseException | None = None, **other: Any
) -> Any:
    """Return a section that finds these pieces, and then ends so."""

    def run(where: Place, options: Options) -> Iterator[list[dict[str, Any]]]:
        seen.append(options.seconds)
        yield from pieces
        if end:
            raise end

    seen: list[float | None] = other.setdefault("seen", [])
    name = other.get("name", "table")
    return Section(name, "", run, lambda rows: iter(()), share=other.get("share", 1.0))


def test_each_piece_is_on_disk_before_the_next_is_measured(tmp_path: Path) -> None:
    path, sizes = tmp_path / "bench.json", list[int]()
    run = run_on(Options())
    run.keep(path)

    def show(section: Section, rows: list[dict[str, Any]]) -> None:
        sizes.append(len(record.read(path)["sections"]["table"]["rows"]))

    run.measure([section_of([time_of("gpuconv", 1.0)], [time_of("copy", 1.0)])], show)
    assert sizes == [1, 2]
    assert record.read(path)["sections"]["table"]["complete"]


@pytest.mark.parametrize("end", [OutOfTime(), KeyboardInterrupt(), ValueError("oh")])
def test_a_run_that_is_cut_short_keeps_what_it_has(tmp_path: Path, end: BaseException) -> None:
    path = tmp_path / "bench.json"
    run = run_on(Options())
    run.keep(path)
    sections = [
        section_of([time_of("gpuconv", 1.0)], end=end),
        section_of([time_of("gpuconv", 2.0)], name="growth"),
    ]
    try:
        run.measure(sections, lambda section, rows: None)
    except KeyboardInterrupt:
        assert isinstance(end, KeyboardInterrupt)
    kept = record.read(path)["sections"]
    assert [row["peer"] for row in kept["table"]["rows"]] == ["gpuconv"]
    assert not kept["table"]["complete"]
    assert ("growth" in kept) != isinstance(end, KeyboardInterrupt)
    assert run.failures == (["table: ValueError: oh"] if isinstance(end, ValueError) else [])


def test_a_run_of_a_part_is_never_complete() -> None:
    for options in (Options(quick=True), Options(cases=("a",)), Options(peers=("b",))):
        run = run_on(options)
        run.measure([section_of([time_of("gpuconv", 1.0)])], lambda section, rows: None)
        assert not run.found["table"]["complete"]


def test_seconds_are_shared_among_sections() -> None:
    seen: list[float | None] = []
    sections = [section_of(seen=seen, share=4.0), section_of(seen=seen), section_of(seen=seen)]
    run_on(Options(seconds=60.0)).measure(sections, lambda section, rows: None)
    # What one leaves over is the next ones'.
    assert seen == pytest.approx([40.0, 30.0, 60.0], rel=0.01)
    seen.clear()
    run_on(Options()).measure(sections, lambda section, rows: None)
    assert seen == [None, None, None]


def test_only_gpuconvs_own_failures_are_a_runs_failures() -> None:
    rows = [
        {"case": "a", "peer": "gpuconv", "left_out": f"{WRONG}largest error 3, 1 allowed"},
        {"case": "b", "peer": "gpuconv", "left_out": ""},
        {"case": "a", "peer": "SciPy", "left_out": f"{FAILED}ValueError: no"},
        {"library": "a", "step": 1},
    ]
    run = run_on(Options())
    run.measure([section_of(rows)], lambda section, rows: None)
    assert run.wrong == ["a: wrong: largest error 3, 1 allowed"]


def test_gpuconv_and_the_floor_always_take_part(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [peer.name for peer in entered("cpu", Options(peers=("NDIMAGE",)))]
    assert names == [OURS, FLOOR, "SciPy ndimage"]
    everyone = [peer.name for peer in entered("cpu", Options())]
    assert everyone[0] == OURS
    assert set(names) < set(everyone)
