"""What is printed goes nowhere, and no work is lost, where nobody listens any more."""

from __future__ import annotations

import os
import sys
from typing import TextIO

__all__ = ["complete", "emit", "mute", "plain"]


def complete() -> None:
    """Give the process the streams that it was started without, as by ``>&-``."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 — for as long as it runs


def mute(stream: TextIO) -> None:
    """Send what is yet to come nowhere: Python too writes to its streams while it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def plain(line: str) -> str:
    r"""Return a line that does nothing to a terminal: file names may hold any character.

    Examples
    --------
    >>> print(plain("two\nlines, \x1b[31mred σ"))
    two\nlines, \x1b[31mred σ
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def emit(text: str, stream: TextIO) -> None:
    """Write `text` at once; a reader that went away, such as head, stops the text, not the work."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        mute(stream)
