"""``gpuconv bench``: what it measures, prints, writes and compares, and how it ends."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cuda_on_cpu
import pytest

import gpuconv
from benchmarks import cases as cases_module
from benchmarks import peers as peers_module
from benchmarks.cases import Case
from benchmarks.filters import Dense, Gaussian
from benchmarks.suite import record
from benchmarks.suite.contract import Buffers, Peer, Prepared, Unable
from benchmarks.suite.place import Place
from benchmarks.suite.section import Options, Section
from benchmarks.suite.sections import SECTIONS, table
from gpuconv.backends.cuda import runtime
from gpuconv.cli import bench, bench_suite, main
from gpuconv.errors import GpuconvError

SMALL = (
    Case(Dense(3), "uint8", (60, 80), "mirror", quick=True),
    Case(Gaussian(1), "float32", (60, 80), "reflect"),
)
NAMES = [case.name for case in SMALL]


def absent(case: Case, buffers: Buffers) -> Prepared:
    raise Unable("is not installed")


def wrong(case: Case, buffers: Buffers) -> Prepared:
    return Prepared(lambda i: buffers.outs[i].fill(0), "nothing")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small cases; gpuconv, a copy, and a library that is not there."""
    fake = ModuleType("benchmarks.peers.fake")
    fake.PEERS = (Peer("Fake, 1 thread", ("no-such-package",), "cpu", absent),)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, fake.__name__, fake)
    monkeypatch.setattr(peers_module, "_FILES", ("ours", "plain_copy", "fake"))
    for module in (cases_module, table):
        monkeypatch.setattr(module, "CASES", SMALL)


def said(capsys: pytest.CaptureFixture[str], *options: str, code: int = 0) -> tuple[str, str]:
    """Return what the command prints on both streams."""
    assert main(["bench", "--rounds", "3", *options]) == code
    out, err = capsys.readouterr()
    return out, err


def rows_in(path: Path, section: str = "table") -> list[dict[str, Any]]:
    return list(record.read(path)["sections"][section]["rows"])


# ------------------------------------------------------------------------ what is measured


def test_every_case_meets_every_library(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "times.json"
    out, err = said(capsys, "--json", str(path))
    peers = ["gpuconv", "gpuconv, 1 thread", "copy", "Fake, 1 thread"]
    rows = rows_in(path)
    assert [(row["case"], row["peer"]) for row in rows] == [(c, p) for c in NAMES for p in peers]
    assert all((row["seconds"] is None) == row["peer"].startswith("Fake") for row in rows)
    assert all(row["rounds"] == 3 for row in rows if row["seconds"])
    for name in NAMES:
        assert name in out
    assert out.count("is not installed") == 2
    assert err.startswith(f"table: 8 rows, in {path} in ")
    entry = record.read(path)["sections"]["table"]
    assert entry["command"] == "gpuconv bench --rounds 3"
    assert (entry["device"], entry["complete"]) == ("cpu", True)
    assert entry["gpuconv"] == gpuconv.__version__


def test_cases_and_libraries_can_be_chosen(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "times.json"
    said(capsys, "--case", "gaussian", "--peer", "fake", "--json", str(path))
    assert [row["peer"] for row in rows_in(path)] == ["gpuconv", "copy", "Fake, 1 thread"]
    assert {row["case"] for row in rows_in(path)} == {NAMES[1]}
    said(capsys, "--quick", "--json", str(path))
    assert {row["case"] for row in rows_in(path)} == {NAMES[0]}
    entry = record.read(path)["sections"]["table"]
    assert not entry["complete"]
    assert entry["options"]["quick"]


def test_kernels_are_measured_where_they_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    if reason := cuda_on_cpu.missing():
        pytest.skip(reason)
    path = tmp_path / "times.json"
    with runtime.use(cuda_on_cpu.CpuRuntime(mode="fast")):
        said(capsys, "--device", "cuda", "--case", "dense", "--json", str(path))
        rows = {row["peer"]: row for row in rows_in(path)}
        assert set(rows) == {"gpuconv", "copy", "copy, by a kernel"}
        assert rows["gpuconv"]["error"] == 0
        _, err = said(capsys, "--device", "cuda", "--record", code=2)
    assert "--record is for what a GPU computed, and another runtime is in use" in err


def test_what_there_is_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = said(capsys, "--list")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[:3] == [
        "cases (* with --quick):",
        "* dense 3×3 u8 60×80 mirror",
        "Gaussian σ=1 f32 60×80 reflect",
    ]
    assert f"gpuconv {gpuconv.__version__}" in lines
    assert "Fake, 1 thread not installed" in lines
    assert f"table {SECTIONS['table'].about}" in lines
    assert err == ""


# ------------------------------------------------------------------------ records


def test_a_record_keeps_what_was_measured_before(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "machine"
    keep = ["--record", "--results", str(folder)]
    said(capsys, *keep)
    first = rows_in(folder / record.NAME)
    said(capsys, *keep, "--case", "dense")
    second = rows_in(folder / record.NAME)
    assert [row["case"] for row in second] == [row["case"] for row in first]
    half = len(first) // 2
    assert second[half:] == first[half:]
    assert second[0]["seconds"] != first[0]["seconds"]
    assert record.read(folder / record.NAME)["sections"]["table"]["complete"]
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    assert [list(line["cases"]) for line in lines] == [NAMES, NAMES[:1]]
    assert 0 < lines[0]["cases"][NAMES[0]]["floor"] < 1


def made_slower(path: Path, factor: float) -> None:
    """Write into a record that gpuconv took so many times as long."""
    kept = record.read(path)
    for row in kept["sections"]["table"]["rows"]:
        if row["peer"] == "gpuconv":
            row["seconds"] = {key: value * factor for key, value in row["seconds"].items()}
    record.write(path, kept)


def test_a_run_is_compared_with_a_record(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / record.NAME
    said(capsys, "--record", "--results", str(tmp_path))
    made_slower(path, 1e-3)
    out, _ = said(capsys, "--against", "last", "--results", str(tmp_path), code=1)
    assert f"table: slower: {NAMES[0]}: times " in out
    assert "table: cases in both: 2; slower 2, faster 0" in out
    made_slower(path, 1e6)
    out, _ = said(capsys, "--against", str(path))
    assert "table: cases in both: 2; slower 0, faster 2" in out


# ------------------------------------------------------------------------ how it ends


def test_a_wrong_result_of_gpuconvs_is_a_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = sys.modules["benchmarks.peers.fake"]
    monkeypatch.setattr(fake, "PEERS", (Peer("gpuconv", ("gpuconv",), "cpu", wrong),))
    monkeypatch.setattr(peers_module, "_FILES", ("fake", "plain_copy"))
    _, err = said(capsys, code=1)
    assert f"{NAMES[0]}: wrong: largest error " in err


def interrupting(place: Place, options: Options) -> Iterator[list[dict[str, Any]]]:
    yield from table.SECTION.run(place, Options(cases=("dense",), rounds=1))
    raise KeyboardInterrupt


def broken(place: Place, options: Options) -> Iterator[list[dict[str, Any]]]:
    raise ZeroDivisionError("by nothing")
    yield


def nothing(place: Place, options: Options) -> Iterator[list[dict[str, Any]]]:
    yield from ()


@pytest.fixture
def with_section(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Add a section called ``other``."""

    def add(run: Any) -> None:
        monkeypatch.setitem(SECTIONS, "other", Section("other", "", run, table.SECTION.lines))

    return add


def test_an_interrupted_run_keeps_what_was_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, with_section: Callable[[Any], None]
) -> None:
    with_section(interrupting)
    options = ("--section", "other", "--record", "--results", str(tmp_path))
    out, err = said(capsys, *options, code=130)
    assert NAMES[0] in out
    assert err.endswith("(interrupted)\n")
    assert len(rows_in(tmp_path / record.NAME, "other")) == 4


def test_a_section_that_fails_fails_the_run_alone(
    capsys: pytest.CaptureFixture[str], with_section: Callable[[Any], None]
) -> None:
    with_section(broken)
    out, err = said(capsys, "--section", "other", "--section", "table", code=1)
    assert NAMES[1] in out
    assert "other: ZeroDivisionError: by nothing" in err
    with pytest.raises(ZeroDivisionError):
        main(["bench", "--section", "other", "-v"])


def test_nothing_that_matches_is_said(
    capsys: pytest.CaptureFixture[str], with_section: Callable[[Any], None]
) -> None:
    with_section(nothing)
    _, err = said(capsys, "--section", "other", "--case", "x", code=3)
    assert err.startswith("nothing matched")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--case", "medain"], "--case 'medain' is in no case's name; --list shows them"),
        (["--peer", "opnecv"], "--peer 'opnecv' is in no library's name; --list shows them"),
        (["--section", "tabel"], "--section='tabel' is not a section; did you mean 'table'?"),
        (["--device", "gpu"], "--device gpu is not one of cpu, cuda, cuda:N"),
        (["--rounds", "0"], "--rounds 0 must be at least 1"),
        (["--seconds", "-1"], "--seconds -1 must be above 0"),
        (["--seconds", "nan"], "--seconds nan must be above 0, and finite"),
        (["--results", "x"], "--results is for --record and --against last: add one of them"),
        (["--against", "nowhere.json"], "nowhere.json cannot be read as a record"),
        (["--qiuck"], "--qiuck; did you mean --quick?"),
    ],
)
def test_what_is_asked_wrongly_is_told(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, err = said(capsys, *options, code=2)
    assert says in err


def test_a_device_that_is_not_there_has_its_own_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, err = said(capsys, "--device", "cuda:99", code=4)
    assert "cannot be used" in err


def test_a_record_is_refused_where_there_is_no_place_for_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from gpuconv.verify import ledger

    monkeypatch.setattr(ledger.source, "folder", lambda: tmp_path / "kernels_cuda")
    _, err = said(capsys, "--record", code=2)
    assert "--record needs --results DIR" in err


def test_a_terminal_shows_what_is_being_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    said(capsys, "--case", "dense")
    drawn = stream.getvalue().split("\r\x1b[K")
    assert f"1/1 {NAMES[0]}: copy" in drawn
    assert drawn[-1].startswith("table: 4 rows in ")


# ------------------------------------------------------------------------ where the bench is


def test_the_command_repeats_what_was_measured_and_names_no_file() -> None:
    words = ["--quick", "--case", "σ=1 u8", "--device", "cuda", "--section", "all"]
    options = bench._options([*words, "--seconds", "9.5", "--record", "--json", "/x/y.json"])
    assert bench._repeating(options) == (
        "gpuconv bench --quick --case 'σ=1 u8' --device cuda --section all --seconds 9.5"
    )


def test_help_imports_no_bench() -> None:
    code = (
        "import sys; from gpuconv.cli import main; main(['bench', '--help'])\n"
        "print([name for name in sys.modules if 'benchmarks' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_another_package_of_that_name_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "benchmarks" / "suite").mkdir(parents=True)
    (tmp_path / "benchmarks" / "__init__.py").write_text("raise SystemExit('another')")
    done = subprocess.run(
        [sys.executable, "-m", "gpuconv", "bench", "--list"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(gpuconv.__file__).parent.parent)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "median 3×3 u8 2048²" in done.stdout


def test_an_installation_without_the_bench_says_so(tmp_path: Path) -> None:
    with pytest.raises(GpuconvError, match=r"the bench is neither in .* nor beside it"):
        bench_suite._package(tmp_path / "gpuconv")


def test_a_wheel_has_the_bench_in_itself(tmp_path: Path) -> None:
    (tmp_path / "benchmarks" / "suite").mkdir(parents=True)
    assert bench_suite._package(tmp_path) == "gpuconv.benchmarks"
