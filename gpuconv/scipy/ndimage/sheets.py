"""Neighbourhoods of three and more dimensions, laid out so that a filter of planes selects them.

Of a volume some planes are interleaved, row by row: the first row of each, then the second row of
each, and so on, all on one sheet. There a box of kd × kh × kw elements is kh groups of kd rows, one
group below the other at the same distance everywhere: a footprint of a plane. So it is with further
axes, and with footprints of any shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

from gpuconv import backends
from gpuconv.apply import applied
from gpuconv.arrays import Array
from gpuconv.border import FILL, source_index
from gpuconv.neighbourhood import Rank
from gpuconv.scipy.arguments import room_like
from gpuconv.scipy.ndimage.selection import Selection, choices_of

__all__ = ["select"]

#: Bytes of a sheet, about, unless the planes of one output take more.
_SHEET = 2**23
#: Output planes of a sheet, at most: with more, groups of rows lie further apart, and tiles read
#: rows that they do not need.
_PLANES = 16
#: Elements of a box beyond which counting is faster, and each output plane is a sheet of its own.
#: (24 × 64² float32 on sheets of 16 planes and of one, 6³: 440 and 6,400 ms; 7³: 1,090 and 390; 9³:
#: 8,960 and 770.)
_COUNTED = 216


def select(image: Array, wanted: Selection, cval: float, out: Array) -> None:
    """Filter an image into an array that does not overlap it, both of one dtype.

    Examples
    --------
    >>> cube = np.arange(27).reshape(3, 3, 3)
    >>> made = np.empty_like(cube)
    >>> select(cube, Selection((3, 3, 3), (1, 1, 1), ("reflect",) * 3, 13), 0, made)
    >>> made[1, 1].tolist()
    [12, 13, 14]
    """
    live = wanted.live
    others = [axis for axis in range(image.ndim) if axis not in live]
    image, out = (np.transpose(array, (*others, *live)) for array in (image, out))
    layout = _layout(
        wanted,
        image.shape[len(others) :],
        image.dtype,
        backends.owner(image).NAME,
    )
    sheet, made = (room_like(image, layout.room, image.dtype) for _ in range(2))
    choices = choices_of(("nearest", layout.borders[-1]), cval)
    for volume in np.ndindex(image.shape[: len(others)]):
        for starts in layout.blocks:
            layout.load(image[volume], starts, cval, sheet)
            applied(_flat(sheet), layout.rank, choices, None, None, _flat(made), None)
            layout.take(made, starts, out[volume])


def _flat(sheet: Array) -> Array:
    """Return a sheet (rows, planes …, columns) as the plane that it is."""
    return sheet.reshape(-1, sheet.shape[-1])


@dataclass(frozen=True)
class _Layout:
    """How the blocks of a volume become sheets; axes are (leading …, rows, columns)."""

    shape: tuple[int, ...]
    #: Of the footprint.
    size: tuple[int, ...]
    anchor: tuple[int, ...]
    borders: tuple[str, ...]
    #: Outputs of a block along the leading axes.
    block: tuple[int, ...]
    rank: Rank

    @cached_property
    def planes(self) -> tuple[int, ...]:
        """What a block reads along the leading axes."""
        return tuple(n + size - 1 for n, size in zip(self.block, self.size, strict=False))

    @cached_property
    def room(self) -> tuple[int, ...]:
        """The shape of a sheet: (rows, planes …, columns)."""
        return self.shape[-2] + self.size[-2] - 1, *self.planes, self.shape[-1]

    @cached_property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Where each block begins; the last ones overlap others, to be of the same shape."""
        starts = (
            [min(start, n - step) for start in range(0, n, step)]
            for n, step in zip(self.shape, self.block, strict=False)
        )
        return tuple(product(*starts))

    def load(self, volume: Array, starts: tuple[int, ...], cval: float, sheet: Array) -> None:
        """Fill a sheet with what a block reads."""
        height, above = self.shape[-2], self.anchor[-2]
        rows = np.moveaxis(sheet, 0, -2)
        for places in np.ndindex(self.planes):
            source = tuple(map(self._source, range(len(places)), starts, places))
            outside = FILL in source
            rows[places][above : above + height] = cval if outside else volume[source]
        beyond = [*range(above), *range(above + height, len(sheet))]
        for row in beyond:
            inside = int(source_index(self.borders[-2], row - above, height))
            sheet[row] = cval if inside == FILL else sheet[above + inside]

    def _source(self, axis: int, start: int, place: int) -> int:
        """Return which element of a leading axis lies at a place of a block."""
        position = start + place - self.anchor[axis]
        return int(source_index(self.borders[axis], position, self.shape[axis]))

    def take(self, made: Array, starts: tuple[int, ...], out: Array) -> None:
        """Put the results of a block where they belong."""
        block = tuple(slice(0, n) for n in self.block)
        there = tuple(slice(s, s + n) for s, n in zip(starts, self.block, strict=True))
        out[there] = np.moveaxis(made[: self.shape[-2], *block], 0, -2)


@lru_cache(maxsize=64)
def _layout(
    wanted: Selection, shape: tuple[int, ...], dtype: np.dtype[Any], engine: str
) -> _Layout:
    live = wanted.live
    size = tuple(wanted.shape[axis] for axis in live)
    anchor = tuple(wanted.anchor[axis] for axis in live)
    borders = tuple(wanted.borders[axis] for axis in live)
    # One output's planes make a whole rectangle of a box. GPUs have networks for no other
    # footprint; and many elements are counted, which takes a rectangle, too.
    whole = not wanted.members and (engine == "cuda" or prod(size) > _COUNTED)
    most = 1 if whole else _PLANES
    row = (shape[-2] + size[-2] - 1) * prod(size[:-3]) * shape[-1] * dtype.itemsize
    together = max(1, min(most, shape[-3], _SHEET // row - size[-3] + 1))
    block = (*(1 for _ in size[:-3]), together)
    rank = _rank(wanted, size, (*size[:-3], together + size[-3] - 1), anchor[-1])
    return _Layout(shape, size, anchor, borders, block, rank)


def _rank(wanted: Selection, size: tuple[int, ...], planes: tuple[int, ...], anchor: int) -> Rank:
    """Return the filter of a sheet: outputs lie over the first row of their footprint."""
    footprint = np.zeros((size[-2], *planes, size[-1]), bool)
    footprint[:, *map(slice, size[:-2])] = np.moveaxis(wanted.footprint.reshape(size), -2, 0)
    flat = footprint.reshape(-1, size[-1])
    return Rank.of(wanted.index, footprint=flat, anchor=(0, anchor))
