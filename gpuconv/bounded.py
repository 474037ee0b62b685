"""A cache that is bounded in bytes and shared by threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Bounded"]

Value = TypeVar("Value")


class Bounded(Generic[Value]):
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
        self.most = most
        self.bytes = 0
        self._kept: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._lock = threading.Lock()

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
            self._kept.clear()
            self.bytes = 0
