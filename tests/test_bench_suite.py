"""The bench itself: who is timed, what counts as right."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
from fakes.bench_runs import CASE, FEW, Clock, measured, refusing

import gpuconv as gc
from benchmarks.cases import CASES, Case, chosen
from benchmarks.filters import Bilateral, Canny, Dense, Filter, Gaussian
from benchmarks.peers import ours, plain_copy
from benchmarks.suite import check, machine
from benchmarks.suite.contract import Buffers, Peer, Prepared, Unable
from benchmarks.suite.measure import ON_CPU, ON_GPU, Limits, measure
from benchmarks.suite.place import Place, place
from benchmarks.suite.row import FAILED, WRONG, Row, broken
from gpuconv.backends.cuda import runtime
from gpuconv.errors import DeviceError

FOLDER = Path(__file__).parent.parent / "benchmarks"


def ours_with(spoil: Callable[[Any], object], name: str = "other", **said: Any) -> Peer:
    """Return a peer that computes as gpuconv does, and then spoils the result."""

    def prepare(case: Case, buffers: Buffers) -> Prepared:
        right = ours._prepare(case, buffers)

        def call(i: int) -> object:
            right.call(i)
            return spoil(buffers.outs[i])

        return Prepared(call, "other.median", **said)

    return Peer(name, ("no-such-package", "numpy"), "cpu", prepare)


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


def test_a_device_answers_until_it_is_lost(checker: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(array: Any) -> Any:
        raise RuntimeError("cudaErrorIllegalAddress")

    assert checker.answers()
    monkeypatch.setattr(runtime.current(), "asnumpy", lost)
    assert not checker.answers()


def test_on_a_gpu_no_part_stands_for_the_whole(checker: Place) -> None:
    case = Case(Dense(3), "float32", (128, 40), "mirror")
    clock = Clock()
    slow = lasting(clock, lambda rows: rows / 16)
    (row,) = measure(case, [slow], replace(checker, clock=clock), ON_GPU)
    assert row.left_out == "about 8e+03 ms, too long to be timed"


def test_what_a_call_costs_beside_its_pixels_does_not_grow_with_the_image() -> None:
    clock, case = Clock(), replace(CASE, shape=(1024, 40))
    around = lasting(clock, lambda rows: (rows + 160) / 700)  # 5 s, were it not for these rows
    _, row = measure(case, [ours.PEERS[0], around], Place("cpu", clock), FEW)
    assert (row.part, row.left_out) == (1.0, "")


def test_on_a_gpu_what_a_call_costs_the_host_does_not_grow_with_the_image(checker: Place) -> None:
    case = Case(Dense(3), "float32", (1024, 40), "mirror")
    clock = Clock()
    enqueued = lasting(clock, lambda rows: 0.01 + 1e-6 * rows)
    (row,) = measure(case, [enqueued], replace(checker, clock=clock), ON_GPU)
    assert not row.left_out


def test_a_stand_in_for_a_gpu_is_called_what_it_is(checker: Place) -> None:
    told = machine.described(checker)
    assert (told["gpu"], told["folder"]) == ("CpuRuntime", "cpuruntime")


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
