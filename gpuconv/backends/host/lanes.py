"""The CPU filters tiles where they lie, one at a time, on all cores."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["HostLane"]

Array = NDArray[Any]


@dataclass(frozen=True)
class _Done:
    """A tile that was filtered."""

    pixels: Array
    start: float
    stop: float

    def result(self) -> tuple[Array, tuple[tuple[str, float, float], ...]]:
        """Return the pixels, and how long they took."""
        return self.pixels, (("compute", self.start, self.stop),)


class HostLane:
    """The CPU at work on tiles: nothing is copied, and there is nothing to wait for."""

    name = "cpu"
    depth = 1

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Memory that was given back, and what was lent by the identity of the pixels in it.
        self._free = list[Array]()
        self._lent = dict[int, Array]()

    def room(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return memory for pixels: what was used before needs no more pages from the system."""
        bytes = prod(shape) * np.dtype(dtype).itemsize
        with self._lock:
            fitting = [memory for memory in self._free if memory.nbytes >= bytes]
            if fitting:
                memory = min(fitting, key=lambda memory: memory.nbytes)
                self._free = [other for other in self._free if other is not memory]
            else:
                # What is too small now would only pile up.
                self._free = self._free[1:]
                memory = np.empty(bytes, np.uint8)
            pixels: Array = memory[:bytes].view(dtype).reshape(shape)
            self._lent[id(pixels)] = memory
        return pixels

    def give_back(self, room: Array) -> None:
        """Keep memory that `room` gave; leave results to Python, which frees them."""
        with self._lock:
            memory = self._lent.pop(id(room), None)
            if memory is not None:
                self._free.append(memory)

    def start(self, make: Callable[[Sequence[Array]], Array], windows: Sequence[Array]) -> _Done:
        """Have `make` filter windows, now."""
        start = perf_counter()
        return _Done(make(windows), start, perf_counter())

    def free_memory(self) -> int:
        """Return that tiles take no memory beside the host's, which is counted elsewhere."""
        return 0

    def close(self) -> None:
        """Let go of the memory."""
        with self._lock:
            self._free.clear()
            self._lent.clear()
