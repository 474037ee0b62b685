"""The engines, and the choice between them.

A backend is a module with ``NAME``, ``owns(array)``, ``devices()``, ``lacking(image, device)``,
``place(image, device)``, ``asarray(image)``, ``asnumpy(array)``, ``empty(shape, dtype)``,
``overlap(a, b)``, ``machine()``, ``describe(plan)``, ``grain(plans)``, ``stack(plans)``,
``beside(channels)``, ``run(plan, image, out, mask)``, ``run_bank(bank, image, out)``; for what is
called again ``ordinal_of(image)``, ``settled(seconds)``, ``again(plan, image, out, channel)``;
for restoration ``run_circular(images, transfer)``, ``compare(observed, blurred, least)`` and
``correct(estimate, votes, shares)``; and for streams ``lane(device)``. It is chosen by the array's
type or by ``device=``; looking for one never imports a library that the caller did not import.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

from gpuconv.backends import cuda, host
from gpuconv.backends.device import Device
from gpuconv.errors import ArgumentError, ArgumentTypeError, DeviceError

__all__ = ["BACKENDS", "Device", "choices", "devices", "owner", "select"]

#: In the order in which they are asked whose an array is; the host takes what nobody owns.
BACKENDS: tuple[ModuleType, ...] = (host, cuda)


def devices() -> list[Device]:
    """Return every device that gpuconv knows of, and for each unusable one the reason.

    Nothing is imported, and no driver is started in this process: another one looks, for about a
    second the first time where there is an NVIDIA driver.

    Returns
    -------
    list of Device
        The CPU, then one row per GPU, or a row "cuda" that says why there is none. ``name`` is what
        ``device=`` takes; ``available`` and ``reason`` say whether it can be used.

    Examples
    --------
    >>> import gpuconv as gc
    >>> [device.available for device in gc.devices() if device.name == "cpu"]
    [True]
    """
    return [device for backend in BACKENDS for device in backend.devices()]


def owner(image: Any) -> ModuleType:
    """Return the backend that holds `image`; the host's for what is yet to become an array.

    Examples
    --------
    >>> owner([[1, 2]]).NAME
    'host'
    """
    return next((backend for backend in BACKENDS if backend.owns(image)), host)


def select(image: Any, device: str | None) -> ModuleType:
    """Return the backend that filters `image`.

    Parameters
    ----------
    image : array
        Its owner runs it unless `device` says otherwise.
    device : None, "auto", "cpu", "cuda" or "cuda:N"
        None leaves the array where it is, and so does "auto" here; see :func:`choices`.

    Raises
    ------
    ArgumentError
        `device` is no device's name.
    DeviceError
        The device cannot be used; the message says why and how to mend it.
    """
    _check(device)
    home = owner(image)
    wanted = home if device in (None, "auto") else host if device == "cpu" else cuda
    if wanted is host and home is cuda:
        raise DeviceError(
            "device='cpu' was asked for an array on a GPU; copy it first: array.get()"
        )
    if reason := wanted.lacking(image, device):
        raise DeviceError(
            f"device={device or 'auto'!r} cannot be used: {reason}; "
            + ("or copy the image to the host" if home is cuda else "or use device='cpu'")
        )
    return wanted


def choices(image: Any, device: str | None) -> tuple[ModuleType, ...]:
    """Return the backends of which the fastest is to filter `image`: one, unless "auto" is asked.

    Raises
    ------
    ArgumentError, DeviceError
        As for :func:`select`.
    """
    chosen = select(image, device)
    free = device == "auto" and chosen is host and not cuda.lacking(None, None)
    return (host, cuda) if free else (chosen,)


def _check(device: str | None) -> None:
    if device is not None and not isinstance(device, str):
        raise ArgumentTypeError(
            f"device={device!r} must be None or one of 'auto', 'cpu', 'cuda[:N]'"
        )
    if device not in (None, "auto", "cpu") and not re.fullmatch(r"cuda(:\d+)?", device):
        raise ArgumentError(f"device={device!r} is not a device (one of 'auto', 'cpu', 'cuda[:N]')")
