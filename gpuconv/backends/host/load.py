"""Copying a piece of an image, border included, into scratch: the only reader of pixels.

The copy also casts to the accumulator and takes any strides, so what follows sees one layout.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gpuconv.border import Span

__all__ = ["load", "loading"]

Array = NDArray[Any]

#: Pixels along an axis, as they are picked from an array; None: `cval` stands there.
_Pick: TypeAlias = slice | Array | None


def load(image: Array, rows: Span, columns: Span, cval: float, scratch: Array) -> None:
    """Copy the pixels at `rows` × `columns` of an image (…, H, W) to the top left of `scratch`."""
    loading(rows, columns, cval, scratch)(image)


def loading(rows: Span, columns: Span, cval: float, scratch: Array) -> Callable[[Array], None]:
    """Return a call that copies the pixels at `rows` × `columns` of an image into `scratch`.

    Most borders repeat pixels of the tile itself. Those are copied within the scratch, which is in
    cache: first what is left and right of the inside, then whole rows above and below it.
    """
    fetched = list[tuple[Array, _Pick, _Pick]]()
    beside, above = list[Callable[[], object]](), list[Callable[[], object]]()
    width = slice(0, sum(there.stop - there.start for there, _ in columns.runs))
    for (high, row), again in zip(rows.runs, rows.repeats, strict=True):
        if again is not None:
            above.append(_copying(scratch, (high, width), (again, width)))
            continue
        for (wide, column), again in zip(columns.runs, columns.repeats, strict=True):
            target = scratch[..., high, wide]
            if row is None or column is None:
                beside.append(partial(target.fill, cval))
            elif again is not None:
                beside.append(_copying(scratch, (high, wide), (high, again)))
            else:
                fetched.append((target, row, column))

    def fill(image: Array) -> None:
        for target, row, column in fetched:
            target[...] = _picked(image, row, column)
        for step in beside:
            step()
        for step in above:
            step()

    return fill


def _copying(
    scratch: Array, target: tuple[slice, slice], source: tuple[_Pick, _Pick]
) -> Callable[[], object]:
    """Return a call that copies within the scratch."""
    if isinstance(source[0], slice) and isinstance(source[1], slice):
        return partial(np.copyto, scratch[..., *target], scratch[..., *source])
    return lambda: np.copyto(scratch[..., *target], scratch[..., *source])


def _picked(image: Array, rows: _Pick, columns: _Pick) -> Array:
    """Return image[…, rows × columns]; slices come before gathers, to copy little."""
    if isinstance(rows, slice):
        return image[..., rows, :][..., columns]
    if isinstance(columns, slice):
        return image[..., columns][..., rows, :]
    return image[..., rows[:, None], columns]  # type: ignore[index]
