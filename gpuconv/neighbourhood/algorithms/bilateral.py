"""How the bilateral filter may run."""

from __future__ import annotations

from gpuconv.cost import Machine, Prediction
from gpuconv.neighbourhood.bilateral import Bilateral
from gpuconv.neighbourhood.request import Candidate, Request

__all__ = ["ALGORITHMS", "direct"]


def direct(request: Request, machine: Machine) -> tuple[Candidate, Prediction] | str:
    """Return how to weigh every pixel of a window."""
    wanted = request.neighbourhood
    assert isinstance(wanted, Bilateral)
    operations = 3 * (2 * wanted.radius + 1) ** 2
    seconds = machine.rate("call") + request.scalars * operations * 1e-9
    candidate = Candidate("direct", (64, 512), operations)
    return candidate, request.predicted(seconds)


ALGORITHMS = {"direct": direct}
