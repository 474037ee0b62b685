"""Sums in SciPy's order: a tap of all outputs of a tile, then the next.

The rows of a tile lie one behind the other, and a tap is a shift along that run: each step is a
single loop of NumPy's. Rows that lie under no tap are not loaded: a kernel of three dimensions,
which is one of two with many rows of zeros, reads what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.algorithms.ordered import Order, order, pitch
from gpuconv.backends.host.bands import reach
from gpuconv.backends.host.block import every
from gpuconv.backends.host.filter import REMEMBERED, finishing
from gpuconv.backends.host.load import loading
from gpuconv.backends.host.pieces import Piece
from gpuconv.border import span
from gpuconv.plan import Plan

__all__ = ["OrderedFilter"]

Array = NDArray[Any]


@dataclass(frozen=True)
class _Strip:
    """Neighbouring rows that are read: where they begin in the tile's source, and in scratch."""

    start: int
    stop: int
    place: int


class OrderedFilter:
    """Taps in their order, at work on pieces of one shape, of one plane."""

    def __init__(self, plan: Plan, shape: tuple[int, int]) -> None:
        y, x = plan.y, plan.x
        self._plan, self._shape = plan, shape
        used = order(plan.kernel)
        self._strips = _strips(plan, used, shape[0])
        rows = sum(strip.stop - strip.start for strip in self._strips) or 1
        self._columns = reach(shape[1], x.taps, x.stride, x.dilation)
        self._pitch = pitch(self._columns)
        # As much again as the last row is long: shifts run on beyond it.
        self._pixels = np.zeros((rows + 1) * self._pitch)
        self._unit = y.stride == x.stride == 1
        wide = self._pitch if self._unit else shape[1]
        room = np.zeros((2, shape[0] * wide))
        self._found = room[0].reshape(shape[0], wide)[:, : shape[1]]
        self._steps = list(self._sums(used, *room))
        self._finish = finishing(plan)
        self._loads = dict[tuple[range, range], list[Callable[[Array], None]]]()
        self.bytes = self._pixels.nbytes + room.nbytes

    def __call__(self, piece: Piece, image: Array, out: Array) -> None:
        """Filter a piece."""
        for load in self._loading(piece):
            load(image)
        for step in self._steps:
            step()
        self._finish(self._found, out[piece.rows, piece.columns])

    def _loading(self, piece: Piece) -> list[Callable[[Array], None]]:
        """Return what loads the strips of a piece."""
        across, down = key = piece.source_columns, piece.source_rows
        if key in self._loads:
            return self._loads[key]
        plan, loads = self._plan, list[Callable[[Array], None]]()
        columns = span(plan.border[1], across.start, across.stop, plan.x.n)
        for strip in self._strips:
            first, stop = down.start + strip.start, down.start + strip.stop
            rows = span(plan.border[0], first, stop, plan.y.n)
            room = self._rows(strip.place, stop - first)
            loads.append(loading(rows, columns, plan.cval, room))
        if len(self._loads) < REMEMBERED:
            self._loads[key] = loads
        return loads

    def _rows(self, first: int, count: int) -> Array:
        """Return rows of scratch."""
        rows = self._pixels.reshape(-1, self._pitch)
        return rows[first : first + count, : self._columns]

    def _sums(self, used: Order, sums: Array, part: Array) -> Iterator[Callable[[], Any]]:
        """Yield what adds the taps up in `sums`, of which the first writes it."""
        shape = self._plan.kernel.shape
        if not self._unit:
            sums, part = sums.reshape(self._shape), part.reshape(self._shape)
        if not used.taps:
            yield partial(sums.fill, 0)
        join = np.add if used.fold == 1 else np.subtract
        for i, (tap, weight) in enumerate(zip(used.taps, used.weights, strict=True)):
            pixels, other = self._under(tap), used.mirrored(tap, shape)
            if other:
                yield partial(join, pixels, self._under(other), out=part)
                pixels = part
            if i == 0:
                yield partial(np.multiply, pixels, weight, out=sums)
                continue
            if weight != 1:
                yield partial(np.multiply, pixels, weight, out=part)
                pixels = part
            yield partial(np.add, sums, pixels, out=sums)

    def _under(self, tap: tuple[int, int]) -> Array:
        """Return the pixels under a tap, of all outputs."""
        y, x, (height, width) = self._plan.y, self._plan.x, self._shape
        row = tap[0] * y.dilation
        strip = next(s for s in self._strips if s.start <= row < s.stop)
        first = strip.place + row - strip.start
        if self._unit:
            start = first * self._pitch + tap[1] * x.dilation
            return self._pixels[start : start + height * self._pitch]
        rows = self._pixels.reshape(-1, self._pitch)
        down = slice(first, first + (height - 1) * y.stride + 1, y.stride)
        return rows[down, every(tap[1], x, width)]


def _strips(plan: Plan, used: Order, height: int) -> tuple[_Strip, ...]:
    """Return the rows that are read for so many rows of outputs."""
    y, strips = plan.y, list[_Strip]()
    tall = (height - 1) * y.stride + 1
    for row in sorted({tap[0] for tap in _read(plan, used)}):
        start, stop = row * y.dilation, row * y.dilation + tall
        if strips and start <= strips[-1].stop:
            last = strips[-1]
            strips[-1] = _Strip(last.start, stop, last.place)
        else:
            place = strips[-1].place + strips[-1].stop - strips[-1].start if strips else 0
            strips.append(_Strip(start, stop, place))
    return tuple(strips)


def _read(plan: Plan, used: Order) -> Iterator[tuple[int, int]]:
    """Yield the taps that are read: those of the order, and their mirror images."""
    for tap in used.taps:
        yield tap
        yield used.mirrored(tap, plan.kernel.shape) or tap
