"""Fresh processes of the bench, and the section of first results."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from fakes.bench_runs import CPU, run
from scipy import ndimage

from benchmarks.filters import Median
from benchmarks.suite import check
from benchmarks.suite.contract import Prepared, Unable
from benchmarks.suite.place import Place
from benchmarks.suite.section import Options, OutOfTime
from benchmarks.suite.sections import (
    first,
    first_process,
    fresh,
    memory,
    small,
    throughput,
)
from benchmarks.suite.timing import Host

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


def test_a_result_of_no_numbers_can_be_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first, "answer", Answers())
    monkeypatch.setattr(first.check, "apart", lambda *_: float("inf"))
    [rows] = first.SECTION.run(CPU, Options(quick=True))
    assert {row["error"] for row in rows} == {None}
    assert rows[0]["left_out"].startswith("wrong: error inf")
    json.dumps(rows, allow_nan=False)


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


def test_when_nothing_counts_before_the_time_is_over_first_shows_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = iter(float(n) for n in range(1000))
    monkeypatch.setattr(first, "answer", Answers())
    monkeypatch.setattr(first, "time", SimpleNamespace(monotonic=lambda: next(times)))
    monkeypatch.setattr(time, "monotonic", lambda: 1e9)
    with pytest.raises(OutOfTime):
        next(first.SECTION.run(CPU, Options(cases=("median",), seconds=3)))


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


def test_every_case_of_memory_and_frames_has_a_name_of_its_own() -> None:
    for cases in (memory.CASES, throughput.CASES, small.CASES, tuple(first.CASES.values())):
        assert len({case.name for case in cases}) == len(cases)
    assert any(isinstance(case.filter, Median) for case in memory.CASES)
