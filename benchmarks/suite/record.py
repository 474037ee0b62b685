"""What a machine's runs found out, in one JSON file: ``results/<machine>/bench.json``.

::

    {"schema": 1, "sections": {"table": {
        "machine": {...}, "device": "cpu", "date": "…", "gpuconv": "…", "command": "…",
        "options": {...}, "complete": true, "rows": [...]}, …}}

A run replaces the rows that it measured, and leaves the rest: the head of a section is that of the
last run, and each row has its own date. A section is complete once a run of all of it has ended,
whose command it keeps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import gpuconv as gc
from gpuconv.errors import ArgumentError
from gpuconv.io.opener import named
from gpuconv.io.replacing import write_whole

from .section import Options, Section

__all__ = [
    "NAME",
    "SCHEMA",
    "Entry",
    "add",
    "blank",
    "entry",
    "merged",
    "now",
    "probe",
    "read",
    "write",
]

#: What the file is called, and the form that it has.
NAME, SCHEMA = "bench.json", 1

#: What is kept of a section.
Entry = dict[str, Any]
Row = dict[str, Any]

_FIELDS = {
    "machine": dict,
    "device": str,
    "date": str,
    "gpuconv": str,
    "command": str,
    "options": dict,
    "complete": bool,
    "rows": list,
}


def now() -> str:
    """Return the date and the time, in UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def blank() -> dict[str, Any]:
    """Return a record of nothing."""
    return {"schema": SCHEMA, "sections": {}}


def entry(machine: dict[str, Any], device: str, command: str, options: Options) -> Entry:
    """Return what is kept of a section before anything is measured."""
    return {
        "machine": machine,
        "device": device,
        "date": now(),
        "gpuconv": gc.__version__,
        "command": command,
        "options": options.json(),
        "complete": False,
        "rows": [],
    }


def add(record: dict[str, Any], section: Section, found: Entry) -> dict[str, Any]:
    """Return a record with what was found of a section; the record given stays as it is."""
    kept = record["sections"].get(section.name)
    sections = {**record["sections"], section.name: merged(kept, found, section.key)}
    return {**record, "sections": sections}


def merged(kept: Entry | None, found: Entry, key: Sequence[str]) -> Entry:
    """Return an entry of the rows found, and of those kept that were not measured anew.

    Examples
    --------
    >>> head = {"command": "gpuconv bench", "options": {}}
    >>> first = {**head, "complete": True, "date": "1", "rows": [{"case": "a"}, {"case": "b"}]}
    >>> head = {"command": "gpuconv bench --case b", "options": {"cases": ["b"]}}
    >>> second = {**head, "complete": False, "date": "2", "rows": [{"case": "b"}]}
    >>> found = merged(first, second, ["case"])
    >>> found["rows"], found["command"]
    ([{'case': 'a'}, {'case': 'b', 'date': '2'}], 'gpuconv bench')
    """
    new = [{**row, "date": found["date"]} for row in found["rows"]]
    if kept is None or found["complete"]:
        # All that there is has been measured: what else was kept is of cases that are no more.
        return {**found, "rows": new}
    rows = list(_replaced(kept["rows"], new, key))
    # What repeats all of them is the command of the run that had all.
    asked = {name: kept[name] for name in ("command", "options") if kept["complete"]}
    return {**found, **asked, "complete": kept["complete"], "rows": rows}


def _replaced(old: list[Row], new: list[Row], key: Sequence[str]) -> Iterator[Row]:
    """Yield old rows, each in its place, the new ones of the same key in theirs, and the rest."""
    measured: dict[tuple[Any, ...], list[Row]] = {}
    for row in new:
        measured.setdefault(_identity(row, key), []).append(row)
    left = dict(measured)
    for row in old:
        identity = _identity(row, key)
        if identity in measured:
            yield from left.pop(identity, [])
        else:
            yield row
    yield from chain.from_iterable(left.values())


def _identity(row: Row, key: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in key)


# ------------------------------------------------------------------------ the file


def read(path: Path) -> dict[str, Any]:
    """Return the record in a file.

    Raises
    ------
    ArgumentError
        There is none, or it is none.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentError(f"{path} cannot be read as a record: {error}") from error
    if fault := _fault(found):
        raise ArgumentError(f"{path} is no record of the bench: {fault}; move it away")
    record: dict[str, Any] = found
    return record


def _fault(found: object) -> str:
    """Return what is wrong with a record; "" if nothing is."""
    if not isinstance(found, dict) or set(found) != {"schema", "sections"}:
        return "it is not an object of schema and sections"
    if found["schema"] != SCHEMA:
        return f"schema={found['schema']!r} is not {SCHEMA}"
    if not isinstance(found["sections"], dict):
        return "its sections are no object"
    for name, each in found["sections"].items():
        if not isinstance(each, dict) or not all(
            isinstance(each.get(field), kind) for field, kind in _FIELDS.items()
        ):
            return f"section {name!r} lacks one of {', '.join(_FIELDS)}"
    return ""


def write(path: Path, record: dict[str, Any]) -> None:
    """Write a record, whole or not at all; folders are made.

    Raises
    ------
    ImageFileError
        It cannot be written.
    """
    with named(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, _text(record).encode())


def probe(path: Path) -> None:
    """Find out whether a record can be written: what is there is written again, or comes and goes.

    Raises
    ------
    ImageFileError
        It cannot.
    """
    if path.is_file():
        write_whole(path, path.read_bytes())
    else:
        write(path, blank())
        path.unlink()


def _text(record: dict[str, Any]) -> str:
    """Return a record as JSON, a row a line: a reader of changes sees which were measured."""
    sections = ",\n".join(
        f"{_json(name)}: {_section(each)}" for name, each in record["sections"].items()
    )
    return f'{{"schema": {record["schema"]}, "sections": {{\n{sections}\n}}}}\n'


def _section(found: Entry) -> str:
    head = ",\n".join(f"  {_json(k)}: {_json(v)}" for k, v in found.items() if k != "rows")
    rows = ",\n".join(f"    {_json(row)}" for row in found["rows"])
    return f'{{\n{head},\n  "rows": [\n{rows}\n  ]\n}}'


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
