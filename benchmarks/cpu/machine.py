"""What a reader needs to know of the machine to judge its numbers, and where they are kept."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from benchmarks.suite.machine import cpu
from gpuconv.backends.host.threads import usable_cores
from gpuconv.verify.machine import file_safe

__all__ = ["described", "folder"]

_RESULTS = Path(__file__).parents[1] / "results"
_PACKAGES = ("numpy", "scipy", "opencv-python-headless", "scikit-image")


def described(packages: Iterable[str] = _PACKAGES) -> str:
    """Return the CPU, the cores, and the versions of what is installed, in a line."""
    python = f"Python {platform.python_version()}"
    return ", ".join([_named(), python, *filter(None, map(_version, packages))])


def folder() -> Path:
    """Return where the results of this CPU are kept."""
    return _RESULTS / file_safe(_named())


def _named() -> str:
    return f"{cpu()}, {usable_cores()} cores"


def _version(package: str) -> str:
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return ""
