"""The page that one reads first: benchmarks/README.md."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import ahead, front, parts, roofline, streams, table
from benchmarks.report.drawn import PLOTS
from benchmarks.report.record import Record, Section
from benchmarks.report.words import brief, percent
from benchmarks.report.words import table as rows_of
from benchmarks.static.rates import GPUS, Gpu
from benchmarks.suite.sections import SECTIONS

__all__ = ["page", "written"]

_COMMANDS = {
    "make bench": "everything, on this machine, recorded; then this page",
    "gpuconv bench --quick": "what tells most, in a minute",
    "gpuconv bench --case median --peer opencv": "a part of it",
    "make report": "this page and the plots, from the records",
    "make gpu": "tests, verifies and times on a GPU",
}

_KINDS = {"cpu": ("CPU", "make bench"), "cuda": ("GPU", "make gpu")}
_TITLES = {
    "growth": "Growth with kernels, windows and images",
    "small": "Small images: what a call costs",
    "first": "From a cold process to the first result",
    "memory": "Peak memory",
    "throughput": "Throughput",
}
_TOLD: dict[str, Callable[[Section], Iterator[str]]] = {
    "growth": parts.growth,
    "small": parts.small,
    "first": parts.first,
    "memory": parts.memory,
    "throughput": parts.throughput,
}


def page(records: Sequence[Record], results: Path) -> str:
    """Return the page of some machines' records, CPUs and GPUs apart."""
    return "\n".join(_lines(records, results)).rstrip() + "\n"


def _lines(records: Sequence[Record], results: Path) -> Iterator[str]:
    yield "# Benchmarks"
    yield ""
    yield (
        "Made by `make report` from what machines have recorded in [results/](results/README.md), "
        "and from nothing else. [METHOD.md](METHOD.md) says how it is measured, and what else is: "
        "choices of the planner, streaming, CUDA kernels without a GPU. [NOTES.md](NOTES.md) says "
        "what was tried to be faster, and what came of it."
    )
    yield ""
    yield "```"
    yield from (f"{command:<45}# {told}" for command, told in _COMMANDS.items())
    yield "```"
    yield ""
    for record in records:
        yield from _machine(record)
    for kind, (name, command) in _KINDS.items():
        if not any(record.kind == kind for record in records):
            yield f"# {name}: not measured"
            yield ""
            yield f"Nothing is recorded yet; `{command}` on a machine with a {name} does it."
            yield ""
    yield from _predicted(records, results)


def _machine(record: Record) -> Iterator[str]:
    yield f"# {'CPU' if record.kind == 'cpu' else 'GPU'}: {record.title}"
    yield ""
    sections = record.sections
    latest = next(iter(sections.values()))
    yield from _circumstances(latest)
    if "table" in sections:
        yield from _table(record, sections["table"])
    for name in _TITLES:
        if name in sections and sections[name].rows:
            yield from _part(record, name)
    if told := list(streams.lines(record)):
        yield from ("## Large images, many photographs", "", *told)
    yield from _missing(record)


def _circumstances(section: Section) -> Iterator[str]:
    machine = section.machine
    parts = [machine.get("system"), f"Python {machine['python']}" if "python" in machine else ""]
    versions = (f"{name} {version}" for name, version in machine.get("versions", {}).items())
    drivers = (f"{name} {machine[name]}" for name in ("driver", "cuda", "nvrtc") if name in machine)
    yield ", ".join([*filter(None, parts), *drivers, *versions]) + "."
    yield ""


def _table(record: Record, section: Section) -> Iterator[str]:
    yield "## Where a peer is ahead, and why"
    yield ""
    yield from _command(section)
    yield from ahead.lines(section)
    yield "## How far from a copy"
    yield ""
    yield (
        "Nobody can be faster than a copy of the same bytes, which computes nothing: the floor. "
        "× is how many times as long as gpuconv the fastest peer takes. Every peer, with spreads "
        f"and errors: [all rows](results/{record.folder.name}/bench.md)."
    )
    yield ""
    yield from _pictures(record, "table", ("floor.png",))
    yield from table.short(section)
    yield "## Beside each peer"
    yield ""
    yield (
        "How many times as long as gpuconv a peer takes: the geometric mean over the cases that "
        "it can do, of all and by kind (*ranks* are medians, percentiles, minima and maxima), the "
        "least and the most."
    )
    yield ""
    yield from _pictures(record, "table", ("peers.png",))
    yield from table.means(section)


def _part(record: Record, name: str) -> Iterator[str]:
    section = record.sections[name]
    yield f"## {_TITLES[name]}"
    yield ""
    yield from _command(section)
    yield from _TOLD[name](section)
    yield from _pictures(record, name)


def _command(section: Section) -> Iterator[str]:
    unfinished = (
        "" if section.complete else ", which was cut short: what is not here was not reached"
    )
    yield f"`{section.command}`{unfinished}."
    yield ""


def _pictures(record: Record, section: str, names: Sequence[str] = ()) -> Iterator[str]:
    for plot in PLOTS:
        if plot.section == section and (not names or plot.name in names) and plot.shows(record):
            yield f"![{plot.alt}](results/{record.folder.name}/{plot.name})"
            yield ""


def _missing(record: Record) -> Iterator[str]:
    """Yield what this machine has not been asked."""
    missing = [name for name in SECTIONS if not _found(record, name)]
    if missing:
        yield "## Not measured"
        yield ""
        for name in missing:
            yield f"- {SECTIONS[name].about}: `gpuconv bench --section {name} --record`"
        yield ""


def _found(record: Record, name: str) -> bool:
    return name in record.sections and bool(record.sections[name].rows)


# ------------------------------------------------------------------------ predictions


def _predicted(records: Sequence[Record], results: Path) -> Iterator[str]:
    """Yield what machine code says of GPUs, marked as what it is."""
    path = results / "static" / "h200.json"
    if not path.exists():
        return
    static = json.loads(path.read_text("utf-8"))
    folders = [record.folder.name for record in records]
    # Folders have a GPU's whole name: nvidia-h100-80gb-hbm3.
    gpus = [
        gpu
        for gpu in GPUS
        if gpu.folder in static["gpus"] and not any(each.startswith(gpu.folder) for each in folders)
    ]
    if gpus:
        yield from _prediction(static, gpus, results)


def _prediction(static: dict[str, Any], gpus: Sequence[Gpu], results: Path) -> Iterator[str]:
    yield f"# GPU, predicted and not measured: {' and '.join(gpu.name for gpu in gpus)}"
    yield ""
    yield (
        "**Nothing in this part was measured**: none of these was at hand. Machine code was "
        "counted, and a GPU's rates set what that takes at least; latency and launches are not in "
        f"it. `{roofline.COMMAND}` counts again; `make gpu` on such a GPU measures."
    )
    yield ""
    for gpu in gpus:
        if (results / gpu.folder / "roofline.md").exists():
            link = f"[Roofline of {gpu.name}](results/{gpu.folder}/roofline.md)"
            yield f"{link}: a plot, and every kernel."
            yield ""
    head = ["case", "instructions per pixel", "bytes per pixel"]
    for gpu in gpus:
        head += [f"{gpu.name}, µs", "of a copy's speed", "bound by"]
    each = (roofline.points(static, gpu, None) for gpu in gpus)
    yield from rows_of(head, map(_counted, zip(*each, strict=True)))
    uncounted = [row for row in static["rows"] if row["left_out"]]
    yield from (f"- {row['case']}: {row['left_out']}." for row in uncounted)
    yield ""


def _counted(case: Sequence[roofline.Point]) -> list[str]:
    """Return the cells of a case, on each GPU."""
    cells = [case[0].case, *(brief(case[0].predicted[what]) for what in ("instructions", "moved"))]
    for point in case:
        cells += [brief(1e6 * point.seconds), percent(point.share), point.bound]
    return cells


def written(records: Sequence[Record], results: Path) -> dict[Path, str]:
    """Return all pages of text by the file that each belongs in."""
    pages = {results.parent / "README.md": page(records, results)}
    first = results.parent.parent / "README.md"
    if first.exists():
        pages[first] = front.front(first.read_text("utf-8"), records)
    for record in records:
        if section := record.sections.get("table"):
            text = "\n".join(table.full(record, section)).rstrip() + "\n"
            pages[record.folder / "bench.md"] = text
    return pages
