"""What the kernels' machine code costs, counted by running it without a GPU (``make static``)."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import cases
from benchmarks.static import budget, nvrtc, predict, report, sass
from benchmarks.static.cases import CASES
from benchmarks.static.neighbours import NEIGHBOURS
from benchmarks.static.stages import STAGES
from gpuconv.backends.cuda import source

HEADER = (
    f"{'case':<32}{'registers':>10}{'warps':>6}{'instr/px':>10}{'steady':>8}{'budget':>8}{'bytes/px':>10}"
    f"{'halo':>7}{'sectors/load':>14}{'/store':>8}{'conflicts':>11}{'copy':>6}"
)

NOTES = """
instr/px: lane-instructions per output element, of an inner block for {arch}, NVRTC {nvrtc}.
steady: the same for one more row of a block that marches down; that is what has a budget.
conflicts: passes through shared memory over the fewest possible.
copy: predicted share of a copy's speed on an H200, from bytes, instructions and passes alone;
      – where a library transforms (which is not counted), or pixels are read twice, long apart."""


def line(row: report.Row) -> str:
    """Return a row of the table."""
    allowed = f"{row.budget:g}" if row.budget is not None else "–"
    copy = f"{row.copy:.0%}" if row.copy is not None else "–"
    return (
        f"{row.case:<32}{row.registers:>10}{row.warps:>6}{row.instructions:>10.1f}{row.steady:>8.1f}{allowed:>8}"
        f"{row.bytes:>10.2f}{row.halo:>7.1%}{row.load_sectors:>14.1f}{row.store_sectors:>8.1f}"
        f"{row.conflicts:>11.2f}{copy:>6}"
    )


def details(row: report.Row) -> str:
    """Return the programs of a row, and its instructions by kind."""
    kinds = "  ".join(f"{kind} {count:.2f}" for kind, count in row.mix.items())
    efficiency = row.mix.get("fma", 0) / row.instructions
    return "\n".join([*(f"    {each}" for each in row.instances), f"    {efficiency:.0%}: {kinds}"])


def table(options: argparse.Namespace) -> int:
    """Print the cases; return 1 if one is over its budget and that matters."""
    print(HEADER)
    rows, misses = [], []
    for case in (*CASES, *NEIGHBOURS, *STAGES):
        if options.case and not any(part in case.name for part in options.case):
            continue
        try:
            rows.append(report.measure(case, options.arch))
        except (NotImplementedError, nvrtc.CompileError) as error:
            misses.append(f"{case.name}: cannot be counted: {error}")
            continue
        print(line(rows[-1]), flush=True)
        if options.mix:
            print(details(rows[-1]), flush=True)
    print(NOTES.format(arch=f"sm_{options.arch}", nvrtc=nvrtc.version()))
    misses += [miss for row in rows for miss in row.misses]
    print("\n".join(["", *misses] if misses else ["", "all budgets are kept"]))
    if options.json:
        record = {"arch": options.arch, "nvrtc": nvrtc.version()}
        text = json.dumps(record | {"rows": [row.json() for row in rows]}, indent=2)
        options.json.write_text(text + "\n", "utf-8")
    return int(bool(misses) and options.check)


def suite(options: argparse.Namespace) -> int:
    """Print a prediction for each case of the bench; nothing is measured."""
    print(predict.HEADER)
    rows: list[dict[str, Any]] = []
    for case in cases.chosen(cases.CASES, options.case or ()):
        rows.append(predict.predicted(case, options.arch))
        print(predict.line(rows[-1]), flush=True)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(predict.record(rows, options.arch), indent=1, ensure_ascii=False)
        options.json.write_text(text + "\n", "utf-8")
    return 0


def listing(options: argparse.Namespace) -> int:
    """Print the resources of any kernel in a file, and the instructions of each of its loops."""
    path = options.file
    ours = path.resolve().parent == source.folder().resolve()
    text = source.inlined(path.name) if ours else path.read_text("utf-8")
    entry = options.entry or path.stem
    built = nvrtc.build(text, entry, options.arch, [f"-D{each}" for each in options.define])
    print(f"sm_{options.arch}, NVRTC {nvrtc.version()}, {built.milliseconds:.0f} ms")
    print(", ".join(f"{key} {value}" for key, value in vars(built.resources).items()))
    code = sass.disassemble(built.cubin, entry)
    kinds = [*sass.KINDS, "other"]
    print(f"\n{'part':<18}{'depth':>6}{'all':>7}" + "".join(f"{each:>9}" for each in kinds))
    whole = sass.Loop(0, len(code.instructions) - 1, 0)
    for loop in [whole, *code.loops()]:
        counts = sass.mix(code.instructions[loop.first : loop.last + 1])
        name = "all of it" if loop is whole else f"loop {loop.first}–{loop.last}"
        row = "".join(f"{counts[each]:>9}" for each in kinds)
        print(f"{name:<18}{loop.depth:>6}{counts.total():>7}{row}")
    return 0


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.static", description=__doc__)
    parser.add_argument("--arch", type=int, default=90, help="80 is sm_80 (default: 90)")
    parser.add_argument("--case", action="append", metavar="TEXT", help="only cases named so")
    parser.add_argument("--mix", action="store_true", help="print instructions by kind, FMA share")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers here as well")
    parser.add_argument("--check", action="store_true", help="fail where a budget is not kept")
    parser.add_argument(
        "--write-budget", action="store_true", help=f"compile all instances, write {budget.FILE}"
    )
    parser.add_argument(
        "--suite", action="store_true", help="the cases of gpuconv bench: times predicted of GPUs"
    )
    any_ = parser.add_argument_group("any kernel, its loops counted as they stand")
    any_.add_argument("--file", type=Path, help="a source; headers of kernels_cuda are put in")
    any_.add_argument("--entry", help="its kernel (default: the file's name)")
    any_.add_argument("-D", dest="define", action="append", default=[], metavar="NAME=VALUE")
    return parser.parse_args()


def main() -> int:
    """Do what the command line says."""
    options = arguments()
    if lacking := nvrtc.lacking() or sass.lacking():
        print(lacking, file=sys.stderr)
        return 2
    if options.write_budget:
        return budget.write()
    if options.suite:
        return suite(options)
    return listing(options) if options.file else table(options)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except nvrtc.CompileError as error:
        sys.exit(str(error))
