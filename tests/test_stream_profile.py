"""The account of a stream: its pace, its timeline as a trace and as a picture."""

from __future__ import annotations

import io
import json
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpuconv.errors import ArgumentError
from gpuconv.streaming.pace import Pace
from gpuconv.streaming.profile import check_profile, trace, write_profile
from gpuconv.streaming.record import STAGES, Event, Record
from gpuconv.streaming.rows import rows
from gpuconv.streaming.timeline import draw

PIXELS = 10**6


def on_cpu(tiles: int) -> Record:
    """A second and a half of two readers, the CPU, which all wait for, and a writer."""
    record = Record(pixels=tiles * PIXELS, tiles=tiles, started=50.0)
    for tile in range(tiles):
        ready = 50.0 + 0.1 * tile
        times = {"read": (ready - 0.05, ready), "compute": (ready, ready + 0.1)}
        times["write"] = ready + 0.1, ready + 0.12
        workers = {"read": f"reader {tile % 2}", "compute": "cpu", "write": "writer 0"}
        for stage, (start, stop) in times.items():
            worker = workers[stage]
            record.add(Event(stage, tile, max(start, 50.0), stop, PIXELS, PIXELS, worker))
    return record


def on_gpu(tiles: int) -> Record:
    """Uploads, launches and downloads of neighbouring tiles at the same time."""
    record = Record(pixels=tiles * PIXELS, tiles=tiles, started=0.0)
    for tile in range(tiles):
        for step, stage in enumerate(STAGES):
            workers = {"read": "reader 0", "write": "writer 0"}
            start = 0.01 * (tile + step)
            worker = workers.get(stage, f"cuda:{tile % 2}")
            record.add(Event(stage, tile, start, start + 0.01, PIXELS, PIXELS, worker))
    return record


# Pace


def test_the_pace_is_that_of_what_is_written() -> None:
    pace = Pace(on_cpu(12)).update(now=51.5)
    assert pace.written == 12 * PIXELS
    assert pace.pixels_per_second == 8e6
    assert (pace.share, pace.seconds_left) == (1.0, 0.0)
    assert pace.bound == "compute"
    assert {load.stage: load.pieces for load in pace.loads} == dict.fromkeys(
        ("read", "compute", "write"), 12
    )
    read, compute, write = pace.loads
    assert pace.busy(read) == pytest.approx(11 * 0.05 / 2 / 1.5)
    assert pace.busy(compute) == pytest.approx(0.8)
    assert pace.busy(write) == pytest.approx(0.16)
    assert pace.bytes_per_second(write) == 8e6


def test_a_pace_adds_what_is_new() -> None:
    whole, growing = on_cpu(12), Record(pixels=12 * PIXELS, started=50.0)
    pace = Pace(growing)
    assert (pace.update(now=50.1).bound, pace.seconds_left, pace.loads) == ("", None, ())
    for event in whole.events:
        growing.add(event)
        pace.update(now=event.stop)
    again = Pace(whole).update(now=pace.elapsed + 50)
    assert [(x.pieces, x.bytes, x.seconds) for x in pace.loads] == [
        (x.pieces, x.bytes, x.seconds) for x in again.loads
    ]


def test_what_an_earlier_run_did_took_no_time() -> None:
    record = on_cpu(12)
    record.pixels, record.pixels_before = 48 * PIXELS, 24 * PIXELS
    pace = Pace(record).update(now=51.5)
    assert pace.share == 0.75
    assert pace.pixels_per_second == 8e6
    assert pace.seconds_left == 1.5


def test_a_stream_of_nothing_has_a_pace() -> None:
    pace = Pace(Record(started=1.0)).update(now=1.0)
    assert (pace.share, pace.pixels_per_second, pace.bound) == (0.0, 0.0, "")


# Rows


def test_a_device_has_a_row_for_each_stage_and_rows_stay_together() -> None:
    assert [row.name for row in rows(on_gpu(6))] == [
        "reader 0",
        "cuda:0 upload",
        "cuda:0 compute",
        "cuda:0 download",
        "cuda:1 upload",
        "cuda:1 compute",
        "cuda:1 download",
        "writer 0",
    ]


def test_what_overlaps_is_drawn_side_by_side() -> None:
    record = Record(started=0.0)
    for tile in range(4):
        record.add(Event("compute", tile, 1.0 * tile, 1.5 + tile, PIXELS, PIXELS, "cuda:0"))
    first, second = rows(record)
    assert (first.name, second.name) == ("cuda:0", "cuda:0 (2)")
    for row in (first, second):
        assert all(a.stop <= b.start for a, b in pairwise(row.events))
    assert len(first.events) + len(second.events) == 4


# The trace


@pytest.mark.parametrize("record", [on_cpu(12), on_gpu(12)], ids=["cpu", "gpu"])
def test_a_trace_has_every_event_in_the_row_of_its_worker(record: Record) -> None:
    made = trace(record, "blur")
    events = made["traceEvents"]
    slices = [event for event in events if event["ph"] == "X"]
    assert len(slices) == len(record.events)
    named = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert [named[n] for n in sorted(named)] == [row.name for row in rows(record)]
    order = {e["tid"]: e["args"]["sort_index"] for e in events if e["name"] == "thread_sort_index"}
    assert sorted(named) == sorted(order, key=order.__getitem__)
    told = Counter((named[e["tid"]].split(" ")[0], e["name"], e["args"]["tile"]) for e in slices)
    assert told == Counter((e.worker.split(" ")[0], e.stage, e.tile) for e in record.events)


def test_times_of_a_trace_are_microseconds_since_the_start() -> None:
    record = Record(started=100.0)
    record.add(Event("read", 3, 100.25, 100.75, bytes=4096, pixels=2048, worker="reader 0"))
    (found,) = [event for event in trace(record)["traceEvents"] if event["ph"] == "X"]
    assert (found["ts"], found["dur"]) == (250_000, 500_000)
    assert found["args"] == {"tile": 3, "bytes": 4096, "pixels": 2048}


def test_slices_of_a_row_never_overlap_as_viewers_want_it() -> None:
    slices = [event for event in trace(on_gpu(40))["traceEvents"] if event["ph"] == "X"]
    for number in {event["tid"] for event in slices}:
        mine = sorted((e for e in slices if e["tid"] == number), key=lambda e: e["ts"])
        assert all(a["ts"] + a["dur"] <= b["ts"] + 0.2 for a, b in pairwise(mine))


# The picture


def colours(png: bytes) -> set[int]:
    """Return the colours of a picture as 0xRRGGBB."""
    with Image.open(io.BytesIO(png)) as image:
        parts = np.asarray(image.convert("RGB")).astype(np.uint32)
    return set(np.unique(parts @ np.array([2**16, 2**8, 1], np.uint32)).tolist())


@pytest.mark.parametrize(("record", "stages"), [(on_cpu(9), 3), (on_gpu(60), 5)])
def test_a_picture_shows_every_stage_in_its_colour(record: Record, stages: int) -> None:
    okabe_ito = {0x0072B2, 0x56B4E9, 0xE69F00, 0x009E73, 0xCC79A7}
    assert len(okabe_ito & colours(draw(record, "blur"))) == stages


def test_many_tiles_are_drawn_as_a_whole_and_close_up() -> None:
    def height(record: Record) -> int:
        with Image.open(io.BytesIO(draw(record))) as image:
            return image.height

    assert height(on_cpu(400)) > 1.5 * height(on_cpu(9))


def test_a_stream_that_did_nothing_can_be_drawn() -> None:
    assert draw(Record()).startswith(b"\x89PNG")


# Files


def test_a_profile_is_two_files(tmp_path: Path) -> None:
    written = write_profile(on_cpu(12), tmp_path / "run.json", "blur")
    assert [path.name for path in written] == ["run.json", "run.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json", "run.png"]
    assert json.loads(written[0].read_text()) == trace(on_cpu(12), "blur")
    assert written[1].read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_there_is_the_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    written = write_profile(on_cpu(3), tmp_path / "run.json")
    assert [path.name for path in written] == ["run.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("run.png", "must be a file that ends in .json"),
        ("folder.json", "must be a file that ends in .json"),
        ("absent/run.json", "to exist"),
    ],
)
def test_a_profile_that_cannot_be_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(ArgumentError, match=message):
        check_profile(tmp_path / name)
    with pytest.raises(ArgumentError, match=message):
        write_profile(on_cpu(3), tmp_path / name)
