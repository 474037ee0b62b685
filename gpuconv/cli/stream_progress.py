"""How far a stream is, how fast, and which of its stages the others wait for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from time import perf_counter
from typing import TextIO

from gpuconv.cli.progress import LINE, LONGEST, REDRAW, bar_letters, clock, is_terminal
from gpuconv.cli.streams import emit, plain
from gpuconv.streaming.pace import Load, Pace, amount
from gpuconv.streaming.record import Record

__all__ = ["StreamBar", "StreamDisplay", "StreamLines", "stages", "stream_display"]

#: Back to the first column, and cleared from there to the end of the screen.
_CLEAR = "\r\x1b[J"
#: One line up.
_UP = "\x1b[A"


def stages(pace: Pace) -> list[str]:
    """Return for each stage how much of the time it is busy; of those that move files how fast.

    Examples
    --------
    >>> from gpuconv.streaming.record import Event
    >>> record = Record(pixels=2000000, started=0.0)
    >>> record.add(Event("read", 0, 0.0, 0.5, bytes=1200000, pixels=1200000, worker="reader 0"))
    >>> record.add(Event("compute", 0, 0.5, 2.0, bytes=1000000, pixels=1000000, worker="cpu"))
    >>> stages(Pace(record).update(now=2.0))
    ['read 25% 600 kB/s', 'compute 75%']
    """
    return [_stage(load, pace) for load in pace.loads]


def _stage(load: Load, pace: Pace) -> str:
    moves = load.stage in ("read", "write")
    speed = f" {amount(pace.bytes_per_second(load), 'B/s')}" if moves else ""
    return f"{load.stage} {pace.busy(load):.0%}{speed}"


def _left(pace: Pace) -> str:
    if pace.share == 1:
        return "finishing"
    return "" if pace.seconds_left is None else f"{clock(pace.seconds_left)} left"


def _speed(pace: Pace) -> str:
    return amount(pace.pixels_per_second, "pixel/s") if pace.written else ""


class StreamDisplay:
    """Shows nothing but what is said: the progress of ``--quiet``.

    Parameters
    ----------
    stream : text file
        Where to.
    now : callable
        Returns the time, as the records of streams have it.
    """

    #: Seconds before something is shown first, and between two showings.
    first = every = float("inf")

    def __init__(self, stream: TextIO, now: Callable[[], float] = perf_counter) -> None:
        self.stream = stream
        self._now = now
        self._pace: Pace | None = None
        self._next = 0.0

    def __call__(self, record: Record) -> None:
        """Take note of how far things are."""
        now = self._now()
        if self._pace is None:
            self._pace, self._next = Pace(record), now + self.first
        if now >= self._next:
            self._next = now + self.every
            self._show(self._pace.update(now))

    def say(self, line: str) -> None:
        """Print a line for good."""
        emit(f"{plain(line)}\n", self.stream)

    def close(self) -> None:
        """Leave the stream ready for others."""

    def _show(self, pace: Pace) -> None:
        """Show how far things are."""


class StreamLines(StreamDisplay):
    """A line every few seconds, for logs."""

    first = every = LINE

    def _show(self, pace: Pace) -> None:
        done = amount(pace.share * pace.record.pixels, "pixel")
        told = [f"{pace.share:.0%}", f"{done} of {amount(pace.record.pixels, 'pixel')}"]
        told += filter(None, [_speed(pace), _left(pace)])
        self.say(f"{', '.join(told)}; busy: {', '.join(stages(pace)) or 'nothing yet'}")


class StreamBar(StreamDisplay):
    """Two lines that are drawn over themselves: how far, and what each stage does."""

    first, every = 0.0, REDRAW

    def __init__(self, stream: TextIO, now: Callable[[], float] = perf_counter) -> None:
        super().__init__(stream, now)
        self._full, self._empty = bar_letters(stream)
        self._drawn = ""

    def _show(self, pace: Pace) -> None:
        lines = self.render(pace, shutil.get_terminal_size().columns - 1)
        clear = self._clear()
        self._drawn = "\n".join(lines)
        emit(clear + self._drawn, self.stream)

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        emit(f"{self._clear()}{plain(line)}\n{self._drawn}", self.stream)

    def close(self) -> None:
        """Take the bar away."""
        emit(self._clear(), self.stream)
        self._drawn = ""

    def _clear(self) -> str:
        """Return what clears the lines that are drawn, of which the cursor stands in the last."""
        return _UP * self._drawn.count("\n") + _CLEAR

    def render(self, pace: Pace, width: int) -> list[str]:
        """Return the lines in at most `width` columns; where that is narrow, fewer of them."""
        busy = list[str]()
        for told in stages(pace):
            if len("  ".join(["", *busy, told])) <= width:
                busy.append(told)
        lines = [self._bar(pace, width), "  ".join(["", *busy])]
        return lines if busy else lines[:1]

    def _bar(self, pace: Pace, width: int) -> str:
        left, right = f"{pace.share:4.0%} ", f" {_speed(pace):>15}  {_left(pace):>12}"
        room = min(width - len(left) - len(right), LONGEST)
        if room < 5:
            return left.strip()[:width]
        cells = int(room * pace.share)
        return left + self._full * cells + self._empty * (room - cells) + right


def stream_display(stream: TextIO, *, quiet: bool = False) -> StreamDisplay:
    """Return the display that suits `stream`."""
    if quiet:
        return StreamDisplay(stream)
    return StreamBar(stream) if is_terminal(stream) else StreamLines(stream)
