"""Time tiles that go through a GPU beside copies of the same bytes, both ways at once.

What a stream can do at best is what the link does: a copy up and another down at the same time,
from pinned memory, in the same chunks, in the same run. A filter that hides behind them costs
nothing. The windows lie in pinned memory already: reading files is timed elsewhere.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends import cuda
from gpuconv.backends.cuda import runtime
from gpuconv.filters.chain import Chain
from gpuconv.streaming.parts import Job, Parts
from gpuconv.streaming.profile import trace
from gpuconv.streaming.record import Event, Record

Array = NDArray[Any]
Row = dict[str, Any]

#: Filters of bytes, of which the first is bound by the link on every GPU.
FILTERS = ("gaussian:sigma=1", "gaussian:sigma=8", "median:size=5")
#: Times that the tiles of the image go through, for one time; and slots that copies go around in.
_TURNS, _SLOTS = 4, 4
#: Rows at a seam that are held to the definition.
_CHECKED = 24

HEADER = f"{'filter':<20}{'GB/s, both ways':>16}{'of a copy':>11}{'ms a tile':>11}"


@dataclass(frozen=True)
class Tiles:
    """An image in tiles whose windows lie in pinned memory, and what makes results of them."""

    parts: Parts
    image: Array
    jobs: Sequence[Job]
    windows: Sequence[Array]

    @classmethod
    def of(cls, words: str, image: Array, rows: int, lane: Any) -> Tiles:
        """Return tiles of so many rows, for a filter."""
        parts = Parts(Chain.parse([words]), image.shape, image.dtype, "cuda")
        height, width = image.shape
        runs = [(top, min(top + rows, height)) for top in range(0, height, rows)]
        jobs = [parts.job(run, (0, width)) for run in runs]
        windows = []
        for job in jobs:
            pixels = parts.read(job.leaves[0], image)
            room = lane.room(pixels.shape, pixels.dtype)
            room[...] = pixels
            windows.append(room)
        return cls(parts, image, jobs, windows)

    def maker(self, number: int) -> Callable[[Sequence[Any]], Any]:
        """Return what makes the result of a tile."""
        job = self.jobs[number]
        return lambda windows: self.parts.make(job, job.rows, job.columns, windows)

    @property
    def bytes(self) -> int:
        """Bytes up and down in one time."""
        written = sum((job.rows[1] - job.rows[0]) * self.image.shape[1] for job in self.jobs)
        read = sum(window.nbytes for window in self.windows)
        return _TURNS * (read + written * self.image.itemsize)


def through(
    tiles: Tiles, lane: Any, record: Record | None = None, out: Array | None = None
) -> float:
    """Send all tiles through a lane; return the seconds."""
    at_work = deque[tuple[int, Any]]()

    def finish() -> None:
        number, ticket = at_work.popleft()
        pixels, spans = ticket.result()
        if out is not None:
            out[slice(*tiles.jobs[number % len(tiles.jobs)].rows)] = pixels
        if record is not None:
            for stage, start, stop in spans:
                size = tiles.windows[0].nbytes if stage == "upload" else pixels.nbytes
                record.add(Event(stage, number, start, stop, size, pixels.size, lane.name))
        lane.give_back(pixels)

    begun = time.perf_counter()
    for number in range(_TURNS * len(tiles.jobs)):
        if len(at_work) == lane.depth:
            finish()
        tile = number % len(tiles.jobs)
        at_work.append((number, lane.start(tiles.maker(tile), [tiles.windows[tile]])))
    while at_work:
        finish()
    return time.perf_counter() - begun


class Copies:
    """The same bytes up and down, at once, through two streams that know nothing of each other."""

    def __init__(self, tiles: Tiles, lane: Any) -> None:
        self._runtime, self._tiles = runtime.current(), tiles
        self._up, self._down = self._runtime.stream(), self._runtime.stream()
        width, itemsize = tiles.image.shape[1], tiles.image.itemsize
        self._results = [(job.rows[1] - job.rows[0]) * width * itemsize for job in tiles.jobs]
        self._host = [lane.room((max(self._results),), np.uint8) for _ in range(_SLOTS)]
        largest = max(window.nbytes for window in tiles.windows), max(self._results)
        empty = self._runtime.empty
        self._there = [[empty((n,), np.dtype(np.uint8)) for n in largest] for _ in range(_SLOTS)]
        for _, result in self._there:
            self._runtime.upload(np.zeros(largest[1], np.uint8), result)

    def run(self) -> float:
        """Copy; return the seconds."""
        begun = time.perf_counter()
        count = len(self._tiles.windows)
        for number in range(_TURNS * count):
            slot, tile = number % _SLOTS, number % count
            window, size = self._tiles.windows[tile].reshape(-1).view(np.uint8), self._results[tile]
            target, result = self._there[slot]
            with self._up:
                self._runtime.upload(window, target[: window.nbytes])
            with self._down:
                self._runtime.download(result[:size], self._host[slot][:size])
        self._up.synchronize()
        self._down.synchronize()
        return time.perf_counter() - begun


def measure(words: str, image: Array, rows: int, device: str, seconds: float) -> tuple[Row, Record]:
    """Check a filter at the seams, then time it in turns with copies; return the last timeline."""
    lane = cuda.lane(device)
    try:
        tiles = Tiles.of(words, image, rows, lane)
        copies, made = Copies(tiles, lane), np.empty_like(image)
        through(tiles, lane, out=made)
        error, least = wrong(words, image, made, rows), time.perf_counter() + seconds
        copies.run()
        filtered, copied = list[float](), list[float]()
        record = Record()
        while not filtered or time.perf_counter() < least:
            copied.append(copies.run())
            record = Record(pixels=_TURNS * image.size, tiles=_TURNS * len(tiles.jobs))
            filtered.append(through(tiles, lane, record))
    finally:
        lane.close()
    took = median(filtered)
    row = {
        "filter": words,
        "rounds": len(filtered),
        "tile_bytes": tiles.windows[0].nbytes,
        "seconds": took,
        "copy_seconds": median(copied),
        "gigabytes_per_second": tiles.bytes / took * 1e-9,
        "of_copy": median(copied) / took,
        "error": error,
    }
    return row | {"milliseconds_a_tile": 1e3 * took / record.tiles}, record


def wrong(words: str, image: Array, made: Array, rows: int) -> float:
    """Return how far a result is from the CPU engine's around its first seam."""
    seam = min(rows, len(image))
    first, last = max(seam - 4 * _CHECKED, 0), min(seam + 4 * _CHECKED, len(image))
    near = slice(max(seam - _CHECKED, 0), min(seam + _CHECKED, len(image)))
    there = Chain.parse([words])(image[first:last])
    expected = there[near.start - first : near.stop - first]
    return float(np.abs(made[near].astype(int) - expected.astype(int)).max())


def line(row: Row) -> str:
    """Return a row of the table."""
    return (
        f"{row['filter']:<20}{row['gigabytes_per_second']:>16.1f}{row['of_copy']:>11.1%}"
        f"{row['milliseconds_a_tile']:>11.2f}" + ("" if row["error"] <= 1 else "  WRONG")
    )


def _write(path: Path, found: dict[str, Any]) -> None:
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


def main(words: list[str] | None = None) -> int:
    """Measure all filters; return 1 if a result is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.stream", description=__doc__)
    add = parser.add_argument
    add("--device", default="cuda:0", help="default: %(default)s")
    add("--size", type=int, default=8192, help="pixels a side, of bytes (default: %(default)s)")
    add("--rows", type=int, default=2048, help="of a tile (default: %(default)s)")
    add("--seconds", type=float, default=9, help="for all timing (default: %(default)s)")
    add("--json", type=Path, metavar="FILE", help="add the numbers to those that are here")
    add("--trace", type=Path, metavar="FILE", help="write the first filter's timeline here")
    options = parser.parse_args(words)
    image = np.random.default_rng(1).integers(0, 256, (options.size,) * 2, np.uint8)
    rows = []
    print(f"{options.size}² bytes in tiles of {options.rows} rows\n\n{HEADER}", flush=True)
    with cuda.place(None, options.device):
        for number, one in enumerate(FILTERS):
            each = options.seconds / len(FILTERS)
            row, record = measure(one, image, options.rows, options.device, each)
            rows.append(row)
            print(line(row), flush=True)
            if options.trace and number == 0:
                _write(options.trace, trace(record, f"{one} on {options.device}"))
            if options.json:
                known = json.loads(options.json.read_text("utf-8")) if options.json.exists() else {}
                _write(options.json, known | {"stream": {"size": options.size, "rows": rows}})
    return int(any(row["error"] > 1 for row in rows))


if __name__ == "__main__":
    sys.exit(main())
