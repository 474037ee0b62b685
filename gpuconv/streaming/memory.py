"""How much memory a stream may take: what the caller says, or a share of what is free."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

from gpuconv.errors import ArgumentError, ArgumentTypeError

__all__ = ["BASELINE", "SHARE", "budget", "free_memory", "parse_bytes"]

#: Of the memory that is free, what a stream takes where nobody says how much: other programs start,
#: and the system's file cache is what makes reading fast.
SHARE = 0.5

#: Bytes of a process beside the tiles of its stream: Python, NumPy and a library of codecs (40 MiB;
#: 70 with zarr), what the engine keeps between tiles (24 MiB, `host/linear.py`), chunks on their
#: way to a file, and what the allocator holds back. With it a 4 GiB image has taken 13 to 47 MiB
#: less than was predicted (``gpuconv run --json`` tells both).
BASELINE = 128 * 2**20

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_TEXT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?\s*", re.IGNORECASE)


def parse_bytes(name: str, value: int | str) -> int:
    """Return a number of bytes: an integer, or text like "512M", "1.5 GiB"; K is 1024.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        It is not, or not above 0.

    Examples
    --------
    >>> parse_bytes("memory", "512M"), parse_bytes("memory", "1.5 GiB"), parse_bytes("memory", 4096)
    (536870912, 1610612736, 4096)
    >>> parse_bytes("memory", "much")
    Traceback (most recent call last):
    ...
    gpuconv.errors.ArgumentError: memory='much' must be a number of bytes above 0, \
like '512M' or '2G'
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ArgumentTypeError(
            f"{name}={value!r} must be a number of bytes, or text like '512M' or '2G'"
        )
    found = _TEXT.fullmatch(str(value))
    count = int(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    if count < 1:
        raise ArgumentError(
            f"{name}={value!r} must be a number of bytes above 0, like '512M' or '2G'"
        )
    return count


def budget(memory: int | str | None) -> int:
    """Return the bytes that the process may take: those given, or a share of those free."""
    return int(SHARE * free_memory()) if memory is None else parse_bytes("memory", memory)


def free_memory(root: Path = Path("/")) -> int:
    """Return the bytes that this process can still have.

    The least of what the machine and each control group that the process is in have left; memory
    that only caches files counts as free.

    Parameters
    ----------
    root : Path
        Where to look for the system's own files.

    Examples
    --------
    >>> free_memory() > 0
    True
    """
    left = [_of_machine(root), *(_of_group(folder) for folder in _groups(root))]
    return max(min(each for each in left if each is not None), 0)


def _of_machine(root: Path) -> int:
    values = _table(root / "proc/meminfo")
    if "MemAvailable:" in values:
        return values["MemAvailable:"] * 1024
    try:
        # Elsewhere than on Linux nothing simple tells what is in use: a half, say.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return 2 * 2**30


def _groups(root: Path) -> list[Path]:
    """Return the folders of the control groups that limit memory, version 2's and version 1's."""
    folders = list[Path]()
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, place = line.split(":", 2)
        top = root / "sys/fs/cgroup" / ("memory" if controllers else "")
        if controllers and "memory" not in controllers.split(","):
            continue
        path = PurePosixPath(place.lstrip("/"))
        # Inside a container the group that is its root may be named as from outside.
        folders += [top / each for each in (path, *path.parents)]
    return folders


#: File names of version 2 and of version 1: limit, use, and what of that caches files.
_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def _of_group(folder: Path) -> int | None:
    for limit, usage, cached in _FILES:
        most, used = _text(folder / limit).strip(), _text(folder / usage).strip()
        if most.isdecimal() and used.isdecimal():
            return int(most) - int(used) + _table(folder / "memory.stat").get(cached, 0)
    return None


def _table(path: Path) -> dict[str, int]:
    rows = (line.split() for line in _text(path).splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdecimal()}


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
