"""Parameters of filters: what their values may be, and how they are written and read."""

from __future__ import annotations

import re
import types
import typing
from dataclasses import dataclass
from inspect import Parameter as Signature
from typing import Any, Literal

from gpuconv.errors import ArgumentError, choose

__all__ = ["REQUIRED", "KernelValue", "Parameter", "Rows", "of_annotation", "written"]

#: The default of a parameter that has none.
REQUIRED: Any = Signature.empty


class Rows:
    """Stands for array_like among the types of a parameter: the weights of a kernel."""


class KernelValue:
    """Stands for a kernel among the types of a parameter."""


_ROWS = "rows of numbers such as '0 1 0; 1 1 1; 0 1 0'"
_NOUNS: dict[object, str] = {
    int: "integer",
    float: "number",
    bool: "yes or no",
    str: "text",
    Rows: f"{_ROWS}, a file of such, or a kernel such as 'disk(radius=3)'",
    KernelValue: f"a kernel such as 'motion_blur(length=15, angle=30)', {_ROWS}, or a file of such",
    tuple[int, int]: "two integers such as 3x5",
    tuple[float, float]: "two numbers such as 0.5x2",
}
_TRUTH = {"yes": True, "true": True, "on": True, "1": True}
_TRUTH |= {"no": False, "false": False, "off": False, "0": False}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a filter.

    Attributes
    ----------
    name : str
    types : tuple
        What a value may be, tried in this order: int, float, bool, str, ``type(None)``, pairs such
        as ``tuple[int, int]``, :class:`Rows`, :class:`KernelValue`.
    choices : tuple
        The values of a ``Literal``.
    default : object
        :data:`REQUIRED` if there is none.
    help : str
        One paragraph.
    """

    name: str
    types: tuple[Any, ...]
    choices: tuple[Any, ...]
    default: Any
    help: str

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is REQUIRED

    @property
    def kernel(self) -> bool:
        """Whether a value may be a kernel: another filter, or rows of numbers."""
        return Rows in self.types or KernelValue in self.types

    @property
    def kind(self) -> str:
        """The allowed values, in words."""
        nouns = [_NOUNS[t] for t in self.types if t in _NOUNS]
        if self.choices:
            nouns.append("one of " + ", ".join(map(str, self.choices)))
        if type(None) in self.types:
            nouns.append("none")
        return " or ".join(nouns)

    def accept(self, value: Any) -> Any:
        """Return `value`, read if it is a string; an integer becomes a float where one is meant."""
        if isinstance(value, str):
            return self.read(value)
        whole = type(value) is int and int not in self.types and value not in self.choices
        return float(value) if whole and float in self.types else value

    def read(self, text: str) -> Any:
        """Return the value written as `text`; that of a kernel stays text.

        Raises
        ------
        ArgumentError
            It is none of the allowed values.
        """
        for choice in self.choices:
            if text == str(choice):
                return choice
        # Any text may be a kernel, so that comes last.
        for reader in sorted(self.types, key=lambda kind: kind in (Rows, KernelValue)):
            try:
                return _read(reader, text)
            except (KeyError, ValueError):
                continue
        if self.choices and not self.types:
            choose(self.name, text, map(str, self.choices), "an allowed value")
        raise ArgumentError(f"{self.name}={text!r} is not allowed (expected: {self.kind})")


def _read(reader: Any, text: str) -> Any:
    if reader is bool:
        return _TRUTH[text.lower()]
    if reader is type(None):
        return {"none": None}[text.lower()]
    if reader in (Rows, KernelValue):
        return text
    if typing.get_origin(reader) is tuple:
        members = typing.get_args(reader)
        parts = re.split(r"\s*[x×,]\s*", text.strip())
        return tuple(kind(part) for kind, part in zip(members, parts, strict=True))
    return reader(text)


def of_annotation(given: Signature, annotation: Any, text: str) -> Parameter:
    """Return the parameter of a signature, with its help."""
    members = _members(annotation)
    literals = [m for m in members if typing.get_origin(m) is Literal]
    return Parameter(
        name=given.name,
        types=tuple(m for m in members if m not in literals),
        choices=tuple(choice for m in literals for choice in typing.get_args(m)),
        default=given.default,
        help=text,
    )


def _members(annotation: Any) -> list[Any]:
    """Return the alternatives of an annotation."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [m for part in typing.get_args(annotation) for m in _members(part)]
    return [annotation]


def written(value: Any) -> str:
    """Return `value` as :meth:`Parameter.read` takes it.

    Examples
    --------
    >>> written(None), written(True), written(2.0), written((3, 5))
    ('none', 'yes', '2.0', '3x5')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return "none" if value is None else str(value)
