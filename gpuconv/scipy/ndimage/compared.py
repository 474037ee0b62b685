"""In what dtype rank filters compare, and how results are stored: as SciPy's compiled code does."""

from __future__ import annotations

from functools import lru_cache
from math import isfinite, isnan, trunc
from typing import Any

import numpy as np

from gpuconv.arrays import Array
from gpuconv.scipy.ndimage.selection import Selection

__all__ = ["compared_in", "copied", "is_cut_off", "store"]

_BOOL, _LONG = np.dtype(bool), np.dtype(np.int64)
#: What a double becomes first on its way to an integer: there are instructions for these two.
_BETWEEN = {**dict.fromkeys("?bBhH", np.int32), "I": np.int64}


def is_cut_off(stored: np.dtype[Any], written: np.dtype[Any]) -> bool:
    """Return whether an output is of integers that do not hold the image's values."""
    return written.kind in "biu" and not np.can_cast(stored, written)


@lru_cache(maxsize=256)
def compared_in(
    stored: np.dtype[Any], written: np.dtype[Any], cval: float, wanted: Selection
) -> tuple[np.dtype[Any], float]:
    """Return in what dtype elements are compared, and what lies outside, in it.

    Examples
    --------
    >>> u8 = np.dtype("uint8")
    >>> from dataclasses import replace
    >>> box = Selection((3, 3), (1, 1), ("constant", "constant"), 8)
    >>> compared_in(u8, u8, 7.9, box), compared_in(u8, u8, 300.0, box)
    ((dtype('uint8'), 7), (dtype('float64'), 300.0))
    >>> compared_in(u8, u8, 300.0, replace(box, index=4))
    (dtype('uint8'), 44)
    """
    if wanted.separable:
        return _as_float64(stored, written, cval)
    value = _rounded(cval, stored)
    if value is None and wanted.of_line:
        value = _rounded(cval, _LONG)
        return (np.dtype(np.float64), cval) if value is None else (_LONG, value)
    if value is None:
        number = np.empty(1, stored)
        store(np.array([cval], np.float64), number)
        value = number.item()
    return stored, value


def _as_float64(
    stored: np.dtype[Any], written: np.dtype[Any], cval: float
) -> tuple[np.dtype[Any], float]:
    """Return a dtype in which comparing is like comparing in float64 and rounding the result.

    Rounding does not change an order: it may come first, if the output holds what the image has.
    """
    value = _rounded(cval, stored)
    if value is not None and (value == cval or isnan(cval)):
        return stored, value
    value = _rounded(cval, written)
    if value is not None and np.can_cast(stored, written):
        return written.newbyteorder("="), value
    return np.dtype(np.float64), cval


def _rounded(cval: float, dtype: np.dtype[Any]) -> float | None:
    """Return a value as a dtype has it; None if it has nothing like it."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return float(dtype.type(cval))
    if dtype.kind not in "iu" or not isfinite(cval):
        return None
    limits = np.iinfo(dtype)
    return trunc(cval) if limits.min <= trunc(cval) <= limits.max else None


def store(values: Array, out: Array) -> None:
    """Store values as C on most machines stores a double: cut off towards 0, and wrapped."""
    if not np.can_cast(values.dtype, out.dtype):
        with np.errstate(invalid="ignore"):
            between = _BETWEEN.get(out.dtype.char, np.float64)
            values = values.astype(np.float64).astype(between)
        if out.dtype == _BOOL:
            values = values.astype(np.uint8)
    copied(values, out)


def copied(values: Array, out: Array) -> None:
    """Store values as NumPy does."""
    with np.errstate(invalid="ignore", over="ignore"):
        np.copyto(out, values, casting="unsafe")
