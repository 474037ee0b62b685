"""A prediction for each case of the bench, made of the machine code of what the call launches.

A row of the record has, per output pixel, instructions and bytes; the launches of which they are;
and for each GPU the seconds that the bounds of `rates` set, beside those of a copy of the same
bytes (floor), their ratio (share: t_copy / t_op), and the bound that decides. Nothing here is a
time that anybody measured.

What a block reads beyond its own pixels counts as read from memory, though much of it is in a
cache; what lies between two launches counts as written to memory and read again. Transforms by
cuFFT count as two passes over memory, along rows and along columns.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import prod
from typing import Any

from benchmarks.cases import Case
from benchmarks.filters import Canny
from benchmarks.peers import ours
from benchmarks.static import execution, nvrtc
from benchmarks.static.execution import Count
from benchmarks.static.memory import WARP
from benchmarks.static.rates import GPUS, Gpu, bounds
from benchmarks.static.recorded import Step, Transformed, recorded
from benchmarks.static.report import occupancy
from benchmarks.suite.contract import Buffers
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.warmup import LIMITS

__all__ = ["HEADER", "Cost", "costs", "line", "predicted", "record"]

#: Why there is no prediction.
_UNCOUNTED = {Canny: "its last stage goes on for as long as edges spread in the image"}
#: Passes over memory of a transform of two axes, each of which reads and writes.
_TRANSFORM_PASSES = 2


@dataclass(frozen=True)
class Cost:
    """What one launch of a call costs: all its blocks together."""

    kernel: str
    #: How often it is made in the call.
    times: int
    #: Bytes read and written.
    moved: float
    #: Lane-instructions, those of each pipe, and passes through shared memory.
    instructions: float = 0.0
    pipes: dict[str, float] = field(default_factory=dict)
    passes: float = 0.0
    #: Of a thread.
    registers: int = 0
    #: Warps that are at work on a multiprocessor at once, if all take the same time.
    warps: float = 0.0
    #: What was compiled.
    instance: str = ""

    def bounds(self, gpu: Gpu) -> dict[str, float]:
        """Return the seconds that each bound sets to one launch."""
        return bounds(gpu, self.moved, self.instructions, self.passes, self.pipes)


def costs(case: Case, limits: Limits = LIMITS, arch: int = 90) -> list[Cost]:
    """Return what the launches of a case cost, on a GPU with these limits."""
    peer = next(each for each in ours.PEERS if each.device == "cuda")

    def call(image: Any, out: Any) -> Any:
        return peer.prepare(case, Buffers([image], [out], "cuda:0")).call(0)

    steps = recorded(call, case.image, limits)
    return [_transform(each) if isinstance(each, Transformed)
            else _cost(each, limits, arch) for each in steps]  # fmt: skip


def _transform(step: Transformed) -> Cost:
    return Cost("Fourier transform, cuFFT", step.times, float(_TRANSFORM_PASSES * step.bytes))


def _cost(step: Step, limits: Limits, arch: int) -> Cost:
    """Return the cost of a launch from that of a block in its middle."""
    for name, array in step.arrays.items():
        # What a launch before would have written: 0 is special to roots and quotients.
        if name not in ("image", "out") and array.dtype.kind == "f" and not array.any():
            array.fill(1)
    count = execution.run(step.launch, step.arrays, arch)
    blocks = _blocks(count, step)
    return Cost(
        kernel=step.launch.program.entry,
        times=step.times,
        moved=blocks * (count.read + count.written),
        instructions=blocks * count.lanes.total(),
        pipes={pipe: blocks * lanes for pipe, lanes in count.pipes.most_common()},
        passes=blocks * count.passes,
        registers=count.compiled.resources.registers,
        warps=_resident(count, limits),
        instance=step.launch.program.label,
    )


def _blocks(count: Count, step: Step) -> float:
    """Return how many blocks such as the counted one do the work of all.

    Those at the ends of an image have less to do, and a launch may be for a part of an array.
    """
    launched = prod(step.launch.grid)
    return min(launched, step.arrays[count.out].size / count.pixels) if count.pixels else launched


def _resident(count: Count, limits: Limits) -> float:
    """Return the warps on a multiprocessor: as many as it can hold, or as there are."""
    warps = -(-prod(count.launch.block) // WARP)
    return min(occupancy(count), prod(count.launch.grid) * warps / limits.multiprocessors)


def predicted(case: Case, arch: int = 90) -> dict[str, Any]:
    """Return the row of a case, as plain values."""
    row: dict[str, Any] = {
        "case": case.name,
        "kind": case.kind,
        "dtype": case.dtype,
        "shape": case.shape,
        "bytes": case.bytes,
        "pixels": case.pixels,
        "left_out": "",
    }
    if reason := _UNCOUNTED.get(type(case.filter)):
        return {**row, "left_out": reason}
    try:
        found = costs(case, arch=arch)
    except (NotImplementedError, nvrtc.CompileError) as error:
        return {**row, "left_out": f"cannot be counted: {error}"}
    return {
        **row,
        "instructions": _each(found, "instructions") / case.pixels,
        "moved": _each(found, "moved") / case.pixels,
        "gpus": {gpu.folder: _times(found, case, gpu) for gpu in GPUS},
        "launches": [_per_pixel(cost, case) for cost in found],
    }


def _each(found: list[Cost], what: str) -> float:
    return float(sum(cost.times * getattr(cost, what) for cost in found))


def _times(found: list[Cost], case: Case, gpu: Gpu) -> dict[str, Any]:
    """Return what is predicted of a GPU: launches follow each other."""
    spent: dict[str, float] = {}
    for cost in found:
        set_ = cost.bounds(gpu)
        bound = max(set_, key=set_.__getitem__)
        spent[bound] = spent.get(bound, 0.0) + cost.times * set_[bound]
    floor, seconds = case.bytes / gpu.copy, sum(spent.values())
    bound = max(spent, key=spent.__getitem__)
    return {"floor": floor, "seconds": seconds, "share": floor / seconds, "bound": bound}


def _per_pixel(cost: Cost, case: Case) -> dict[str, Any]:
    """Return a launch as plain values, counts per pixel of the case and launch."""
    row = asdict(cost)
    for what in ("moved", "instructions", "passes"):
        row[what] /= case.pixels
    row["pipes"] = {pipe: lanes / case.pixels for pipe, lanes in cost.pipes.items()}
    return row


def record(rows: list[dict[str, Any]], arch: int = 90) -> dict[str, Any]:
    """Return what is kept: the rows, and by which rates the predictions were made."""
    return {
        "schema": 1,
        "arch": f"sm_{arch}",
        "nvrtc": nvrtc.version(),
        "gpus": {gpu.folder: asdict(gpu) for gpu in GPUS},
        "rows": [_rounded(row) for row in rows],
    }


def _rounded(value: Any) -> Any:
    """Return plain values with five digits: more would be noise in a record."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


#: Heads the lines of a table.
HEADER = (
    f"{'case':<48}{'instr/px':>10}{'bytes/px':>10}{'µs':>10}"
    + "".join(f"{gpu.name:>13}" for gpu in GPUS)
    + "  decided by (both, and µs, of the first)"
)


def line(row: dict[str, Any]) -> str:
    """Return a row for the terminal."""
    if row["left_out"]:
        return f"{row['case']:<48}{row['left_out']}"
    first = row["gpus"][GPUS[0].folder]
    shares = "".join(f"{row['gpus'][gpu.folder]['share']:>13.0%}" for gpu in GPUS)
    return (
        f"{row['case']:<48}{row['instructions']:>10.1f}{row['moved']:>10.2f}"
        f"{1e6 * first['seconds']:>10.1f}{shares}  {first['bound']}"
    )
