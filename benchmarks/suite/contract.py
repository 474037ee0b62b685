"""What a library is to the bench, and what it is given.

A file in `peers` has a tuple `PEERS`. Each peer prepares a case: it gets everything ready before
the clock starts, its arrays in its own layout, and returns the call that is timed; or says why it
cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cases import Case

__all__ = [
    "Buffers",
    "Call",
    "Peer",
    "Prepare",
    "Prepared",
    "Settle",
    "Unable",
    "as_it_is",
    "installed",
    "nothing",
]

Array = NDArray[Any]
#: Filters the image of a set of buffers, by its number; what it returns holds the result, or the
#: set's output does where it returns None.
Call = Callable[[int], Any]
#: Sets what a library has one of, such as its number of threads, as a peer wants it.
Settle = Callable[[], object]


class Unable(Exception):  # noqa: N818 — it is no fault
    """Raised by a peer that cannot do a case, or is not installed; it says why."""


@dataclass(frozen=True)
class Buffers:
    """Images and outputs on a device: several sets, that calls rotate among.

    On a GPU they exceed its caches together, so that no image is still there when its turn comes.
    """

    images: list[Any]
    outs: list[Any]
    #: "cpu", or "cuda:0" …
    device: str = "cpu"

    def spoil(self) -> None:
        """Forget all results: NaN, or 85 in each byte."""
        for out in self.outs:
            out.fill(np.nan if out.dtype.kind == "f" else 85)


def as_it_is(result: Array) -> Array:
    """Return a result that needs no translation."""
    return result


def nothing() -> None:
    """Settle nothing."""


@dataclass(frozen=True)
class Prepared:
    """A call that is ready to be timed."""

    call: Call = field(repr=False)
    #: What is called, for the reader: "ndimage.median_filter".
    how: str
    #: The largest error that counts as right, where the library computes something a little
    #: different; by default the case's. Measured as the case's filter says, or as `measure` does.
    allowed: float | None = None
    measure: str = ""
    #: Why more is allowed.
    because: str = ""
    #: It copies the image, and does nothing else.
    copies: bool = False
    #: Makes a result, in host memory, what the definition has: off the clock.
    alike: Callable[[Array], Array] = field(default=as_it_is, repr=False)
    #: Is called before each turn, off the clock: the library may have been set otherwise for
    #: another peer, and to set it can take longer than the call.
    settle: Settle = field(default=nothing, repr=False)


Prepare = Callable[[Case, Buffers], Prepared]


@dataclass(frozen=True)
class Peer:
    """A library, as it is asked on one kind of device."""

    #: What the tables call it: "SciPy ndimage", "OpenCV, 1 thread".
    name: str
    #: Whose version is recorded: distributions, the first that is installed counts.
    packages: tuple[str, ...]
    #: "cpu" or "cuda".
    device: str
    prepare: Prepare = field(repr=False)

    @property
    def version(self) -> str:
        """What is installed; "" if nothing is."""
        return installed(self.packages)


def installed(packages: tuple[str, ...]) -> str:
    """Return the version of the first of some distributions that is installed; "" if none is."""
    for package in packages:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return ""
