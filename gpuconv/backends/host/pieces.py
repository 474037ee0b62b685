"""What an output falls into: tiles, and planes that go through a block together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import gcd
from typing import Any, TypeAlias

from numpy.typing import NDArray

from gpuconv import tiling
from gpuconv.plan import Plan

__all__ = ["Piece", "grain", "pieces", "planes", "undilated"]

Array = NDArray[Any]
#: What picks planes from an image or an output: one, or a run of them along the last batch axis.
Index: TypeAlias = tuple[int | slice, ...]


@dataclass(frozen=True)
class Piece:
    """A piece of the output, and the image positions that it is made from."""

    shape: tuple[int, int]
    rows: slice
    columns: slice
    source_rows: range
    source_columns: range


def undilated(plan: Plan) -> Plan:
    """Return the plan of a piece: rows between the taps of a dilated kernel are left out of it."""
    if _apart(plan) == 1 == _dilation(plan):
        return plan
    stride = plan.y.stride // gcd(plan.y.stride, plan.y.dilation)
    return replace(plan, y=replace(plan.y, stride=stride, dilation=1))


def _dilation(plan: Plan) -> int:
    """Return the distance of taps between which rows are left out; other algorithms read them."""
    split = plan.algorithm in ("dense", "separable") and plan.y.taps > 1
    return plan.y.dilation if split else 1


def _apart(plan: Plan) -> int:
    """Return how far apart the outputs are that are made from the same rows."""
    return _dilation(plan) // gcd(plan.y.stride, _dilation(plan))


def grain(plan: Plan) -> tuple[int, int]:
    """Return the rows and columns of outputs after which pieces lie as they do at the start."""
    return plan.tile[0] * _apart(plan), plan.tile[1]


def pieces(plan: Plan) -> Iterator[Piece]:
    """Yield the pieces of one plane's output.

    The outputs of a kernel dilated along y fall into classes of rows so far apart that they are
    made from the same image rows, and none of these lies between the taps. Each class is the output
    of a kernel that is not dilated.
    """
    y, dilation, apart = plan.y, _dilation(plan), _apart(plan)
    stride = y.stride * apart // dilation
    for first in range(min(apart, y.out)):
        count = len(range(first, y.out, apart))
        axis = tiling.Axis(y.n, count, y.taps, 0, stride, y.dilation // dilation)
        offset = y.offset + first * y.stride
        for tile in tiling.tiles(axis, plan.x, *plan.tile):
            top, bottom = tile.rows.start, tile.rows.stop
            start, stop = tile.source_rows
            yield Piece(
                tile.shape,
                slice(first + top * apart, first + (bottom - 1) * apart + 1, apart),
                tile.columns,
                range(offset + start * dilation, offset + (stop - 1) * dilation + 1, dilation),
                range(*tile.source_columns),
            )


def planes(image: Array, out: Array, together: int) -> tuple[Array, Array, list[Index]]:
    """Return an image and an output, their batch axes merged where they can be, and indices.

    Each index picks `together` planes of both, or fewer; single planes have no axis of their own.
    """
    if image.ndim > 3 and _merges(image) and _merges(out):
        image, out = (array.reshape(-1, *array.shape[-2:]) for array in (image, out))
    if image.ndim == 2 or together == 1:
        return image, out, list(product(*map(range, image.shape[:-2])))
    *outer, count = image.shape[:-2]
    runs = [slice(start, start + together) for start in range(0, count, together)]
    return image, out, [(*i, run) for i in product(*map(range, outer)) for run in runs]


def _merges(array: Array) -> bool:
    """Return whether steps along the batch axes are those of one axis."""
    shape, strides = array.shape[:-2], array.strides
    return all(strides[i] == shape[i + 1] * strides[i + 1] for i in range(len(shape) - 1))
