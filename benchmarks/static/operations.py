"""What each SASS instruction does, as far as the project's kernels use them.

NVIDIA does not document the instructions; what stands here was read off compiled code, and holds
because the machine's results are compared with those of the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.static.arithmetic import ARITHMETIC, lut
from benchmarks.static.conversions import CONVERSIONS
from benchmarks.static.counting import COUNTING
from benchmarks.static.extrema import EXTREMA
from benchmarks.static.memory import WARP
from benchmarks.static.operands import Address, Place, Predicate
from benchmarks.static.packed import PACKED
from benchmarks.static.sass import Instruction

if TYPE_CHECKING:
    from benchmarks.static.machine import Block, Step

__all__ = ["operation"]

Operation = Callable[["Block", "Step"], None]


def operation(instruction: Instruction) -> Operation:
    """Return what an instruction does."""
    name = instruction.name
    for table in (CONTROL, MEMORY, ARITHMETIC, EXTREMA, CONVERSIONS, PACKED, COUNTING):
        for key in (name, name.removeprefix("U")):
            if key in table:
                return table[key]

    def unknown(block: Block, step: Step) -> None:
        raise NotImplementedError(f"{instruction.opcode} {', '.join(instruction.operands)}")

    return unknown


# -------------------------------------------------------------------------------- control


def nothing(block: Block, step: Step) -> None:
    """Do nothing that matters for the result."""


def branch(block: Block, step: Step) -> None:
    """BRA, CALL: go on elsewhere; a condition may stand before the target."""
    taken = block.active
    for each in step.operands:
        if isinstance(each, Predicate):
            taken = taken & each.bit(block)
    block.at[taken] = step.instruction.target


def back(block: Block, step: Step) -> None:
    """RET: go on where the register says, an offset in bytes; instructions have 16."""
    block.at[block.active] = step.operands[0].raw(block)[block.active] // 16


def leave(block: Block, step: Step) -> None:
    """EXIT: end; whoever waits for this thread need not any more."""
    block.done |= block.active
    for name in block.meeting:
        block.meeting[name] &= ~block.done
        _meet(block, name)
    _synchronise(block)


def part(block: Block, step: Step) -> None:
    """BSSY: the active threads of a warp will meet again."""
    name = step.words[0]
    together = block.meeting.setdefault(name, np.zeros(block.threads, bool))
    block.arrived.setdefault(name, np.zeros(block.threads, bool))
    together[block.warps()] = False
    together |= block.active


def rejoin(block: Block, step: Step) -> None:
    """BSYNC: wait for the threads that parted here."""
    block.waiting |= block.active
    block.arrived[step.words[0]] |= block.active
    _meet(block, step.words[0])


def _meet(block: Block, name: str) -> None:
    arrived = block.arrived[name]
    missing = (block.meeting[name] & ~arrived).reshape(-1, WARP).any(axis=1)
    together = arrived & ~np.repeat(missing, WARP)
    block.waiting &= ~together
    arrived &= ~together


def abandon(block: Block, step: Step) -> None:
    """BREAK: the active threads will not come to the meeting."""
    block.meeting[step.words[-1]] &= ~block.active
    _meet(block, step.words[-1])


def barrier(block: Block, step: Step) -> None:
    """BAR.SYNC: wait for every thread of the block."""
    block.waiting |= block.active
    block.at_barrier |= block.active
    _synchronise(block)


def _synchronise(block: Block) -> None:
    if (block.at_barrier | block.done).all():
        block.waiting &= ~block.at_barrier
        block.at_barrier[:] = False


def vote(block: Block, step: Step) -> None:
    """VOTE.ANY, .ALL: ask all active threads of a warp; a register gets the bits of who agreed."""
    bits = step.operands[-1].bit(block)
    agreed = (bits & block.active).reshape(-1, WARP)
    ballot = (agreed * (np.uint64(1) << np.arange(WARP, dtype=np.uint64))).sum(axis=1)
    held = agreed.any(axis=1)
    if "ALL" in step.flags:
        held = ~(~bits & block.active).reshape(-1, WARP).any(axis=1)
    for each in step.operands[:-1]:
        if isinstance(each, Predicate):
            each.put(block, np.repeat(held, WARP))
        elif isinstance(each, Place):
            each.put(block, np.repeat(ballot.astype(np.uint32), WARP))


CONTROL: dict[str, Operation] = {
    "BAR": barrier,
    "BRA": branch,
    "BREAK": abandon,
    "BSSY": part,
    "BSYNC": rejoin,
    "CALL": branch,
    "ENDCOLLECTIVE": nothing,
    "EXIT": leave,
    "NOP": nothing,
    "RET": back,
    "VOTE": vote,
    "WARPSYNC": nothing,
}


# -------------------------------------------------------------------------------- memory


def _size(step: Step) -> tuple[int, bool]:
    """Return the bytes that a thread loads or stores, and whether they are signed."""
    for flag, size in (("U8", 1), ("S8", 1), ("U16", 2), ("S16", 2), ("64", 8), ("128", 16)):
        if flag in step.flags:
            return size, flag[0] == "S"
    return 4, False


def _registers(data: NDArray[np.uint8], signed: bool) -> NDArray[np.uint32]:
    """Return bytes (threads, size) as words (words, threads)."""
    size = data.shape[1]
    if size < 4:
        small = np.ascontiguousarray(data).view(f"{'i' if signed else 'u'}{size}")[:, 0]
        return small.astype(np.int64).astype(np.uint32)[None]
    return np.ascontiguousarray(data).view(np.uint32).T


def load(block: Block, step: Step) -> None:
    """LDG, LD, LDS."""
    size, signed = _size(step)
    # A second destination, a predicate, says whether the address was good.
    target, address = step.operands[0], next(o for o in step.operands if hasattr(o, "where"))
    shared = step.instruction.name == "LDS"
    read = block.memory.load_shared if shared else block.memory.load
    words = _registers(read(address.where(block), size, block.active), signed)
    for i, word in enumerate(words):
        whole = np.zeros(block.threads, np.uint32)
        whole[block.active] = word
        target.put(block, whole, i)


def store(block: Block, step: Step) -> None:
    """STG, ST, STS."""
    size, _ = _size(step)
    address, source = step.operands[:2]
    words = [
        np.broadcast_to(source.raw(block, i), block.threads)[block.active]
        for i in range(max(1, size // 4))
    ]
    data = np.ascontiguousarray(np.stack(words, axis=1)).view(np.uint8)[:, :size]
    shared = step.instruction.name == "STS"
    write = block.memory.store_shared if shared else block.memory.store
    write(address.where(block), data, block.active)


def load_local(block: Block, step: Step) -> None:
    """LDL: from the thread's own memory, where spilled registers are."""
    size, _ = _size(step)
    at, lanes = _local(block, step.operands[1])
    for word in range(size // 4):
        whole = np.zeros(block.threads, np.uint32)
        whole[lanes] = block.local[at + word, lanes]
        step.operands[0].put(block, whole, word)


def store_local(block: Block, step: Step) -> None:
    """STL."""
    size, _ = _size(step)
    at, lanes = _local(block, step.operands[0])
    for word in range(size // 4):
        block.local[at + word, lanes] = step.operands[1].raw(block, word)[lanes]


def _local(block: Block, address: Address) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the words and the threads that a request names; the stack begins where R1 says."""
    lanes = np.flatnonzero(block.active)
    return address.where(block)[lanes] // 4, lanes


def load_constant(block: Block, step: Step) -> None:
    """LDC, ULDC: words of the constant bank."""
    target, source = step.operands
    for word in range(2 if "64" in step.flags else 1):
        target.put(block, source.raw(block, word), word)


def load_special(block: Block, step: Step) -> None:
    """S2R, S2UR, CS2R: a special register; the last writes 64 bits."""
    value = block.special(step.words[1])
    target = step.operands[0]
    target.put(block, value)
    if step.instruction.name == "CS2R" and "32" not in step.flags:
        target.put(block, np.uint32(0), 1)


def make_uniform(block: Block, step: Step) -> None:
    """R2UR: give the value of the first active thread to its warp."""
    source = step.operands[-1].raw(block).reshape(-1, WARP)
    first = block.active.reshape(-1, WARP).argmax(axis=1)
    value = source[np.arange(len(first)), first]
    assert isinstance(step.operands[0], Place)
    step.operands[0].put(block, np.repeat(value, WARP))


def shuffle(block: Block, step: Step) -> None:
    """SHFL: read another thread's register."""
    target, source, by = step.operands[1:4]
    lane = np.arange(block.threads) % WARP
    amount = by.raw(block).astype(np.int64)
    moves: dict[str, Any] = {
        "IDX": amount,
        "UP": lane - amount,
        "DOWN": lane + amount,
        "BFLY": lane ^ amount,
    }
    wanted = next(moves[flag] for flag in step.flags if flag in moves)
    inside = (wanted >= 0) & (wanted < WARP)
    other = np.where(inside, wanted, lane) + np.arange(block.threads) // WARP * WARP
    step.operands[0].put(block, inside)
    target.put(block, source.raw(block)[other])


def pack_predicates(block: Block, step: Step) -> None:
    """P2R: predicates as the bits of a register."""
    target, _, kept, mask = step.operands
    bits = np.zeros(block.threads, np.uint32)
    for i in range(7):
        bits |= block.predicates[i].astype(np.uint32) << np.uint32(i)
    chosen = mask.raw(block)
    shift = np.uint32(8 * next((int(f[1]) for f in step.flags if f[0] == "B"), 0))
    target.put(block, kept.raw(block) & ~(chosen << shift) | (bits & chosen) << shift)


def unpack_predicates(block: Block, step: Step) -> None:
    """R2P: predicates from the bits of a register."""
    _, source, mask = step.operands
    part = next((8 * int(p[1]) for p in source.parts if p[0] == "B"), 0)
    chosen = int(mask.raw(block))
    for i in range(7):
        if chosen >> i & 1:
            bit = source.raw(block) >> np.uint32(part + i) & np.uint32(1)
            Predicate("P", i, False).put(block, bit.astype(bool))


def combine_predicates(block: Block, step: Step) -> None:
    """PLOP3: any function of three predicates, twice; its values are the bits of a number."""
    a, b, c = (each.bit(block) for each in step.operands[2:5])
    for target, table in zip(step.operands[:2], step.operands[5:7], strict=True):
        target.put(block, lut(int(table.raw(block)), a, b, c))


MEMORY: dict[str, Operation] = {
    "CS2R": load_special,
    "LD": load,
    "LDC": load_constant,
    "LDL": load_local,
    "LDG": load,
    "LDS": load,
    "P2R": pack_predicates,
    "PLOP3": combine_predicates,
    "R2P": unpack_predicates,
    "R2UR": make_uniform,
    "S2R": load_special,
    "S2UR": load_special,
    "SHFL": shuffle,
    "ST": store,
    "STG": store,
    "STL": store_local,
    "STS": store,
}
