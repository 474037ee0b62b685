"""What the last calls leave behind for the next: pieces and filters, their scratch mapped already.

Memory costs time when it is touched for the first time: for four megapixels and 3×3 taps a quarter
as much as the filter itself, for smaller images more.
"""

from __future__ import annotations

import threading
from typing import TypeAlias

from gpuconv.backends.host.filter import Filter, StripFilter
from gpuconv.backends.host.pieces import Piece
from gpuconv.plan import Plan

__all__ = ["Filters", "Idle"]

#: Filters of one thread: by the shape of a piece, and that of a stack of planes.
Filters: TypeAlias = dict[tuple[tuple[int, int], tuple[int, ...]], Filter | StripFilter]
Left: TypeAlias = tuple[tuple[Piece, ...], list[Filters]]

#: Bytes of a piece, about.
_PIECE = 500
#: Bytes of a filter beside its scratch, about: views into that, and calls.
_FILTER = 10_000


class Idle:
    """Pieces and filters by plan. The oldest go when all together have more than `most` bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        #: Bytes of all that is kept, about.
        self.bytes = 0
        # By the identity of the plan: a look takes no longer where there are thousands.
        self._left = dict[int, list[tuple[Plan, Left, int]]]()
        self._lock = threading.Lock()

    def take(self, plan: Plan) -> Left | None:
        """Return what a call of `plan` left behind: nobody else can find it while it is in use."""
        with self._lock:
            return self._pop(id(plan)) if id(plan) in self._left else None

    def give(self, plan: Plan, pieces: tuple[Piece, ...], filters: list[Filters]) -> None:
        """Keep what a call of `plan` no longer needs."""
        size = _PIECE * len(pieces)
        size += sum(_FILTER + f.bytes for each in filters for f in each.values())
        with self._lock:
            # To the end: the first are the oldest.
            alike = self._left.pop(id(plan), [])
            self._left[id(plan)] = [*alike, (plan, (pieces, filters), size)]
            self.bytes += size
            while self.bytes > self._most:
                self._pop(next(iter(self._left)))

    def _pop(self, key: int) -> Left:
        """Return what was left behind last, of calls of one plan; it is kept no longer."""
        alike = self._left[key]
        _, left, size = alike.pop()
        if not alike:
            del self._left[key]
        self.bytes -= size
        return left

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._left.clear()
            self.bytes = 0
