"""How time grows: with the size of the kernel or window, and with that of the image.

A sweep is a filter in several sizes; they are taken in order, and who is too slow at one, or
cannot do it, is not asked at larger ones. Rows are those of the table (`suite.row.Row`) and have
beside

- "sweep": which one, a name of `SWEEPS`: "median u8";
- "across": what grows, in words, for the axis of a plot: "side of the window, pixels";
- "at": how large it is, where the row stands on that axis;
- "last": whether its peer was not asked further: its time is then of a part of the image (`part`
  below 1), or there is none (`left_out`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from ...cases import Case, chosen
from ...filters import Bilateral, Box, Dense, Gaussian, Median, NonLocalMeans
from ...peers import FLOOR, OURS
from ..contract import Peer
from ..measure import Limits, measure
from ..place import Place
from ..section import Found, Options, Section, entered
from .pace import paced

__all__ = ["SECTION", "SWEEPS", "Point", "Sweep", "points"]


@dataclass(frozen=True)
class Sweep:
    """A curve for each peer."""

    name: str
    across: str
    #: What grows, in order.
    lengths: tuple[int, ...]
    #: Makes the case of a length, on an image of so many pixels a side.
    case: Callable[[int, int], Case] = field(repr=False)
    #: Pixels a side on the CPU; a GPU, which is idle on so few, gets twice as many.
    size: int = 2048
    #: Whether it is one of the few that tell most.
    quick: bool = False


@dataclass(frozen=True)
class Point:
    """Where a curve is measured."""

    sweep: Sweep
    at: int
    case: Case


_SIDE, _WINDOW, _SIGMA = "side of the kernel, pixels", "side of the window, pixels", "σ, pixels"
_IMAGE = "side of the image, pixels"

_SIDES = (3, 5, 7, 11, 15, 21, 31, 63, 127)
_WINDOWS = (3, 5, 7, 11, 15, 21, 31, 63, 101)
_IMAGES = (64, 128, 256, 512, 1024, 2048, 4096, 8192)


def _median(dtype: str) -> Callable[[int, int], Case]:
    return lambda side, size: Case(Median(side), dtype, (size, size), "nearest")


def _search(distance: int, size: int) -> Case:
    return Case(NonLocalMeans(7, distance), "uint8", (size, size), "mirror", content="noisy")


def _patch(side: int, size: int) -> Case:
    return Case(NonLocalMeans(side, 5), "uint8", (size, size), "mirror", content="noisy")


SWEEPS = (
    Sweep("dense f32", _SIDE, _SIDES,
          lambda side, size: Case(Dense(side), "float32", (size, size))),
    Sweep("dense u8", _SIDE, _SIDES[:7],
          lambda side, size: Case(Dense(side), "uint8", (size, size))),
    Sweep("Gaussian f32", _SIGMA, (1, 2, 3, 5, 10, 20, 50, 100),
          lambda sigma, size: Case(Gaussian(sigma), "float32", (size, size)), quick=True),
    Sweep("Gaussian u8", _SIGMA, (1, 2, 3, 5, 10, 20),
          lambda sigma, size: Case(Gaussian(sigma), "uint8", (size, size))),
    Sweep("box f32", _SIDE, (3, 5, 9, 15, 31, 75, 151, 301),
          lambda side, size: Case(Box(side), "float32", (size, size))),
    Sweep("median u8", _WINDOW, _WINDOWS, _median("uint8"), 1024, quick=True),
    Sweep("median f32", _WINDOW, _WINDOWS, _median("float32"), 1024),
    Sweep("median u16", _WINDOW, _WINDOWS, _median("uint16"), 1024),
    Sweep("bilateral f32", "diameter, pixels", (3, 5, 9, 13, 17, 31),
          lambda side, size: Case(Bilateral(side), "float32", (size, size), "mirror"), 1024),
    Sweep("nl_means u8, search", "distance of the search, pixels", (1, 2, 5, 11),
          _search, 512),
    Sweep("nl_means u8, patch", "side of the patch, pixels", (3, 5, 7, 11, 21),
          _patch, 512),
    Sweep("image, dense 3×3 u8", _IMAGE, _IMAGES,
          lambda side, _: Case(Dense(3), "uint8", (side, side))),
    Sweep("image, Gaussian σ=2 f32", _IMAGE, _IMAGES,
          lambda side, _: Case(Gaussian(2), "float32", (side, side)), quick=True),
    Sweep("image, median 5×5 u8", _IMAGE, _IMAGES,
          lambda side, _: Case(Median(5), "uint8", (side, side), "nearest")),
)  # fmt: skip

#: A curve needs fewer times than a table, which decides who is ahead.
_ON_CPU = Limits(rounds=7, call=0.5, each=0.3, case=3.0)
_ON_GPU = Limits(rounds=15, call=0.05, each=0.1, case=0.6)

#: Whose curve another one tells as well.
_TOLD = ("gpuconv, 1 thread", "copy, by a kernel", "libvips, integer weights")


def points(kind: str, options: Options) -> list[Point]:
    """Return what is measured on a kind of device, the lengths of each sweep in order.

    Where time is limited, the sweeps that tell most come first.
    """
    times = 1 if kind == "cpu" else 2
    first = [sweep for sweep in SWEEPS if sweep.quick]
    rest = [sweep for sweep in SWEEPS if not sweep.quick]
    sweeps = first if options.quick else SWEEPS if options.seconds is None else [*first, *rest]
    every = [
        Point(sweep, length, sweep.case(length, sweep.size * times))
        for sweep in sweeps
        # Every third length, the last among them, shows where a curve goes.
        for length in (sweep.lengths[::-3][::-1] if options.quick else sweep.lengths)
    ]
    wanted = {case.name for case in chosen((point.case for point in every), options.cases)}
    return [point for point in every if point.case.name in wanted]


def _run(place: Place, options: Options) -> Found:
    everyone = [
        peer for peer in entered(place.kind, options) if options.peers or peer.name not in _TOLD
    ]
    usual = _ON_CPU if place.kind == "cpu" else _ON_GPU
    asked, sweep = dict[str, Peer](), None
    for point, limits, watch in paced(points(place.kind, options), place, options, usual):
        if point.sweep is not sweep:
            asked, sweep = {peer.name: peer for peer in everyone}, point.sweep
        rows = measure(point.case, list(asked.values()), place, limits, watch)
        where = {"sweep": point.sweep.name, "across": point.sweep.across, "at": point.at}
        found = []
        for row in rows:
            last = row.peer not in (OURS, FLOOR) and (row.part < 1 or bool(row.left_out))
            if last:
                del asked[row.peer]
            found.append({**row.json(), **where, "last": last})
        yield found


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    for (sweep, at), each in groupby(rows, itemgetter("sweep", "at")):
        yield f"{sweep}: {at}"
        yield "  " + ", ".join(_said(row) for row in each if row["seconds"])


def _said(row: dict[str, Any]) -> str:
    about = "≈" if row["part"] < 1 else ""
    return f"{row['peer']} {about}{1e3 * row['seconds']['median']:.3g} ms"


SECTION = Section(
    "growth",
    "time against the size of kernels, of windows and of images",
    _run,
    _lines,
    key=("sweep", "at", "peer"),
    share=3.0,
)
