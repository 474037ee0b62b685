"""Filters over images that no memory holds."""

from __future__ import annotations

from gpuconv.streaming.plan import StreamPlan
from gpuconv.streaming.record import Event, Record
from gpuconv.streaming.run import plan_stream, stream
from gpuconv.streaming.summary import Gap, StreamError, StreamSummary

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
