"""The part of a command line that says what to do to the pixels: filters, kernels, border."""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from gpuconv.cli.parser import Parser
from gpuconv.errors import ArgumentError
from gpuconv.filters import (
    KERNEL_SUFFIXES,
    NEGATIVE,
    Chain,
    Filter,
    KernelValue,
    Parameter,
    Rows,
    anchor_of,
    kernel_of,
    lookup,
    written,
)

__all__ = [
    "add_chain_options",
    "add_filter_flags",
    "add_filters",
    "add_kernel_options",
    "border_of",
    "chain_of",
    "filters_of",
    "flag_hint",
    "flag_of",
    "glue",
    "help_of",
    "metavar_of",
    "name_of",
    "named",
]

#: Parameters of a filter are kept apart from the options of the command.
_PREFIX = "filter."


def glue(arguments: Sequence[str]) -> list[str]:
    """Return `arguments` with the matrix joined to ``--kernel``, as it may begin with a minus.

    Examples
    --------
    >>> glue(["--kernel", "-1,0,1", "-o", "out"])
    ['--kernel=-1,0,1', '-o', 'out']
    """
    glued: list[str] = []
    for argument in arguments:
        if glued and glued[-1] == "--kernel":
            glued[-1] += f"={argument}"
        else:
            glued.append(argument)
    return glued


class _Append(argparse.Action):
    """Collects filters and kernels in the order in which they are given."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        kind = str(option_string).lstrip("-")
        namespace.filters = [*(namespace.filters or []), (kind, values)]


def add_kernel_options(parser: Parser) -> None:
    """Add what describes a kernel of one's own."""
    group = parser.add_argument_group("a kernel of your own")
    group.add_argument(
        "--kernel",
        action=_Append,
        dest="filters",
        metavar="MATRIX",
        help="rows of numbers, such as '0 -1 0; -1 5 -1; 0 -1 0' or '1/4 1/2 1/4', or a file "
        f"({', '.join(KERNEL_SUFFIXES)}); may be repeated",
    )
    group.add_argument("--normalize", action="store_true", help="divide kernels by their sum")
    group.add_argument(
        "--anchor",
        type=_anchor,
        metavar="Y,X",
        help="the weight that lies over the output pixel, from 0,0 (default: the middle)",
    )
    group.add_argument(
        "--correlate",
        action="store_true",
        help="apply kernels as written, not turned by 180° as convolution does",
    )


def add_filters(parser: Parser) -> None:
    """Add the filters, what lies outside the image, and where to compute."""
    group = parser.add_argument_group("filters")
    group.add_argument(
        "--filter",
        action=_Append,
        dest="filters",
        metavar="NAME",
        help="a filter ('gpuconv filters' lists them) with its parameters as flags, or, where "
        "several are chained, each as NAME:key=value,key=value",
    )
    group.add_argument(
        "--border",
        metavar="MODE",
        help="what lies outside the image: reflect (default of most filters), mirror, nearest, "
        "wrap, constant; or two, MODE,MODE, along y and along x; estimate (default of those that "
        "undo a blur, and only theirs)",
    )
    group.add_argument(
        "--cval",
        type=float,
        default=0.0,
        metavar="VALUE",
        help="the pixel value outside, for --border constant (default: 0)",
    )
    group.add_argument(
        "--device", default="auto", metavar="NAME", help="auto (default), cpu, or cuda:N"
    )
    add_kernel_options(parser)


def add_chain_options(parser: Parser) -> None:
    """Add the filters and what holds for all of them."""
    add_filters(parser)
    group = parser.add_argument_group("results")
    group.add_argument(
        "--negative",
        default="clip",
        choices=NEGATIVE,
        help="negative results, of edge filters say: "
        + "; ".join(f"{name}: {text}" for name, text in NEGATIVE.items())
        + " (default: clip)",
    )
    group.add_argument(
        "--gain",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="multiply results, before they are rounded (default: 1)",
    )


def _anchor(text: str) -> tuple[int, int]:
    try:
        return anchor_of(text)
    except ArgumentError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def named(arguments: Sequence[str]) -> list[str]:
    """Return the filters that `arguments` name; which flags there are depends on them.

    Examples
    --------
    >>> named(["in/", "--filter", "gaussian:sigma=2", "--filter=box", "--filter", "disk(radius=3)"])
    ['gaussian', 'box', 'disk']
    """
    specs = [
        value if flag == "--filter" else flag.partition("=")[2]
        for flag, value in pairwise([*arguments, "-"])
        if (flag == "--filter" and not value.startswith("-")) or flag.startswith("--filter=")
    ]
    return [name_of(spec) for spec in specs]


def name_of(spec: str) -> str:
    """Return the name in a filter's spec."""
    return re.split("[:(]", spec, maxsplit=1)[0].strip()


def add_filter_flags(parser: Parser, names: Sequence[str]) -> None:
    """Add the parameters of the filter as flags, where exactly one is named.

    A parameter called like an option of the command can only be given as ``name:key=value``; but
    where a rank filter has an anchor, ``--anchor`` is that one, not that of kernels.
    """
    entries = [lookup(name) for name in names]
    if len(entries) != 1 or not entries[0].parameters:
        return
    if "anchor" in entries[0].parameters:
        parser.conflict_handler = "resolve"
        parser.set_defaults(anchor=None)
    group = parser.add_argument_group(f"parameters of {entries[0].name}", entries[0].summary)
    for parameter in entries[0].parameters.values():
        with contextlib.suppress(argparse.ArgumentError):
            group.add_argument(
                flag_of(parameter.name),
                dest=_PREFIX + parameter.name,
                metavar=metavar_of(parameter),
                help=help_of(parameter).replace("%", "%%"),
            )


def flag_of(name: str) -> str:
    """Return the flag of a parameter."""
    return "--" + name.replace("_", "-")


def metavar_of(parameter: Parameter) -> str:
    """Return what stands for the value of `parameter` in a help text."""
    parts = [*map(str, parameter.choices)]
    parts += [_METAVARS[kind] for kind in parameter.types if kind in _METAVARS]
    return "|".join(parts) or "TEXT"


_METAVARS: dict[object, str] = {
    int: "N",
    float: "X",
    bool: "yes|no",
    tuple[int, int]: "NxN",
    tuple[float, float]: "XxX",
    Rows: "ROWS",
    KernelValue: "KERNEL",
}


def help_of(parameter: Parameter) -> str:
    """Return the help of `parameter`, with its default."""
    text = parameter.help
    if parameter.kernel:
        text = f"{text} Written as {parameter.kind.removesuffix(' or none')}.".lstrip()
    if parameter.required:
        return f"{text} (required)".lstrip()
    if parameter.default is None:
        return text
    return f"{text} (default: {written(parameter.default)})".lstrip()


def flag_hint(names: Sequence[str]) -> str:
    """Return advice for flags that no option takes."""
    if len(names) > 1:
        return "; with several filters, write each as NAME:key=value,key=value"
    if not names:
        return ""
    flags = ", ".join(map(flag_of, lookup(names[0]).parameters))
    return f"; filter {names[0]!r} has {'the parameters ' + flags if flags else 'no parameters'}"


def filters_of(options: argparse.Namespace) -> tuple[Filter, ...]:
    """Return the filters and kernels that were given, in their order.

    Raises
    ------
    ArgumentError
        There is none, or one of them is not allowed.
    """
    given = options.filters or []
    if not given:
        raise ArgumentError("no filter given: add --filter NAME or --kernel MATRIX")
    shaping = [flag for flag in ("anchor", "normalize", "correlate") if getattr(options, flag)]
    if shaping and not any(kind == "kernel" for kind, _ in given):
        raise ArgumentError(f"--{shaping[0]} is for --kernel, which is not given")
    return tuple(
        _kernel(text, options) if kind == "kernel" else Filter.parse(text, **_flags(options))
        for kind, text in given
    )


def _flags(options: argparse.Namespace) -> dict[str, str]:
    return {
        key.removeprefix(_PREFIX): value
        for key, value in vars(options).items()
        if key.startswith(_PREFIX) and value is not None
    }


def _kernel(text: str, options: argparse.Namespace) -> Filter:
    path = Path(text)
    return Filter.of_kernel(
        kernel_of(text),
        name=path.stem if path.suffix.lower() in KERNEL_SUFFIXES else "kernel",
        anchor=options.anchor,
        normalize=options.normalize,
        correlate=options.correlate,
    )


def chain_of(options: argparse.Namespace) -> Chain:
    """Return the chain that the options describe."""
    return Chain(
        filters_of(options),
        border=border_of(options),  # type: ignore[arg-type]  # counted where it is checked
        cval=options.cval,
        negative=options.negative,
        gain=options.gain,
        device=options.device,
    )


def border_of(options: argparse.Namespace) -> str | tuple[str, ...] | None:
    """Return the border mode, or those along y and along x; None if none is asked for."""
    if options.border is None:
        return None
    border = options.border.split(",")
    return border[0] if len(border) == 1 else tuple(border)
