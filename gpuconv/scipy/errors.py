"""The errors that users of SciPy catch."""

from __future__ import annotations

from gpuconv.errors import ArgumentError

__all__ = ["StateError"]


class StateError(ArgumentError, RuntimeError):
    """An argument has a value that is not allowed, where SciPy raises a RuntimeError."""
