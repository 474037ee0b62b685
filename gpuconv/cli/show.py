"""``gpuconv show``: a kernel as a picture, and what a filter does to an image."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

import gpuconv as gc
from gpuconv import picture
from gpuconv.cli.filter_options import (
    add_chain_options,
    add_filter_flags,
    chain_of,
    filters_of,
    flag_hint,
    flag_of,
    glue,
    name_of,
)
from gpuconv.cli.parser import Parser
from gpuconv.errors import ArgumentError
from gpuconv.filters import Filter, catalog, lookup, written
from gpuconv.io import write_whole

__all__ = ["main"]

_EXAMPLES = """\
examples:
  gpuconv show sobel_x
  gpuconv show gaussian --sigma 2 -o gaussian.png
  gpuconv show --kernel '-1 0 1; -2 0 2; -1 0 1'
  gpuconv show emboss --image photo.jpg -o before_and_after.png
  gpuconv show median --size 5 --image photo.jpg -o before_and_after.png"""

#: A column and a row of at most this many weights are printed.
_LISTED = 9


def main(arguments: Sequence[str]) -> int:
    """Draw a kernel, or what a filter does to an image."""
    arguments = glue(arguments)
    parser = _parser()
    names = _named(arguments)
    add_filter_flags(parser, names)
    options = parser.read(arguments, lambda: flag_hint(names))
    if options.name:
        options.filters = [*(options.filters or []), ("filter", options.name)]
    filters = filters_of(options)
    _check(parser, options, filters)
    parts = [part for each in filters for part in _parts(each, drawn=not options.output)]
    print("\n\n".join(parts))
    if options.image:
        _compare(options)
    elif options.output:
        write_whole(options.output, picture.to_png(filters[0].kernel.weights))
    return 0


def _named(arguments: Sequence[str]) -> list[str]:
    """Return the first filter that `arguments` name, but for a kernel that is one's parameter."""
    parameters = (each for entry in catalog().values() for each in entry.parameters.values())
    flags = {flag_of(each.name) for each in parameters if each.kernel}
    words = (word for flag, word in pairwise(["", *arguments]) if flag not in flags)
    return [name for word in words if (name := name_of(word)) in catalog()][:1]


def _check(parser: Parser, options: argparse.Namespace, filters: Sequence[Filter]) -> None:
    if options.image and not options.output:
        parser.error("--image needs -o FILE, where to draw it")
    if not options.output or options.image:
        return
    if len(filters) > 1:
        parser.error("one picture shows one kernel: name one filter")
    if not filters[0].linear:
        parser.error(f"filter {filters[0].name!r} has no kernel to draw: add --image FILE")
    if not options.output.lower().endswith(".png"):
        parser.error(f"--output {options.output} must end in .png")


def _parser() -> Parser:
    parser = Parser(
        "gpuconv show",
        "Draw the kernel of a filter, red for positive weights, blue for negative ones, and say\n"
        "what it is made of. Of a filter that is no convolution, draw what it does to an image.",
        _EXAMPLES,
    )
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="a filter, also as NAME:key=value,key=value"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write a picture, a PNG of the kernel"
    )
    parser.add_argument(
        "--image", metavar="FILE", help="draw this image before and after the filter, side by side"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show where a bug happened")
    add_chain_options(parser)
    return parser


def _parts(shown: Filter, drawn: bool) -> list[str]:
    if shown.linear:
        return [_drawing(shown.kernel), _facts(shown)] if drawn else [_facts(shown)]
    kernels = [each.kernel for _, each in shown.parameters or () if isinstance(each, Filter)]
    return [*(_drawing(kernel) for kernel in kernels if drawn), _choices(shown)]


def _drawing(kernel: gc.Kernel) -> str:
    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
    return picture.to_text(kernel.numerators, color=color, width=width)


def _choices(shown: Filter) -> str:
    """Return what is to be said of a filter without a kernel: what it does, and its parameters."""
    facts = {
        "filter": shown.name,
        "does": lookup(shown.name).summary,
        "kernel": "none: it is no convolution",
        **{key: _told(value) for key, value in shown.parameters or ()},
    }
    wide = max(map(len, facts))
    return "\n".join(f"{key:<{wide}} {value}" for key, value in facts.items())


def _told(value: object) -> str:
    return value.argument if isinstance(value, Filter) else written(value)


def _facts(shown: Filter) -> str:
    kernel = shown.kernel
    (rows, columns), (y, x) = kernel.shape, kernel.anchor
    total, most = kernel.weights.sum(), np.abs(kernel.weights).sum()
    facts = {
        "filter": shown.spec if shown.parameters is not None else shown.name,
        "shape": f"{rows}×{columns} (rows×columns), anchor {y},{x}",
        "weights": "integers" if kernel.integer else "complex" if kernel.complex else "real",
        "divisor": f"{kernel.divisor:.10g}",
        "sum": f"{total:.4g}" if abs(total) > 1e-12 * most else "0",
        "rank": _form(kernel, kernel.rank()),
    }
    return "\n".join(f"{key:<8} {value}" for key, value in facts.items())


def _form(kernel: gc.Kernel, rank: int) -> str:
    """Say how the kernel is a sum of separable terms, a column times a row each."""
    if len(kernel.terms) != 1 or max(kernel.shape) > _LISTED:
        return f"{rank} (separable: a column times a row)" if rank == 1 else str(rank)
    column, row = (np.array2string(part, precision=4) for part in kernel.terms[0])
    return f"1 (separable: column {column} times row {row})"


def _compare(options: argparse.Namespace) -> None:
    """Write an image before and after the filters, side by side."""
    if os.path.exists(options.output) and os.path.samefile(options.image, options.output):
        raise ArgumentError(f"--output {options.output} is the image itself")
    before = gc.read_image(options.image)
    after = before.map(chain_of(options))
    both = np.concatenate([before.pixels, after.pixels], axis=1)
    gc.write_image(options.output, replace(before, pixels=both))
