"""``gpuconv bench``: how fast is it here, beside other libraries and beside a copy?"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO

from gpuconv.backends.cuda import runtime
from gpuconv.cli.bench_suite import suite
from gpuconv.cli.interrupt import EXIT_INTERRUPTED
from gpuconv.cli.parser import Parser
from gpuconv.cli.streams import emit, plain
from gpuconv.errors import ArgumentError, choose
from gpuconv.verify import ledger

__all__ = ["main"]

_EXAMPLES = """\
examples:
  gpuconv bench --quick
  gpuconv bench --case "median 3x3" --peer opencv
  gpuconv bench --device cuda --section all --json times.json
  gpuconv bench --quick --against times.json
  gpuconv bench --list

Results are compared with the definition in float64 before they are timed, and all calls take turns.
A table has milliseconds (the median, the 10th and the 90th percentile), and the median as a
multiple of gpuconv's. Exit codes: 0 all is measured, 1 a result of gpuconv's is wrong, a section
failed, a file cannot be written, or a case is slower than --against says, 2 usage, 3 nothing
matched, 4 the device is unavailable, 130 interrupted: what was measured until then is kept."""

_EXIT_FAILED, _EXIT_NOTHING = 1, 3
#: The section that is run where none is named, and the word for all of them.
_USUAL, _ALL = "table", "all"
#: Back to the first column, and the line cleared.
_CLEAR = "\r\x1b[K"


def main(arguments: Sequence[str]) -> int:
    """Measure, show, record, compare."""
    options = _options(arguments)
    sections = _sections(options.section)
    if options.list:
        print("\n".join(_listed(options.device.partition(":")[0])))
        return 0
    if options.section == [_USUAL]:
        _check_cases(options.case)
    _check_peers(options.peer, options.device.partition(":")[0])
    with suite("suite.place").place(options.device) as place, _Progress(sys.stderr) as progress:
        return _run(options, sections, place, progress)


def _options(arguments: Sequence[str]) -> Any:
    parser = Parser(
        "gpuconv bench",
        "Time filters beside other libraries, and beside a copy of the same bytes.",
        _EXAMPLES,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="only what tells most: a minute or two")
    add("--case", action="append", default=[], metavar="TEXT", help="cases with it in their names")
    add("--peer", action="append", default=[], metavar="TEXT", help="libraries likewise")
    add("--device", default="cpu", help="cpu, cuda or cuda:N (default: %(default)s)")
    add("--section", action="append", default=[], metavar="NAME", help="table (default), …, or all")
    add("--rounds", type=int, metavar="N", help="times that each call is timed")
    add("--seconds", type=float, metavar="S", help="for everything, about")
    add("--json", type=Path, metavar="FILE", help="write what is measured to a file")
    add("--record", action="store_true", help="add it to the record of this machine")
    add("--results", type=Path, metavar="DIR", help="where that is (default: in the checkout)")
    add("--against", metavar="FILE|last", help="tell what is slower or faster than a record says")
    add("--list", action="store_true", help="list cases, libraries and sections; measure nothing")
    add("-v", "--verbose", action="store_true", help="show where a bug happened")
    options = parser.read(arguments)
    options.section = options.section or [_USUAL]
    _check(options)
    return options


def _check(options: Any) -> None:
    if not re.fullmatch(r"cpu|cuda(:\d+)?", options.device):
        raise ArgumentError(f"--device {options.device} is not one of cpu, cuda, cuda:N")
    if options.rounds is not None and options.rounds < 1:
        raise ArgumentError(f"--rounds {options.rounds} must be at least 1")
    if options.seconds is not None and not 0 < options.seconds < float("inf"):
        raise ArgumentError(f"--seconds {options.seconds:g} must be above 0, and finite")
    if options.results and not (options.record or options.against == "last"):
        raise ArgumentError("--results is for --record and --against last: add one of them")
    if options.record and options.device != "cpu" and runtime.substituted():
        raise ArgumentError("--record is for what a GPU computed, and another runtime is in use")


def _sections(names: Sequence[str]) -> list[Any]:
    there = suite("suite.sections").SECTIONS
    for name in names:
        choose("--section", name, [*there, _ALL], "a section")
    return [section for name, section in there.items() if name in names or _ALL in names]


def _check_cases(texts: Sequence[str]) -> None:
    cases = suite("cases")
    for text in texts:
        if not cases.chosen(cases.CASES, [text]):
            raise ArgumentError(f"--case {text!r} is in no case's name; --list shows them")


def _check_peers(texts: Sequence[str], kind: str) -> None:
    names = [peer.name.casefold() for peer in suite("peers").peers(kind)]
    for text in texts:
        if not any(text.casefold() in name for name in names):
            raise ArgumentError(f"--peer {text!r} is in no library's name; --list shows them")


def _listed(kind: str) -> Iterator[str]:
    yield "cases (* with --quick):"
    for case in suite("cases").CASES:
        yield f"  {'*' if case.quick else ' '} {case.name:<40} {case.border}"
    yield f"libraries on {kind}:"
    for peer in suite("peers").peers(kind):
        yield f"    {peer.name:<40} {peer.version or 'not installed'}"
    yield "sections:"
    for section in suite("suite.sections").SECTIONS.values():
        yield f"    {section.name:<12} {section.about}"


def _run(options: Any, sections: list[Any], place: Any, progress: _Progress) -> int:
    made, start = suite("suite.section").Options, perf_counter()
    limits = made(
        tuple(options.case),
        tuple(options.peer),
        options.quick,
        options.seconds,
        options.rounds,
        watch=progress,
    )
    run = suite("suite.run").Run(place, limits, _repeating(options), options.verbose)
    before, folder = _kept(options, run)
    interrupted = False
    try:
        run.measure(sections, progress.show)
    except KeyboardInterrupt:
        interrupted = True
    progress.close()
    if folder and run.rows:
        run.remember(folder)
    code = _judged(run, before)
    took = f"{perf_counter() - start:.0f} s{' (interrupted)' * interrupted}"
    _say(f"{_summary(run, interrupted)} in {took}")
    return EXIT_INTERRUPTED if interrupted else code


def _kept(options: Any, run: Any) -> tuple[dict[str, Any] | None, Path | None]:
    """Have a run written where it is to be; return what it is compared with, and its folder."""
    record, last = suite("suite.record"), options.against == "last"
    folder = None
    if options.record or last:
        folder = options.results or ledger.default_folder() / run.machine["folder"]
    path = folder / record.NAME if last else Path(options.against) if options.against else None
    before = record.read(path) if path else None
    if options.json:
        run.keep(options.json)
    if options.record:
        run.keep(folder / record.NAME, others=True)
    return before, folder if options.record else None


def _judged(run: Any, before: dict[str, Any] | None) -> int:
    """Say what is wrong and what has changed; return the exit code."""
    slower = 0
    if before is not None:
        lines, slower = run.against(before)
        print("\n".join(map(plain, lines)))
    bad = [*run.wrong, *run.failures]
    for line in bad:
        _say(plain(line))
    if bad or slower:
        return _EXIT_FAILED
    return 0 if run.rows else _EXIT_NOTHING


def _summary(run: Any, interrupted: bool) -> str:
    if not run.rows:
        return "nothing was measured" if run.failures or interrupted else "nothing matched"
    counts = (f"{name}: {len(found['rows'])} rows" for name, found in run.found.items())
    files = "".join(f", in {plain(str(path))}" for path in run.files)
    return "; ".join(counts) + files


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _repeating(options: Any) -> str:
    """Return the command that measures the same, wherever its results are to be."""
    words = ["gpuconv", "bench", *(["--quick"] if options.quick else [])]
    words += [word for text in options.case for word in ("--case", text)]
    words += [word for text in options.peer for word in ("--peer", text)]
    words += ["--device", options.device] if options.device != "cpu" else []
    if options.section != [_USUAL]:
        words += [word for name in options.section for word in ("--section", name)]
    for name in ("rounds", "seconds"):
        if (value := getattr(options, name)) is not None:
            words += [f"--{name}", f"{value:g}"]
    return shlex.join(words)


class _Progress:
    """What is being done, on a line of a terminal that goes away; what is measured, on stdout."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._drawn = False

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, doing: str) -> None:
        """Show what is being done."""
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            emit(_CLEAR + plain(doing)[:width], self._stream)
            self._drawn = True

    def show(self, section: Any, rows: list[dict[str, Any]]) -> None:
        """Print a piece of a section."""
        self.close()
        print("\n".join(map(plain, section.lines(rows))), flush=True)

    def close(self) -> None:
        """Take the line away."""
        if self._drawn:
            emit(_CLEAR, self._stream)
            self._drawn = False
