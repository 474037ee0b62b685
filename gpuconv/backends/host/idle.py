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


class Idle:
    """Pieces and filters by plan. The oldest go when all together have more than `most` bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = list[tuple[Plan, Left, int]]()
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """Bytes of all that is kept, about."""
        return sum(size for _, _, size in self._left)

    def take(self, plan: Plan) -> Left | None:
        """Return what a call of `plan` left behind: nobody else can find it while it is in use."""
        with self._lock:
            for i in range(len(self._left) - 1, -1, -1):
                if self._left[i][0] is plan:
                    return self._left.pop(i)[1]
        return None

    def give(self, plan: Plan, pieces: tuple[Piece, ...], filters: list[Filters]) -> None:
        """Keep what a call of `plan` no longer needs."""
        size = _PIECE * len(pieces) + sum(f.bytes for each in filters for f in each.values())
        with self._lock:
            self._left.append((plan, (pieces, filters), size))
            while self.bytes > self._most:
                self._left.pop(0)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._left.clear()
