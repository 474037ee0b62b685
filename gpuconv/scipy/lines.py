"""Arrays of any number of axes, as the engines take them: as planes of rows and columns.

An engine filters the last two axes of an array, of any strides. So any two axes can be these: a
view has them there. Where memory allows, the view has few planes, as an engine does more at once.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from gpuconv import backends
from gpuconv.api import correlate
from gpuconv.arrays import Array
from gpuconv.kernel import Kernel

__all__ = ["as_planes", "correlate_run", "in_lines", "merged"]

#: Elements of a row that a long run is cut into, and the run from which on rows are long.
_SHORT, _LONG, _FROM = 256, 1024, 2**15

#: Columns from which on it does not matter how many there are.
_THIN = 32

#: Rows that are worth it: the ends of the run take a call each.
_ROWS = 8


def as_planes(array: Array, axis: int) -> Array:
    """Return a view of an array whose rows, the axis before the last, are its axis `axis`.

    Examples
    --------
    >>> as_planes(np.empty((2, 3, 4)), 0).shape, as_planes(np.empty(5), 0).shape
    ((3, 2, 4), (5, 1))
    """
    if array.ndim == 1:
        return array[:, None]
    if axis == array.ndim - 1:
        return np.swapaxes(array, -1, -2)
    return np.moveaxis(array, axis, -2)


def merged(axes: tuple[int, ...], *arrays: Array) -> tuple[Array, ...]:
    """Return views of arrays of one shape, the axes that are filtered last, or last but one.

    Two axes become rows and columns. A single one becomes the rows; the last becomes the columns.

    Examples
    --------
    >>> image = np.empty((2, 3, 4, 5))
    >>> [merged(axes, image)[0].shape for axes in [(0,), (2,), (3,), (1, 3)]]
    [(2, 60), (6, 4, 5), (24, 5), (2, 4, 3, 5)]
    """
    shape = arrays[0].shape
    if len(axes) == 2:
        last = len(shape) - 2, len(shape) - 1
        return arrays if axes == last else tuple(np.moveaxis(a, axes, (-2, -1)) for a in arrays)
    axis = axes[0]
    if all(array.flags.c_contiguous for array in arrays):
        before, after = prod(shape[:axis]), prod(shape[axis + 1 :])
        single = (after,) if axis < len(shape) - 1 else ()
        view = (before, shape[axis], *single) if before > 1 or not single else (shape[axis], after)
        return tuple(array.reshape(view) for array in arrays)
    if len(shape) == 1:
        return tuple(array[None] for array in arrays)
    return arrays if axis == len(shape) - 1 else tuple(np.moveaxis(a, axis, -2) for a in arrays)


def in_lines(axis: int, *arrays: Array) -> tuple[bool, tuple[Array, ...]]:
    """Return views of arrays of one shape for a filter along one axis, and whether along rows.

    The last axis of a view is a long one, if there is any.

    Examples
    --------
    >>> colour = np.empty((100, 200, 3))
    >>> for axis in range(3):
    ...     across, (view,) = in_lines(axis, colour)
    ...     print("across" if across else "down", view.shape)
    down (100, 600)
    across (3, 100, 200)
    down (3, 20000)
    """
    shape = arrays[0].shape
    if not all(array.flags.c_contiguous for array in arrays):
        return axis == len(shape) - 1, merged((axis,), *arrays)
    across, size, order = _layout(shape, axis)
    views = (array.reshape(size) for array in arrays)
    return across, tuple(views if order is None else (view.transpose(order) for view in views))


@lru_cache(maxsize=256)
def _layout(
    shape: tuple[int, ...], axis: int
) -> tuple[bool, tuple[int, ...], tuple[int, ...] | None]:
    """Return whether a filter is along rows, and the shape and order of axes of its view."""
    before, n, after = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
    if after >= min(_THIN, before):
        return False, (before, n, after) if before > 1 else (n, after), None
    across = n >= min(_THIN, before)
    if after == 1:
        return across, (before, n), None if across else (1, 0)
    return across, (before, n, after), (2, 0, 1) if across else (2, 1, 0)


def correlate_run(
    image: Array, kernel: Kernel, border: str, cval: float, out: Array, **options: Any
) -> None:
    """Correlate an array of one axis with a kernel of one row into `out`.

    The CPU filters a plane ten times faster than a single row, so a long run is taken as rows that
    overlap, and its ends by themselves.

    Examples
    --------
    >>> made = np.empty(5)
    >>> correlate_run(np.arange(5.0), Kernel([[1, 0, 0]]), "wrap", 0, made)
    >>> made.tolist()
    [4.0, 0.0, 1.0, 2.0, 3.0]
    """
    taps, anchor, n = kernel.shape[1], kernel.anchor[1], len(image)
    wide = _LONG if n >= _FROM else _SHORT
    rows = (n - taps + 1) // wide
    options.update(border=border, cval=cval)
    if rows < _ROWS or taps > wide or not backends.host.owns(image):
        correlate(image[None], kernel, out=out[None], **options)
        return
    if backends.host.overlap(image, out):
        image = image.copy()
    (step,) = image.strides
    plane = as_strided(image, (rows, wide + taps - 1), (wide * step, step))
    stop = anchor + rows * wide
    correlate(plane, kernel, size="valid", out=out[anchor:stop].reshape(rows, wide), **options)
    for part in (range(anchor), range(stop, n)):
        if part:
            _correlate_part(image, kernel, part, out, options)


def _correlate_part(
    image: Array, kernel: Kernel, part: range, out: Array, options: dict[str, Any]
) -> None:
    """Correlate at one end of an array: with what is so near to it that it is read."""
    reach = kernel.shape[1]
    first, stop = part.start - reach, part.stop + reach
    if options["border"] == "wrap":
        near = np.take(image, range(first, stop), mode="wrap")
    else:
        first = max(first, 0)
        near = image[first:stop]
    made = np.empty((1, len(near)), out.dtype)
    correlate(near[None], kernel, out=made, **options)
    out[part.start : part.stop] = made[0, part.start - first : part.stop - first]
