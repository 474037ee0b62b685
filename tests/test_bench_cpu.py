"""``make choice``, run small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.cpu import choice
from benchmarks.cpu.cells import KINDS, Cell
from benchmarks.cpu.contenders import PEERS, algorithms, calls
from benchmarks.cpu.timing import Clock


def run(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.cpu", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def test_the_table_has_every_cell_and_every_contender(root: Path, tmp_path: Path) -> None:
    command = ["choice", "--taps", "3", "9", "--sizes", "64", "--results", str(tmp_path)]
    printed = run(root, *command)
    written = (tmp_path / "choice.md").read_text()
    for kind in KINDS:
        assert printed.count(f"{kind} 9") >= 2
        assert written.count(f"\n| {kind} 9 |") == 2  # float32 and uint8
    for peer in PEERS:
        assert f"| {peer}" in written
    assert "of 16 cells the planner's choice is within 15 %" in printed
    assert "of 16 cells the planner's choice is within 15 %" in written


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_all_contenders_compute_the_same(kind: str, dtype: str) -> None:
    cell = Cell(kind, 7, dtype, 96)
    inner = (slice(8, -8), slice(8, -8))  # SciPy's transforms have zeros outside
    results = {name: call(cell.image).astype(float)[inner] for name, call in calls(cell)}
    assert {"auto", "dense", *PEERS} <= set(results)
    for name, result in results.items():
        # SciPy cuts off what is behind the point after each of two passes over bytes.
        cut = 2 if (name, dtype) == ("ndimage", "uint8") else choice.TOLERANCE[dtype]
        assert np.abs(result - results["opencv 1"]).max() <= cut, name


def test_the_loss_is_beside_the_fastest_algorithm() -> None:
    times = {"auto": 2.1, "dense": 2.0, "separable": 1.0, "fft": None, "ndimage": 0.1}
    row = choice.Row(Cell("box", 3, "uint8", 64), "dense", times)
    assert (row.best, row.loss) == ("separable", 2.0)
    assert "0 % of 1 cells" in choice.summary([row])
    assert "worst is 2.00 times it (box 3, uint8, 64²: dense, separable is fastest)" in (
        choice.summary([row])
    )


def test_what_would_take_too_long_is_left_out() -> None:
    slow: list[int] = []

    def call(image: Any) -> Any:
        slow.append(len(image))
        return image

    image = np.zeros((32, 4))
    assert Clock(limit=0).shortest({"slow": call}, image) == {"slow": None}
    assert slow == [2]
    assert Clock(limit=100, rounds=3).shortest({"slow": call}, image)["slow"] is not None
    assert slow == [2, 2, 2, 32, 32, 32]


def test_the_kernels_are_what_they_are_called() -> None:
    assert "separable" not in algorithms(Cell("dense", 9, "float32", 64))
    assert Cell("rank 2", 9, "float32", 64).kernel.rank(1e-10) == 2
    assert Cell("gaussian", 25, "float32", 64).kernel.shape == (25, 25)
