"""The benchmark, run small: it prints every case for every library, and refuses wrong results."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture
def bench(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import ``benchmarks/bench.py`` as it imports itself: from its own folder."""
    monkeypatch.syspath_prepend(root / "benchmarks")
    return importlib.import_module("bench")


def run(root: Path, *arguments: str) -> str:
    command = [sys.executable, "benchmarks/bench.py", "--size", "96", "--repeat", "2", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def test_every_case_meets_every_library(root: Path, tmp_path: Path) -> None:
    record = tmp_path / "results" / "small.json"
    printed = run(root, "--json", str(record))
    read = json.loads(record.read_text("utf-8"))
    pairs = [(row["case"], row["peer"]) for row in read["results"]]
    cases = ["dense 3×3", "dense 5×5", "dense 15×15", "Gaussian σ=3"]
    assert pairs == [(case, peer) for case in cases for peer in ("gpuconv", "SciPy")]
    assert all(case in printed for case in cases)
    assert {"cpu", "cores", "NumPy", "SciPy", "gpuconv"} <= set(read["machine"])
    assert all(0 < row["p10"] <= row["ms"] <= row["p90"] for row in read["results"])
    assert all(row["times_faster"] == 1 for row in read["results"] if row["peer"] == "gpuconv")


def test_nothing_is_written_unless_asked(root: Path) -> None:
    before = sorted((root / "benchmarks").rglob("*.json"))
    assert "dense 3×3" in run(root)
    assert sorted((root / "benchmarks").rglob("*.json")) == before


def test_a_wrong_result_is_not_timed(bench: ModuleType) -> None:
    right = np.ones((4, 4), np.float32)
    assert bench.check("us, case", right, right, 1e-6) == 0
    with pytest.raises(SystemExit, match=r"us, case: largest error 0\.1 is over 1e-06"):
        bench.check("us, case", right + np.float32(0.1), right, 1e-6)
    with pytest.raises(SystemExit, match="largest error nan"):
        bench.check("us, case", right * np.float32("nan"), right, 1e-6)


@pytest.mark.parametrize("size", [100, 512, 1500])
def test_the_image_is_a_photograph_of_any_size(bench: ModuleType, size: int) -> None:
    for case in bench.CASES:
        image = case.image(size)
        assert image.shape == (size, size)
        assert image.dtype == np.float32
        assert image.std() > 3


def test_dense_kernels_cannot_be_taken_apart(bench: ModuleType) -> None:
    dense = [case.weights for case in bench.CASES if case.weights is not None]
    assert [len(weights) for weights in dense] == [3, 5, 15]
    assert all(np.linalg.matrix_rank(weights) == len(weights) for weights in dense)


def test_calls_take_turns(bench: ModuleType) -> None:
    order: list[str] = []
    seconds = bench.interleaved([lambda: order.append("a"), lambda: order.append("b")], 3)
    assert order == ["a", "b"] * 3
    assert seconds.shape == (3, 2)
    assert (seconds >= 0).all()
