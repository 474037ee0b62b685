"""A run of some sections: each piece is on disk before the next is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..peers import OURS
from . import history
from .machine import described
from .place import Place
from .record import Entry, add, blank, entry, probe, read, write
from .row import broken
from .section import Lost, Options, OutOfTime, Section

__all__ = ["Run"]

Rows = list[dict[str, Any]]
#: Is shown a piece of a section when it is measured.
Show = Callable[[Section, Rows], None]

_HERE = Path(__file__).parents[2]


@dataclass
class Run:
    """What is measured in one go, on one device.

    Parameters
    ----------
    place : Place
        The device.
    options : Options
        What it is limited to; its seconds are for all sections together.
    command : str
        What repeats it.
    """

    place: Place
    options: Options
    command: str
    #: Whether an error in a section ends the run, so that it is seen where it happened.
    strict: bool = False
    machine: dict[str, Any] = field(init=False)
    #: What was found, by section; and what went wrong, a line each.
    found: dict[str, Entry] = field(init=False, default_factory=dict)
    failures: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.machine = described(self.place)
        self._sections: list[Section] = []
        #: Files, each with the record that what is found is added to.
        self._files: dict[Path, dict[str, Any]] = {}

    def keep(self, path: Path, *, others: bool = False) -> None:
        """Write to a file what will be found; with `others`, beside what it has of other runs.

        Raises
        ------
        ArgumentError
            What is there is no record.
        ImageFileError
            It cannot be written: better known before hours of measuring than after.
        """
        self._files[path] = read(path) if others and path.exists() else blank()
        probe(path)

    def measure(self, sections: Sequence[Section], show: Show) -> None:
        """Run sections one after the other; one that fails is no reason to leave out the next."""
        now = self.place.clock.now
        end = now() + (self.options.seconds or 0.0)
        for number, section in enumerate(sections):
            seconds = None
            if self.options.seconds is not None:
                shares = sum(each.share for each in sections[number:])
                seconds = max(end - now(), 0.0) * section.share / shares
            try:
                self._measure(section, replace(self.options, seconds=seconds), show)
            except OutOfTime:
                self.options.watch(f"{section.name}: out of time")
            except Lost as error:
                self.failures.append(f"{section.name}: {error}")
                return
            except Exception as error:
                if self.strict:
                    raise
                self.failures.append(f"{section.name}: {type(error).__name__}: {error}")

    def _measure(self, section: Section, options: Options, show: Show) -> None:
        self._sections.append(section)
        found = entry(self.machine, self.place.device, self.command, self.options)
        self.found[section.name] = found
        for rows in section.run(self.place, options):
            found["rows"] += rows
            self._write()
            show(section, rows)
        found["complete"] = self.options.everything
        self._write()

    def _write(self) -> None:
        for path, before in self._files.items():
            record = before
            for section in self._sections:
                if self.found[section.name]["rows"]:
                    record = add(record, section, self.found[section.name])
            write(path, record)

    def remember(self, folder: Path) -> None:
        """Add a line to the history of a machine, of what was found of the table."""
        table = self.found.get("table")
        if table and any(row["seconds"] for row in table["rows"]):
            history.append(folder / history.NAME, history.line(table, history.commit(_HERE)))

    @property
    def files(self) -> list[Path]:
        """Where it is written."""
        return list(self._files)

    @property
    def rows(self) -> Rows:
        """All that was found."""
        return [row for each in self.found.values() for row in each["rows"]]

    @property
    def wrong(self) -> list[str]:
        """Cases in which gpuconv's own result is wrong, or does not come."""
        ours = (row for row in self.rows if row.get("peer") == OURS and "left_out" in row)
        return [f"{row['case']}: {row['left_out']}" for row in ours if broken(row)]

    def against(self, before: dict[str, Any]) -> tuple[list[str], bool]:
        """Return in lines what changed since a record, and whether anything is slower."""
        lines, slower = list[str](), False
        for name, found in self.found.items():
            old = before["sections"].get(name, {"rows": []})["rows"]
            changed = history.changes(old, found["rows"])
            slower |= any(each.slower for each in changed)
            lines += [f"{name}: {line}" for line in history.lines(old, found["rows"])]
        return lines, slower
