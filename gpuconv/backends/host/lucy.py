"""The point-wise half of Richardson and Lucy's iteration, in pieces that stay in cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.host.threads import over, thread_count

__all__ = ["compare", "correct"]

Array = NDArray[Any]

#: Numbers that are worked on together: with two other arrays they fill half of a second-level
#: cache of 1 MiB.
_PIECE = 2**15
#: Numbers from which on threads are worth their start.
_SHARED = 2**18


def compare(observed: Array, blurred: Array, least: float) -> None:
    """Make observed / blurred of `blurred`, and 0 where it is not above `least`."""
    seen, made = observed.reshape(-1), blurred.reshape(-1)

    def divide(part: slice) -> None:
        below = made[part]
        # Few images have any; to look for the smallest takes a fraction of a mask's time.
        if not below.min() > least:
            np.copyto(below, np.inf, where=below <= least)
        np.divide(seen[part], below, out=below)

    _over(divide, made.size)


def correct(estimate: Array, votes: Array, shares: Array | None) -> None:
    """Multiply an estimate with its votes, and these with shares, of one plane; none is below 0."""
    planes = votes.reshape(-1, votes.shape[-2] * votes.shape[-1])
    weights = None if shares is None else shares.reshape(-1)
    for plane, vote in zip(estimate.reshape(planes.shape), planes, strict=True):

        def multiply(part: slice, plane: Array = plane, vote: Array = vote) -> None:
            here = vote[part]
            np.maximum(here, 0, out=here)
            if weights is not None:
                np.multiply(here, weights[part], out=here)
            np.multiply(plane[part], here, out=plane[part])

        _over(multiply, vote.size)


def _over(work: Callable[[slice], None], count: int) -> None:
    """Do `work` on all numbers, a piece at a time, on threads."""
    over(work, count, _PIECE, thread_count() if count >= _SHARED else 1)
