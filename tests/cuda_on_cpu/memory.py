"""What a kernel may touch: the elements of its arguments, and which of them hold anything yet."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.typing import NDArray

from cuda_on_cpu.layout import CArray

__all__ = ["Fresh", "Operand", "Span", "locate", "spans"]

Array = NDArray[Any]

_READ, _WRITTEN = 1, 3

#: NaN as float32 and float64; in rt/memory.cpp too.
_PATTERN = np.frombuffer(np.uint32(0x7FFFDEAD).tobytes(), np.uint8)


@dataclass(frozen=True)
class Operand:
    """An array that is passed to a kernel."""

    name: str
    array: Array
    writable: bool

    @property
    def bounds(self) -> tuple[int, int]:
        """The address of its first byte and the one after its last."""
        low, high = byte_bounds(self.array)
        return int(low), int(high)


@dataclass
class Span:
    """The memory of one operand, or of several that overlap."""

    start: int
    stop: int
    operands: list[Operand]
    #: Per byte what rt/checker.h says of Array.legal; None where all operands' bytes are legal.
    legal: NDArray[np.uint8] | None = None
    initialised: NDArray[np.uint8] | None = None

    def c_array(self, complete: bool) -> CArray:
        """Return what the runtime is told."""
        writable = any(operand.writable for operand in self.operands)
        item = min(operand.array.itemsize for operand in self.operands)
        pointers = (None if x is None else x.ctypes.data for x in (self.legal, self.initialised))
        return CArray(
            self.start, self.stop - self.start, *pointers, item, writable, writable and complete
        )


class Fresh:
    """Arrays that nobody has written yet, or not wholly."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Array], NDArray[np.uint8]]] = {}

    def add(self, array: Array) -> None:
        """Fill an array with a pattern, and remember that it holds nothing."""
        flat = array.reshape(-1).view(np.uint8)
        flat[:] = np.resize(_PATTERN, flat.size)
        key = id(array)
        forget = weakref.ref(array, lambda _: self._known.pop(key, None))
        self._known[key] = forget, np.zeros(flat.size, np.uint8)

    def initialised(self, span: Span) -> NDArray[np.uint8] | None:
        """Return which bytes of a span were written; None if all were."""
        owner = span.operands[0].array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        if id(owner) not in self._known:
            return None
        written = self._known[id(owner)][1]
        if written.all() or _touched_by_host(owner, written):
            del self._known[id(owner)]
            return None
        first = span.start - owner.ctypes.data
        return written[first : first + span.stop - span.start]


def _touched_by_host(owner: Array, written: NDArray[np.uint8]) -> bool:
    """Return whether bytes that no kernel wrote are not as they were handed out."""
    content = owner.reshape(-1).view(np.uint8)
    return bool(((content != np.resize(_PATTERN, content.size)) & (written == 0)).any())


def spans(operands: Sequence[Operand], fresh: Fresh) -> list[Span]:
    """Return the memory that these operands allow, in order of addresses."""
    found = list[Span]()
    for operand in sorted((o for o in operands if o.array.size), key=lambda o: o.bounds):
        start, stop = operand.bounds
        if found and start < found[-1].stop:
            found[-1].operands.append(operand)
            found[-1].stop = max(found[-1].stop, stop)
        else:
            found.append(Span(start, stop, [operand]))
    for span in found:
        span.legal = _legal(span)
        span.initialised = fresh.initialised(span)
    return found


def _legal(span: Span) -> NDArray[np.uint8] | None:
    first = span.operands[0].array
    if len(span.operands) == 1 and first.nbytes == span.stop - span.start:
        return None
    legal = np.zeros(span.stop - span.start, np.uint8)
    for operand in span.operands:
        array = operand.array
        shape, strides = (*array.shape, array.itemsize), (*array.strides, 1)
        offset = array.ctypes.data - span.start
        elements = np.ndarray(shape, np.uint8, legal, offset, strides)
        elements |= _WRITTEN if operand.writable else _READ
    return legal


def _index(array: Array, offset: int) -> tuple[int, ...] | None:
    """Return the index of the element that holds the byte `offset` after the first element."""
    index = [0] * array.ndim
    # From the lowest address: a reversed axis is counted from its end.
    for axis, step in enumerate(array.strides):
        if step < 0:
            offset -= (array.shape[axis] - 1) * step
            index[axis] = array.shape[axis] - 1
    for axis in sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis])):
        step = array.strides[axis]
        if array.shape[axis] > 1 and step:
            count = min(max(offset, 0) // abs(step), array.shape[axis] - 1)
            offset -= count * abs(step)
            index[axis] += count if step > 0 else -count
    return tuple(index) if 0 <= offset < array.itemsize else None


def locate(address: int, operands: Sequence[Operand]) -> str:
    """Return which element of which operand has an address, or how far it is from the nearest."""
    if not operands:
        return ""
    for operand in operands:
        index = _index(operand.array, address - operand.array.ctypes.data)
        if index is not None:
            return f"{operand.name}[{', '.join(map(str, index))}]"

    def gap(operand: Operand) -> int:
        start, stop = operand.bounds
        return max(start - address, address - stop + 1, 0)

    nearest = min((o for o in operands if o.array.size), key=gap, default=operands[0])
    start, stop = nearest.bounds
    if address < start:
        return f"{start - address} bytes before the first of {nearest.name}"
    if address >= stop:
        return f"{address - stop} bytes after the end of {nearest.name}"
    return f"between elements of {nearest.name}"
