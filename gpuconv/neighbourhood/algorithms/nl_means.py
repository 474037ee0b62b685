"""How non-local means may run."""

from __future__ import annotations

from gpuconv.cost import Machine, Prediction
from gpuconv.neighbourhood.nl_means import NonLocalMeans
from gpuconv.neighbourhood.request import Candidate, Request

__all__ = ["ALGORITHMS", "shifts"]


def shifts(request: Request, machine: Machine) -> tuple[Candidate, Prediction] | str:
    """Return how to compare the image with itself, shifted, by sums over windows."""
    wanted = request.neighbourhood
    assert isinstance(wanted, NonLocalMeans)
    operations = 8 * (2 * wanted.search_distance + 1) ** 2
    seconds = machine.rate("call") + request.scalars * operations * 1e-9
    candidate = Candidate("shifts", (64, 512), operations)
    return candidate, request.predicted(seconds)


ALGORITHMS = {"shifts": shifts}
