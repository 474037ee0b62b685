"""Sums over windows of a run of small counts, each in the narrowest integers that hold it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Counted", "Sums"]

Array = NDArray[Any]


class Counted(NamedTuple):
    """A run of counts."""

    values: Array
    #: None is larger.
    most: int


class Sums:
    """Additions, made once and done for every tile.

    Examples
    --------
    >>> sums, values = Sums(), np.array([1, 0, 1, 1, 1], np.uint8)
    >>> threes = sums.over(Counted(values, 1), 3, apart=1)
    >>> sums()
    >>> threes.values.tolist(), threes.values.dtype.name, threes.most
    ([2, 2, 3], 'uint8', 3)
    """

    def __init__(self) -> None:
        self._steps = list[Callable[[], Any]]()

    def __call__(self) -> None:
        """Do all additions."""
        for step in self._steps:
            step()

    def over(self, run: Counted, taps: int, apart: int) -> Counted:
        """Return the sums of `taps` values of a run, `apart` from each other.

        Windows of powers of two are each the sum of two of half the length; those that add up to
        `taps` are added.
        """
        total, reach, length = None, 0, 1
        while True:
            if taps & length:
                total = run if total is None else self._added(total, run, reach * apart)
                reach += length
            if reach == taps and total is not None:
                return total
            run = self._added(run, run, length * apart)
            length *= 2

    def _added(self, first: Counted, second: Counted, apart: int) -> Counted:
        most = first.most + second.most
        a = self._widened(first, most)
        b = a if second is first else self._widened(second, most)
        length = min(a.size, b.size - apart)
        total = np.empty(length, a.dtype)
        self._steps.append(partial(np.add, a[:length], b[apart : apart + length], out=total))
        return Counted(total, most)

    def _widened(self, run: Counted, most: int) -> Array:
        """Return a run in integers that hold `most`, which additions need not cast."""
        size = next(size for size in (1, 2, 4) if most < 1 << 8 * size)
        if size == run.values.itemsize:
            return run.values
        wide = np.empty(run.values.size, f"u{size}")
        self._steps.append(partial(np.copyto, wide, run.values))
        return wide
