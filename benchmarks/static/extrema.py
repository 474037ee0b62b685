"""The instructions of SASS that pick the smaller, or the larger, of numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

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
    return _pick(block, step, [a.integer(block), b.integer(block)])


def sum_smaller(block: Block, step: Step) -> None:
    """VIADDMNMX: the smaller of a sum of two and a third, or the larger."""
    _, a, b, c, _ = step.operands
    _pick(block, step, [a.integer(block) + b.integer(block), c.integer(block)])


def smallest(block: Block, step: Step) -> None:
    """VIMNMX3: the smallest of three, or the largest: what VIMNMX does twice."""
    _, *sources, _ = step.operands
    _pick(block, step, [each.integer(block) for each in sources])


#: Numbers of 16 bits, two in a register, by the flag that says so.
_PAIRS = {"U16x2": np.uint16, "S16x2": np.int16}


def _pick(block: Block, step: Step, words: list[Any]) -> None:
    """Write the smallest of some words, or the largest, as the last operand says."""
    target, least = step.operands[0], step.operands[-1].bit(block)
    pair = next((_PAIRS[flag] for flag in step.flags if flag in _PAIRS), None)
    if pair is not None:
        bits = (np.broadcast_to(word, block.threads).astype(np.uint32) for word in words)
        words = [np.ascontiguousarray(word).view(pair).reshape(-1, 2) for word in bits]
        least = np.broadcast_to(least, block.threads)[:, None]
    elif "U32" not in step.flags:
        words = [signed(word) for word in words]
    picked = np.where(least, reduce(np.minimum, words), reduce(np.maximum, words))
    if pair is not None:
        target.put(block, np.ascontiguousarray(picked).view(np.uint32)[:, 0])
    else:
        target.put(block, picked.astype(np.int64).astype(np.uint32))


EXTREMA: dict[str, Callable[[Block, Step], None]] = {
    "FMNMX": smaller,
    "IMNMX": smaller,
    "VIADDMNMX": sum_smaller,
    "VIMNMX": smaller,
    "VIMNMX3": smallest,
}
