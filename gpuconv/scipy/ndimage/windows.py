"""How rank filters take their arguments: footprints, origins, modes, ranks; with SciPy's words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from math import prod
from operator import index
from typing import Any, TypeAlias

import numpy as np

from gpuconv import backends
from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.scipy.arguments import (
    array_of,
    axes_of,
    axis_of,
    border_of,
    each_axis,
    numbers_of,
    output_of,
)
from gpuconv.scipy.errors import StateError, tell
from gpuconv.scipy.ndimage.passes import copied, fill_of
from gpuconv.scipy.ndimage.picking import select
from gpuconv.scipy.ndimage.selection import Selection

__all__ = ["extreme", "extreme_line", "ranked", "share"]

#: What can be filtered, by the letters of NumPy.
_ORDERED = frozenset("?bBhHiIlLqQefd")

_NOT_SEPARABLE = (
    "A sequence of modes is not supported for non-separable footprints: mode={!r}; give one"
)

#: A shape, and a byte of 0 or 1 for each element: none if all count.
_Footprint: TypeAlias = tuple[tuple[int, ...], bytes]
#: Axes, and the origin and the mode of each.
_Where: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], tuple[str, ...]]


def ranked(
    image: Any,
    rank_of: Callable[[int], int],
    size: Any,
    footprint: Any,
    output: Any,
    mode: Any,
    cval: Any,
    origin: Any,
    axes: Any,
) -> Array:
    """Return the element number `rank_of` so many in each element's neighbourhood."""
    array = _real(image)
    filtered = axes_of(axes, array.ndim)
    if footprint is None and size is None:
        raise StateError("no footprint or filter size provided: give size or footprint")
    used = _under(size, footprint, len(filtered))
    where = _in_order(filtered, array.ndim, origin, each_axis(mode, len(filtered)))
    _check(where, used[0])
    rank, last = _rank(rank_of, used), _count(used) - 1
    if _several(mode) and 0 < rank < last:
        raise StateError(
            f"A sequence of modes is not supported by non-separable rank filters: mode={mode!r}"
        )
    if _several(mode) and used[1]:
        raise StateError(_NOT_SEPARABLE.format(mode))
    return _filtered_or_copied(array, _chosen(array.ndim, where, used, rank), output, cval)


def extreme(
    image: Any,
    largest: bool,
    size: Any,
    footprint: Any,
    output: Any,
    mode: Any,
    cval: Any,
    origin: Any,
    axes: Any,
) -> Array:
    """Return the least or the largest element of each element's neighbourhood."""
    if footprint is None and size is None:
        raise StateError("no footprint provided: give size or footprint")
    used = None if footprint is None else _under(size, footprint, 0)
    if used and not _count(used):
        raise ArgumentError("All-zero footprint is not supported. Give at least one element")
    array = _real(image)
    filtered = axes_of(axes, array.ndim)
    if used and used[1]:
        where = _in_order(filtered, array.ndim, origin, each_axis(mode, len(filtered)))
        _check(where, used[0])
        if _several(mode):
            raise StateError(_NOT_SEPARABLE.format(mode))
    else:
        where, used = _boxed(filtered, used[0] if used else size, origin, mode)
    rank = _count(used) - 1 if largest else 0
    return _filtered_or_copied(array, _chosen(array.ndim, where, used, rank), output, cval)


def extreme_line(
    image: Any,
    largest: bool,
    size: Any,
    axis: Any,
    output: Any,
    mode: Any,
    cval: Any,
    origin: Any,
) -> Array:
    """Return the least or the largest of `size` elements along one axis."""
    array = _real(image)
    where = (axis_of(axis, array.ndim),), (index(origin),), (border_of(mode),)
    if size < 1:
        raise StateError(f"incorrect filter size: size={size}; it must be at least 1")
    used = (index(size),), b""
    wanted = _chosen(array.ndim, where, used, used[0][0] - 1 if largest else 0)
    return _filtered(array, wanted, output, cval)


def share(percentile: Any, count: int) -> int:
    """Return which of `count` elements a percentile is.

    Examples
    --------
    >>> share(25, 9), share(-25, 9), share(100, 9)
    (2, 6, 8)
    """
    positive = percentile + 100.0 if percentile < 0.0 else percentile
    if positive < 0 or positive > 100:
        raise StateError(f"invalid percentile: {percentile}; allowed are -100 … 100")
    return count - 1 if positive == 100.0 else int(float(count) * positive / 100.0)


def _real(image: Any) -> Array:
    """Return an image as an array; raise if its values have no order."""
    array = array_of(image)
    if array.dtype.kind == "c":
        raise ArgumentTypeError(f"Complex type not supported: the input has dtype {array.dtype}")
    return array


def _under(size: Any, footprint: Any, count: int) -> _Footprint:
    """Return the footprint that is asked for, of `count` axes if it is a size."""
    if footprint is None:
        return tuple(map(index, each_axis(size, count))), b""
    if size is not None:
        tell("ignoring size because footprint is set")
    members = np.asarray(numbers_of(footprint), dtype=bool)
    return members.shape, b"" if members.all() else members.tobytes()


def _count(footprint: _Footprint) -> int:
    """Return how many elements count."""
    shape, members = footprint
    return members.count(1) if members else prod(shape)


def _rank(rank_of: Callable[[int], int], footprint: _Footprint) -> int:
    count = _count(footprint)
    rank = rank_of(count)
    if not -count <= rank < count:
        raise StateError(
            f"rank not within filter footprint size: rank={rank}; "
            f"allowed are {-count} … {count - 1}"
        )
    return rank % count


def _several(mode: Any) -> bool:
    return not isinstance(mode, str) and isinstance(mode, Iterable)


def _boxed(axes: tuple[int, ...], size: Any, origin: Any, mode: Any) -> tuple[_Where, _Footprint]:
    """Return where a box lies, without axes along which it has one element, as SciPy has it."""
    origins, sizes, modes = (each_axis(of, len(axes)) for of in (origin, size, mode))
    wide = [i for i, side in enumerate(sizes) if side > 1]
    where = (
        tuple(axes[i] for i in wide),
        tuple(index(origins[i]) for i in wide),
        tuple(modes[i] for i in wide),
    )
    return where, (tuple(int(sizes[i]) for i in wide), b"")


def _filtered_or_copied(array: Array, wanted: Selection, output: Any, cval: Any) -> Array:
    """Return an array filtered; of any dtype, where neighbourhoods are of one element."""
    if wanted.live:
        return _filtered(array, wanted, output, cval)
    out = output_of(output, array)
    copied(array, out)
    return out


def _filtered(array: Array, wanted: Selection, output: Any, cval: Any) -> Array:
    """Return an array filtered into what is asked for."""
    out = output_of(output, array)
    _check_dtypes(wanted, array, out)
    with backends.owner(array).place(array, None):
        select(array, wanted, fill_of(cval), out)
    return out


def _check_dtypes(wanted: Selection, *arrays: Array) -> None:
    """Raise if the values of an array have no order."""
    for array in arrays:
        if array.dtype.char not in _ORDERED:
            each = f"{array.dtype.newbyteorder('=')!r} "
            raise StateError(
                f"array type {each if wanted.separable else ''}not supported: {array.dtype}; "
                "allowed are bool, integers and floats"
            )


def _in_order(axes: tuple[int, ...], ndim: int, origin: Any, modes: list[Any]) -> _Where:
    """Return axes in ascending order, as those of a footprint are, with their origins and modes.

    Origins follow their axes, unless all are filtered: so it is with SciPy.

    Examples
    --------
    >>> _in_order((2, 0), 3, (1, -1), ["wrap", "nearest"])
    ((0, 2), (-1, 1), ('nearest', 'wrap'))
    """
    origins = [index(each) for each in each_axis(origin, len(axes))]
    if axes == tuple(sorted(axes)):
        return axes, tuple(origins), tuple(modes)
    order = sorted(range(len(axes)), key=axes.__getitem__)
    moved = origins if len(axes) == ndim else [origins[i] for i in order]
    return tuple(sorted(axes)), tuple(moved), tuple(modes[i] for i in order)


def _check(where: _Where, shape: tuple[int, ...]) -> None:
    """Raise if a footprint is not of as many axes, or does not lie over the output."""
    axes, origins, _ = where
    if len(shape) != len(axes) or 0 in shape:
        raise StateError(
            f"footprint.ndim ({len(shape)}) must match len(axes) ({len(axes)}): "
            f"the footprint has shape {shape}"
        )
    for n, origin in zip(shape, origins, strict=True):
        if not 0 <= n // 2 + origin < n:
            raise ArgumentError(
                f"invalid origin: origin={origin} in {n} elements; allowed are "
                f"{-(n // 2)} … {(n - 1) // 2}"
            )


@lru_cache(maxsize=256)
def _chosen(ndim: int, where: _Where, footprint: _Footprint, rank: int) -> Selection:
    """Return the filter of an array of `ndim` axes by a footprint over some of them.

    Examples
    --------
    >>> _chosen(2, ((1,), (1,), ("grid-wrap",)), ((3,), b""), 0)
    Selection(shape=(1, 3), anchor=(0, 2), borders=('nearest', 'wrap'), index=0, members=b'')
    """
    (axes, origins, modes), (shape, members) = where, footprint
    _check(where, shape)
    anchor = tuple(n // 2 + origin for n, origin in zip(shape, origins, strict=True))
    return Selection(
        _spread(ndim, axes, shape, 1),
        _spread(ndim, axes, anchor, 0),
        _spread(ndim, axes, tuple(map(border_of, modes)), "nearest"),
        rank,
        members,
    )


def _spread(ndim: int, axes: tuple[int, ...], values: tuple[Any, ...], other: Any) -> Any:
    """Return a value for each axis: that of `axes`, and for the rest `other`."""
    spread = [other] * ndim
    for axis, value in zip(axes, values, strict=True):
        spread[axis] = value
    return tuple(spread)
