"""The errors that users of SciPy catch, and its warnings."""

from __future__ import annotations

import sys
import warnings

from numpy.exceptions import AxisError as NumpysAxisError

from gpuconv.errors import ArgumentError

__all__ = ["AxisError", "StateError", "tell"]


class StateError(ArgumentError, RuntimeError):
    """An argument has a value that is not allowed, where SciPy raises a RuntimeError."""


class AxisError(ArgumentError, NumpysAxisError):
    """An axis is none of the array's."""


def tell(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn whoever called gpuconv, through however many of its functions.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True, action="always") as told:
    ...     tell("ignoring size")
    >>> str(told[0].message)
    'ignoring size'
    """
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("gpuconv."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
