"""Filters over images that no memory holds."""

from __future__ import annotations

from gpuconv.stream.plan import StreamPlan
from gpuconv.stream.record import Event, Record
from gpuconv.stream.run import plan_stream, stream
from gpuconv.stream.summary import Gap, StreamError, StreamSummary

__all__ = [
    "Event",
    "Gap",
    "Record",
    "StreamError",
    "StreamPlan",
    "StreamSummary",
    "plan_stream",
    "stream",
]
