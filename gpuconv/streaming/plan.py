"""What a stream is going to do: its tiles, who works on them, and the memory that takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil, prod

import numpy as np

from gpuconv.errors import ArgumentError
from gpuconv.io.source import Layout, Plane
from gpuconv.streaming.demand import Demand, Peaks, Workers, pixel_bytes, window_bytes
from gpuconv.streaming.memory import BASELINE
from gpuconv.streaming.parts import Making, Part
from gpuconv.streaming.tiles import Grid, Work, choose_tile
from gpuconv.streaming.whole import Whole
from gpuconv.window import Run

__all__ = ["StreamPlan", "Tile", "Workers", "make_plan"]


@dataclass(frozen=True)
class Tile:
    """A part of the result."""

    #: In the order in which they are made.
    number: int
    plane: Plane
    rows: Run
    columns: Run

    @property
    def pixels(self) -> int:
        """Rows times columns."""
        return (self.rows[1] - self.rows[0]) * (self.columns[1] - self.columns[0])


@dataclass(frozen=True, eq=False)
class StreamPlan:
    """Which tiles a stream makes in which order, by how many workers, in how much memory.

    Attributes
    ----------
    source, sink : Layout
        What is read, and what is written.
    parts : Making
        What makes a tile.
    grid : Grid
        How a picture is cut.
    workers : Workers
    reading, writing : int
        Bytes of pixels that may wait before the filter or be in it, and after it.
    host_bytes, gpu_bytes : int
        What the process is predicted to take at most, and a device.
    filter : str
        What is done, as :attr:`gpuconv.filters.Chain.spec` says it.
    device : str
        Where.
    """

    source: Layout
    sink: Layout
    parts: Making = field(repr=False)
    grid: Grid
    workers: Workers
    reading: int
    writing: int
    host_bytes: int
    gpu_bytes: int
    filter: str = ""
    device: str = "cpu"

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return self.grid.count * prod(self.sink.planes)

    @property
    def pixels(self) -> int:
        """Pixels of all pictures."""
        return prod(self.sink.planes) * prod(self.sink.size)

    def tiles(self) -> Iterator[Tile]:
        """Yield the tiles, picture by picture and row by row."""
        number = 0
        for plane in np.ndindex(*self.sink.planes):
            for rows, columns in self.grid:
                yield Tile(number, plane, rows, columns)
                number += 1

    def job(self, tile: Tile) -> Part:
        """Return what makes a tile."""
        job: Part = self.parts.job(tile.rows, tile.columns)
        return job

    def window_bytes(self, job: Part) -> int:
        """Return the bytes of what is read for a tile."""
        return window_bytes(self.source, job)

    def tile_bytes(self, tile: Tile) -> int:
        """Return the bytes of a tile's pixels."""
        return tile.pixels * pixel_bytes(self.sink)

    def explain(self) -> str:
        """Return what will be done, in what tiles, with what memory."""
        high, wide = self.grid.tile
        shape = "strips as wide as the image" if self.grid.strips else "tiles"
        workers = self.workers
        rows = [
            ("filter", self.filter),
            ("image", f"{self.source.shape} {self.source.dtype}, chunks of {self.source.chunks}"),
            ("output", f"{self.sink.shape} {self.sink.dtype}, chunks of {self.sink.chunks}"),
            ("tiles", f"{self.count} {shape}, {high} × {wide} pixels"),
            (
                "workers",
                f"{workers.hands} threads that read, {self.device}, and as many that write",
            ),
            ("memory", f"{_mebibytes(self.host_bytes)} at most"),
        ]
        if not workers.host:
            rows.append(("GPU memory", f"{_mebibytes(self.gpu_bytes)} at most"))
        return "\n".join(f"{what:<10}  {said}" for what, said in rows)


def make_plan(
    source: Layout,
    sink: Layout,
    parts: Making,
    workers: Workers,
    memory: int,
    gpu_memory: int | None = None,
    tile: tuple[int, int] | None = None,
    cache: int = 0,
    ending: int = 0,
    filter: str = "",
    device: str = "cpu",
) -> StreamPlan:
    """Return the plan of a stream.

    Parameters
    ----------
    source, sink : Layout
    parts : Making
        What makes parts of the result.
    workers : Workers
    memory, gpu_memory : int
        Bytes that the process may take, and tiles on a device.
    tile : (int, int), optional
        Rows and columns that are wanted; they become whole chunks of the sink.
    cache : int
        Bytes that the source holds for itself, as its `cache_bytes` says.
    ending : int
        Bytes that the sink takes when all tiles are written, as its `finish_bytes` says.
    filter, device : str
        What the plan says of itself.

    Raises
    ------
    ArgumentError
        No tile fits into the memory, or what comes after them does not.

    Examples
    --------
    >>> from gpuconv.filters import Chain
    >>> from gpuconv.streaming.parts import Parts
    >>> layout = Layout((65536, 65536), np.dtype(np.uint8), (512, 512))
    >>> parts = Parts(Chain.parse(["gaussian:sigma=5"]), layout.shape, layout.dtype)
    >>> plan = make_plan(layout, layout, parts, Workers(1, 1), memory=512 * 2**20)
    >>> plan.grid.tile, plan.count
    ((512, 65536), 128)
    """
    demand = Demand(source, sink, parts, workers, cache)
    if tile is None:

        def work(grid: Grid) -> Work:
            return demand.work(grid, memory, gpu_memory)

        tile = choose_tile(sink.size, sink.chunks, parts.grain, work, prod(sink.planes))
    else:
        tile = _whole_chunks(tile, sink)
    if tile is None or not demand.work(Grid(sink.size, tile), memory, gpu_memory).fits:
        least = tile or _whole_chunks((1, 1), sink)
        all_at_once = isinstance(parts, Whole)
        peaks = demand.peaks(Grid(sink.size, sink.size if all_at_once else least))
        raise ArgumentError(_too_little(peaks, memory, gpu_memory, all_at_once))
    at_end = BASELINE + cache + ending
    if ending and at_end > memory:
        raise ArgumentError(
            f"memory={memory} bytes is too little for an output that is encoded whole at the end: "
            f"give {-(-at_end // 2**20)}M, or let the output be .tif, .zarr or .npy"
        )
    grid = Grid(sink.size, tile)
    peaks = demand.peaks(grid)
    return StreamPlan(
        source,
        sink,
        parts,
        grid,
        workers,
        peaks.reading,
        peaks.writing,
        max(peaks.host, at_end),
        peaks.gpu,
        filter,
        device,
    )


def _whole_chunks(tile: tuple[int, int], sink: Layout) -> tuple[int, int]:
    """Return the least tile of whole chunks that has some rows and columns."""
    rows, columns = (
        min(ceil(n / chunk) * chunk, full)
        for n, chunk, full in zip(tile, sink.chunks, sink.size, strict=True)
    )
    return rows, columns


def _too_little(peaks: Peaks, memory: int, gpu_memory: int | None, all_at_once: bool) -> str:
    high, wide = peaks.grid.tile
    on_gpu = gpu_memory is not None and peaks.gpu > gpu_memory
    name, given, least = (
        ("gpu_memory", gpu_memory, peaks.gpu) if on_gpu else ("memory", memory, peaks.host)
    )
    needed = f"give {-(-least // 2**20)}M"
    if all_at_once:
        return (
            f"{name}={given} bytes is too little for all of {high} × {wide} pixels at once, which "
            f"this filter needs: {needed}"
        )
    return (
        f"{name}={given} bytes is too little for tiles of {high} × {wide} pixels, the least that "
        f"can be done or what was asked for: {needed}, or an output of smaller chunks"
    )


def _mebibytes(count: int) -> str:
    return f"{-(-count // 2**20)} MiB"
