"""Is a usable GPU here, and if not, why. Never raises, and leaves no trace in this process.

What costs nothing is checked here; a process of its own (``ask.py``) asks the driver and CuPy,
which takes about a second where there is a GPU. So an answer is kept: in this process for as long
as the environment stays the same, and, where all is well, on disk until the machine restarts.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from gpuconv.backends.cuda import reasons, remember
from gpuconv.backends.cuda.ask import ANSWER, LIBRARY
from gpuconv.backends.device import Device

__all__ = ["OFF", "SECONDS", "devices", "forget", "packages"]

#: Environment variables: a value other than "" and "0" turns the GPU off; how long a probe may
#: take. The first import of CuPy from a network folder takes longer than anyone would think.
OFF, SECONDS = "GPUCONV_NO_GPU", "GPUCONV_PROBE_SECONDS"
_PATIENCE = 60.0

#: Distributions that install the same files: all wheels of CuPy that are for NVIDIA.
_PACKAGES = ("cupy", "cupy-cuda11x", "cupy-cuda12x", "cupy-cuda13x")

Facts = dict[str, Any]


def devices() -> tuple[Device, ...]:
    """Return a row for each GPU, or one row "cuda" that says why there is none."""
    return _devices(os.environ.get(OFF), os.environ.get("CUDA_VISIBLE_DEVICES"))


def forget() -> None:
    """Have the next call look again, whatever was remembered."""
    _devices.cache_clear()
    remember.forget()


@lru_cache(maxsize=8)
def _devices(off: str | None, visible: str | None) -> tuple[Device, ...]:
    try:
        if reason := _closed(off, visible):
            return (_none(reason),)
        known = remember.recall()
        facts = known or _ask()
        rows = _rows(facts, visible)
        if known is None and all(row.available for row in rows):
            remember.keep(facts)
        return rows
    except Exception as error:  # the promise to never raise holds for our own mistakes too
        return (_none(f"looking for one failed: {type(error).__name__}: {error}"),)


def _closed(off: str | None, visible: str | None) -> str:
    """Return the reason that can be seen without asking a driver; "" if there is none."""
    if (off or "").strip() not in ("", "0"):
        return f"{OFF}={off} turns it off; unset it"
    # CUDA takes the list up to its first invalid entry.
    if visible is not None and visible.split(",")[0].strip() in ("", "-1", "NoDevFiles"):
        return f"CUDA_VISIBLE_DEVICES={visible!r} hides every GPU; unset it"
    try:
        ctypes.CDLL(LIBRARY)  # loads the library, and calls nothing in it
    except OSError as error:
        return reasons.of_loading(str(error))
    return ""


def _none(reason: str, driver: str = "") -> Device:
    return Device("cuda", "NVIDIA GPU", available=False, reason=reason, driver=driver)


def _rows(facts: Facts, visible: str | None) -> tuple[Device, ...]:
    reason = facts.get("silence") or reasons.of_machine(facts, visible, packages())
    version = facts.get("driver", 0)
    driver = f"CUDA {version // 1000}.{version % 1000 // 10}" if version else ""
    library = f"CuPy {facts['cupy']}" if "cupy" in facts else ""
    rows = []
    for index, gpu in enumerate(facts.get("gpus", ())):
        why = reason or reasons.of_gpu(gpu, facts)
        capability = ".".join(map(str, gpu["capability"]))
        state = gpu["name"], not why, why, gpu["memory"], capability, driver, library
        rows.append(Device(f"cuda:{index}", *state))
    return tuple(rows) or (_none(reason, driver),)


def packages() -> list[str]:
    """Return the installed distributions that contain CuPy; more than one is one too many."""

    def installed(name: str) -> bool:
        try:
            return bool(metadata.version(name))
        except metadata.PackageNotFoundError:
            return False

    return [name for name in _PACKAGES if installed(name)]


def _ask() -> Facts:
    """Return the facts that the other process finds; "silence" is why it did not find them all."""
    # Without the folder of the script in its path, where `source` or `launch` are no libraries.
    command = [sys.executable, "-P", str(Path(__file__).with_name("ask.py"))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    try:
        process = subprocess.Popen(command, text=True, errors="replace", **pipes)  # type: ignore[call-overload]
    except OSError as error:
        return {"silence": reasons.of_silence("", f"could not be started ({error})")}
    output, ending = _listen(process, _patience())
    answers = [line for line in output.splitlines() if line.startswith(ANSWER)]
    facts: Facts = json.loads(answers[-1].removeprefix(ANSWER)) if answers else {}
    if ending or "doing" in facts or not facts:
        facts["silence"] = reasons.of_silence(facts.get("doing", ""), ending or "ended early")
    return facts


def _patience() -> float:
    try:
        return float(os.environ[SECONDS])
    except (KeyError, ValueError):
        return _PATIENCE


def _listen(process: subprocess.Popen[str], patience: float) -> tuple[str, str]:
    """Return what the process prints, and how it ended: "" if well."""
    try:
        output, _ = process.communicate(json.dumps(sys.path), timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        return _rest(process), f"gave no answer in {patience:g} s ({SECONDS} sets this limit)"
    code = process.returncode
    if code < 0:
        return output, f"crashed ({signal.Signals(-code).name})"
    return output, f"failed with exit code {code}" if code else ""


def _rest(process: subprocess.Popen[str]) -> str:
    """Return what a killed process had printed; a driver may hold even a killed one for ever."""
    try:
        return process.communicate(timeout=2)[0]
    except subprocess.TimeoutExpired:
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        return ""
