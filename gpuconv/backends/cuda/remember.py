"""A probe's good news, kept on disk while nothing changes that could make it false.

Only good news: who has just mended something wants to see it at once. It counts until the machine
restarts, and for one Python, one CuPy, one driver and one set of visible GPUs.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["forget", "keep", "place", "recall"]

#: What Linux tells of the driver that runs, and of the time since it started. Elsewhere nothing is
#: remembered.
_DRIVER = Path("/proc/driver/nvidia/version")
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NODES = Path("/dev")

#: Which GPUs CUDA sees, in which order, and through which libraries.
_VARIABLES = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "LD_LIBRARY_PATH", "CUDA_PATH")

Facts = dict[str, Any]


def place() -> Path:
    """Return the file that remembers."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "gpuconv" / "gpu.json"


def recall() -> Facts | None:
    """Return the facts that were kept, if all is still as it was then."""
    try:
        kept = json.loads(place().read_text("utf-8"))
        facts: Facts | None = kept["facts"] if kept["when"] == _when() else None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None
    return facts


def keep(facts: Facts) -> None:
    """Write `facts` down. No place to write to only costs the next process a second."""
    with suppress(OSError, RuntimeError):
        text = json.dumps({"when": _when(), "facts": facts})
        place().parent.mkdir(parents=True, exist_ok=True)
        unique = place().with_suffix(f".{os.getpid()}")
        unique.write_text(text, "utf-8")
        unique.replace(place())


def forget() -> None:
    """Remove what was kept."""
    with suppress(OSError, RuntimeError):
        place().unlink()


def _when() -> dict[str, Any]:
    """Return all that the facts depend on; raise OSError where it cannot be told."""
    cupy = importlib.util.find_spec("cupy")
    origin = cupy.origin if cupy and cupy.origin else ""
    return {
        "driver": _DRIVER.read_text("utf-8"),
        "boot": _BOOT.read_text("utf-8"),
        "nodes": sorted(node.name for node in _NODES.glob("nvidia[0-9]*")),
        "python": sys.executable,
        "cupy": [origin, os.stat(origin).st_mtime_ns],
        "variables": [os.environ.get(name) for name in _VARIABLES],
    }
