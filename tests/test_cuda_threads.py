"""Calls on several threads: weights travel with each launch, so none can disturb another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu import CpuRuntime

import gpuconv as gc
from gpuconv import reference
from gpuconv.backends.cuda import runtime

pytestmark = pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())


def test_threads_with_kernels_of_one_size_get_their_own_results() -> None:
    """One program, many weights at once, small and too many to travel as an argument."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 50), np.uint8)
    small = [gc.Kernel(rng.integers(-9, 9, (3, 3)), divisor=d) for d in range(1, 9)]
    large = [gc.Kernel(rng.integers(-9, 9, (30, 30))) for _ in range(8)]
    kernels = [kernel for pair in zip(small, large, strict=True) for kernel in pair]
    with runtime.use(CpuRuntime(mode="fast")) as cpu, ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda kernel: gc.convolve(image, kernel, device="cuda"), 3 * kernels)
        )
    assert "deposit" in {launch.program.entry for launch in cpu.launches}
    for result, kernel in zip(found, 3 * kernels, strict=True):
        np.testing.assert_array_equal(result, reference.convolve(image, kernel))
