"""The checker sees each class of bug, and nothing in the same kernel without it.

A checker that has gone blind passes every kernel: these are the tests that would fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cuda_on_cpu import CheckError, CpuRuntime, missing
from cuda_on_cpu.samples import Sample, element

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

_SOURCE = Path(__file__).with_name("bugs.cu")


def _floats(n: int = 64) -> Any:
    return np.arange(n, dtype=np.float32)


@dataclass(frozen=True)
class Bug:
    """A kernel of bugs.cu, the report that it must get, and what it is called with."""

    entry: str
    report: str
    x: Any = None
    out: Any = 64
    blocks: int = 1
    shared: int = 0

    def arguments(self, runtime: CpuRuntime) -> tuple[Any, Any]:
        x = _floats() if self.x is None else self.x
        out = self.out
        return x, runtime.empty((out,), x.dtype) if isinstance(out, int) else out.copy("K")


_INTS = np.arange(64, dtype=np.int32)
_CORNER = np.zeros((16, 16), np.float32)[:8, :8]


class _Corner:
    """Makes a fresh crop for each run: a copy of one would have no gaps."""

    def copy(self, order: str) -> Any:
        return np.zeros((16, 16), np.float32)[:8, :8]


BUGS = [
    Bug(
        "read_past_end", r"bugs.cu:\d+: out of bounds: read of 4 bytes.*0 bytes after the end of x"
    ),
    Bug("read_before", r"out of bounds: read of 4 bytes.*4 bytes before the first of x"),
    Bug("write_past_end", r"out of bounds: write of 4 bytes.*after the end of out"),
    Bug("wide_read_past_end", r"out of bounds: read of 16 bytes.*after the end of x"),
    Bug("read_in_gap", r"out of bounds: read of 4 bytes, between.*between elements of x", _CORNER),
    Bug("write_in_gap", r"out of bounds: write of 4 bytes, between the elements", out=_Corner()),
    Bug("wide_read_into_gap", r"out of bounds: read of 16 bytes, between the elements", _CORNER),
    Bug("write_const", r"a read-only array is written.*x\[0\]"),
    Bug("null_read", r"out of bounds: read of 4 bytes"),
    Bug(
        "static_shared_past_end", r"out of bounds: read of 4 bytes at byte 256 of 'tile'.* has 256"
    ),
    Bug("static_shared_past_row", r"bugs.cu:\d+: undefined: the index is out of bounds"),
    Bug("dynamic_shared_past_end", r"out of bounds: read .* byte 256 of 'shared'", shared=256),
    Bug("other_shared_array", r"out of bounds: write of 4 bytes at byte 256 of 'first'"),
    Bug("misaligned_read", r"misaligned: 16 bytes are read from.*multiple of 16.*x\[1\]"),
    Bug("misaligned_write", r"misaligned: 8 bytes are written to", out=130),
    Bug("unaligned_shared", r"misaligned: 16 bytes are read from"),
    Bug("uninitialised_shared", r"uninitialised: byte 252 of 'tile'.*thread \(0, 0, 0\)"),
    Bug(
        "uninitialised_from_last_block",
        r"uninitialised: byte 0 .*block \(1, 0, 0\)",
        out=256,
        blocks=4,
    ),
    Bug("uninitialised_output", r"uninitialised: nothing wrote what is read.*out\[0\]"),
    Bug("missing_barrier", r"uninitialised|race"),
    Bug("missing_barrier_before_reuse", r"race at byte \d+ of 'tile': (read|write over)", out=128),
    Bug("two_writers", r"race at byte 0 of 'tile': write over what is written by thread"),
    Bug("two_writers_of_a_byte", r"race: write over .*out\[\d\]", out=np.zeros(64, np.uint8)),
    Bug("global_race", r"race: (read|write) .*out\[\d+\]", out=np.zeros(64, np.float32)),
    Bug("missing_syncwarp", r"uninitialised|race"),
    Bug("syncwarp_for_syncthreads", r"uninitialised|race"),
    Bug("missing_syncwarp_before_reuse", r"race at byte \d+ of 'tile': (read|write)"),
    Bug("atomic_and_plain", r"race at byte 0 of 'sum'", _INTS),
    Bug(
        "blocks_overlap",
        r"race between blocks: write over .*out\[63\]",
        _floats(256),
        256,
        blocks=4,
    ),
    Bug("block_reads_other_block", r"race between blocks: read of", _floats(256), 256, blocks=4),
    Bug("order_dependent", r"depends on the order of threads: out\[0\] is 0 or 63", _INTS),
    Bug("endless", r"no end: the block has passed 100000 barriers, lastly at bugs.cu:\d+"),
    Bug("early_exit", r"barrier divergence: .*waits at bugs.cu:\d+, but thread .* has exited"),
    Bug("divergent_barrier", r"barrier divergence: .* waits at bugs.cu:\d+, thread .* at bugs.cu"),
    Bug("barrier_against_warp", r"barrier divergence: .* in a warp function at bugs.cu:\d+"),
    Bug("warp_waits_for_ever", r"warp divergence: .*lanes that never come"),
    Bug("absent_lane", r"bugs.cu:\d+: a shuffle reads lane \d+, which is absent", out=_floats()),
    Bug("mask_without_caller", r"bugs.cu:\d+: the mask 0xffff .* lacks the lane that calls it"),
    Bug("sum_overflow", r"bugs.cu:\d+: undefined: the sum overflows", _INTS),
    Bug("difference_overflow", r"bugs.cu:\d+: undefined: the difference overflows", _INTS),
    Bug("product_overflow", r"bugs.cu:\d+: undefined: the product overflows", _INTS),
    Bug("shift_too_far", r"bugs.cu:\d+: undefined: the shift is too far", _INTS),
    Bug("division_by_zero", r"bugs.cu:\d+: undefined: division by zero", _INTS),
    Bug("float_cast", r"bugs.cu:\d+: undefined: .*cast", out=_INTS),
    Bug("missing_wait", r"uninitialised: byte 252 of 'tile'"),
    Bug("wait_without_barrier", r"uninitialised|race"),
    Bug("never_waited", r"bugs.cu:\d+: an asynchronous copy is never waited for"),
    Bug("copy_past_end", r"bugs.cu:\d+: out of bounds: read of 16 bytes"),
    Bug("not_fully_written", r"not fully written: .* leaves 1 of .*out\[63\]"),
    Bug("trap", r"bugs.cu:295: __trap\(\), by thread \(5, 0, 0\) of block \(0, 0, 0\)"),
]


def _text(entry: str, define: str) -> str:
    """Return one kernel of bugs.cu with the macros before all: a fraction of it to compile."""
    macros, *kernels = _SOURCE.read_text().split("\nKERNEL ")
    (kernel,) = [kernel for kernel in kernels if kernel.startswith(f"{entry}(")]
    line = 2 + _SOURCE.read_text().partition(f"\nKERNEL {entry}(")[0].count("\n")
    return f'{define}\n{macros}\n#line {line} "bugs.cu"\nKERNEL {kernel}'


def _run(bug: Bug, runtime: CpuRuntime, define: str = "") -> None:
    kernel = runtime.compile(Sample(_text(bug.entry, define), bug.entry))
    kernel((bug.blocks, 1, 1), (64, 1, 1), bug.arguments(runtime), bug.shared)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.entry)
def test_a_planted_bug_is_reported(bug: Bug) -> None:
    with pytest.raises(CheckError, match=bug.report):
        _run(bug, CpuRuntime(), "#define BUG")


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.entry)
def test_the_same_kernel_without_the_bug_passes(bug: Bug) -> None:
    out = bug.out if bug.entry != "misaligned_write" else 128
    _run(Bug(bug.entry, "", bug.x, out, bug.blocks, bug.shared), CpuRuntime())


@pytest.mark.parametrize("order", ["forward", "reverse"])
@pytest.mark.parametrize(
    "entry", ["missing_barrier", "missing_wait", "blocks_overlap", "two_writers"]
)
def test_each_order_alone_sees_what_no_order_can_hide(entry: str, order: str) -> None:
    bug = next(bug for bug in BUGS if bug.entry == entry)
    with pytest.raises(CheckError, match=f"threads in {order} order"):
        _run(bug, CpuRuntime(orders=(order,)), "#define BUG")


def test_every_kernel_of_the_planted_bugs_is_tested() -> None:
    entries = [
        line.split()[1].partition("(")[0]
        for line in _SOURCE.read_text().splitlines()
        if line.startswith("KERNEL ")
    ]
    assert sorted(entries) == sorted(bug.entry for bug in BUGS)


_COPY = Sample(
    'extern "C" __global__ void copy(const float *x, float *out, int n)'
    "{ if (threadIdx.x < n) out[threadIdx.x] = x[threadIdx.x]; }",
    "copy",
)


@pytest.mark.parametrize(
    ("grid", "block", "shared", "report"),
    [
        ((0, 1, 1), (32, 1, 1), 0, r"grid \(0, 1, 1\), at least 1"),
        ((1, 65536, 1), (32, 1, 1), 0, r"grid \(1, 65536, 1\).*65535"),
        ((1, 1, 65536), (32, 1, 1), 0, r"grid \(1, 1, 65536\).*65535"),
        ((1, 1, 1), (1025, 1, 1), 0, r"block \(1025, 1, 1\), at most 1024 threads"),
        ((1, 1, 1), (1, 1, 65), 0, r"block \(1, 1, 65\).*64 along z"),
        ((1, 1, 1), (0, 1, 1), 0, r"block \(0, 1, 1\)"),
        ((1, 1, 1), (32, 1, 1), 227 * 1024 + 1, r"232449 bytes of dynamic .*at most 232448"),
    ],
)
def test_a_launch_beyond_the_limits_is_refused(
    grid: Any, block: Any, shared: int, report: str
) -> None:
    kernel = CpuRuntime().compile(_COPY)
    with pytest.raises(CheckError, match=report):
        kernel(grid, block, (_floats(32), _floats(32), element(32, "int32")), shared)


@pytest.mark.parametrize(
    ("args", "report"),
    [
        ((_floats(), _floats()), "2 arguments for 3 parameters"),
        (
            (_floats().astype(float), _floats(), element(1, "int32")),
            r"x has elements of 8 bytes \(float64\), the kernel's have 4",
        ),
        ((_floats(), _floats(), element(1, "int64")), r"n has elements of 8 bytes \(int64\)"),
        ((_floats(), _floats(), np.zeros(2, np.int32)), "n is passed by value and has 2 elements"),
        ((_floats(), _floats(), None), "n is passed by value and cannot be None"),
        ((_floats(), _floats(), 7), "n is a int, not a NumPy array"),
    ],
)
def test_an_argument_that_does_not_fit_is_refused(args: Any, report: str) -> None:
    with pytest.raises(CheckError, match=report):
        CpuRuntime().compile(_COPY)((1, 1, 1), (32, 1, 1), args, 0)


def test_an_output_that_is_read_only_is_not_written() -> None:
    out = _floats()
    out.flags.writeable = False
    with pytest.raises(CheckError, match="a read-only array is written"):
        CpuRuntime().compile(_COPY)(
            (1, 1, 1), (64, 1, 1), (_floats(), out, element(64, "int32")), 0
        )


def test_a_kernel_that_may_write_parts_is_believed() -> None:
    out = np.full(64, 7, np.float32)
    runtime = CpuRuntime(partial=("copy",))
    runtime.compile(_COPY)((1, 1, 1), (64, 1, 1), (_floats(), out, element(3, "int32")), 0)
    assert out[:4].tolist() == [0, 1, 2, 7]


def test_too_much_static_shared_memory_is_refused() -> None:
    text = """extern "C" __global__ void big(float *out) {
        __shared__ float tile[12289];
        tile[threadIdx.x] = 1; out[threadIdx.x] = tile[threadIdx.x]; }"""
    with pytest.raises(CheckError, match="49156 bytes of static shared memory, at most 49152"):
        CpuRuntime().compile(Sample(text, "big"))((1, 1, 1), (32, 1, 1), (_floats(32),), 0)
