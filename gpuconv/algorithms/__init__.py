"""The ways to compute a linear filter: each says whether it can run a request, and how.

An algorithm is a pure function ``(request, machine) -> Candidate | str``; a string is the reason
why it cannot. To add one: a function here, a row in :data:`ALGORITHMS`, what it costs in
:mod:`gpuconv.cost`, and a file of its name in a backend.
"""

from __future__ import annotations

from collections.abc import Callable

from gpuconv.algorithms.box import box
from gpuconv.algorithms.direct import dense, scale, separable
from gpuconv.algorithms.fourier import fourier
from gpuconv.algorithms.ordered import ordered
from gpuconv.algorithms.recursive import recursive
from gpuconv.cost import Machine
from gpuconv.request import Candidate, Request

__all__ = ["ALGORITHMS", "METHODS", "answer"]

#: Every algorithm by name; where two are predicted to take as long, the first is chosen.
ALGORITHMS: dict[str, Callable[[Request, Machine], Candidate | str]] = {
    "scale": scale,
    "dense": dense,
    "separable": separable,
    "box": box,
    "fft": fourier,
    "recursive": recursive,
    "ordered": ordered,
}

#: What ``method=`` takes.
METHODS = ("auto", *ALGORITHMS)

#: The algorithms that the GPU has kernels of for pixels with weights of their own.
_WEIGHED_ON_GPU = ("dense", "separable")


def answer(name: str, request: Request, machine: Machine) -> Candidate | str:
    """Return how an algorithm would run a request on a machine, or why it cannot."""
    if machine.kind == "cuda" and request.weighed and name not in _WEIGHED_ON_GPU:
        return "on a GPU, pixels that have weights are summed tap by tap"
    return ALGORITHMS[name](request, machine)
