"""Everything that gpuconv raises on purpose.

::

    GpuconvError
    ├── ArgumentError       (ValueError)    an argument has a value that is not allowed
    ├── ArgumentTypeError   (TypeError)     an argument is of a kind that is not accepted
    ├── DeviceError         (RuntimeError)  the device asked for cannot be used, and why
    ├── ImageFileError      (OSError)       an image file cannot be read or written; names the file
    └── MissingExtraError   (ImportError)   an optional library is absent; says how to install it

A message names the argument, its value and what is allowed, so that it can be acted on without
opening this source.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "DeviceError",
    "GpuconvError",
    "ImageFileError",
    "MissingExtraError",
    "choose",
]


class GpuconvError(Exception):
    """Base of every error that gpuconv raises on purpose."""


class ArgumentError(GpuconvError, ValueError):
    """An argument has a value that is not allowed."""


class ArgumentTypeError(GpuconvError, TypeError):
    """An argument is of a kind that is not accepted."""


class DeviceError(GpuconvError, RuntimeError):
    """The device asked for cannot be used; the message says why and how to mend it."""


class ImageFileError(GpuconvError, OSError):
    """An image file cannot be read or written; the message names the file."""


class MissingExtraError(GpuconvError, ImportError):
    """A library that an extra would have installed is absent."""

    def __init__(self, library: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {library}, which is not installed: pip install 'gpuconv[{extra}]'"
        )


def choose(argument: str, value: object, allowed: Iterable[str], noun: str) -> str:
    """Return `value` if it is one of `allowed`; else raise with a suggestion.

    Examples
    --------
    >>> choose("size", "sane", ("same", "valid", "full"), "a size mode")
    Traceback (most recent call last):
    ...
    gpuconv.errors.ArgumentError: size='sane' is not a size mode; did you mean 'same'? \
(one of 'same', 'valid', 'full')
    """
    names = tuple(allowed)
    if isinstance(value, str) and value in names:
        return value
    near = difflib.get_close_matches(value, names, n=1) if isinstance(value, str) else []
    hint = f"; did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(map(repr, names))
    raise ArgumentError(f"{argument}={value!r} is not {noun}{hint} (one of {listed})")
