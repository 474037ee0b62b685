"""What the bench keeps: records, the history of a machine, runs that are cut short."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.bench_runs import CASE, FEW, TABLE, Clock, entry_of, measured, refusing, time_of

import gpuconv as gc
from benchmarks.peers import FLOOR, OURS, ours
from benchmarks.suite import history, machine, record
from benchmarks.suite.measure import measure
from benchmarks.suite.place import Place, place
from benchmarks.suite.row import FAILED, WRONG, Row
from benchmarks.suite.run import Run
from benchmarks.suite.section import Options, OutOfTime, Section, entered
from gpuconv.errors import ArgumentError, ImageFileError

# ------------------------------------------------------------------------ what is kept


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


def test_a_complete_section_keeps_the_command_that_repeats_all_of_it() -> None:
    rows = time_of("gpuconv", 1.0), time_of("copy", 0.5)
    part = {**entry_of(rows[1]), "command": "gpuconv bench --case a"}
    for complete, command in ((True, "gpuconv bench"), (False, "gpuconv bench --case a")):
        kept = record.add(record.blank(), TABLE, entry_of(*rows, complete=complete))
        found = record.add(kept, TABLE, part)["sections"]["table"]
        assert (found["command"], found["complete"]) == (command, complete)


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
    assert history.commit(tmp_path / "benchmarks") == ""  # installed among others' sources


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


def test_few_times_tell_nothing() -> None:
    after = time_of("gpuconv", 2.0, rounds=2), time_of("copy", 0.5), time_of("SciPy", 4.0)
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


def test_a_device_that_a_peer_has_broken_ends_the_run_by_the_name_of_the_peer() -> None:
    class Broken(Place):
        def answers(self) -> bool:
            return False

    def run(where: Place, options: Options) -> Iterator[list[dict[str, Any]]]:
        yield [time_of("gpuconv", 1.0)]
        measure(CASE, [refusing(MemoryError("gone"))], where, FEW)

    made = Run(Broken("cpu", Clock()), Options(), "gpuconv bench")
    after = section_of(name="small", seen=(seen := []))
    made.measure([Section("table", "", run, lambda rows: iter(())), after], lambda *_: None)
    assert made.failures == [
        "table: cpu is lost: median 3×3 u8 96×130, other failed: MemoryError: gone"
    ]
    assert (len(made.rows), seen) == (1, [])


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


def test_a_file_that_cannot_be_written_is_known_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    run, there = run_on(Options()), tmp_path / "there.json"
    for place_ in (tmp_path, Path("/dev/null/folder/bench.json")):
        with pytest.raises(ImageFileError, match="cannot write"):
            run.keep(place_)
    there.write_text("kept until there is something better")
    run.keep(there)
    run.keep(tmp_path / "new" / "bench.json")
    assert there.read_text() == "kept until there is something better"
    assert not (tmp_path / "new" / "bench.json").exists()


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
