"""What tiles of some size take: how much work, and how much memory at the worst moment."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from gpuconv.io.source import Layout
from gpuconv.streaming.memory import BASELINE
from gpuconv.streaming.parts import Making, Part
from gpuconv.streaming.regions import needed
from gpuconv.streaming.tiles import Grid, Work
from gpuconv.window import Run

__all__ = ["Demand", "Peaks", "Workers", "pixel_bytes", "window_bytes"]


@dataclass(frozen=True)
class Workers:
    """Who works at a stream at the same time."""

    #: Tiles that are read at the same time, and that are written.
    readers: int
    writers: int
    #: Threads that share in the reading of a tile, and in the writing of all.
    hands: int = 1
    #: Devices, and the tiles that each has at work.
    lanes: int = 1
    depth: int = 1
    #: Whether tiles are filtered in host memory.
    host: bool = True


@dataclass(frozen=True)
class Peaks:
    """Bytes of a stream at its worst moment."""

    grid: Grid
    reading: int
    writing: int
    host: int
    gpu: int


@dataclass(frozen=True)
class Demand:
    """What tiles of some size take."""

    source: Layout
    sink: Layout
    parts: Making
    workers: Workers
    cache: int

    def work(self, grid: Grid, memory: int, gpu_memory: int | None) -> Work:
        """Return what a tile takes, and whether that fits."""
        peaks = self.peaks(grid)
        fits = peaks.host <= memory and (gpu_memory is None or peaks.gpu <= gpu_memory)
        made = read = count = 0
        for rows, columns in grid.kinds():
            job = self.parts.job(rows, columns)
            made += sum(prod(leaf.window) for leaf in job.leaves)
            read += self._read(grid, rows, columns, job)
            count += 1
        return Work(read / count, made / count, fits)

    def _read(self, grid: Grid, rows: Run, columns: Run, job: Part) -> int:
        """Return the pixels that are read for a tile, those of its chunks that it does not want."""
        across = columns[1] - columns[0]
        if grid.strips:
            return (rows[1] - rows[0]) * across
        high, wide = needed(job.leaves)
        (down, right), (height, width) = self.source.chunks, self.source.size
        return _in_chunks(high, down, height) * _in_chunks(wide, right, width)

    def peaks(self, grid: Grid) -> Peaks:
        """Return the bytes that are taken at most."""
        crew, pixel = self.workers, pixel_bytes(self.sink)
        window = compute = 0
        for rows, columns in grid.kinds():
            job = self.parts.job(rows, columns)
            window = max(window, window_bytes(self.source, job))
            compute = max(compute, self.parts.peak(job))
        result = prod(grid.tile) * pixel
        at_work = crew.lanes * crew.depth
        # A window for each reader and each tile at work; a result likewise.
        reading, writing = (crew.readers + at_work) * window, (crew.writers + at_work) * result
        filtering = at_work * max(compute - window - result, 0) if crew.host else 0
        host = BASELINE + reading + writing + self._beside(grid, window) + filtering
        return Peaks(grid, reading, writing, host, 0 if crew.host else crew.depth * compute)

    def _beside(self, grid: Grid, window: int) -> int:
        """Return the bytes of what readers have that is no window yet, and of what is kept."""
        crew, pixel = self.workers, pixel_bytes(self.source)
        if not grid.strips:
            return self.cache + crew.readers * window
        # Strips are read in whole rows of chunks; what the next one needs of them is handed on.
        chunk_row = min(self.source.chunks[0], self.source.size[0]) * self.source.size[1] * pixel
        handed = max(window - prod(grid.tile) * pixel, 0) + chunk_row if grid.count > 1 else 0
        return self.cache + crew.readers * (window + chunk_row + handed)


def _in_chunks(runs: tuple[Run, ...], chunk: int, n: int) -> int:
    """Return how many pixels of an axis are decoded to read some."""
    return sum(min(-(-stop // chunk) * chunk, n) - start // chunk * chunk for start, stop in runs)


def pixel_bytes(layout: Layout) -> int:
    """Return the bytes of a pixel, all its channels together."""
    return prod(layout.picture[2:]) * layout.dtype.itemsize


def window_bytes(layout: Layout, job: Part) -> int:
    """Return the bytes of the windows that are read for a part."""
    return sum(prod(leaf.window) for leaf in job.leaves) * pixel_bytes(layout)
