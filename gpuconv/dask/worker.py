"""What a worker of a cluster does for a tile: read its halo, filter, write.

All that is needed travels with the task as bytes, which a worker keeps opened: the file that is
read, the filter's plan, the place where the result grows. A tile that is made twice, because a
worker died or was cut off, is written twice with the same pixels.
"""

from __future__ import annotations

import os
import pickle
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gpuconv import backends
from gpuconv.backends.host.threads import share_cores
from gpuconv.io.source import Source
from gpuconv.io.zarr_sink import ZarrWriter
from gpuconv.streaming.parts import Making, Part
from gpuconv.streaming.plan import Tile
from gpuconv.streaming.regions import Block, fill, needed
from gpuconv.streaming.retry import patient, transient

__all__ = ["Outcome", "Recipe", "Seat", "Told", "look", "make_tile", "seat"]

Array = NDArray[Any]
#: A stage, how long before the end of the task it began and ended, and its bytes.
Told: TypeAlias = tuple[str, float, float, int]


@dataclass(frozen=True)
class Recipe:
    """How any tile is made."""

    #: Opens the source.
    again: Callable[[], Source]
    parts: Making
    writer: ZarrWriter
    #: Where filters run.
    device: str
    #: How many times more a read is tried that failed for a reason that may pass.
    retries: int
    #: Tasks that share the cores of a computer.
    sharing: int


@dataclass(frozen=True)
class Seat:
    """A worker: its computer, the tasks that it does at a time, bytes that it may take or 0."""

    host: str
    threads: int
    memory: int


def seat(dask_worker: Any) -> Seat:
    """Return what the worker is that this runs on."""
    limit = dask_worker.memory_manager.memory_limit
    return Seat(socket.gethostname(), max(dask_worker.state.nthreads, 1), int(limit or 0))


@dataclass(frozen=True)
class Outcome:
    """What became of a tile."""

    who: str
    stages: tuple[Told, ...]
    #: Why it could not be read, or not be written; "" where it was made.
    unread: str = ""
    unwritten: str = ""


@lru_cache(maxsize=2)
def _opened(recipe: bytes) -> tuple[Recipe, Source]:
    made: Recipe = pickle.loads(recipe)
    return made, made.again()


def look(recipe: bytes) -> str:
    """Return why a worker cannot do its work; "" if it can."""
    try:
        made, source = _opened(recipe)
        backends.select(None, made.device)
        corner = (0, 1), (0, 1), (0,) * len(source.layout.planes)
        source.read(*corner)
        made.writer.get(*corner)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def make_tile(recipe: bytes, tile: Tile) -> Outcome:
    """Make a tile, and write it.

    Errors that may pass are raised, so that another worker may try; others are told.
    """
    made, source = _opened(recipe)
    share_cores(made.sharing)
    clock, who = _Clock(), f"{socket.gethostname()}:{os.getpid()}"
    try:
        windows = _read(made, source, made.parts.job(tile.rows, tile.columns), tile)
    except OSError as error:
        return Outcome(who, (), unread=_lasting(error))
    clock.stage("read", sum(window.nbytes for window in windows))
    pixels = _filtered(made, tile, windows, clock)
    try:
        made.writer.put(pixels, tile.rows, tile.columns, tile.plane)
    except OSError as error:
        return Outcome(who, (), unwritten=_lasting(error))
    clock.stage("write", pixels.nbytes)
    return Outcome(who, clock.told())


def _lasting(error: OSError) -> str:
    """Return an error in words; raise it if it may pass."""
    if transient(error):
        raise error
    return " ".join(str(error).split())


def _read(made: Recipe, source: Source, job: Part, tile: Tile) -> list[Array]:
    """Return the windows of a tile; what several have in common is read once."""
    high, wide = needed(job.leaves)

    def block(rows: tuple[int, int], columns: tuple[int, int]) -> Block:
        pixels = patient(lambda: source.read(rows, columns, tile.plane), made.retries, _wait)
        return Block(rows, columns, pixels)

    blocks = [block(rows, columns) for rows in high for columns in wide]
    windows = list[Array]()
    for leaf in job.leaves:
        window = np.empty((*leaf.window, *source.layout.picture[2:]), source.dtype)
        fill(window, leaf, blocks)
        windows.append(window)
    return windows


def _wait(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _filtered(made: Recipe, tile: Tile, windows: Sequence[Array], clock: _Clock) -> Array:
    """Return a tile's pixels in host memory."""
    engine = backends.select(None, made.device)
    job = made.parts.job(tile.rows, tile.columns)
    with engine.place(None, made.device):
        there = [engine.asarray(window) for window in windows]
        if engine is not backends.host:
            clock.stage("upload", sum(window.nbytes for window in windows))
        found = made.parts.make(job, tile.rows, tile.columns, there)
        clock.stage("compute", found.nbytes)
        pixels: Array = engine.asnumpy(found)
    if engine is not backends.host:
        clock.stage("download", pixels.nbytes)
    return pixels


class _Clock:
    """Takes note of one stage after another."""

    def __init__(self) -> None:
        self._before = time.perf_counter()
        self._stages = list[Told]()

    def stage(self, name: str, bytes: int) -> None:
        """Say that a stage has ended."""
        now = time.perf_counter()
        self._stages.append((name, self._before, now, bytes))
        self._before = now

    def told(self) -> tuple[Told, ...]:
        """Return the stages; clocks of computers differ, so times are those before now."""
        end = time.perf_counter()
        return tuple((name, end - a, end - b, bytes) for name, a, b, bytes in self._stages)
