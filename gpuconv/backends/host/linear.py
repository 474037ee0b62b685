"""Dense and separable correlation, a tile at a time.

A tile is loaded with its halo, filtered by products with banded matrices, and stored. Each thread
keeps a :class:`_Block` for every tile shape it meets (four at most: inner, last column, last row,
corner): scratch, with all views into it made once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from math import isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import tiling
from gpuconv.backends.host.bands import band, groups, multiply, reach
from gpuconv.backends.host.load import load
from gpuconv.backends.host.threads import deal, thread_count
from gpuconv.border import span
from gpuconv.dtypes import store
from gpuconv.plan import Plan

__all__ = ["run"]

Array = NDArray[Any]

#: Output rows of a dense group: more would multiply more zeros of the band, fewer give BLAS too
#: little to do. 4 is best from 3×3 to 31×31, 8 is 10–30 % behind (``make bench`` after editing).
_DENSE_GROUP = 4
#: Outputs of a column group and of a row group; the long one where the taps outnumber it.
_COLUMN_GROUP = 8
_ROW_GROUP, _LONG_ROW_GROUP = 16, 32

#: Groups beyond this stride would span far more pixels than they read: then each output is its own.
_LONG_STRIDE = 16

#: Multiply–adds of a call below which a second thread costs more than it saves.
_WORTH_SHARING = 2 * 10**7

#: Bytes for the shifted copies of a dense tile, per thread; large kernels take several rounds.
_COPIES = 3 * 2**20

#: Pixels of an output that counts as small: making a block then takes as long as filtering, so each
#: thread keeps that of its last plan (5 MB at most).
_SMALL = 2**16
_kept = threading.local()

_CACHE_LINE = 64


@dataclass(frozen=True)
class _Block:
    """Scratch for output tiles of one shape, and the filter from `pixels` to the returned sums.

    Pixels that only the unused end of a last group would read stay zero, as bands multiply them.
    """

    pixels: Array
    compute: Callable[[], Array]


def run(plan: Plan, image: Array, out: Array) -> None:
    """Filter `image` (…, H, W) into `out` as `plan` says; they must not overlap."""
    tiles = list(tiling.tiles(plan.y, plan.x, *plan.tile))
    planes = list(product(*map(range, plan.batch)))

    def work(deck: Iterator[int]) -> None:
        # Taken out while in use, so that nobody who interrupts this thread can find it.
        last, blocks = vars(_kept).pop("last", (None, {}))
        blocks = blocks if last is plan else {}
        with np.errstate(all="ignore"):
            for item in deck:
                tile, plane = tiles[item // len(planes)], planes[item % len(planes)]
                if tile.shape not in blocks:
                    blocks[tile.shape] = (_separable if plan.terms else _dense)(plan, *tile.shape)
                _filter(plan, blocks[tile.shape], tile, image[plane], out[plane])
        if plan.y.out * plan.x.out <= _SMALL:
            _kept.last = plan, blocks

    worth = plan.operations * prod(plan.shape) > _WORTH_SHARING
    deal(work, len(tiles) * len(planes), thread_count() if worth else 1)


def _filter(plan: Plan, block: _Block, tile: tiling.Tile, image: Array, out: Array) -> None:
    rows = span(plan.border[0], *tile.source_rows, plan.y.n)
    columns = span(plan.border[1], *tile.source_columns, plan.x.n)
    load(image, rows, columns, plan.cval, block.pixels)
    sums = block.compute()
    # A band multiplies its zeros by pixels beside the footprint. Where one of those is NaN or
    # infinite the sum over the tile is too, and the tile is done again by definition.
    finite = plan.dtype.kind != "f" and isfinite(plan.cval)
    if not finite and not np.isfinite(sums.sum()):
        sums = _by_definition(plan, block.pixels, tile.shape)
    if plan.kernel.divisor != 1:
        sums /= plan.kernel.divisor
    store(sums, out[tile.rows, tile.columns])


def _scratch(rows: int, columns: int, dtype: np.dtype[Any]) -> Array:
    """Return zeros, their rows an odd number of cache lines apart so that few share a set."""
    line = _CACHE_LINE // dtype.itemsize
    lines = -(-columns // line) | 1
    return np.zeros((rows, lines * line), dtype)[:, :columns]


def _dense(plan: Plan, height: int, width: int) -> _Block:
    """Return a block for dense kernels: one product per group of rows.

    The pixels under each kernel column are copied to rows of their own, so that all pixels that a
    group of output rows is made from stand in one matrix, kernel column beside kernel column.
    Large kernels take a few columns at a time, which bounds the copies.
    """
    y, x, dtype = plan.y, plan.x, plan.accumulator
    group = _DENSE_GROUP if y.stride <= _LONG_STRIDE else 1
    count = -(-height // group)
    weights = plan.kernel.numerators.astype(dtype)
    rows = reach(count * group, y.taps, y.stride, y.dilation)
    pixels = _scratch(rows, reach(width, x.taps, x.stride, x.dilation), dtype)
    at_once = min(x.taps, max(1, _COPIES // (rows * width * dtype.itemsize)))
    copies = _scratch(rows * at_once, width, dtype)
    sums, part = (np.empty((count, group, width), dtype) for _ in range(2))

    def some(first: int, target: Array) -> Callable[[], None]:
        taps = weights[:, first : first + at_once]
        here = copies[: rows * taps.shape[1]]
        moves = [
            (here[column :: taps.shape[1]], pixels[:, _every(first + column, x, width)])
            for column in range(taps.shape[1])
        ]
        matrix = band(taps, group, y.stride, y.dilation).reshape(group, -1)
        step = group * y.stride * taps.shape[1]
        source = groups(here, 0, count, step, matrix.shape[1])

        def copy_and_multiply() -> None:
            for copy, shifted in moves:
                np.copyto(copy, shifted)
            multiply(matrix, source, target)

        return copy_and_multiply

    rounds = [some(j, part if j else sums) for j in range(0, x.taps, at_once)]
    return _Block(pixels, _summed(rounds, sums, part, sums.reshape(-1, width)[:height]))


def _summed(
    steps: list[Callable[[], None]], sums: Array, part: Array, result: Array
) -> Callable[[], Array]:
    """Return a call of all steps, of which the first writes `sums` and the others `part`."""
    first, *others = steps

    def compute() -> Array:
        first()
        for other in others:
            other()
            np.add(sums, part, out=sums)
        return result

    return compute


def _separable(plan: Plan, height: int, width: int) -> _Block:
    """Return a block for sums of separable terms: a column pass and a row pass for each."""
    y, x, dtype = plan.y, plan.x, plan.accumulator
    tall = _COLUMN_GROUP if y.stride <= _LONG_STRIDE else 1
    group = _ROW_GROUP if x.taps <= _LONG_ROW_GROUP else _LONG_ROW_GROUP
    group = group if x.stride <= _LONG_STRIDE else 1
    high, wide = -(-height // tall), -(-width // group)
    rows = reach(high * tall, y.taps, y.stride, y.dilation)
    columns = reach(wide * group, x.taps, x.stride, x.dilation)
    pixels = _scratch(rows, columns, dtype)
    between = _scratch(high * tall, columns, dtype)
    sums, part = (_scratch(height, wide * group, dtype) for _ in range(2))

    def passes(column: Array, row: Array, target: Array) -> Callable[[], None]:
        matrix = band(column.astype(dtype), tall, y.stride, y.dilation)
        source = groups(pixels, 0, high, tall * y.stride, matrix.shape[1])
        middle = groups(between, 0, high, tall, tall)
        across = band(row.astype(dtype), group, x.stride, x.dilation).T.copy()
        lines = groups(between[:height], 1, wide, group * x.stride, across.shape[0])
        result = groups(target, 1, wide, group, group)

        def both() -> None:
            multiply(matrix, source, middle)
            multiply(lines, across, result)

        return both

    terms = [passes(*term, part if i else sums) for i, term in enumerate(plan.terms)]
    return _Block(pixels, _summed(terms, sums, part, sums[:, :width]))


def _by_definition(plan: Plan, pixels: Array, shape: tuple[int, int]) -> Array:
    """Filter tap by tap, reading no pixel but those under a weight ≠ 0."""
    y, x, weights = plan.y, plan.x, plan.kernel.numerators
    # Terms found for dense weights are equal to them up to rounding, zeros perhaps not among them.
    if len(plan.terms) != 1 or ((np.outer(*plan.terms[0]) != 0) != (weights != 0)).any():
        return _taps(pixels, weights, y, x, shape)
    (column, row) = plan.terms[0]
    wide = (shape[1] - 1) * x.stride + x.footprint
    between = _taps(pixels, column[:, None], y, _IDLE, (shape[0], wide))
    return _taps(between, row[None, :], _IDLE, x, shape)


#: The axis along which a 1-D pass does nothing.
_IDLE = tiling.axis(1, 1, 0)


def _taps(
    pixels: Array, weights: Array, y: tiling.Axis, x: tiling.Axis, shape: tuple[int, int]
) -> Array:
    """Return Σ weight · shifted pixels over weights ≠ 0."""
    total = np.zeros(shape, pixels.dtype)
    for row, column in np.argwhere(weights):
        shifted = pixels[_every(row, y, shape[0]), _every(column, x, shape[1])]
        total += pixels.dtype.type(weights[row, column]) * shifted
    return total


def _every(tap: int, axis: tiling.Axis, count: int) -> slice:
    """Return the pixels of a tile under one tap, for `count` outputs."""
    start = tap * axis.dilation
    return slice(start, start + (count - 1) * axis.stride + 1, axis.stride)
