"""What a call launches on a GPU, found out without one: a runtime that notes launches down.

The call goes all its way, through arguments, plans and engines; nothing but the launches is left
out, and arrays between two of them stay blank.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from gpuconv.backends.cuda import runtime
from gpuconv.backends.cuda.launch import Launch
from gpuconv.backends.cuda.protocol import Kernel, Limits
from gpuconv.backends.cuda.rehearsal import Rehearsal
from gpuconv.backends.cuda.source import Program

__all__ = ["Recorder", "Step", "Transformed", "recorded"]

Array = NDArray[Any]


@dataclass
class Step:
    """A launch, with the memory that its operands name, and how often it is made in the call."""

    launch: Launch
    arrays: dict[str, Array] = field(repr=False)
    times: int = 1


@dataclass
class Transformed:
    """A Fourier transform by a library, of so many bytes, and how often it is made in the call."""

    bytes: int
    times: int = 1


class Recorder(Rehearsal):
    """A rehearsal that notes down launches and transforms."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._steps: dict[Hashable, Step | Transformed] = {}
        #: Arrays that have a name, beside those that are told apart by their place alone.
        self.named: dict[int, str] = {}

    def steps(self) -> Iterator[Step | Transformed]:
        """Yield what was noted, like steps once, and forget it."""
        steps, self._steps = self._steps, {}
        yield from steps.values()

    def _note(self, key: Hashable, step: Step | Transformed) -> None:
        self._steps.setdefault(key, step).times += key in self._steps

    def compile(self, program: Program) -> Kernel:
        """Return what notes down a launch."""

        def note(
            grid: tuple[int, int, int],
            block: tuple[int, int, int],
            arguments: Sequence[Any],
            shared: int,
        ) -> None:
            *operands, parameters = arguments
            names = tuple(self._name(each, place) for place, each in enumerate(operands))
            given = zip(names, operands, strict=True)
            arrays = {name: _memory(each) for name, each in given if name}
            launch = Launch(program, grid, block, shared, names, parameters)
            # What parameters say besides, such as which tiles are next, makes no difference.
            self._note((program, grid, block, shared, names), Step(launch, arrays, 0))

        return note

    def _name(self, array: Array | None, place: int) -> str | None:
        return None if array is None else self.named.get(self.address(array), f"array {place}")

    def transform(self, source: Any, target: Any) -> Callable[[], None]:
        """Return what notes down transforms."""
        size = source.nbytes + target.nbytes
        return lambda: self._note((source.shape, target.shape), Transformed(size, 0))

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return zeros, whose memory is not taken before somebody writes there."""
        return np.zeros(shape, dtype)


def _memory(array: Array) -> Array:
    """Return all that lies between an array's first element and its last, in one dimension."""
    span = sum((n - 1) * step for n, step in zip(array.shape, array.strides, strict=True))
    return as_strided(array, (span // array.itemsize + 1,), (array.itemsize,))


def recorded(
    call: Callable[[Any, Any], Any], image: Array, limits: Limits
) -> list[Step | Transformed]:
    """Return what `call`, given an image and an array for its result, launches.

    It is called twice: what is done once and kept, such as the spectrum of a kernel, is not told.
    """
    out, device = np.zeros_like(image), Recorder(limits)
    device.named = {device.address(image): "image", device.address(out): "out"}
    with runtime.use(device):  # type: ignore[arg-type]
        call(image, out)
        list(device.steps())
        call(image, out)
    return list(device.steps())
