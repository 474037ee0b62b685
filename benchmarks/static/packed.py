"""The instructions of SASS for the four bytes of a register."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from benchmarks.static.machine import Block, Step

__all__ = ["PACKED"]


def permute(block: Block, step: Step) -> None:
    """PRMT: pick four of eight bytes; 8 added to a number spreads that byte's sign."""
    target, a, selector, b = step.operands
    pair = np.asarray(a.raw(block)).astype(np.uint64)
    pair = pair | np.asarray(b.raw(block)).astype(np.uint64) << np.uint64(32)
    chosen = np.asarray(selector.raw(block)).astype(np.uint64)
    result = np.uint32(0)
    for i in range(4):
        pick = chosen >> np.uint64(4 * i) & np.uint64(15)
        byte = pair >> (pick & np.uint64(7)) * np.uint64(8) & np.uint64(255)
        sign = np.where(byte >> np.uint64(7), np.uint64(255), np.uint64(0))
        byte = np.where(pick & np.uint64(8), sign, byte)
        result = result | byte.astype(np.uint32) << np.uint32(8 * i)
    target.put(block, result)


def dot(block: Block, step: Step) -> None:
    """IDP.4A: four products of bytes, and a sum; each side is signed or not."""
    target, a, b, c = step.operands
    sides = [flag for flag in step.instruction.opcode.split(".") if flag in ("S8", "U8")]
    total = c.integer(block).astype(np.int64)
    for i in range(0, 32, 8):
        product = np.int64(1)
        for side, each in zip(sides, (a, b), strict=True):
            byte = (np.asarray(each.raw(block)) >> np.uint32(i)).astype(np.uint8)
            product = product * byte.view(np.int8 if side == "S8" else np.uint8).astype(np.int64)
        total = total + product
    target.put(block, total.astype(np.uint32))


PACKED: dict[str, Callable[[Block, Step], None]] = {
    "IDP": dot,
    "PRMT": permute,
}
