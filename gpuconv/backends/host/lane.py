"""The CPU filters tiles where they lie, one at a time, on all cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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

    def room(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return memory for pixels."""
        return np.empty(shape, dtype)

    def give_back(self, room: Array) -> None:
        """Leave memory to Python, which frees it."""

    def start(self, make: Callable[[Sequence[Array]], Array], windows: Sequence[Array]) -> _Done:
        """Have `make` filter windows, now."""
        start = perf_counter()
        return _Done(make(windows), start, perf_counter())

    def free_memory(self) -> int:
        """Return that tiles take no memory beside the host's, which is counted elsewhere."""
        return 0

    def close(self) -> None:
        """Leave things as they are: nothing is held."""
