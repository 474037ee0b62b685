"""The options of ``gpuconv batch``."""

from __future__ import annotations

import argparse

from gpuconv.batch import DEFAULT_TEMPLATE, FIELDS, BatchOptions
from gpuconv.cli.filter_options import add_chain_options
from gpuconv.cli.parser import Parser
from gpuconv.cli.shared_options import add_treatment, from_0

__all__ = ["batch_parser"]

_OPTIONS = BatchOptions()
#: Beyond it a small file that claims to be a huge image could fill the memory.
_LIMIT = _OPTIONS.max_pixels

_USAGE = "gpuconv batch INPUT… -o DIR --filter NAME [options]"

_DESCRIPTION = """\
Filter image files and write the results below a folder, in the format and tree of the inputs.
Files that exist are left alone, so the same command goes on where an earlier one stopped; with
--exists update it also does again what was made otherwise, or from an image that has changed."""

_EXAMPLES = """\
examples:
  gpuconv batch scans/ -r -o out/ --filter gaussian --sigma 2
  gpuconv batch '*.tif' -o out/ --filter sobel_x --name '{stem}_{filter}.png'
  gpuconv batch photos/ -o out/ --filter gaussian:sigma=2 --filter sharpen
  gpuconv batch scans/ -o out/ --filter median --size 5
  gpuconv batch photos/ -o out/ --filter bilateral --diameter 9 --sigma-color 25
  gpuconv batch blurred/ -o out/ --filter wiener --psf 'motion_blur(length=15)' --noise 0.01
  gpuconv batch photos/ -o out/ --kernel '0 -1 0; -1 5 -1; 0 -1 0'
  gpuconv batch scans/ -r -o out/ --filter box --size 9 --dry-run
  gpuconv batch scans/ -r -o out/ --filter box --size 9 --exists update --memory 2G
  gpuconv batch photos/ -o out/ --filter gaussian --sigma 2 --device cuda:0,cuda:1
  find . -name '*.png' -print0 | gpuconv batch --files-from - --null -o out/ --filter outline

'gpuconv batch --filter NAME --help' shows the parameters of a filter.

exit codes: 0 all done, 1 some files failed, 2 the command line is wrong, 3 no file matched,
4 the device is not available, 5 the disk is full, 130 interrupted"""


def batch_parser() -> Parser:
    """Return the parser, without the parameters of filters."""
    parser = Parser("gpuconv batch", _DESCRIPTION, _EXAMPLES, usage=_USAGE)
    _add_inputs(parser)
    _add_outputs(parser)
    add_chain_options(parser)
    _add_images(parser)
    _add_run(parser)
    return parser


def _add_inputs(parser: Parser) -> None:
    group = parser.add_argument_group("what to read")
    group.add_argument(
        "inputs", nargs="*", metavar="INPUT", help="files, folders, or patterns in quotes"
    )
    group.add_argument("-r", "--recursive", action="store_true", help="enter subfolders")
    group.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="PATTERN",
        help="take only files that match, such as '*.tif'; may be repeated",
    )
    group.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="PATTERN",
        help="leave out files and folders that match; may be repeated",
    )
    group.add_argument(
        "--files-from", metavar="FILE", help="read names of inputs from a file, or from - (stdin)"
    )
    group.add_argument(
        "--null", action="store_true", help="those names end with NUL bytes, as of find -print0"
    )


def _add_outputs(parser: Parser) -> None:
    group = parser.add_argument_group("what to write")
    group.add_argument("-o", "--output", metavar="DIR", help="folder of the results")
    group.add_argument(
        "--name",
        metavar="TEMPLATE",
        help=f"path below DIR (default: {DEFAULT_TEMPLATE}); fields: {', '.join(FIELDS)}",
    )
    group.add_argument("--in-place", action="store_true", help="replace the inputs")
    group.add_argument(
        "--exists",
        default="skip",
        choices=("skip", "update", "error", "overwrite"),
        help="what to do where a result exists (default: skip); update makes anew what is out of "
        "date",
    )
    group.add_argument(
        "--keep-metadata",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="carry over EXIF, colour profile and resolution (default: yes)",
    )
    group.add_argument("-n", "--dry-run", action="store_true", help="only say what would be done")
    group.add_argument("--summary", metavar="FILE", help="write what became of each file as JSON")
    group.add_argument("--json", action="store_true", help="print the summary as JSON on stdout")


def _add_images(parser: Parser) -> None:
    group = add_treatment(parser)
    group.add_argument(
        "--frames",
        default="all",
        choices=("all", "first"),
        help="of animations and multi-page files (default: all)",
    )
    group.add_argument(
        "--orient",
        default="apply",
        choices=("apply", "keep"),
        help="turn photographs upright as EXIF says (default), or keep pixels as stored",
    )
    group.add_argument(
        "--max-pixels",
        type=_pixels,
        default=_LIMIT,
        metavar="N",
        help="largest image to read, such as 500M, or none for no limit "
        f"(default: {(_LIMIT or 0) // 10**6}M)",
    )
    group.add_argument(
        "--salvage", action="store_true", help="take from a truncated image what can be read"
    )


def _add_run(parser: Parser) -> None:
    group = parser.add_argument_group("how to run")
    group.add_argument(
        "-j",
        "--jobs",
        type=_count,
        metavar="N",
        help="files at a time (default: one per processor); others are read and written meanwhile",
    )
    group.add_argument(
        "--memory",
        metavar="BYTES",
        help="what the process may take, such as 512M (default: half of what is free); TIFF files "
        "that need more are filtered in parts",
    )
    group.add_argument(
        "--retries",
        type=from_0,
        default=_OPTIONS.retries,
        metavar="N",
        help="how often to read or write a file again after an error that may pass, as network "
        f"drives have them (default: {_OPTIONS.retries})",
    )
    group.add_argument("--fail-fast", action="store_true", help="stop after the first failure")
    group.add_argument("--max-errors", type=_count, metavar="N", help="stop after N failures")
    group.add_argument(
        "--timeout", type=_seconds, metavar="SECONDS", help="give up files that take longer"
    )
    group.add_argument("-q", "--quiet", action="store_true", help="print nothing but failures")
    group.add_argument("-v", "--verbose", action="store_true", help="print a line for each file")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be an integer from 1")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds above 0")
    return value


def _pixels(text: str) -> int | None:
    """Return a number of pixels: 500000000, 500M, 2G, or none."""
    if text.lower() == "none":
        return None
    unit = {"k": 10**3, "m": 10**6, "g": 10**9}.get(text[-1:].lower(), 1)
    try:
        value = round(float(text if unit == 1 else text[:-1]) * unit)
    except (ValueError, OverflowError):
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number such as 500M, or none")
    return value
