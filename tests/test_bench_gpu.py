"""``make gpu`` without a GPU: its stages, its clock, its benchmark on the CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cuda_on_cpu
import pytest

from benchmarks.gpu import __main__ as driver
from benchmarks.gpu import small, stages
from benchmarks.gpu.staging import Ending, Stage, ends_well, run_all, run_command, summary
from benchmarks.peers import peers
from gpuconv.backends import Device
from gpuconv.backends.cuda import runtime, source
from gpuconv.cli import main as gpuconv

# ------------------------------------------------------------------------ stages


def python(code: str) -> tuple[str, ...]:
    return sys.executable, "-c", code


class Day:
    """A clock that moves when a stage runs: by as many seconds as its command says."""

    def __init__(self) -> None:
        self.now = 100.0
        self.allowed: dict[str, float] = {}
        self.said: list[str] = []

    def run(self, stage: Stage, seconds: float, log: Path) -> int | None:
        self.allowed[stage.name] = seconds
        takes, status = map(int, stage.command)
        log.write_text("".join(f"{stage.name} {i}\n" for i in range(100)))
        self.now += min(takes, seconds)
        return None if takes > seconds else status

    def go(self, some: list[Stage], results: Path, seconds: float) -> list[Ending]:
        return run_all(
            some, results, 100 + seconds, run=self.run, clock=lambda: self.now, say=self.said.append
        )


def test_stages_go_on_after_one_that_fails_or_takes_too_long(tmp_path: Path) -> None:
    some = [
        Stage("good", ("3", "0"), 10),
        Stage("bad", ("2", "5"), 10),
        Stage("slow", ("99", "0"), 10),
        Stage("absent", skipped="no tool"),
        Stage("last", ("1", "0"), 10),
    ]
    endings = Day().go(some, tmp_path, 1000)
    assert [(e.stage.name, e.status, e.how) for e in endings] == [
        ("good", 0, "well"),
        ("bad", 5, "failed (exit 5)"),
        ("slow", None, "stopped after 10 s"),
        ("absent", None, "skipped: no tool"),
        ("last", 0, "well"),
    ]
    assert [e.seconds for e in endings] == [3, 2, 10, 0, 1]
    assert not ends_well(endings)
    assert [e.well for e in endings] == [True, False, False, True, True]
    assert ends_well([endings[0], endings[3]])
    assert not ends_well([])
    assert summary(endings).splitlines()[-2:] == ["  last       1 s  well", "NOT all well"]


def test_stages_may_share_a_log(tmp_path: Path) -> None:
    (tmp_path / "both.log").write_text("of another day\n")
    day, some = Day(), [Stage(name, ("1", "0"), 10, log="both") for name in ("a", "b")]
    some.append(Stage("c", skipped="no tool", log="both"))

    def run(stage: Stage, seconds: float, log: Path) -> int:
        with log.open("a") as file:
            file.write(f"{stage.name}\n")
        return 0

    run_all(some, tmp_path, 1000, run=run, clock=lambda: 0.0, say=day.said.append)
    assert (tmp_path / "both.log").read_text() == "a\nb\nskipped: no tool\n"
    assert [path.name for path in tmp_path.iterdir()] == ["both.log"]


def test_no_stage_runs_beyond_the_time_for_all(tmp_path: Path) -> None:
    day = Day()
    some = [Stage("a", ("30", "0"), 40), Stage("b", ("30", "0"), 40), Stage("c", ("1", "0"), 40)]
    endings = day.go(some, tmp_path, 52)
    assert day.allowed == {"a": 40, "b": 22}
    assert [e.how for e in endings] == ["well", "stopped after 22 s", "not begun: no time was left"]
    assert not ends_well(endings[:1] + endings[2:])


def test_the_end_of_a_log_is_shown_and_all_of_it_kept(tmp_path: Path) -> None:
    day = Day()
    day.go([Stage("good", ("1", "0")), Stage("bad", ("1", "1"))], tmp_path, 99)
    good, bad = (text.splitlines() for text in day.said if text.startswith("… "))
    assert (len(good), len(bad)) == (41, 61)
    assert good[0] == f"… 60 lines before, in {tmp_path / 'good.log'}"
    assert bad[-1] == "bad 99"
    assert len((tmp_path / "good.log").read_text().splitlines()) == 100


def test_a_command_is_run_and_its_output_kept(tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['WORD']); print('err', file=sys.stderr); sys.exit(3)"
    stage = Stage("it", python(code), environment={"WORD": "here"})
    assert run_command(stage, 60, tmp_path / "log") == 3
    assert sorted((tmp_path / "log").read_text().split()) == ["err", "here"]


def test_a_command_that_is_not_there_fails(tmp_path: Path) -> None:
    assert run_command(Stage("it", ("/no/such/tool",)), 60, tmp_path / "log") == 127
    assert "cannot be started" in (tmp_path / "log").read_text()


def test_a_command_that_takes_too_long_ends_with_its_children(tmp_path: Path) -> None:
    inner = "import time; time.sleep(60)"
    code = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {inner!r}])\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    assert run_command(Stage("it", python(code)), 3, tmp_path / "log") is None
    child = int((tmp_path / "log").read_text().splitlines()[0])
    deadline = time.monotonic() + 10
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(child)


def alive(pid: int) -> bool:
    """Return whether a process runs; one that nobody has buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_the_stages_fit_into_nine_minutes_and_eight_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "sanitizer", lambda: "/bin/cs")
    made = stages.stages(tmp_path, "cuda:0")
    assert tuple(stage.name for stage in made) == stages.NAMES
    assert sum(stage.seconds for stage in made) <= driver.SECONDS <= 530
    logs = {stage.log or stage.name for stage in made}
    written = ("verify.json", "bench.json", "history.jsonl", "stream_trace.json")
    assert len(logs) + len(written) == 8
    commands = {stage.name: " ".join(stage.command) for stage in made}
    assert f"-m gpuconv verify --device cuda:0 --record --results {tmp_path}" in commands["verify"]
    assert "-k cuda:0 -p no:cacheprovider" in commands["contract"]
    assert commands["contract"].count("test_contract") >= 3
    bench = f"bench --device cuda:0 --seconds 175 --section all --record --results {tmp_path}"
    assert bench in commands["bench"]


def test_the_sanitizer_is_found_in_a_toolkit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert stages.sanitizer(tmp_path) is None
    for version in ("cuda-12.8", "cuda-13.0"):
        tool = tmp_path / version / "bin" / "compute-sanitizer"
        tool.parent.mkdir(parents=True)
        tool.touch(0o755)
    assert stages.sanitizer(tmp_path) == str(tmp_path / "cuda-13.0" / "bin" / "compute-sanitizer")
    monkeypatch.setenv("PATH", str(tmp_path / "cuda-12.8" / "bin"))
    assert stages.sanitizer(tmp_path) == str(tmp_path / "cuda-12.8" / "bin" / "compute-sanitizer")


def test_without_a_sanitizer_its_stages_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "sanitizer", lambda: None)
    made = {stage.name: stage for stage in stages.stages(tmp_path, "cuda:0")}
    assert made["memcheck"].skipped.startswith("compute-sanitizer is neither in PATH")
    monkeypatch.setattr(stages, "sanitizer", lambda: "/bin/cs")
    made = {stage.name: stage for stage in stages.stages(tmp_path, "cuda:0")}
    assert made["racecheck"].command[:2] == ["/bin/cs", "--tool=racecheck"]
    assert "--error-exitcode=9" in made["racecheck"].command


# ------------------------------------------------------------------------ the driver


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["python -m benchmarks.gpu", *words])
    return driver.main()


def test_without_a_gpu_it_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GPUCONV_NO_GPU", "1")
    assert command(monkeypatch) == 4
    assert "GPUCONV_NO_GPU=1 turns it off" in capsys.readouterr().err


def test_make_gpu_needs_nothing_but_python(root: Path) -> None:
    line = ["make", "--no-print-directory", "gpu", f"PYTHON={sys.executable}", "RESULTS=/nowhere"]
    environment = os.environ | {"GPUCONV_NO_GPU": "1"}
    found = subprocess.run(line, cwd=root, env=environment, capture_output=True, text=True)
    assert '-m benchmarks.gpu --results "/nowhere"' in found.stdout
    assert "GPUCONV_NO_GPU=1 turns it off" in found.stderr
    assert "Error 4" in found.stderr


@pytest.mark.parametrize(("code", "status"), [("print('fine')", 0), ("raise SystemExit(1)", 1)])
def test_with_a_gpu_it_runs_the_stages(
    code: str,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    row = Device("cuda:0", "NVIDIA H200", available=True, driver="CUDA 13.0", library="CuPy 14")
    monkeypatch.setattr(driver.gc, "devices", lambda: [row])
    monkeypatch.setattr(driver, "ROOT", tmp_path)
    some = [Stage("device", python(code)), Stage("bench", python("raise SystemExit(1)"))]
    monkeypatch.setattr(driver, "stages", lambda *_: some)
    assert command(monkeypatch, "--stage", "device") == status
    out = capsys.readouterr().out
    folder = tmp_path / "benchmarks" / "results" / "nvidia-h200"
    assert out.startswith(f"NVIDIA H200, CUDA 13.0, CuPy 14; results in {folder}")
    assert [path.name for path in folder.iterdir()] == ["device.log"]
    assert command(monkeypatch, "--results", str(tmp_path / "other")) == 1
    assert {path.name for path in (tmp_path / "other").iterdir()} == {"device.log", "bench.log"}


def test_sections_of_the_benchmark_can_be_chosen(tmp_path: Path) -> None:
    made = {
        stage.name: stage for stage in stages.stages(tmp_path, "cuda:0", 99, ["table", "small"])
    }
    assert "--seconds 84 --section table --section small" in " ".join(made["bench"].command)


def test_by_itself_the_benchmark_has_the_time_of_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    row = Device("cuda:0", "NVIDIA H200", available=True, driver="CUDA 13.0", library="CuPy 14")
    monkeypatch.setattr(driver.gc, "devices", lambda: [row])
    begun: list[Stage] = []
    monkeypatch.setattr(driver, "run_all", lambda some, *_: begun.extend(some) or [])
    for words in (("--stage", "bench"), ("--stage", "bench", "--stage", "stream"), ()):
        command(monkeypatch, "--results", str(tmp_path), *words)
    seconds = [stage.seconds for stage in begun if stage.name == "bench"]
    assert seconds == [driver.SECONDS, stages.BENCH, stages.BENCH]


# ------------------------------------------------------------------------ the benchmark


@pytest.fixture
def cpu() -> Any:
    if reason := cuda_on_cpu.missing():
        pytest.skip(reason)
    with runtime.use(cuda_on_cpu.CpuRuntime(mode="fast")) as used:
        yield used


def test_the_stage_measures_and_leaves_a_record(
    cpu: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {stage.name: stage for stage in stages.stages(tmp_path, "cuda:0")}
    assert made["bench"].command[:4] == [sys.executable, "-m", "gpuconv", "bench"]
    *words, record, results, folder = made["bench"].command[3:]
    assert (record, results, folder) == ("--record", "--results", str(tmp_path))
    # Nothing is recorded of what no GPU has computed.
    words += ["--json", str(tmp_path / "bench.json"), "--case", "3x3 u8 512", "--rounds", "1"]
    assert gpuconv(["table" if word == "all" else word for word in words]) == 0
    assert "gpuconv" in capsys.readouterr().out
    written = json.loads((tmp_path / "bench.json").read_text("utf-8"))
    table = written["sections"]["table"]
    assert table["machine"]["gpu"] == "CpuRuntime"
    rows = {row["peer"]: row for row in table["rows"]}
    assert set(rows) == {peer.name for peer in peers("cuda")}
    assert rows["gpuconv"]["seconds"]
    assert rows["copy, by a kernel"]["seconds"]
    reasons = {row["left_out"] for row in rows.values()}
    assert not any(reason.startswith("failed") for reason in reasons)


def test_the_small_pass_is_verified_through_every_family(
    cpu: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["small"])
    assert small.main() == 0
    families = ", ".join(sorted(source.families()))
    assert f"calls through {families}: 0 missed" in capsys.readouterr().out
