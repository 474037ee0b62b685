"""Long lines, laid out as rows of a plane: an engine filters many rows at a time.

A line of a million elements is a plane of one row, which an engine cuts into pieces that are hardly
worth a call each. Here it becomes some hundred rows, each as much longer as the window reads.
"""

from __future__ import annotations

from gpuconv import backends
from gpuconv.apply import applied
from gpuconv.arrays import Array
from gpuconv.border import span
from gpuconv.neighbourhood import Rank
from gpuconv.scipy.arguments import room_like
from gpuconv.scipy.ndimage.selection import Selection, choices_of

__all__ = ["is_long", "select"]

#: Outputs of a row; and elements of a window for each of which it has some, at least.
_ROW, _PER_ELEMENT = 4096, 4
#: Rows from which laying out pays.
_ROWS = 8


def is_long(shape: tuple[int, ...], window: tuple[int, ...]) -> bool:
    """Return whether an array is a line that is filtered faster as rows.

    Examples
    --------
    >>> is_long((10**6,), (5,)), is_long((100,), (5,)), is_long((1000, 1000), (5, 5))
    (True, False, False)
    """
    return len(shape) == 1 and shape[0] >= _ROWS * _width(window[0])


def _width(window: int) -> int:
    return max(_ROW, _PER_ELEMENT * window)


def select(image: Array, wanted: Selection, cval: float, out: Array) -> None:
    """Filter a long line into one that does not overlap it, both of one dtype."""
    (n,), (window,), (anchor,) = image.shape, wanted.shape, wanted.anchor
    width = _width(window)
    count = -(-n // width)
    line = room_like(image, (count * width + window - 1,), image.dtype)
    _extend(image, wanted.borders[0], anchor, cval, line[: n + window - 1])
    line[n + window - 1 :] = 0
    sheet, made = (room_like(image, (count, width + window - 1), image.dtype) for _ in range(2))
    sheet[:, :width] = line[: count * width].reshape(count, width)
    sheet[:-1, width:] = sheet[1:, : window - 1]
    sheet[-1, width:] = line[count * width :]
    members = wanted.footprint[None] if wanted.members else None
    rank = Rank.of(wanted.index, (1, window), footprint=members, anchor=(0, 0))
    applied(sheet, rank, choices_of(("nearest", "nearest"), 0), None, None, made, None)
    line[: count * width].reshape(count, width)[...] = made[:, :width]
    out[...] = line[:n]


def _extend(image: Array, border: str, before: int, cval: float, line: Array) -> None:
    """Copy a line and what lies before and after it."""
    engine, n = backends.owner(image), image.shape[0]
    for place, source in span(border, -before, len(line) - before, n).runs:
        if source is None:
            line[place] = cval
        else:
            line[place] = image[source if isinstance(source, slice) else engine.asarray(source)]
