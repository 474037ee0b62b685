"""Options that ``gpuconv batch`` and ``gpuconv run`` have in common."""

from __future__ import annotations

import argparse
from typing import Any

from gpuconv.cli.parser import Parser

__all__ = ["add_treatment", "from_0"]


def add_treatment(parser: Parser) -> Any:
    """Add what is done to colour beside the filters; return the group, for more."""
    group = parser.add_argument_group("how to treat images")
    group.add_argument("--grey", "--gray", action="store_true", help="turn colour to grey first")
    group.add_argument(
        "--linear", action="store_true", help="filter linear light, not encoded sRGB values"
    )
    group.add_argument(
        "--alpha",
        default="premultiply",
        choices=("premultiply", "straight"),
        help="weight colour by opacity (default), or filter all channels alike",
    )
    return group


def from_0(text: str) -> int:
    """Return an integer from 0 on.

    Examples
    --------
    >>> from_0("3")
    3
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} must be an integer from 0")
    return int(text)
