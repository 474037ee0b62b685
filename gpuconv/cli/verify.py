"""``gpuconv verify``: does this device compute right?"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO

from gpuconv.backends.cuda import source
from gpuconv.backends.device import ordinal
from gpuconv.border import MODES
from gpuconv.cli.interrupt import EXIT_INTERRUPTED
from gpuconv.cli.parser import Parser
from gpuconv.cli.streams import emit, plain
from gpuconv.errors import ArgumentError, choose
from gpuconv.verify import CASES, FAR, QUICK, Outcome, Report, ledger, verify
from gpuconv.verify.machine import Machine, file_safe, machine

__all__ = ["main"]

_EXAMPLES = """\
examples:
  gpuconv verify
  gpuconv verify --device cuda:1 --quick
  gpuconv verify --family separable --record
  gpuconv verify --device cpu

The table has a row for each kernel family and dtype, and a column for each border: the largest
error as a part of what is allowed, '=' where all values are the definition's. Integer weights over
integer pixels are allowed no error. Exit codes: 0 all is right, 1 something is not, 2 usage,
4 the device is unavailable, 130 interrupted."""

#: Misses that are shown, and characters of each: a broken kernel has hundreds, and they are alike.
_SHOWN, _LONGEST = 10, 400
#: Seconds between signs of progress, on a terminal and elsewhere.
_REDRAW, _LINE = 0.1, 10.0


def main(arguments: Sequence[str]) -> int:
    """Verify, show, record."""
    options = _options(arguments)
    known = machine(options.device) if options.record else None
    folder = _folder(options.results, known) if known else None
    report, start = Report(options.device, 0), perf_counter()
    progress = _Progress(sys.stderr)
    interrupted = False
    try:
        cases = QUICK if options.quick else (*CASES, *FAR)
        families, seed = options.family, options.seed
        verify(options.device, cases, families=families, seed=seed, watch=progress, report=report)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        progress.close()
    seconds = perf_counter() - start
    if options.json:
        text = json.dumps(report.json() | {"seconds": round(seconds, 1)}, indent=2)
        print(text, flush=True)
    else:
        print("\n".join(_page(report, seconds)), flush=True)
    if known and folder and (report.misses or not interrupted):
        path = ledger.record(folder, report, known, options.family)
        print(f"recorded in {plain(str(path))}", file=sys.stderr)
    if interrupted:
        return EXIT_INTERRUPTED
    return 0 if report.right else 1


def _options(arguments: Sequence[str]) -> Any:
    parser = Parser(
        "gpuconv verify",
        "Compute a table of cases on a device and compare each with the definition.",
        _EXAMPLES,
    )
    add = parser.add_argument
    add("--device", default="cuda", help="cuda, cuda:N or cpu (default: %(default)s)")
    add("--quick", action="store_true", help="a small part of the cases")
    add("--family", action="append", default=[], metavar="NAME", help="only this kernel family")
    add("--seed", type=int, default=0, metavar="N", help="of the random images (default: 0)")
    add("--record", action="store_true", help="write the ledger of this GPU")
    add("--results", type=Path, metavar="DIR", help="where the ledger is (default: the checkout's)")
    add("--json", action="store_true", help="print JSON")
    add("-v", "--verbose", action="store_true", help="show where a bug happened")
    options = parser.read(arguments)
    for family in options.family:
        choose("--family", family, source.families(), "a kernel family")
    if options.seed < 0:
        raise ArgumentError(f"--seed {options.seed} must not be negative")
    if options.family and options.device == "cpu":
        raise ArgumentError("--family needs a GPU: the CPU engine has no kernel families")
    if options.record and options.quick:
        raise ArgumentError("--record needs all cases: leave out --quick")
    if options.results and not options.record:
        raise ArgumentError("--results is where --record writes: add --record")
    return options


def _folder(results: Path | None, known: Machine) -> Path:
    return results or ledger.default_folder() / file_safe(known.device)


class _Progress:
    """What is being done: on a line that changes on a terminal, on lines now and then elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = perf_counter()

    def __call__(self, doing: str, done: int, total: int) -> None:
        now = perf_counter()
        if now - self._shown >= (_REDRAW if self._terminal else _LINE):
            self._shown = now
            line = f"{doing} {done}/{total}"
            emit(f"\r\x1b[K{line}" if self._terminal else f"{line}\n", self._stream)

    def close(self) -> None:
        """Take the line away."""
        if self._terminal:
            emit("\r\x1b[K", self._stream)


# ------------------------------------------------------------------------ the table


def _page(report: Report, seconds: float) -> Iterator[str]:
    """Yield the lines of the table, the misses and the summary."""
    for family in report.families:
        yield from _table(report, family)
        yield ""
    for outcome in _telling(report.misses)[:_SHOWN]:
        yield plain(f"miss: {outcome.miss}")[:_LONGEST]
    if (more := len(report.misses) - _SHOWN) > 0:
        yield f"… and {more} misses more"
    yield from (plain(f"left out: {line}") for line in report.left_out)
    yield _summary(report, seconds)


def _telling(misses: Sequence[Outcome]) -> list[Outcome]:
    """Return the misses, the first of each kernel family and dtype before those like it."""
    first = {(each.families, each.dtype): each for each in reversed(misses)}
    told = set(map(id, first.values()))
    return sorted(misses, key=lambda each: id(each) not in told)


def _table(report: Report, family: str) -> Iterator[str]:
    borders = (*MODES, "pairs")
    heads = "".join(f"{border:>10}" for border in borders)
    yield f"{family:<12}{'cases':>6}{heads}{'largest':>11}  verdict"
    for dtype in dict.fromkeys(outcome.dtype for outcome in report.outcomes):
        row = report.of(family, dtype)
        if row.cases:
            parts = (report.of(family, dtype, border) for border in borders)
            cells = "".join(f"{_part(one.units) if one.cases else '':>10}" for one in parts)
            verdict = f"{row.misses} missed" if row.misses else "right"
            yield f"  {dtype:<10}{row.cases:>6}{cells}{_size(row.absolute):>11}  {verdict}"


def _part(units: float) -> str:
    """Return an error as a part of what is allowed."""
    if units == 0:
        return "="
    return f"{units:.2f}" if units < 1000 else "> 1000" if isfinite(units) else "wrong"


def _size(absolute: float) -> str:
    return f"{absolute:.2g}" if isfinite(absolute) else "infinite"


def _summary(report: Report, seconds: float) -> str:
    done, missed = len(report.outcomes), len(report.misses)
    device = f"cuda:{ordinal(report.device) or 0}" if report.device != "cpu" else "cpu"
    of = f"{done} cases" if report.complete else f"{done} of {report.total} cases"
    verdict = f"{missed} missed" if missed else "all right" if report.right else "none missed"
    stopped = f"; {plain(report.stopped)}" if report.stopped else ""
    return f"{device}: {of} in {seconds:.0f} s, {verdict}{stopped}"
