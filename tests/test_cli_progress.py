"""What a batch shows while it works: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

import gpuconv
from gpuconv.batch import Progress, Result
from gpuconv.cli.progress import Bar, Display, Lines, clock, display_on, time_left

COMMAND = [sys.executable, "-m", "gpuconv", "batch"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(gpuconv.__file__).parent.parent)}


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A folder with sixty small photographs."""
    (tmp_path / "in").mkdir()
    for n in range(60):
        small = np.roll(data.camera()[::4, ::4], 7 * n, axis=0)
        Image.fromarray(small).save(tmp_path / f"in/{n:02}.png")
    return tmp_path


def seen_on_a_terminal(folder: Path, *arguments: str, **environment: str) -> str:
    """Return what a command shows on a terminal of eighty columns."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=ENVIRONMENT | {"TERM": "xterm", "COLUMNS": "80"} | environment,
        stderr=theirs,
        stdout=subprocess.DEVNULL,
    )
    os.close(theirs)
    shown = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            shown += os.read(ours, 4096)
        except OSError:  # the other side is closed
            break
    process.wait(timeout=60)
    os.close(ours)
    return shown.decode()


def test_a_terminal_shows_a_bar_that_goes_away(many: Path) -> None:
    (many / "in/broken.png").write_bytes(b"")
    shown = seen_on_a_terminal(many, "in", "-o", "out", "--filter", "box")
    drawn = [part.removeprefix("\x1b[K") for part in shown.split("\r")]
    bars = [part for part in drawn if "images" in part]
    assert " 1/61 images ─" in bars[0]
    assert bars[-1].startswith("61/61 images ━")
    assert all(word in bars[-1] for word in ("100%", "Mpixel/s", "0:00 left", "1 failed"))
    assert max(map(len, bars)) < 80
    assert "60 done, 1 failed" in drawn[drawn.index(bars[-1]) + 1]


def test_a_dumb_terminal_and_a_pipe_get_lines(many: Path) -> None:
    piped = subprocess.run(
        [*COMMAND, "in", "-o", "out1", "--filter", "box"],
        cwd=many,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    ).stderr
    dumb = seen_on_a_terminal(many, "in", "-o", "out2", "--filter", "box", TERM="dumb")
    for shown in (piped, dumb):
        assert "\x1b" not in shown
        assert "60 done" in shown


def step(done: int, elapsed: float, failed: int = 0) -> Progress:
    return Progress(done=done, total=40, failed=failed, pixels=done * 10**6, elapsed=elapsed)


RESULT = Result(Path("a.png"), Path("b.png"), "done")


def test_lines_come_every_ten_seconds() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    for second in range(1, 31):
        lines(RESULT, step(second, float(second), failed=int(second > 15)))
    assert stream.getvalue().splitlines() == [
        "10 of 40 images, 1.0 Mpixel/s, 0:30 left",
        "20 of 40 images, 1 failed, 1.0 Mpixel/s, 0:20 left",
        "30 of 40 images, 1 failed, 1.0 Mpixel/s, 0:10 left",
    ]


@pytest.mark.parametrize("width", [10, 30, 60, 79, 200])
def test_the_bar_fits_its_terminal(width: int) -> None:
    bar = Bar(io.StringIO())
    drawn = [bar.render(step(done, 1.0 * done, failed=2), width) for done in (1, 20, 40)]
    assert all(len(line) <= width for line in drawn)
    assert all(line.lstrip().startswith(("1/40", "20/40", "40/40")) for line in drawn)


def test_the_bar_is_ascii_where_the_stream_is() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert "###" in Bar(stream).render(step(20, 1.0), 79)


def test_skipped_files_say_nothing_about_the_time_left() -> None:
    assert time_left(step(20, 10.0), skipped=10) == "0:20 left"
    assert time_left(step(20, 10.0), skipped=20) == ""
    assert [clock(s) for s in (0, 59.6, 3600)] == ["0:00", "1:00", "1:00:00"]


def test_what_is_said_stands_above_the_bar() -> None:
    stream = io.StringIO()
    bar = Bar(stream)
    bar(RESULT, step(1, 1.0))
    bar.say("warning: a.png")
    bar.close()
    line = bar.render(step(1, 1.0), 79)
    assert stream.getvalue().split("\r\x1b[K")[2:] == [f"warning: a.png\n{line}", ""]


def test_quiet_shows_only_what_is_said() -> None:
    stream = io.StringIO()
    display = display_on(stream, quiet=True)
    display(RESULT, step(40, 100.0))
    display.say("stopping")
    display.close()
    assert type(display) is Display
    assert stream.getvalue() == "stopping\n"
