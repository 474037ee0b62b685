"""The ways to run a neighbourhood filter: each says whether it can run a request, and how fast.

An algorithm is a pure function ``(request, machine) -> (Candidate, Prediction) | str``; a string is
the reason why it cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from gpuconv.cost import Machine, Prediction
from gpuconv.neighbourhood.algorithms import bilateral, nl_means, rank
from gpuconv.neighbourhood.request import Candidate, Request

__all__ = ["ALGORITHMS"]

Algorithm: TypeAlias = Callable[[Request, Machine], tuple[Candidate, Prediction] | str]

#: Family → its algorithms by name; where two are predicted to take as long, the first is chosen.
ALGORITHMS: Mapping[str, Mapping[str, Algorithm]] = {
    "rank": rank.ALGORITHMS,
    "bilateral": bilateral.ALGORITHMS,
    "nl_means": nl_means.ALGORITHMS,
}
