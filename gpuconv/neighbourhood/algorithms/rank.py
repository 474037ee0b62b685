"""How rank filters may run."""

from __future__ import annotations

from gpuconv.cost import Machine, Prediction
from gpuconv.neighbourhood.rank import Rank
from gpuconv.neighbourhood.request import Candidate, Request

__all__ = ["ALGORITHMS", "sort"]


def sort(request: Request, machine: Machine) -> tuple[Candidate, Prediction] | str:
    """Return how to sort every window: of any shape, and slowly."""
    wanted = request.neighbourhood
    assert isinstance(wanted, Rank)
    operations = wanted.count * max(1, wanted.count.bit_length())
    seconds = machine.rate("call") + request.scalars * operations * 1e-9
    candidate = Candidate("sort", (64, 512), operations)
    return candidate, request.predicted(seconds)


ALGORITHMS = {"sort": sort}
