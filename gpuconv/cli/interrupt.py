"""Ctrl-C, twice: the first lets what is at work be finished, the second ends at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any

__all__ = ["EXIT_INTERRUPTED", "Interrupt", "deaf"]

#: 128 + SIGINT, as shells report it.
EXIT_INTERRUPTED = 130

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def deaf() -> Iterator[None]:
    """Let processes that are started in the context hear no Ctrl-C: it is for this one.

    Examples
    --------
    >>> with deaf():
    ...     signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    True
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Interrupt:
    """A flag that SIGINT or SIGTERM sets while the context is entered.

    Parameters
    ----------
    say : callable
        Is given a line for the user.
    clean : callable
        Called before a second signal ends the process without waiting for anybody.
    work : str
        What is at work.
    """

    def __init__(
        self, say: Callable[[str], None], clean: Callable[[], None], work: str = "files"
    ) -> None:
        self._say = say
        self._work = work
        self._clean = clean
        self._set = False
        self._before: dict[signal.Signals, Any] = {}

    def is_set(self) -> bool:
        """Tell whether the work is to stop."""
        return self._set

    def __enter__(self) -> Interrupt:
        # Only the main thread may do this; elsewhere the owner of the process sees to signals.
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._set:
            self._clean()
            os._exit(EXIT_INTERRUPTED)
        self._set = True
        # A stream that was at work when the signal came refuses; the flag is what counts.
        with suppress(RuntimeError):
            self._say(
                f"stopping: {self._work} at work are finished first (once more: stop at once)"
            )
