"""What files at work share: processors, memory, and whether there is a point in going on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from gpuconv.streaming.memory import BASELINE

__all__ = ["Budget", "Crew", "HaltedError", "Share", "Stop"]

#: Of a memory that is hardly more than the process itself takes, files get one part in so many.
_LEAST_SHARE = 4


class Stop(Protocol):
    """What asks a run to stop: a `threading.Event`, say."""

    def is_set(self) -> bool:
        """Tell whether no more files are to be started."""
        ...


class HaltedError(Exception):
    """A file was not started, as the batch comes to an end."""


class Share:
    """The part of a budget that one file holds."""

    def __init__(self, budget: Budget, bytes: int) -> None:
        self._budget = budget
        self.bytes = bytes

    def grow(self, bytes: int) -> None:
        """Hold `bytes` where that is more, without waiting: they are in memory already."""
        self._budget._change(max(0, bytes - self.bytes))
        self.bytes = max(bytes, self.bytes)


class Budget:
    """Bytes of memory for all files at work. Safe to use from several threads.

    Examples
    --------
    >>> budget = Budget(100)
    >>> with budget.hold(60) as share:
    ...     share.grow(80)
    ...     budget.used
    80
    >>> budget.used
    0
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0
        self._line = deque[object]()
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, bytes: int) -> Iterator[Share]:
        """Hold `bytes` for as long as the context lasts; wait until there are so many.

        First come, first served, so that a large image is not passed by for ever. One that needs
        more than there is waits until it is alone.
        """
        share = Share(self, bytes)
        turn = object()
        with self._changed:
            self._line.append(turn)
            self._changed.wait_for(lambda: self._line[0] is turn and self._fits(bytes))
            self._line.popleft()
            self.used += bytes
            self._changed.notify_all()
        try:
            yield share
        finally:
            self._change(-share.bytes)

    def _fits(self, bytes: int) -> bool:
        return self.used == 0 or self.used + bytes <= self.most

    def _change(self, bytes: int) -> None:
        with self._changed:
            self.used += bytes
            self._changed.notify_all()


class Crew:
    """The workers of a batch: so many are busy at a time, and all stop together.

    Parameters
    ----------
    workers
        How many may be busy with decoding, filtering and encoding.
    memory
        Bytes that the process may take.
    stop
        Asks from outside to stop.
    """

    def __init__(self, workers: int, memory: int, stop: Stop) -> None:
        #: What the process may take, and what of that is left for files.
        self.memory = memory
        self.budget = Budget(max(memory - BASELINE, memory // _LEAST_SHARE))
        #: Why no more files are started; empty while they are, and where it is `stop`'s wish.
        self.reason = ""
        self._stop = stop
        self._places = threading.Semaphore(workers)

    def is_set(self) -> bool:
        """Tell whether no more files are to be started: a :class:`Stop` like that from outside."""
        return bool(self.reason) or self._stop.is_set()

    def halt(self, reason: str) -> None:
        """Let no more files be started."""
        self.reason = self.reason or reason

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Be one of the workers that are busy.

        Raises
        ------
        HaltedError
            The batch came to an end while this one waited for its turn.
        """
        with self._places:
            if self.is_set():
                raise HaltedError
            yield

    @contextmanager
    def away(self) -> Iterator[None]:
        """Leave one's place to another worker while a device, or a process, does the work."""
        self._places.release()
        try:
            yield
        finally:
            self._places.acquire()
