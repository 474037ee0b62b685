"""Print what is here: the GPU, its driver and clocks, and the versions of everything."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from importlib import metadata

from gpuconv.cli import main as gpuconv

#: What nvidia-smi is asked for: what a reader of the numbers needs to judge them.
QUERY = (
    "name,driver_version,memory.total,clocks.sm,clocks.max.sm,clocks.mem,temperature.gpu,"
    "power.draw,power.limit,utilization.gpu"
)
PACKAGES = ("numpy", "scipy", "cupy-cuda13x", "cupy-cuda12x", "torch", "pytest", "pytest-xdist")


def version(package: str) -> str:
    """Return the installed version of a package."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def smi() -> str:
    """Return what nvidia-smi says."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return "nvidia-smi is not here"
    command = [tool, f"--query-gpu={QUERY}", "--format=csv"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except subprocess.TimeoutExpired:
        return "nvidia-smi gave no answer in 20 s"
    return found.stdout.strip() or found.stderr.strip()


def main() -> int:
    """Print it."""
    print(f"Python {platform.python_version()}, {platform.platform()}")
    print(", ".join(f"{package} {version(package)}" for package in PACKAGES))
    print(smi(), flush=True)
    return gpuconv(["info"])


if __name__ == "__main__":
    sys.exit(main())
