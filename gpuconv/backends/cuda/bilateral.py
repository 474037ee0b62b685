"""Launch geometry of kernels_cuda/bilateral.cu."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gpuconv.backends.cuda.launch import Launch, Scratch
from gpuconv.backends.cuda.problem import Problem
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.neighbourhood import NeighbourhoodPlan

__all__ = ["launches"]


def launches(
    problem: Problem, plan: NeighbourhoodPlan, channels: tuple[int, int], limits: Limits
) -> tuple[Sequence[Launch], Mapping[str, Scratch]]:
    """Return what is launched, and the scratch arrays it needs.

    `channels` are the elements from a channel to the next, in the image and in the output.
    """
    raise NotImplementedError
