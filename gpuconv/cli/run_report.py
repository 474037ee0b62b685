"""What ``gpuconv run`` says in the end: how fast, what held it up, in how much memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gpuconv.cli.stream_progress import stages
from gpuconv.streaming.pace import Pace, amount
from gpuconv.streaming.plan import StreamPlan
from gpuconv.streaming.summary import StreamSummary

__all__ = ["EXIT_CODES", "described", "failure_lines", "peak_memory", "planned", "report_lines"]

#: What the command ends with, by the status of a summary.
EXIT_CODES = {"done": 0, "partial": 1, "stopped": 130}
#: After the last tile an output may have to be encoded, or its pyramid made: seconds of it, and a
#: share of all the time, that are worth telling.
_LONG, _LONG_SHARE = 0.1, 0.05
#: A stage that is busy for less of the time is none that the others wait for.
_MOSTLY = 0.5
#: Regions that are named one by one; --json has them all.
_NAMED = 10


def _pace(summary: StreamSummary) -> Pace:
    """Return the pace of the stream proper: until the last tile was written."""
    record = summary.record
    return Pace(record).update(max((event.stop for event in record.events), default=record.started))


def report_lines(source: Path, summary: StreamSummary, peak: int | None) -> Iterator[str]:
    """Yield what became of a stream, for people.

    Parameters
    ----------
    source : Path
        What was read.
    summary : StreamSummary
    peak : int, optional
        Bytes of memory that were measured.
    """
    pace = _pace(summary)
    yield f"{_outcome(source, summary, pace)}{_speed(summary, pace)}"
    if pace.loads:
        yield f"bound by {_bound(pace)}; busy: {', '.join(stages(pace))}{_finish(summary, pace)}"
    yield f"memory: {_memory(summary, peak)}"
    yield from (f"warning: {warning}" for warning in summary.warnings)
    yield from failure_lines(summary)


def _bound(pace: Pace) -> str:
    """Return what the others waited for, if there is such a stage."""
    most = max(pace.busy(load) for load in pace.loads)
    return pace.bound if most >= _MOSTLY else "no stage alone"


def _outcome(source: Path, summary: StreamSummary, pace: Pace) -> str:
    target = f"{source} -> {summary.output}"
    if summary.status == "done":
        return f"done: {target}"
    if summary.status == "stopped":
        return f"stopped at {pace.share:.0%}: {target}; the same command goes on from there"
    return f"not finished: {target}; the same command tries again what is missing"


def _speed(summary: StreamSummary, pace: Pace) -> str:
    done = f"{amount(pace.written, 'pixel')} in {summary.seconds:.1f} s"
    speed = amount(pace.written / max(summary.seconds, 1e-9), "pixel/s")
    before = pace.record.pixels_before
    more = f", and {amount(before, 'pixel')} before" if before else ""
    return f" ({done}, {speed}{more})"


def _finish(summary: StreamSummary, pace: Pace) -> str:
    """Tell how long the output took after its last tile, where that was long."""
    spent = summary.seconds - pace.elapsed
    long = spent > max(_LONG, _LONG_SHARE * summary.seconds)
    return f"; then {spent:.1f} s to finish the file" if long else ""


def _memory(summary: StreamSummary, peak: int | None) -> str:
    predicted = f"{_mebibytes(summary.plan.host_bytes)} predicted"
    told = [f"{predicted} at the peak" if peak is None else f"{_mebibytes(peak)}, {predicted}"]
    if summary.plan.gpu_bytes:
        told.append(f"{_mebibytes(summary.plan.gpu_bytes)} predicted of each GPU")
    return "; ".join(told)


def _mebibytes(count: int) -> str:
    """Return bytes in the unit in which --memory is given."""
    return f"{count / 2**20:.0f} MiB"


def peak_memory() -> int | None:
    """Return the largest that this process has been, in bytes; None where nothing tells."""
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def failure_lines(summary: StreamSummary) -> Iterator[str]:
    """Yield the regions that could not be read."""
    for word, gaps in (("failed", summary.gaps), ("filled", summary.filled)):
        yield from (f"{word}: {gap}" for gap in gaps[:_NAMED])
        if len(gaps) > _NAMED:
            yield f"{word}: {len(gaps) - _NAMED} regions more; --json names them all"


def planned(plan: StreamPlan) -> dict[str, Any]:
    """Return what would be done, for programs."""
    return {
        "filter": plan.filter,
        "device": plan.device,
        "shape": list(plan.sink.shape),
        "dtype": str(plan.sink.dtype),
        "tile": list(plan.grid.tile),
        "tiles": plan.count,
        "pixels": plan.pixels,
        "readers": plan.workers.readers,
        "writers": plan.workers.writers,
        "memory": plan.host_bytes,
        "gpu_memory": plan.gpu_bytes,
    }


def described(
    source: Path, summary: StreamSummary, peak: int | None, error: str = ""
) -> dict[str, Any]:
    """Return what became of a stream, for programs."""
    pace = _pace(summary)
    loads = {
        load.stage: {
            "seconds": round(load.seconds, 6),
            "busy": round(pace.busy(load), 4),
            "workers": len(load.workers),
            "pieces": load.pieces,
            "bytes": load.bytes,
        }
        for load in pace.loads
    }
    told = summary.to_dict() | {"schema": "gpuconv.run/1", "input": str(source)}
    told |= {"pixels_per_second": round(pace.pixels_per_second), "bound": pace.bound}
    return told | {"stages": loads, "memory_measured": peak, "error": error or None}
