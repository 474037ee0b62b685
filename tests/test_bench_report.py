"""The report of the bench: made-up records in, and their numbers out."""

from __future__ import annotations

import doctest
import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cases import CASES, Case
from benchmarks.filters import Canny, Dense, Gaussian, Median
from benchmarks.peers import FLOOR, OURS, peers
from benchmarks.report import ahead, curves, drawn, page, reasons
from benchmarks.report.__main__ import main
from benchmarks.report.record import Record, Section, lines_of, records
from benchmarks.report.style import look, spread
from benchmarks.suite.contract import Peer, Prepared
from benchmarks.suite.row import Row
from benchmarks.suite.sections import SECTIONS
from benchmarks.suite.timing import Spread

MEDIAN = Case(Median(3), "uint8", (64, 64), "nearest")
DENSE = Case(Dense(3), "float32", (64, 64))
GAUSSIAN = Case(Gaussian(2), "float32", (64, 64))
OPENCV, SCIPY = "OpenCV, all threads", "SciPy ndimage"


def prepared(*_: object) -> Prepared:
    return Prepared(lambda _: None, "")


def row(case: Case, peer: str, ms: float | None, **more: Any) -> dict[str, Any]:
    """Return a row as JSON has it: from 10 % below the median to 10 % above."""
    made = Row.of(case, Peer(peer, ("numpy",), "cpu", prepared))
    made.how, made.rounds, made.error = "library.function", 15, 0.5 * case.allowed
    if ms is not None:
        made.seconds = spread_of(ms)
    for name, value in more.items():
        setattr(made, name, value)
    return json.loads(json.dumps(made.json()))  # type: ignore[no-any-return]


def spread_of(ms: float) -> Spread:
    return Spread(ms / 1e3, 0.9 * ms / 1e3, 1.1 * ms / 1e3, 0.8 * ms / 1e3)


def rows(case: Case, **ms: float | None) -> list[dict[str, Any]]:
    names = {"ours": OURS, "copy": FLOOR, "opencv": OPENCV, "scipy": SCIPY}
    return [row(case, names[each], took) for each, took in ms.items()]


def section(name: str, found: Iterable[dict[str, Any]], **more: Any) -> dict[str, Any]:
    machine = {
        "name": "Abacus 9, 2 cores",
        "folder": "abacus-9-2-cores",
        "system": "Linux x86_64",
        "python": "3.12.1",
        "versions": {"gpuconv": "0.1", "scipy": "1.17"},
    }
    head = {"machine": machine, "device": "cpu", "date": "", "gpuconv": "0.1", "options": {}}
    command = f"gpuconv bench --section {name}"
    return {**head, "command": command, "complete": True, "rows": list(found), **more}


def kept(folder: Path, **sections: dict[str, Any]) -> Record:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"schema": 1, "sections": sections})
    (folder / "bench.json").write_text(text, "utf-8")
    return next(each for each in records(folder.parent) if each.folder == folder)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def compared(results: Path) -> Record:
    """Two cases: gpuconv is behind OpenCV in one, ahead of everyone in the other."""
    found = [
        *rows(MEDIAN, ours=8.0, copy=1.0, opencv=2.0, scipy=400.0),
        *rows(DENSE, ours=4.0, copy=1.0, opencv=6.0, scipy=16.0),
    ]
    return kept(results / "abacus-9-2-cores", table=section("table", found))


@pytest.fixture
def complete(results: Path) -> Record:
    """Every section, small."""
    small = [row(MEDIAN, OURS, 0.02), row(MEDIAN, OPENCV, 0.01), row(MEDIAN, FLOOR, 0.001)]
    frames = [{**each, "per_second": 50.0 * (n + 1)} for n, each in enumerate(small)]
    return kept(
        results / "abacus-9-2-cores",
        table=section("table", rows(MEDIAN, ours=8.0, copy=1.0, opencv=2.0)),
        growth=section("growth", grown()),
        small=section("small", small),
        first=section("first", [first(OURS, 0.15), first(SCIPY, 0.3)]),
        memory=section("memory", [memory(OURS, 3 << 20), memory(SCIPY, 100 << 20)]),
        throughput=section("throughput", frames),
    )


def grown() -> list[dict[str, Any]]:
    where = {"across": "σ, pixels", "last": False}
    sweeps = ("Gaussian f32", "median u8", "image, Gaussian σ=2 f32")
    return [
        {**row(GAUSSIAN, peer, ms * at), **where, "sweep": sweep, "at": at}
        for sweep in sweeps
        for at in (1, 2, 4)
        for peer, ms in ((OURS, 1.0), (OPENCV, 3.0), (FLOOR, 0.1))
    ]


def first(peer: str, seconds: float, cache: str = "") -> dict[str, Any]:
    steps = {"seconds": seconds, "import": 0.05, "first": 0.02, "second": 0.001}
    spreads = {name: {"median": took} for name, took in steps.items()}
    rest = {"rounds": 7, "left_out": "", "error": 0.0, "cache": cache}
    return {"case": GAUSSIAN.name, "peer": peer, **spreads, **rest}


def memory(peer: str, peak: int | None, left_out: str = "") -> dict[str, Any]:
    return {"case": GAUSSIAN.name, "peer": peer, "peak": peak, "left_out": left_out}


def tables(text: str) -> list[list[str]]:
    """Return the cells of all lines of tables."""
    lines = (line for line in text.splitlines() if line.startswith("| "))
    return [line.strip("| ").split(" | ") for line in lines]


def table_row(text: str, *begin: str) -> list[str]:
    found = [cells for cells in tables(text) if cells[: len(begin)] == list(begin)]
    assert len(found) == 1, (begin, found)
    return found[0]


def written(record: Record) -> str:
    return page.page([record], record.folder.parent)


# ------------------------------------------------------------------------ rows, read


def test_a_case_knows_its_floor_its_peers_and_who_is_ahead() -> None:
    found = rows(MEDIAN, ours=8.0, copy=1.0, opencv=2.0, scipy=400.0)
    slower_copy = row(MEDIAN, "copy, by a kernel", 1.6)
    one_thread = row(MEDIAN, "gpuconv, 1 thread", 1.0)
    [line] = lines_of([*found, slower_copy, one_thread])
    assert line.share == pytest.approx(1 / 8)
    assert [each.peer for each in line.peers] == [OPENCV, SCIPY]
    assert [each.peer for each in line.ahead] == [OPENCV]
    assert line.ratio(SCIPY) == pytest.approx(50)
    assert line.ratio("Pillow") is None


@pytest.mark.parametrize(("ms", "clear"), [(9.0, False), (6.0, True), (11.0, True)])
def test_what_times_are_spread_by_is_no_difference(ms: float, clear: bool) -> None:
    [line] = lines_of(rows(MEDIAN, ours=8.0, opencv=ms))
    assert line.clear(line.timed[OPENCV]) is clear


def test_records_of_another_form_are_none(results: Path, compared: Record) -> None:
    for name, text in (("old", '{"benchmarks": []}'), ("empty", '{"schema": 1, "sections": {}}')):
        (results / name).mkdir()
        (results / name / "bench.json").write_text(text)
    assert [each.folder for each in records(results)] == [compared.folder]


# ------------------------------------------------------------------------ who is ahead


def test_where_a_peer_is_ahead_stands_first_with_factor_and_reason(compared: Record) -> None:
    text = written(compared)
    assert "A peer is ahead in 1 of 2 cases; gpuconv in the rest." in text
    assert table_row(text, MEDIAN.name, "8.00", OPENCV) == [
        MEDIAN.name,
        "8.00",
        OPENCV,
        "2.00",
        "4.0",
    ]
    assert text.index("**Networks in registers.**") < text.index(f"| {MEDIAN.name} | 8.00")
    headings = re.findall("^## (.*)$", text, re.M)
    assert headings[0] == "Where a peer is ahead, and why"


def test_a_row_without_a_reason_says_so(results: Path) -> None:
    unheard = [row(DENSE, OURS, 4.0), row(DENSE, "Unheard of", 2.0)]
    text = written(kept(results / "abacus", table=section("table", unheard)))
    assert "**No reason known.** Nobody has looked into these rows yet." in text


def test_others_that_are_ahead_and_noise_are_told(results: Path) -> None:
    found = [*rows(DENSE, ours=4.0, opencv=3.7), row(DENSE, "OpenCV, 1 thread", 3.9)]
    text = written(kept(results / "abacus", table=section("table", found)))
    assert "in 1 of 1 cases (1 of them by no more than the times are spread)." in text
    assert table_row(text, DENSE.name, "4.00")[2:] == [
        f"{OPENCV} (OpenCV, 1 thread)",
        "3.70",
        "~ 1.1",
    ]


def test_being_ahead_everywhere_is_a_sentence(results: Path) -> None:
    found = rows(DENSE, ours=4.0, copy=1.0, scipy=9.0)
    text = written(kept(results / "abacus", table=section("table", found)))
    assert "gpuconv is ahead of every peer in all 1 cases." in text


def test_a_reason_is_of_a_peer_a_filter_and_a_device() -> None:
    [line] = lines_of(rows(Case(Canny(), "uint8", (64, 64)), ours=8.0, opencv=2.0, scipy=3.0))
    opencv, scipy = line.ahead
    assert reasons.reason(opencv, "cpu").title == "Edges followed from pixel to pixel"
    assert reasons.reason(scipy, "cpu") is reasons.UNKNOWN
    assert reasons.reason(opencv, "cuda") is reasons.UNKNOWN


@pytest.mark.parametrize("reason", reasons.REASONS, ids=lambda each: each.title)
def test_every_reason_can_be_that_of_some_row(reason: reasons.Reason) -> None:
    every = possible(reason.device)
    assert any(reasons.reason(each, reason.device) is reason for each in every)


@cache
def possible(device: str) -> list[Row]:
    return [Row.of(case, peer) for case in CASES for peer in peers(device)]


# ------------------------------------------------------------------------ the table


def test_ratios_to_the_floor_and_to_the_fastest_peer_are_those_of_the_record(
    compared: Record,
) -> None:
    text = written(compared)
    behind = [MEDIAN.name, "1.00", "8.00", "12 %", OPENCV, "2.00", "**0.25**"]
    assert table_row(text, MEDIAN.name, "1.00") == behind
    assert table_row(text, DENSE.name, "1.00")[2:] == ["4.00", "25 %", OPENCV, "6.00", "1.5"]


def test_means_over_cases_are_geometric(compared: Record) -> None:
    # 2 / 8 and 6 / 4: their product is 0.375; 400 / 8 and 16 / 4: 200.
    text = written(compared)
    assert table_row(text, OPENCV) == [
        OPENCV,
        "2",
        "**0.61**",
        "1.5",
        "0.25",
        "–",
        "0.25",
        "1.5",
        "1",
    ]
    assert table_row(text, SCIPY)[:5] == [SCIPY, "2", "**14**", "4.0", "50"]


def test_the_full_page_has_every_number(compared: Record) -> None:
    found = page.written([compared], compared.folder.parent)[compared.folder / "bench.md"]
    want = [SCIPY, "400", "360", "440", "50", "15", "0", "0", "`library.function`"]
    assert table_row(found, SCIPY, "400") == want
    assert table_row(found, "**gpuconv**", "8.00")[1:5] == ["8.00", "7.20", "8.80", "1.0"]


def test_estimates_and_differences_are_marked(results: Path) -> None:
    scaled = row(DENSE, SCIPY, 90.0, part=0.25, error=2.0, allowed=3.0, because="cuts off")
    found = [*rows(DENSE, ours=4.0), scaled]
    record = kept(results / "abacus", table=section("table", found))
    full = page.written([record], results)[record.folder / "bench.md"]
    cells = table_row(full, SCIPY)
    assert cells[1:4] == ["≈ 90.0", "≈ 81.0", "≈ 99.0"]
    assert cells[-3:] == ["2", "3", "`library.function`; cuts off"]


def test_who_was_left_out_is_told_with_the_reason(results: Path) -> None:
    absent = [row(case, "Pillow", None, left_out="has none") for case in (DENSE, MEDIAN)]
    wrong = row(DENSE, SCIPY, None, left_out="wrong: largest error 3, 1 allowed")
    found = [*rows(DENSE, ours=4.0), *rows(MEDIAN, ours=4.0), *absent, wrong]
    record = kept(results / "abacus", table=section("table", found))
    full = page.written([record], results)[record.folder / "bench.md"]
    assert table_row(full, "Pillow") == ["Pillow", "has none", "all"]
    assert table_row(full, SCIPY) == [SCIPY, wrong["left_out"], DENSE.name]


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


def test_the_sentence_about_who_is_ahead_counts_what_was_compared() -> None:
    found = Section("table", [*rows(DENSE, ours=4.0), *rows(MEDIAN, ours=4.0, scipy=5.0)])
    assert ahead.summary(found) == "gpuconv is ahead of every peer in all 1 cases."
