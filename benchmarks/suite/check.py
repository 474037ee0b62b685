"""Is a result right? Parts of it are compared with the definition, before any time counts.

The definition is slow: it is evaluated at the corners, where borders matter, and in the middle. A
part is taken with the pixels around it that matter, those beyond the edges made by the border's
own rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.border import FILL, source_index

from ..cases import Case
from .contract import Prepared

__all__ = ["Part", "apart", "wanted"]

Array = NDArray[Any]
#: A part of a result, by its slices, and what must be there.
Part = tuple[tuple[slice, ...], Array]

#: Rows and columns of a part, if the image has as many.
_ROWS, _COLUMNS = 16, 192


def wanted(case: Case, image: Array) -> list[Part]:
    """Return parts of the result, the last axes rows and columns (and colours), by definition."""
    if case.filter.everywhere:
        return [((Ellipsis,), _stored(case.filter.defined(image), case))]  # type: ignore[list-item]
    return [(place, _defined(case, image, place)) for place in _places(case)]


def _places(case: Case) -> Iterator[tuple[slice, ...]]:
    """Yield two corners and the middle, of the first and the last image of a batch."""
    sizes = dict(zip(case.axes, case.shape, strict=True))
    (y0, y1, y2), (x0, x1, x2) = (
        (slice(0, part), slice((n - part) // 2, (n + part) // 2), slice(n - part, n))
        for n, part in ((sizes[a], min(sizes[a], most)) for a, most in _PARTS)
    )
    for y, x, end in ((y0, x0, 0), (y1, x1, 0), (y2, x2, -1)):
        chosen = {"y": y, "x": x, "n": slice(end, None) if end else slice(0, 1)}
        yield tuple(chosen.get(axis, slice(None)) for axis in case.axes)


_PARTS = (("y", _ROWS), ("x", _COLUMNS))


def _defined(case: Case, image: Array, place: tuple[slice, ...]) -> Array:
    """Return a part of the result."""
    patch, y = _with_margin(case, image, place), case.axes.index("y")
    if case.filter.joint and case.channel_axis is not None:
        found = case.filter.defined(patch)
    else:
        planes = np.moveaxis(patch, (y, y + 1), (-2, -1))
        each = [case.filter.defined(plane) for plane in planes.reshape(-1, *planes.shape[-2:])]
        found = np.moveaxis(np.reshape(each, planes.shape), (-2, -1), (y, y + 1))
    reach = case.filter.reach
    inner = slice(reach, -reach or None)
    return _stored(found[(slice(None),) * y + (inner, inner)], case)


def _with_margin(case: Case, image: Array, place: tuple[slice, ...]) -> Array:
    """Return a part of the image and the pixels around it, those outside by the border's rule."""
    found = image
    for axis, (name, part) in enumerate(zip(case.axes, place, strict=True)):
        if name not in "yx":
            found = found[(slice(None),) * axis + (part,)]
            continue
        n, reach = image.shape[axis], case.filter.reach
        index = source_index(case.border, np.arange(part.start - reach, part.stop + reach), n)
        index = np.asarray(index)
        found = np.take(found, np.where(index == FILL, 0, index), axis)
        outside = np.flatnonzero(index == FILL)
        found[(slice(None),) * axis + (outside,)] = 0
    return found


def _stored(result: Array, case: Case) -> Array:
    """Return a result as an image of integers keeps it; floats, and truth, as they are."""
    if case.dtype not in ("uint8", "uint16") or case.filter.measure == "share":
        return result
    return np.rint(result).clip(0, np.iinfo(case.dtype).max)


def apart(prepared: Prepared, case: Case, result: Array, parts: list[Part]) -> float:
    """Return the largest error of a result's parts, infinite where numbers are not finite."""
    result = prepared.alike(result)
    measure = prepared.measure or case.filter.measure
    worst = max(_apart(measure, result[place].astype(np.float64), want) for place, want in parts)
    return worst if np.isfinite(worst) else float("inf")


def _apart(measure: str, found: Array, want: Array) -> float:
    if found.shape != want.shape:
        return float("inf")
    if measure == "share":
        return float(((found != 0) != (want != 0)).mean())
    off = np.abs(found - want)
    return float(off.mean() if measure == "mean" else off.max())
