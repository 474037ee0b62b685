"""What a stand-in does not have is the library's own, so that a whole program runs on it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["borrowing"]


def borrowing(stand_in: str, library: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module that stands in for one of a library.

    A name that the stand-in has not is looked up there, if the library is installed. It is imported
    then, and not before.

    Parameters
    ----------
    stand_in, library : str
        Names of both modules.

    Returns
    -------
    callable
        Of a name.

    Examples
    --------
    >>> look_up = borrowing("gpuconv.math", "math")
    >>> look_up("hypot")(3, 4)
    5.0
    >>> look_up("hypotenuse")
    Traceback (most recent call last):
    ...
    AttributeError: module 'gpuconv.math' has no attribute 'hypotenuse', and 'math' has none
    """

    def look_up(name: str) -> Any:
        if name.startswith("__"):  # asked of every module, by tools that look into it
            raise AttributeError(f"module {stand_in!r} has no attribute {name!r}")
        try:
            there = import_module(library)
        except ImportError as error:
            raise AttributeError(
                f"module {stand_in!r} has no attribute {name!r}, and {library!r}, which might have "
                "one, is not installed"
            ) from error
        try:
            return getattr(there, name)
        except AttributeError:
            raise AttributeError(
                f"module {stand_in!r} has no attribute {name!r}, and {library!r} has none"
            ) from None

    return look_up
