"""What goes on inside a stream: who reads what and when, and what happens when things fail."""

from __future__ import annotations

import errno
import threading
import time
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from fakes.flaky import (
    WatchedSink,
    WatchedSource,
    failing,
    full_after,
    noise,
    nothing,
    slow,
    unreadable,
)
from numpy.typing import NDArray

from gpuconv.backends.host.lanes import HostLane
from gpuconv.errors import ArgumentError
from gpuconv.filters import Chain
from gpuconv.io.source import Plane, Run
from gpuconv.streaming import Record, StreamError, stream
from gpuconv.streaming.parts import Parts
from gpuconv.streaming.regions import Block, fill, needed, split
from gpuconv.streaming.retry import FIRST_PAUSE, transient

BLUR = "gaussian:sigma=2"
BORDERS = ("reflect", "mirror", "nearest", "wrap", "constant")


def blurred(image: NDArray[Any], **options: Any) -> NDArray[Any]:
    return Chain.parse([BLUR], **options)(image)


# ------------------------------------------------------------------ windows


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("shape", [(40, 300), (7, 9), (300, 33), (5, 1), (50, 60, 3)])
def test_a_window_filled_from_blocks_is_the_one_that_gathering_gives(
    border: str, shape: tuple[int, ...]
) -> None:
    rng, image = np.random.default_rng(1), noise(*shape)
    parts = Parts(Chain.parse([BLUR, "median:size=3"], border=border), shape, image.dtype)
    for _ in range(8):
        tops, lefts = (np.sort(rng.choice(n + 1, 2, replace=False)).tolist() for n in shape[:2])
        job = parts.job(tuple(tops), tuple(lefts))
        high, wide = needed(job.leaves)
        blocks = [Block(y, x, image[slice(*y), slice(*x)]) for y in high for x in wide]
        for leaf in job.leaves:
            window = np.empty((*leaf.window, *shape[2:]), image.dtype)
            fill(window, leaf, blocks)
            assert np.array_equal(window, parts.read(leaf, image))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
def test_pieces_of_a_region_share_no_chunk_and_miss_nothing(count: int) -> None:
    for rows, columns in [((5, 200), (0, 1000)), ((0, 64), (100, 130)), ((0, 1), (0, 1))]:
        pieces = split(rows, columns, (32, 128), count)
        assert len(pieces) <= count
        assert sum((b - a) * (d - c) for (a, b), (c, d) in pieces) == (
            (rows[1] - rows[0]) * (columns[1] - columns[0])
        )
        for (above, left), (below, right) in pairwise(pieces):
            assert below == above or (below[0] == above[1] and below[0] % 32 == 0)
            assert right == left or (right[0] == left[1] and right[0] % 128 == 0)


def test_memory_that_was_given_back_is_lent_again_and_results_are_not() -> None:
    lane = HostLane()
    first = lane.room((10, 20), np.uint8)
    address = first.ctypes.data
    lane.give_back(first)
    lane.give_back(np.zeros((10, 20), np.uint8))
    again = lane.room((5, 10), np.float32)
    assert again.ctypes.data == address
    assert lane.room((5, 10), np.float32).ctypes.data != address


# ---------------------------------------------------------------- what is read


class Reads:
    """Counts how often each pixel is read."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.counts = np.zeros(shape, int)
        self._lock = threading.Lock()

    def __call__(self, rows: Run, columns: Run, plane: Plane) -> None:
        with self._lock:
            self.counts[(*plane, slice(*rows), slice(*columns))] += 1


@pytest.mark.parametrize("border", ["reflect", "constant", "nearest", "mirror"])
def test_strips_read_each_pixel_once(border: str) -> None:
    image = noise(640, 1024)
    reads = Reads(image.shape)
    out = np.zeros_like(image)
    source, sink = WatchedSource(image, reads), WatchedSink(out, nothing)
    stream(source, sink, [BLUR, "median:size=5"], border=border, tile=(64, 1024))
    assert (reads.counts == 1).all()
    assert np.array_equal(out, Chain.parse([BLUR, "median:size=5"], border=border)(image))


def test_strips_that_are_lower_than_their_halos_read_each_pixel_once() -> None:
    image = noise(600, 100)
    reads, out = Reads(image.shape), np.zeros((600, 100), np.uint8)
    source, sink = WatchedSource(image, reads, (16, 16)), WatchedSink(out, nothing, (16, 16))
    stream(source, sink, "gaussian:sigma=20", tile=(16, 100))
    assert (reads.counts == 1).all()
    assert np.array_equal(out, Chain.parse(["gaussian:sigma=20"])(image))


def test_wrapping_strips_read_no_more_than_the_ends_twice() -> None:
    image = noise(640, 1024)
    reads, out = Reads(image.shape), np.zeros((640, 1024), np.uint8)
    source, sink = WatchedSource(image, reads), WatchedSink(out, nothing)
    stream(source, sink, BLUR, border="wrap", tile=(128, 1024))
    assert (reads.counts[8:-8] == 1).all()
    assert reads.counts.max() == 2
    assert np.array_equal(out, blurred(image, border="wrap"))


# ------------------------------------------------------------- at the same time


def test_tiles_are_read_filtered_and_written_at_the_same_time() -> None:
    image = noise(640, 64)
    out = np.zeros_like(image)
    source, sink = WatchedSource(image, slow(0.02)), WatchedSink(out, slow(0.02))
    summary = stream(source, sink, BLUR, tile=64)
    spans = {
        stage: [(e.start, e.stop) for e in summary.record.events if e.stage == stage]
        for stage in ("read", "write")
    }
    both = [r for r in spans["read"] for w in spans["write"] if r[0] < w[1] and w[0] < r[1]]
    assert both


def test_no_more_is_read_ahead_than_was_planned_when_writing_is_slow() -> None:
    image = noise(64 * 30, 64)
    started = Counter[str]()

    def reading(rows: Run, columns: Run, plane: Plane) -> None:
        started["read"] += 1
        waiting.append(started["read"] - started["written"])

    def writing(rows: Run, columns: Run, plane: Plane) -> None:
        time.sleep(0.01)
        started["written"] += 1

    waiting: list[int] = []
    out = np.zeros_like(image)
    stream(WatchedSource(image, reading), WatchedSink(out, writing), BLUR, tile=64)
    # A window that is read, one that is filtered; a result that waits, one that is written.
    assert max(waiting) <= 6
    assert np.array_equal(out, blurred(image))


def test_the_record_has_every_stage_of_every_tile() -> None:
    image = noise(300, 200)
    out = np.zeros_like(image)
    seen: list[Record] = []
    summary = stream(image, out, BLUR, tile=(100, 200), progress=seen.append)
    events = summary.record.events
    for stage in ("read", "compute", "write"):
        mine = [event for event in events if event.stage == stage]
        assert {event.tile for event in mine} == set(range(3))
        assert sum(event.pixels for event in mine) == image.size
        assert all(event.start <= event.stop for event in mine)
    assert seen[-1] is summary.record
    assert summary.pixels == summary.record.pixels == image.size
    assert set(summary.stages) == {"read", "compute", "write"}
    assert summary.to_dict()["status"] == "done"


# --------------------------------------------------------------------- failures


def test_what_cannot_be_read_is_named_and_all_the_rest_is_done() -> None:
    image = noise(640, 2048)
    out = np.zeros_like(image)
    source = WatchedSource(image, unreadable((300, 310), (64, 70)))
    with pytest.raises(StreamError, match=r"tile at .300, 64.: it is broken") as failure:
        stream(source, WatchedSink(out, nothing), BLUR, tile=(128, 1024))
    summary = failure.value.summary
    assert summary.status == "partial"
    assert [(gap.rows, gap.columns) for gap in summary.gaps] == [((256, 384), (0, 1024))]
    done = np.ones(image.shape, bool)
    for gap in summary.gaps:
        done[slice(*gap.rows), slice(*gap.columns)] = False
    assert np.array_equal(out[done], blurred(image)[done])
    assert not out[~done].any()


def test_strips_go_on_after_one_that_cannot_be_read() -> None:
    image = noise(1024, 1024)
    out = np.zeros_like(image)
    source = WatchedSource(image, unreadable((330, 331), (0, 1)))
    with pytest.raises(StreamError) as failure:
        stream(source, WatchedSink(out, nothing), BLUR, tile=(128, 1024))
    assert [gap.rows for gap in failure.value.summary.gaps] == [(256, 384)]
    expected = blurred(image)
    assert np.array_equal(out[:256], expected[:256])
    assert np.array_equal(out[384:], expected[384:])


def test_salvage_fills_what_cannot_be_read_and_says_so() -> None:
    image = noise(640, 128)
    out = np.zeros_like(image)
    source = WatchedSource(image, unreadable((320, 330), (64, 70)))
    summary = stream(source, WatchedSink(out, nothing), BLUR, salvage=True, cval=9)
    filled = image.copy()
    filled[320:384, 64:128] = 9
    assert summary.status == "done"
    assert np.array_equal(out, blurred(filled, cval=9))
    assert {(gap.rows, gap.columns) for gap in summary.filled} == {((320, 384), (64, 128))}
    assert "salvaged" in summary.warnings[0]
    assert "filled with 9" in summary.warnings[0]


def test_salvage_fills_with_a_pixel_where_the_filters_fill_with_more() -> None:
    image = noise(128, 64)
    out = np.zeros_like(image)
    source = WatchedSource(image, unreadable((0, 10), (0, 10)))
    summary = stream(source, WatchedSink(out, nothing), "box:size=3", salvage=True, cval=300.0)
    assert "filled with 255" in summary.warnings[0]
    assert out[5, 5] == 255


def test_errors_that_pass_are_waited_for() -> None:
    image = noise(200, 100)
    out = np.zeros_like(image)
    away = failing(TimeoutError(errno.ETIMEDOUT, "timed out"), times=1)
    start = time.perf_counter()
    summary = stream(WatchedSource(image, away, (200, 100)), WatchedSink(out, nothing), BLUR)
    assert summary.status == "done"
    assert time.perf_counter() - start >= FIRST_PAUSE
    assert np.array_equal(out, blurred(image))


def test_errors_that_do_not_pass_are_not_waited_for_for_ever() -> None:
    image = noise(200, 100)
    away = failing(TimeoutError(errno.ETIMEDOUT, "timed out"), times=100)
    source = WatchedSource(image, away, (200, 100))
    with pytest.raises(StreamError, match="it is away"):
        stream(source, np.zeros_like(image), BLUR, retries=1)
    with pytest.raises(ArgumentError, match="retries=-1"):
        stream(image, np.zeros_like(image), BLUR, retries=-1)


def test_what_may_pass_is_told_from_what_does_not() -> None:
    assert transient(ConnectionResetError(errno.ECONNRESET, "reset"))
    assert not transient(FileNotFoundError(errno.ENOENT, "no such file"))
    assert not transient(ValueError("broken"))


def test_a_full_disk_stops_the_work_and_says_so() -> None:
    image = noise(64 * 40, 64)
    out = np.zeros_like(image)
    with pytest.raises(StreamError, match=r"No space left.*disk is full") as failure:
        stream(WatchedSource(image, nothing), WatchedSink(out, full_after(5)), BLUR, tile=64)
    assert failure.value.summary.status == "partial"
    assert failure.value.summary.pixels <= 5 * 64 * 64


def test_a_failure_of_the_filter_ends_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Parts, *args: Any) -> Any:
        raise ZeroDivisionError("the filter is broken")

    monkeypatch.setattr(Parts, "make", broken)
    image, before = noise(640, 64), threading.active_count()
    with pytest.raises(ZeroDivisionError, match="the filter is broken"):
        stream(image, np.zeros_like(image), BLUR, tile=64)
    assert threading.active_count() == before


# ---------------------------------------------------------------------- stopping


def test_a_stop_finishes_what_is_at_work_and_leaves_the_rest() -> None:
    image = noise(64 * 100, 64)
    out, stop = np.zeros_like(image), threading.Event()

    def writing(rows: Run, columns: Run, plane: Plane) -> None:
        stop.set()
        time.sleep(0.02)

    sink = WatchedSink(out, writing)
    summary = stream(WatchedSource(image, slow(0.002)), sink, BLUR, tile=64, stop=stop)
    assert summary.status == "stopped"
    assert 0 < summary.pixels < image.size
    # Each tile is whole or was not begun.
    expected = blurred(image)
    for top in range(0, len(image), 64):
        tile = slice(top, top + 64)
        assert np.array_equal(out[tile], expected[tile]) or not out[tile].any()


def test_a_stop_that_comes_with_the_last_tile_is_none() -> None:
    image = noise(50, 50)
    stop = threading.Event()
    stop.set()
    summary = stream(image, np.zeros_like(image), BLUR, stop=stop)
    assert summary.status in ("done", "stopped")


def test_control_c_finishes_what_is_at_work_and_is_raised() -> None:
    image, before = noise(64 * 100, 64), threading.active_count()

    def interrupted(record: Record) -> None:
        raise KeyboardInterrupt

    source = WatchedSource(image, slow(0.002))
    with pytest.raises(KeyboardInterrupt):
        stream(source, np.zeros_like(image), BLUR, tile=64, progress=interrupted)
    assert threading.active_count() == before


def test_an_error_in_the_callers_progress_is_the_callers() -> None:
    image, before = noise(64 * 20, 64), threading.active_count()

    def broken(record: Record) -> None:
        raise RuntimeError("no display")

    with pytest.raises(RuntimeError, match="no display"):
        stream(image, np.zeros_like(image), BLUR, tile=64, progress=broken)
    assert threading.active_count() == before
