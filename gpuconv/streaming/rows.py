"""Who did what in a stream, as rows of a timeline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gpuconv.streaming.record import STAGES, Event, Record

__all__ = ["Row", "rows"]


#: Seconds by which two events may seem to overlap: a GPU's clock is not the host's.
_SLACK = 1e-6


@dataclass(frozen=True)
class Row:
    """A worker, or one of the stages of a device that does several at a time."""

    name: str
    #: One after the other; none begins before the one before it has ended.
    events: tuple[Event, ...]


def rows(record: Record) -> tuple[Row, ...]:
    """Return who did what, in the order in which tiles go through their hands.

    Examples
    --------
    >>> record = Record(started=0.0)
    >>> for stage, start, worker in (
    ...     ("write", 3.0, "writer 0"), ("upload", 1.0, "cuda:0"), ("compute", 1.5, "cuda:0"),
    ...     ("read", 0.0, "reader 10"), ("read", 0.0, "reader 9"),
    ... ):
    ...     record.add(Event(stage, 0, start, start + 1, bytes=8, pixels=8, worker=worker))
    >>> [row.name for row in rows(record)]
    ['reader 9', 'reader 10', 'cuda:0 upload', 'cuda:0 compute', 'writer 0']
    """
    events = sorted(record.events, key=lambda event: event.start)
    stages: dict[str, set[str]] = {}
    for event in events:
        stages.setdefault(event.worker, set()).add(event.stage)
    shared = {worker for worker, found in stages.items() if len(found) > 1}
    kinds: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        kinds.setdefault((event.worker, event.stage), []).append(event)
    return tuple(
        row
        for worker, stage in sorted(kinds, key=lambda kind: _place(kind[0], kind[1], shared))
        for row in _side_by_side(
            f"{worker} {stage}" if worker in shared else worker, kinds[worker, stage]
        )
    )


def _place(worker: str, stage: str, shared: set[str]) -> tuple[Any, ...]:
    """Return what rows are sorted by: the stages of a device stay together."""
    order = STAGES.index(stage)
    numbers = [int(part) if part.isdigit() else 0 for part in re.split(r"(\d+)", worker)]
    return STAGES.index("compute") if worker in shared else order, numbers, worker, order


def _side_by_side(name: str, events: Iterable[Event]) -> Iterator[Row]:
    """Yield rows of events that do not overlap, of events in the order in which they began."""
    lines: list[list[Event]] = []
    for event in events:
        free = next((line for line in lines if line[-1].stop <= event.start + _SLACK), None)
        if free is None:
            lines.append([event])
        else:
            free.append(event)
    for number, line in enumerate(lines, 1):
        yield Row(name if number == 1 else f"{name} ({number})", tuple(line))
