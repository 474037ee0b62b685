"""What the planner chooses on this CPU, and what the stand-in for SciPy costs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.cpu.machine import described, folder
from benchmarks.cpu.timing import Clock


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cpu", description=__doc__)
    add = parser.add_argument
    add("what", choices=tuple(_MEASURED))
    add("--taps", type=int, nargs="+", help="sides of the kernels, or of the windows")
    add("--sizes", type=int, nargs="+", help="sides of the images")
    add("--only", nargs="+", metavar="TEXT", help="only rows named so")
    add("--limit", type=float, default=8, help="leave out calls longer than this (s; %(default)s)")
    add(
        "--seconds",
        type=float,
        default=660,
        help="for all rows of swap (default: %(default)g)",
    )
    add("--results", type=Path, default=folder(), help="default: %(default)s")
    return parser.parse_args()


def main() -> int:
    """Measure, print as it goes, and write what was measured."""
    options = arguments()
    options.results.mkdir(parents=True, exist_ok=True)
    return _MEASURED[options.what](options) or 0


def _choice(options: argparse.Namespace) -> None:
    from benchmarks.cpu import choice

    taps, sizes = tuple(options.taps or choice.TAPS), tuple(options.sizes or choice.SIZES)
    clock = Clock(options.limit)
    rows = [_shown(choice.measured(cell, clock)) for cell in choice.cells(taps, sizes)]
    _kept(options, "choice", "What the planner chooses", choice.summary(rows), choice.lines(rows))


def _selection(options: argparse.Namespace) -> None:
    from benchmarks.cpu import choice, selection

    sides = tuple(options.taps or selection.SIDES)
    sizes = tuple(options.sizes or selection.SIZES)
    clock = Clock(min(options.limit, 2), seconds=1.0)
    cells = [cell for cell in selection.cells(sides, sizes) if _wanted(options, cell.kind)]
    rows = [_shown(selection.measured(cell, clock)) for cell in cells]
    told, tables = choice.summary(rows), choice.lines(rows, selection.PEERS)
    _kept(options, "selection", "What the planner chooses for rank filters", told, tables)


def _shown(row: Any) -> Any:
    cell, told = row.cell, (f"{k} {1e3 * t:.3g}" for k, t in row.times.items() if t is not None)
    what = f"{cell.kind} {cell.taps}, {cell.dtype}, {cell.size}²"
    loss = f"{100 * (row.loss - 1):.0f} % over the best"
    print(f"{what}: {row.chosen}, {loss}; {', '.join(told)}", flush=True)
    return row


def _kept(options: argparse.Namespace, name: str, title: str, told: str, tables: list[str]) -> None:
    print(told)
    text = [f"# {title}", "", f"`make {name}`, on {described()}.", "", told, *tables]
    (options.results / f"{name}.md").write_text("\n".join(text) + "\n")


def _recorded(options: argparse.Namespace, name: str, record: dict[str, Any]) -> None:
    text = json.dumps({"machine": described(), **record}, indent=1, ensure_ascii=False)
    (options.results / f"{name}.json").write_text(text + "\n")


def _swap(options: argparse.Namespace) -> int:
    from benchmarks.cpu import swap

    calls = [each for each in swap.CALLS if _wanted(options, ", ".join(each))]
    [size] = options.sizes or [1024]
    rows, share = list[swap.Row](), min(options.seconds / len(calls), 6)
    for code, dtype in calls:
        rows.append(swap.raced(code, dtype, size, share))
        print(swap.line(rows[-1]), flush=True)
    # The shares of two thousand rounds are well below ten seconds.
    rounds = int(min(2000, 200 * options.seconds))
    costs = [swap.cost(code, rounds) for code in swap.COSTS]
    _recorded(options, "swap", swap.record(rows, costs))
    (options.results / "swap.md").write_text(swap.markdown(rows, costs, described()))
    print("\n".join(["", *swap.summary(rows, costs)]))
    return int(not all(row.right for row in rows))


def _wanted(options: argparse.Namespace, name: str) -> bool:
    return not options.only or any(text in name for text in options.only)


_MEASURED: dict[str, Any] = {
    "choice": _choice,
    "selection": _selection,
    "swap": _swap,
}

if __name__ == "__main__":
    sys.exit(main())
