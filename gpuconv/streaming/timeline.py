"""A picture of a stream: who was at work when, over the whole run and tile by tile."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import MissingExtraError
from gpuconv.streaming.pace import Pace, amount
from gpuconv.streaming.record import STAGES, Event, Record
from gpuconv.streaming.rows import Row, rows

__all__ = ["draw"]

#: The colours of Okabe and Ito, which people who see fewer colours tell apart, too:
#: https://jfly.uni-koeln.de/color/
_COLOURS = dict(zip(STAGES, ("#0072B2", "#56B4E9", "#E69F00", "#009E73", "#CC79A7"), strict=True))
#: Stages whose colours are so dark that what is written on them is white.
_DARK = ("read", "download")
#: Moments into which a run is divided: each has several tiles, and several columns of the picture.
_MOMENTS, _TILES_EACH = 240, 3
#: So many tiles are all shown one by one, with numbers that can be read; of more, these.
_ALL, _SOME = 40, 24
#: Inches.
_WIDTH, _ROW, _FRAME = 12.0, 0.32, 1.0
#: A bar has room for the number of its tile if it is as wide as this share of the picture for each
#: of the digits, and one more.
_DIGIT = 0.0042


def draw(record: Record, title: str = "") -> bytes:
    """Return a picture of a stream's timeline as PNG.

    The upper half shows how busy each worker was at each moment; the lower half the tiles in the
    middle of the run one by one. Where there are few tiles, these are all, and the upper half is
    left out.

    Parameters
    ----------
    record : Record
    title : str
        What was done.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch
    except ImportError as error:
        raise MissingExtraError("matplotlib", "plot", "a picture of the timeline") from error
    found = rows(record)
    tiles = len({event.tile for event in record.events})
    panels = [_tiles] if tiles <= _ALL else [_load, _tiles]
    height = len(panels) * (len(found) * _ROW + _FRAME) + 0.9
    figure = Figure(figsize=(_WIDTH, height), dpi=110, layout="constrained")
    for place, panel in enumerate(panels, 1):
        axes = figure.add_subplot(len(panels), 1, place)
        panel(axes, found, record)
        _labelled(axes, found)
    pace = Pace(record).update(_end(record))
    figure.suptitle("\n".join(filter(None, [title, _told(pace)])), x=0.01, ha="left", fontsize=11)
    handles = [Patch(color=_COLOURS[load.stage], label=_share(pace, load)) for load in pace.loads]
    figure.legend(handles=handles, loc="outside lower left", ncols=len(STAGES), frameon=False)
    return _png(figure)


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _told(pace: Pace) -> str:
    """Return what the run came to, in words."""
    done = f"{amount(pace.written, 'pixel')} in {pace.elapsed:.1f} s"
    return f"{done}, {amount(pace.pixels_per_second, 'pixel/s')}; busiest: {pace.bound or '–'}"


def _share(pace: Pace, load: Any) -> str:
    return f"{load.stage} {pace.busy(load):.0%}"


def _end(record: Record) -> float:
    return max((event.stop for event in record.events), default=record.started)


def _labelled(axes: Any, found: Sequence[Row]) -> None:
    axes.set_yticks(range(len(found)), [row.name for row in found])
    axes.set_ylim(max(len(found), 1) - 0.5, -0.5)
    axes.set_xlabel("seconds")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


# ------------------------------------------------------------------------ the whole run


def _load(axes: Any, found: Sequence[Row], record: Record) -> None:
    """Draw how busy each row was at each moment: from white, idle, to the colour of its stage."""
    from matplotlib.colors import to_rgb

    tiles = len({event.tile for event in record.events})
    moments = min(tiles // _TILES_EACH, _MOMENTS)
    edges = np.linspace(record.started, _end(record), moments + 1)
    picture = np.ones((len(found), moments, 3))
    for line, row in zip(picture, found, strict=True):
        colour = np.array(to_rgb(_COLOURS[row.events[0].stage]))
        line += _busy(row.events, edges)[:, np.newaxis] * (colour - 1)
    extent = (0, edges[-1] - record.started, len(found) - 0.5, -0.5)
    axes.imshow(picture, extent=extent, aspect="auto", interpolation="nearest")
    axes.hlines(np.arange(len(found) - 1) + 0.5, *extent[:2], colors="white", linewidth=4)
    axes.set_title("the whole run: the fuller the colour, the busier", loc="left", fontsize=10)


def _busy(events: Sequence[Event], edges: NDArray[Any]) -> NDArray[Any]:
    """Return the share of each moment in which one of `events` was going on."""
    starts, stops = (np.array([getattr(e, end) for e in events]) for end in ("start", "stop"))
    spent = np.concatenate([[0.0], np.cumsum(stops - starts)])
    times = np.stack([starts, stops], axis=1).ravel()
    until = np.interp(edges, times, np.repeat(spent, 2)[1:-1])
    share: NDArray[Any] = np.clip(np.diff(until) / np.diff(edges), 0, 1)
    return share


# ------------------------------------------------------------------------ tile by tile


def _tiles(axes: Any, found: Sequence[Row], record: Record) -> None:
    """Draw the tiles in the middle of the run."""
    first, last = _middle(record)
    begin, width = first - record.started, last - first
    for place, row in enumerate(found):
        seen = [event for event in row.events if event.stop > first and event.start < last]
        _bars(axes, seen, place, record.started)
        for event in seen:
            _number(axes, event, place, record.started, width)
    axes.set_xlim(begin, begin + width)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_title("tile by tile", loc="left", fontsize=10)


def _middle(record: Record) -> tuple[float, float]:
    """Return the time in which the tiles in the middle of the run were at work."""
    order = sorted({event.tile: event.start for event in reversed(record.events)}.items(), key=_at)
    count = len(order) if len(order) <= _ALL else _SOME
    skip = (len(order) - count) // 2
    shown = {tile for tile, _ in order[skip : skip + count]}
    mine = [event for event in record.events if event.tile in shown]
    if not mine:
        return record.started, record.started + 1
    first = record.started if skip == 0 else min(event.start for event in mine)
    return first, max(event.stop for event in mine)


def _at(item: tuple[int, float]) -> float:
    return item[1]


def _bars(axes: Any, events: Sequence[Event], place: int, started: float) -> None:
    spans = [(event.start - started, event.stop - event.start) for event in events]
    colours = [_COLOURS[event.stage] for event in events]
    axes.broken_barh(
        spans, (place - 0.35, 0.7), facecolors=colours, edgecolor="white", linewidth=0.5
    )


def _number(axes: Any, event: Event, place: int, started: float, width: float) -> None:
    """Write the number of a tile on its bar, if there is room."""
    long, start, number = event.stop - event.start, event.start - started, str(event.tile)
    if long > _DIGIT * (len(number) + 1) * width:
        ink = "white" if event.stage in _DARK else "black"
        middle = {"ha": "center", "va": "center_baseline", "clip_on": True}
        axes.text(start + long / 2, place, number, color=ink, fontsize=7, **middle)
