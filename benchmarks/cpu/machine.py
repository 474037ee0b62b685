"""What a reader needs to know of the machine to judge its numbers."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

__all__ = ["described"]

_PACKAGES = ("numpy", "scipy", "opencv-python-headless", "scikit-image")


def described() -> str:
    """Return the CPU, the cores and the versions, in a line."""
    versions = [f"{name} {metadata.version(name)}" for name in _PACKAGES]
    return ", ".join([_cpu(), f"{os.cpu_count()} cores", *versions])


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
