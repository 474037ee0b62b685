"""What a backend says of the device it runs on."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Device"]


@dataclass(frozen=True)
class Device:
    """A place where filters can run, or the reason why they cannot."""

    #: What ``device=`` takes: "cpu", "cuda".
    name: str
    #: For people: what it is.
    description: str
    available: bool
    #: Why it is not available, and how to mend it; "" where it is.
    reason: str = ""
