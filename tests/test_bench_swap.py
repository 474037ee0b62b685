"""``make swap``, run small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cpu import swap

ROWS = [f"{call}, {dtype}" for call, dtype in swap.CALLS]


def test_there_are_twenty_calls_of_many_functions() -> None:
    assert len(set(swap.CALLS)) == 20
    assert len({call.partition("(")[0] for call, _ in swap.CALLS}) > 12
    assert {call.partition("(")[0] for call, _ in swap.CALLS} <= set(swap.ours.__all__)


@pytest.mark.parametrize(("call", "dtype"), swap.CALLS, ids=ROWS)
def test_results_are_those_of_scipy(call: str, dtype: str) -> None:
    row = swap.raced(call, dtype, 64, 0.0, rounds=1)
    assert row.right, row.off
    assert {name: len(times) for name, times in row.seconds.items()} == {
        "gpuconv": 1,
        "one core": 1,
        "SciPy": 1,
    }


@pytest.mark.parametrize("call", swap.COSTS)
def test_the_calls_of_the_core_are_found_and_timed(call: str) -> None:
    found = swap.cost(call, rounds=3)
    assert found.calls >= 1
    assert found.core > 0
    assert found.stand_in > 0


def made(ours: float, scipy: float, off: float = 0.0) -> swap.Row:
    return swap.Row("it(image)", "uint8", (9, 9), off, {"gpuconv": [ours], "SciPy": [scipy] * 2})


def test_rows_that_lose_or_differ_are_named_first() -> None:
    costs = [swap.Cost("it(image)", 30e-6, 20e-6, 1)]
    told = swap.summary([made(1, 2), made(2, 1), made(1, 2, off=0.1)], costs)
    assert told[0] == "The stand-in is ahead of SciPy in 2 of 3 rows."
    assert ["× 0.5" in told[1], "DIFFERS by 0.1" in told[2]] == [True, True]
    assert told[-1] == "It costs at most 10.0 µs over the calls of the core."


def test_the_table_is_written_and_the_numbers_kept(root: Path, tmp_path: Path) -> None:
    words = ["swap", "--sizes", "64", "--only", "laplace(image)", "--seconds", "0.1"]
    command = [sys.executable, "-m", "benchmarks.cpu", *words, "--results", str(tmp_path)]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    record = json.loads((tmp_path / "swap.json").read_text("utf-8"))
    assert [row["call"] for row in record["rows"]] == ["laplace(image)"]
    assert len(record["costs"]) == len(swap.COSTS)
    page = (tmp_path / "swap.md").read_text("utf-8")
    assert page.count("\n| `") == 1 + len(swap.COSTS)
    assert "laplace(image), float64: gpuconv" in done.stdout
