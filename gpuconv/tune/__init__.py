"""A short measurement of what this machine's devices can do, for the cost model."""

from __future__ import annotations

from gpuconv.tune.cpu import measure_cpu
from gpuconv.tune.gpu import measure_gpu
from gpuconv.tune.timing import Progress

__all__ = ["Progress", "measure_cpu", "measure_gpu"]
