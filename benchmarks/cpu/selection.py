"""The planner's choice for rank filters, beside every other algorithm that can run them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

import gpuconv as gc
from benchmarks.cpu.choice import Row
from benchmarks.cpu.timing import Clock, elapsed
from benchmarks.images import image
from gpuconv.neighbourhood.algorithms import ALGORITHMS

__all__ = ["KINDS", "PEERS", "SIDES", "SIZES", "Selection", "calls", "cells", "measured"]

Array = NDArray[Any]
Call = Callable[[Array], Array]

SIDES = (3, 5, 7, 9, 11, 15, 21, 31, 63)
SIZES = (512, 2048)
DTYPES = ("uint8", "uint16", "float32")
METHODS = tuple(ALGORITHMS["rank"])
PEERS = ("ndimage", "opencv 1", "opencv 2")

#: What is selected, of a window with so many pixels a side.
KINDS: dict[str, Callable[[int], gc.Rank]] = {
    "median": gc.Rank.median,
    "median of disk": lambda side: gc.Rank.median(footprint=_disk(side)),
    "minimum": gc.Rank.minimum,
}

#: Largest window of OpenCV's median, by dtype.
_OPENCV = {"uint8": 255, "uint16": 5, "float32": 5}


def _disk(side: int) -> NDArray[np.bool_]:
    y, x = np.mgrid[:side, :side] - side // 2
    return np.asarray(y * y + x * x <= (side / 2) ** 2)


@lru_cache(maxsize=1)
def _photograph(size: int, dtype: str) -> Array:
    return image("photograph", (size, size), "yx", dtype)


@dataclass(frozen=True)
class Selection:
    """One row of the table."""

    kind: str
    #: Side of the window, in pixels; odd.
    taps: int
    dtype: str
    #: Side of the image, in pixels.
    size: int

    @property
    def image(self) -> Array:
        """The image; the same one for cells of one dtype and size."""
        return _photograph(self.size, self.dtype)

    @property
    def rank(self) -> gc.Rank:
        """The filter."""
        return KINDS[self.kind](self.taps)


def cells(sides: tuple[int, ...] = SIDES, sizes: tuple[int, ...] = SIZES) -> list[Selection]:
    """Return all cells, small images first."""
    every = product(sizes, DTYPES, KINDS, sides)
    return [Selection(kind, side, dtype, size) for size, dtype, kind, side in every]


def calls(cell: Selection) -> Iterator[tuple[str, Call]]:
    """Yield everything that is timed for a cell, with its name."""
    for method in ("auto", *METHODS):
        if _possible(cell, method):
            yield method, _ours(cell, method)
    yield "ndimage", _ndimage(cell)
    for threads in (1, 2) if cell.kind == "median" and cell.taps <= _OPENCV[cell.dtype] else ():
        yield f"opencv {threads}", _opencv(cell, threads)


def _possible(cell: Selection, method: str) -> bool:
    try:
        gc.plan(cell.image.shape, cell.dtype, cell.rank, method=method)
    except gc.ArgumentError:
        return False
    return True


def _ours(cell: Selection, method: str) -> Call:
    out, wanted = np.empty_like(cell.image), cell.rank
    options: dict[str, Any] = {"border": "nearest", "method": method}

    def call(image: Array) -> Array:
        target = out[: len(image), : image.shape[1]]
        if cell.kind == "minimum":
            return np.asarray(gc.minimum(image, cell.taps, out=target, **options))
        return np.asarray(gc.median(image, footprint=wanted.footprint, out=target, **options))

    return call


def _ndimage(cell: Selection) -> Call:
    out, footprint = np.empty_like(cell.image), cell.rank.footprint

    def call(image: Array) -> Array:
        target = out[: len(image), : image.shape[1]]
        if cell.kind == "minimum":
            ndimage.minimum_filter(image, cell.taps, mode="nearest", output=target)
        else:
            ndimage.median_filter(image, footprint=footprint, mode="nearest", output=target)
        return target

    return call


def _opencv(cell: Selection, threads: int) -> Call:
    out = np.empty_like(cell.image)

    def call(image: Array) -> Array:
        cv2.setNumThreads(threads)
        return cv2.medianBlur(image, cell.taps, out[: len(image), : image.shape[1]])

    return call


#: Rows and columns of the image on which results are compared.
_COMPARED = (slice(16), slice(256))
#: What takes so many limits by the time of these is not tried on more. Small parts are dear.
_HOPELESS = 8


def measured(cell: Selection, clock: Clock) -> Row:
    """Return a cell's times, having checked that all algorithms agree with SciPy."""
    every, part = dict(calls(cell)), np.ascontiguousarray(cell.image[_COMPARED])
    want = every["ndimage"](part).copy()
    hopeless = dict[str, Call]()
    for name, call in every.items():
        if not np.array_equal(call(part), want):
            raise SystemExit(f"{cell}: {name} differs from SciPy; nothing is timed")
        if elapsed(call, part) * cell.image.size / part.size > _HOPELESS * clock.limit:
            hopeless[name] = call
    likely = {name: call for name, call in every.items() if name not in hopeless}
    chosen = gc.plan(cell.image.shape, cell.dtype, cell.rank).algorithm
    times = clock.shortest(likely, cell.image) | dict.fromkeys(hopeless)
    return Row(cell, chosen, times, METHODS)
