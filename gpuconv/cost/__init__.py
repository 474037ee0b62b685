"""How long an algorithm will take on a device, and what memory.

Predictions are for choosing: they need to be right to some ten per cent where two algorithms are
near each other, and not elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpuconv.cost import cuda, host
from gpuconv.cost.cuda import transfer
from gpuconv.cost.machine import Machine, cpu, forget, gpu, planned_for, planning_for
from gpuconv.request import Candidate, Request

__all__ = [
    "Machine",
    "Prediction",
    "cpu",
    "forget",
    "gpu",
    "planned_for",
    "planning_for",
    "predict",
    "transfer",
]


@dataclass(frozen=True)
class Prediction:
    """What a plan is expected to take."""

    #: Of the call, on its device, in seconds.
    seconds: float
    #: Read from and written to the device's memory.
    bytes: int
    #: Memory at the peak, image and output included.
    peak: int


def predict(candidate: Candidate, request: Request, machine: Machine) -> Prediction:
    """Return what running `candidate` takes.

    Examples
    --------
    >>> import gpuconv as gc
    >>> small, large = (
    ...     gc.plan((size, size), "float32", gc.kernels.gaussian(3)).prediction
    ...     for size in (1000, 4000)
    ... )
    >>> small.bytes, 10 < large.seconds / small.seconds < 20
    (8000000, True)
    """
    if not request.outputs:  # any algorithm will do, for a call without work
        return Prediction(machine.rate("call"), request.bytes, request.bytes)
    model = {"host": host, "cuda": cuda}[machine.kind]
    moved = request.bytes + model.traffic(candidate, request, machine)
    peak = request.bytes + model.scratch(candidate, request, machine)
    return Prediction(model.seconds(candidate, request, machine), moved, peak)
