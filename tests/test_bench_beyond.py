"""``make beyond``, ``make windows`` and ``make selection``, run small."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.cpu import selection
from benchmarks.cpu.beyond import alike, images, ranks, table
from benchmarks.cpu.beyond.case import OURS, Case, Peer
from benchmarks.cpu.beyond.cases import CASES
from benchmarks.cpu.beyond.race import Entry, Limits, Row, race
from benchmarks.cpu.timing import Clock

Array = NDArray[Any]

ONCE = Limits(call=60, contender=0, rounds=1)


def run(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.cpu", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}, {case.dtype}")
def test_all_libraries_compute_the_same(case: Case) -> None:
    row = race(case, 96, ONCE)
    assert {name: each.left_out for name, each in row.entries.items() if each.left_out} == {}
    assert all(len(entry.seconds) == 1 for entry in row.entries.values())
    assert row.right
    assert next(iter(row.entries)) == OURS


def test_medians_bilateral_means_and_restoration_are_among_the_rows() -> None:
    rows = {(case.name, case.dtype) for case in CASES}
    for dtype in ("uint8", "float32"):
        assert {(f"median {side}×{side}", dtype) for side in (3, 5, 11, 31)} <= rows
        assert {("bilateral 9", dtype), ("nl_means 7/11", dtype)} <= rows
    assert ("Richardson–Lucy, 30 iterations", "float32") in rows


@pytest.mark.parametrize("content", images.CONTENTS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_images_are_photographs_of_any_size(content: str, dtype: str) -> None:
    image = images.CONTENTS[content](70, dtype)
    assert image.shape == ((70, 70, 3) if "colours" in content else (70, 70))
    assert image.dtype == dtype
    assert image.flags.c_contiguous
    assert len(np.unique(image)) > 40
    assert image.max() <= (1 if dtype == "float32" else np.iinfo(dtype).max)


def peer(library: str, add: float = 0.0, **options: Any) -> Peer:
    def call(image: Array, out: Array) -> Array:
        return np.add(image, np.asarray(add, image.dtype), out=out)

    return Peer(library, "np.add", call, **options)


def small(*peers: Peer, dtype: str = "uint8") -> Case:
    return Case("it", dtype, peers)


def test_who_differs_is_not_timed() -> None:
    row = race(
        small(peer(OURS), peer("SciPy", 2, limit=1), peer("scikit-image", 1, limit=1)), 64, ONCE
    )
    assert row.entries["SciPy"].left_out == "differs: largest 2, 1 allowed"
    assert not row.entries["SciPy"].seconds
    assert row.entries["scikit-image"].seconds
    assert (row.entries["scikit-image"].off, row.right) == (1, False)


def test_differences_of_floats_are_in_levels() -> None:
    case = small(peer(OURS), peer("SciPy", 1 / 255, measure="mean", limit=1.01), dtype="float32")
    assert race(case, 64, ONCE).entries["SciPy"].off == pytest.approx(1, rel=1e-4)


def test_a_share_of_pixels_may_differ() -> None:
    def call(image: Array, out: Array) -> Array:
        out[...] = image
        out[0] = ~image[0]
        return out

    case = small(peer(OURS), Peer("OpenCV", "it", call, 0.5, "share"))
    entries = race(case, 64, ONCE).entries
    assert entries["OpenCV 1"].off == entries["OpenCV 2"].off == 1 / 64


def test_one_that_breaks_is_left_out() -> None:
    def breaks(image: Array, out: Array) -> Array:
        warnings.warn("of many bins", stacklevel=1)
        raise RuntimeError("no room")

    row = race(small(peer(OURS), Peer("SciPy", "it", breaks)), 64, ONCE)
    assert row.entries["SciPy"].left_out == "failed: RuntimeError: no room"
    assert row.entries[OURS].seconds


def test_one_that_is_slow_is_timed_on_fewer_rows() -> None:
    seen = list[int]()

    def call(image: Array, out: Array) -> Array:
        seen.append(len(image))
        return image

    limits = Limits(call=1e-9, contender=0, rounds=5)
    row = race(small(peer(OURS), Peer("SciPy", "it", call)), 512, limits)
    assert seen == [128, 128, 128]
    assert row.entries["SciPy"].part == 0.25
    assert "≈" in table.line(row)
    assert not race(small(peer(OURS)), 512, limits, without=frozenset({OURS})).entries


def test_rounds_end_with_the_time_of_a_contender() -> None:
    row = race(small(peer(OURS)), 64, Limits(call=60, contender=60, rounds=4, turn=2))
    assert len(row.entries[OURS].seconds) == 8


def made(name: str, **milliseconds: float) -> Row:
    names = {"ours": OURS, "scipy": "SciPy", "opencv": "OpenCV 2"}
    entries = {
        names[k]: Entry("call", seconds=[ms / 1e3, 3 * ms / 1e3]) for k, ms in milliseconds.items()
    }
    return Row(name, "uint8", entries)


def test_the_first_lines_say_where_peers_are_ahead() -> None:
    rows = [made("a", ours=2, scipy=4, opencv=1), made("b", ours=2, scipy=3), made("c", ours=1)]
    told = table.summary(rows)
    assert "gpuconv is ahead of SciPy and scikit-image in 2 of 2 rows." in told
    assert "gpuconv is ahead of OpenCV in 0 of 1 rows." in told
    assert "- a, uint8: OpenCV 2 takes 1 (× 0.5) ms, gpuconv 2 times that" in told
    page = table.markdown(rows, 64, "a machine")
    assert "| a | uint8 | 2 | 4 (× 2) |  |  | 1 (× 0.5) |" in page
    assert "| b | uint8 | 4 | 6 (× 1.5) |  |  |  |" in page  # medians
    rows[1].entries["SciPy"].left_out = "failed: it broke"
    assert "- b, uint8: SciPy failed: it broke" in table.summary(rows)


def test_the_table_is_written_and_the_numbers_kept(root: Path, tmp_path: Path) -> None:
    words = ["--sizes", "64", "--only", "median 3×3", "Sobel", "--results", str(tmp_path)]
    printed = run(root, "beyond", *words)
    page = (tmp_path / "beyond.md").read_text("utf-8")
    record = json.loads((tmp_path / "beyond.json").read_text("utf-8"))
    assert [row["name"] for row in record["rows"]] == ["median 3×3", "Sobel magnitude"] * 2
    entries = record["rows"][0]["entries"]
    assert set(entries) == {OURS, "SciPy", "scikit-image", "OpenCV 1", "OpenCV 2"}
    assert all(len(entry["seconds"]) > 1 for entry in entries.values())
    assert "scikit-image" in record["machine"]
    assert printed.count("median 3×3") >= 2
    assert "| median 3×3 | float32 | SciPy | `ndimage.median_filter` | largest 0 | 0 |" in page


def test_growth_with_the_window_is_recorded_and_drawn(root: Path, tmp_path: Path) -> None:
    run(root, "windows", "--taps", "3", "5", "--sizes", "40", "--results", str(tmp_path))
    record = json.loads((tmp_path / "windows.json").read_text("utf-8"))["sweeps"]
    assert len(record) == 6
    for name, sweep in record.items():
        assert sweep["lengths"] == [3, 5]
        assert all(point[OURS] > 0 for point in sweep["seconds"])
        assert "OpenCV 2" in sweep["seconds"][0] or name == "search"
    assert (tmp_path / "windows.png").read_bytes().startswith(b"\x89PNG")


def test_the_choice_for_rank_filters_is_judged(root: Path, tmp_path: Path) -> None:
    words = ["--taps", "3", "--sizes", "40", "--results", str(tmp_path)]
    printed = run(root, "selection", *words)
    page = (tmp_path / "selection.md").read_text("utf-8")
    assert "of 9 cells the planner's choice is within 15 %" in printed
    assert page.count("\n| median 3 |") == page.count("\n| minimum 3 |") == 3
    assert "| ndimage | opencv 1 | opencv 2 |" in page


def test_an_algorithm_without_hope_is_not_timed() -> None:
    cell = selection.Selection("median", 5, "float32", 64)
    row = selection.measured(cell, Clock(limit=0))
    assert set(row.times.values()) == {None}
    assert row.loss == 1


def test_rank_filters_are_timed_with_every_algorithm_that_can() -> None:
    cell = selection.Selection("median", 3, "uint8", 64)
    names = [name for name, _ in selection.calls(cell)]
    assert names[0] == "auto"
    assert names[-3:] == ["ndimage", "opencv 1", "opencv 2"]
    assert set(names[1:-3]) <= set(selection.METHODS)
    assert "opencv 1" not in dict(selection.calls(replace(cell, dtype="float32", taps=7)))


def test_scikit_image_is_left_out_where_it_calls_scipy() -> None:
    for dtype, own in (("uint8", True), ("float32", False)):
        libraries = {peer.library for peer in ranks.median(3, dtype).peers}
        assert ("scikit-image" in libraries) is own
    assert {peer.library for peer in alike.nl_means(7, 3, "float32").peers} == {
        OURS,
        "scikit-image",
    }
