"""Checks that the kernel functions share: each returns its value in plain Python, or raises."""

from __future__ import annotations

import math
import operator
from numbers import Real

from gpuconv.errors import ArgumentError, ArgumentTypeError

__all__ = ["affordable", "count", "number"]

#: Half a gibibyte of float64: beyond it a kernel is a slip of the keyboard, not a filter.
MOST_WEIGHTS = 2**26


def number(
    argument: str, value: float, *, at_least: float = -math.inf, above: float = -math.inf
) -> float:
    """Return `value` as a finite float within the bounds, or raise.

    Examples
    --------
    >>> number("sigma", -1, at_least=0)
    Traceback (most recent call last):
    ...
    gpuconv.errors.ArgumentError: sigma=-1 must be at least 0
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise ArgumentTypeError(
            f"{argument}={value!r} is of type {type(value).__name__}; it must be a number"
        )
    if not math.isfinite(value):
        raise ArgumentError(f"{argument}={value!r} must be finite")
    if value < at_least:
        raise ArgumentError(f"{argument}={value!r} must be at least {at_least}")
    if value <= above:
        raise ArgumentError(f"{argument}={value!r} must be greater than {above}")
    return float(value)


def count(argument: str, value: int, *, at_least: int = 0, at_most: int | None = None) -> int:
    """Return `value` as an int within the bounds, or raise.

    Examples
    --------
    >>> count("size", 2.5)
    Traceback (most recent call last):
    ...
    gpuconv.errors.ArgumentTypeError: size=2.5 is of type float; it must be an integer
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ArgumentTypeError(
            f"{argument}={value!r} is of type {type(value).__name__}; it must be an integer"
        )
    result = operator.index(value)
    if result < at_least:
        raise ArgumentError(f"{argument}={result} must be at least {at_least}")
    if at_most is not None and result > at_most:
        raise ArgumentError(f"{argument}={result} must be at most {at_most}")
    return result


def affordable(arguments: str, rows: float, columns: float = 1) -> None:
    """Raise if an array of so many weights is more than anybody can have meant."""
    if rows * columns > MOST_WEIGHTS:
        size = f"{rows:g}" if columns == 1 else f"{rows:g} × {columns:g}"
        raise ArgumentError(
            f"{arguments} makes a kernel of {size} weights; at most {MOST_WEIGHTS} are allowed"
        )
