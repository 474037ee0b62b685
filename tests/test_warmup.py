"""Sets of programs, and ``gpuconv warmup``, which compiles them; the runtime keeps a log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv.arguments import Options
from gpuconv.backends import cuda
from gpuconv.backends.cuda import linear, runtime, warmup
from gpuconv.backends.cuda.launch import Layout
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.source import Program, folder
from gpuconv.cli import main
from gpuconv.cost import gpu
from gpuconv.errors import ArgumentError
from gpuconv.plan import Plan, make_plan


class Log:
    """A runtime that compiles nothing, and remembers what it was to compile."""

    def __init__(self) -> None:
        self.programs: list[Program] = []
        self.devices: list[int] = []

    def limits(self) -> Limits:
        return Limits(1, 48 * 1024)

    def on_device(self, index: int) -> Any:
        self.devices.append(index)
        return nullcontext()

    def owns(self, array: Any) -> bool:
        return False

    def compile(self, program: Program) -> Any:
        self.programs.append(program)


@pytest.fixture
def log() -> Iterator[Log]:
    with runtime.use(Log()) as used:  # type: ignore[arg-type, type-var]
        yield used


@pytest.mark.parametrize("name", warmup.SETS)
def test_a_set_has_each_program_once(name: str) -> None:
    programs = warmup.programs(name)
    assert len(programs) > 3
    assert len(set(programs)) == len(programs)
    assert all((folder() / f"{program.family}.cu").is_file() for program in programs)


def test_all_has_every_set_and_every_dtype() -> None:
    everything = set(warmup.programs("all"))
    assert all(everything >= set(warmup.programs(name)) for name in warmup.SETS)
    pixels = {dict(program.macros).get("PIXEL") for program in everything}
    table = gc.dtypes.TABLE.values()
    assert pixels >= {rule.ctype for rule in table if rule.real}


def _planned(kernel: gc.Kernel, shape: tuple[int, int]) -> Plan:
    """Return the plan of a call on the device that sets are for."""
    options = Options.of(True, "reflect", 0, "same", 1, 1, "auto", "exact", "propagate", None)
    types = np.dtype(np.float32), np.dtype(np.float32)
    request = options.request(shape, types[0], kernel, 0.0, types[1])
    return make_plan(request, gpu(warmup.LIMITS.multiprocessors))


@pytest.mark.parametrize(
    ("name", "kernel"),
    [("blur", gc.kernels.gaussian(2)), ("edges", gc.kernels.sobel_x())],
)
def test_a_call_needs_no_program_that_its_set_lacks(name: str, kernel: gc.Kernel) -> None:
    shape = (1080, 1920)
    plan, layout = _planned(kernel, shape), Layout.contiguous(shape)
    work = linear.launches(plan, layout, layout, warmup.LIMITS)
    needed = {launch.program for launch in work.launches}
    assert needed
    assert needed <= set(warmup.programs(name))


def test_programs_are_for_the_limits_of_the_device() -> None:
    assert warmup.programs("blur", Limits(1, 48 * 1024))
    assert warmup.programs("blur") == warmup.programs("blur", warmup.LIMITS)


def test_a_set_that_is_not_there_is_said() -> None:
    with pytest.raises(ArgumentError, match=r"set='blurr' is not .*did you mean 'blur'\?"):
        warmup.programs("blurr")


def test_warmup_compiles_the_usual_sets_on_the_current_device(log: Log, capsys: Any) -> None:
    assert main(["warmup"]) == 0
    limits = log.limits()
    sets = [set(warmup.programs(name, limits)) for name in ("blur", "edges", "sharpen")]
    assert set(log.programs) == set.union(*sets)
    assert len(log.programs) == len(set(log.programs))
    assert log.devices == []
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(log.programs) + 1
    assert lines[0].split()[0] == f"1/{len(log.programs)}"
    assert " ms  " in lines[0]
    assert lines[-1].startswith(f"{len(log.programs)} kernels in ")


def test_warmup_compiles_one_set_on_the_device_that_is_named(log: Log) -> None:
    assert main(["warmup", "edges", "--device", "cuda:1"]) == 0
    assert set(log.programs) == set(warmup.programs("edges", log.limits()))
    assert set(log.devices) == {1}


def test_the_sets_are_listed_without_a_gpu(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "lacking", lambda *_: pytest.fail("a GPU was looked for"))
    assert main(["warmup", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(warmup.SETS)
    assert [int(line.split()[1]) for line in lines] == [
        len(warmup.programs(name)) for name in warmup.SETS
    ]


def test_without_a_gpu_it_says_why(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "lacking", lambda *_: "there is none")
    assert main(["warmup"]) == 4
    said = "gpuconv warmup: error: --device cuda cannot be used: there is none\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["blurr"], "SET='blurr' is not a set of kernels; did you mean 'blur'?"),
        (["--device", "cpu"], "--device cpu is not a GPU (one of cuda, cuda:N)"),
    ],
)
def test_what_is_not_there_is_said(arguments: list[str], says: str, capsys: Any) -> None:
    assert main(["warmup", *arguments]) == 2
    assert says in capsys.readouterr().err
