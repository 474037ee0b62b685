"""The kernel library as a table: what the command line knows of a filter, it reads from the filter.

Each function of :mod:`gpuconv.kernels` appears by itself: its signature gives the parameters, their
types and defaults, its docstring the summary and the help. Nothing here names a filter.
"""

from __future__ import annotations

import inspect
import re
import textwrap
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from gpuconv.errors import ArgumentError, choose

if TYPE_CHECKING:
    from gpuconv.kernel import Kernel

__all__ = ["REQUIRED", "Entry", "Parameter", "catalog", "entry_of", "lookup", "written"]

#: The default of a parameter that has none.
REQUIRED: Any = inspect.Parameter.empty

_NOUNS: dict[object, str] = {int: "integer", float: "number", bool: "yes or no", str: "text"}
_TRUTH = {"yes": True, "true": True, "on": True, "1": True}
_TRUTH |= {"no": False, "false": False, "off": False, "0": False}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a filter.

    Attributes
    ----------
    name : str
    types : tuple
        What a value may be, tried in this order: int, float, bool, str, ``type(None)``.
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
        """Return the value written as `text`.

        Raises
        ------
        ArgumentError
            It is none of the allowed values.
        """
        for choice in self.choices:
            if text == str(choice):
                return choice
        for reader in self.types:
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
    return reader(text)


@dataclass(frozen=True)
class Entry:
    """One filter of the library.

    Attributes
    ----------
    name, summary : str
    details : str
        What the docstring says beyond the summary: formula, source.
    parameters : dict of str to Parameter
    function : callable
        Makes the kernel.
    """

    name: str
    summary: str
    details: str
    parameters: Mapping[str, Parameter]
    function: Callable[..., Kernel]

    @property
    def usage(self) -> str:
        """The filter with its parameters, as it is written in a chain."""
        return (
            self.name
            + ":" * bool(self.parameters)
            + ",".join(
                f"{p.name}={'…' if p.required else written(p.default)}"
                for p in self.parameters.values()
            )
        )

    def parameter(self, name: str) -> Parameter:
        """Return the parameter `name`; raise with what is allowed if there is none."""
        if not self.parameters:
            raise ArgumentError(f"filter {self.name!r} has no parameters, not {name!r}")
        choose("parameter", name, self.parameters, f"a parameter of filter {self.name!r}")
        return self.parameters[name]

    def complete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return all parameters, `given` ones (strings are read) before defaults.

        Raises
        ------
        ArgumentError
            A parameter is unknown, missing, or a string that cannot be read.
        """
        values = {name: self.parameter(name).accept(value) for name, value in given.items()}
        missing = [p.name for p in self.parameters.values() if p.required and p.name not in values]
        if missing:
            raise ArgumentError(
                f"filter {self.name!r} needs {' and '.join(missing)}: "
                f"{self.name}:{','.join(f'{name}=…' for name in missing)}"
            )
        return {p.name: values.get(p.name, p.default) for p in self.parameters.values()}


def written(value: Any) -> str:
    """Return `value` as :meth:`Parameter.read` takes it.

    Examples
    --------
    >>> written(None), written(True), written(2.0)
    ('none', 'yes', '2.0')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _members(annotation: Any) -> list[Any]:
    """Return the alternatives of an annotation."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [m for part in typing.get_args(annotation) for m in _members(part)]
    return [annotation]


def _plain(text: str) -> str:
    """Return reStructuredText as it reads in a terminal."""
    text = re.sub(r":\w+:`~?(?:gpuconv\.kernels\.)?([^`]+)`", r"\1", text)
    text = re.sub(r"\*(\w+)\*", r"\1", text.replace("::\n", ":\n"))
    return text.replace("`", "")


def _sections(doc: str) -> dict[str, str]:
    """Return the sections of a numpydoc docstring by title; the beginning has the title ""."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", doc, flags=re.M)
    return {"": parts[0].strip(), **dict(zip(parts[1::2], parts[2::2], strict=True))}


def _helps(section: str) -> dict[str, str]:
    """Return the help of each parameter of a numpydoc "Parameters" section."""
    found = re.findall(r"^(\S[^:\n]*?) *(?::.*)?\n((?:[ \t]+.*\n?|\n)*)", section, flags=re.M)
    return {
        name.strip(): _plain(" ".join(body.split()))
        for names, body in found
        for name in names.split(",")
    }


def _parameter(given: inspect.Parameter, annotation: Any, text: str) -> Parameter:
    members = _members(annotation)
    literals = [m for m in members if typing.get_origin(m) is Literal]
    return Parameter(
        name=given.name,
        types=tuple(m for m in members if m not in literals),
        choices=tuple(choice for m in literals for choice in typing.get_args(m)),
        default=given.default,
        help=text,
    )


def entry_of(function: Callable[..., Kernel]) -> Entry:
    """Return what signature and docstring of `function` say.

    Examples
    --------
    >>> def box(size: int = 3) -> Kernel:
    ...     '''Mean of a square.
    ...
    ...     Parameters
    ...     ----------
    ...     size : int, pixels
    ...         Its side.
    ...     '''
    >>> box.__annotations__["return"] = object
    >>> entry_of(box).summary, entry_of(box).usage, entry_of(box).parameters["size"].help
    ('Mean of a square.', 'box:size=3', 'Its side.')
    """
    sections = _sections(inspect.getdoc(function) or "")
    summary, _, rest = sections[""].partition("\n\n")
    helps = _helps(sections.get("Parameters", ""))
    hints = typing.get_type_hints(function)
    source = "Source: " * ("References" in sections) + sections.get("References", "").strip()
    chapters = [rest, sections.get("Notes", ""), source]
    return Entry(
        name=function.__name__,
        summary=_plain(" ".join(summary.split())),
        details="\n\n".join(_plain(textwrap.dedent(c).strip()) for c in chapters if c.strip()),
        parameters={
            name: _parameter(given, hints.get(name, str), helps.get(name, ""))
            for name, given in inspect.signature(function).parameters.items()
        },
        function=function,
    )


@cache
def catalog() -> Mapping[str, Entry]:
    """Return every filter of the library by name, sorted."""
    from gpuconv import kernels

    return {name: entry_of(getattr(kernels, name)) for name in sorted(kernels.__all__)}


def lookup(name: str) -> Entry:
    """Return the filter `name`; raise with a suggestion if the library has none of that name.

    Raises
    ------
    ArgumentError
        There is no such filter.
    """
    return catalog()[choose("filter", name, catalog(), "a filter of the library")]
