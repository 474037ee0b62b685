"""The libraries of filters as a table: what the command line knows of a filter, it reads there.

Each function of :mod:`gpuconv.kernels`, and each of :mod:`gpuconv.operations` that is among its
``FILTERS``, appears by itself: its signature gives the parameters, their types and defaults, its
docstring the summary and the help. Nothing here names a filter.
"""

from __future__ import annotations

import inspect
import re
import textwrap
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from gpuconv.errors import ArgumentError, choose
from gpuconv.filters.parameter import KernelValue, Parameter, Rows, of_annotation, written

__all__ = ["Entry", "catalog", "entry_of", "lookup"]

#: Parameters of operations that are the chain's to choose, or nobody's: nothing says what a
#: direction would be as a picture, and pixels of files are not within −1 … 1, where clip has them.
_SHARED = frozenset(
    {"image", "border", "cval", "channel_axis", "dtype", "out", "device"}
    | {"method", "accuracy", "mask", "callback", "output", "initial", "clip"}
)
#: What names in annotations stand for here.
_MEANT = {"ArrayLike": Rows, "KernelLike": KernelValue}


@dataclass(frozen=True)
class Entry:
    """One filter of the library.

    Attributes
    ----------
    name, summary : str
    details : str
        What the docstring says beyond the summary: formula, source.
    parameters : dict of str to Parameter
        What is to be chosen of it.
    function : callable
        Makes the kernel; or filters an image, of an operation.
    shared : dict of str to object
        The parameters of an operation that a chain chooses, for all its filters alike, with their
        defaults; empty of a kernel.
    """

    name: str
    summary: str
    details: str
    parameters: Mapping[str, Parameter]
    function: Callable[..., Any]
    shared: Mapping[str, Any] = field(default_factory=dict)

    @property
    def operation(self) -> bool:
        """Whether it filters an image itself, not by a kernel that it makes."""
        return "image" in self.shared

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


def _plain(text: str) -> str:
    """Return reStructuredText as it reads in a terminal."""
    text = re.sub(r":\w+:`~?(?:gpuconv\.(?:kernels\.)?)?([^`]+)`", r"\1", text)
    text = re.sub(r"\*(\w+)\*", r"\1", text.replace("::\n", ":\n"))
    return re.sub(r"(\[\d+\])_", r"\1", text.replace("`", ""))


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


def entry_of(function: Callable[..., Any]) -> Entry:
    """Return what signature and docstring of `function` say.

    Examples
    --------
    >>> def box(size: int = 3) -> object:
    ...     '''Mean of a square.
    ...
    ...     Parameters
    ...     ----------
    ...     size : int, pixels
    ...         Its side.
    ...     '''
    >>> entry_of(box).summary, entry_of(box).usage, entry_of(box).parameters["size"].help
    ('Mean of a square.', 'box:size=3', 'Its side.')
    """
    sections = _sections(inspect.getdoc(function) or "")
    summary, _, rest = sections[""].partition("\n\n")
    helps = _helps(sections.get("Parameters", ""))
    hints = typing.get_type_hints(function, localns=_MEANT)
    found = re.sub(r"^\.\. (\[\d+\])", r"\1", sections.get("References", ""), flags=re.M)
    source = "Source: " * ("References" in sections) + " ".join(found.split())
    given = inspect.signature(function).parameters
    shared = _SHARED & given.keys() if "image" in given else ()
    chapters = [rest, sections.get("Notes", ""), source]
    return Entry(
        name=function.__name__,
        summary=_plain(" ".join(summary.split())),
        details="\n\n".join(_plain(textwrap.dedent(c).strip()) for c in chapters if c.strip()),
        parameters={
            name: of_annotation(one, hints.get(name, str), helps.get(name, ""))
            for name, one in given.items()
            if name not in shared
        },
        function=function,
        shared={name: given[name].default for name in shared},
    )


@cache
def catalog() -> Mapping[str, Entry]:
    """Return every filter of the libraries by name, sorted.

    Where a kernel and an operation have the same name, they are the same convolution, and the
    kernel is the filter: it can be drawn, and planned with what goes before and after.
    """
    from gpuconv import kernels, operations

    functions = {name: getattr(operations, name) for name in operations.FILTERS}
    functions |= {name: getattr(kernels, name) for name in kernels.__all__}
    return {name: entry_of(functions[name]) for name in sorted(functions)}


def lookup(name: str) -> Entry:
    """Return the filter `name`; raise with a suggestion if the library has none of that name.

    Raises
    ------
    ArgumentError
        There is no such filter.
    """
    return catalog()[choose("filter", name, catalog(), "a filter of the library")]
