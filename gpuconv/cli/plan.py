"""``gpuconv plan``: what would be run for an image, how long it takes, and why nothing else."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from gpuconv.algorithms import METHODS
from gpuconv.cli.filter_options import (
    add_filter_flags,
    add_filters,
    border_of,
    filters_of,
    flag_hint,
    glue,
    named,
)
from gpuconv.cli.parser import Parser
from gpuconv.cli.streams import plain
from gpuconv.filters import Filter
from gpuconv.request import ACCURACIES

__all__ = ["main"]

_EXAMPLES = """\
examples:
  gpuconv plan --shape 4096x4096 --dtype uint8 --filter gaussian --sigma 3
  gpuconv plan --shape 1080x1920x3 --filter box --size 15 --device cuda
  gpuconv plan --shape 1080x1920x3 --filter median --size 5
  gpuconv plan --shape 512x512 --kernel '-1 0 1; -2 0 2; -1 0 1' --method dense"""

#: Channels of an image whose shape ends in one of these: grey with alpha, colour, and both.
_CHANNELS = (2, 3, 4)


def main(arguments: Sequence[str]) -> int:
    """Explain the plans of filters, one after the other."""
    arguments = glue(arguments)
    parser = _parser()
    names = named(arguments)
    add_filter_flags(parser, names)
    options = parser.read(arguments, lambda: flag_hint(names))
    if options.shape is None:
        parser.error("--shape is needed, such as --shape 1080x1920")
    print("\n\n".join(_explained(each, options) for each in filters_of(options)))
    return 0


def _parser() -> Parser:
    parser = Parser(
        "gpuconv plan",
        "Print how a filter would be run on an image of a shape and dtype, how long that is\n"
        "expected to take, and why no other way was chosen. Nothing is filtered.",
        _EXAMPLES,
    )
    group = parser.add_argument_group("the image")
    group.add_argument(
        "--shape",
        type=_shape,
        metavar="HxW",
        help="rows × columns, as 1080x1920; in colour 1080x1920x3",
    )
    group.add_argument(
        "--dtype", default="uint8", metavar="NAME", help="of the pixels (default: uint8)"
    )
    group.add_argument("--out-dtype", metavar="NAME", help="of the results (default: the same)")
    add_filters(parser)
    group = parser.add_argument_group("how")
    group.add_argument(
        "--method",
        default="auto",
        metavar="NAME",
        help=f"algorithm, of a convolution {', '.join(METHODS)}; others are told of where a filter "
        "has none of the name (default: auto)",
    )
    group.add_argument(
        "--accuracy",
        default="exact",
        metavar="NAME",
        help=f"how near results of a convolution must be to the definition, "
        f"{' or '.join(ACCURACIES)} (default: exact)",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show where a bug happened")
    return parser


def _shape(text: str) -> tuple[int, ...]:
    sizes = re.split("[x×,]", text)
    if len(sizes) not in (2, 3) or not all(size.isdecimal() and int(size) for size in sizes):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape; write it as 1080x1920")
    shape = tuple(map(int, sizes))
    if len(shape) == 3 and shape[-1] not in _CHANNELS:
        raise argparse.ArgumentTypeError(f"{text!r} ends in {shape[-1]} channels; allowed are 2…4")
    return shape


def _explained(shown: Filter, options: argparse.Namespace) -> str:
    plans = shown.plans(
        options.shape,
        options.dtype,
        border=border_of(options),
        cval=options.cval,
        channel_axis=-1 if len(options.shape) == 3 else None,
        out_dtype=options.out_dtype,
        device=options.device,
        method=options.method,
        accuracy=options.accuracy,
    )
    name = shown.spec if shown.parameters is not None else shown.name
    return "\n\n".join([f"{plain(name)}\n{plans[0].explain()}", *(p.explain() for p in plans[1:])])
