"""Run one block of a launch on the machine, and count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.static import machine, nvrtc, sass
from benchmarks.static.memory import SECTOR, WARP, Memory
from gpuconv.backends.cuda.launch import Launch
from gpuconv.backends.cuda.source import Program

__all__ = ["Count", "inner_block", "run"]

Array = NDArray[Any]

#: Arrays lie this far apart, so that what is read beyond the end of one is in no other.
_APART = 1 << 40


@dataclass(frozen=True)
class Count:
    """What one block of a launch did."""

    launch: Launch
    compiled: nvrtc.Compiled
    #: Instructions by kind, each counted once a warp, times the lanes of a warp.
    lanes: Counter[str]
    #: The same by what executes them (`sass.PIPES`).
    pipes: Counter[str]
    #: The array that was made, and how many of its elements: the output, or that which got most;
    #: "" where nothing was written.
    out: str
    pixels: int
    #: Bytes of distinct sectors read from, and written to, global memory.
    read: int
    written: int
    memory: Memory

    @property
    def per_pixel(self) -> float:
        """Lane-instructions per output element."""
        return self.lanes.total() / self.pixels

    def per_request(self, what: str) -> float:
        """Return sectors per request of a warp, such as of "global load"."""
        return self.memory.cost[what] / max(self.memory.requests[what], 1)

    @property
    def passes(self) -> int:
        """Passes through shared memory: an SM makes one a clock."""
        return sum(self.memory.cost[what] for what in self.memory.least)

    @property
    def conflicts(self) -> float:
        """Passes through shared memory over the fewest possible; 1 is without bank conflicts."""
        least = self.memory.least.total()
        return self.passes / least if least else 1.0


def inner_block(launch: Launch) -> tuple[int, int, int]:
    """Return the index of a block in the middle of the grid, away from every border."""
    x, y, z = launch.grid
    return x // 2, y // 2, z // 2


def run(
    launch: Launch,
    arrays: Mapping[str, Array],
    arch: int = 90,
    block: tuple[int, int, int] | None = None,
) -> Count:
    """Run one block of a launch, by default an inner one, on `arrays`, and count.

    The arrays are those that the launch's operands name; the output is written to.
    """
    compiled, code = _compiled(launch.program, arch)
    memory = Memory(launch.shared + compiled.resources.shared)
    pointers = []
    for i, name in enumerate(launch.operands):
        pointers.append((i + 1) * _APART if name else 0)
        if name:
            memory.map(pointers[-1], arrays[name], name)
    packed = np.array(pointers, np.uint64).tobytes() + launch.parameters.tobytes()
    index = inner_block(launch) if block is None else block
    issued = machine.run(code, arch, memory, packed, launch.grid, launch.block, index)
    return _count(compiled, code, issued, memory, launch, arrays)


@cache
def _compiled(program: Program, arch: int) -> tuple[nvrtc.Compiled, sass.Code]:
    compiled = nvrtc.build(program.text, program.entry, arch)
    return compiled, sass.disassemble(compiled.cubin, program.entry)


def _count(
    compiled: nvrtc.Compiled,
    code: sass.Code,
    issued: Array,
    memory: Memory,
    launch: Launch,
    arrays: Mapping[str, Array],
) -> Count:
    lanes, pipes = Counter[str](), Counter[str]()
    for instruction, times in zip(code.instructions, issued.tolist(), strict=True):
        lanes[sass.kind(instruction)] += WARP * times
        pipes[sass.pipe(instruction)] += WARP * times
    del pipes[""]
    written = memory.written
    # What else is written is by the way: marks of pixels, or sums for the way back.
    out = "out" if "out" in written else max(written, key=written.__getitem__, default="")
    names = set(filter(None, launch.operands))
    return Count(
        launch,
        compiled,
        +lanes,
        +pipes,
        out,
        written[out] // arrays[out].dtype.itemsize if out else 0,
        SECTOR * sum(map(memory.loaded, names)),
        SECTOR * sum(map(memory.stored, names)),
        memory,
    )
