"""The plan of a neighbourhood filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gpuconv import tiling
from gpuconv.bounded import Bounded
from gpuconv.cost import Machine, Prediction
from gpuconv.neighbourhood.algorithms import ALGORITHMS
from gpuconv.neighbourhood.base import Neighbourhood
from gpuconv.neighbourhood.request import Candidate, Request
from gpuconv.task import Task, elect

__all__ = ["NeighbourhoodPlan", "make_plan"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class NeighbourhoodPlan(Task):
    """How a neighbourhood filter runs: which algorithm, in which tiles, and why no other.

    Images are (…, H, W), or (…, C, H, W) where channels are filtered together.
    """

    neighbourhood: Neighbourhood
    #: Channels that are filtered together; None: the image has no axis of such.
    channels: int | None
    #: Whether tiles are dealt to threads (CPU).
    shared: bool

    #: No pixel has a weight of its own.
    masked: ClassVar[bool] = False

    @property
    def planes(self) -> tuple[int, ...]:
        """All axes of the image before its rows and columns."""
        return self.batch if self.channels is None else (*self.batch, self.channels)

    def _what(self) -> str:
        return self.neighbourhood.label

    def _computed(self) -> list[tuple[str, str]]:
        colour = "" if self.channels is None else f", {self.channels} channels together"
        return [("filter", self.neighbourhood.label + colour)]

    def _unit(self) -> str:
        return "operations"


_PLANS: Bounded[NeighbourhoodPlan] = Bounded(most=8 * 2**20)


def make_plan(request: Request, machine: Machine) -> NeighbourhoodPlan:
    """Return the plan of a request on a machine; the same one when asked again.

    Raises
    ------
    ArgumentError
        The request's method cannot run it; the message says why.
    """
    return _PLANS.get((request, machine), lambda: _plan(request, machine), bytes=8192)


def _plan(request: Request, machine: Machine) -> NeighbourhoodPlan:
    algorithms = ALGORITHMS[request.neighbourhood.family]

    def answer(name: str) -> tuple[Candidate, Prediction] | str:
        return algorithms[name](request, machine)

    chosen, prediction, rejected = elect(request.method, algorithms, answer)
    y, x = request.axes
    return NeighbourhoodPlan(
        algorithm=chosen.algorithm,
        neighbourhood=request.neighbourhood,
        channels=request.channels,
        batch=request.batch,
        y=y,
        x=x,
        border=request.border,
        cval=request.cval,
        dtype=request.dtype,
        accumulator=request.computed,
        out_dtype=request.out_dtype,
        shared=chosen.shared,
        tile=tiling.clipped(chosen.tile, y, x),
        operations=chosen.operations,
        prediction=prediction,
        machine=machine,
        rejected=rejected,
    )
