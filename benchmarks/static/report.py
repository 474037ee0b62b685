"""From counts to a row of the table: occupancy, and the share of the copy bandwidth to expect.

The share is a prediction, made of three bounds and nothing else: bytes at the rate of a copy,
instructions at the rate of issue, and passes through shared memory at one a clock. Latency,
launches and the ends of the image are not in it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.static import execution, rates
from benchmarks.static.cases import Case
from benchmarks.static.execution import Count
from benchmarks.static.memory import WARP
from benchmarks.static.neighbours import Neighbours
from benchmarks.static.stages import Stage
from gpuconv.backends.cuda.launch import Kept, Scratch, Transform, Work
from gpuconv.backends.cuda.runtime import Limits

__all__ = ["H200", "Row", "measure", "occupancy"]

#: Multiprocessors of an H200, and bytes of shared memory that a block can have (CUDA C++
#: Programming Guide, table of technical specifications, 9.0).
H200 = Limits(132, 227 * 1024)
#: Bytes per second of a device copy, read plus written; lane-instructions per second.
COPY, ISSUE = rates.H200.copy, rates.H200.issued()

#: Of a multiprocessor of compute capability 9.0, by the same table.
_REGISTERS, _WARPS, _BLOCKS, _SHARED = 65536, 64, 32, 228 * 1024
#: Registers are dealt to warps in portions of 256, and the system takes 1 KiB of shared memory.
_PORTION, _SYSTEM = 256, 1024


@dataclass(frozen=True)
class Row:
    """A case, counted; all but the programs' labels is per output element or a ratio."""

    case: str
    instances: tuple[str, ...]
    registers: int
    #: Warps that a multiprocessor can hold.
    warps: int
    instructions: float
    #: The same without what a block does once: of the rows that a taller block makes in addition.
    steady: float
    budget: float | None
    #: Bytes read and written.
    bytes: float
    #: Bytes that are read beyond one read of each pixel, as a fraction.
    halo: float
    halo_budget: float | None
    #: Sectors per request of a warp; 4 for 4 bytes a lane, 16 for 16.
    load_sectors: float
    store_sectors: float
    #: Passes through shared memory over the fewest possible.
    conflicts: float
    #: Predicted speed on an H200, of a copy's; None where the counts do not say.
    copy: float | None
    mix: dict[str, float]

    @property
    def misses(self) -> list[str]:
        """What is over its budget."""
        found = []
        if self.budget is not None and self.steady > self.budget:
            found.append(f"{self.steady:.2f} instructions per pixel, {self.budget:g} allowed")
        if self.halo_budget is not None and self.halo > self.halo_budget:
            found.append(f"{self.halo:.0%} read again, {self.halo_budget:.0%} allowed")
        return [f"{self.case}: {each}" for each in found]

    def json(self) -> dict[str, object]:
        """Return it as plain values."""
        rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}
        return rounded | {"mix": {kind: round(each, 4) for kind, each in self.mix.items()}}


def occupancy(count: Count) -> int:
    """Return the warps of a launch that a multiprocessor can hold."""
    warps = -(-int(np.prod(count.launch.block)) // WARP)
    registers = -(-count.compiled.resources.registers * WARP // _PORTION) * _PORTION
    shared = count.launch.shared + count.compiled.resources.shared + _SYSTEM
    blocks = min(_REGISTERS // (registers * warps), _WARPS // warps, _SHARED // shared, _BLOCKS)
    return blocks * warps


def measure(case: Case | Neighbours | Stage, arch: int = 90) -> Row:
    """Run an inner block of each launch of a case."""
    work = case.work(H200)
    arrays = _arrays(case, work)
    # Fourier transforms are of tiles, in batches that are all alike.
    batches = max(1, sum(isinstance(step, Transform) for step in work.steps) // 2)
    launches = work.launches[: len(work.launches) // batches]
    counts = [execution.run(launch, arrays, arch) for launch in launches]
    # Launches differ in what they write: all of the output, sums between two passes, or weights.
    shares = [
        1.0 if each.out == "out" else batches * arrays[each.out].size / arrays["out"].size
        for each in counts
    ]
    further = [
        _further(each, arrays, arch) * share for each, share in zip(counts, shares, strict=True)
    ]
    ideal = sum(arrays[name].nbytes for name in ("image", "mask") if name in arrays)
    return _row(case, counts, shares, sum(further), ideal / arrays["out"].size)


def _arrays(case: Case | Neighbours | Stage, work: Work) -> dict[str, NDArray[Any]]:
    """Return the arrays that a case's launches name; those in between are blank."""
    shape, rng = case.layout.shape, np.random.default_rng(0)
    pixels = rng.integers(0, 256, shape, np.uint8).astype(case.dtype)
    arrays = {"image": pixels, "out": np.empty(case.out_shape, case.dtype)}
    if case.mask:
        arrays["mask"] = np.ones(shape, case.mask)
    return arrays | {name: _between(each) for name, each in work.scratch.items()}


def _between(scratch: Scratch) -> NDArray[Any]:
    """Return an array that a launch names beside image and output: zeros, or what it is made of."""
    if isinstance(scratch, Kept) and not scratch.spectrum:
        return np.ascontiguousarray(scratch.values())
    return np.zeros(scratch.shape, scratch.dtype)


#: Rows by which a block is made shorter to see what they cost: whole rounds of any kernel's loop.
_FEWER = 32


def _further(count: Count, arrays: dict[str, NDArray[Any]], arch: int) -> float:
    """Return the instructions per pixel of the last rows of a block that marches down the image.

    For others, which make all their rows at once, of all.
    """
    shorter = count.launch.parameters.copy()
    if "geometry" not in (shorter.dtype.names or ()) or not shorter["geometry"]["segment"][0]:
        return count.per_pixel
    geometry = shorter["geometry"]
    geometry["segment"] -= _FEWER
    # More blocks, so that each still makes one segment.
    x, _, z = count.launch.grid
    grid = x, -(-int(geometry["out_height"][0]) // int(geometry["segment"][0])), z
    less = execution.run(replace(count.launch, grid=grid, parameters=shorter), arrays, arch)
    return (count.lanes.total() - less.lanes.total()) / (count.pixels - less.pixels)


def _row(
    case: Case | Neighbours | Stage,
    counts: list[Count],
    shares: list[float],
    steady: float,
    needed: float,
) -> Row:
    """Return the row of a case that must read `needed` bytes per output element."""
    weighted = list(zip(counts, shares, strict=True))
    mix = Counter[str]()
    for count, share in weighted:
        for kind, lanes in count.lanes.items():
            mix[kind] += lanes / count.pixels * share  # type: ignore[assignment]
    read = sum(count.read / count.pixels * share for count, share in weighted)
    moved = read + sum(count.written / count.pixels * share for count, share in weighted)
    passes = sum(count.passes / count.pixels * share for count, share in weighted)
    instructions = float(mix.total())
    ideal = needed + np.dtype(case.dtype).itemsize
    seconds = max(moved / COPY, instructions / ISSUE, passes * rates.LANES / ISSUE)
    last = max(weighted, key=lambda pair: pair[0].per_pixel * pair[1])[0]
    return Row(
        case=case.name,
        instances=tuple(count.launch.program.label for count in counts),
        registers=max(count.compiled.resources.registers for count in counts),
        warps=min(map(occupancy, counts)),
        instructions=instructions,
        steady=steady,
        budget=case.budget,
        bytes=moved,
        halo=read / needed - 1,
        halo_budget=case.halo,
        load_sectors=last.per_request("global load"),
        store_sectors=last.per_request("global store"),
        conflicts=max(count.conflicts for count in counts),
        copy=ideal / COPY / seconds if case.predicted else None,
        mix=dict(mix.most_common()),
    )
