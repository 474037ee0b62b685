"""The engines, and the choice between them.

A backend is a module with ``NAME``, ``owns(array)``, ``device()``, ``asarray(image)``,
``empty(shape, dtype)`` and ``run(plan, image, out)``. It is chosen by the array's type or by
``device=``; looking for one never imports a library that the caller did not import.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

from gpuconv.backends import cuda, host
from gpuconv.backends.device import Device
from gpuconv.errors import ArgumentError, ArgumentTypeError, DeviceError

__all__ = ["BACKENDS", "Device", "devices", "select"]

#: In the order in which they are asked whose an array is; the host takes what nobody else owns.
BACKENDS: tuple[ModuleType, ...] = (cuda, host)


def devices() -> list[Device]:
    """Return every device that gpuconv knows of, and for each unusable one the reason.

    Nothing is imported and no device is initialised to find out.

    Returns
    -------
    list of Device
        ``name`` is what ``device=`` takes; ``available`` and ``reason`` say whether it can be used.

    Examples
    --------
    >>> import gpuconv as gc
    >>> [device.available for device in gc.devices() if device.name == "cpu"]
    [True]
    """
    return [host.device(), cuda.device()]


def select(image: Any, device: str | None) -> ModuleType:
    """Return the backend that filters `image`.

    Parameters
    ----------
    image : array
        Its owner runs it unless `device` says otherwise.
    device : None, "auto", "cpu", "cuda" or "cuda:N"
        None and "auto" leave the array where it is.

    Raises
    ------
    ArgumentError
        `device` is no device's name.
    DeviceError
        The device cannot be used; the message says why and how to mend it.
    """
    if device is not None and not isinstance(device, str):
        raise ArgumentTypeError(
            f"device={device!r} must be None or one of 'auto', 'cpu', 'cuda[:N]'"
        )
    if device not in (None, "auto", "cpu") and not re.fullmatch(r"cuda(:\d+)?", device):
        raise ArgumentError(f"device={device!r} is not a device (one of 'auto', 'cpu', 'cuda[:N]')")
    owner = cuda if cuda.owns(image) else host
    wanted = owner if device in (None, "auto") else host if device == "cpu" else cuda
    if wanted is host and owner is cuda:
        raise DeviceError(
            "device='cpu' was asked for an array on a GPU; copy it first: array.get()"
        )
    if wanted is not host and not (found := wanted.device()).available:
        raise DeviceError(
            f"device={device or 'auto'!r} cannot be used: {found.reason}; "
            + ("copy the image to the host: image.get()" if owner is cuda else "use device='cpu'")
        )
    return wanted
