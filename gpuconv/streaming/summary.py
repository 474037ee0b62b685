"""What became of a stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpuconv.errors import ImageFileError
from gpuconv.io.source import Plane, Run
from gpuconv.streaming.plan import StreamPlan
from gpuconv.streaming.record import STAGES, Record

__all__ = ["Gap", "StreamError", "StreamSummary"]


@dataclass(frozen=True)
class Gap:
    """A region that could not be read."""

    plane: Plane
    rows: Run
    columns: Run
    #: Why, in a sentence.
    reason: str

    def __str__(self) -> str:
        plane = f"plane {self.plane}, " if self.plane else ""
        rows, columns = (f"{a}–{b - 1}" for a, b in (self.rows, self.columns))
        return f"{plane}rows {rows}, columns {columns}: {self.reason}"


@dataclass(frozen=True)
class StreamSummary:
    """What became of a stream.

    Attributes
    ----------
    status : str
        "done": the output is in its place. "partial": regions could not be read, or the output not
        be written. "stopped": it was asked to. In the last two cases what was done lies beside the
        output's place, and the same call goes on with it.
    output : Path or None
        Where the output is, or will be; None for an array.
    plan : StreamPlan
    record : Record
        What was done when.
    seconds : float
        Time on the clock.
    gaps : tuple of Gap
        Tiles that were not made, because something that they need could not be read.
    filled : tuple of Gap
        Regions of the source that were filled, because they could not be read (``salvage=True``).
    warnings : tuple of str
        Sentences for the user.
    """

    status: str
    output: Path | None
    plan: StreamPlan = field(repr=False)
    record: Record = field(repr=False)
    seconds: float
    gaps: tuple[Gap, ...] = ()
    filled: tuple[Gap, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def pixels(self) -> int:
        """Pixels that this run wrote."""
        return sum(event.pixels for event in self.record.events if event.stage == "write")

    @property
    def stages(self) -> dict[str, float]:
        """Seconds of work in each stage, of all its workers together."""
        events = self.record.events
        totals = {
            stage: sum(event.stop - event.start for event in events if event.stage == stage)
            for stage in STAGES
        }
        return {stage: seconds for stage, seconds in totals.items() if seconds}

    def to_dict(self) -> dict[str, Any]:
        """Return what there is to say, ready for JSON."""
        return {
            "schema": "gpuconv.streaming/1",
            "status": self.status,
            "output": None if self.output is None else str(self.output),
            "seconds": self.seconds,
            "pixels": self.pixels,
            "tiles": self.record.tiles,
            "pixels_before": self.record.pixels_before,
            "tiles_before": self.record.tiles_before,
            "tile": list(self.plan.grid.tile),
            "memory": self.plan.host_bytes,
            "gpu_memory": self.plan.gpu_bytes,
            "stages": self.stages,
            "gaps": [_listed(gap) for gap in self.gaps],
            "filled": [_listed(gap) for gap in self.filled],
            "warnings": list(self.warnings),
        }


def _listed(gap: Gap) -> dict[str, Any]:
    return {
        "plane": list(gap.plane),
        "rows": list(gap.rows),
        "columns": list(gap.columns),
        "reason": gap.reason,
    }


class StreamError(ImageFileError):
    """A stream that could not finish: what was done is kept, and `summary` says what that is."""

    def __init__(self, message: str, summary: StreamSummary) -> None:
        super().__init__(message)
        self.summary = summary
