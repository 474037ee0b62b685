"""What a record of a verification says of where it was made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gpuconv import backends
from gpuconv.backends.cuda import runtime
from gpuconv.backends.device import ordinal
from gpuconv.errors import ArgumentError

__all__ = ["Machine", "file_safe", "machine"]

#: What Linux tells of the driver that runs.
_DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class Machine:
    """A GPU and the software that runs it."""

    device: str
    driver: str
    cupy: str
    nvrtc: str


def file_safe(name: str) -> str:
    """Return a GPU's name as the name of a folder.

    Examples
    --------
    >>> file_safe("NVIDIA H100 80GB HBM3"), file_safe("NVIDIA GeForce RTX 4090 / Ti")
    ('nvidia-h100-80gb-hbm3', 'nvidia-geforce-rtx-4090-ti')
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "gpu"


def machine(device: str) -> Machine:
    """Return what runs the device of that name, through CuPy.

    Raises
    ------
    DeviceError
        It cannot be used.
    ArgumentError
        It is no GPU, or another runtime stands in for CuPy: neither proves anything of a GPU.
    """
    backends.select(np.empty((1, 1)), device)  # raises where the device cannot be used
    if device == "cpu" or runtime.substituted():
        raise ArgumentError(f"device={device!r} is no GPU; only what a GPU computed is recorded")
    import cupy
    from cupy.cuda import nvrtc

    rows = {row.name: row for row in backends.devices()}
    row = rows[f"cuda:{ordinal(device) or 0}"]
    version = ".".join(map(str, nvrtc.getVersion()))
    return Machine(row.description, _driver() or row.driver, cupy.__version__, version)


def _driver() -> str:
    """Return the version of the driver, as nvidia-smi has it; "" where Linux does not tell."""
    try:
        found = re.search(r"(\d+\.\d+(\.\d+)?) ", _DRIVER.read_text("utf-8", "replace"))
    except OSError:
        return ""
    return found[1] if found else ""
