"""How far a batch is: a bar on a terminal, plain lines now and then elsewhere."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, TextIO

from gpuconv.cli.streams import emit, plain

if TYPE_CHECKING:
    from gpuconv.batch import Progress, Result

__all__ = [
    "LINE",
    "LONGEST",
    "REDRAW",
    "Bar",
    "Display",
    "Lines",
    "bar_letters",
    "clock",
    "display_on",
    "is_terminal",
    "time_left",
]

#: Seconds between drawings of the bar: more often is not seen, and slows a terminal down.
REDRAW = 0.1
#: Seconds between plain lines: the log of an hour stays readable.
LINE = 10.0
#: The longest bar, in columns.
LONGEST = 40
#: Back to the first column, and the line cleared.
_CLEAR = "\r\x1b[K"


def clock(seconds: float) -> str:
    """Return a time as on a clock.

    Examples
    --------
    >>> clock(7.4), clock(754), clock(3 * 3600 + 62)
    ('0:07', '12:34', '3:01:02')
    """
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def time_left(now: Progress, skipped: int) -> str:
    """Return the time left, in words; skipped files take no time and say nothing about it.

    Examples
    --------
    >>> from gpuconv.batch import Progress
    >>> time_left(Progress(done=30, total=50, failed=0, pixels=0, elapsed=60.0), skipped=20)
    '2:00 left'
    """
    worked = now.done - skipped
    return f"{clock(now.elapsed / worked * (now.total - now.done))} left" if worked else ""


def _speed(now: Progress) -> str:
    return f"{now.pixels / max(now.elapsed, 1e-9) / 1e6:.1f} Mpixel/s"


class Display:
    """Shows nothing but what is said: the progress of ``--quiet``."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.skipped = 0
        self._shown = 0.0

    def __call__(self, result: Result, now: Progress) -> None:
        """Take note of a result."""
        self.skipped += result.status == "skipped"
        self._show(now)

    def say(self, line: str) -> None:
        """Print a line for good."""
        emit(f"{plain(line)}\n", self.stream)

    def close(self) -> None:
        """Leave the stream ready for others."""

    def _show(self, now: Progress) -> None:
        """Show how far things are."""

    def _due(self, now: Progress, seconds: float) -> bool:
        """Tell whether it is time to show something again."""
        due = now.elapsed - self._shown >= seconds
        if due:
            self._shown = now.elapsed
        return due


class Lines(Display):
    """A line every few seconds, for logs."""

    def _show(self, now: Progress) -> None:
        if self._due(now, LINE):
            failed = f", {now.failed} failed" if now.failed else ""
            counts = f"{now.done} of {now.total} images{failed}"
            self.say(", ".join(filter(None, [counts, _speed(now), time_left(now, self.skipped)])))


class Bar(Display):
    """A line that is drawn over itself."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._line = ""
        self._full, self._empty = bar_letters(stream)

    def _show(self, now: Progress) -> None:
        if self._due(now, REDRAW) or now.done in (1, now.total):
            self._line = self.render(now, shutil.get_terminal_size().columns - 1)
            emit(_CLEAR + self._line, self.stream)

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        emit(f"{_CLEAR}{plain(line)}\n{self._line}", self.stream)

    def close(self) -> None:
        """Take the bar away."""
        emit(_CLEAR, self.stream)

    def render(self, now: Progress, width: int) -> str:
        """Return the bar in at most `width` columns; where that is narrow, only the counts."""
        share = now.done / now.total
        left = f"{now.done:>{len(str(now.total))}}/{now.total} images "
        failed = f"  {now.failed} failed" if now.failed else ""
        right = f" {share:4.0%} {_speed(now):>16}  {time_left(now, self.skipped):>9}{failed}"
        room = min(width - len(left) - len(right), LONGEST)
        if room < 5:
            return (left.strip() + failed)[:width]
        cells = int(room * share)
        return left + self._full * cells + self._empty * (room - cells) + right


def bar_letters(stream: TextIO) -> tuple[str, str]:
    """Return what the full and the empty part of a bar are drawn with, as the stream can."""
    try:
        "━─".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "#", "-"
    return "━", "─"


def is_terminal(stream: TextIO) -> bool:
    """Tell whether a line of `stream` can be drawn over itself."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def display_on(stream: TextIO, *, quiet: bool = False) -> Display:
    """Return the display that suits `stream`."""
    if quiet:
        return Display(stream)
    return Bar(stream) if is_terminal(stream) else Lines(stream)
