"""Sums of separable terms: a column pass and a row pass for each, as banded products."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gpuconv.algorithms.direct import STRIP
from gpuconv.backends.host.bands import band, groups, products, reach
from gpuconv.backends.host.block import Block, Strips, every, scratch
from gpuconv.cost.blocks import COLUMN_GROUP, LONG_STRIDE, ROW_GROUP
from gpuconv.plan import Plan

__all__ = ["block", "strips"]

Array = NDArray[Any]
Steps: TypeAlias = list[Callable[[], object]]

#: Outputs of a row group, where the taps outnumber it.
_LONG_ROW_GROUP = 32

#: Taps so far apart that a band has this many pixels for each of them are added up one by one: an
#: addition and a multiplication of whole arrays take as long as so many zeros of a product.
_SPARSE = 4

#: Output columns of a piece of sums.
_PIECE = 512


class _Passes:
    """The two passes over a tile of one shape, and their scratch but for the pixels."""

    def __init__(self, plan: Plan, height: int, width: int) -> None:
        y, x, self.dtype = plan.y, plan.x, plan.accumulator
        self._y, self._x, self._height = y, x, height
        self._tall = COLUMN_GROUP if y.stride <= LONG_STRIDE else 1
        group = ROW_GROUP if x.taps <= _LONG_ROW_GROUP else _LONG_ROW_GROUP
        self.group = group if x.stride <= LONG_STRIDE else 1
        self._high, self.wide = -(-height // self._tall), -(-width // self.group)
        self.rows = reach(self._high * self._tall, y.taps, y.stride, y.dilation)
        self.columns = reach(self.wide * self.group, x.taps, x.stride, x.dilation)
        line = reach(self.group, x.taps, x.stride, x.dilation)
        self._sparse = line > _SPARSE * x.taps * x.stride
        self._terms = [tuple(part.astype(self.dtype) for part in term) for term in plan.terms]
        self._bands = [self._bands_of(*term) for term in self._terms]

    def _bands_of(self, column: Array, row: Array) -> tuple[Array, Array]:
        """Return the matrices of a term: for all strips and pieces the same."""
        y, x = self._y, self._x
        down = band(column, self._tall, y.stride, y.dilation)
        across = band(row, 1 if self._sparse else self.group, x.stride, x.dilation)
        return down, across.T.copy()

    def between(self) -> Array:
        """Return room for what a column pass makes."""
        return scratch(self._high * self._tall, self.columns, self.dtype)

    def sums(self, width: int) -> Array:
        """Return room for what row passes make of so many groups."""
        return scratch(self._height, width * self.group, self.dtype)

    def down(self, term: int, pixels: Array, between: Array) -> Steps:
        """Return the steps of a column pass."""
        tall, high, matrix = self._tall, self._high, self._bands[term][0]
        source = groups(pixels, 0, high, tall * self._y.stride, matrix.shape[1])
        return _multiplied(matrix, source, groups(between, 0, high, tall, tall))

    def across(self, term: int, between: Array, sums: Array, first: int = 0) -> Steps:
        """Return the steps of a row pass, from group number `first` on."""
        group, x = self.group, self._x
        wide = sums.shape[1] // group
        source = between[: self._height, first * group * x.stride :]
        if self._sparse:
            return self._tap_by_tap(self._terms[term][1], source, sums)
        matrix = self._bands[term][1]
        lines = groups(source, 1, wide, group * x.stride, matrix.shape[0])
        return _multiplied(lines, matrix, groups(sums, 1, wide, group, group))

    def _tap_by_tap(self, row: Array, source: Array, sums: Array) -> Steps:
        steps: Steps = []
        term = np.empty_like(sums)
        for tap, weight in enumerate(row):
            under = source[:, every(tap, self._x, sums.shape[1])]
            steps.append(partial(np.multiply, under, weight, out=term if tap else sums))
            if tap:
                steps.append(partial(np.add, sums, term, out=sums))
        return steps


def block(plan: Plan, height: int, width: int) -> Block:
    """Return a block for sums of separable terms."""
    passes = _Passes(plan, height, width)
    pixels = scratch(passes.rows, passes.columns, passes.dtype)
    sums = passes.sums(passes.wide)
    if plan.y.taps == len(plan.terms) == 1 == plan.terms[0][0][0]:
        row_alone = [passes.across(0, pixels[:: plan.y.stride], sums)]
        return Block(pixels, _summed(row_alone, sums, sums, width))
    between = passes.between()
    part = passes.sums(passes.wide) if len(plan.terms) > 1 else sums
    steps = [
        passes.down(term, pixels, between) + passes.across(term, between, part if term else sums)
        for term in range(len(plan.terms))
    ]
    return Block(pixels, _summed(steps, sums, part, width))


def strips(plan: Plan, height: int, width: int) -> Strips | None:
    """Return strips for sums of separable terms; None where a tile is small enough to be one.

    A long column makes a few output rows of very many pixels. These are loaded and filtered along y
    strip by strip, and only what that leaves is kept for the row pass.
    """
    passes = _Passes(plan, height, width)
    line = passes.group * plan.x.stride
    wide = max(STRIP // (passes.rows * passes.dtype.itemsize) // line, 1) * line
    if wide >= passes.columns:
        return None
    pixels = scratch(passes.rows, wide, passes.dtype)
    betweens = [passes.between() for _ in plan.terms]
    each = min(max(_PIECE // passes.group, 1), passes.wide)
    sums = passes.sums(each)
    part = passes.sums(each) if len(plan.terms) > 1 else sums

    def strip(start: int) -> tuple[slice, Callable[[], None]]:
        here = slice(start, min(start + wide, passes.columns))
        count = here.stop - start
        steps = [
            step
            for term, between in enumerate(betweens)
            for step in passes.down(term, pixels[:, :count], between[:, here])
        ]
        return here, lambda: _take(steps)

    def piece(first: int) -> tuple[slice, Callable[[], Array]]:
        count = min(each, passes.wide - first)
        start, stop = first * passes.group, min((first + count) * passes.group, width)
        here, other = sums[:, : count * passes.group], part[:, : count * passes.group]
        steps = [
            passes.across(term, between, other if term else here, first)
            for term, between in enumerate(betweens)
        ]
        return slice(start, stop), _summed(steps, here, other, stop - start)

    return Strips(
        pixels,
        tuple(strip(start) for start in range(0, passes.columns, wide)),
        tuple(piece(first) for first in range(0, passes.wide, each)),
        sum(array.nbytes for array in (pixels, sums, part, *betweens)),
    )


def _multiplied(left: Array, right: Array, out: Array) -> Steps:
    return [partial(np.matmul, a, b, out=c) for a, b, c in products(left, right, out)]


def _take(steps: Steps) -> None:
    for step in steps:
        step()


def _summed(terms: list[Steps], sums: Array, part: Array, width: int) -> Callable[[], Array]:
    """Return a call of all terms' steps, of which the first writes `sums`, the others `part`."""
    result = sums[:, :width]
    steps = list(terms[0])
    for other in terms[1:]:
        steps += [*other, partial(np.add, sums, part, out=sums)]

    def compute() -> Array:
        _take(steps)
        return result

    return compute
