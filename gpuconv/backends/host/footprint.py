"""NaN and infinity for algorithms that would smear them: set aside before, put back after."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.plan import Plan

__all__ = ["mark", "marks", "spread"]

Array = NDArray[Any]

#: What pixels under a window may be, as bits.
_NAN, _PLUS, _MINUS = 1, 2, 4


def marks(pixels: Array) -> Array | None:
    """Return which pixels are NaN or infinite, each of which becomes 0; None if none is.

    Examples
    --------
    >>> pixels = np.array([[1.0, np.nan, -np.inf]])
    >>> marks(pixels).tolist(), pixels.tolist()
    ([[0, 1, 4]], [[1.0, 0.0, 0.0]])
    """
    if np.isfinite(pixels.sum()):
        return None
    found = np.zeros(pixels.shape, np.uint8)
    for bit, where in (
        (_NAN, np.isnan(pixels)),
        (_PLUS, np.isposinf(pixels)),
        (_MINUS, np.isneginf(pixels)),
    ):
        found[where] = bit
    pixels[found != 0] = 0
    return found if found.any() else None


def mark(sums: Array, found: Array, plan: Plan, negative: bool) -> None:
    """Make NaN or infinite what has such a pixel under any of its weights.

    All weights are taken to be ≠ 0 and of one sign.
    """
    under = spread(spread(found, plan.y.taps).T, plan.x.taps).T
    under = under[:: plan.y.stride, :: plan.x.stride]
    plus, minus = (_MINUS, _PLUS) if negative else (_PLUS, _MINUS)
    sums[under & plus != 0] = np.inf
    sums[under & minus != 0] = -np.inf
    sums[(under & _NAN != 0) | (under & (plus | minus) == plus | minus)] = np.nan


def spread(found: Array, taps: int) -> Array:
    """Return the bits of any of `taps` neighbouring rows together.

    Examples
    --------
    >>> spread(np.array([1, 0, 4, 0, 0]), 3).tolist()
    [5, 4, 4]
    """
    reach = 1
    while reach < taps:
        # Windows may overlap: a bit is as set by two as by one.
        step = min(reach, taps - reach)
        found = found[:-step] | found[step:]
        reach += step
    return found
