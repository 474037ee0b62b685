"""What a stream shows while it works: two lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io

import pytest

from gpuconv.cli.stream_progress import (
    StreamBar,
    StreamDisplay,
    StreamLines,
    stream_display,
)
from gpuconv.streaming.pace import Pace, amount
from gpuconv.streaming.record import STAGES, Event, Record

PIXELS = 10**6


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def grown(record: Record, tiles: int, gpu: bool = False) -> Record:
    """Add tiles that took a second each: a fifth to read, all of it to compute."""
    first = len({event.tile for event in record.events})
    for tile in range(first, first + tiles):
        for stage in STAGES if gpu else ("read", "compute", "write"):
            share = 1.0 if stage == "compute" else 0.2
            record.add(Event(stage, tile, tile, tile + share, PIXELS, PIXELS, stage))
    return record


def forty() -> Record:
    return Record(pixels=40 * PIXELS, tiles=40, started=0.0)


def test_lines_come_every_ten_seconds() -> None:
    stream, clock, record = io.StringIO(), Clock(), forty()
    lines = StreamLines(stream, clock)
    for second in range(41):
        clock.time = float(second)
        lines(record)
        grown(record, 1)
    assert stream.getvalue().splitlines() == [
        "25%, 10.0 Mpixel of 40.0 Mpixel, 1.0 Mpixel/s, 0:30 left; "
        "busy: read 20% 1.0 MB/s, compute 100%, write 20% 1.0 MB/s",
        "50%, 20.0 Mpixel of 40.0 Mpixel, 1.0 Mpixel/s, 0:20 left; "
        "busy: read 20% 1.0 MB/s, compute 100%, write 20% 1.0 MB/s",
        "75%, 30.0 Mpixel of 40.0 Mpixel, 1.0 Mpixel/s, 0:10 left; "
        "busy: read 20% 1.0 MB/s, compute 100%, write 20% 1.0 MB/s",
        "100%, 40.0 Mpixel of 40.0 Mpixel, 1.0 Mpixel/s, finishing; "
        "busy: read 20% 1.0 MB/s, compute 100%, write 20% 1.0 MB/s",
    ]


def test_a_line_before_anything_is_done_says_so() -> None:
    stream, clock, record = io.StringIO(), Clock(), forty()
    lines = StreamLines(stream, clock)
    lines(record)
    clock.time = 12.0
    lines(record)
    assert stream.getvalue() == "0%, 0 pixel of 40.0 Mpixel; busy: nothing yet\n"


@pytest.mark.parametrize("width", [10, 30, 60, 79, 200])
@pytest.mark.parametrize("gpu", [False, True])
def test_the_bar_fits_its_terminal(width: int, gpu: bool) -> None:
    for tiles in (0, 1, 20, 40):
        record = grown(forty(), tiles, gpu)
        lines = StreamBar(io.StringIO()).render(Pace(record).update(now=float(tiles)), width)
        assert all(len(line) <= width for line in lines)
        assert f"{tiles / 40:.0%}" in lines[0]
        assert len(lines) <= 2
        if tiles and width == 200:
            assert all(load.stage in lines[1] for load in Pace(record).update().loads)


def test_eighty_columns_show_all_five_stages_of_a_gpu() -> None:
    pace = Pace(grown(forty(), 20, gpu=True)).update(now=20.0)
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    first, second = StreamBar(stream).render(pace, 79)
    assert first.split() == ["50%", "━" * 20 + "─" * 20, "1.0", "Mpixel/s", "0:20", "left"]
    assert second.split("  ") == [
        "",
        "read 20% 1.0 MB/s",
        "upload 20%",
        "compute 100%",
        "download 20%",
        "write 20% 1.0 MB/s",
    ]


def test_the_bar_is_drawn_over_itself_and_goes_away() -> None:
    stream, clock, record = io.StringIO(), Clock(), grown(forty(), 20)
    bar = StreamBar(stream, clock)
    clock.time = 20.0
    bar(record)
    bar(record)  # too soon to be drawn again
    bar.say("warning: a\x1b[31m line")
    clock.time = 20.2
    bar(record)
    bar.close()
    bar.close()
    first = "\n".join(bar.render(Pace(record).update(now=20.0), 79))
    second = "\n".join(bar.render(Pace(record).update(now=20.2), 79))
    assert stream.getvalue().replace("\x1b[A", "↑").split("\r\x1b[J") == [
        "",
        f"{first}↑",
        f"warning: a\\x1b[31m line\n{first}↑",
        f"{second}↑",
        "",
        "",
    ]


def test_the_bar_is_ascii_where_the_stream_is() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert "###" in StreamBar(stream).render(Pace(grown(forty(), 20)).update(now=20.0), 79)[0]


def test_quiet_shows_only_what_is_said() -> None:
    stream = io.StringIO()
    display = stream_display(stream, quiet=True)
    display(grown(forty(), 20))
    display.say("stopping")
    display.close()
    assert type(display) is StreamDisplay
    assert stream.getvalue() == "stopping\n"


def test_what_is_no_terminal_gets_lines() -> None:
    assert type(stream_display(io.StringIO())) is StreamLines


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.4, "999 B"),
        (999.6, "1.0 kB"),
        (99_940, "99.9 kB"),
        (99_960, "100 kB"),
        (999_600_000, "1.0 GB"),
        (5e12, "5.0 TB"),
    ],
)
def test_amounts_have_three_figures_at_most(value: float, told: str) -> None:
    assert amount(value, "B") == told
