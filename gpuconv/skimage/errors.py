"""What the stand-ins for scikit-image raise and warn of, beside the errors of all calls."""

from __future__ import annotations

import sys
import warnings

from gpuconv.errors import ArgumentError

__all__ = ["DifferenceWarning", "NotCoveredError", "tell"]


class NotCoveredError(ArgumentError, NotImplementedError):
    """What scikit-image can do and its stand-in cannot; the message says what to call instead."""


class DifferenceWarning(UserWarning):
    """A result differs from scikit-image's by more than rounding."""


def tell(difference: str, category: type[Warning] = DifferenceWarning) -> None:
    """Warn whoever called gpuconv, of a result that is not scikit-image's if not of something else.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True, action="always") as told:
    ...     tell("denoise_bilateral has round windows")
    >>> str(told[0].message)
    'denoise_bilateral has round windows'
    """
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("gpuconv."):
        level, frame = level + 1, frame.f_back
    warnings.warn(difference, category, stacklevel=level)
