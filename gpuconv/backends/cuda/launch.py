"""Launches as values: which program, on what grid, with which operands. Pure: no device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.cuda.source import Program

__all__ = ["Launch", "Layout", "Scratch", "Work"]


@dataclass(frozen=True)
class Layout:
    """Where the elements of a device array lie."""

    shape: tuple[int, ...]
    #: Elements, not bytes, from one to the next along each axis; may be 0 or negative.
    strides: tuple[int, ...]
    #: The address of the first element modulo 16.
    phase: int = 0

    @classmethod
    def contiguous(cls, shape: tuple[int, ...]) -> Layout:
        """Return the layout of a new array.

        Examples
        --------
        >>> Layout.contiguous((2, 3, 4)).strides
        (12, 4, 1)
        """
        return cls(shape, tuple(prod(shape[axis + 1 :]) for axis in range(len(shape))))


@dataclass(frozen=True)
class Scratch:
    """A contiguous device array that lives for one call."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        """Size in bytes."""
        return prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True, eq=False)
class Launch:
    """One kernel launch."""

    program: Program
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    #: Bytes of dynamic shared memory.
    shared: int
    #: The kernel's pointers in order: "image", "out", the name of a scratch array, None for null.
    operands: tuple[str | None, ...]
    #: The kernel's last argument: one structured element, passed by value.
    parameters: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Work:
    """Launches in order, and the scratch arrays that they name."""

    launches: tuple[Launch, ...]
    scratch: Mapping[str, Scratch]
    #: Kernels that were tried before, each with the reason why it cannot do this.
    rejected: tuple[tuple[str, str], ...] = ()

    @property
    def bytes(self) -> int:
        """Bytes of device memory beside the image and the output."""
        return sum(array.bytes for array in self.scratch.values())
