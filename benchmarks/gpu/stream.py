"""Time tiles that go through a GPU beside copies of the same bytes, both ways at once.

What a stream can do at best is what the link does: a copy up and another down at the same time,
from pinned memory, in the same chunks, in the same run. A filter that hides behind them costs
nothing. The windows lie in pinned memory already: reading files is timed elsewhere.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.suite import record as kept
from benchmarks.suite.machine import described
from benchmarks.suite.place import place
from benchmarks.suite.section import Options
from benchmarks.suite.sections.throughput import SECTION
from benchmarks.suite.timing import Spread
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
#: What the rows of a filter are called: ours, and those of the copies.
OURS, COPIES = "gpuconv.stream", "copies both ways"

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
        return int(_TURNS * (read + written * self.image.itemsize))


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


def measure(
    words: str, image: Array, rows: int, device: str, seconds: float
) -> tuple[list[Row], Record]:
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
    times = {OURS: Spread.of(filtered), COPIES: Spread.of(copied)}
    found = [_row(words, tiles, peer, took) for peer, took in times.items()]
    ours = found[0]
    ours |= {"rounds": len(filtered), "error": error, "left_out": _fault(error)}
    ours["of_copy"] = times[COPIES].median / times[OURS].median
    return found, record


def _row(words: str, tiles: Tiles, peer: str, took: Spread) -> Row:
    """Return what the JSON has of times in which all tiles went through several times."""
    height, width = tiles.image.shape
    each = {name: value / _TURNS for name, value in asdict(took).items()}
    return {
        "case": f"{words} u8 {height}×{width} in tiles",
        "peer": peer,
        "seconds": each,
        "per_second": 1 / each["median"],
        "gigabytes_per_second": tiles.bytes / took.median * 1e-9,
        "milliseconds_a_tile": 1e3 * each["median"] / len(tiles.jobs),
        "tile_bytes": tiles.windows[0].nbytes,
        "of_copy": 1.0,
        "error": 0.0,
        "left_out": "",
    }


def _fault(error: float) -> str:
    return "" if error <= 1 else f"wrong: largest error {error:g}, 1 allowed"


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
    name = row["case"].partition(" ")[0] if row["peer"] == OURS else f"  {row['peer']}"
    return (
        f"{name:<20}{row['gigabytes_per_second']:>16.1f}{row['of_copy']:>11.1%}"
        f"{row['milliseconds_a_tile']:>11.2f}" + ("  WRONG" if row["left_out"] else "")
    )


def keep(path: Path, head: kept.Entry, rows: list[Row]) -> None:
    """Add what is found to a record, in place of what it had of the section."""
    before = kept.read(path) if path.exists() else kept.blank()
    kept.write(path, kept.add(before, SECTION, head | {"rows": rows, "complete": True}))


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
    rows = list[Row]()
    print(f"{options.size}² bytes in tiles of {options.rows} rows\n\n{HEADER}", flush=True)
    command = shlex.join(["python", "-m", "benchmarks.gpu.stream", "--device", options.device])
    with place(options.device) as there:
        head = kept.entry(described(there), there.device, command, Options())
        for number, one in enumerate(FILTERS):
            each = options.seconds / len(FILTERS)
            found, record = measure(one, image, options.rows, options.device, each)
            rows += found
            print("\n".join(map(line, found)), flush=True)
            if options.trace and number == 0:
                text = json.dumps(trace(record, f"{one} on {options.device}"), ensure_ascii=False)
                options.trace.write_text(f"{text}\n", "utf-8")
            if options.json:
                keep(options.json, head, rows)
    return int(any(row["left_out"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
