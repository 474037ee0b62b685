"""The operands of SASS instructions: what they read from, and write to, the lanes of a block.

Values are NumPy arrays with one element per thread; registers hold 32 bits, and a number of 64
bits lies in two neighbours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from benchmarks.static.machine import Block

__all__ = ["Address", "Operand", "Place", "Predicate", "operand"]

Words = NDArray[np.uint32]

_REGISTER = re.compile(r"(-)?(~)?(\|)?(U?R)(Z|\d+)\|?((?:\.\w+)*)")
_CONSTANT = re.compile(
    r"(-)?(~)?(\|)?c\[0x0\]\[(?:(U?R(?:\d+|Z))\+?)?(-?0x[0-9a-f]+)?\]\|?((?:\.\w+)*)"
)
_PREDICATE = re.compile(r"(!)?(U?P)(T|\d)")
_ADDRESS = re.compile(r"(?:desc\[UR\d+\])?\[(.*)\]")
_TERM = re.compile(r"(U?R)(Z|\d+)((?:\.\w+)*)")

#: Number of the register, and of the predicate, that ignores what is written to it.
RZ, PT = 255, 7


def _shown(name: str, none: str, last: int) -> int:
    return last if name == none else int(name)


@dataclass(frozen=True)
class Operand:
    """What an instruction reads as a number; this one is written in the instruction itself."""

    value: float | int = 0
    negative: bool = False
    inverted: bool = False
    absolute: bool = False
    #: What follows the name: "H0_H0" is a half, "B1" a byte.
    parts: tuple[str, ...] = ()

    def raw(self, block: Block, word: int = 0) -> Words:
        """Return the bits as they lie; `word` 1 is the upper half of 64."""
        if isinstance(self.value, float):
            return np.float32(self.value).view(np.uint32)
        return np.uint32((self.value >> 32 * word) & 0xFFFFFFFF)

    def integer(self, block: Block) -> Words:
        """Return 32 bits, negated if the instruction says so."""
        bits = self._part(self.raw(block))
        if self.inverted:
            bits = ~bits
        if self.absolute:
            signed = np.asarray(bits, np.uint32).view(np.int32)
            bits = np.abs(signed).view(np.uint32)
        return -bits if self.negative else bits

    def addend(self, block: Block, extended: bool) -> NDArray[np.uint64]:
        """Return what an addition with carry adds; an `extended` one inverts instead of negating.

        A negated number is its complement plus 1, which makes the carry of a subtraction.
        """
        bits = np.asarray(self.raw(block)).astype(np.uint64)
        if not (self.negative or self.inverted):
            return bits
        bits ^= np.uint64(0xFFFFFFFF)
        return bits if extended or self.inverted else bits + np.uint64(1)

    def wide(self, block: Block) -> NDArray[np.uint64]:
        """Return 64 bits."""
        low, high = (np.asarray(self.raw(block, word)).astype(np.uint64) for word in (0, 1))
        bits = low | high << np.uint64(32)
        return ~bits + np.uint64(1) if self.negative else bits

    def single(self, block: Block) -> NDArray[np.float32]:
        """Return a float32."""
        return self._signed(np.asarray(self.raw(block), np.uint32).view(np.float32))

    def double(self, block: Block) -> NDArray[np.float64]:
        """Return a float64."""
        if isinstance(self.value, float):
            return self._signed(np.float64(self.value))
        plain = Operand.wide if not self.negative else Operand._plain_wide
        return self._signed(np.asarray(plain(self, block), np.uint64).view(np.float64))

    def half(self, block: Block) -> NDArray[np.float16]:
        """Return the float16 that the instruction picks."""
        bits = np.asarray(self.raw(block), np.uint32)
        shift = 16 if any(part.startswith("H1") for part in self.parts) else 0
        return self._signed((bits >> shift).astype(np.uint16).view(np.float16))

    def _plain_wide(self, block: Block) -> NDArray[np.uint64]:
        low, high = (np.asarray(self.raw(block, word)).astype(np.uint64) for word in (0, 1))
        return low | high << np.uint64(32)

    def _signed(self, number: Any) -> Any:
        number = np.abs(number) if self.absolute else number
        return -number if self.negative else number

    def _part(self, bits: Words) -> Words:
        for part in self.parts:
            if part[0] == "B" and part[1:].isdigit():
                return bits >> np.uint32(8 * int(part[1:])) & np.uint32(0xFF)
            if part[0] == "H" and part[1].isdigit():
                return bits >> np.uint32(16 * int(part[1])) & np.uint32(0xFFFF)
        return bits


@dataclass(frozen=True)
class Place(Operand):
    """A register: "R" of a thread, or "UR", shared by the threads of a warp."""

    file: str = "R"
    index: int = RZ

    def raw(self, block: Block, word: int = 0) -> Words:
        """Return the bits as they lie."""
        registers = block.registers if self.file == "R" else block.uniform
        # The upper half of nothing is nothing.
        return registers[self.index if self.index == RZ else self.index + word]

    def put(self, block: Block, bits: Any, word: int = 0) -> None:
        """Write 32 bits in the active lanes."""
        if self.index == RZ:
            return
        if self.file == "R":
            np.copyto(block.registers[self.index + word], bits, "unsafe", where=block.active)
        else:
            np.copyto(block.uniform[self.index + word], bits, "unsafe", where=block.warps())

    def put_wide(self, block: Block, bits: Any) -> None:
        """Write 64 bits in the active lanes."""
        bits = np.asarray(bits, np.uint64)
        self.put(block, (bits & np.uint64(0xFFFFFFFF)).astype(np.uint32))
        self.put(block, (bits >> np.uint64(32)).astype(np.uint32), 1)

    def put_single(self, block: Block, number: Any) -> None:
        """Write a float32 in the active lanes."""
        self.put(block, np.asarray(number, np.float32).view(np.uint32))

    def put_double(self, block: Block, number: Any) -> None:
        """Write a float64 in the active lanes."""
        self.put_wide(block, np.asarray(number, np.float64).view(np.uint64))


@dataclass(frozen=True)
class Constant(Operand):
    """A word of the constant bank, where the kernel's arguments are."""

    offset: int = 0
    index: Place | None = None

    def raw(self, block: Block, word: int = 0) -> Words:
        """Return the bits as they lie."""
        at = self.offset // 4 + word
        if self.index is None:
            return block.constants[at]
        index = at + self.index.raw(block).view(np.int32).astype(np.int64) // 4
        # Threads that do not take part may hold anything.
        return block.constants.take(index, mode="clip")


@dataclass(frozen=True)
class Predicate:
    """A predicate: one bit of a thread ("P") or of a warp ("UP")."""

    file: str
    index: int
    negative: bool

    def bit(self, block: Block) -> NDArray[np.bool_]:
        """Return the bit."""
        bits = (block.predicates if self.file == "P" else block.uniform_predicates)[self.index]
        return ~bits if self.negative else bits

    def put(self, block: Block, bits: Any) -> None:
        """Write it in the active lanes."""
        if self.index == PT:
            return
        if self.file == "P":
            np.copyto(block.predicates[self.index], bits, where=block.active)
        else:
            np.copyto(block.uniform_predicates[self.index], bits, where=block.warps())


@dataclass(frozen=True)
class Address:
    """Where a load or store goes: the sum of registers and an offset, in bytes."""

    #: (register, whether it has 64 bits, what it is multiplied by)
    terms: tuple[tuple[Place, bool, int], ...]
    offset: int

    def where(self, block: Block) -> NDArray[np.int64]:
        """Return the address of each thread."""
        total = np.full(block.threads, self.offset, np.int64)
        for place, wide, scale in self.terms:
            bits = place.wide(block) if wide else place.raw(block).astype(np.uint64)
            total += bits.view(np.int64) * scale
        return total


@cache
def operand(text: str) -> Operand | Predicate | Address:
    """Return the operand that a word of a listing stands for."""
    if found := _PREDICATE.fullmatch(text):
        return Predicate(found[2], _shown(found[3], "T", PT), bool(found[1]))
    if found := _REGISTER.fullmatch(text):
        signs = bool(found[1]), bool(found[2]), bool(found[3]), tuple(found[6].split(".")[1:])
        return Place(0, *signs, found[4], _shown(found[5], "Z", RZ))
    if found := _CONSTANT.fullmatch(text):
        signs = bool(found[1]), bool(found[2]), bool(found[3]), tuple(found[6].split(".")[1:])
        index = operand(found[4]) if found[4] else None
        return Constant(0, *signs, int(found[5] or "0", 16), index)
    if found := _ADDRESS.fullmatch(text):
        return _address(found[1])
    return Operand(_number(text))


def _number(text: str) -> float | int:
    if "0x" in text:
        return int(text, 16)
    plain = text.upper().replace("QNAN", "NAN").replace("SNAN", "NAN")
    try:
        return float(plain)
    except ValueError:
        return 0  # a label, a barrier's name, a special register


def _address(text: str) -> Address:
    terms, offset = [], 0
    for part in filter(None, re.split(r"\+(?!-)|\+(?=-)", text)):
        if found := _TERM.fullmatch(part):
            place = Place(file=found[1], index=_shown(found[2], "Z", RZ))
            scale = next((int(f[1:]) for f in found[3].split(".") if f[:1] == "X"), 1)
            # A uniform register beside a wide one is 64 bits wide as well.
            wide = ".64" in found[3] or (found[1] == "UR" and ".64" in text)
            terms.append((place, wide, scale))
        else:
            offset += int(part, 16)
    return Address(tuple(terms), offset)
