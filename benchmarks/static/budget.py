"""The budget of registers and shared memory that each instance of a kernel has, by architecture."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.static import nvrtc
from gpuconv.backends.cuda import warmup
from gpuconv.backends.cuda.source import Program

__all__ = ["ARCHES", "FILE", "compiled", "excesses", "read", "write"]

FILE = "kernels_cuda/budget.json"
_PATH = Path(__file__).parents[2] / FILE

#: From Turing to Blackwell: every architecture that CUDA 13 compiles for and people have.
ARCHES = (75, 80, 86, 89, 90, 100, 120)

Built = dict[tuple[str, int], nvrtc.Resources]


def compiled(programs: Iterable[Program], arches: Sequence[int] = ARCHES) -> Built:
    """Compile on all cores: in processes, as threads wait for one another in NVRTC."""
    jobs = [(program, arch) for program in programs for arch in arches]
    # A fork would take the caller's threads' locks with it.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found = list(pool.map(_resources, jobs))
    return {(program.label, arch): each for (program, arch), each in zip(jobs, found, strict=True)}


def _resources(job: tuple[Program, int]) -> nvrtc.Resources:
    program, arch = job
    try:
        return nvrtc.build(program.text, program.entry, arch).resources
    except nvrtc.CompileError as error:
        raise nvrtc.CompileError(f"{program.label}\n{error}") from None


def read() -> dict[str, Any]:
    """Return the committed budget."""
    budget: dict[str, Any] = json.loads(_PATH.read_text("utf-8"))
    return budget


def write() -> int:
    """Compile every instance and write what it takes as its budget."""
    built = compiled(warmup.programs("all"))
    instances: dict[str, dict[str, list[int]]] = {}
    for (label, arch), each in sorted(built.items()):
        instances.setdefault(label, {})[str(arch)] = [each.registers, each.shared, each.stack]
    # One instance a line: a change of a budget reads as one.
    lines = ",\n".join(
        f"    {json.dumps(label)}: {json.dumps(limits)}" for label, limits in instances.items()
    )
    head = f'  "nvrtc": "{nvrtc.version()}",\n  "limits": ["registers", "shared", "stack"],\n'
    _PATH.write_text(f'{{\n{head}  "instances": {{\n{lines}\n  }}\n}}\n', "utf-8")
    print(f"{FILE}: {len(instances)} instances for {len(ARCHES)} architectures")
    return 0


def excesses(built: Built, budget: dict[str, Any]) -> list[str]:
    """Return what is over its budget, has none, or is a budget of nothing."""
    instances = budget["instances"]
    known = {label for label, _ in built}
    found = [f"{label}: a budget, but no such instance" for label in instances.keys() - known]
    for (label, arch), each in built.items():
        limits = instances.get(label, {}).get(str(arch))
        if limits is None:
            found.append(f"{label}, sm_{arch}: no budget")
            continue
        taken = each.registers, each.shared, each.stack
        found += [
            f"{label}, sm_{arch}: {value} {what}, {most} allowed"
            for what, value, most in zip(budget["limits"], taken, limits, strict=True)
            if value > most
        ]
    return sorted(found)
