"""The options of ``gpuconv run``."""

from __future__ import annotations

import argparse
import re
from typing import Any

import numpy as np

from gpuconv.cli.filter_options import add_chain_options
from gpuconv.cli.parser import Parser
from gpuconv.cli.shared_options import add_treatment, from_0

__all__ = ["run_parser"]

_USAGE = "gpuconv run INPUT OUTPUT --filter NAME [options]"

_DESCRIPTION = """\
Filter an image that need not fit into memory, tile by tile: TIFF and BigTIFF, Zarr and OME-Zarr,
.npy, raw numbers, and what Pillow reads. The result is that of the whole image, to the bit.
A run that was stopped goes on where it was when the same command is given again."""

_EXAMPLES = """\
examples:
  gpuconv run slide.tif blurred.tif --filter gaussian --sigma 8
  gpuconv run slide.tif blurred.tif --filter gaussian:sigma=2 --filter median:size=5 --memory 512M
  gpuconv run stack.ome.tif edges.zarr --filter sobel --compression zstd --pyramid
  gpuconv run scan.raw calm.tif --shape 40000x60000 --dtype '<u2' --filter median --size 3
  gpuconv run slide.tif blurred.tif --filter box --size 31 --device cuda:0,cuda:1
  gpuconv run slide.tif blurred.tif --filter gaussian --sigma 8 --profile run.json
  gpuconv run in.zarr out.zarr --filter gaussian --sigma 4 --dask tcp://host:8786

'gpuconv run --filter NAME --help' shows the parameters of a filter.

exit codes: 0 done, 1 some of it failed, 2 the command line is wrong, 4 the device is not
available, 5 the disk is full, 130 interrupted"""


def run_parser() -> Parser:
    """Return the parser, without the parameters of filters."""
    parser = Parser("gpuconv run", _DESCRIPTION, _EXAMPLES, usage=_USAGE)
    _add_input(parser)
    _add_output(parser)
    add_chain_options(parser)
    add_treatment(parser)
    _add_run(parser)
    return parser


def _add_input(parser: Parser) -> None:
    group = parser.add_argument_group("what to read")
    group.add_argument("input", nargs="?", metavar="INPUT", help="an image, or a Zarr store")
    group.add_argument(
        "--page",
        type=from_0,
        metavar="N",
        help="which picture of a file with several, from 0 (default: all, if they are of one size)",
    )
    group.add_argument(
        "--level",
        type=from_0,
        default=0,
        metavar="N",
        help="which picture of a pyramid (default: 0, the full one)",
    )
    group.add_argument(
        "--missing",
        default="error",
        choices=("error", "fill"),
        help="what to do about chunks that a file should have and has not: an error (default), or "
        "the value that it names for them",
    )
    group.add_argument(
        "--salvage",
        action="store_true",
        help="put --cval where the input cannot be read, and say so, instead of failing",
    )
    group.add_argument("--shape", type=_sizes, metavar="HxW", help="of raw numbers: rows × columns")
    group.add_argument(
        "--dtype", type=_dtype, metavar="NAME", help="of raw numbers, such as uint8 or '<f4'"
    )


def _add_output(parser: Parser) -> None:
    group = parser.add_argument_group("what to write")
    group.add_argument("output", nargs="?", metavar="OUTPUT", help="its suffix says the format")
    group.add_argument(
        "--compression",
        metavar="NAME",
        help="of TIFF and Zarr: none, deflate, zstd, lzw, … (default: what is usual there)",
    )
    group.add_argument(
        "--pyramid", action="store_true", help="add smaller copies, for viewers (TIFF, Zarr)"
    )
    group.add_argument(
        "--exists",
        default="error",
        choices=("error", "overwrite", "skip"),
        help="what to do where the result exists (default: error)",
    )
    group.add_argument(
        "--restart", action="store_true", help="do not go on with what a stopped run has left"
    )
    group.add_argument("-n", "--dry-run", action="store_true", help="only say how it would be done")
    group.add_argument("--json", action="store_true", help="print what became of it as JSON")
    group.add_argument(
        "--profile",
        metavar="FILE",
        help="write a timeline for https://ui.perfetto.dev to FILE.json, and a picture of it",
    )


def _add_run(parser: Parser) -> None:
    # A stream runs on several devices, where a filter alone runs on one.
    parser.conflict_handler = "resolve"
    group = parser.add_argument_group("how to run")
    parser.conflict_handler = "error"
    group.add_argument(
        "--device",
        action=_Devices,
        dest="devices",
        metavar="NAME",
        help="auto (default), cpu, cuda, or cuda:N; of several, as cuda:0,cuda:1, each takes tiles",
    )
    group.add_argument(
        "--memory",
        metavar="BYTES",
        help="what the process may take, such as 512M (default: a half of what is free)",
    )
    group.add_argument(
        "--gpu-memory", metavar="BYTES", help="the same of each GPU (default: most of what is free)"
    )
    group.add_argument(
        "--tile",
        type=_tile,
        metavar="N|HxW",
        help="rows × columns that are done at a time (default: what suits memory and file)",
    )
    group.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="run on a cluster: the address of Dask's scheduler, such as tcp://host:8786, or "
        "'local' for one on this machine",
    )
    group.add_argument("-q", "--quiet", action="store_true", help="print nothing but failures")
    group.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="say how it is done, too, and where a bug happened",
    )
    parser.set_defaults(device=None)


class _Devices(argparse.Action):
    """Collects devices: the option may be repeated, and may list several."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        names = [name.strip() for name in str(values).split(",")]
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or []), *names])


def _dtype(text: str) -> np.dtype[Any]:
    try:
        return np.dtype(text)
    except TypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is no dtype; write it as uint16") from None


def _sizes(text: str) -> tuple[int, ...]:
    sizes = re.split("[x×,]", text)
    if len(sizes) < 2 or not all(size.isdecimal() and int(size) for size in sizes):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape; write it as 1080x1920")
    return tuple(map(int, sizes))


def _tile(text: str) -> int | tuple[int, ...]:
    if text.isdecimal() and int(text):
        return int(text)
    sizes = re.split("[x×,]", text)
    if len(sizes) != 2 or not all(size.isdecimal() and int(size) for size in sizes):
        raise argparse.ArgumentTypeError(f"{text!r} is no tile; write it as 1024 or 512x2048")
    return tuple(map(int, sizes))
