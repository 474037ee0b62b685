"""How rank filters may run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from gpuconv.cost import Machine, Prediction
from gpuconv.neighbourhood.algorithms import rank_cuda, rank_host
from gpuconv.neighbourhood.request import Candidate, Request

__all__ = ["ALGORITHMS"]

Algorithm: TypeAlias = Callable[[Request, Machine], tuple[Candidate, Prediction] | str]


def _either(on_cpu: Algorithm, on_gpu: Algorithm) -> Algorithm:
    """Return what answers for both engines."""
    return lambda request, machine: (on_gpu if machine.kind == "cuda" else on_cpu)(request, machine)


#: By name; where two are predicted to take as long, the first is chosen.
ALGORITHMS: dict[str, Algorithm] = {
    # The least and the largest pixels of windows, from those of smaller windows.
    "extreme": _either(rank_host.extreme, rank_cuda.extreme),
    # Selecting by a network of minima and maxima, which neighbouring windows share.
    "network": _either(rank_host.network, rank_cuda.network),
    # Counting pixels by value, at a cost nearly independent of the window's size.
    "histogram": _either(rank_host.histogram, rank_cuda.histogram),
    # Selecting from every window on its own, of any shape.
    "sort": _either(rank_host.sort, rank_cuda.sort),
}
