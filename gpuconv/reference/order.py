"""The order in which SciPy adds the taps of a kernel, which ``method="ordered"`` follows.

``correlate`` takes them row by row, but those within the epsilon of float64 of 0. ``correlate1d``
begins with the middle of symmetric and of antisymmetric weights (up to that epsilon), and then adds
the pixels of each pair before it weighs them, from the ends inwards; of other weights it begins
with the last tap, and goes on with the first. It was found by comparing every bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Signed", "in_order"]

#: Row and column of a tap, and whether its pixel is added or subtracted.
Signed: TypeAlias = tuple[int, int, int]

_EPSILON = 2.0**-52


def in_order(weights: NDArray[Any]) -> Iterator[tuple[list[Signed], float]]:
    """Yield the taps whose pixels are added first, one or a pair of them, and their weight.

    Examples
    --------
    >>> list(in_order(np.array([[-1, 2, 1]])))
    [([(0, 1, 1)], 2.0), ([(0, 0, 1), (0, 2, -1)], -1.0)]
    """
    if 1 not in weights.shape:
        for (row, column), weight in np.ndenumerate(weights):
            if abs(weight) > _EPSILON:
                yield [(row, column, 1)], float(weight)
        return
    line, upright = weights.ravel(), weights.shape[1] == 1
    for taps, weight in _of_line(line.tolist()):
        if weight != 0:
            yield [(k, 0, sign) if upright else (0, k, sign) for k, sign in taps], float(weight)


def _of_line(line: list[float]) -> Iterator[tuple[list[tuple[int, int]], float]]:
    last = len(line) - 1
    for sign in (1, -1):
        halves = [(line[k], sign * line[last - k]) for k in range(len(line) // 2)]
        if last % 2 == 0 and all(abs(a - b) <= _EPSILON for a, b in halves):
            yield [(last // 2, 1)], line[last // 2]
            for k in range(last // 2):
                yield [(k, 1), (last - k, sign)], line[k]
            return
    for k in (last, *range(last)):
        yield [(k, 1)], line[k]
