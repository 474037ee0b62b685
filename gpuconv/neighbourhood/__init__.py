"""Filters that are no sums: what they are, how they may run, and the plan of one.

Such a filter is a value, as a :class:`gpuconv.Kernel` is: a frozen dataclass that says what becomes
of a pixel's neighbourhood. To add one: a file here for the value and a row in
``neighbourhood/algorithms``, a file of its family's name in each backend and in ``reference/``.
"""

from __future__ import annotations

from gpuconv.neighbourhood.base import Neighbourhood
from gpuconv.neighbourhood.bilateral import Bilateral
from gpuconv.neighbourhood.nl_means import NonLocalMeans
from gpuconv.neighbourhood.plan import NeighbourhoodPlan, make_plan
from gpuconv.neighbourhood.rank import Rank
from gpuconv.neighbourhood.request import Candidate, Request

__all__ = [
    "Bilateral",
    "Candidate",
    "Neighbourhood",
    "NeighbourhoodPlan",
    "NonLocalMeans",
    "Rank",
    "Request",
    "make_plan",
]
