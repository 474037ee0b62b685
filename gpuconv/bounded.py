"""A cache that is bounded in bytes and shared by threads."""

from __future__ import annotations

import sys
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakSet

__all__ = ["Bounded", "Shared"]

Value = TypeVar("Value")


class Shared(ABC):
    """What is shared by threads, one at a time, and can be used in a process that was forked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        _ALL.add(self)

    @abstractmethod
    def clear(self) -> None:
        """Forget everything."""

    def _forked(self) -> None:
        # Not `locked`, which does not know yet of a thread that has just got it.
        if self._lock.acquire(blocking=False):
            self._lock.release()
            return
        # The thread that holds it is not in this process, and what it did is half done.
        self._lock = threading.Lock()
        self.clear()


_ALL: WeakSet[Shared] = WeakSet()


def _forked() -> None:
    for each in _ALL:
        each._forked()


if sys.platform != "win32":
    import os

    os.register_at_fork(after_in_child=_forked)


class Bounded(Shared, Generic[Value]):
    """Values by key; the least recently used go when all together have more than `most` bytes.

    A value larger than that is made and returned, and not kept.

    Examples
    --------
    >>> squares = Bounded[int](most=2)
    >>> [squares.get(n, lambda: n * n, bytes=1) for n in (1, 2, 3)]
    [1, 4, 9]
    >>> len(squares), squares.bytes
    (2, 2)
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.bytes = 0
        self._kept: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def known(self, key: Hashable) -> Value | None:
        """Return the value of `key`, if it is kept."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def get(self, key: Hashable, make: Callable[[], Value], bytes: int) -> Value:
        """Return the value of `key`, made now if there is none; it counts as `bytes`.

        Two threads that miss at once both make it, and the first to be done is kept.
        """
        found = self.known(key)
        if found is not None:
            return found
        value = make()
        with self._lock:
            try:
                return self._stored(key, value, bytes)
            except BaseException:  # an interrupt between what is kept and what is counted
                self._forget()
                raise

    def _stored(self, key: Hashable, value: Value, bytes: int) -> Value:
        if key in self._kept:
            return self._kept[key][0]
        if bytes <= self.most:
            self._kept[key] = value, bytes
            self.bytes += bytes
        while self.bytes > self.most:
            _, (_, size) = self._kept.popitem(last=False)
            self.bytes -= size
        return value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self._kept.clear()
        self.bytes = 0
