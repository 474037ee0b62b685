"""SASS instructions that count: bits of a register, and numbers in shared memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from benchmarks.static.machine import Block, Step

__all__ = ["COUNTING"]


def count_bits(block: Block, step: Step) -> None:
    """POPC: how many bits of a register are set."""
    step.operands[0].put(block, np.bitwise_count(step.operands[1].raw(block)).astype(np.uint32))


def add_shared(block: Block, step: Step) -> None:
    """ATOMS.ADD, and ATOMS.POPC.INC, which adds 1 for each thread; nobody asks what was there."""
    target, address = step.operands[:2]
    if "ADD" in step.flags:
        addend = np.broadcast_to(step.operands[2].raw(block), block.threads)
    elif "INC" in step.flags:
        addend = np.ones(block.threads, np.uint32)
    else:
        raise NotImplementedError(step.instruction.opcode)
    if step.words[0] != "RZ":
        raise NotImplementedError(f"{step.instruction.opcode} with a result, {target}")
    block.memory.add_shared(address.where(block), addend[block.active], block.active)


COUNTING: dict[str, Callable[[Block, Step], None]] = {"ATOMS": add_shared, "POPC": count_bits}
