"""The few things that the engine asks of a CUDA runtime.

All else in this package is plain Python over shapes and numbers. The tests have a second runtime
that runs the same kernels, through the same launches, on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.cuda.source import Program

__all__ = ["Event", "Kernel", "Limits", "Runtime", "Stream", "beyond"]

#: A compiled kernel: call it with (grid, block, arguments, bytes of dynamic shared memory).
#: Arguments are device arrays (their first element's address is passed), None (a null pointer), or
#: NumPy arrays of one structured element, which travel by value.
Kernel = Callable[[tuple[int, int, int], tuple[int, int, int], Sequence[Any], int], None]


@dataclass(frozen=True)
class Limits:
    """What launch geometry needs to know of a device."""

    #: Streaming multiprocessors.
    multiprocessors: int
    #: Bytes of shared memory that one block can have.
    shared: int
    #: Blocks along the grid's y and z.
    grid: int = 65535


class Event(Protocol):
    """A moment in the order of a stream; names are CuPy's."""

    @property
    def done(self) -> bool:
        """Whether it has come."""

    def synchronize(self) -> None:
        """Wait until it has come."""


class Stream(AbstractContextManager[Any], Protocol):
    """A queue of work on one device, beside others; names are CuPy's.

    As a context: what is asked of the device goes there.
    """

    def record(self) -> Event:
        """Return the moment when all that is in the queue is done."""

    def wait_event(self, event: Event) -> None:
        """Have the queue go on when a moment in another's order has come."""

    def synchronize(self) -> None:
        """Wait until the queue is empty."""


class Runtime(Protocol):
    """A place that holds device arrays and runs kernels on them."""

    def owns(self, array: Any) -> bool:
        """Return whether `array` is one that kernels can be given as it is."""

    def asarray(self, image: Any) -> Any:
        """Return `image` on the device, native and aligned, without a copy where it is that."""

    def asnumpy(self, array: Any) -> Any:
        """Return a device array in host memory, when it is finished."""

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return an uninitialised array on the device.

        Raises MemoryError where there is no room; nothing else does.
        """

    def address(self, array: Any) -> int:
        """Return the address of the array's first element."""

    def limits(self) -> Limits:
        """Return the limits of the current device."""

    def free_memory(self) -> int:
        """Return the bytes that `empty` could still give on the current device."""

    def on_device_of(self, array: Any) -> AbstractContextManager[Any]:
        """Return a context in which the device that holds `array` is the current one."""

    def here(self, *arrays: Any) -> bool:
        """Return whether the current device holds `arrays`, which are the runtime's own."""

    def on_device(self, index: int) -> AbstractContextManager[Any]:
        """Return a context in which device number `index` is the current one.

        Raises DeviceError where there is no such device.
        """

    def compile(self, program: Program) -> Kernel:
        """Return `program` compiled for the current device; the same one when asked again."""

    def transform(self, source: Any, target: Any) -> Callable[[], None]:
        """Return what transforms images (count, rows, columns) when it is called.

        From real `source` to complex `target`, of half as many columns and one more; or from
        complex to real, without scaling, and `source` is then used up.

        Raises MemoryError where there is no room, DeviceError where the library is missing.
        """

    def queue(self) -> Hashable:
        """Return what tells the current device and its current stream from others."""

    def stream(self) -> Stream:
        """Return a new queue of work on the current device, which waits for no other."""

    def pinned(self, size: int) -> NDArray[np.uint8]:
        """Return bytes of host memory that copies reach without the host's help.

        Raises MemoryError where there is no room.
        """

    def upload(self, host: NDArray[Any], there: Any) -> None:
        """Copy into a contiguous device array, in the order of the current stream."""

    def download(self, there: Any, host: NDArray[Any]) -> None:
        """Copy a contiguous device array to host memory, in the order of the current stream."""

    def elapsed(self, start: Event, stop: Event) -> float:
        """Return the seconds between two moments that have come."""


def beyond(index: int, count: int) -> str:
    """Return that there is no device of this number.

    Examples
    --------
    >>> beyond(2, 1), beyond(2, 2)
    ('there is no GPU number 2, only cuda:0', 'there is no GPU number 2, only cuda:0 and cuda:1')
    """
    names = [f"cuda:{i}" for i in range(count)]
    listed = " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
    return f"there is no GPU number {index}, only {listed}"
