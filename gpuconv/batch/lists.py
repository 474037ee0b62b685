"""Lists of input files, as ``find`` and ``git ls-files`` print them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from gpuconv.errors import ArgumentError

__all__ = ["read_list"]


def read_list(source: str | os.PathLike[str], *, null: bool = False) -> list[str]:
    """Return the names in a list.

    Parameters
    ----------
    source
        Path of a file, or "-" for standard input.
    null
        Names end with NUL bytes (``find -print0``) instead of line breaks.

    Raises
    ------
    ArgumentError
        If the list cannot be read, or holds NUL bytes though `null` is off.
    """
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise ArgumentError(
            f"files_from={os.fspath(source)!r} cannot be read: {error.strerror}"
        ) from None
    if not null and b"\0" in data:
        raise ArgumentError(
            f"files_from={os.fspath(source)!r} holds NUL bytes: say null=True (--null)"
        )
    lines = data.split(b"\0") if null else data.splitlines()
    return [os.fsdecode(line) for line in lines if line]
