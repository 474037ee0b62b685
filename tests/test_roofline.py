"""What is predicted of the bench's cases on a GPU, and the page that sets times beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv.backends.cuda.warmup import LIMITS

sys.path.append(str(Path(__file__).parent.parent))  # benchmarks/ is no part of the package
from benchmarks.cases import CASES, Case
from benchmarks.filters import Canny, Dense, Gaussian, Gradient, Median, RichardsonLucy, Wiener
from benchmarks.peers import FLOOR, OURS
from benchmarks.report import roofline
from benchmarks.static import nvrtc, predict, sass
from benchmarks.static.rates import GPUS, H100, H200, PER_CLOCK, bounds
from benchmarks.static.recorded import Step, Transformed, recorded
from benchmarks.suite.row import Row
from benchmarks.suite.timing import Spread

LACKING = nvrtc.lacking() or sass.lacking()
counted = pytest.mark.skipif(bool(LACKING), reason=LACKING or "never")

SMALL = (128, 256)
STATIC: dict[str, Any] = json.loads((roofline.RESULTS / roofline.PREDICTED).read_text("utf-8"))


# What a call launches, found out without a GPU


def launched(case: Case) -> list[Step | Transformed]:
    """Return what gpuconv launches for a case."""
    image = case.image
    return recorded(lambda i, o: gc.correlate(i, case.filter.kernel, out=o, device="cuda"),  # type: ignore[attr-defined]
                    image, LIMITS)  # fmt: skip


def test_a_call_is_noted_down_and_not_done() -> None:
    (step,) = launched(Case(Dense(3), "float32", SMALL))
    assert isinstance(step, Step)
    assert step.launch.program.entry == "dense"
    assert step.launch.operands[:2] == ("image", "out")
    assert step.arrays["image"].size == step.arrays["out"].size == 128 * 256
    assert not step.arrays["out"].any()


def test_memory_of_interleaved_colours_is_taken_whole() -> None:
    case = Case(Dense(3), "uint8", (*SMALL, 3), axes="yxc")

    def call(image: Any, out: Any) -> None:
        gc.correlate(image, Dense(3).kernel, channel_axis=-1, out=out, device="cuda")

    (step,) = recorded(call, case.image, LIMITS)
    assert isinstance(step, Step)
    assert step.arrays["image"].shape == (128 * 256 * 3,)
    np.testing.assert_array_equal(step.arrays["image"], case.image.ravel())


def test_spectra_that_are_kept_are_no_part_of_a_call() -> None:
    steps = launched(Case(Dense(63), "float32", (2048, 2048)))
    entries = [each.launch.program.entry for each in steps if isinstance(each, Step)]
    transforms = [each for each in steps if isinstance(each, Transformed)]
    assert entries == ["gather", "multiply", "scatter"]
    # There and back for each batch of tiles; one more would be that of the kernel, made before.
    batches = next(each.times for each in steps if _entry(each) == "multiply")
    assert [each.times for each in transforms] == [batches, batches]


def _entry(step: Step | Transformed) -> str:
    return step.launch.program.entry if isinstance(step, Step) else ""


def test_like_launches_are_counted_once_and_known_to_be_many() -> None:
    case = Case(RichardsonLucy(iterations=5), "float32", SMALL, "constant", content="blurred")
    found = {cost.kernel: cost.times for cost in predict.costs(case)}
    assert (found["compare"], found["correct"]) == (5, 5)


# Predictions


def test_the_largest_bound_decides() -> None:
    alu = H200.issued(PER_CLOCK["alu"])
    found = bounds(H200, H200.copy, 2 * H200.issued(), 3 * H200.issued(1), {"alu": 4 * alu})
    assert list(found) == ["memory", "issue", "shared memory", "alu"]
    assert list(found.values()) == pytest.approx([1, 2, 3, 4])


def test_every_pipe_has_a_rate_and_no_instruction_two() -> None:
    assert sass.PIPES.keys() == PER_CLOCK.keys()
    names = [name for pipe in sass.PIPES.values() for name in pipe]
    assert len(names) == len(set(names))
    assert sass.pipe(sass.Instruction("", "IMAD.MOV.U32", ())) == "multiply"
    assert sass.pipe(sass.Instruction("", "BAR.SYNC", ())) == ""


@counted
def test_counts_are_of_the_whole_image() -> None:
    case = Case(Dense(3), "float32", (256, 512))
    (cost,) = predict.costs(case)
    assert cost.pipes["fma"] >= 9 * case.pixels
    assert case.bytes < cost.moved < 2 * case.bytes
    larger = replace(case, shape=(512, 512))
    (twice,) = predict.costs(larger)
    assert twice.instructions == pytest.approx(2 * cost.instructions)


@counted
def test_a_copy_is_faster_than_any_prediction() -> None:
    row = predict.predicted(Case(Gaussian(1), "float32", (512, 1024)))
    for gpu in GPUS:
        found = row["gpus"][gpu.folder]
        assert 0 < found["share"] < 1
        assert found["seconds"] == pytest.approx(found["floor"] / found["share"])
        assert found["floor"] == pytest.approx(row["bytes"] / gpu.copy)


@counted
def test_several_launches_follow_each_other() -> None:
    case = Case(Gradient(2), "float32", (256, 512))
    found = predict.costs(case)
    each = [cost.times * max(cost.bounds(H200).values()) for cost in found]
    row = predict.predicted(case)
    assert [cost.kernel for cost in found][-1] == "reduce"
    assert row["gpus"]["nvidia-h200"]["seconds"] == pytest.approx(sum(each))


def test_transforms_count_as_passes_over_memory() -> None:
    case = Case(Wiener(), "float32", (64, 64), "wrap", content="blurred")
    found = [cost for cost in predict.costs(case) if "cuFFT" in cost.kernel]
    spectrum, image = 64 * 33 * 8, 64 * 64 * 4
    assert [cost.moved for cost in found] == [2 * (spectrum + image)] * 2


def test_what_depends_on_the_image_is_not_predicted() -> None:
    row = predict.predicted(Case(Canny(), "uint8", SMALL))
    assert "edges spread" in row["left_out"]
    assert "gpus" not in row
    assert "edges spread" in predict.line(row)


@counted
def test_the_suite_is_printed_and_kept(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "predicted.json"
    command = [sys.executable, "-m", "benchmarks.static", "--suite", "--case", "dense 3x3 u8 512"]
    done = subprocess.run([*command, "--json", str(path)], cwd=root, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    kept = json.loads(path.read_text("utf-8"))
    (row,) = kept["rows"]
    assert row["case"] == "dense 3×3 u8 512²"
    assert f"{row['instructions']:.1f}" in done.stdout.decode()
    assert kept["gpus"]["nvidia-h100"]["copy"] == H100.copy


def test_each_case_of_the_bench_has_its_row() -> None:
    assert [row["case"] for row in STATIC["rows"]] == [case.name for case in CASES]
    unsaid = [row for row in STATIC["rows"] if not row["left_out"] and not row.get("launches")]
    assert not unsaid


@counted
def test_the_kept_prediction_is_of_these_kernels() -> None:
    kept = {row["case"]: row for row in STATIC["rows"]}
    case = next(c for c in CASES if c.filter == Median(3) and c.dtype == "uint8")
    assert predict.record([predict.predicted(case)])["rows"][0] == {
        **kept[case.name],
        "shape": case.shape,
    }


# The page


def row(peer: str, case: Case, seconds: float) -> dict[str, Any]:
    """Return a row as a GPU would have recorded it."""
    kept = Row.of(case, _Named(peer))  # type: ignore[arg-type]
    kept.seconds = Spread(seconds, seconds, seconds, seconds)
    return kept.json()


class _Named:
    version = "1.0"

    def __init__(self, name: str) -> None:
        self.name = name


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "h200.json").write_text(json.dumps(STATIC), "utf-8")
    return tmp_path


def record(results: Path, folder: str, rows: list[dict[str, Any]]) -> None:
    """Write what a GPU has measured."""
    section = {"device": "cuda:0", "machine": {"name": folder}, "rows": rows}
    (results / folder).mkdir()
    text = json.dumps({"schema": 1, "sections": {"table": section}})
    (results / folder / "bench.json").write_text(text, "utf-8")


def cells(page: Path, case: str, heading: str) -> list[str]:
    """Return the row of a case in the part of a page below a heading."""
    _, _, part = page.read_text("utf-8").partition(f"## {heading}\n")
    (found,) = (line for line in part.split("\n## ")[0].splitlines() if f"| {case} |" in line)
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_without_a_record_the_page_says_that_nothing_was_measured(results: Path) -> None:
    (page,) = roofline.write(results)
    assert page == results / "nvidia-h200" / "roofline.md"
    assert "**Predicted, not measured" in page.read_text("utf-8")
    case = "dense 3×3 f32 4096²"
    predicted = next(each for each in STATIC["rows"] if each["case"] == case)
    share = predicted["gpus"]["nvidia-h200"]["share"]
    assert cells(page, case, "Every case")[-1] == f"{100 * share:.0f} %"
    assert cells(page, case, "Aims")[3] == "–"
    assert (page.parent / "roofline.png").stat().st_size > 10_000


def test_measured_times_stand_beside_predictions(results: Path) -> None:
    case = next(each for each in CASES if each.filter == Dense(5) and each.dtype == "float32")
    record(results, "nvidia-h200", [row(OURS, case, 50e-6), row(FLOOR, case, 32e-6)])
    (page,) = roofline.write(results)
    assert "not measured" not in page.read_text("utf-8")
    predicted = next(each for each in STATIC["rows"] if each["case"] == case.name)
    ratio = 50e-6 / predicted["gpus"]["nvidia-h200"]["seconds"]
    assert cells(page, case.name, "Every case")[-3:] == ["50.0", "64 %", f"{ratio:.1f}"]
    # What was measured decides whether an aim is missed.
    assert cells(page, case.name, "Aims")[3:] == ["64 %", "missed, by memory"]
    other = "dense 7×7 f32 4096²"
    assert cells(page, other, "Every case")[-3:] == ["–", "–", "–"]


def test_a_gpu_is_known_by_how_its_name_begins(results: Path) -> None:
    case = next(iter(CASES))
    record(results, "nvidia-h100-80gb-hbm3", [row(OURS, case, 60e-6)])
    record(results, "nvidia-a100", [row(OURS, case, 90e-6)])
    pages = roofline.write(results)
    assert [page.parent.name for page in pages] == ["nvidia-h200", "nvidia-h100-80gb-hbm3"]
    # No copy was measured there, and aims are the H200's.
    assert cells(pages[1], case.name, "Every case")[-2] == "–"
    assert "## Aims" not in pages[1].read_text("utf-8")


def test_without_predictions_there_is_no_page(tmp_path: Path) -> None:
    assert roofline.write(tmp_path) == []


def test_the_page_is_up_to_date_with_the_record(results: Path) -> None:
    kept = roofline.RESULTS / "nvidia-h200"
    if (kept / "bench.json").exists():
        record(results, "nvidia-h200", [])
        (results / "nvidia-h200" / "bench.json").write_bytes((kept / "bench.json").read_bytes())
    page = roofline.write(results)[0]
    assert page.read_text("utf-8") == (kept / "roofline.md").read_text("utf-8")


def test_every_aim_is_of_a_case() -> None:
    assert roofline.AIMS.keys() <= {case.name for case in CASES}


def test_every_bound_has_words() -> None:
    found = {cell["bound"] for line in STATIC["rows"] if not line["left_out"]
             for cell in line["gpus"].values()}  # fmt: skip
    points = _points()
    assert {point.bound for point in points}
    assert found <= bounds(H200, 1, 1, 1, dict.fromkeys(PER_CLOCK, 1)).keys()


def _points() -> Iterator[roofline.Point]:
    yield from roofline.points(STATIC, H200, None)
