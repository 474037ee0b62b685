"""A stream from its first tile to its end, whatever that is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from gpuconv.dtypes import rule, store
from gpuconv.errors import ArgumentError
from gpuconv.io.sink import Sink
from gpuconv.streaming.ends import state_of
from gpuconv.streaming.pipeline import Pipeline
from gpuconv.streaming.plan import StreamPlan, Tile
from gpuconv.streaming.reading import Reader
from gpuconv.streaming.record import Record
from gpuconv.streaming.retry import disk_full
from gpuconv.streaming.setup import Setup
from gpuconv.streaming.summary import Gap, StreamError, StreamSummary

__all__ = ["Stop", "Work", "reader_of", "unbegun"]


class Stop(Protocol):
    """What asks a stream to stop: a `threading.Event`, say."""

    def is_set(self) -> bool:
        """Tell whether no more tiles are to be started."""


@contextmanager
def unbegun(sink: Sink) -> Iterator[None]:
    """Leave nothing of a sink if something goes wrong before work has begun."""
    try:
        yield
    except BaseException:
        partial = getattr(sink, "partial", None)
        if partial is not None and not partial.resumed:
            sink.discard()
        raise


def reader_of(setup: Setup, plan: StreamPlan, retries: int, fill: float | None) -> Reader:
    """Return what reads the tiles of a plan."""
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise ArgumentError(f"retries={retries!r} must be an int from 0 on")
    pixel = None if fill is None else _pixel(fill, setup.source.dtype)
    return Reader(setup.source, plan, setup.lanes[0].room, retries, pixel)


def _pixel(value: float, dtype: np.dtype[Any]) -> Any:
    """Return what a number becomes where it is a pixel."""
    stored = np.empty(1, dtype)
    store(np.full(1, value, rule(dtype).accumulator), stored)
    return stored[0]


@dataclass
class Work:
    """A stream at work.

    Parameters
    ----------
    setup : Setup
    plan : StreamPlan
    sink : Sink
    reader : Reader
    """

    setup: Setup
    plan: StreamPlan
    sink: Sink
    reader: Reader
    record: Record = field(default_factory=Record)
    _pipeline: Pipeline = field(init=False)
    _state: str | None = field(init=False)

    def __post_init__(self) -> None:
        plan, record = self.plan, self.record
        self._state = state_of(self.setup.source)
        record.pixels, record.tiles = plan.pixels, plan.count
        left = list[Tile]()
        for tile in plan.tiles():
            if self.sink.has(tile.rows, tile.columns, tile.plane):
                record.pixels_before += tile.pixels
                record.tiles_before += 1
            else:
                left.append(tile)
        lanes = self.setup.lanes
        self._pipeline = Pipeline(plan, left, self.reader, lanes, self.sink, record)

    def carried_out(
        self, progress: Callable[[Record], None] | None, stop: Stop | None
    ) -> StreamSummary:
        """Do it; see :func:`gpuconv.streaming`."""
        stop, flow = stop or threading.Event(), self._pipeline.flow

        def watch() -> None:
            if progress:
                progress(self.record)
            if stop.is_set():
                flow.stop()

        self.reader.pause = flow.pause
        try:
            self._pipeline.run(watch)
            if not self._pipeline.lost and not flow.stopped:
                self._finish()
        except OSError as error:
            summary = self._summary("partial")
            raise StreamError(f"{_reason(error)}; {self._going_on()}", summary) from error
        if self._pipeline.lost:
            summary = self._summary("partial")
            raise StreamError(self._unread(summary), summary)
        return self._summary("stopped" if flow.stopped else "done")

    def _finish(self) -> None:
        if state_of(self.setup.source) != self._state:
            self.sink.warnings.append(
                f"{self.setup.source.path} changed while it was read: the output may have parts of "
                "both"
            )
        # What tiles lay in is not needed any more, and the sink may need much.
        for lane in self.setup.lanes:
            lane.close()
        self.sink.finish()

    def _summary(self, status: str) -> StreamSummary:
        lost = self._pipeline.lost
        gaps = (Gap(tile.plane, tile.rows, tile.columns, why) for tile, why in lost)
        filled = tuple(Gap(*chunk, why) for chunk, why in sorted(self.reader.filled.items()))
        warnings = list(self.sink.warnings)
        if filled:
            warnings.append(
                f"salvaged what there is: {len(filled)} chunks of the source could not be read "
                f"and were filled with {self.reader.fill}; the first is {filled[0]}"
            )
        return StreamSummary(
            status,
            self.sink.path if hasattr(self.sink, "partial") else None,
            self.plan,
            self.record,
            perf_counter() - self.record.started,
            tuple(sorted(gaps, key=lambda gap: (gap.plane, gap.rows))),
            filled,
            tuple(warnings),
        )

    def _unread(self, summary: StreamSummary) -> str:
        count, made = len(summary.gaps), self.record.tiles - len(summary.gaps)
        return (
            f"cannot read all of {self.setup.source.path}: {count} of {self.record.tiles} tiles "
            f"were not made, the first at {summary.gaps[0]}; {made} others are done; "
            f"{self._going_on()}, or with salvage=True fills what cannot be read"
        )

    def _going_on(self) -> str:
        partial = getattr(self.sink, "partial", None)
        if partial is None:
            return "the array has what was done"
        kept = f"nothing was put at {self.sink.path}; what is done is kept in {partial.folder}"
        if self._state is None:
            return f"{kept}, but an array is not known again: another call begins anew"
        return f"{kept}, and the same call goes on with it"


def _reason(error: OSError) -> str:
    return f"{error} (the disk is full)" if disk_full(error) else str(error)
