"""What the planner chooses on this CPU, how time grows, what memory a call takes."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.cpu import choice, growth, memory
from benchmarks.cpu.machine import described
from benchmarks.cpu.timing import Clock

RESULTS = Path(__file__).parents[1] / "results" / "cpu"


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cpu", description=__doc__)
    add = parser.add_argument
    add("what", choices=("choice", "growth", "memory"))
    add("--taps", type=int, nargs="+", help="sides of the kernels")
    add("--sizes", type=int, nargs="+", help="sides of the images")
    add("--limit", type=float, default=8, help="leave out calls longer than this (s; %(default)s)")
    add("--results", type=Path, default=RESULTS, help="default: benchmarks/results/cpu")
    return parser.parse_args()


def main() -> int:
    """Measure, print as it goes, and write what was measured."""
    options = arguments()
    {"choice": _choice, "growth": _growth, "memory": _memory}[options.what](
        options, Clock(options.limit)
    )
    return 0


def _choice(options: argparse.Namespace, clock: Clock) -> None:
    taps, sizes = tuple(options.taps or choice.TAPS), tuple(options.sizes or choice.SIZES)
    rows = list[choice.Row]()
    for cell in choice.cells(taps, sizes):
        row = choice.measured(cell, clock)
        rows.append(row)
        figures = ", ".join(
            f"{name} {1e3 * t:.3g}" for name, t in row.times.items() if t is not None
        )
        what = f"{cell.kind} {cell.taps}, {cell.dtype}, {cell.size}²"
        print(f"{what}: {row.chosen}, {100 * (row.loss - 1):.0f} % over the best; {figures}")
        sys.stdout.flush()
    said = choice.summary(rows)
    print(said)
    text = ["# What the planner chooses", "", f"`make choice`, on {described()}.", "", said]
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "choice.md").write_text("\n".join([*text, *choice.lines(rows)]) + "\n")


def _growth(options: argparse.Namespace, clock: Clock) -> None:
    record = dict[str, Any]()
    [size] = options.sizes or [2048]
    for kind, sides in growth.SWEEPS.items():
        taps = tuple(options.taps or sides)
        seconds = growth.swept(kind, taps, "float32", size, clock)
        record[kind] = {"taps": taps, "size": size, "dtype": "float32", "seconds": seconds}
        for side, times in zip(taps, seconds, strict=True):
            figures = ", ".join(f"{k} {1e3 * t:.3g}" for k, t in times.items() if t is not None)
            print(f"{kind} {side}: {figures}", flush=True)
    text = json.dumps({"machine": described(), "sweeps": record}, indent=1)
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "growth.json").write_text(text + "\n")
    growth.draw(record, options.results / "growth.png")


def _memory(options: argparse.Namespace, clock: Clock) -> None:
    [size] = options.sizes or [16384]
    for name in memory.CASES:
        command = [sys.executable, "-c", f"{_BESIDE}print(beside({name!r}, {size}))"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        print(f"{name}, {size}² float32: {float(done.stdout):.1f} MiB beside image and result")


#: Each in a process of its own: what one leaves behind would be there for the next.
_BESIDE = "from benchmarks.cpu.memory import beside; "

if __name__ == "__main__":
    sys.exit(main())
