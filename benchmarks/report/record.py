"""Records of the bench, read: the rows of a case together, and who of them is ahead."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.peers import FLOOR, OURS
from benchmarks.suite.row import Row
from benchmarks.suite.timing import Spread

__all__ = ["SCHEMA", "Line", "Record", "Section", "lines_of", "read", "records"]

#: Of the JSON that this reads.
SCHEMA = 1
_OF_A_ROW = {each.name for each in fields(Row)}


@dataclass(frozen=True)
class Line:
    """A case with everyone's rows: those who were timed, and those who were not."""

    rows: list[Row]

    @property
    def case(self) -> str:
        """What it is called."""
        return self.rows[0].case

    @cached_property
    def timed(self) -> dict[str, Row]:
        """Who was timed, by name."""
        return {row.peer: row for row in self.rows if row.seconds}

    @property
    def ours(self) -> Row | None:
        """Gpuconv's, if it was timed."""
        return self.timed.get(OURS)

    @cached_property
    def peers(self) -> list[Row]:
        """Other libraries, the fastest first."""
        others = [row for name, row in self.timed.items() if not name.startswith((OURS, FLOOR))]
        return sorted(others, key=_median)

    @property
    def copy(self) -> Row | None:
        """The faster of the copies: the floor."""
        copies = (row for name, row in self.timed.items() if name.startswith(FLOOR))
        return min(copies, key=_median, default=None)

    @property
    def share(self) -> float | None:
        """The speed of gpuconv as a share of a copy's."""
        copy, ours = self.copy, self.ours
        return _median(copy) / _median(ours) if copy and ours else None

    def ratio(self, peer: str) -> float | None:
        """How many times as long as gpuconv a peer takes; None where one was not timed."""
        theirs, ours = self.timed.get(peer), self.ours
        return _median(theirs) / _median(ours) if theirs and ours else None

    @property
    def ahead(self) -> list[Row]:
        """Peers that take less time than gpuconv, the fastest first."""
        ours = self.ours
        return [row for row in self.peers if _median(row) < _median(ours)] if ours else []

    def clear(self, row: Row) -> bool:
        """Whether a peer and gpuconv are further apart than their times are spread."""
        assert self.ours is not None
        ours, theirs = _spread(self.ours), _spread(row)
        return theirs.p90 < ours.p10 or ours.p90 < theirs.p10


def _median(row: Row) -> float:
    return _spread(row).median


def _spread(row: Row) -> Spread:
    assert row.seconds is not None
    return row.seconds


def lines_of(rows: Iterable[dict[str, Any]]) -> list[Line]:
    """Return rows as they are kept in JSON as a line for each case, in the order of the record."""
    cases: dict[str, list[Row]] = {}
    for kept in rows:
        row = Row.read({name: value for name, value in kept.items() if name in _OF_A_ROW})
        cases.setdefault(row.case, []).append(row)
    return [Line(each) for each in cases.values()]


@dataclass(frozen=True)
class Section:
    """What a section of the bench found out on a machine, and how it was asked."""

    name: str
    rows: list[dict[str, Any]]
    device: str = "cpu"
    command: str = ""
    gpuconv: str = ""
    complete: bool = True
    machine: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def lines(self) -> list[Line]:
        """Its rows by case, for sections whose rows are those of the table."""
        return lines_of(self.rows)


@dataclass(frozen=True)
class Record:
    """All that a machine has measured."""

    folder: Path
    sections: dict[str, Section]

    @property
    def kind(self) -> str:
        """The kind of device it is about: "cpu" or "cuda"."""
        return next(iter(self.sections.values())).device.partition(":")[0]

    @property
    def title(self) -> str:
        """The machine, in words."""
        return str(next(iter(self.sections.values())).machine["name"])

    def beside(self, name: str) -> Any:
        """Return another record of the machine's, such as "stream"; None if there is none."""
        path = self.folder / f"{name}.json"
        return json.loads(path.read_text("utf-8")) if path.exists() else None


def read(path: Path) -> Record | None:
    """Return a machine's record; None for what is no record of this kind, or empty."""
    kept = json.loads(path.read_text("utf-8"))
    if kept.get("schema") != SCHEMA or not kept.get("sections"):
        return None
    known = {each.name for each in fields(Section)} - {"name"}
    sections = {
        name: Section(name, **{key: value for key, value in each.items() if key in known})
        for name, each in kept["sections"].items()
    }
    return Record(path.parent, sections)


def records(results: Path) -> list[Record]:
    """Return the records of all machines: CPUs, then GPUs, by their folders' names."""
    found = (read(path) for path in sorted(results.glob("*/bench.json")))
    return sorted((each for each in found if each), key=lambda each: each.kind)
