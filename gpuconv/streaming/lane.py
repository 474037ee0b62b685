"""What a stream asks of a device: to filter one tile after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from numpy.typing import NDArray

__all__ = ["Lane", "Make", "Span", "Ticket"]

Array = NDArray[Any]
#: Makes a result of windows, where these lie.
Make: TypeAlias = Callable[[Sequence[Any]], Any]
#: A stage ("upload", "compute", "download"), and when it began and ended (``perf_counter``).
Span: TypeAlias = tuple[str, float, float]


class Ticket(Protocol):
    """A tile at work on a device."""

    def result(self) -> tuple[Array, tuple[Span, ...]]:
        """Wait for it; return the pixels in host memory, and how long its stages took."""


class Lane(Protocol):
    """A device that filters one tile after another, several of them on their way at a time.

    Engines make one by ``lane(device)``. It is used by one thread.
    """

    #: As :func:`gpuconv.devices` has it.
    name: str
    #: Tiles that are worth having at work at the same time.
    depth: int

    def room(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return host memory for pixels that are to be filtered, from a pool; from any thread."""

    def give_back(self, room: Array) -> None:
        """Take memory back that `room` or a ticket gave, for the tiles to come; from any thread."""

    def start(self, make: Make, windows: Sequence[Array]) -> Ticket:
        """Have `make` filter windows in host memory, without waiting where the device can."""

    def free_memory(self) -> int:
        """Return the bytes that the device has for tiles."""

    def close(self) -> None:
        """Let go of the memory."""
