"""The lane of a GPU: what overlaps, what waits for what, and that results are right."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu import ApartRuntime
from fakes.clocked import ClockedRuntime

from gpuconv import backends
from gpuconv.backends import cuda
from gpuconv.backends.cuda import lanes, runtime
from gpuconv.backends.cuda.lanes import CudaLane
from gpuconv.backends.cuda.pinned import Pinned
from gpuconv.errors import DeviceError
from gpuconv.filters.chain import Chain
from gpuconv.streaming.parts import Parts

Array = Any
SHAPE = (40, 50)
#: Seconds of an upload, of a filter, of a download; and of the host, for a tile.
PACES = [
    (1, 1, 1, 0.1),
    (3, 1, 1, 0.1),
    (1, 3, 1, 0.1),
    (1, 1, 3, 0.1),
    (1, 2, 3, 2.5),
    (2, 1, 0.2, 0),
]


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> Iterator[ClockedRuntime]:
    """A device with a clock, which the host's clock is set to."""
    device = ClockedRuntime()
    monkeypatch.setattr(lanes, "perf_counter", lambda: device.now)
    with runtime.use(device):  # type: ignore[type-var]
        yield device


def set_pace(device: ClockedRuntime, pace: tuple[float, float, float, float]) -> None:
    device.upload_takes, device.compute_takes, device.download_takes, _ = pace


def streamed(
    device: ClockedRuntime,
    lane: CudaLane,
    count: int,
    host: float,
    early: bool = False,
    ahead: int | None = None,
) -> list[Any]:
    """Send tiles through a lane, as a stream does; return the spans of each.

    With `early` windows are given back before they were copied. So many tiles are `ahead` of those
    that are waited for.
    """
    spans, at_work = [], deque[Any]()

    def finish() -> None:
        number, ticket, window = at_work.popleft()
        pixels, stages = ticket.result()
        device.host(host / 2, reads=[pixels])
        assert (pixels == -number).all()
        lane.give_back(pixels)
        if not early:
            lane.give_back(window)
        spans.append(stages)

    for number in range(count):
        if len(at_work) == (ahead or lane.depth):
            finish()
        window = lane.room(SHAPE, np.float32)
        device.host(host / 2, writes=[window])
        window[...] = number
        at_work.append((number, lane.start(device.negate, [window]), window))
        if early:
            lane.give_back(window)
    while at_work:
        finish()
    return spans


# ------------------------------------------------------------------------ overlap


def test_copies_of_the_neighbours_overlap_the_filter(clocked: ClockedRuntime) -> None:
    streamed(clocked, CudaLane(), 8, host=0.01)
    up, filters, down = map(clocked.stages, ("upload", "compute", "download"))
    for n in range(1, 7):
        assert up[n + 1].start < filters[n].stop
        assert filters[n].start < up[n + 1].stop
        assert down[n - 1].start < filters[n].stop
        assert filters[n].start < down[n - 1].stop


@pytest.mark.parametrize("pace", PACES)
def test_a_stream_takes_as_long_as_its_slowest_stage(clocked: ClockedRuntime, pace: Any) -> None:
    set_pace(clocked, pace)
    lane, count = CudaLane(), 40
    start = clocked.now
    streamed(clocked, lane, count, host=pace[-1])
    assert clocked.now - start <= 1.05 * max(pace) * count + sum(pace)


@pytest.mark.parametrize("early", [False, True], ids=["after", "before"])
@pytest.mark.parametrize("pace", PACES)
def test_nothing_is_read_before_it_is_there_nor_written_before_it_was_read(
    clocked: ClockedRuntime, pace: Any, early: bool
) -> None:
    set_pace(clocked, pace)
    streamed(clocked, CudaLane(), 12, host=pace[-1], early=early, ahead=9 if early else None)
    assert len(clocked.log) == 12 * 5
    assert not clocked.clashes()


@pytest.mark.parametrize("forgotten", ["upload", "compute", "download"])
def test_a_stream_that_does_not_wait_is_found_out(
    clocked: ClockedRuntime, monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    """Else the test above would prove nothing."""
    set_pace(clocked, (3, 5, 3, 0.1))
    lane = CudaLane()
    stream = getattr(lane, f"_{forgotten}")
    monkeypatch.setattr(type(stream), "wait_event", _deaf(stream, type(stream).wait_event))
    with suppress(AssertionError):  # a result may be wrong, too
        streamed(clocked, lane, 12, host=0.1, ahead=9)
    assert clocked.clashes()


def _deaf(stream: Any, wait: Any) -> Any:
    return lambda self, event: None if self is stream else wait(self, event)


def test_stages_are_told_by_the_clock_of_the_host(clocked: ClockedRuntime) -> None:
    clocked.now = 1000.0
    lane = CudaLane()
    clocked.now = 1007.0
    spans = streamed(clocked, lane, 5, host=0.1)
    for stage, number in (("upload", 0), ("compute", 1), ("download", 2)):
        told = [(each[number][1], each[number][2]) for each in spans]
        done = [(operation.start, operation.stop) for operation in clocked.stages(stage)]
        np.testing.assert_allclose(told, done, atol=1e-6)
        assert {each[number][0] for each in spans} == {stage}


# ------------------------------------------------------------------------ memory


def test_pinned_memory_is_used_again(clocked: ClockedRuntime) -> None:
    lane = CudaLane()
    streamed(clocked, lane, 4, host=0.1)
    before = clocked.pinned_bytes
    streamed(clocked, lane, 30, host=0.1)
    assert clocked.pinned_bytes == before <= 2 * lane.depth * 2**20


def test_pinned_memory_has_an_end(clocked: ClockedRuntime) -> None:
    lane = CudaLane(pinned=3 * 2**20)
    streamed(clocked, lane, 10, host=0.1)
    assert clocked.pinned_bytes == 3 * 2**20
    assert not clocked.clashes()


def test_idle_memory_that_is_too_small_makes_room(clocked: ClockedRuntime) -> None:
    pool = Pinned(clocked, most=4 * 2**20)  # type: ignore[arg-type]
    small = [pool.take((2**20,), np.uint8) for _ in range(4)]
    for each in small:
        pool.give(each)
    large = pool.take((3 * 2**20,), np.uint8)
    assert pool.bytes == 4 * 2**20
    pool.give(large)
    pool.close()
    assert pool.bytes == 0


def test_memory_of_others_and_of_nothing_is_left_alone(clocked: ClockedRuntime) -> None:
    lane = CudaLane()
    lane.give_back(np.zeros(5))
    assert lane.room((0, 5), np.uint8).shape == (0, 5)
    window = np.asfortranarray(np.ones((4, 5), np.float32))
    assert (lane.start(clocked.negate, [window]).result()[0] == -1).all()


def test_a_device_without_room_says_so_and_goes_on(clocked: ClockedRuntime) -> None:
    clocked.memory = 10_000
    lane = CudaLane()
    first = lane.start(clocked.negate, [np.ones(SHAPE, np.float32)])
    with pytest.raises(MemoryError):
        lane.start(clocked.negate, [np.ones((100, 100), np.float32)])
    assert (first.result()[0] == -1).all()
    assert lane.free_memory() == 10_000
    assert len(streamed(clocked, lane, 5, host=0.1)) == 5
    assert not clocked.clashes()


def test_an_error_of_a_filter_comes_out_when_nothing_uses_the_windows(
    clocked: ClockedRuntime,
) -> None:
    def fail(windows: Any) -> Any:
        clocked.negate(windows)
        raise DeviceError("the filter has failed")

    lane = CudaLane()
    window = lane.room(SHAPE, np.float32)
    with pytest.raises(DeviceError, match="has failed"):
        lane.start(fail, [window])
    assert clocked.now >= max(operation.stop for operation in clocked.log)
    lane.give_back(window)
    assert len(streamed(clocked, lane, 5, host=0.1)) == 5


def test_the_last_tiles_are_waited_for_at_the_end(clocked: ClockedRuntime) -> None:
    lane = CudaLane()
    lane.start(clocked.negate, [np.ones(SHAPE, np.float32)])
    lane.close()
    assert clocked.now >= clocked.stages("download")[0].stop


# ------------------------------------------------------------------------ devices


def test_each_device_has_lanes_of_its_own(clocked: ClockedRuntime) -> None:
    first, third = cuda.lane("cuda"), cuda.lane("cuda:2")
    assert (first.name, third.name) == ("cuda:0", "cuda:2")
    assert first.depth == third.depth
    clocked.used.clear()
    streamed(clocked, third, 3, host=0.1)
    assert set(clocked.used) == {2}


# ------------------------------------------------------------------------ results


@pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())
@pytest.mark.parametrize(
    ("filters", "border", "shape"),
    [
        (["gaussian:sigma=2"], "reflect", (190, 230)),
        (["box:size=9", "sobel"], "wrap", (190, 230)),
        (["median:size=3", "gaussian:sigma=1"], "constant", (90, 130, 3)),
    ],
)
def test_parts_that_go_through_a_lane_are_the_whole(
    filters: list[str], border: Any, shape: tuple[int, ...]
) -> None:
    image = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    with runtime.use(ApartRuntime("fast", orders=("forward",))) as device:
        chain = Chain.parse(filters, border=border)
        whole = backends.cuda.asnumpy(chain(backends.cuda.asarray(image)))
        parts = Parts(chain, shape, image.dtype, "cuda")
        lane, out, at_work = backends.cuda.lane("cuda:0"), np.empty_like(whole), deque[Any]()
        for top in range(0, shape[0], 64):
            for left in range(0, shape[1], 100):
                rows, columns = (top, min(top + 64, shape[0])), (left, min(left + 100, shape[1]))
                job = parts.job(rows, columns)
                windows = [parts.read(leaf, image) for leaf in job.leaves]
                make = _maker(parts, job, rows, columns)
                at_work.append((rows, columns, lane.start(make, windows)))
                if len(at_work) == lane.depth:
                    _finish(at_work, out)
        while at_work:
            _finish(at_work, out)
    assert out.tobytes() == whole.tobytes()
    assert ("wait", 2, 1) in device.log  # type: ignore[attr-defined]
    assert ("wait", 3, 2) in device.log  # type: ignore[attr-defined]


def _maker(parts: Parts, job: Any, rows: Any, columns: Any) -> Any:
    return lambda windows: parts.make(job, rows, columns, windows)


def _finish(at_work: Any, out: Array) -> None:
    rows, columns, ticket = at_work.popleft()
    out[slice(*rows), slice(*columns)], _ = ticket.result()
