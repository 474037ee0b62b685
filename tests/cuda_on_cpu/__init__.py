"""The project's CUDA kernels on a CPU, under a checker of memory, races and barriers.

See README.md in this folder.
"""

from cuda_on_cpu.apart import ApartRuntime
from cuda_on_cpu.build import BuildError, missing
from cuda_on_cpu.kernel import CheckError, LaunchRecord
from cuda_on_cpu.runtime import CpuRuntime

__all__ = ["ApartRuntime", "BuildError", "CheckError", "CpuRuntime", "LaunchRecord", "missing"]
