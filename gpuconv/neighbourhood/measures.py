"""Arguments that are lengths or differences, checked."""

from __future__ import annotations

from math import inf, isfinite
from typing import Any

import numpy as np

from gpuconv.errors import ArgumentError, ArgumentTypeError

__all__ = ["measure"]


def measure(argument: str, value: Any, *, zero: bool = False) -> float:
    """Return a finite number above 0, or one that is at least 0 if `zero` is allowed.

    Examples
    --------
    >>> measure("h", 3), measure("sigma", 0, zero=True)
    (3.0, 0.0)
    """
    if not isinstance(value, (int, float, np.integer, np.floating)):
        raise ArgumentTypeError(f"{argument}={value!r} must be a real number")
    number = _float(value)
    if not (isfinite(number) and (number > 0 or (zero and number == 0))):
        allowed = "at least 0" if zero else "above 0"
        raise ArgumentError(f"{argument}={value!r} must be finite and {allowed}")
    return number


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # of an integer of hundreds of digits
        return inf
