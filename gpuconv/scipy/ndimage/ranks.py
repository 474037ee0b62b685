"""Rank filters: median, percentiles, minimum, maximum; of arrays of any dimension."""

from __future__ import annotations

from operator import index
from typing import Any

from gpuconv.arrays import Array
from gpuconv.exchange import public
from gpuconv.scipy.ndimage.rank_reaches import extreme_line_reach, extreme_reach, rank_reach
from gpuconv.scipy.ndimage.windows import extreme, extreme_line, ranked, share

__all__ = [
    "maximum_filter",
    "maximum_filter1d",
    "median_filter",
    "minimum_filter",
    "minimum_filter1d",
    "percentile_filter",
    "rank_filter",
]


@public(reach=rank_reach)
def median_filter(
    input: Any,
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Array:
    """Return the median of each element's neighbourhood: of an even number, the upper one.

    Parameters
    ----------
    input : array_like
        Real, of any dimension.
    size : int or sequence of int, optional
        Elements of the neighbourhood along each axis, a box.
    footprint : array_like, optional
        Instead of `size`: true where an element counts.
    output : array or dtype, optional
        Where the result is written, or what it is to be; integers are cut off, and wrap around.
    mode : str, default "reflect"
        What lies outside: "reflect", "constant", "nearest", "mirror", "wrap", or "grid-" names.
    cval : float, default 0.0
        The elements outside with "constant".
    origin : int or sequence of int, default 0
        How far the neighbourhood is moved towards lower indices.
    axes : int or tuple of int, optional
        The axes that are filtered; by default all.

    Returns
    -------
    array
        Of the shape of the input, and where it lies.

    Raises
    ------
    StateError, ArgumentError, ArgumentTypeError
        An argument is none that is allowed: RuntimeError, ValueError, TypeError.

    Examples
    --------
    >>> median_filter([[1, 1, 1], [1, 9, 1], [1, 1, 1]], size=3).tolist()
    [[1, 1, 1], [1, 1, 1], [1, 1, 1]]
    """
    return ranked(input, lambda n: n // 2, size, footprint, output, mode, cval, origin, axes)


@public(reach=rank_reach)
def rank_filter(
    input: Any,
    rank: int,
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Array:
    """Return the element of a rank in each element's neighbourhood.

    Parameters
    ----------
    input : array_like
        Real, of any dimension.
    rank : int
        0 for the least; negative ones count from the largest, -1.
    size, footprint, output, mode, cval, origin, axes
        As for :func:`median_filter`.

    Returns
    -------
    array
        Of the shape of the input, and where it lies.

    Raises
    ------
    StateError, ArgumentError, ArgumentTypeError
        An argument is none that is allowed: RuntimeError, ValueError, TypeError.

    Examples
    --------
    >>> rank_filter([4, 1, 3, 2], -2, size=3).tolist()
    [4, 3, 2, 2]
    """
    wanted = index(rank)
    return ranked(input, lambda n: wanted, size, footprint, output, mode, cval, origin, axes)


@public(reach=rank_reach)
def percentile_filter(
    input: Any,
    percentile: float,
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Array:
    """Return a percentile of each element's neighbourhood: always one of its elements.

    Parameters
    ----------
    input : array_like
        Real, of any dimension.
    percentile : float
        In -100 … 100; negative ones count from 100. Of n elements it is number
        ⌊n · percentile / 100⌋ from 0, and the largest for 100.
    size, footprint, output, mode, cval, origin, axes
        As for :func:`median_filter`.

    Returns
    -------
    array
        Of the shape of the input, and where it lies.

    Raises
    ------
    StateError, ArgumentError, ArgumentTypeError
        An argument is none that is allowed: RuntimeError, ValueError, TypeError.

    Examples
    --------
    >>> percentile_filter([4, 1, 3, 2], 100, size=3).tolist()
    [4, 4, 3, 3]
    """
    return ranked(
        input, lambda n: share(percentile, n), size, footprint, output, mode, cval, origin, axes
    )


@public(reach=extreme_reach)
def minimum_filter(
    input: Any,
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Array:
    """Return the least element of each element's neighbourhood.

    Parameters
    ----------
    input, size, footprint, output, cval, origin, axes
        As for :func:`median_filter`.
    mode : str or sequence of str, default "reflect"
        As for :func:`median_filter`; one for each axis if the neighbourhood is a box.

    Returns
    -------
    array
        Of the shape of the input, and where it lies.

    Raises
    ------
    StateError, ArgumentError, ArgumentTypeError
        An argument is none that is allowed: RuntimeError, ValueError, TypeError.

    Examples
    --------
    >>> minimum_filter([4, 1, 3, 2], size=3).tolist()
    [1, 1, 1, 2]
    """
    return extreme(input, False, size, footprint, output, mode, cval, origin, axes)


@public(reach=extreme_reach)
def maximum_filter(
    input: Any,
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Array:
    """Return the largest element of each element's neighbourhood.

    Parameters
    ----------
    input, size, footprint, output, mode, cval, origin, axes
        As for :func:`minimum_filter`.

    Returns
    -------
    array
        Of the shape of the input, and where it lies.

    Raises
    ------
    StateError, ArgumentError, ArgumentTypeError
        An argument is none that is allowed: RuntimeError, ValueError, TypeError.

    Examples
    --------
    >>> maximum_filter([[4, 1], [3, 2]], size=(1, 2), mode=["wrap", "nearest"]).tolist()
    [[4, 4], [3, 3]]
    """
    return extreme(input, True, size, footprint, output, mode, cval, origin, axes)


@public(reach=extreme_line_reach)
def minimum_filter1d(
    input: Any,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Array:
    """Return the least of `size` elements along one axis.

    Parameters
    ----------
    input, output, cval, origin
        As for :func:`median_filter`.
    size : int
        Elements of the neighbourhood.
    axis : int, default -1
        The axis that is filtered.
    mode : str, default "reflect"
        As for :func:`median_filter`.

    Returns
    -------
    array
        Of the shape of the input, and where it lies.

    Raises
    ------
    StateError, ArgumentError, ArgumentTypeError
        An argument is none that is allowed: RuntimeError, ValueError, TypeError.

    Examples
    --------
    >>> minimum_filter1d([2, 8, 0, 4, 1, 9], 3).tolist()
    [2, 0, 0, 0, 1, 1]
    """
    return extreme_line(input, False, size, axis, output, mode, cval, origin)


@public(reach=extreme_line_reach)
def maximum_filter1d(
    input: Any,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: Any = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Array:
    """Return the largest of `size` elements along one axis.

    Parameters
    ----------
    input, size, axis, output, mode, cval, origin
        As for :func:`minimum_filter1d`.

    Returns
    -------
    array
        Of the shape of the input, and where it lies.

    Raises
    ------
    StateError, ArgumentError, ArgumentTypeError
        An argument is none that is allowed: RuntimeError, ValueError, TypeError.

    Examples
    --------
    >>> maximum_filter1d([2, 8, 0, 4, 1, 9], 3).tolist()
    [8, 8, 8, 4, 9, 9]
    """
    return extreme_line(input, True, size, axis, output, mode, cval, origin)
