"""Every kernel compiles for every architecture, spills nothing, and keeps to its budget.

NVRTC does it without a GPU. ``python -m benchmarks.static --write-budget`` writes what all
instances take as the new budget.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import pytest

from gpuconv.backends.cuda import warmup

sys.path.append(str(Path(__file__).parent.parent))  # benchmarks/ is no part of the package
from benchmarks.static import budget, nvrtc

pytestmark = pytest.mark.skipif(bool(nvrtc.lacking()), reason=nvrtc.lacking() or "never")

BROKEN = 'extern "C" __global__ void broken(float *x) { x[0] = y; }'
SPILLING = """
extern "C" __global__ void __launch_bounds__(1024, 2) spilling(const float *in, float *out) {
    float held[64];
    for (int i = 0; i < 64; ++i) held[i] = in[i * 1024 + threadIdx.x];
    __syncthreads();
    for (int i = 0; i < 64; ++i) out[threadIdx.x * 64 + i] = held[i] * held[63 - i];
}"""


@pytest.fixture(scope="module")
def built() -> budget.Built:
    start = perf_counter()
    built = budget.compiled(warmup.programs("all"))
    print(f"{len(built)} compilations in {perf_counter() - start:.0f} s")  # pytest -s shows it
    return built


def test_every_instance_compiles_for_every_architecture(built: budget.Built) -> None:
    labels = {program.label for program in warmup.programs("all")}
    assert set(built) == {(label, arch) for label in labels for arch in budget.ARCHES}
    assert len(labels) > 40


def test_nothing_is_spilled_and_no_stack_is_used(built: budget.Built) -> None:
    spilled = [
        f"{label}, sm_{arch}: {each.spill_stores} B stored, {each.spill_loads} B loaded, "
        f"{each.stack} B of stack"
        for (label, arch), each in built.items()
        if each.spill_stores or each.spill_loads or each.stack
    ]
    assert spilled == []


def test_registers_and_shared_memory_are_within_the_budget(built: budget.Built) -> None:
    committed = budget.read()
    if committed["nvrtc"] != nvrtc.version():
        pytest.skip(f"the budget is for NVRTC {committed['nvrtc']}, here is {nvrtc.version()}")
    assert budget.excesses(built, committed) == []


# The gate itself


def test_a_register_too_many_no_budget_and_no_instance_are_found() -> None:
    took = nvrtc.Resources(40, 0, 0, 0, 0, 1)
    kept = {"limits": ["registers", "shared", "stack"], "instances": {"a": {"90": [40, 0, 0]}}}
    assert budget.excesses({("a", 90): took}, kept) == []
    assert budget.excesses({("a", 90): replace(took, registers=41)}, kept) == [
        "a, sm_90: 41 registers, 40 allowed"
    ]
    assert budget.excesses({("a", 90): replace(took, shared=8)}, kept) == [
        "a, sm_90: 8 shared, 0 allowed"
    ]
    assert budget.excesses({("a", 90): took, ("a", 80): took}, kept) == ["a, sm_80: no budget"]
    assert budget.excesses({}, kept) == ["a: a budget, but no such instance"]


def test_a_spill_is_seen() -> None:
    took = nvrtc.build(SPILLING, "spilling", 90).resources
    assert took.registers <= 32
    assert took.spill_stores > 0
    assert took.spill_loads > 0
    assert took.stack > 0


def test_an_error_of_the_compiler_is_shown_with_its_line() -> None:
    with pytest.raises(nvrtc.CompileError, match=r'broken.cu\(1\): error: identifier "y"'):
        nvrtc.build(BROKEN, "broken", 90)


def test_a_kernel_that_is_not_there_is_said() -> None:
    with pytest.raises(nvrtc.CompileError, match=r"entry='other' is not .*\(it has: spilling\)"):
        nvrtc.build(SPILLING, "other", 90)
