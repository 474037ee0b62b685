"""The instructions of SASS that pick the smaller, or the larger, of numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.static.arithmetic import signed

if TYPE_CHECKING:
    from benchmarks.static.machine import Block, Step

__all__ = ["EXTREMA"]


def smaller(block: Block, step: Step) -> None:
    """VIMNMX, IMNMX, FMNMX: the smaller of two, or the larger."""
    target, a, b, least = step.operands
    if step.instruction.name == "FMNMX":
        x, y = a.single(block), b.single(block)
        picked = np.where(least.bit(block), np.fmin(x, y), np.fmax(x, y))
        return target.put_single(block, picked)
    x, y = a.integer(block), b.integer(block)
    if "U32" not in step.flags:
        x, y = signed(x), signed(y)
    picked = np.where(least.bit(block), np.minimum(x, y), np.maximum(x, y))
    return target.put(block, picked.astype(np.int64).astype(np.uint32))


def sum_smaller(block: Block, step: Step) -> None:
    """VIADDMNMX: the smaller of a sum of two and a third, or the larger."""
    target, a, b, c, least = step.operands
    total = a.integer(block) + b.integer(block)
    x, y = (each if "U32" in step.flags else signed(each) for each in (total, c.integer(block)))
    picked = np.where(least.bit(block), np.minimum(x, y), np.maximum(x, y))
    target.put(block, picked.astype(np.int64).astype(np.uint32))


def smallest(block: Block, step: Step) -> None:
    """VIMNMX3: the smallest of three, or the largest: what VIMNMX does twice."""
    target, *sources, least = step.operands
    words = [each.integer(block) for each in sources]
    if "U32" not in step.flags:
        words = [signed(each) for each in words]
    lowest, highest = reduce(np.minimum, words), reduce(np.maximum, words)
    picked = np.where(least.bit(block), lowest, highest)
    target.put(block, picked.astype(np.int64).astype(np.uint32))


EXTREMA: dict[str, Callable[[Block, Step], None]] = {
    "FMNMX": smaller,
    "IMNMX": smaller,
    "VIADDMNMX": sum_smaller,
    "VIMNMX": smaller,
    "VIMNMX3": smallest,
}
