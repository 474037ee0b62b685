"""Parts of images that have alpha, or are filtered in linear light or in grey.

What is done to pixels before a filter and after it is done on the host, wherever the filter runs:
it is what :meth:`gpuconv.io.Image.map` does there, so the bits are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gpuconv import backends, dtypes
from gpuconv.errors import ArgumentError
from gpuconv.filters.chain import Chain
from gpuconv.io import Image
from gpuconv.io.colour import white
from gpuconv.io.mapping import (
    check_mapping,
    covers,
    opaque,
    premultiplied,
    shown,
    taken,
    unweighted,
    with_cover,
    without_alpha,
)
from gpuconv.io.source import Layout
from gpuconv.streaming.parts import Job, Making, Parts
from gpuconv.task import Task
from gpuconv.window import Needs, Run

__all__ = ["parts_of"]

Array = NDArray[Any]

#: Bytes that making a pixel grey takes at most; and values, as filters sum them up, that weighing
#: by alpha and its undoing take for each of an image's, without linear light and with it. Measured
#: (tests/test_stream_colour.py does it again).
_GREY, _PLAIN, _LIT = 40, 4, 6


def parts_of(
    chain: Chain,
    layout: Layout,
    device: str = "cpu",
    *,
    alpha: Literal["premultiply", "straight"] = "premultiply",
    linear: bool = False,
    grey: bool = False,
) -> Making:
    """Return what makes parts of a chain's result, as :meth:`gpuconv.io.Image.map` makes all.

    Parameters
    ----------
    chain : Chain
    layout : Layout
        Of the image.
    device : {"cpu", "cuda"}
        Where filters run.
    alpha, linear
        As for :meth:`gpuconv.io.Image.map`.
    grey : bool
        Whether colour is made grey before, as :meth:`gpuconv.io.Image.grey` does it.

    Raises
    ------
    ArgumentError
        A filter needs the whole image, an option has a value that is not allowed, or it is for
        pixels of which the file tells more.

    Examples
    --------
    >>> layout = Layout((6, 8, 4), np.dtype(np.uint8), (6, 8), "RGBA")
    >>> parts = parts_of(Chain.parse(["box:size=3"]), layout, grey=True)
    >>> parts.result, parts.channels
    ((6, 8, 2), 'LA')
    """
    check_mapping(layout.dtype, layout.channels, alpha, linear)
    if (linear or grey) and not layout.channels:
        asked = "linear" if linear else "grey"
        raise ArgumentError(
            f"{asked}=True is for grey, RGB, RGBA and CMYK; nothing tells what the "
            f"{layout.picture[-1]} channels of this image are"
        )
    look = _Look.of(layout, linear, grey)
    if look.channels.endswith("A") and alpha == "premultiply":
        return _Weighted(chain, look, device)
    if linear or look.channels != layout.channels:
        return _Straight(chain, look, device)
    return Parts(chain, layout.picture, layout.dtype, device, layout.channels)


@dataclass(frozen=True)
class _Look:
    """What a filter sees of the pixels of an image."""

    #: What the file has, and what is filtered.
    stored: str
    channels: str
    size: tuple[int, int]
    dtype: np.dtype[Any]
    linear: bool

    @classmethod
    def of(cls, layout: Layout, linear: bool, grey: bool) -> _Look:
        stored = layout.channels
        shade = "LA" if stored.endswith("A") else "L"
        return cls(stored, shade if grey else stored, layout.size, layout.dtype, linear)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of what is filtered."""
        count = len(self.channels)
        return self.size if count == 1 else (*self.size, count)

    @property
    def opaque(self) -> _Look:
        """The same without alpha."""
        channels = self.channels[:-1]
        return _Look(channels, channels, self.size, self.dtype, self.linear)

    @property
    def seen(self) -> np.dtype[Any]:
        """The dtype that filters get: floats, in linear light."""
        return np.dtype(dtypes.rule(self.dtype).accumulator) if self.linear else self.dtype

    def around(self, jobs: Iterable[Job], whole: Job) -> int:
        """Return the bytes taken at most around a filter that makes `whole`, reading for `jobs`."""
        read = sum(prod(leaf.window) for job in jobs for leaf in job.leaves)
        made = (whole.rows[1] - whole.rows[0]) * (whole.columns[1] - whole.columns[0])
        each = np.dtype(dtypes.rule(self.dtype).accumulator).itemsize * len(self.channels)
        as_read = read * len(self.stored) * self.dtype.itemsize
        grey = read * _GREY if self.stored != self.channels else 0
        values = _LIT if self.linear else _PLAIN if self.channels.endswith("A") else 0
        return as_read + grey + values * each * max(read, made)

    def pixels(self, window: Array) -> Array:
        """Return pixels of the file, in host memory, as those that are filtered."""
        there = backends.owner(window).asnumpy(window)
        return there if self.stored == self.channels else Image(there, self.stored).grey().pixels


class _Straight:
    """Parts of an image all of whose channels are filtered alike."""

    def __init__(self, chain: Chain, look: _Look, device: str) -> None:
        self.result, self.channels, self.written = look.shape, look.channels, look.dtype
        self._look = look
        self._parts = Parts(chain, look.shape, look.seen, device)

    @property
    def grain(self) -> tuple[int, int]:
        return self._parts.grain

    def job(self, rows: Run, columns: Run) -> Job:
        return self._parts.job(rows, columns)

    def read(self, leaf: Job, image: Array) -> Array:
        return self._parts.read(leaf, image)

    def make(self, job: Job, rows: Run, columns: Run, windows: Sequence[Array]) -> Array:
        look, home = self._look, backends.owner(windows[0])
        given = [taken(look.pixels(window), look.channels, look.linear) for window in windows]
        made = _made(self._parts, job, rows, columns, given, home)
        return _back(shown(made, look.dtype, look.channels, look.linear), home)

    def peak(self, job: Job) -> int:
        return self._parts.peak(job) + self._look.around([job], job)


@dataclass(frozen=True)
class _Several:
    """What makes the same pixels with and without alpha."""

    plain: Job
    weighted: Job
    #: Of what the filter makes of full coverage.
    full: Job
    #: Of the coverage of what is read.
    cover: Job
    #: The pixels themselves, where no window has all of them.
    own: tuple[Job, ...]

    @property
    def leaves(self) -> tuple[Job, ...]:
        """What is read of the image, each window once."""
        jobs = self.plain, self.weighted, self.cover, *self.own
        return tuple(dict.fromkeys(leaf for job in jobs for leaf in job.leaves))


class _Weighted:
    """Parts of an image with alpha, of which only those that need it are premultiplied."""

    def __init__(self, chain: Chain, look: _Look, device: str) -> None:
        self.result, self.channels, self.written = look.shape, look.channels, look.dtype
        self._chain, self._look = chain, look
        self._work = np.dtype(dtypes.rule(look.dtype).accumulator)
        self._plain = _Straight(chain, look.opaque, device)
        self._weighted = Parts(chain, look.shape, self._work, device)
        self._full = Parts(chain, look.size, self._work, device)
        self._least = Parts(chain.least(look.size), look.size, np.dtype(np.uint8))
        self._alike = list(map(_reach, self._least.plans)) == list(map(_reach, self._full.plans))

    @property
    def grain(self) -> tuple[int, int]:
        plain, weighted = self._plain.grain, self._weighted.grain
        return max(plain[0], weighted[0]), max(plain[1], weighted[1])

    def job(self, rows: Run, columns: Run) -> _Several:
        plain, weighted, full = (
            parts.job(rows, columns) for parts in (self._plain, self._weighted, self._full)
        )
        inside = any(_holds(leaf, rows, columns) for leaf in weighted.leaves)
        there = Needs(rows[0], (rows,)), Needs(columns[0], (columns,))
        own = () if inside else (Job(0, rows, columns, *there),)
        cover = weighted if self._alike else self._least.job(rows, columns)
        return _Several(plain, weighted, full, cover, own)

    def read(self, leaf: Job, image: Array) -> Array:
        return self._weighted.read(leaf, image)

    def make(self, job: _Several, rows: Run, columns: Run, windows: Sequence[Array]) -> Array:
        look, home = self._look, backends.owner(windows[0])
        pixels = {
            leaf: look.pixels(window) for leaf, window in zip(job.leaves, windows, strict=True)
        }
        covered = [opaque(pixels[leaf]).view(np.uint8) for leaf in job.cover.leaves]
        alone = self._least.make(job.cover, rows, columns, covered).view(bool)[..., np.newaxis]
        if not alone.any():
            return _back(self._with_alpha(job, rows, columns, pixels, home), home)
        colour = [_back(without_alpha(pixels[leaf]), home) for leaf in job.plain.leaves]
        made = self._plain.make(job.plain, rows, columns, colour)
        plain = with_cover(home.asnumpy(made), look.dtype)
        if alone.all():
            return _back(plain, home)
        weighted = self._with_alpha(job, rows, columns, pixels, home)
        return _back(np.where(alone, plain, weighted), home)

    def _with_alpha(
        self, job: _Several, rows: Run, columns: Run, pixels: dict[Job, Array], home: Any
    ) -> Array:
        """Return rows and columns of the result, in host memory, from premultiplied pixels."""
        look = self._look
        stack = [premultiplied(pixels[leaf], look.linear) for leaf in job.weighted.leaves]
        result = _made(self._weighted, job.weighted, rows, columns, stack, home)
        full = None
        if self._covers:
            full = _made(self._full, job.full, rows, columns, self._of_white(job.full), home)
        own = _own(job, rows, columns, pixels)
        return unweighted(own, result, full, look.dtype, look.linear)

    @cached_property
    def _covers(self) -> bool:
        """Whether coverage, filtered, is coverage."""
        parts = Parts(self._chain, self._look.size, self._work)
        rows, columns = ((n // 2, n // 2 + 1) for n in self._look.size)
        job = parts.job(rows, columns)
        middle = parts.make(job, rows, columns, self._of_white(job))
        return covers(middle, white(self._look.dtype))

    def _of_white(self, job: Job) -> list[Array]:
        """Return windows of full coverage."""
        top = white(self._look.dtype)
        return [np.full(leaf.window, top, self._work) for leaf in job.leaves]

    def peak(self, job: _Several) -> int:
        weighted, full = self._weighted.peak(job.weighted), self._full.peak(job.full)
        around = self._look.around(job.leaves, job.weighted)
        return self._plain.peak(job.plain) + weighted + full + around


def _made(
    parts: Parts, job: Job, rows: Run, columns: Run, windows: Sequence[Array], home: Any
) -> Array:
    """Return a part in host memory, made of windows there by the engine `home`."""
    made = parts.make(job, rows, columns, [_back(window, home) for window in windows])
    there: Array = home.asnumpy(made)
    return there


def _back(pixels: Array, home: Any) -> Array:
    """Return pixels in host memory where an engine has its own."""
    there: Array = home.asarray(pixels)
    return there


def _reach(plans: Sequence[Task]) -> tuple[int, int, int, int]:
    """Return the first and last rows and columns around a pixel that plans read."""
    high = [plan.y.source(0, 1) for plan in plans]
    wide = [plan.x.source(0, 1) for plan in plans]
    return min(high)[0], max(stop for _, stop in high), min(wide)[0], max(stop for _, stop in wide)


def _holds(leaf: Job, rows: Run, columns: Run) -> bool:
    """Return whether the window of a leaf has all of some rows and columns."""
    return all(
        need.origin <= run[0] and run[1] <= need.origin + need.size
        for need, run in ((leaf.high, rows), (leaf.wide, columns))
    )


def _own(job: _Several, rows: Run, columns: Run, pixels: dict[Job, Array]) -> Array:
    """Return the pixels where a part of the result lies."""
    leaf = next(leaf for leaf in (*job.own, *job.weighted.leaves) if _holds(leaf, rows, columns))
    y, x = leaf.high.origin, leaf.wide.origin
    return pixels[leaf][rows[0] - y : rows[1] - y, columns[0] - x : columns[1] - x]
