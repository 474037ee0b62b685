"""A kernel that was compiled for the CPU: call it as a compiled CUDA kernel is called."""

from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cuda_on_cpu.build import library, runtime_library
from cuda_on_cpu.layout import ACCESS, CArray, Launch, Program
from cuda_on_cpu.memory import Fresh, Operand, locate, spans

__all__ = ["CheckError", "CpuKernel", "LaunchRecord", "Rules", "source_lines"]

Dims = tuple[int, int, int]

#: Of compute capability 5.0 and later: the CUDA C++ Programming Guide's table of limits.
_MOST_THREADS, _MOST_Z, _MOST_BLOCKS_X = 1024, 64, 2**31 - 1

#: Static shared memory, without any opt-in.
_MOST_STATIC = 48 * 1024

#: Accesses of one block that a trace keeps.
_TRACE_ROOM = 1 << 20

#: The runtime has one state: one launch at a time.
_ONE = Lock()


class CheckError(Exception):
    """A kernel, or its launch, does what it must not."""


@dataclass
class Rules:
    """How launches are checked. May be changed between launches."""

    check: bool
    #: In which order the threads and blocks of a launch take turns: it is run once for each.
    orders: tuple[str, ...]
    #: Bytes of shared memory of a block, and blocks along y and z.
    shared: int
    grid: int
    #: Kernels whose launches may write a part of their output.
    partial: frozenset[str]
    #: Keep the accesses of the block in the middle of each launch.
    trace: bool = False
    fresh: Fresh = field(default_factory=Fresh)


@dataclass(frozen=True)
class LaunchRecord:
    """What one launch was, and what it took."""

    program: Any
    grid: Dims
    block: Dims
    #: Bytes of shared memory that a block asked for at the launch, and in the text.
    dynamic_shared: int
    static_shared: int
    #: Accesses to memory that were checked, of one order; 0 in mode "fast".
    accesses: int
    #: With `Rules.trace`: the accesses of one block, of dtype ACCESS.
    trace: NDArray[Any] | None
    #: The library, in which `source_lines` finds lines.
    library: Path


def source_lines(path: Path, offsets: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Return the "file:line" of the instructions that return to these offsets in a library.

    Each is followed by the places of the calls that it was inlined from.
    """
    addresses = [hex(offset - 1) for offset in offsets]
    command = ["addr2line", "-a", "-i", "-e", str(path), *addresses]
    done = subprocess.run(command, capture_output=True, text=True)
    frames = [block.splitlines()[1:] for block in re.split(r"^(?=0x)", done.stdout, flags=re.M)[1:]]
    found = {}
    for offset, places in zip(offsets, frames, strict=True):
        kernels = [place for place in places if "/rt/" not in place] or places
        found[offset] = tuple(Path(place.partition(" (")[0]).name for place in kernels)
    return found


def _parameter_names(text: str, entry: str, count: int) -> list[str]:
    """Return the names of a kernel's parameters, as far as its text shows them."""
    flat = text.replace("\\\n", " ")
    found = re.search(rf"\b{entry}\s*\(([^)]*)\)", flat)
    inside = found[1] if found else ""
    if macro := re.search(rf"#define {inside.strip() or '-'}\b(.*)", flat):
        inside = macro[1]
    names = re.findall(r"(\w+)\s*(?:,|$)", inside.strip())
    return names if len(names) == count else [f"argument {i}" for i in range(count)]


class CpuKernel:
    """One program, compiled. Call it with (grid, block, arguments, bytes of dynamic shared memory).

    Arguments are NumPy arrays (views too: only their elements may be touched), None (a null
    pointer), and, for parameters by value, arrays of one element.
    """

    def __init__(self, program: Any, rules: Rules) -> None:
        self._program, self._rules = program, rules
        self.library = library(program.text, program.entry, "check" if rules.check else "fast")
        self._found = Program.in_dll(ctypes.CDLL(str(self.library)), "cuda_on_cpu_program")
        self._run = ctypes.CDLL(str(runtime_library())).cuda_on_cpu_launch
        self._parameters = [
            (p.kind.decode(), p.bytes) for p in self._found.parameters[: self._found.count]
        ]

    @cached_property
    def _names(self) -> list[str]:
        return _parameter_names(self._program.text, self._program.entry, len(self._parameters))

    def __call__(self, grid: Dims, block: Dims, args: Sequence[Any], shared: int) -> LaunchRecord:
        """Run the kernel, in each order; raise CheckError at the first thing that is wrong."""
        self._check_launch(grid, block, shared)
        operands = self._operands(args)
        launch, keep = self._prepared(grid, block, args, shared)
        with _ONE:
            record = self._in_each_order(launch, operands)
        del keep
        if record.static_shared > _MOST_STATIC:
            self._refuse(
                f"{record.static_shared} bytes of static shared memory, at most {_MOST_STATIC}"
            )
        if record.static_shared + shared > self._rules.shared:
            self._refuse(
                f"{record.static_shared} + {shared} bytes of static and dynamic shared memory, "
                f"at most {self._rules.shared}"
            )
        return record

    def _refuse(self, what: str) -> None:
        raise CheckError(f"{self._program.label}: {what}")

    def _check_launch(self, grid: Dims, block: Dims, shared: int) -> None:
        most_grid = (_MOST_BLOCKS_X, self._rules.grid, self._rules.grid)
        if any(not 1 <= n <= most for n, most in zip(grid, most_grid, strict=True)):
            self._refuse(f"grid {grid}, at least 1 and at most {most_grid}")
        if min(block) < 1 or prod(block) > _MOST_THREADS or block[2] > _MOST_Z:
            self._refuse(f"block {block}, at most {_MOST_THREADS} threads, {_MOST_Z} along z")
        if not 0 <= shared <= self._rules.shared:
            self._refuse(f"{shared} bytes of dynamic shared memory, at most {self._rules.shared}")

    def _operands(self, args: Sequence[Any]) -> list[Operand]:
        """Return the arrays among the arguments; raise where one does not fit its parameter."""
        if len(args) != len(self._parameters):
            self._refuse(f"{len(args)} arguments for {len(self._parameters)} parameters")
        operands = []
        for name, value, (kind, size) in zip(self._names, args, self._parameters, strict=True):
            if value is None:
                if kind == "v":
                    self._refuse(f"{name} is passed by value and cannot be None")
                continue
            if not isinstance(value, np.ndarray):
                self._refuse(f"{name} is a {type(value).__name__}, not a NumPy array")
            if size and value.dtype.itemsize != size:
                self._refuse(
                    f"{name} has elements of {value.dtype.itemsize} bytes ({value.dtype}), "
                    f"the kernel's have {size}"
                )
            if kind == "v" and value.size != 1:
                self._refuse(f"{name} is passed by value and has {value.size} elements, not 1")
            if kind != "v":
                operands.append(Operand(name, value, kind == "w" and value.flags.writeable))
        return operands

    def _prepared(
        self, grid: Dims, block: Dims, args: Sequence[Any], shared: int
    ) -> tuple[Launch, list[Any]]:
        """Return the launch, and what must live as long."""
        values = list[Any]()
        for value, (kind, _) in zip(args, self._parameters, strict=True):
            if kind == "v":
                # Structures may ask for the alignment of a 16-byte vector.
                room = np.empty(value.nbytes + 16, np.uint8)
                start = -room.ctypes.data % 16
                room[start : start + value.nbytes] = np.frombuffer(value.tobytes(), np.uint8)
                values.append((room, room.ctypes.data + start))
            else:
                pointer = ctypes.c_void_p(None if value is None else value.ctypes.data)
                values.append((pointer, ctypes.addressof(pointer)))
        pointers = (ctypes.c_void_p * len(values))(*(address for _, address in values))
        found = self._found
        launch = Launch(found.enter, found.begin, found.end, pointers, grid, block, shared)
        launch.check = self._rules.check
        return launch, values

    def _in_each_order(self, launch: Launch, operands: list[Operand]) -> LaunchRecord:
        rules = self._rules
        found = spans(operands, rules.fresh) if rules.check else []
        complete = self._program.entry not in rules.partial
        launch.arrays = (CArray * len(found))(*(span.c_array(complete) for span in found))
        launch.array_count = len(found)
        trace = self._traced(launch)
        first, *others = rules.orders if rules.check else rules.orders[:1]
        written = [operand.array for operand in operands if operand.writable]
        masks = [span.initialised for span in found if span.initialised is not None]
        state = [(array, array.copy()) for array in (*written, *masks)] if others else []
        self._run_once(launch, first, operands)
        results = [array.copy() for array in written] if others else []
        for order in others:
            for array, before in state:
                array[...] = before
            self._run_once(launch, order, operands)
            self._compare(operands, results)
        return self._record(launch, trace)

    def _record(self, launch: Launch, trace: NDArray[Any] | None) -> LaunchRecord:
        return LaunchRecord(
            self._program,
            tuple(launch.grid),
            tuple(launch.block),
            launch.dynamic_shared,
            launch.static_shared,
            launch.accesses,
            None if trace is None else trace[: launch.trace_count],
            self.library,
        )

    def _traced(self, launch: Launch) -> NDArray[Any] | None:
        if not (self._rules.trace and self._rules.check):
            return None
        room = np.empty(_TRACE_ROOM, ACCESS)
        launch.trace, launch.trace_room = room.ctypes.data, room.size
        x, y, z = (n // 2 for n in launch.grid)
        launch.trace_block = x + launch.grid[0] * (y + launch.grid[1] * z)
        return room

    def _run_once(self, launch: Launch, order: str, operands: list[Operand]) -> None:
        launch.reverse = order == "reverse"
        launch.trace_count = 0
        if not self._run(ctypes.byref(launch)):
            return
        report = launch.report.decode(errors="replace")
        if launch.culprit:
            places = source_lines(self.library, [launch.culprit])[launch.culprit]
            report = f"{' from '.join(dict.fromkeys(places))}: {report}"
        if launch.address:
            report += f": {locate(launch.address, operands)}"
        self._refuse(f"{report} (threads in {order} order)")

    def _compare(self, operands: list[Operand], first: list[NDArray[Any]]) -> None:
        outputs = [operand for operand in operands if operand.writable]
        for operand, before in zip(outputs, first, strict=True):
            now = operand.array.copy()
            if now.tobytes() != before.tobytes():
                size = now.dtype.itemsize
                pair = (np.ascontiguousarray(x).view(f"V{size}").ravel() for x in (now, before))
                at = next(i for i, (a, b) in enumerate(zip(*pair, strict=True)) if a != b)
                index = np.unravel_index(at, now.shape)
                self._refuse(
                    f"the result depends on the order of threads: {operand.name}"
                    f"[{', '.join(map(str, index))}] is {before[index]} or {now[index]}"
                )
