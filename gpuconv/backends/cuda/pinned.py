"""Host memory from which a GPU copies by itself, used again and again.

Pages that the operating system may not move are slow to get and are missed by everybody else, so
there is an end to them: what goes beyond it is ordinary memory, whose copies wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.cuda.protocol import Event, Runtime

__all__ = ["Pinned"]

Array = NDArray[Any]

#: Bytes that a pool takes, at most: windows and results of four tiles of 128 MiB, which take a
#: link of 25 GB/s five milliseconds each, a hundred times what it takes to begin a copy.
_MOST = 4 * 2 * 128 * 2**20
#: What sizes are rounded up to, so that tiles at an edge fit into memory of those before.
_UNIT = 2**20
#: How many times as large as what is asked for memory may be that serves.
_LOOSE = 2


@dataclass(eq=False)
class _Buffer:
    """A piece of memory, and the last copy from it or to it."""

    bytes: Array
    busy: Event | None = None


class Pinned:
    """A pool of pinned host memory for one device; any thread may take and give.

    Parameters
    ----------
    current : Runtime
        Where the memory comes from.
    most : int
        Bytes that it may have together.
    """

    def __init__(self, current: Runtime, most: int = _MOST) -> None:
        self._runtime, self._most = current, most
        self._lock = threading.Lock()
        self._idle = list[_Buffer]()
        #: By the address of the first byte.
        self._lent = dict[int, _Buffer]()

    @property
    def bytes(self) -> int:
        """Bytes of pinned memory, in use and idle."""
        return sum(each.bytes.nbytes for each in (*self._idle, *self._lent.values()))

    def take(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return memory for an array, which no copy uses any more; ordinary if there is no more."""
        size = prod(shape) * np.dtype(dtype).itemsize
        with self._lock:
            buffer = self._ready(size) or self._made(size) or self._fitting(size)
            if buffer is not None:
                self._lent[_address(buffer.bytes)] = buffer
        if buffer is None:
            return np.empty(shape, dtype)
        if buffer.busy is not None:
            buffer.busy.synchronize()
            buffer.busy = None
        array: Array = buffer.bytes[:size].view(dtype).reshape(shape)
        return array

    def give(self, array: Array) -> None:
        """Take back what :meth:`take` gave; anything else is not this pool's."""
        with self._lock:
            buffer = self._lent.pop(_address(array), None)
            if buffer is not None:
                self._idle.append(buffer)

    def used(self, array: Array, until: Event) -> None:
        """Tell that a copy uses the memory of an array until an event."""
        with self._lock:
            if (buffer := self._lent.get(_address(array))) is not None:
                buffer.busy = until

    def close(self) -> None:
        """Let go of what is idle."""
        with self._lock:
            self._idle.clear()

    def _ready(self, size: int) -> _Buffer | None:
        """Return idle memory that no copy uses."""
        return self._picked(size, lambda buffer: buffer.busy is None or buffer.busy.done)

    def _fitting(self, size: int) -> _Buffer | None:
        """Return idle memory; what was given back first is what a copy leaves first."""
        return self._picked(size, lambda buffer: True)

    def _picked(self, size: int, wanted: Callable[[_Buffer], bool]) -> _Buffer | None:
        for i, buffer in enumerate(self._idle):
            if size <= buffer.bytes.nbytes <= _LOOSE * _up(size) and wanted(buffer):
                return self._idle.pop(i)
        return None

    def _made(self, size: int) -> _Buffer | None:
        """Return new memory, for which idle memory that no copy uses makes room."""
        for buffer in list(self._idle):
            if self.bytes + _up(size) <= self._most:
                break
            if buffer.busy is None or buffer.busy.done:
                self._idle.remove(buffer)
        if size == 0 or self.bytes + _up(size) > self._most:
            return None
        try:
            return _Buffer(self._runtime.pinned(_up(size)))
        except MemoryError:
            return None


def _up(size: int) -> int:
    return -(-size // _UNIT) * _UNIT


def _address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])
