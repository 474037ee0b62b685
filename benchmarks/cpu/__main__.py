"""What the planner chooses on this CPU, how time grows, what memory a call takes, who is faster."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.cpu.machine import described
from benchmarks.cpu.timing import Clock

RESULTS = Path(__file__).parents[1] / "results" / "cpu"


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cpu", description=__doc__)
    add = parser.add_argument
    add("what", choices=tuple(_MEASURED))
    add("--taps", type=int, nargs="+", help="sides of the kernels, or of the windows")
    add("--sizes", type=int, nargs="+", help="sides of the images")
    add("--only", nargs="+", metavar="TEXT", help="only rows, or sweeps, named so")
    add("--limit", type=float, default=8, help="leave out calls longer than this (s; %(default)s)")
    add(
        "--seconds",
        type=float,
        default=660,
        help="for all rows of beyond, of swap (default: %(default)g)",
    )
    add("--results", type=Path, default=RESULTS, help="default: benchmarks/results/cpu")
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


def _growth(options: argparse.Namespace) -> None:
    from benchmarks.cpu import growth

    record, clock = dict[str, Any](), Clock(options.limit)
    [size] = options.sizes or [2048]
    for kind, sides in growth.SWEEPS.items():
        taps = tuple(options.taps or sides)
        seconds = growth.swept(kind, taps, "float32", size, clock)
        record[kind] = {"taps": taps, "size": size, "dtype": "float32", "seconds": seconds}
        for side, times in zip(taps, seconds, strict=True):
            figures = ", ".join(f"{k} {1e3 * t:.3g}" for k, t in times.items() if t is not None)
            print(f"{kind} {side}: {figures}", flush=True)
    _recorded(options, "growth", {"sweeps": record})
    growth.draw(record, options.results / "growth.png")


def _recorded(options: argparse.Namespace, name: str, record: dict[str, Any]) -> None:
    text = json.dumps({"machine": described(), **record}, indent=1, ensure_ascii=False)
    (options.results / f"{name}.json").write_text(text + "\n")


def _windows(options: argparse.Namespace) -> None:
    from benchmarks.cpu import windows
    from benchmarks.cpu.beyond.race import Limits

    record = dict[str, Any]()
    for name, sweep in windows.SWEEPS.items():
        lengths = tuple(options.taps or sweep.lengths)
        [size] = options.sizes or [sweep.size]
        limits = Limits(call=min(options.limit, 4), contender=0.6)
        seconds = windows.swept(sweep, lengths, size, limits)
        record[name] = {"lengths": lengths, "size": size, "seconds": seconds}
        for length, point in zip(lengths, seconds, strict=True):
            figures = ", ".join(f"{k} {1e3 * t:.3g}" for k, t in point.items())
            print(f"{name} {length}: {figures}", flush=True)
    _recorded(options, "windows", {"sweeps": record})
    windows.draw(record, options.results / "windows.png")


def _beyond(options: argparse.Namespace) -> int:
    from benchmarks.cpu.beyond import race, table
    from benchmarks.cpu.beyond.cases import CASES

    cases = [case for case in CASES if _wanted(options, f"{case.name}, {case.dtype}")]
    [size] = options.sizes or [2048]
    rows, end = list[race.Row](), time.monotonic() + options.seconds
    for number, case in enumerate(cases):
        contenders = len(case.contenders) * (len(cases) - number)
        share = max(end - time.monotonic(), 0) / contenders
        usual = race.Limits(call=options.limit)
        limits = replace(usual, contender=min(usual.contender, share))
        rows.append(race.race(case, size, limits))
        print(table.line(rows[-1]), flush=True)
        # After each row: the run may be cut off before the last.
        _recorded(options, "beyond", {"size": size, "rows": [asdict(row) for row in rows]})
        page = table.markdown(rows, size, described())
        (options.results / "beyond.md").write_text(page)
    print("\n".join(["", *table.summary(rows)]))
    return int(not all(row.right for row in rows))


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


def _memory(options: argparse.Namespace) -> None:
    from benchmarks.cpu import memory

    [size] = options.sizes or [16384]
    for name in memory.CASES:
        command = [sys.executable, "-c", f"{_BESIDE}print(beside({name!r}, {size}))"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        print(f"{name}, {size}² float32: {float(done.stdout):.1f} MiB beside image and result")


#: Each in a process of its own: what one leaves behind would be there for the next.
_BESIDE = "from benchmarks.cpu.memory import beside; "

_MEASURED: dict[str, Any] = {
    "choice": _choice,
    "growth": _growth,
    "memory": _memory,
    "beyond": _beyond,
    "windows": _windows,
    "selection": _selection,
    "swap": _swap,
}

if __name__ == "__main__":
    sys.exit(main())
