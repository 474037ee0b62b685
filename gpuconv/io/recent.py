"""What was decoded last, kept within a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from numpy.typing import NDArray

__all__ = ["Recent"]

Array = NDArray[Any]


class Recent:
    """Arrays by name, of which the least recently used make room for others.

    Parameters
    ----------
    budget : int
        Bytes that they may take together.

    Examples
    --------
    >>> import numpy as np
    >>> recent = Recent(budget=8)
    >>> for name in "abc":
    ...     recent.put(name, np.zeros(4, np.uint8))
    >>> recent.get("a") is None, recent.get("c") is None
    (True, False)
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._held: OrderedDict[Hashable, Array] = OrderedDict()
        self._used = 0
        self._lock = threading.Lock()

    def get(self, name: Hashable) -> Array | None:
        """Return what is held by that name."""
        with self._lock:
            found = self._held.get(name)
            if found is not None:
                self._held.move_to_end(name)
            return found

    def put(self, name: Hashable, array: Array) -> None:
        """Hold an array, unless it is larger than the budget."""
        with self._lock:
            if name in self._held or array.nbytes > self.budget:
                return
            self._held[name] = array
            self._used += array.nbytes
            while self._used > self.budget:
                _, oldest = self._held.popitem(last=False)
                self._used -= oldest.nbytes

    def clear(self) -> None:
        """Let go of all."""
        with self._lock:
            self._held.clear()
            self._used = 0
