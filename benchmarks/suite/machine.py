"""Where it was measured: what a reader needs to know to judge the numbers, or to repeat them."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from gpuconv import backends
from gpuconv.backends.cuda import runtime
from gpuconv.backends.device import ordinal
from gpuconv.backends.host.threads import thread_count, usable_cores
from gpuconv.verify.machine import file_safe, machine

from ..peers import peers
from .contract import installed
from .place import Place

__all__ = ["cpu", "described", "versions"]

#: What Linux tells of its processors.
_PROCESSORS = Path("/proc/cpuinfo")
#: Distributions that matter to everyone.
_SHARED = ("gpuconv", "numpy")


def described(place: Place) -> dict[str, Any]:
    """Return the machine that a place is on: hardware, system, and versions.

    ``name`` is for people, ``folder`` is where its results are kept.
    """
    count = usable_cores()
    host = {"cpu": cpu(), "cores": count, "threads": thread_count(), "load": _load()}
    system = {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions(place.kind),
    }
    name = f"{cpu()}, {count} cores"
    device = {} if place.kind == "cpu" else _gpu(place.device)
    name = device.get("gpu", name)
    return {"name": name, "folder": file_safe(name), **device, **host, **system}


def cpu() -> str:
    """Return the model of the CPU, as far as the system tells."""
    text = _PROCESSORS.read_text("utf-8", "replace") if _PROCESSORS.exists() else ""
    names = (line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line)
    return next(names, "") or platform.processor() or platform.machine() or "a CPU"


def _load() -> float | None:
    """Return how many processes kept the machine busy in the minute before."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _gpu(device: str) -> dict[str, str]:
    """Return a GPU and what drives it; of a runtime that stands in for one, what it is called."""
    if runtime.substituted():
        return {"gpu": type(runtime.current()).__name__}
    known = machine(device)
    row = {each.name: each for each in backends.devices()}[f"cuda:{ordinal(device) or 0}"]
    drivers = {"driver": known.driver, "cuda": row.driver, "nvrtc": known.nvrtc}
    return {"gpu": known.device, "capability": row.capability, **drivers}


def versions(kind: str) -> dict[str, str]:
    """Return the distributions that peers of a kind of device are made of, where installed."""
    names = dict.fromkeys((*_SHARED, *(name for peer in peers(kind) for name in peer.packages)))
    found = ((name, installed((name,))) for name in names)
    return {name: version for name, version in found if version}
