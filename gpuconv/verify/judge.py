"""How far a result may be from the definition: the accuracy that gpuconv promises.

Integer weights over integer pixels give the definition's bits. Floats are within
(ROUNDING + taps / LENGTH) · eps(accumulator) · Σ|w| · max|x|, and the rounding of the store; with
``accuracy="fast"``, within FAST · Σ|w| · max|x|. A sum that is stored as an integer may fall on the
other side of a tie, if it is as near to one as NEAR.

Ranks are the definition's bits, always. Means over pixels that are alike are within LEVEL of the
float64 definition as integers, and within ALIKE · eps(accumulator) · max|x| as floats, and the
rounding of the store. Directions are within ANGLE · eps(float32) · π.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import dtypes
from gpuconv.verify.call import Answer
from gpuconv.verify.case import Case

__all__ = ["Error", "judge"]

Array = NDArray[Any]

#: Rounding errors of a sum grow with its length: at worst by half an eps per tap.
ROUNDING, LENGTH = 4, 32
#: What ``accuracy="fast"`` allows instead.
FAST = 1e-3
#: Of a mean over pixels that are alike, in levels and in roundings: weights come from
#: exponentials of sums of squares.
LEVEL, ALIKE = 1.0, 32
#: Of a direction: arctan2 of float32 has a few.
ANGLE = 4
#: Of a level, between a sum and a tie.
NEAR = 0.05


@dataclass(frozen=True)
class Error:
    """The largest error of a result."""

    #: In units of what is allowed: a result is right up to 1.
    units: float
    #: In the output's own units.
    absolute: float


def judge(case: Case, answer: Answer) -> Error:
    """Return the error of an engine's answer to a case."""
    found, expected = answer.found, answer.expected
    if (found.shape, found.dtype) != (expected.shape, expected.dtype):
        return Error(inf, inf)
    apart = _apart(found, expected)
    if not apart.any():
        return Error(0.0, 0.0)
    # Not in float16, in which a bound could not be told from a little more.
    wide = complex if found.dtype.kind == "c" else float
    wanted = expected[apart].astype(wide)
    with np.errstate(all="ignore"):
        errors = np.abs(found[apart].astype(wide) - wanted)
    absolute = float(errors.max()) if np.isfinite(errors).all() else inf
    if case.exact or absolute == inf:
        return Error(inf, absolute)
    if case.operation and found.dtype.kind in "iu":
        level = np.abs(found[apart] - answer.exact[apart])
        return Error(float(level.max()) / LEVEL, absolute)
    if found.dtype.kind in "iu" and case.accuracy == "exact":
        return Error(_of_rounding(answer.exact[apart], absolute), absolute)
    allowed = _bound(case, answer) + _stored(found.dtype, wanted)
    return Error(float((errors / allowed).max(initial=0)), absolute)


def _apart(found: Array, expected: Array) -> NDArray[np.bool_]:
    """Return where two arrays differ; NaN is NaN."""
    apart: NDArray[np.bool_] = found != expected
    if found.dtype.kind not in "iu":
        apart &= ~(np.isnan(found) & np.isnan(expected))
    return apart


def _of_rounding(exact: Array, absolute: float) -> float:
    """Return how far sums were from a tie, that were rounded to a neighbour."""
    if absolute > 1:
        return inf
    away = np.abs(np.abs(exact - np.floor(exact)) - 0.5)
    return float(away.max() / NEAR)


def _stored(dtype: np.dtype[Any], wanted: Array) -> Any:
    """Return the errors of storing: one may fall on the other side of a tie between integers."""
    return 1.0 if dtype.kind in "iu" else _rounding(dtype) * np.abs(wanted)


def _rounding(dtype: np.dtype[Any]) -> float:
    return float(np.finfo(dtype).eps)


def _bound(case: Case, answer: Answer) -> float:
    image = answer.image
    summed = dtypes.summed_in(image.dtype, case.stored)
    sizes = np.abs(image.astype(complex if image.dtype.kind == "c" else float))
    largest = max(float(sizes[np.isfinite(sizes)].max(initial=0)), _fill(case))
    if case.operation:
        return ALIKE * _rounding(np.dtype(summed)) * largest
    if case.ending == "direction":
        return ANGLE * _rounding(np.dtype(np.float32)) * np.pi
    kernel = case.weights
    factor = (ROUNDING + kernel.weights.size / LENGTH) * _rounding(np.dtype(summed))
    if case.accuracy == "fast":
        factor = FAST
    return factor * float(np.abs(kernel.weights).sum()) * largest


def _fill(case: Case) -> float:
    filled = "constant" in case.border and np.isfinite(case.cval)
    return abs(case.cval) if filled else 0.0
