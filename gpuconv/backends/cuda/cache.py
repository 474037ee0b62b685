"""CuPy's cache of compiled kernels on disk, looked at without CuPy."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DiskCache", "disk_cache"]


@dataclass(frozen=True)
class DiskCache:
    """What lies in CuPy's cache, ours and that of CuPy's other users."""

    folder: str
    files: int
    bytes: int


def disk_cache() -> DiskCache:
    """Return the folder that CuPy keeps compiled kernels in, and how much is there."""
    folder = os.environ.get("CUPY_CACHE_DIR") or os.path.expanduser("~/.cupy/kernel_cache")
    sizes = []
    try:
        for path in Path(folder).iterdir():
            sizes.append(path.stat().st_size)
    except OSError:  # no folder yet, or a file that has just gone
        pass
    return DiskCache(folder, len(sizes), sum(sizes))
