"""Launches as values: which program, on what grid, with which operands. Pure: no device."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.cuda.source import Program

__all__ = [
    "MOST_CHANNELS",
    "Kept",
    "Launch",
    "Layout",
    "Mask",
    "Scratch",
    "Step",
    "Transform",
    "Work",
    "side_by_side",
]

#: Most channels that are filtered as interleaved; with more, taps would be further apart than a
#: thread's window is wide, and each channel is a plane of its own.
MOST_CHANNELS = 4


@dataclass(frozen=True)
class Layout:
    """Where the elements of a device array lie."""

    shape: tuple[int, ...]
    #: Elements, not bytes, from one to the next along each axis; may be 0 or negative.
    strides: tuple[int, ...]
    #: The address of the first element modulo 16.
    phase: int = 0

    @classmethod
    def contiguous(cls, shape: tuple[int, ...], channels: int | None = None) -> Layout:
        """Return the layout of a new array; with the axis `channels` side by side in each pixel.

        Examples
        --------
        >>> Layout.contiguous((2, 3, 4)).strides
        (12, 4, 1)
        >>> Layout.contiguous((2, 3, 4), channels=0).strides
        (1, 8, 2)
        """
        order = [axis for axis in range(len(shape)) if axis != channels]
        order += [] if channels is None else [channels]
        steps = {axis: prod(shape[n] for n in order[i + 1 :]) for i, axis in enumerate(order)}
        return cls(shape, tuple(steps[axis] for axis in range(len(shape))))


def side_by_side(array: Any) -> int | None:
    """Return the axis of the channels that lie beside each other in every pixel; None: none do.

    Examples
    --------
    >>> pixels = np.zeros((100, 200, 3), np.float32)
    >>> side_by_side(np.moveaxis(pixels, 2, 0)), side_by_side(np.zeros((3, 100, 200)))
    (0, None)
    """
    unit, column = array.dtype.itemsize, array.strides[-1]
    for axis, size in enumerate(array.shape[:-2]):
        if 1 < size <= MOST_CHANNELS and (array.strides[axis], column) == (unit, unit * size):
            return axis
    return None


@dataclass(frozen=True)
class Mask:
    """Weights of the pixels of an image, as launches see them."""

    #: Of the image's shape.
    layout: Layout
    dtype: np.dtype[Any]
    #: No weight is larger.
    largest: float = 1.0


@dataclass(frozen=True)
class Scratch:
    """A contiguous device array that lives for one call."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        """Size in bytes."""
        return prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class Kept(Scratch):
    """A device array that is made when it is first needed, and kept for later calls."""

    #: Of what the array depends on.
    key: Hashable
    #: What it is made from, in host memory.
    values: Callable[[], NDArray[Any]] = field(compare=False)
    #: Whether it is the Fourier transform of these values, a real image.
    spectrum: bool = False


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


@dataclass(frozen=True)
class Transform:
    """Fourier transforms of real images to the halves of their spectra that say all, or back.

    The library that does it scales neither: there and back multiplies by rows · columns.
    """

    #: Names of scratch arrays; that of spectra is used up on the way back.
    source: str
    target: str
    #: The first `count` images of `rows` × `columns` pixels are transformed.
    count: int
    rows: int
    columns: int
    #: Of a pixel.
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        """Memory that the library will take beside the arrays: about as much as a spectrum does.

        It says so itself only when asked on a device; cuFFT's manual calls up to eight times as
        much possible, for sizes with large prime factors.
        """
        frequencies = self.count * self.rows * (self.columns // 2 + 1)
        return 2 * frequencies * self.dtype.itemsize


#: What is done on a device, in the order of a stream.
Step = Launch | Transform


@dataclass(frozen=True, eq=False)
class Work:
    """Steps in order, and the scratch arrays that they name."""

    steps: tuple[Step, ...]
    scratch: Mapping[str, Scratch]
    #: Kernels that were tried before, each with the reason why it cannot do this.
    rejected: tuple[tuple[str, str], ...] = ()

    @property
    def launches(self) -> tuple[Launch, ...]:
        """The steps that are launches of our own kernels."""
        return tuple(step for step in self.steps if isinstance(step, Launch))

    @property
    def bytes(self) -> int:
        """Bytes of device memory beside the image and the output."""
        transforms = {step for step in self.steps if isinstance(step, Transform)}
        library = sum(transform.bytes for transform in transforms)
        return library + sum(array.bytes for array in self.scratch.values())
