"""What a call takes whose tiles are dealt to threads."""

from __future__ import annotations

from math import ceil

from gpuconv.cost.blocks import WORTH_SHARING
from gpuconv.cost.machine import Machine

__all__ = ["dealt"]


def dealt(seconds: float, tiles: float, machine: Machine) -> float:
    """Return what `seconds` of computing on one thread take on all threads that have a tile.

    Examples
    --------
    >>> rates = (("gain.compute", 1.0), ("thread", 0.0))
    >>> machine = Machine("host", "made up", 2, False, rates)
    >>> dealt(0.1, 8, machine), dealt(0.75, 3, machine), dealt(0.1, 1, machine)
    (0.05, 0.5, 0.1)
    """
    count = ceil(tiles)
    helpers = min(machine.units, count) - 1
    if helpers < 1 or seconds <= WORTH_SHARING:
        return seconds
    # All wait for the one that draws the last tile.
    uneven = ceil(count / (helpers + 1)) * (helpers + 1) / count
    shared = seconds * uneven / (1 + helpers * machine.rate("gain.compute"))
    return max(shared + helpers * machine.rate("thread"), 1.01 * WORTH_SHARING)
