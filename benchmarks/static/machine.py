"""A machine that runs SASS: one block of threads, on NumPy arrays, to count what a GPU would issue.

A warp issues an instruction once however many of its threads take part. Threads that a branch has
parted run one part after the other and meet again where the code says (BSSY … BSYNC), as on a GPU.
The machine computes, too: the results it leaves in memory show that it understood the code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.static.memory import WARP, Memory
from benchmarks.static.operands import PT, RZ, Predicate, operand
from benchmarks.static.sass import Code, Instruction

__all__ = ["ARCHES", "Block", "run"]

#: Where the arguments begin in the constant bank, by architecture.
ARCHES = {90: 0x210}
#: Where dynamic shared memory begins: the first KiB belongs to the system.
_SHARED = 0x400
#: The word of the constant bank that holds the bank's own address, for pointers to arguments.
_WINDOW = 0x198
_BANK_ADDRESS = 0x7F0000000000
#: The word that holds the end of a thread's stack, and the bytes that the stack has here.
_STACK_END, _STACK = 0x28, 4096


@dataclass
class Block:
    """The threads of one block: registers, memory, and where each thread is."""

    memory: Memory
    block: tuple[int, int, int]
    index: tuple[int, int, int]
    constants: NDArray[np.uint32]
    #: Times that a warp issued each instruction.
    issued: NDArray[np.int64]
    threads: int = field(init=False)

    def __post_init__(self) -> None:
        x, y, z = self.block
        self.threads = n = x * y * z
        self.registers = np.zeros((RZ + 1, n), np.uint32)
        self.uniform = np.zeros((RZ + 1, n), np.uint32)
        self.predicates = np.zeros((PT + 1, n), bool)
        self.uniform_predicates = np.zeros((PT + 1, n), bool)
        self.predicates[PT] = self.uniform_predicates[PT] = True
        self.local = np.zeros((_STACK // 4, n), np.uint32)
        self.active = np.ones(n, bool)
        self.at = np.zeros(n, np.int64)
        #: Threads that wait, at a barrier of the block or for the rest of their warp.
        self.waiting = np.zeros(n, bool)
        self.done = np.zeros(n, bool)
        #: By the name of a meeting: who takes part, and who is there.
        self.meeting: dict[str, NDArray[np.bool_]] = {}
        self.arrived: dict[str, NDArray[np.bool_]] = {}
        self.at_barrier = np.zeros(n, bool)

    def warps(self) -> NDArray[np.bool_]:
        """Return the threads of every warp that has an active one."""
        any_active = self.active.reshape(-1, WARP).any(axis=1)
        return np.repeat(any_active, WARP)

    def special(self, name: str) -> Any:
        """Return a special register: a thread's or a block's index."""
        thread = np.arange(self.threads, dtype=np.uint32)
        x, y, _ = self.block
        axes = {"X": thread % x, "Y": thread // x % y, "Z": thread // (x * y)}
        if name.startswith("SR_TID."):
            return axes[name[-1]]
        if name.startswith("SR_CTAID."):
            return np.uint32(self.index["XYZ".index(name[-1])])
        if name == "SR_LANEID":
            return thread % WARP
        if name in ("SRZ", "SR_CgaCtaId"):
            return np.uint32(0)
        raise NotImplementedError(f"special register {name}")


def run(
    code: Code,
    arch: int,
    memory: Memory,
    arguments: bytes,
    grid: Sequence[int],
    block: tuple[int, int, int],
    index: tuple[int, int, int],
) -> NDArray[np.int64]:
    """Run one block and return how often warps issued each instruction."""
    if arch not in ARCHES:
        known = ", ".join(f"sm_{each}" for each in ARCHES)
        raise NotImplementedError(f"sm_{arch} cannot be run here (one of {known})")
    start = ARCHES[arch]
    constants = np.zeros(max(0x1000, start + len(arguments) + 64) // 4, np.uint32)
    constants[:6] = *block, *grid
    constants[_STACK_END // 4] = _STACK
    constants[_WINDOW // 4 : _WINDOW // 4 + 2] = _BANK_ADDRESS & 0xFFFFFFFF, _BANK_ADDRESS >> 32
    bank = constants.view(np.uint8)
    bank[start : start + len(arguments)] = np.frombuffer(arguments, np.uint8)
    memory.map(_BANK_ADDRESS, bank, "constant")
    state = Block(memory, block, index, constants, np.zeros(len(code.instructions), np.int64))
    memory.share(_SHARED)
    _execute(state, [Step(each) for each in code.instructions])
    return state.issued


class Step:
    """An instruction, its words looked up."""

    def __init__(self, instruction: Instruction) -> None:
        from benchmarks.static.operations import operation

        self.instruction = instruction
        self.flags = instruction.flags
        self.words = instruction.operands
        self.operands = [operand(word.replace(".reuse", "")) for word in instruction.operands]
        self.guard = operand(instruction.guard) if instruction.guard else None
        self.perform = operation(instruction)


def _execute(block: Block, steps: Sequence[Step]) -> None:
    running = np.ones(block.threads, bool)
    while True:
        np.logical_not(block.waiting | block.done, out=running)
        if not running.any():
            if block.done.all():
                break
            raise RuntimeError("the threads wait for one another for ever")
        first = int(block.at[running].min())
        here = running & (block.at == first)
        _issue(block, steps[first], first, here)


def _issue(block: Block, step: Step, index: int, here: NDArray[np.bool_]) -> None:
    block.issued[index] += np.count_nonzero(here.reshape(-1, WARP).any(axis=1))
    block.at[here] = index + 1
    if isinstance(step.guard, Predicate):
        here = here & step.guard.bit(block)
    block.active = here
    if here.any():
        step.perform(block, step)
