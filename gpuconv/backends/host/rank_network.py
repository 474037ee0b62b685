"""Networks of minima and maxima over a tile: each step is one loop of NumPy's over a long run.

The pixel below is a row's length further on in a run, so that a shift along y is a shift along the
run like one along x. What reaches around the end of a row is computed too, and not used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.host.tile import TileBlock
from gpuconv.neighbourhood import NeighbourhoodPlan, Rank
from gpuconv.neighbourhood.algorithms.rank_host import steps_of
from gpuconv.neighbourhood.programs import Program, Step, Value, lengths

__all__ = ["block"]

Array = NDArray[Any]


def block(plan: NeighbourhoodPlan, height: int, width: int) -> TileBlock:
    """Return a block that runs the network of the plan's windows."""
    wanted = plan.neighbourhood
    assert isinstance(wanted, Rank)
    (rows, columns), network = wanted.shape, steps_of(wanted, plan.algorithm)
    phases, rows = network.phases, height + rows - 1
    count = -(-width // phases)
    pitch = count + (columns + phases - 2) // phases
    run = _Run(network, rows * pitch, pitch, (height - 1) * pitch + count, plan.accumulator)
    by_phase = run.pixels.reshape(phases, rows, pitch)
    loaded = by_phase if phases == 1 else np.empty((rows, pitch, phases), plan.accumulator)
    # Each phase's columns side by side, as steps read them.
    parts = [] if phases == 1 else list(zip(by_phase, np.moveaxis(loaded, 2, 0), strict=True))

    def compute(out: Array) -> None:
        for target, source in parts:
            np.copyto(target, source)
        for operation, first, second, found in run.calls:
            operation(first, second, out=found)
        for phase, found in enumerate(run.results):
            kept = out[:, phase::phases]
            np.copyto(kept, found[:, : kept.shape[1]], casting="unsafe")

    pixels = loaded.reshape(rows, pitch * phases)[:, : width + columns - 1]
    return TileBlock(pixels, compute)


class _Run:
    """The steps of a network as calls on scratch, which is used again as soon as it can be.

    Parameters
    ----------
    network : Program
    longest, pitch, span : int
        Pixels of a phase; from a row to the next; and results, the ends of rows included.
    dtype : dtype
    """

    def __init__(
        self, network: Program, longest: int, pitch: int, span: int, dtype: np.dtype[Any]
    ) -> None:
        self._phases, self._longest, self._pitch, self._dtype = (
            network.phases,
            longest,
            pitch,
            dtype,
        )
        self.pixels = np.empty((network.phases, longest), dtype)
        #: (operation, first, second, out) of each step.
        self.calls = list[tuple[Callable[..., Any], Array, Array, Array]]()
        self._arrays = {0: self.pixels}
        self._free: dict[bool, list[Array]] = {False: [], True: []}
        self._uses = network.uses()
        for number, length in enumerate(lengths(network, pitch, span)[1:], 1):
            self._add(number, network.steps[number - 1], length)
        rows = -(-span // pitch)
        self.results = [
            self._read(value, rows * pitch, False).reshape(rows, pitch) for value in network.results
        ]

    def _add(self, number: int, step: Step, length: int) -> None:
        """Make a step into a call."""
        values = step.first, step.second
        reads = [self._read(value, length, step.whole) for value in values]
        for value in values:
            self._uses[value.array] -= 1
        room = self._over(step)
        if room is None:
            room = self._room(step.whole)
        for array in {value.array for value in values}:
            if not self._uses[array] and self._arrays[array] is not room:
                unused = self._arrays.pop(array)
                self._free[unused.ndim == 2].append(unused)
        self._arrays[number] = room
        choose = np.maximum if step.larger else np.minimum
        self.calls.append((choose, reads[0], reads[1], room[..., :length]))

    def _over(self, step: Step) -> Array | None:
        """Return the room of an operand that nobody needs any more, and that is read as it lies."""
        values = step.first, step.second
        for array in {value.array for value in values}:
            moved = any(value.array == array and value[2:] != (0, 0) for value in values)
            room = self._arrays[array]
            if not moved and not self._uses[array] and (room.ndim == 2) == step.whole:
                return room
        return None

    def _room(self, whole: bool) -> Array:
        """Return room for one phase, or for all."""
        if self._free[whole]:
            return self._free[whole].pop()
        # Results may begin some pixels further on, and their last row is read to its end.
        length = self._longest + self._pitch
        return np.empty((self._phases, length) if whole else length, self._dtype)

    def _read(self, value: Value, length: int, whole: bool) -> Array:
        """Return the values of an array, of one phase or of all."""
        array, at = self._arrays[value.array], value.down * self._pitch + value.right
        if array.ndim == 2 and not whole:
            array = array[value.phase]
        return array[..., at : at + length]
