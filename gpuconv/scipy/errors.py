"""The errors that users of SciPy catch."""

from __future__ import annotations

from numpy.exceptions import AxisError as NumpysAxisError

from gpuconv.errors import ArgumentError

__all__ = ["AxisError", "StateError"]


class StateError(ArgumentError, RuntimeError):
    """An argument has a value that is not allowed, where SciPy raises a RuntimeError."""


class AxisError(ArgumentError, NumpysAxisError):
    """An axis is none of the array's."""
