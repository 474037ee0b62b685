"""A filter over output tiles of one shape: scratch with all views into it made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import tiling

__all__ = ["Block", "Strips", "every", "scratch", "summed"]

Array = NDArray[Any]

_CACHE_LINE = 64


@dataclass(frozen=True)
class Block:
    """Scratch for output tiles of one shape, and the filter from `pixels` to the returned sums.

    A tile with its halo is loaded into the top left of `pixels`; what lies beyond stays zero, as
    some algorithms read it. Sums are before the division; the caller may overwrite them.
    """

    pixels: Array
    compute: Callable[[], Array]
    #: Takes the sums again where one of them is not finite, as the algorithm smears NaN and
    #: infinity beyond the footprint; None: tap by tap.
    repair: Callable[[], Array] | None = None
    #: Whether NaN and infinity may be smeared at all.
    smears: bool = True


@dataclass(frozen=True)
class Strips:
    """Scratch for output tiles of one shape which are so large that their parts take turns in it.

    Each strip of pixels is loaded into the top left of `pixels`, and its call made; when all have
    been, the calls of all pieces return sums.
    """

    pixels: Array
    #: Columns of the tile's pixels, and what is called when they are loaded.
    strips: tuple[tuple[slice, Callable[[], None]], ...]
    #: Columns of the tile's outputs, and what returns their sums.
    pieces: tuple[tuple[slice, Callable[[], Array]], ...]
    #: Of all scratch.
    bytes: int


def scratch(rows: int, columns: int, dtype: np.dtype[Any]) -> Array:
    """Return zeros, their rows an odd number of cache lines apart so that few share a set."""
    line = _CACHE_LINE // dtype.itemsize
    lines = -(-columns // line) | 1
    return np.zeros((rows, lines * line), dtype)[:, :columns]


def every(tap: int, axis: tiling.Axis, count: int) -> slice:
    """Return the pixels of a tile under one tap, for `count` outputs.

    Examples
    --------
    >>> every(1, tiling.axis(100, 3, 1, stride=2, dilation=5), 4)
    slice(5, 12, 2)
    """
    start = tap * axis.dilation
    return slice(start, start + (count - 1) * axis.stride + 1, axis.stride)


def summed(
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
