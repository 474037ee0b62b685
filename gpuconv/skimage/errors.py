"""What the stand-ins for scikit-image raise and warn of, beside the errors of all calls."""

from __future__ import annotations

from gpuconv.errors import ArgumentError

__all__ = ["DifferenceWarning", "NotCoveredError"]


class NotCoveredError(ArgumentError, NotImplementedError):
    """What scikit-image can do and its stand-in cannot; the message says what to call instead."""


class DifferenceWarning(UserWarning):
    """A result differs from scikit-image's by more than rounding."""
