"""What a backend says of the device it runs on."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Device", "ordinal"]


@dataclass(frozen=True)
class Device:
    """A place where filters can run, or the reason why they cannot.

    Examples
    --------
    >>> Device("cuda", "NVIDIA GPU", available=False, reason="there is none").available
    False
    """

    #: What ``device=`` takes: "cpu", "cuda:0", "cuda:1", …; "cuda" where no GPU answers.
    name: str
    #: For people: what it is.
    description: str
    available: bool
    #: Why it is not available, and how to mend it; "" where it is.
    reason: str = ""
    #: Bytes of memory on the device; None on the CPU and where it is not known.
    memory: int | None = None
    #: Compute capability, as "9.0"; "" on the CPU and where it is not known.
    capability: str = ""
    #: The newest CUDA that the driver runs, as "CUDA 13.0"; "" likewise.
    driver: str = ""
    #: What runs the kernels, as "CuPy 14.2.0"; "" likewise.
    library: str = ""


def ordinal(device: str | None) -> int | None:
    """Return the number in a device's name.

    Examples
    --------
    >>> ordinal("cuda:3"), ordinal("cuda"), ordinal(None)
    (3, None, None)
    """
    return int(device.partition(":")[2]) if device and ":" in device else None
