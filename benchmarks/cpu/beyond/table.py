"""The results in words: where a peer is ahead, the table, who was asked how."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isinf

from benchmarks.cpu.beyond.case import OURS
from benchmarks.cpu.beyond.race import Entry, Row

__all__ = ["COLUMNS", "line", "markdown", "summary"]

COLUMNS = (OURS, "SciPy", "scikit-image", "OpenCV 1", "OpenCV 2")


def line(row: Row) -> str:
    """Return a row for the terminal."""
    said = (f"{name} {_said(row, name, 'shortest')}" for name in row.entries)
    return f"{row.name}, {row.dtype}: " + ", ".join(said)


def _said(row: Row, library: str, what: str) -> str:
    """Return a time in milliseconds, and the multiple of gpuconv's that it is."""
    entry = row.entries.get(library)
    if entry is None:
        return ""
    seconds = getattr(entry, what)
    if seconds is None:
        return entry.left_out.partition(":")[0]
    about = "≈ " if entry.part < 1 else ""
    ratio = row.ratio(library, what)
    times = f" (× {ratio:.3g})" if ratio is not None and library != OURS else ""
    return f"{about}{_milliseconds(seconds)}{times}"


def _milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.3g}" if seconds < 1 else f"{1e3 * seconds:.0f}"


def summary(rows: list[Row]) -> list[str]:
    """Return what matters most: is anyone ahead, and by how much?"""
    told = []
    for libraries in (("SciPy", "scikit-image"), ("OpenCV 1", "OpenCV 2")):
        entered = [row for row in rows if _fastest(row, libraries)]
        ahead = [row for row in entered if _ratio(row, libraries) < 1]
        names = " and ".join(dict.fromkeys(name.partition(" ")[0] for name in libraries))
        count = len(entered) - len(ahead)
        told.append(f"gpuconv is ahead of {names} in {count} of {len(entered)} rows.")
        for row in sorted(ahead, key=lambda row: _ratio(row, libraries)):
            name = _fastest(row, libraries)
            told.append(
                f"- {row.name}, {row.dtype}: {name} takes {_said(row, name, 'shortest')} ms, "
                f"gpuconv {1 / _ratio(row, libraries):.3g} times that"
            )
        told.append("")
    told += [f"- {each}" for row in rows for each in _failures(row)]
    return told


def _fastest(row: Row, libraries: Iterable[str]) -> str:
    """Return the fastest of some libraries; "" if none was timed."""
    timed = {name: each for name in libraries if (each := row.ratio(name)) is not None}
    return min(timed, key=lambda name: timed[name]) if timed else ""


def _ratio(row: Row, libraries: Iterable[str]) -> float:
    ratio = row.ratio(_fastest(row, libraries))
    assert ratio is not None
    return ratio


def _failures(row: Row) -> Iterator[str]:
    for name, entry in row.entries.items():
        if entry.left_out:
            yield f"{row.name}, {row.dtype}: {name} {entry.left_out}"


def markdown(rows: list[Row], size: int, machine: str) -> str:
    """Return the page that is kept."""
    text = ["# Filters that are no convolutions", "", f"`make beyond`, on {machine}.", ""]
    text += [*summary(rows), f"## Shortest times, milliseconds, {size}² pixels", ""]
    text += [*_table(rows, "shortest"), "", "≈: measured on fewer rows of the image.", ""]
    text += ["## Medians, milliseconds", "", *_table(rows, "median"), ""]
    text += ["## What is called, and how far results are apart", "", *_asked(rows)]
    return "\n".join(text) + "\n"


def _table(rows: list[Row], what: str) -> Iterator[str]:
    heads = ["filter", "pixels", *COLUMNS]
    yield "| " + " | ".join(heads) + " |"
    yield "|---" * len(heads) + "|"
    for row in rows:
        cells = [row.name, row.dtype, *(_said(row, name, what) for name in COLUMNS)]
        yield "| " + " | ".join(cells) + " |"


def _asked(rows: list[Row]) -> Iterator[str]:
    yield "| filter | pixels | library | call | apart | allowed |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        for name, entry in row.entries.items():
            if name not in (OURS, "OpenCV 2"):
                library = name.removesuffix(" 1")
                yield f"| {row.name} | {row.dtype} | {library} | `{entry.how}` | {_apart(entry)} |"


def _apart(entry: Entry) -> str:
    if isinf(entry.limit):
        return "not compared | see above"
    if entry.measure == "share":
        return f"{entry.off:.2%} of pixels | {entry.limit:.2%}"
    return f"{entry.measure} {entry.off:.2g} | {entry.limit:g}"
