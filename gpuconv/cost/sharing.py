"""What a call takes whose tiles are dealt to threads."""

from __future__ import annotations

from math import ceil

from gpuconv.cost.blocks import WORTH_SHARING
from gpuconv.cost.machine import Machine

__all__ = ["dealt", "least_shared"]

#: Seconds that a step of one of several threads takes longer than alone: it lets go of the
#: interpreter, and must get it back from the others, whom the system has to wake up. Steps of
#: networks took 3 … 4 µs longer on two idle cores, be they of 3 µs or of 20, and 9 … 13 beside
#: other work (benchmarks/NOTES.md).
_HANDOVER = 4e-6


def least_shared(alone: float) -> float:
    """Return the least that can be predicted of a call that is shared, by what it takes alone.

    The engine shares what is predicted to take longer than WORTH_SHARING; and what takes longer on
    one thread is not to seem to take as long on several.
    """
    return WORTH_SHARING + 0.01 * alone


def dealt(alone: float, tiles: float, machine: Machine, steps: float = 0) -> float:
    """Return what seconds of computing on one thread take on all threads that have a tile.

    After each of `steps`, calls that let go of the interpreter, a thread must get it back from all
    others.

    Examples
    --------
    >>> rates = (("gain.compute", 1.0), ("thread", 0.0))
    >>> machine = Machine("host", "made up", 2, False, rates)
    >>> dealt(0.1, 8, machine), dealt(0.75, 3, machine), dealt(0.1, 1, machine)
    (0.05, 0.5, 0.1)
    """
    count = ceil(tiles)
    helpers = min(machine.units, count) - 1
    if helpers < 1 or alone <= WORTH_SHARING:
        return alone
    # All wait for the one that draws the last tile.
    uneven = ceil(count / (helpers + 1)) * (helpers + 1) / count
    computing = alone + steps * helpers * _HANDOVER
    shared = computing * uneven / (1 + helpers * machine.rate("gain.compute"))
    return max(shared + helpers * machine.rate("thread"), least_shared(alone))
