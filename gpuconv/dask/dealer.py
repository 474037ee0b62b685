"""Tiles dealt to a cluster, and the account of those that are done."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Any

from gpuconv.dask.library import cluster_library
from gpuconv.dask.worker import Outcome, make_tile
from gpuconv.io.sink import JournaledSink
from gpuconv.streaming.plan import StreamPlan, Tile
from gpuconv.streaming.record import Event, Record
from gpuconv.streaming.summary import Gap, StreamError, StreamSummary
from gpuconv.streaming.work import Stop

__all__ = ["Dealer"]

#: Tiles that are out for each thread of the cluster: one at work, one that waits there.
_OUT = 2
#: Seconds between looks at how many threads there are, and at who wants to stop.
_THREADS_EVERY, _LOOK_EVERY = 2.0, 0.1
#: Seconds that tiles at work are waited for when something has gone wrong: they write.
_PATIENCE = 60


class Dealer:
    """Deals the tiles of a plan to a cluster.

    Parameters
    ----------
    cluster : distributed.Client
    recipe : bytes
        A :class:`~gpuconv.dask.worker.Recipe`, pickled.
    plan : StreamPlan
    sink : JournaledSink
        Where workers write; here it takes note of what they have written.
    retries : int
        How many times more a tile is tried that failed.
    """

    def __init__(
        self, cluster: Any, recipe: bytes, plan: StreamPlan, sink: JournaledSink, retries: int
    ) -> None:
        self._cluster, self._recipe, self._plan = cluster, recipe, plan
        self._sink, self._retries = sink, retries
        self.record = Record(pixels=plan.pixels, tiles=plan.count)
        self._left = list[Tile]()
        self._lost = list[tuple[Tile, str]]()
        self._unwritten = ""
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        #: The tiles that are out, by the keys of their tasks.
        self._out = dict[str, tuple[Any, Tile]]()
        self._threads, self._counted = 1, float("-inf")
        for tile in plan.tiles():
            if sink.has(tile.rows, tile.columns, tile.plane):
                self.record.pixels_before += tile.pixels
                self.record.tiles_before += 1
            else:
                self._left.append(tile)
        self._left.reverse()

    def carried_out(
        self, progress: Callable[[Record], None] | None, stop: Stop | None
    ) -> StreamSummary:
        """Do it; see :func:`gpuconv.dask.run`."""
        stop = stop or threading.Event()
        with self._settled():
            while self._left or self._out:
                if stop.is_set() and not self._at_work():
                    self._out.clear()  # nobody is there to finish them
                if stop.is_set() and not self._out:
                    return self._summary("stopped")
                if not stop.is_set():
                    self._deal()
                self._take()
                if progress:
                    progress(self.record)
        if self._unwritten:
            raise self._error(self._unwritten)
        if self._lost:
            gaps, count = self._summary("partial").gaps, self.record.tiles
            raise self._error(
                f"{len(gaps)} of {count} tiles were not made, the first at {gaps[0]}; "
                f"{count - len(gaps)} others are done"
            )
        try:
            self._sink.finish()
        except OSError as error:
            raise self._error(str(error)) from error
        return self._summary("done")

    def _error(self, reason: str) -> StreamError:
        going_on = f"nothing was put at {self._sink.path}; the same call goes on with what is done"
        return StreamError(f"{reason}. {going_on}", self._summary("partial"))

    @contextmanager
    def _settled(self) -> Iterator[None]:
        """Leave no task behind that may write, whatever happens."""
        try:
            yield
        finally:
            # A task that is cancelled goes on writing where it is at work: the few are waited for.
            futures = [future for future, _ in self._out.values()]
            with suppress(TimeoutError, CancelledError):
                cluster_library().wait(futures, timeout=_PATIENCE)

    def _deal(self) -> None:
        """Hand out tiles, so that all threads have one and another one waits."""
        most = _OUT * max(self._at_work(), 1)
        while self._left and len(self._out) < most:
            tile = self._left.pop()
            future = self._cluster.submit(
                make_tile, self._recipe, tile, pure=False, retries=self._retries
            )
            self._out[future.key] = future, tile
            future.add_done_callback(self._ended.put)

    def _at_work(self) -> int:
        """Return how many threads the cluster has, or had a moment ago."""
        now = perf_counter()
        if now - self._counted > _THREADS_EVERY:
            self._threads, self._counted = sum(self._cluster.nthreads().values()), now
        return self._threads

    def _take(self) -> None:
        """Take note of a tile that is done; wait for one, but not for long."""
        try:
            future = self._ended.get(timeout=_LOOK_EVERY)
        except queue.Empty:
            return
        _, tile = self._out[future.key]
        distributed = cluster_library()
        try:
            self._note(tile, future.result())
        except CancelledError as error:
            # Nobody cancels them here: dask does where it can no longer tell what becomes of them.
            raise self._error(f"the cluster is lost: {' '.join(str(error).split())}") from error
        except (OSError, distributed.scheduler.KilledWorker) as error:
            self._lost.append((tile, " ".join(str(error).split())))
        del self._out[future.key]

    def _note(self, tile: Tile, outcome: Outcome) -> None:
        """Take note of what became of a tile. Where one cannot be written, no other can be."""
        if outcome.unread:
            self._lost.append((tile, outcome.unread))
        elif outcome.unwritten:
            self._unwritten = outcome.unwritten
            self._left.clear()
        else:
            self._sink.note(tile.rows, tile.columns, tile.plane)
        now = perf_counter()
        for stage, start, stop, bytes in outcome.stages:
            times = now - start, now - stop
            self.record.add(Event(stage, tile.number, *times, bytes, tile.pixels, outcome.who))

    def _summary(self, status: str) -> StreamSummary:
        gaps = (Gap(tile.plane, tile.rows, tile.columns, why) for tile, why in self._lost)
        return StreamSummary(
            status,
            self._sink.path,
            self._plan,
            self.record,
            perf_counter() - self.record.started,
            tuple(sorted(gaps, key=lambda gap: (gap.plane, gap.rows))),
            (),
            tuple(self._sink.warnings),
        )
