"""The CUDA engine's room: the dispatcher knows its door, and the door says why it is closed."""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
from typing import Any, NoReturn

from gpuconv.backends.device import Device
from gpuconv.errors import DeviceError

__all__ = ["NAME", "asarray", "device", "empty", "owns", "run"]

NAME = "cuda"

#: The engine's sources are not part of this version.
_ABSENT = "this version of gpuconv has no CUDA engine yet"


def owns(array: Any) -> bool:
    """Return whether `array` lies on a CUDA device, by its interface and not by its library."""
    return hasattr(type(array), "__cuda_array_interface__") and _on_device(array)


def _on_device(array: Any) -> bool:
    # torch's CPU tensors have the attribute too, and raise when it is read.
    try:
        return array.__cuda_array_interface__ is not None
    except (AttributeError, TypeError, RuntimeError):
        return False


def _machine() -> str:
    """Return what this machine lacks for CUDA, loading nothing; "" if nothing."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "unset").strip() in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides every GPU"
    if not any(map(ctypes.util.find_library, ("cuda", "nvcuda"))):
        return "no NVIDIA driver (libcuda) is installed on this machine"
    if importlib.util.find_spec("cupy") is None:
        return "CuPy is not installed: pip install 'gpuconv[cuda13]'"
    return ""


def asarray(image: Any) -> NoReturn:
    """Refuse, with the reason."""
    raise DeviceError(device().reason)


def device() -> Device:
    """Return the CUDA device as the dispatcher sees it: not available, and why."""
    lacking = _machine()
    reason = f"{_ABSENT} (besides, {lacking})" if lacking else _ABSENT
    return Device("cuda", "NVIDIA GPU", available=False, reason=reason)


def empty(shape: tuple[int, ...], dtype: Any) -> NoReturn:
    """Refuse, with the reason."""
    raise DeviceError(device().reason)


def run(plan: Any, image: Any, out: Any) -> NoReturn:
    """Refuse, with the reason."""
    raise DeviceError(device().reason)
