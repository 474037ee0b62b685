"""Readers of a stream: from a tile to the windows that it is made from.

Strips as wide as the image overlap: a strip needs some rows above it that the one before had read,
and rows below it that the next will need. Each row of the source's chunks is read once, by the
strip that needs it first; what the next needs of it is handed on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.io.source import Plane, Source
from gpuconv.streaming.parts import Part
from gpuconv.streaming.plan import StreamPlan, Tile
from gpuconv.streaming.regions import Block, fill, merged, needed, split, stacked
from gpuconv.streaming.retry import patient
from gpuconv.window import Run

__all__ = ["Handed", "Order", "Reader", "orders"]

Array = NDArray[Any]


@dataclass
class Handed:
    """Rows that one tile's reader hands on to the next's."""

    rows: Run
    _pixels: Array | None = None
    _there: threading.Event = field(default_factory=threading.Event)

    def give(self, pixels: Array | None) -> None:
        """Hand them on; None: they are not to be had."""
        self._pixels = pixels
        self._there.set()

    def take(self) -> Array | None:
        """Wait for them, and let go of them: the order that names them lives on."""
        self._there.wait()
        pixels, self._pixels = self._pixels, None
        return pixels


@dataclass(frozen=True)
class Order:
    """A tile that is to be read."""

    tile: Tile
    job: Part
    #: Bytes of its windows, and of its result.
    bytes: int
    result: int
    above: Handed | None = None
    below: Handed | None = None


def orders(plan: StreamPlan, tiles: Iterable[Tile]) -> Iterator[Order]:
    """Yield what is to be read for each of some tiles, which come in the plan's order."""
    ready = ((tile, plan.job(tile)) for tile in tiles)
    above = None
    for (tile, job), following in pairwise(_ended(ready)):
        below = _shared(plan, tile, job, *following) if following else None
        yield Order(tile, job, plan.window_bytes(job), plan.tile_bytes(tile), above, below)
        above = below


def _ended(items: Iterator[tuple[Tile, Part]]) -> Iterator[Any]:
    yield from items
    yield None


def _shared(
    plan: StreamPlan, tile: Tile, job: Part, following: Tile, next_job: Part
) -> Handed | None:
    """Return the rows that a strip reads and the next one needs as well, if there are any."""
    if not plan.grid.strips or following.number != tile.number + 1:
        return None
    if following.plane != tile.plane:
        return None
    (here, _), (there, _) = needed(job.leaves), needed(next_job.leaves)
    first, last = _around(here, tile.rows[1] - 1), _around(there, following.rows[0])
    # To the end of the source's chunk row: it is decoded as a whole.
    chunk = plan.source.chunks[0]
    stop = min(-(-first[1] // chunk) * chunk, last[1])
    start = max(first[0], last[0])
    return Handed((start, stop)) if start < stop else None


def _around(runs: tuple[Run, ...], row: int) -> Run:
    """Return the run that has a row, or none of it."""
    return next((run for run in runs if run[0] <= row < run[1]), (row, row))


class Reader:
    """What reads the windows of tiles, from any number of threads.

    Parameters
    ----------
    source : Source
    plan : StreamPlan
    room : callable
        Makes room for pixels of a shape and a dtype.
    retries : int
        How many times more a read is tried that failed for a reason that may pass.
    fill : number or None
        What stands for pixels that cannot be read; None: that is an error.
    """

    def __init__(
        self,
        source: Source,
        plan: StreamPlan,
        room: Callable[[tuple[int, ...], Any], Array],
        retries: int,
        fill: float | None = None,
    ) -> None:
        self._source, self._plan, self._room = source, plan, room
        self._retries, self.fill = retries, fill
        #: Waits for some seconds; returns whether to give up.
        self.pause: Callable[[float], bool] = threading.Event().wait
        self._hands = ThreadPoolExecutor(plan.workers.hands, "read")
        #: Chunks that could not be read and were filled, with the reasons.
        self.filled = dict[tuple[Plane, Run, Run], str]()

    def close(self) -> None:
        """Let go of the threads."""
        self._hands.shutdown()

    def windows(self, order: Order) -> tuple[list[Array], int]:
        """Return the windows of a tile, and the bytes that were read.

        Raises
        ------
        OSError
            Something cannot be read.
        """
        try:
            blocks, read = self._blocks(order)
        except BaseException:
            if order.below:
                order.below.give(None)
            raise
        return [self._window(leaf, blocks) for leaf in order.job.leaves], read

    def _window(self, leaf: Any, blocks: list[Block]) -> Array:
        source = self._plan.source
        window = self._room((*leaf.window, *source.picture[2:]), source.dtype)
        fill(window, leaf, blocks)
        return window

    def _blocks(self, order: Order) -> tuple[list[Block], int]:
        """Return the pixels that a tile needs; hand those on that the next needs too."""
        high, wide = needed(order.job.leaves)
        above, below = order.above, order.below
        if below:
            high = merged((*high, below.rows))
        pixels = None
        if above:
            new = self._read_all(order, [(rows, wide[0]) for rows in _without(high, above.rows)])
            pixels = above.take()
        if above and pixels is not None:
            blocks = [Block(above.rows, wide[0], pixels), *new]
        else:
            new = blocks = self._read_all(order, [(rows, run) for rows in high for run in wide])
        if below:
            below.give(stacked(blocks, below.rows, self._plan.source.size[1]))
        return blocks, sum(block.pixels.nbytes for block in new)

    def _read_all(self, order: Order, regions: list[tuple[Run, Run]]) -> list[Block]:
        """Return the pixels of regions, read in pieces by several threads."""
        chunks, hands = self._plan.source.chunks, self._plan.workers.hands
        pieces = [piece for region in regions for piece in split(*region, chunks, hands)]

        def block(piece: tuple[Run, Run]) -> Block:
            return self._block(order.tile.plane, *piece)

        return list(self._hands.map(block, pieces))

    def _block(self, plane: Plane, rows: Run, columns: Run) -> Block:
        try:
            pixels = self._read(rows, columns, plane)
        except OSError:
            if self.fill is None:
                raise
            pixels = self._salvaged(rows, columns, plane)
        return Block(rows, columns, pixels)

    def _read(self, rows: Run, columns: Run, plane: Plane) -> Array:
        def call() -> Array:
            return self._source.read(rows, columns, plane)

        return patient(call, self._retries, self.pause)

    def _salvaged(self, rows: Run, columns: Run, plane: Plane) -> Array:
        """Return the pixels of a region, chunk by chunk; filled where one cannot be read."""
        layout = self._plan.source
        (down, across), (height, width) = layout.chunks, layout.size
        shape = (rows[1] - rows[0], columns[1] - columns[0], *layout.picture[2:])
        pixels = np.full(shape, self.fill, layout.dtype)
        for high in _pieces(rows, down):
            for wide in _pieces(columns, across):
                y, x = (slice(a[0] - b[0], a[1] - b[0]) for a, b in ((high, rows), (wide, columns)))
                try:
                    pixels[y, x] = self._read(high, wide, plane)
                except OSError as error:
                    chunk = _chunk(high[0], down, height), _chunk(wide[0], across, width)
                    self.filled[plane, *chunk] = str(error)
        return pixels


def _pieces(run: Run, step: int) -> Iterator[Run]:
    """Yield the parts of a run between multiples of a step."""
    start = run[0]
    while start < run[1]:
        stop = min((start // step + 1) * step, run[1])
        yield start, stop
        start = stop


def _chunk(pixel: int, step: int, n: int) -> Run:
    """Return the chunk that has a pixel, of an axis of `n`."""
    first = pixel // step * step
    return first, min(first + step, n)


def _without(runs: tuple[Run, ...], there: Run) -> Iterator[Run]:
    """Yield what of runs is not in another run.

    Examples
    --------
    >>> list(_without(((0, 2), (10, 30)), (5, 14)))
    [(0, 2), (14, 30)]
    """
    for start, stop in runs:
        yield from (
            (a, b) for a, b in ((start, min(stop, there[0])), (max(start, there[1]), stop)) if a < b
        )
