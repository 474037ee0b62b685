"""How gpuconv's times change: a line for each recorded run, and two runs compared.

Machines are faster on one day than on another. So what counts is not a time, but how many times as
long gpuconv takes as a copy of the same bytes, and as its peers, in the same run.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean
from typing import Any

from gpuconv.io.replacing import write_whole

from ..peers import FLOOR, OURS
from .record import Entry

__all__ = ["NAME", "Change", "append", "changes", "commit", "line", "lines"]

NAME = "history.jsonl"

Row = dict[str, Any]
#: The rows of a case that have a time, by peer.
_Timed = Mapping[str, Row]


# ------------------------------------------------------------------------ a run, in a line


def line(found: Entry, revision: str) -> dict[str, Any]:
    """Return what is kept of a run of the table: gpuconv's seconds, and its ratios.

    ``floor`` is the time of a copy as a part of gpuconv's, ``ahead`` that of the best peer as a
    multiple of it.
    """
    head = {key: found[key] for key in ("date", "gpuconv", "device", "command", "complete")}
    machine = found["machine"]
    versions = {"python": machine["python"], **machine["versions"]}
    cases = {name: _told(timed) for name, timed in _timed(found["rows"]).items() if OURS in timed}
    return {**head, "commit": revision, "versions": versions, "cases": cases}


def _told(timed: _Timed) -> dict[str, Any]:
    ours, floor, others = _median(timed[OURS]), _floor(timed), _others(timed)
    told: dict[str, Any] = {"seconds": ours}
    if floor:
        told["floor"] = round(_median(floor) / ours, 4)
    if others:
        best = min(others, key=lambda peer: _median(others[peer]))
        told |= {"best": best, "ahead": round(_median(others[best]) / ours, 4)}
    return told


def append(path: Path, told: dict[str, Any]) -> None:
    """Add a line to a file of lines, which is made if need be."""
    before = path.read_text("utf-8") if path.exists() else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, f"{before}{json.dumps(told, ensure_ascii=False)}\n".encode())


def commit(folder: Path) -> str:
    """Return git's name for the sources in a folder, with a "+" where they were changed; or ""."""
    # Not of a folder among others' sources: a wheel in somebody's checkout.
    if _git(folder, "rev-parse", "--show-prefix"):
        return ""
    found = _git(folder, "rev-parse", "--short=12", "HEAD")
    # What a run writes itself is no change of the sources.
    changed = found and _git(folder, "status", "--porcelain", "--", ".", ":!benchmarks/results")
    return found + ("+" if changed else "")


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


# ------------------------------------------------------------------------ two runs


@dataclass(frozen=True)
class Change:
    """A case whose time changed by more than the times of a run differ among themselves."""

    case: str
    #: How many times as long it takes as before, beside each yardstick: the copy, the peers.
    beside: tuple[tuple[str, float], ...]

    @property
    def slower(self) -> bool:
        """Whether it takes longer."""
        return self.beside[0][1] > 1


def changes(before: Sequence[Row], after: Sequence[Row]) -> list[Change]:
    """Return the cases that became slower or faster, the largest changes first.

    One has, if by every yardstick that both runs have the two ranges of times from the 10th to the
    90th percentile lie apart, on the same side.
    """
    old, new = _timed(before), _timed(after)
    found = (_changed(case, old[case], new[case]) for case in new if case in old)
    return sorted(filter(None, found), key=lambda each: -abs(each.beside[0][1] - 1))


def lines(before: Sequence[Row], after: Sequence[Row]) -> Iterator[str]:
    """Yield what became slower, what faster, and how many cases did not change."""
    found = changes(before, after)
    for change in sorted(found, key=lambda each: not each.slower):
        word = "slower" if change.slower else "faster"
        beside = ", ".join(f"{factor:.2f} beside {name}" for name, factor in change.beside)
        yield f"{word}: {change.case}: times {beside}"
    both = {case for case, timed in _timed(after).items() if OURS in timed}
    both &= {case for case, timed in _timed(before).items() if OURS in timed}
    slower = sum(change.slower for change in found)
    yield f"cases in both: {len(both)}; slower {slower}, faster {len(found) - slower}"


#: Of fewer times nobody knows how far they are spread.
_FEWEST = 3


def _changed(case: str, old: _Timed, new: _Timed) -> Change | None:
    if OURS not in old or OURS not in new:
        return None
    if min(old[OURS]["rounds"], new[OURS]["rounds"]) < _FEWEST:
        return None
    yardsticks = list(_yardsticks(old, new))
    apart = [_apart(old[OURS], new[OURS], *pair) for _, *pair in yardsticks]
    if not apart or len(set(apart)) > 1 or apart[0] == 0:
        return None
    return Change(case, tuple((name, _factor(old, new, *pair)) for name, *pair in yardsticks))


def _yardsticks(old: _Timed, new: _Timed) -> Iterator[tuple[str, float, float]]:
    """Yield what gpuconv is measured by, with its seconds in each of two runs."""
    floors = _floor(old), _floor(new)
    if floors[0] and floors[1]:
        yield "a copy", _median(floors[0]), _median(floors[1])
    same = [
        (_median(row), _median(_others(new)[peer]))
        for peer, row in _others(old).items()
        if peer in _others(new) and _comparable(row, _others(new)[peer])
    ]
    if same:
        was, now = (geometric_mean(seconds) for seconds in zip(*same, strict=True))
        yield f"{len(same)} peers", was, now


def _comparable(one: Row, other: Row) -> bool:
    """Tell whether two rows are of the same library, on as much of the image."""
    return all(one[key] == other[key] for key in ("version", "part"))


def _apart(old: Row, new: Row, was: float, now: float) -> int:
    """Return 1 if all usual times are longer than before, by a yardstick, −1 if shorter, or 0."""
    before, after = old["seconds"], new["seconds"]
    slower = after["p10"] / now > before["p90"] / was
    faster = after["p90"] / now < before["p10"] / was
    return int(slower) - int(faster)


def _factor(old: _Timed, new: _Timed, was: float, now: float) -> float:
    return (_median(new[OURS]) / now) / (_median(old[OURS]) / was)


# ------------------------------------------------------------------------ rows


def _timed(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        if {"case", "peer", "version", "part", "rounds"} <= set(row) and row.get("seconds"):
            found.setdefault(row["case"], {})[row["peer"]] = row
    return found


def _median(row: Row) -> float:
    return float(row["seconds"]["median"])


def _floor(timed: _Timed) -> Row | None:
    """Return the fastest copy."""
    copies = (row for peer, row in timed.items() if _library(peer) == FLOOR)
    return min(copies, key=_median, default=None)


def _others(timed: _Timed) -> dict[str, Row]:
    """Return the rows of other libraries."""
    return {peer: row for peer, row in timed.items() if _library(peer) not in (OURS, FLOOR)}


def _library(peer: str) -> str:
    """Return the library of a peer: of "OpenCV, 1 thread", "OpenCV"."""
    return peer.partition(",")[0]
