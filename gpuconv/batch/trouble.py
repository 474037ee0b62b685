"""Errors of the file system told apart: those that pass, those that end a batch, and the rest."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import TypeVar

from gpuconv.streaming.retry import patient

__all__ = ["disk_full", "number_of", "patiently"]

Value = TypeVar("Value")

_FULL = frozenset(getattr(errno, name) for name in ("ENOSPC", "EDQUOT") if hasattr(errno, name))


def number_of(error: BaseException) -> int | None:
    """Return the system's number of an error, or of the one that it was made from.

    Examples
    --------
    >>> from gpuconv.errors import ImageFileError
    >>> try:
    ...     raise ImageFileError("cannot write a.png") from OSError(errno.ENOSPC, "full")
    ... except ImageFileError as error:
    ...     number_of(error) == errno.ENOSPC
    True
    """
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, OSError) and reason.errno is not None:
            return reason.errno
        reason = reason.__cause__
    return None


def disk_full(error: BaseException) -> bool:
    """Tell whether a disk or a quota is used up, so that nothing else can be written either.

    Examples
    --------
    >>> disk_full(OSError(errno.ENOSPC, "No space left")), disk_full(MemoryError())
    (True, False)
    """
    return number_of(error) in _FULL


def patiently(work: Callable[[], Value], retries: int, notes: list[str], verb: str) -> Value:
    """Do what may fail for a moment, as on a network drive; note how often it had to be tried.

    Parameters
    ----------
    work
        It leaves nothing behind when it fails.
    retries
        How often it is tried again after an error that may pass.
    notes
        Gets a sentence if that was needed.
    verb
        What it does, for the sentence.

    Raises
    ------
    OSError
        The last error, if no try succeeded.
    """
    pauses: list[float] = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        time.sleep(seconds)
        return False

    value = patient(work, retries, pause)
    if pauses:
        notes.append(f"{verb} at try {len(pauses) + 1}, after errors of the file system")
    return value
