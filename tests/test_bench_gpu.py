"""``make gpu`` without a GPU: its stages, its clock, its benchmark on the CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest

import gpuconv as gc
from benchmarks.gpu import __main__ as driver
from benchmarks.gpu import bench, contest, small, stages, timing
from benchmarks.gpu.staging import Ending, Stage, ends_well, run_all, run_command, summary
from gpuconv.backends import Device
from gpuconv.backends.cuda import runtime, source

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


def test_the_stages_fit_into_nine_minutes_and_eight_files(tmp_path: Path) -> None:
    made = stages.stages(tmp_path, "cuda:0")
    assert tuple(stage.name for stage in made) == stages.NAMES
    assert sum(stage.seconds for stage in made) <= 540
    assert driver.SECONDS < 540
    logs = {stage.log or stage.name for stage in made}
    assert len(logs) + len(["verify.json", "bench.json", "stream_trace.json"]) == 8
    commands = {stage.name: " ".join(stage.command) for stage in made}
    assert f"-m gpuconv verify --device cuda:0 --record --results {tmp_path}" in commands["verify"]
    assert "-k cuda:0 -p no:cacheprovider" in commands["contract"]
    assert commands["contract"].count("test_contract") >= 3


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
    monkeypatch.setattr(driver, "stages", lambda results, device: some)
    assert command(monkeypatch, "--stage", "device") == status
    out = capsys.readouterr().out
    folder = tmp_path / "benchmarks" / "results" / "nvidia-h200"
    assert out.startswith(f"NVIDIA H200, CUDA 13.0, CuPy 14; results in {folder}")
    assert [path.name for path in folder.iterdir()] == ["device.log"]
    assert command(monkeypatch, "--results", str(tmp_path / "other")) == 1
    assert {path.name for path in (tmp_path / "other").iterdir()} == {"device.log", "bench.log"}


# ------------------------------------------------------------------------ the clock


class FakeCuda:
    """As much of CuPy as the clock uses: it notes what is put on the stream, in order.

    The device does a fill in 10 µs and a call in as long as the call says.
    """

    def __init__(self) -> None:
        self.stream: list[str] = []
        self.seconds = 0.0
        self.cuda = SimpleNamespace(
            Device=lambda: SimpleNamespace(
                attributes={"L2CacheSize": 1 << 20},
                synchronize=lambda: self.stream.append("wait"),
            ),
            Event=lambda: FakeEvent(self),
            get_elapsed_time=lambda a, b: (b.at - a.at) * 1e3,
        )

    def empty(self, size: int, dtype: Any) -> Any:
        self.size = size
        return SimpleNamespace(fill=lambda value: self.work("fill", 1e-5))

    def work(self, name: str, seconds: float) -> None:
        self.stream.append(name)
        self.seconds += seconds


class FakeEvent:
    def __init__(self, device: FakeCuda) -> None:
        self.device = device

    def record(self) -> None:
        self.device.stream.append("event")
        self.at = self.device.seconds

    def synchronize(self) -> None:
        self.device.stream.append("wait for event")


def test_the_device_is_busy_and_its_cache_cold_before_the_first_event() -> None:
    device = FakeCuda()
    clock = timing.Cuda(device)
    assert device.size == 3 << 20
    device.stream.clear()
    calls = {"it": lambda i: device.work(f"call {i}", 2e-6)}
    found = timing.take_turns(calls, clock, sets=3, rounds=2, deadline=1e18)
    # The last round: cold, warm, and back to back.
    turn = device.stream[-2 * (100 + 5) - 13 :]
    cold = ["wait", *["fill"] * 100, "event", "call 1", "event", "wait for event"]
    warm = ["wait", *["fill"] * 100, "call 1", "event", "call 1", "event", "wait for event"]
    assert [turn[: len(cold)], turn[len(cold) : len(cold) + len(warm)]] == [cold, warm]
    calls_back_to_back = [f"call {(1 + i) % 3}" for i in range(10)]
    assert turn[len(cold) + len(warm) :] == ["wait", *calls_back_to_back, "wait"]
    assert found["it"].cold.median == pytest.approx(2e-6)


class Ticking(timing.Host):
    """A clock that only calls move."""

    def __init__(self) -> None:
        self.seconds = 0.0
        super().__init__(lambda: self.seconds)


def test_calls_take_turns_and_the_first_round_does_not_count() -> None:
    clock, order = Ticking(), list[str]()

    def call(name: str, first: float, then: float) -> timing.Call:
        def run(i: int) -> None:
            clock.seconds += then if name in order else first
            order.append(name)

        return run

    calls = {"a": call("a", 100, 1), "b": call("b", 100, 3)}
    found = timing.take_turns(calls, clock, sets=2, rounds=4, deadline=1e9)
    assert [name for name, times in found.items() if times.rounds == 4] == ["a", "b"]
    assert (found["a"].cold.median, found["b"].cold.p90) == (1, 3)
    assert (found["a"].warm.median, found["b"].wall.median) == (1, pytest.approx(3))
    per_turn = 1 + 2 + 10
    assert order[: 2 * per_turn] == ["a"] * per_turn + ["b"] * per_turn


def test_the_time_for_all_ends_it_after_two_rounds() -> None:
    clock = Ticking()

    def call(i: int) -> None:
        clock.seconds += 1

    found = timing.take_turns({"a": call}, clock, sets=2, rounds=50, deadline=0)
    assert found["a"].rounds == 2


def test_the_spread_of_times() -> None:
    spread = timing.Spread.of([float(i) for i in range(11)])
    assert (spread.p10, spread.median, spread.p90) == (1, 5, 9)


# ------------------------------------------------------------------------ the benchmark


@pytest.fixture
def cpu() -> Any:
    if reason := cuda_on_cpu.missing():
        pytest.skip(reason)
    with runtime.use(cuda_on_cpu.CpuRuntime(mode="fast")) as used:
        yield used


@pytest.fixture
def table(cpu: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run the benchmark, small; return its exit code, what it printed, and its numbers."""

    def run(*words: str) -> tuple[int, str, Any]:
        path = tmp_path / "new" / "bench.json"
        code = bench.main(["--size", "70", "--rounds", "2", "--json", str(path), *words])
        return code, capsys.readouterr().out, json.loads(path.read_text("utf-8"))

    return run


def test_the_benchmark_checks_and_times_every_case(table: Callable[..., Any]) -> None:
    code, out, record = table(*(word for case in contest.CASES for word in ("--case", case.name)))
    assert code == 0
    rows = {(row["case"], row["library"]): row for row in record["rows"]}
    libraries = [*contest.COPIES, *contest.PEERS]
    assert list(rows) == [(case.name, name) for case in contest.CASES for name in libraries]
    for case in contest.CASES:
        ours, copy = rows[case.name, "gpuconv"], rows[case.name, "copy (kernel)"]
        assert copy["error"] == 0
        assert ours["error"] <= (1 if case.edges else contest.TOLERANCE * 6)
        assert (ours["size"], ours["dtype"] == "uint8") == (70 * case.times, case.edges)
        for name in ("cold", "warm", "wall"):
            assert 0 < ours[name]["p10"] <= ours[name]["median"] <= ours[name]["p90"]
        share = copy["cold"]["median"] / ours["cold"]["median"]
        assert ours["of_copy"] == pytest.approx(share, rel=0.01, abs=1e-4)
        assert f"{case.name:<16}{case.border:<10}gpuconv" in out
    assert record["machine"]["device"] == "CpuRuntime"
    assert "left_out" in rows["dense 3×3", "copy (driver)"]


def test_a_wrong_result_is_not_timed(
    table: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def off(case: contest.Case, buffers: contest.Buffers) -> timing.Call:
        call = contest.gpuconv(case, buffers)

        def run(i: int) -> None:
            call(i)
            buffers.outs[i][3, 4] += 1e-4

        return run

    monkeypatch.setitem(bench.PEERS, "gpuconv", off)
    code, out, record = table("--case", "3×3")
    assert code == 1
    row = next(row for row in record["rows"] if row["library"] == "gpuconv")
    assert row["error"] == pytest.approx(1e-4, rel=0.01)
    assert "wrong: largest error 0.0001 is over" in row["left_out"]
    assert "cold" not in row
    assert row["left_out"] in out


def test_an_output_that_is_not_written_is_wrong(
    table: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bench.PEERS, "gpuconv", lambda case, buffers: lambda i: None)
    code, _, record = table("--case", "σ=1")
    assert code == 1
    assert "largest error inf" in record["rows"][2]["left_out"]


def test_a_peer_that_breaks_is_left_out(
    table: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(case: contest.Case, buffers: contest.Buffers) -> timing.Call:
        raise RuntimeError("no cuDNN")

    monkeypatch.setitem(bench.PEERS, "torch", breaks)
    code, out, _ = table("--case", "3×3")
    assert code == 0
    assert "failed: RuntimeError: no cuDNN" in out


def test_peers_that_are_not_installed_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "cupy"):
        monkeypatch.setitem(sys.modules, name, None)
    for peer, said in ((contest.torch, "PyTorch"), (contest.cupy, "cupyx")):
        with pytest.raises(contest.Unable, match=f"{said} cannot be imported"):
            peer(contest.CASES[0], contest.Buffers([], []))


@pytest.mark.parametrize("case", contest.CASES, ids=lambda case: case.name)
def test_what_is_expected_is_the_definition(case: contest.Case) -> None:
    from gpuconv import reference

    image = case.image_of(np.random.default_rng(3).normal(size=(31, 34)).astype(np.float32))
    if case.edges:
        sobel = gc.kernels.sobel_x(), gc.kernels.sobel_y()
        defined = gc.filter_bank(image, sobel, reduce="magnitude", border=case.border)
        assert 0 < defined.mean() < 255
    else:
        defined = reference.convolve(image.astype(float), case.kernel, border=case.border)
    np.testing.assert_allclose(contest.expected(case, image), defined, rtol=0, atol=1e-6)


def test_the_small_pass_is_verified_through_every_family(
    cpu: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["small"])
    assert small.main() == 0
    families = ", ".join(sorted(source.families()))
    assert f"calls through {families}: 0 missed" in capsys.readouterr().out
