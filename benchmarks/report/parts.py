"""Parts of the report but for the table: what each section of the bench found, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import prod, sqrt
from typing import Any

from benchmarks.peers import OURS
from benchmarks.report.record import Section
from benchmarks.report.words import brief, mebibytes, milliseconds, percent, table, times
from benchmarks.suite.row import broken

__all__ = ["first", "growth", "memory", "small", "throughput"]

Row = dict[str, Any]


def growth(section: Section) -> Iterator[str]:
    """Yield what the plots show."""
    yield (
        "Time against the size of kernels and windows, and time for a pixel against the size of "
        "the image; both axes are logarithmic. Who is too slow at one size is not asked at larger "
        "ones: its curve ends, the last point being scaled from a part of the image."
    )
    yield ""


def small(section: Section) -> Iterator[str]:
    """Yield the time of a call for small images, with the fastest peer."""
    yield (
        "Microseconds for a call with an output that exists already; in brackets the fastest peer, "
        "and how many times as long it takes."
    )
    yield ""
    cells: dict[str, dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in section.rows:
        if _spread(row):
            cells[row["kind"]][round(sqrt(prod(row["shape"])))].append(row)
    sides = sorted({side for each in cells.values() for side in each})
    rows = ([kind, *(_cell(each[side]) for side in sides)] for kind, each in cells.items())
    yield from table(["", *(f"{side}²" for side in sides)], rows)


def _spread(row: Row) -> dict[str, float] | None:
    """Return what a call takes: on a GPU by the host's clock."""
    found: dict[str, float] | None = row["wall"] or row["seconds"]
    return found


def _cell(rows: Sequence[Row]) -> str:
    took = {row["peer"]: spread["median"] for row in rows if (spread := _spread(row))}
    ours = took.pop(OURS, None)
    peers = {name: each for name, each in took.items() if not name.startswith((OURS, "copy"))}
    if ours is None:
        return "–"
    best = min(peers, key=lambda name: peers[name], default=None)
    told = f" ({best}: {times(peers[best] / ours)})" if best else ""
    return f"{brief(1e6 * ours)}{told}"


def first(section: Section) -> Iterator[str]:
    """Yield what a cold process takes until its first result."""
    yield (
        "Milliseconds from the start of a process to its first result, of which importing the "
        "library (beyond NumPy) and the first call; and the second call, which finds everything "
        "ready. Medians of fresh processes. *Cache* is that of compiled kernels."
    )
    yield ""
    head = ["case", "", "cache", "to the first result", "import", "first call", "second call"]
    head.append("processes")
    rows = sorted(_timed(section), key=lambda row: (row["case"], row["seconds"]["median"]))
    yield from table(head, map(_first, rows))
    yield from _failures(section)


def _timed(section: Section) -> list[Row]:
    return [row for row in section.rows if row["seconds"]]


def _first(row: Row) -> list[str]:
    steps = ("seconds", "import", "first", "second")
    return [
        row["case"],
        _bold(row["peer"]),
        row["cache"] or "–",
        *(milliseconds(row[step]["median"]) for step in steps),
        str(row["rounds"]),
    ]


def _bold(peer: str) -> str:
    return f"**{peer}**" if peer.startswith(OURS) else peer


def memory(section: Section) -> Iterator[str]:
    """Yield what calls take beside an image and its result."""
    yield (
        "MiB at the peak of a call beside the image and its result, each in a process of its own; "
        "what a library needs for any call is there before."
    )
    yield ""
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    for row in section.rows:
        if row["peak"] is not None:
            cells[row["case"]][row["peer"]] = mebibytes(row["peak"])
    peers = list(dict.fromkeys(peer for each in cells.values() for peer in each))
    rows = ([case, *(each.get(peer, "–") for peer in peers)] for case, each in cells.items())
    yield from table(["", *map(_bold, peers)], rows)
    yield from _failures(section)


def throughput(section: Section) -> Iterator[str]:
    """Yield frames a second; on a GPU, which they must reach and leave, bytes a second as well."""
    rows = [row for row in section.rows if row.get("per_second")]
    if any("of_copy" in row for row in rows):
        yield from _through_a_gpu(rows)
    else:
        yield (
            "Frames a second, each a call with an output of its own, among more of them than "
            "caches hold."
        )
        yield ""
        yield from _frames(rows)
    yield from _failures(section)


def _frames(rows: Sequence[Row]) -> Iterator[str]:
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        cells[row["peer"]][row["case"]] = brief(row["per_second"])
    cases = list(dict.fromkeys(row["case"] for row in rows))
    told = ([_bold(peer), *(each.get(case, "–") for case in cases)] for peer, each in cells.items())
    yield from table(["", *cases], told)


def _through_a_gpu(rows: Sequence[Row]) -> Iterator[str]:
    yield (
        "Images from pinned host memory through the GPU and back, beside copies of the same bytes "
        "both ways at once, which compute nothing."
    )
    yield ""
    head = ["case", "", "images a second", "GB/s, both ways", "of the copies' speed"]
    told = (
        [
            row["case"],
            _bold(row["peer"]),
            brief(row["per_second"]),
            brief(row["gigabytes_per_second"]),
            percent(row["of_copy"]),
        ]
        for row in rows
    )
    yield from table(head, told)


def _failures(section: Section) -> Iterator[str]:
    """Yield whose result is wrong, or who failed: who cannot do a case is no news."""
    failed = [row for row in section.rows if broken(row)]
    yield from (f"- {row['peer']}, {row['case']}: {row['left_out']}" for row in failed)
    if failed:
        yield ""
