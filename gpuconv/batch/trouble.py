"""Trying again what failed for a moment, and telling of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from gpuconv.streaming.retry import patient

__all__ = ["patiently"]

Value = TypeVar("Value")


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
