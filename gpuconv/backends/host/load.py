"""Copying a piece of an image, border included, into scratch: the only reader of pixels.

The copy also casts to the accumulator and takes any strides, so what follows sees one layout.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from gpuconv.border import Span

__all__ = ["load"]

Array = NDArray[Any]


def load(image: Array, rows: Span, columns: Span, cval: float, scratch: Array) -> None:
    """Copy the pixels at `rows` × `columns` of a 2-D image into the top left of `scratch`.

    The rows of the inside are copied as a slice; each part of the border is gathered by its
    indices, or filled with `cval`.
    """
    for there, source_rows in rows.runs:
        for here, source_columns in columns.runs:
            target = scratch[there, here]
            if source_rows is None or source_columns is None:
                target[...] = cval
            else:
                target[...] = _pick(image, source_rows, source_columns)


def _pick(image: Array, rows: slice | Array, columns: slice | Array) -> Array:
    """Return image[rows × columns]; slices come before gathers, to copy little."""
    if isinstance(rows, slice):
        return image[rows][:, columns]
    if isinstance(columns, slice):
        return image[:, columns][rows]
    return image[rows[:, None], columns]
