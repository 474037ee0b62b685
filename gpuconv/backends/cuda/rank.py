"""Which kernel runs a rank filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gpuconv.backends.cuda.launch import Launch, Scratch
from gpuconv.backends.cuda.problem import Problem
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.rank_any import extreme, histogram, select
from gpuconv.backends.cuda.rank_network import network
from gpuconv.neighbourhood import NeighbourhoodPlan, Rank

__all__ = ["launches"]

#: By algorithm (gpuconv/neighbourhood/algorithms/rank_cuda.py).
_KERNELS = {"extreme": extreme, "network": network, "histogram": histogram, "sort": select}


def launches(
    problem: Problem, plan: NeighbourhoodPlan, channels: tuple[int, int], limits: Limits
) -> tuple[Sequence[Launch], Mapping[str, Scratch]]:
    """Return what is launched, and the scratch arrays it needs.

    `channels` are the elements from a channel to the next, in the image and in the output.
    """
    wanted = plan.neighbourhood
    assert isinstance(wanted, Rank)
    made = _KERNELS[plan.algorithm](problem, wanted, limits)
    # Windows that are too large for the shared memory of this device.
    return made or select(problem, wanted, limits)
