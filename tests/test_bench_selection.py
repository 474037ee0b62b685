"""``make selection``, run small."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.cpu import selection
from benchmarks.cpu.timing import Clock


def test_the_choice_for_rank_filters_is_judged(root: Path, tmp_path: Path) -> None:
    words = ["selection", "--taps", "3", "--sizes", "40", "--results", str(tmp_path)]
    command = [sys.executable, "-m", "benchmarks.cpu", *words]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    page = (tmp_path / "selection.md").read_text("utf-8")
    assert "of 9 cells the planner's choice is within 15 %" in done.stdout
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
