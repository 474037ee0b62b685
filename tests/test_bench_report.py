"""The table in the report of the bench: made-up records in, and their numbers out."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from fakes.bench_records import (
    DENSE,
    MEDIAN,
    OPENCV,
    SCIPY,
    compared_in,
    kept,
    row,
    rows,
    section,
    table_row,
    written,
)

from benchmarks.cases import CASES, Case
from benchmarks.filters import Canny
from benchmarks.peers import OURS, peers
from benchmarks.report import ahead, page, reasons
from benchmarks.report.record import Record, Section, lines_of, records
from benchmarks.suite.row import Row


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def compared(results: Path) -> Record:
    return compared_in(results)


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


def test_the_sentence_about_who_is_ahead_counts_what_was_compared() -> None:
    found = Section("table", [*rows(DENSE, ours=4.0), *rows(MEDIAN, ours=4.0, scipy=5.0)])
    assert ahead.summary(found) == "gpuconv is ahead of every peer in all 1 cases."


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
