"""The timeline of a stream, to look at: a trace for a browser, and a picture of it.

The trace is in the JSON format of Chrome's tracing, which https://ui.perfetto.dev and
chrome://tracing open: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gpuconv.errors import ArgumentError, MissingExtraError
from gpuconv.io import write_whole
from gpuconv.streaming.record import Event, Record
from gpuconv.streaming.rows import rows
from gpuconv.streaming.timeline import draw

__all__ = ["check_profile", "trace", "write_profile"]


def trace(record: Record, title: str = "") -> dict[str, Any]:
    """Return a record as Chrome's tracing has it.

    Parameters
    ----------
    record : Record
    title : str
        What was done.

    Examples
    --------
    >>> record = Record(started=2.0)
    >>> record.add(Event("read", 7, 2.5, 2.75, bytes=1000, pixels=1000, worker="reader 0"))
    >>> trace(record)["traceEvents"][-1]
    {'name': 'read', 'ph': 'X', 'ts': 500000.0, 'dur': 250000.0, 'pid': 1, 'tid': 1,
     'args': {'tile': 7, 'bytes': 1000, 'pixels': 1000}}
    """
    return {"displayTimeUnit": "ms", "traceEvents": [*_events(record, title)]}


def _events(record: Record, title: str) -> Iterator[dict[str, Any]]:
    """Yield the process, then the rows, then what stands in them."""
    found = list(enumerate(rows(record), 1))
    yield _told("process_name", 0, name=title or "gpuconv")
    for number, row in found:
        yield _told("thread_name", number, name=row.name)
        # Else viewers sort rows by when they began.
        yield _told("thread_sort_index", number, sort_index=number)
    for number, row in found:
        yield from (_slice(event, number, record.started) for event in row.events)


def _told(what: str, number: int, **arguments: Any) -> dict[str, Any]:
    return {"name": what, "ph": "M", "pid": 1, "tid": number, "args": arguments}


def _slice(event: Event, number: int, started: float) -> dict[str, Any]:
    """Return an event as a slice of a row; times are in microseconds."""
    return {
        "name": event.stage,
        "ph": "X",
        "ts": round((event.start - started) * 1e6, 1),
        "dur": round((event.stop - event.start) * 1e6, 1),
        "pid": 1,
        "tid": number,
        "args": {"tile": event.tile, "bytes": event.bytes, "pixels": event.pixels},
    }


def check_profile(path: str | os.PathLike[str]) -> Path:
    """Return where a profile is to go, if it can go there.

    Raises
    ------
    ArgumentError
        The name does not end in .json, or its folder does not exist.
    """
    place = Path(path)
    if place.suffix.lower() != ".json" or place.is_dir():
        raise ArgumentError(
            f"profile={os.fspath(path)!r} must be a file that ends in .json; a picture of it goes "
            "beside it, as .png"
        )
    if not place.parent.is_dir():
        raise ArgumentError(
            f"profile={os.fspath(path)!r} needs the folder {os.fspath(place.parent)!r} to exist"
        )
    return place


def write_profile(
    record: Record, path: str | os.PathLike[str], title: str = ""
) -> tuple[Path, ...]:
    """Write the timeline of a stream: a trace, and a picture where matplotlib is installed.

    Parameters
    ----------
    record : Record
        Of a stream that has ended, or was stopped.
    path : path-like
        Of the trace, a name that ends in .json; the picture goes beside it, as .png.
    title : str
        What was done, as the heading.

    Returns
    -------
    tuple of Path
        What was written.

    Raises
    ------
    ArgumentError
        The name does not end in .json, or its folder does not exist.
    ImageFileError
        It cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> record = Record(pixels=1000, started=0.0)
    >>> record.add(Event("read", 0, 0.5, 0.75, bytes=1000, pixels=1000, worker="reader 0"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_profile(record, f"{folder}/run.json")
    >>> written[0].name
    'run.json'
    """
    place = check_profile(path)
    # An event a line, so that people can read it, too.
    events = ",\n".join(map(json.dumps, _events(record, title)))
    text = f'{{"displayTimeUnit": "ms", "traceEvents": [\n{events}\n]}}\n'
    write_whole(place, text.encode())
    try:
        picture = draw(record, title)
    except MissingExtraError:
        return (place,)
    beside = place.with_suffix(".png")
    write_whole(beside, picture)
    return place, beside
