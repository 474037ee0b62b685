"""The threads of a stream: readers, a thread for each device, writers.

They work at the same time because what takes long (reading and writing files, compression, NumPy,
a GPU) lets go of Python's interpreter lock.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

from gpuconv.io.sink import Sink
from gpuconv.streaming.flow import Flow, Made, Ready
from gpuconv.streaming.lane import Lane, Span, Ticket
from gpuconv.streaming.plan import StreamPlan, Tile
from gpuconv.streaming.reading import Order, Reader, orders
from gpuconv.streaming.record import Event, Record
from gpuconv.streaming.regions import split

__all__ = ["Pipeline"]


@dataclass
class Pipeline:
    """A stream at work.

    Parameters
    ----------
    plan : StreamPlan
    tiles : iterable of Tile
        Those that are to be made, in the plan's order.
    reader : Reader
    lanes : sequence of Lane
    sink : Sink
    record : Record
        Is filled.
    """

    plan: StreamPlan
    tiles: Iterable[Tile]
    reader: Reader
    lanes: Sequence[Lane]
    sink: Sink
    record: Record
    #: Tiles that could not be read, with the reasons.
    lost: list[tuple[Tile, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        plan, crew = self.plan, self.plan.workers
        deck = orders(plan, self.tiles)
        lanes = len(self.lanes)
        self.flow = Flow(deck, plan.reading, plan.writing, crew.readers, lanes)

    def run(self, watch: Callable[[], None], every: float = 0.05) -> None:
        """Make all tiles; return when none is on its way any more.

        Parameters
        ----------
        watch : callable
            Called in this thread now and then; it may stop the flow.
        every : float
            Seconds between its calls.

        Raises
        ------
        BaseException
            What ended the work; nothing is on its way then either.
        """
        threads = self._threads()
        for thread in threads:
            thread.start()
        interrupted: BaseException | None = None
        looked = perf_counter()
        while any(thread.is_alive() for thread in threads):
            try:
                self.flow.wait(every)
                if perf_counter() - looked >= every:
                    watch()
                    looked = perf_counter()
            except BaseException as error:  # Ctrl-C: what is on its way is finished first
                again = interrupted is not None
                interrupted = error
                self.flow.fail(error) if again else self.flow.stop()
        for thread in threads:
            thread.join()
        if interrupted or self.flow.error:
            raise interrupted or self.flow.error  # type: ignore[misc]
        watch()

    def _threads(self) -> list[threading.Thread]:
        crew = self.plan.workers
        works: list[Callable[[], None]] = [
            *(partial(self._read, f"reader {i}") for i in range(crew.readers)),
            *(partial(self._filter, lane) for lane in self.lanes),
            *(partial(self._write, f"writer {i}") for i in range(crew.hands)),
        ]
        # Of the caller's context: it may say how many threads a call takes.
        return [
            threading.Thread(target=copy_context().run, args=(self._guarded, work), daemon=True)
            for work in works
        ]

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self.flow.fail(error)

    # ------------------------------------------------------------------ readers

    def _read(self, worker: str) -> None:
        try:
            while (order := self.flow.draw()) is not None:
                self._read_one(order, worker)
        finally:
            self.flow.leave("read")

    def _read_one(self, order: Order, worker: str) -> None:
        tile = order.tile
        start = perf_counter()
        try:
            windows, read = self.reader.windows(order)
        except OSError as error:
            self.lost.append((tile, str(error)))
            self.flow.release("read", order.bytes)
            return
        stop = perf_counter()
        self.record.add(Event("read", tile.number, start, stop, read, tile.pixels, worker))
        self.flow.put_ready(Ready(order, windows))

    # -------------------------------------------------------------------- lanes

    def _filter(self, lane: Lane) -> None:
        at_work = deque[tuple[Ready, Ticket]]()
        try:
            while self.flow.error is None:
                ready = None
                if len(at_work) < lane.depth:
                    ready = self.flow.take_ready(wait=not at_work)
                if ready is not None:
                    at_work.append((ready, self._started(lane, ready)))
                elif at_work:
                    self._collect(lane, *at_work.popleft())
                else:
                    return
        finally:
            self.flow.leave("compute")

    def _started(self, lane: Lane, ready: Ready) -> Ticket:
        tile, job = ready.order.tile, ready.order.job

        def make(windows: Sequence[Any]) -> Any:
            return self.plan.parts.make(job, tile.rows, tile.columns, windows)

        return lane.start(make, ready.windows)

    def _collect(self, lane: Lane, ready: Ready, ticket: Ticket) -> None:
        pixels, spans = ticket.result()
        order = ready.order
        self._note(lane, order, spans)
        for window in ready.windows:
            self.lanes[0].give_back(window)
        ready.windows.clear()
        self.flow.release("read", order.bytes)
        tile, chunks = order.tile, self.sink.layout.chunks
        pieces = split(tile.rows, tile.columns, chunks, self.plan.workers.hands)
        self.flow.put_made(Made(order, pixels, lane), pieces)

    def _note(self, lane: Lane, order: Order, spans: Iterable[Span]) -> None:
        tile = order.tile
        for stage, start, stop in spans:
            size = order.bytes if stage == "upload" else order.result
            event = Event(stage, tile.number, start, stop, size, tile.pixels, lane.name)
            self.record.add(event)

    # ------------------------------------------------------------------ writers

    def _write(self, worker: str) -> None:
        while self._write_one(worker):
            pass

    def _write_one(self, worker: str) -> bool:
        """Write a piece; return whether there was one."""
        # Whoever waits for the next piece must not hold the pixels of the last.
        piece = self.flow.take_made()
        if piece is None:
            return False
        made, pixels, tile = piece.made, piece.pixels, piece.made.order.tile
        count = pixels.shape[0] * pixels.shape[1]
        with self.record.stage("write", tile.number, pixels.nbytes, count, worker):
            self.sink.write(pixels, piece.rows, piece.columns, tile.plane)
        if self.flow.written(made):
            made.lane.give_back(made.pixels)
            self.flow.release("write", made.order.result)
        return True
