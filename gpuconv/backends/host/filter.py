"""What happens to a piece of an image on its way to the output: loaded, filtered, stored."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.host.bands import groups
from gpuconv.backends.host.block import Block, Strips, scratch
from gpuconv.backends.host.definition import by_definition
from gpuconv.backends.host.load import load, loading
from gpuconv.backends.host.pieces import Piece
from gpuconv.border import Span, span
from gpuconv.dtypes import store
from gpuconv.plan import Plan

__all__ = ["REMEMBERED", "Filter", "StripFilter", "finish", "finishing", "stacked", "sums"]

Array = NDArray[Any]

#: Pieces of which a filter remembers how they are loaded: all of a small image.
REMEMBERED = 64

#: Algorithms whose sums are off by no more than rounding leaves: not by what a transform does of
#: values elsewhere, or a recursion of what is far away.
_EXACT = ("box", "dense", "scale", "separable")
#: The largest byte.
_BYTE = 255

#: A block's scratch, in units of its pixels.
_SCRATCH = 5

#: Sums of a tile that are added up in one call: below, a second one would take longer than the
#: numbers themselves (``python -m benchmarks.calls`` after editing).
_FEW = 64 * 64


class Filter:
    """A block at work on pieces of one shape, of a plane (H, W) or of several (planes, H, W)."""

    def __init__(
        self, plan: Plan, block: Block, shape: tuple[int, int], stack: tuple[int, int] | None
    ) -> None:
        self._plan, self._block = plan, block
        self._shape, self._stack = shape, None
        self._pixels = block.pixels
        if stack:
            count, apart = stack
            rows = (shape[0] - 1) * plan.y.stride + plan.y.footprint
            self._pixels = groups(block.pixels, 0, count, apart * plan.y.stride, rows)
            self._stack = count, apart, shape[0]
            self._shape = stacked(shape, stack)
        self._finish = finishing(plan)
        self._loads = dict[tuple[range, range], Callable[[Array], None]]()
        #: Bytes of scratch, about: pixels, copies of them, sums.
        self.bytes = _SCRATCH * block.pixels.nbytes

    def __call__(self, piece: Piece, image: Array, out: Array) -> None:
        """Filter a piece."""
        self._loading(piece)(image)
        found = sums(self._plan, self._block, self._shape)
        if self._stack:
            found = groups(found, 0, *self._stack)
        self._finish(found, out[..., piece.rows, piece.columns])

    def _loading(self, piece: Piece) -> Callable[[Array], None]:
        key = piece.source_rows, piece.source_columns
        known = self._loads.get(key)
        if known is None:
            known = loading(*_spans(self._plan, *key), self._plan.cval, self._pixels)
            if len(self._loads) < REMEMBERED:
                self._loads[key] = known
        return known


class StripFilter:
    """Strips at work on pieces of one shape, of one plane."""

    def __init__(self, plan: Plan, strips: Strips) -> None:
        self._plan, self._strips = plan, strips
        self._finish = finishing(plan)
        self.bytes = strips.bytes

    def __call__(self, piece: Piece, image: Array, out: Array) -> None:
        """Filter a piece."""
        plan, target = self._plan, out[piece.rows, piece.columns]
        for columns, ready in self._strips.strips:
            spans = _spans(plan, piece.source_rows, piece.source_columns[columns])
            load(image, *spans, plan.cval, self._strips.pixels)
            ready()
        for columns, compute in self._strips.pieces:
            found = compute()
            if _doubtful(plan, found):
                found = self._again(piece, columns, image)
            self._finish(found, target[:, columns])

    def _again(self, piece: Piece, columns: slice, image: Array) -> Array:
        """Return the sums of some columns of a piece by definition, from pixels loaded anew."""
        x, source = self._plan.x, piece.source_columns
        first = source.start + columns.start * x.stride
        count = columns.stop - columns.start
        across = range(first, first + (count - 1) * x.stride + x.footprint)
        pixels = scratch(len(piece.source_rows), len(across), self._plan.accumulator)
        load(image, *_spans(self._plan, piece.source_rows, across), self._plan.cval, pixels)
        return by_definition(self._plan, pixels, (piece.shape[0], count))


def stacked(shape: tuple[int, int], stack: tuple[int, int]) -> tuple[int, int]:
    """Return the shape of the outputs of (count, apart) planes, one below the other."""
    count, apart = stack
    return (count - 1) * apart + shape[0], shape[1]


def _spans(plan: Plan, rows: range, columns: range) -> tuple[Span, Span]:
    return (
        span(plan.border[0], rows.start, rows.stop, plan.y.n, rows.step),
        span(plan.border[1], columns.start, columns.stop, plan.x.n),
    )


def sums(plan: Plan, block: Block, shape: tuple[int, int]) -> Array:
    """Return the sums over what was loaded into a block, for a tile of `shape`."""
    found = block.compute()
    if block.smears and _doubtful(plan, found):
        return block.repair() if block.repair else by_definition(plan, block.pixels, shape)
    return found


def _doubtful(plan: Plan, found: Array) -> bool:
    """Return whether NaN or infinity may have been smeared over sums.

    A band multiplies its zeros by pixels beside the footprint. Where one of those is NaN or
    infinite the sum over the tile is too, and the tile is done again.
    """
    if _finite(plan):
        return False
    if found.size > _FEW:  # rows are added to each other faster than the numbers of a row
        found = np.add.reduce(found)
    return not isfinite(np.add.reduce(found, axis=None))


def _finite(plan: Plan) -> bool:
    """Return whether no NaN and no infinity can be read."""
    return plan.dtype.kind != "f" and isfinite(plan.cval)


def finish(plan: Plan, found: Array, out: Array) -> None:
    """Turn sums into results, and store them; the sums are used as scratch."""
    finishing(plan)(found, out)


def finishing(plan: Plan) -> Callable[[Array, Array], None]:
    """Return a call that turns sums into results, and stores them; it uses the sums as scratch."""
    divisor, epilogue = plan.kernel.divisor, plan.epilogue
    limits = None if epilogue.wrap else _limits(plan)
    few_bits = epilogue.wrap and _in_32_bits(plan)
    fits = limits is not None and _fits(plan)

    def finish(found: Array, out: Array) -> None:
        if out.dtype == found.dtype and not epilogue.computes:
            if divisor == 1:
                out[...] = found
            else:
                np.divide(found, divisor, out=out)
            return
        if divisor != 1:
            np.divide(found, divisor, out=found)
        epilogue.apply(found)
        if few_bits:
            np.copyto(out, found.astype(np.int32), casting="unsafe")
        elif limits:
            np.rint(found, out=found)
            if not fits:
                found.clip(*limits, out=found)
            np.copyto(out, found, casting="unsafe")
        else:
            store(found, out, epilogue.wrap)

    return finish


def _in_32_bits(plan: Plan) -> bool:
    """Return whether results that are wrapped fit 32 bits before."""
    kernel, epilogue = plan.kernel, plan.epilogue
    if plan.out_dtype.kind not in "iu" or plan.masked or not _finite(plan):
        return False
    pixels = np.iinfo(plan.dtype)
    largest = max(-int(pixels.min), int(pixels.max), abs(plan.cval)) * kernel.total
    largest /= abs(kernel.divisor)
    largest = abs(epilogue.scale) * largest + abs(epilogue.offset)
    ends = abs(epilogue.low or 0), abs(epilogue.high or 0)
    # Half of what there is, as sums are rounded on their way.
    return bool(max(largest, *ends) < 2**30)


def _fits(plan: Plan) -> bool:
    """Return whether sums of bytes, rounded, are bytes: those of weights ≥ 0 that come to 1."""
    if not plan.dtype == plan.out_dtype == np.uint8 or plan.epilogue.computes:
        return False
    if plan.algorithm not in _EXACT or not 0 <= plan.cval <= _BYTE:
        return False
    kernel = plan.kernel
    # Half of what rounding forgives; the rest is for sums in float32.
    largest = _BYTE * kernel.total / kernel.divisor
    positive = kernel.divisor > 0 and all(bool(np.all(part >= 0)) for part in kernel.parts)
    return positive and largest <= _BYTE + 0.25


def _limits(plan: Plan) -> tuple[int, int] | None:
    """Return the least and the largest integer of an output, if nothing more is to be minded.

    Sums hold these limits exactly, and none of them is NaN.
    """
    written = np.iinfo(plan.out_dtype) if plan.out_dtype.kind in "iu" else None
    if written is None or written.bits == 64 or plan.masked or not _finite(plan):
        return None
    largest = float(np.finfo(plan.accumulator).max)
    if plan.kernel.total * max(2.0**64, abs(plan.cval)) >= largest:
        return None
    return int(written.min), int(written.max)
