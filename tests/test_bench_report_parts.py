"""The report of the bench but for its table: other sections, GPUs, plots, files."""

from __future__ import annotations

import doctest
import json
import re
from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fakes.bench_records import (
    DENSE,
    GAUSSIAN,
    MEDIAN,
    OPENCV,
    SCIPY,
    compared_in,
    complete_in,
    grown,
    kept,
    memory,
    row,
    rows,
    section,
    spread_of,
    table_row,
    written,
)

from benchmarks.cases import CASES, Case
from benchmarks.filters import Median
from benchmarks.peers import FLOOR, OURS, peers
from benchmarks.report import curves, drawn, front, page
from benchmarks.report.__main__ import main
from benchmarks.report.record import Record, Section, records
from benchmarks.report.style import look, spread
from benchmarks.suite.sections import SECTIONS


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def compared(results: Path) -> Record:
    return compared_in(results)


@pytest.fixture
def complete(results: Path) -> Record:
    return complete_in(results)


# ------------------------------------------------------------------------ other sections


def test_every_section_has_its_part_and_its_command(complete: Record) -> None:
    text = written(complete)
    for name in SECTIONS:
        assert f"`gpuconv bench --section {name}`" in text
    assert "## Not measured" not in text
    # 20 µs beside 10 µs.
    assert table_row(text, "median 3×3 u8") == ["median 3×3 u8", f"20.0 ({OPENCV}: 0.50)"]
    want = [GAUSSIAN.name, "**gpuconv**", "–", "150", "50.0", "20.0", "1.00", "7"]
    assert table_row(text, GAUSSIAN.name, "**gpuconv**") == want
    assert table_row(text, GAUSSIAN.name, "3") == [GAUSSIAN.name, "3", "100"]
    assert table_row(text, OPENCV, "100") == [OPENCV, "100"]


def test_what_was_not_measured_is_told(compared: Record, results: Path) -> None:
    text = written(compared)
    missing = text[text.index("## Not measured") :]
    for name in set(SECTIONS) - {"table"}:
        assert f"`gpuconv bench --section {name} --record`" in missing
    assert "--section table" not in missing
    assert "# GPU: not measured" in text
    cut = section("table", rows(DENSE, ours=4.0), complete=False)
    assert "which was cut short" in written(kept(results / "abacus", table=cut))


def test_failures_of_sections_are_told_and_what_nobody_has_is_not(results: Path) -> None:
    broken = memory(SCIPY, None, "failed: MemoryError: no")
    found = [memory(OURS, 1 << 20), broken, memory("Pillow", None, "has none")]
    text = written(kept(results / "abacus", memory=section("memory", found)))
    assert f"- {SCIPY}, {GAUSSIAN.name}: failed: MemoryError: no" in text
    assert "Pillow" not in text


def test_files_on_disk_have_a_part_where_they_were_measured(compared: Record) -> None:
    assert "Large images" not in written(compared)
    measured = {"seconds": 8.0, "peak": 5 << 20, "together": 7 << 20}
    slide = {"peer": {"name": "gpuconv", "kind": "tif"}, "measured": measured}
    stream = {"size": 4000, "rows": [{**slide, "check": {"largest": 0}}, {"measured": None}]}
    photos = [{"peer": {"name": "Pillow"}, "measured": measured, "kept": 15}]
    for name, each in (("stream", stream), ("photos", {"files": 16, "rows": photos})):
        (compared.folder / f"{name}.json").write_text(json.dumps(each))
    text = written(compared)
    assert table_row(text, "**gpuconv**", "TIFF")[2:] == ["8.00", "2.00", "5", "0"]
    assert table_row(text, "Pillow") == ["Pillow", "8.00", "2.00", "7", "15 of 16"]


# ------------------------------------------------------------------------ GPUs


def on_gpu(found: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    machine = {"name": "NVIDIA H200", "folder": "nvidia-h200", "driver": "580", "python": "3.12.1"}
    return section(name, found, device="cuda:0", machine=machine)


def test_gpus_are_apart_and_have_more_clocks(results: Path, compared: Record) -> None:
    del compared
    spreads = {"warm": spread_of(0.02), "wall": spread_of(0.04)}
    ours = row(DENSE, OURS, 0.03, **spreads)
    copies = [row(DENSE, "copy", 0.02), row(DENSE, "copy, by a kernel", 0.015)]
    small = on_gpu([row(DENSE, OURS, 0.003, wall=spread_of(0.011))], "small")
    table = on_gpu([ours, *copies], "table")
    kept(results / "nvidia-h200", table=table, small=small)
    cpu, gpu = records(results)
    assert (cpu.kind, gpu.kind, gpu.title) == ("cpu", "cuda", "NVIDIA H200")
    text = page.page([cpu, gpu], results)
    titles = re.findall("^# (.*)$", text, re.M)
    assert titles == ["Benchmarks", "CPU: Abacus 9, 2 cores", "GPU: NVIDIA H200"]
    assert table_row(text, DENSE.name, "0.0150")[2:4] == ["0.0300", "50 %"]
    assert table_row(text, "dense 3×3 f32") == ["dense 3×3 f32", "11.0"]  # the wall's
    full = page.written([gpu], results)[gpu.folder / "bench.md"]
    assert table_row(full, "**gpuconv**")[4:7] == ["1.0", "0.0200", "0.0400"]


def test_throughput_of_a_gpu_is_beside_copies_both_ways(results: Path) -> None:
    one = {"case": "median", "peer": "gpuconv.stream", "per_second": 99.0, "left_out": ""}
    one |= {"seconds": {"median": 0.01}, "gigabytes_per_second": 80.0, "of_copy": 0.93}
    text = written(kept(results / "nvidia-h200", throughput=on_gpu([one], "throughput")))
    assert table_row(text, "median") == ["median", "**gpuconv.stream**", "99.0", "80.0", "93 %"]


def test_predictions_are_marked_and_give_way_to_measurements(results: Path) -> None:
    here = {"seconds": 5e-5, "share": 0.93, "bound": "memory"}
    counted = {"case": DENSE.name, "left_out": "", "instructions": 15.0, "moved": 8.6}
    static = {
        "gpus": {"nvidia-h200": {"name": "NVIDIA H200"}},
        "rows": [{**counted, "gpus": {"nvidia-h200": here}}, {"case": "Canny", "left_out": "why"}],
    }
    (results / "static").mkdir(parents=True)
    (results / "static" / "h200.json").write_text(json.dumps(static))
    text = page.page([], results)
    assert text.index("predicted and not measured: NVIDIA H200") < text.index(DENSE.name)
    assert "**Nothing in this part was measured**" in text
    assert table_row(text, DENSE.name)[1:] == ["15.0", "8.60", "50.0", "93 %", "memory"]
    assert "- Canny: why." in text
    record = kept(results / "nvidia-h200", table=on_gpu(rows(DENSE, ours=1.0), "table"))
    assert "predicted" not in page.page([record], results)


# ------------------------------------------------------------------------ plots


def test_curves_are_those_of_the_record() -> None:
    found = section("growth", grown())
    record = {key: found[key] for key in ("rows", "device")}
    whole = Section("growth", **record)
    [sums] = curves.sweeps(whole, ("dense", "Gaussian", "box"))
    assert (sums.title, sums.across) == ("Gaussian f32, 64²", "σ, pixels")
    assert sums.curves[OPENCV] == [(1, 3.0), (2, 6.0), (4, 12.0)]
    [image] = curves.images(whole)
    assert image.curves[OURS][1] == pytest.approx((2, 2e6 / 64**2))


def test_every_plot_is_drawn_where_there_is_something_to_draw(complete: Record) -> None:
    made = drawn.draw(complete)
    assert [path.name for path in made] == [plot.name for plot in drawn.PLOTS]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in made)
    assert set(re.findall(r"\(results/(\S+png)\)", written(complete))) == {
        f"{complete.folder.name}/{path.name}" for path in made
    }
    alone = kept(complete.folder.parent / "b", table=section("table", rows(MEDIAN, ours=1.0)))
    assert drawn.draw(alone) == []


def test_names_beside_curves_do_not_overlap() -> None:
    places = spread([0.95, 0.94, 0.2, 0.21, 0.2, 1.0], 0.06)
    order = sorted(places)
    assert min(upper - lower for lower, upper in pairwise(order)) > 0.059
    assert 0 <= order[0] <= order[-1] <= 1
    assert places[2] < places[3]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_library_is_drawn_in_a_way_of_its_own(device: str) -> None:
    names = dict.fromkeys(peer.name for peer in peers(device) if not peer.name.startswith(FLOOR))
    looks = {name: look(name) for name in names}
    assert "black" not in {each.color for each in looks.values()}, looks
    assert len(set(looks.values())) == len(looks), looks


# ------------------------------------------------------------------------ files


def test_the_report_is_written_and_found_to_be_up_to_date(
    complete: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    results = complete.folder.parent
    words = ["--results", str(results)]
    assert main([*words, "--check"]) == 1
    assert "README.md is out of date" in capsys.readouterr().out
    assert not (results.parent / "README.md").exists()
    assert main(words) == 0
    assert (results.parent / "README.md").read_text("utf-8") == written(complete)
    assert (complete.folder / "peers.png").is_file()
    assert main([*words, "--check"]) == 0


def test_the_first_page_has_a_table_between_its_marks_and_keeps_the_rest(results: Path) -> None:
    case = Case(Median(3), "uint8", (2048, 2048), "nearest")
    found = rows(case, ours=8.0, copy=1.0, opencv=2.0, scipy=400.0)
    found.append(row(case, "OpenCV, 1 thread", 3.0))
    record = kept(results / "abacus-9-2-cores", table=section("table", found))
    page = f"# Title\n\n{front.BEGIN}\nof before\n{front.END}\n\nThe end.\n"
    made = front.front(page, [record])
    assert "| median 3×3 u8 2048² | 8.00 | 50 | – | **0.25** | – | – | – |" in made
    assert "A peer is ahead in 1 of 1 cases" in made
    assert made.startswith(f"# Title\n\n{front.BEGIN}\n")
    assert made.endswith(f"{front.END}\n\nThe end.\n")
    assert "of before" not in made
    assert front.front(made, [record]) == made
    assert front.front("no marks", [record]) == "no marks"


def test_cases_of_the_first_page_are_cases() -> None:
    assert set(front.CASES) <= {case.name for case in CASES}


def test_the_report_in_the_repository_is_that_of_its_records(root: Path) -> None:
    results = root / "benchmarks" / "results"
    for path, text in page.written(records(results), results).items():
        assert path.read_text("utf-8") == text, f"{path.name}: make report"
        links = re.findall(r"\]\((?!http)([^)#]+)", text)
        assert not [link for link in links if not (path.parent / link).exists()]


@pytest.mark.parametrize("name", ["style", "table", "words"])
def test_examples_of_the_report_are_right(name: str) -> None:
    found = doctest.testmod(import_module(f"benchmarks.report.{name}"))
    assert found.attempted
    assert not found.failed
