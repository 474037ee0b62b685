"""Verification: what it runs, what it lets pass, what it finds, and what it says of it."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
from numpy.typing import NDArray

from gpuconv import backends
from gpuconv.backends import Device
from gpuconv.backends.cuda import runtime, source
from gpuconv.backends.cuda.runtime import Limits
from gpuconv.border import MODES
from gpuconv.cli import main
from gpuconv.cli import verify as command
from gpuconv.dtypes import TABLE
from gpuconv.errors import ArgumentError, DeviceError
from gpuconv.verify import CASES, FAR, QUICK, Case, Outcome, Report, ledger, verify
from gpuconv.verify.arrays import CONTENTS, LAYOUTS, poison
from gpuconv.verify.call import Answer, Place, answer, by_definition, image_of, programs
from gpuconv.verify.far import PERIOD, answer_far, lacking
from gpuconv.verify.judge import Error, judge
from gpuconv.verify.machine import Machine, machine
from gpuconv.verify.operations import OPERATIONS

Array = NDArray[Any]
H200 = Limits(multiprocessors=132, shared=232448)
BORDERS = {*MODES, "pairs"}

#: A call of each kind of arithmetic, and of each family that takes little time.
SOME = (
    Case("uint8", "asymmetric", (20, 30), "constant"),
    Case("float32", "dense 3", (20, 30), "wrap"),
    Case("float32", "Gaussian 1", (20, 30), out="crop"),
    Case("complex64", "integer pair", (9, 14), "mirror"),
    Case("uint8", "median 3", (20, 30), "wrap"),
    Case("float32", "bilateral 5", (12, 30), "nearest", content="blocks"),
)


# ------------------------------------------------------------------------ the table of cases


def test_each_case_is_there_once() -> None:
    labels = [case.label for case in CASES]
    assert len(set(labels)) == len(labels) > 2000
    assert set(QUICK) < set(CASES)


def test_cases_need_no_more_programs_than_compile_in_a_minute() -> None:
    distinct = {program for case in CASES for program in programs(case, H200)}
    assert 200 < len(distinct) <= 900
    assert len({program for case in QUICK for program in programs(case, H200)}) <= 80


def test_every_family_meets_every_border_and_real_dtype() -> None:
    found: dict[str, set[Any]] = {family: set() for family in source.families()}
    for case in CASES:
        for program in programs(case, H200):
            found[program.family].add(case.border)
            found[program.family].add(case.dtype)
    for family in ("dense", "separable"):
        assert found[family] >= {*MODES, *TABLE}
    real = {name for name, rule in TABLE.items() if rule.real}
    for family in ("network", "bilateral", "nl_means"):
        assert found[family] >= {*MODES, *real}
    assert all(found.values())


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_a_view_of_the_shape_it_is_asked_for(name: str) -> None:
    layout, shape = LAYOUTS[name], (4, 24, 24)
    plain = np.arange(np.prod(layout.plain(shape))).reshape(layout.plain(shape))
    view = layout.view(plain)
    assert view.shape == shape
    assert np.shares_memory(view, plain)
    assert layout.shares == (np.unique(view).size < view.size)


def test_layouts_differ() -> None:
    laid = {}
    for name, layout in LAYOUTS.items():
        view = layout.view(np.zeros(layout.plain((4, 24, 24))))
        laid[name] = view.strides, view.__array_interface__["data"][0] % 16
    backwards = [name for name in laid if "backwards" in name]
    assert len({laid[name][0] for name in laid if name not in ("crop", "aligned crop")}) >= 11
    assert all(min(laid[name][0]) < 0 for name in backwards)


@pytest.mark.parametrize("dtype", TABLE)
def test_poison_differs_everywhere(dtype: str) -> None:
    wanted = CONTENTS["random"](np.random.default_rng(0), (30, 40), np.dtype(dtype))
    assert (poison(wanted) != wanted).all()


def test_images_have_what_they_are_said_to_have() -> None:
    rng = np.random.default_rng(0)
    bad = CONTENTS["not finite"](rng, (20, 30), np.dtype("float32"))
    assert np.isnan(bad).any()
    assert np.isposinf(bad).any()
    assert np.isneginf(bad).any()
    ties = CONTENTS["ties"](rng, (60, 60), np.dtype("float64"))
    assert (ties[np.isfinite(ties)] % 1 == 0.5).sum() > 1000
    for name, rule in TABLE.items():
        if rule.real and np.dtype(name).kind in "iu":
            high = min(np.iinfo(name).max, 2**40)
            assert (CONTENTS["random"](rng, (9, 9), np.dtype(name)) == high).sum() > 5


# ------------------------------------------------------------------------ the judge


def judged(case: Case, found: Any, expected: Any, exact: Any = None, image: Any = None) -> float:
    expected = np.asarray(expected, case.stored)
    exact = expected if exact is None else np.asarray(exact)
    image = np.ones((2, 2), case.dtype) if image is None else np.asarray(image, case.dtype)
    return judge(case, Answer(np.asarray(found, case.stored), expected, exact, image)).units


EXACT = Case("uint8", "asymmetric")
ROUNDED = Case("uint8", "Gaussian 1")
FLOAT = Case("float32", "1×1 float")  # Σ|w| = 0.3 of one tap
ALLOWED = (4 + 1 / 32) * 2.0**-23 * 0.3


def test_integers_must_be_the_definitions() -> None:
    assert judged(EXACT, [[1, 2]], [[1, 2]]) == 0
    assert judged(EXACT, [[1, 3]], [[1, 2]]) == inf


def test_a_rounded_sum_may_differ_only_near_a_tie() -> None:
    assert judged(ROUNDED, [[3]], [[2]], [[2.4999]]) == pytest.approx(0.002)
    assert judged(ROUNDED, [[3]], [[2]], [[2.46]]) == pytest.approx(0.8)
    assert judged(ROUNDED, [[3]], [[2]], [[2.4]]) == pytest.approx(2)
    assert judged(ROUNDED, [[4]], [[2]], [[2.5]]) == inf
    assert judged(ROUNDED, [[0]], [[255]], [[255.0]]) == inf


@pytest.mark.parametrize("units", [0.5, 0.99, 1.5])
def test_a_float_may_be_off_by_the_bound(units: float) -> None:
    # Beside 0, where the rounding of the store adds nothing.
    error = judged(FLOAT, [[units * ALLOWED]], [[0]])
    assert error == pytest.approx(units, rel=1e-6)


def test_the_bound_scales_with_the_image_and_the_fill_but_not_with_infinities() -> None:
    small = judged(FLOAT, [[1e-6]], [[0]])
    assert judged(FLOAT, [[1e-6]], [[0]], image=[[100, np.inf]]) == pytest.approx(small / 100)
    filled = replace(FLOAT, border=("wrap", "constant"), cval=-100)
    assert judged(filled, [[1e-6]], [[0]]) == pytest.approx(small / 100)
    assert judged(replace(filled, cval=nan), [[1e-6]], [[0]]) == pytest.approx(small)
    assert judged(replace(filled, border="wrap"), [[1e-6]], [[0]]) == pytest.approx(small)


def test_ranks_must_be_the_very_pixels() -> None:
    for dtype in ("uint8", "float32"):
        case = Case(dtype, "median 3")
        assert judged(case, [[7]], [[7]]) == 0
        assert judged(case, [[8]], [[7]]) == inf
    assert judged(Case("uint8", "canny", out_dtype="bool"), [[True]], [[False]]) == inf


def test_averages_of_what_is_alike_are_within_a_level_or_some_roundings() -> None:
    whole, real = Case("uint8", "bilateral 5"), Case("float32", "nl_means 3")
    assert judged(whole, [[3]], [[2]], [[2.49]]) == pytest.approx(0.51)
    assert judged(whole, [[4]], [[3]], [[2.9]]) == pytest.approx(1.1)
    image, step = [[100.0, -2.0]], 32 * 2.0**-23 * 100
    assert judged(real, [[0.5 * step]], [[0]], image=image) == pytest.approx(0.5)
    assert judged(real, [[1.5 * step]], [[0]], image=image) == pytest.approx(1.5)


def test_a_direction_may_be_off_by_some_roundings_of_half_a_turn() -> None:
    case = Case("uint8", "Sobel", ending="direction", out_dtype="float32")
    step = 4 * 2.0**-23 * np.pi
    assert judged(case, [[0.9 * step]], [[0]]) == pytest.approx(0.9)
    assert judged(case, [[1.1 * step]], [[0]]) == pytest.approx(1.1)


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_are_defined_for_colours_and_borders(name: str) -> None:
    operation = OPERATIONS[name]
    out_dtype = "bool" if name == "canny" else ""
    case = Case("uint8", name, (6, 7, 3), "wrap", channel_axis=-1, out_dtype=out_dtype)
    case = replace(case, content="blocks", out="new")
    report = verify("cpu", [case])
    assert report.right, [outcome.miss for outcome in report.misses]
    assert case.operation is operation
    assert case.asked == "auto"
    assert case.out_shape == case.shape


def test_the_store_may_round() -> None:
    half = replace(FLOAT, out_dtype="float16")
    assert 0.9 < judged(half, [[np.nextafter(np.float16(1), np.float16(2))]], [[1]]) < 1
    assert judged(half, [[1.005]], [[1]]) > 4


@pytest.mark.parametrize(
    ("found", "expected", "right"),
    [(nan, nan, True), (inf, inf, True), (nan, 1, False), (1, nan, False), (inf, 1, False),
     (1, inf, False), (inf, -inf, False), (nan, inf, False)],
)  # fmt: skip
def test_what_is_not_finite_must_be_just_that(found: float, expected: float, right: bool) -> None:
    assert judged(FLOAT, [[0, found]], [[0, expected]]) == (0 if right else inf)


def test_a_result_of_another_shape_or_dtype_is_wrong() -> None:
    assert judged(EXACT, [[1, 2]], [[1], [2]]) == inf
    case = Answer(np.zeros(1, np.int8), *3 * [np.zeros(1, np.uint8)])
    assert judge(EXACT, case).units == inf


def test_ties_must_be_exact_even_where_pixels_are_floats() -> None:
    case = Case("float32", "unit", out_dtype="uint8", content="ties")
    assert judged(case, [[3]], [[2]], [[2.5]]) == inf


# ------------------------------------------------------------------------ verification


def test_the_cpu_engine_passes_the_quick_cases() -> None:
    report = verify("cpu", QUICK)
    assert report.right, [outcome.miss for outcome in report.misses]
    assert len(report.outcomes) == len(QUICK) == report.total
    assert report.families == ["NumPy"]


def test_another_seed_is_another_image() -> None:
    first, again, other = (answer(SOME[1], Place.of("cpu"), seed) for seed in (0, 0, 1))
    assert (first.image == again.image).all()
    assert (first.image != other.image).all()


class Nothing(cuda_on_cpu.CpuRuntime):
    """A runtime whose kernels write nothing."""

    def compile(self, program: Any) -> Any:
        return lambda grid, block, arguments, shared: None


class Spoiling(cuda_on_cpu.CpuRuntime):
    """A runtime that does something to the output of each kernel."""

    def __init__(self, spoil: Callable[[Array], object]) -> None:
        super().__init__(mode="fast")
        self.spoil = spoil

    def compile(self, program: Any) -> Any:
        kernel = super().compile(program)

        def run(grid: Any, block: Any, arguments: Any, shared: int) -> None:
            kernel(grid, block, arguments, shared)
            if program.family in ("dense", "separable", "network", "bilateral"):
                self.spoil(arguments[1])

        return run


def one_pixel(out: Array) -> None:
    """Change the first pixel by as little as it can be changed, or by a thousandth."""
    at = (0,) * out.ndim
    out[at] = out[at] ^ 1 if out.dtype.kind in "iu" else out[at] + 1e-3


def beside(out: Array) -> None:
    """Write before the first pixel of a part of an array."""
    if isinstance(out.base, np.ndarray) and out.base.size > out.size:
        out.base.reshape(-1)[0] = 5


@contextmanager
def on(device: runtime.Runtime) -> Iterator[None]:
    if reason := cuda_on_cpu.missing():
        pytest.skip(reason)
    with runtime.use(device):
        yield


def test_the_kernels_pass_on_the_cpu() -> None:
    with on(cuda_on_cpu.CpuRuntime(mode="fast")):
        report = verify("cuda", SOME)
    assert report.right, [outcome.miss for outcome in report.misses]
    assert set(report.families) <= set(source.families())


def test_an_output_that_is_not_written_is_found() -> None:
    with runtime.use(Nothing()):
        report = verify("cuda", QUICK)
    assert len(report.misses) == len(QUICK)


def test_a_single_wrong_pixel_is_found() -> None:
    with on(Spoiling(one_pixel)):
        report = verify("cuda", SOME)
    assert len(report.misses) == len(SOME)
    assert not report.right


def test_a_write_beside_the_output_is_found() -> None:
    with on(Spoiling(beside)):
        report = verify("cuda", SOME)
    assert [o.problem for o in report.misses] == ["memory beside the output was written"]
    assert "out='crop'" in report.misses[0].miss


def test_a_case_that_fails_does_not_stop_the_others() -> None:
    class Picky(cuda_on_cpu.CpuRuntime):
        def compile(self, program: Any) -> Any:
            if program.family == "separable":
                raise DeviceError("no such thing")
            return super().compile(program)

    with on(Picky(mode="fast")):
        report = verify("cuda", SOME)
    assert [outcome.problem for outcome in report.misses] == 3 * ["DeviceError: no such thing"]
    assert report.complete
    assert not report.stopped


def test_a_device_that_died_ends_it() -> None:
    class Dying(Nothing):
        dead = False

        def compile(self, program: Any) -> Any:
            def run(*_: Any) -> None:
                Dying.dead = True
                raise RuntimeError("an illegal memory access was encountered")

            return run

        def asarray(self, image: Any) -> Any:
            if self.dead:
                raise RuntimeError("an illegal memory access was encountered")
            return super().asarray(image)

    with runtime.use(Dying()):
        report = verify("cuda", SOME)
    assert len(report.outcomes) == 1
    assert "stopped working: RuntimeError: an illegal" in report.stopped
    assert not report.right
    assert not report.complete


def test_only_cases_of_the_families_asked_for_are_run() -> None:
    with runtime.use(Nothing()):
        report = verify("cuda", CASES[::20], families=["repair"])
    assert 0 < report.total < len(CASES[::20])
    assert all("repair" in outcome.families for outcome in report.outcomes)


def test_who_watches_is_told_of_every_step() -> None:
    steps = []
    with runtime.use(Nothing()):
        verify("cuda", SOME, watch=lambda *step: steps.append(step))
    assert list(dict.fromkeys(doing for doing, _, _ in steps)) == [
        "planning", "compiling", "verifying",
    ]  # fmt: skip
    assert steps[-1] == ("verifying", len(SOME), len(SOME))


@pytest.mark.parametrize("name", ["odd", "integer pair"])
def test_the_end_of_an_image_is_that_of_its_definition(name: str) -> None:
    far = Case("uint8", name, (2 * PERIOD + 90, 60), far=True)
    with on(cuda_on_cpu.CpuRuntime(mode="fast")):
        found = answer_far(far, Place.of("cuda"))
    assert judge(far, found) == Error(0, 0)
    rows = np.resize(image_of(replace(far, shape=(PERIOD, 60)), 0), far.shape)
    whole, _ = by_definition(far, rows)
    np.testing.assert_array_equal(found.expected, whole[-40:])


def test_the_end_of_an_image_that_is_not_written_is_found() -> None:
    far = Case("uint8", "odd", (300, 60), far=True)
    with runtime.use(Nothing()):
        found = answer_far(far, Place.of("cuda"))
    assert judge(far, found).units == inf
    assert (found.found != found.expected).all()


def test_an_image_without_room_is_left_out_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], few: None
) -> None:
    assert all(np.prod(case.shape) > 2**32 for case in FAR)
    monkeypatch.setattr(command, "FAR", FAR)
    code, out, _ = run(capsys, "--device cpu")
    assert code == 0
    assert out.count("left out: uint8") == len(FAR)
    assert out.splitlines()[-1].startswith(f"cpu: {len(SOME)} cases in ")
    small = SimpleNamespace(free_memory=lambda: 10**9)
    monkeypatch.setattr(runtime, "current", lambda: small)
    assert lacking(FAR[0], "cuda") == "it needs 8.7 GB, 1.0 are free"
    assert lacking(CASES[0], "cuda") == ""


# ------------------------------------------------------------------------ reports


def outcome(family: str = "dense", **changes: Any) -> Outcome:
    return replace(Outcome("it", (family,), "uint8", "wrap", 0.5, 0.25), **changes)


def test_a_report_of_nothing_is_not_right() -> None:
    assert not Report("cuda:0", 0).right


def test_rows_sum_up_family_dtype_and_border() -> None:
    many = [outcome(), outcome(units=2.0), outcome(border="pairs"), outcome("other")]
    report = Report("cuda:0", 4, many)
    rows = {(row.family, row.dtype, row.border): row for row in report.rows()}
    assert list(rows) == [
        ("dense", "uint8", "wrap"), ("dense", "uint8", "pairs"), ("other", "uint8", "wrap"),
    ]  # fmt: skip
    worst = rows["dense", "uint8", "wrap"]
    assert (worst.cases, worst.misses, worst.units) == (2, 1, 2.0)
    assert report.json()["rows"][0]["verdict"] == "miss"
    assert report.json()["misses"] == ["it: 2 × the allowed error"]
    json.dumps(Report("cuda:0", 1, [outcome(units=inf)]).json(), allow_nan=False)


# ------------------------------------------------------------------------ the command


def run(capsys: pytest.CaptureFixture[str], line: str) -> tuple[int, str, str]:
    code = main(["verify", *line.split()])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "CASES", SOME)
    monkeypatch.setattr(command, "FAR", ())


def test_the_table_has_a_row_for_each_dtype(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--device cpu --quick")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split()[:7] == ["NumPy", "cases", *MODES]
    assert [line.split()[0] for line in lines[1:14]] == list(TABLE)
    assert all(line.endswith("right") for line in lines[1:14])
    assert lines[-1].startswith(f"cpu: {len(QUICK)} cases in ")
    assert lines[-1].endswith(", all right")


def test_json_says_the_same(capsys: pytest.CaptureFixture[str], few: None) -> None:
    code, out, _ = run(capsys, "--device cpu --json")
    assert code == 0
    said = json.loads(out)
    assert (said["device"], said["cases"], said["of"], said["right"]) == ("cpu", 6, 6, True)
    assert {row["border"] for row in said["rows"]} <= BORDERS


def test_a_wrong_pixel_is_a_miss_an_exit_code_and_a_line_of_the_ledger(
    capsys: pytest.CaptureFixture[str],
    few: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    here = Machine("NVIDIA H200", "580.1", "14.2.0", "13.0")
    monkeypatch.setattr(command, "machine", lambda device: here)
    with on(Spoiling(one_pixel)):
        code, out, err = run(capsys, f"--record --results {tmp_path / 'new'}")
    assert code == 1
    assert "missed" in out
    assert out.count("miss: ") == len(SOME)
    assert out.splitlines()[-1].endswith(f"{len(SOME)} missed")
    assert "recorded in" in err
    path = tmp_path / "new" / "verify.json"
    assert ledger.faults(path) == []
    assert {entry["verdict"] for entry in ledger.entries(path).values()} == {"miss"}
    with on(cuda_on_cpu.CpuRuntime(mode="fast")):
        assert run(capsys, f"--record --results {tmp_path / 'new'}")[0] == 0
    assert {entry["verdict"] for entry in ledger.entries(path).values()} == {"right"}


def test_the_ledger_of_a_checkout_lies_in_the_gpus_folder(
    few: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Machine("NVIDIA H200", "580.1", "14.2.0", "13.0")
    monkeypatch.setattr(command, "machine", lambda device: here)
    monkeypatch.setattr(ledger, "default_folder", lambda: tmp_path)
    with runtime.use(Nothing()):
        assert run(capsys, "--record")[0] == 1
    assert (tmp_path / "nvidia-h200" / "verify.json").is_file()


def test_a_broken_kernel_does_not_fill_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    with runtime.use(Nothing()):
        code, out, _ = run(capsys, "--quick")
    assert code == 1
    assert out.count("miss: ") == 10
    assert f"… and {len(QUICK) - 10} misses more" in out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--family sep", "--family='sep' is not a kernel family (one of"),
        ("--device gpu", "device='gpu' is not a device"),
        ("--device cpu --family dense", "--family needs a GPU"),
        ("--record --quick", "--record needs all cases: leave out --quick"),
        ("--results x", "--results is where --record writes: add --record"),
        ("--device cpu --record", "device='cpu' is no GPU; only what a GPU computed is recorded"),
        ("--seed -1", "--seed -1 must not be negative"),
        ("more", "unrecognized arguments: more"),
    ],
)
def test_wrong_usage_is_said(capsys: pytest.CaptureFixture[str], line: str, said: str) -> None:
    code, out, err = run(capsys, line)
    assert (code, out) == (2, "")
    assert said in err


def test_what_stands_in_for_a_gpu_is_not_recorded(
    capsys: pytest.CaptureFixture[str], few: None, tmp_path: Path
) -> None:
    with runtime.use(Nothing()):
        code, _, err = run(capsys, f"--record --results {tmp_path}")
    assert code == 2
    assert "device='cuda' is no GPU" in err
    assert list(tmp_path.iterdir()) == []


def test_an_absent_gpu_is_exit_code_4(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPUCONV_NO_GPU", "1")
    code, out, err = run(capsys, "")
    assert (code, out) == (4, "")
    assert "GPUCONV_NO_GPU=1 turns it off" in err


def test_ctrl_c_shows_what_was_found_and_records_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(device: str, cases: Any, *, report: Report, **_: Any) -> None:
        report.total = 7
        report.outcomes.append(outcome())
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "verify", interrupted)
    monkeypatch.setattr(command, "machine", lambda device: Machine("A", "1.0", "14.2", "13.0"))
    code, out, _ = run(capsys, f"--record --results {tmp_path}")
    assert code == 130
    assert out.splitlines()[-1].startswith("cuda:0: 1 of 7 cases in ")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_records_a_miss_that_was_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One case proves a family wrong; only all of them prove it right."""

    def interrupted(device: str, cases: Any, *, report: Report, **_: Any) -> None:
        report.total = 7
        report.outcomes.append(outcome(units=2.0))
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "verify", interrupted)
    monkeypatch.setattr(command, "machine", lambda device: Machine("A", "1.0", "14.2", "13.0"))
    code, _, err = run(capsys, f"--record --results {tmp_path}")
    assert (code, "recorded in" in err) == (130, True), err
    [path] = tmp_path.rglob("verify.json")
    assert {entry["verdict"] for entry in ledger.entries(path).values()} == {"miss"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "shown"),
    [(Terminal(), "\r\x1b[Kverifying 1/9\r\x1b[Kverifying 2/9\r\x1b[K"),
     (io.StringIO(), "verifying 2/9\n")],
)  # fmt: skip
def test_progress_is_a_line_on_a_terminal_and_lines_now_and_then_elsewhere(
    stream: io.StringIO, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    times = iter([0.0, 0.5, 0.55, 12.0])
    monkeypatch.setattr(command, "perf_counter", lambda: next(times))
    progress = command._Progress(stream)
    for done in (1, 1, 2):
        progress("verifying", done, 9)
    progress.close()
    assert stream.getvalue() == shown


# ------------------------------------------------------------------------ where it was


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CuPy with nothing but versions, on a machine with one GPU."""
    library, inner, nvrtc = ModuleType("cupy"), ModuleType("cupy.cuda"), ModuleType("nvrtc")
    library.__dict__.update(__version__="14.2.0", cuda=inner)
    inner.__dict__.update(nvrtc=nvrtc)
    nvrtc.__dict__.update(getVersion=lambda: (13, 0))
    monkeypatch.setitem(sys.modules, "cupy", library)
    monkeypatch.setitem(sys.modules, "cupy.cuda", inner)
    monkeypatch.setattr(runtime, "_cupy", None)
    row = Device("cuda:0", "NVIDIA H200", available=True, driver="CUDA 13.0")
    monkeypatch.setattr(backends, "devices", lambda: [row])
    monkeypatch.setattr("gpuconv.backends.cuda.lacking", lambda image, device: "")


#: What /proc/driver/nvidia/version says, of both kinds of driver.
TOLD = {
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.03  Release Build": (
        "580.159.03"
    ),
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024": (
        "550.54.15"
    ),
    "nothing of use": "CUDA 13.0",
}


@pytest.mark.parametrize(("told", "driver"), TOLD.items())
def test_a_record_says_what_ran_it(
    cupy: None, told: str, driver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "version").write_text(told + "\nGCC version: gcc version 13.2.0\n")
    monkeypatch.setattr("gpuconv.verify.machine._DRIVER", tmp_path / "version")
    assert machine("cuda") == Machine("NVIDIA H200", driver, "14.2.0", "13.0")


def test_a_gpu_that_cannot_be_used_is_no_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPUCONV_NO_GPU", "1")
    with pytest.raises(DeviceError, match="GPUCONV_NO_GPU=1 turns it off"):
        machine("cuda")


def test_only_a_gpu_is_a_machine_to_record() -> None:
    with runtime.use(Nothing()), pytest.raises(ArgumentError, match="is no GPU"):
        machine("cuda:0")


def test_misses_of_every_kind_are_shown_before_more_of_the_same() -> None:
    alike = [outcome(units=2.0, border=border) for border in ("wrap", "mirror", "nearest")]
    others = [outcome("separable", units=2.0), outcome(dtype="int16", units=2.0)]
    told = command._telling([*alike, *others])
    assert told == [alike[0], *others, *alike[1:]]
