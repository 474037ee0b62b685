"""What the last calls leave behind for the next: pieces and filters, their scratch mapped already.

Memory costs time when it is touched for the first time: for four megapixels and 3×3 taps a quarter
as much as the filter itself, for smaller images more.
"""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

from gpuconv.backends.host.filter import Filter, StripFilter
from gpuconv.backends.host.ordered import OrderedFilter
from gpuconv.backends.host.pieces import Piece
from gpuconv.backends.host.sifted import SiftedFilter
from gpuconv.bounded import Shared
from gpuconv.plan import Plan

__all__ = ["AnyFilter", "Filters", "Idle", "Leftovers", "left_by_one"]

Owner = TypeVar("Owner")
Thing = TypeVar("Thing")

#: What filters pieces of one shape.
AnyFilter: TypeAlias = Filter | StripFilter | OrderedFilter | SiftedFilter
#: Filters of one thread: by the shape of a piece, and that of a stack of planes.
Filters: TypeAlias = dict[tuple[tuple[int, int], tuple[int, ...]], AnyFilter]
Left: TypeAlias = tuple[tuple[Piece, ...], list[Filters]]

#: Bytes of a piece, about.
_PIECE = 500
#: Bytes of a filter beside its scratch, about: views into that, and calls.
_FILTER = 10_000


def left_by_one(threads: list[Thing]) -> Thing | None:
    """Take what one thread left behind, if others have not taken all of it already."""
    try:
        return threads.pop()
    except IndexError:
        return None


class Leftovers(Shared, Generic[Owner, Thing]):
    """What calls of one owner leave behind. The oldest go when there is more than `most` bytes."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        #: Bytes of all that is kept, about.
        self.bytes = 0
        # By the identity of the owner: a look takes no longer where there are thousands.
        self._left = dict[int, list[tuple[Owner, Thing, int]]]()

    def take(self, owner: Owner) -> Thing | None:
        """Return what a call of `owner` left behind: nobody else finds it while it is in use."""
        with self._lock:
            try:
                return self._pop(id(owner)) if id(owner) in self._left else None
            except BaseException:
                self._forget()
                raise

    def leave(self, owner: Owner, thing: Thing, size: int) -> None:
        """Keep what a call of `owner` no longer needs; it counts as `size` bytes."""
        with self._lock:
            try:
                # To the end: the first are the oldest.
                alike = self._left.pop(id(owner), [])
                self._left[id(owner)] = [*alike, (owner, thing, size)]
                self.bytes += size
                while self.bytes > self._most:
                    self._pop(next(iter(self._left)))
            except BaseException:
                self._forget()
                raise

    def _pop(self, key: int) -> Thing:
        """Return what was left behind last, of calls of one owner; it is kept no longer."""
        alike = self._left[key]
        _, left, size = alike.pop()
        if not alike:
            del self._left[key]
        self.bytes -= size
        return left

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        """Forget everything: also where an interrupt left behind what does not add up."""
        self._left.clear()
        self.bytes = 0


class Idle(Leftovers[Plan, Left]):
    """Pieces and filters by plan."""

    def give(self, plan: Plan, pieces: tuple[Piece, ...], filters: list[Filters]) -> None:
        """Keep what a call of `plan` no longer needs."""
        size = _PIECE * len(pieces)
        for each in filters:  # a generator would take longer than all else that is done here
            for one in each.values():
                size += _FILTER + one.bytes
        self.leave(plan, (pieces, filters), size)
