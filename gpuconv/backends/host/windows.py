"""Sums over windows of a run of values, each built from the sums over smaller windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.algorithms.box import Limits, factor, narrowest

__all__ = ["Run", "Windows"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Run:
    """Sums of `count` pixels each, next to each other, in a piece of scratch."""

    values: Array
    count: int
    room: Array


class Windows:
    """Additions, made once and done for every tile, with the scratch that they need.

    Parameters
    ----------
    limits : (int, int), optional
        The least and the largest pixel, where all are integers: sums are then taken in the
        narrowest integers that hold them, which are exact and several times faster.
    widest : dtype
        In which sums are taken otherwise, and where no narrower integers will do.
    room : (int, int)
        Runs that are kept at a time at most, and bytes of the largest; see
        :func:`gpuconv.algorithms.box.room`.
    memory : array of bytes, shape `room`, optional
        Scratch that others use too, at other times; by default there is an own one.

    Examples
    --------
    >>> windows = Windows((0, 255), np.dtype("float32"), room=(2, 24))
    >>> pixels = windows.empty(6)
    >>> threes = windows.over(pixels, taps=3, apart=1)
    >>> pixels.values[:] = [250, 251, 252, 1, 2, 3]
    >>> for step in windows.steps:
    ...     _ = step()
    >>> threes.values.tolist(), threes.values.dtype.name
    ([753, 504, 255, 6], 'uint16')
    """

    def __init__(
        self,
        limits: Limits | None,
        widest: np.dtype[Any],
        room: tuple[int, int],
        memory: Array | None = None,
    ) -> None:
        self.steps = list[Callable[[], object]]()
        self._limits, self._widest = limits, widest
        # One allocation, which the next call gets again; several small ones go back to the system,
        # and fetching their pages anew takes longer than the additions.
        own = np.empty(room, np.uint8) if memory is None else memory
        self._free: list[Array] = list(own)

    def empty(self, length: int, count: int = 1) -> Run:
        """Return room for sums of `count` pixels each."""
        dtype = narrowest(self._limits, count, self._widest)
        room = self._free.pop()
        return Run(room[: length * dtype.itemsize].view(dtype), count, room)

    def wide(self, length: int) -> Array:
        """Return room for `length` values of the widest dtype."""
        return self._free.pop()[: length * self._widest.itemsize].view(self._widest)

    def over(self, run: Run, taps: int, apart: int, keep: bool = False) -> Run:
        """Return the sums of `taps` values of `run` each, `apart` from each other.

        Unless it is to be kept, the room of `run` is used for others.
        """
        if taps == 1:
            return run
        first = factor(taps)
        if first == taps:
            return self._doubled(run, apart, keep)
        if first > 1:
            return self.over(self.over(run, first, apart, keep), taps // first, apart * first)
        less = self.over(run, taps - 1, apart, keep=True)
        return self._one_more(less, run, (taps - 1) * apart, keep)

    def _doubled(self, run: Run, apart: int, keep: bool) -> Run:
        """Return the sums of each value and the one `apart` after it."""
        used = self._widened(run, 2 * run.count, keep)
        total = self.empty(run.values.size - apart, 2 * run.count)
        self._add(used.values[: total.values.size], used.values[apart:], total.values)
        if used is not run or not keep:
            self._free.append(used.room)
        return total

    def _one_more(self, less: Run, run: Run, apart: int, keep: bool) -> Run:
        """Return the sums of each value of `less` and the one of `run` that is `apart` after it."""
        length, count = run.values.size - apart, less.count + run.count
        used = self._widened(less, count, keep=False)
        total = Run(used.values[:length], count, used.room)
        self._add(total.values, run.values[apart:], total.values)
        if not keep:
            self._free.append(run.room)
        return total

    def _widened(self, run: Run, count: int, keep: bool) -> Run:
        """Return the run in the dtype of sums of `count` pixels.

        A copy and an addition take a third less time than an addition that casts.
        """
        if narrowest(self._limits, count, self._widest) == run.values.dtype:
            return run
        wide = self.empty(run.values.size, count)
        self.steps.append(lambda: np.copyto(wide.values, run.values))
        if not keep:
            self._free.append(run.room)
        return Run(wide.values, run.count, wide.room)

    def _add(self, a: Array, b: Array, out: Array) -> None:
        self.steps.append(lambda: np.add(a, b, out=out))
