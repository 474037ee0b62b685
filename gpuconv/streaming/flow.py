"""What threads of a stream hand to each other, and how much of it: the only thing they share.

Tiles go from a deck to readers, from those to lanes, from those to writers. Two counts of bytes
bound what is in memory: of pixels read and not yet filtered, of pixels filtered and not yet
written. Whoever would exceed one waits.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from gpuconv.streaming.lane import Lane
from gpuconv.streaming.reading import Order
from gpuconv.window import Run

__all__ = ["Flow", "Made", "Piece", "Ready"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Ready:
    """A tile that was read."""

    order: Order
    windows: list[Array]


@dataclass
class Made:
    """A tile that was filtered, and by whom."""

    order: Order
    pixels: Array
    lane: Lane
    #: Pieces that are yet to be written.
    left: int = 0


@dataclass(frozen=True)
class Piece:
    """A part of a tile that is to be written: of whole chunks."""

    made: Made
    rows: Run
    columns: Run

    @property
    def pixels(self) -> Array:
        """Its pixels."""
        tile = self.made.order.tile
        (top, bottom), (left, right) = self.rows, self.columns
        y, x = tile.rows[0], tile.columns[0]
        return self.made.pixels[top - y : bottom - y, left - x : right - x]


class Flow:
    """Tiles on their way.

    Parameters
    ----------
    deck : iterator of Order
        Tiles in the order in which they are to be read.
    reading, writing : int
        Bytes that may be in memory before the filter or in it, and after it.
    readers, lanes : int
        Threads of each kind, each of which calls :meth:`leave` at its end.
    """

    def __init__(
        self, deck: Iterator[Order], reading: int, writing: int, readers: int, lanes: int
    ) -> None:
        self._deck, self._next = deck, next(deck, None)
        self._most = {"read": reading, "write": writing}
        self._held = {"read": 0, "write": 0}
        self._left = {"read": readers, "compute": lanes}
        self._ready, self._made = deque[Ready](), deque[Piece]()
        self._change = threading.Condition()
        self._stopped = False
        #: What ended the work before its end.
        self.error: BaseException | None = None

    # ------------------------------------------------------------------ readers

    def draw(self) -> Order | None:
        """Return the next tile to read, when there is room for it; None at the end."""
        with self._change:
            self._change.wait_for(lambda: self._ended() or self._room("read", self._next_bytes()))
            if self._ended():
                return None
            order, self._next = self._next, next(self._deck, None)
            if order is not None:
                self._held["read"] += order.bytes
            return order

    def _next_bytes(self) -> int:
        return self._next.bytes if self._next is not None else 0

    def _ended(self) -> bool:
        return self._next is None or self._stopped or self.error is not None

    def put_ready(self, ready: Ready) -> None:
        """Hand a tile to the lanes."""
        with self._change:
            self._ready.append(ready)
            self._change.notify_all()

    # -------------------------------------------------------------------- lanes

    def take_ready(self, wait: bool) -> Ready | None:
        """Return a tile to filter, when there is room for its result; None: there is none.

        Parameters
        ----------
        wait : bool
            Whether to wait for one, until there will be no more.
        """
        with self._change:
            if wait:
                self._change.wait_for(lambda: self._startable() or self._dry())
            if self.error is not None or not self._startable():
                return None
            ready = self._ready.popleft()
            self._held["write"] += ready.order.result
            return ready

    def _startable(self) -> bool:
        return bool(self._ready) and self._room("write", self._ready[0].order.result)

    def _dry(self) -> bool:
        return self.error is not None or not (self._ready or self._left["read"])

    def _room(self, kind: str, bytes: int) -> bool:
        held = self._held[kind]
        return held == 0 or held + bytes <= self._most[kind]

    def put_made(self, made: Made, regions: Sequence[tuple[Run, Run]]) -> None:
        """Hand a tile to the writers, in pieces; its windows are gone."""
        with self._change:
            made.left = len(regions)
            self._made.extend(Piece(made, *region) for region in regions)
            self._change.notify_all()

    def release(self, kind: str, bytes: int) -> None:
        """Tell that memory was let go: of "read" or "write"."""
        with self._change:
            self._held[kind] -= bytes
            self._change.notify_all()

    # ------------------------------------------------------------------ writers

    def take_made(self) -> Piece | None:
        """Return a piece to write; None: there will be no more."""
        with self._change:
            self._change.wait_for(
                lambda: self._made or self.error is not None or not self._left["compute"]
            )
            if self.error is not None or not self._made:
                return None
            return self._made.popleft()

    def written(self, made: Made) -> bool:
        """Tell that a piece of a tile was written; return whether it was the last."""
        with self._change:
            made.left -= 1
            return not made.left

    # --------------------------------------------------------------------- ends

    def leave(self, kind: str) -> None:
        """Tell that a thread, of "read" or "compute", has nothing more to do."""
        with self._change:
            self._left[kind] -= 1
            self._change.notify_all()

    def stop(self) -> None:
        """Start no more tiles; those on their way are finished."""
        with self._change:
            self._stopped = True
            self._change.notify_all()

    @property
    def stopped(self) -> bool:
        """Whether tiles were left in the deck, because of a stop."""
        return self._stopped and self._next is not None

    def pause(self, seconds: float) -> bool:
        """Wait for some seconds; return whether nothing new is to be begun."""
        with self._change:
            return self._change.wait_for(lambda: self._stopped or self.error is not None, seconds)

    def fail(self, error: BaseException) -> None:
        """End everything, because of an error; the first one counts."""
        with self._change:
            self.error = self.error or error
            self._change.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait until something changes, but not longer than some seconds."""
        with self._change:
            self._change.wait(seconds)
