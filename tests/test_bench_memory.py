"""The section of the bench about the memory of a call."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
from fakes.bench_runs import CPU, box_of, peer, right, run

from benchmarks.cases import Case
from benchmarks.filters import Box, Canny
from benchmarks.suite import section
from benchmarks.suite.contract import Buffers, Peer, Prepared, Unable
from benchmarks.suite.place import Place, place
from benchmarks.suite.section import Options, OutOfTime
from benchmarks.suite.sections import (
    memory,
    memory_process,
)
from benchmarks.suite.timing import Host
from gpuconv.backends.cuda import runtime


@pytest.fixture
def entrants(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what makes some peers the only ones."""

    def enter(*peers: Peer) -> None:
        monkeypatch.setattr(section, "peers", lambda kind: [p for p in peers if p.device == kind])

    return enter


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
    caching = SimpleNamespace(
        cuda=SimpleNamespace(empty_cache=lambda: did.append("torch")),
        backends=SimpleNamespace(cudnn=SimpleNamespace(benchmark=True)),
    )
    monkeypatch.setitem(sys.modules, "torch", caching)  # type: ignore[arg-type]
    cupy = SimpleNamespace(cuda=cuda, get_default_memory_pool=lambda: pool)
    meter = memory_process.Cuda(cupy)
    meter.start()
    free[0] -= 6 << 20
    assert meter.stop() == 6 << 20
    assert did == ["empty", "torch", "wait", "wait"]
    assert not caching.backends.cudnn.benchmark  # its trials are no part of a call


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
