"""What ``gpuconv tune`` measured, kept on disk: for one machine, until something it depends on
changes.

The file is read once per process, when a first plan is made, and never needed: whatever is wrong
with it, the assumed rates do.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from errno import EISDIR
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from gpuconv.cost.rates import VERSION, known

__all__ = [
    "VARIABLE",
    "Profile",
    "find",
    "forget",
    "keep",
    "note",
    "place",
    "processor",
    "ready",
    "remove",
]

#: Environment variable: the file to use instead of the one in the user's cache folder.
VARIABLE = "GPUCONV_PROFILE"

#: What Linux tells of the CPU; its model stands in the first lines.
_CPU = Path("/proc/cpuinfo")
_HEAD = 4096


@dataclass(frozen=True)
class Profile:
    """The rates of one device."""

    #: "host" or "cuda".
    kind: str
    #: The model of the device.
    name: str
    #: Threads (CPU) or multiprocessors (GPU) that were measured together.
    units: int
    rates: dict[str, float]


def place() -> Path:
    """Return the file that holds the profile."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "gpuconv" / "profile.json"


def processor() -> str:
    """Return the model of this computer's CPU, as far as it can be told at once."""
    with suppress(OSError), _CPU.open("rb") as file:
        for line in file.read(_HEAD).decode(errors="replace").splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    import platform

    return os.environ.get("PROCESSOR_IDENTIFIER") or platform.machine() or "unknown"


def find(kind: str, units: int) -> Profile | None:
    """Return the profile of this machine's device of a kind and size, if one was kept.

    That of a CPU serves calls on fewer threads too.
    """
    for one in _read()[0]:
        fits = one.units >= units if kind == "host" else one.units == units
        if one.kind == kind and fits:
            return one
    return None


def note() -> str:
    """Return what is to be said of the file: what it holds, or why it is not used."""
    return _read()[1]


def forget() -> None:
    """Have the file read anew."""
    _read.cache_clear()


def ready() -> None:
    """See to it that the file can be written, before somebody measures what is to be kept there.

    Raises
    ------
    OSError
        It cannot be.
    """
    import tempfile  # as json below: nobody waits for it who only imports gpuconv

    path = place()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path.parent):
        pass
    if path.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(path))


def keep(*profiles: Profile) -> Path:
    """Write the file, as a whole or not at all.

    Raises
    ------
    OSError
        It cannot be written.
    """
    import json
    import tempfile

    ready()
    path = place()
    devices = [{**vars(one), "rates": dict(sorted(one.rates.items()))} for one in profiles]
    text = json.dumps(_stamp() | {"devices": devices}, indent=1)
    descriptor, unique = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(unique, path)
    except BaseException:
        os.unlink(unique)
        raise
    forget()
    return path


def remove() -> bool:
    """Delete the file; return whether there was one."""
    forget()
    try:
        place().unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _stamp() -> dict[str, Any]:
    """Return what the rates depend on beside the device."""
    return {"version": VERSION, "processor": processor(), "numpy": np.__version__}


@lru_cache(maxsize=1)
def _read() -> tuple[tuple[Profile, ...], str]:
    """Return the profiles in the file that can be used, and what is to be said of it."""
    try:
        text = place().read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return (), "not measured yet: gpuconv tune"
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        return (), f"cannot be read ({type(error).__name__}): gpuconv tune --reset"
    import json

    try:
        found = json.loads(text)
        stale = [f"{key} {found.get(key)!r}" for key, now in _stamp().items() if found[key] != now]
        if stale:
            return (), f"made for {', '.join(stale)}; not used: gpuconv tune measures anew"
        profiles = tuple(_checked(device) for device in found["devices"])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return (), "damaged; not used: gpuconv tune measures anew"
    return profiles, "measured: " + ", ".join(one.name for one in profiles)


def _checked(device: Any) -> Profile:
    """Return a device in the file as a profile; raise ValueError where that cannot be."""
    profile = Profile(device["kind"], str(device["name"]), int(device["units"]), device["rates"])
    for name, value in profile.rates.items():
        number = isinstance(value, float) and isfinite(value) and value > 0
        if profile.kind not in ("host", "cuda") or not number or not known(profile.kind, name):
            raise ValueError(f"{name}={value!r} is no rate")
    return profile
