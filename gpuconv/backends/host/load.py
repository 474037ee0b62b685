"""Copying a piece of an image, border included, into scratch: the only reader of pixels.

The copy also casts to the accumulator and takes any strides, so what follows sees one layout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from gpuconv.border import Span

__all__ = ["load", "loading"]

Array = NDArray[Any]

#: Pixels along an axis, as they are picked from an array; None: `cval` stands there.
_Pick: TypeAlias = slice | Array | None
#: Where pixels are copied to within the scratch, and what: a view, a value, or what gathers them.
_Copy: TypeAlias = tuple[Array, "Array | float | Callable[[], Array]"]


def load(image: Array, rows: Span, columns: Span, cval: float, scratch: Array) -> None:
    """Copy the pixels at `rows` × `columns` of an image (…, H, W) to the top left of `scratch`."""
    loading(rows, columns, cval, scratch, once=True)(image)


def loading(
    rows: Span, columns: Span, cval: float, scratch: Array, once: bool = False
) -> Callable[[Array], None]:
    """Return a call that copies the pixels at `rows` × `columns` of an image into `scratch`.

    One that is made but `once` is prepared in less time.

    Most borders repeat pixels of the tile itself. Those are copied within the scratch, which is in
    cache: first what is left and right of the inside, then whole rows above and below it.
    """
    fetched = list[tuple[Array, _Pick, _Pick]]()
    beside, above = list[_Copy](), list[_Copy]()
    width = slice(0, sum(there.stop - there.start for there, _ in columns.runs))
    for (high, row), again in zip(rows.runs, rows.repeats, strict=True):
        if again is not None:
            above.append((scratch[..., high, width], _within(scratch, again, width)))
            continue
        for (wide, column), again in zip(columns.runs, columns.repeats, strict=True):
            target = scratch[..., high, wide]
            if row is None or column is None:
                beside.append((target, cval))
            elif again is not None:
                beside.append((target, _within(scratch, high, again)))
            else:
                fetched.append((target, row, column))
    copies = [*beside, *above] if once else [*_paired(beside), *_paired(above)]

    def fill(image: Array) -> None:
        for target, row, column in fetched:
            target[...] = _picked(image, row, column)
        for target, source in copies:
            target[...] = source() if callable(source) else source

    return fill


def _paired(copies: list[_Copy]) -> list[_Copy]:
    """Return two copies that are alike, on both sides of an image, as one: half as many calls."""
    if len(copies) != 2:
        return copies
    (left, first), (right, second) = copies
    if not (isinstance(first, np.ndarray) and isinstance(second, np.ndarray)):
        return copies
    if left.shape != right.shape or first.shape != second.shape or first.strides != second.strides:
        return copies
    return [(_both(left, right), _both(first, second))]


def _both(one: Array, other: Array) -> Array:
    """Return two views of the scratch, of the same shape and strides, as one."""
    apart = other.ctypes.data - one.ctypes.data
    return as_strided(one, (2, *one.shape), (apart, *one.strides))


def _within(scratch: Array, rows: _Pick, columns: _Pick) -> Array | Callable[[], Array]:
    """Return pixels of the scratch: a view, or, where there is none of them, what gathers them."""
    if isinstance(rows, slice) and isinstance(columns, slice):
        return scratch[..., rows, columns]
    return lambda: scratch[..., rows, columns]


def _picked(image: Array, rows: _Pick, columns: _Pick) -> Array:
    """Return image[…, rows × columns]; slices come before gathers, to copy little."""
    if isinstance(rows, slice) and isinstance(columns, slice):
        return image[..., rows, columns]
    if isinstance(rows, slice):
        return image[..., rows, :][..., columns]
    if isinstance(columns, slice):
        return image[..., columns][..., rows, :]
    return image[..., rows[:, None], columns]  # type: ignore[index]
