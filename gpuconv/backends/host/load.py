"""Copying a piece of an image, border included, into scratch: the only reader of pixels.

The copy also casts to the accumulator and takes any strides, so what follows sees one layout.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.border import FILL, Span

__all__ = ["load"]

Array = NDArray[Any]


def _runs(span: Span) -> list[tuple[slice, slice | Array]]:
    """Return (where in the scratch, which image indices) for each non-empty part of a span."""
    sources = (span.before, span.inside, span.after)
    runs, start = [], 0
    for source in sources:
        size = source.stop - source.start if isinstance(source, slice) else len(source)
        if size:
            runs.append((slice(start, start + size), source))
        start += size
    return runs


def _outside(source: slice | Array) -> bool:
    return not isinstance(source, slice) and source[0] == FILL


def load(image: Array, rows: Span, columns: Span, cval: float, scratch: Array) -> None:
    """Copy the pixels at `rows` × `columns` of a 2-D image into the top left of `scratch`.

    The rows of the inside are copied as a slice; each part of the border is gathered by its
    indices, or filled with `cval`.
    """
    for there, source_rows in _runs(rows):
        for here, source_columns in _runs(columns):
            target = scratch[there, here]
            if _outside(source_rows) or _outside(source_columns):
                target[...] = cval
            else:
                np.copyto(target, image[source_rows][:, source_columns], casting="unsafe")
