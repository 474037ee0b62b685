"""Which passes each filter is made of: the same ones for the same arguments."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from operator import index
from typing import Any, ParamSpec, TypeVar

from gpuconv.errors import ArgumentError
from gpuconv.scipy.arguments import each_axis
from gpuconv.scipy.errors import StateError
from gpuconv.scipy.ndimage.taps import Line, Taps, gaussian_taps, line_of, mean_taps, taps_of

__all__ = [
    "bend_lines",
    "gaussian_line",
    "gaussian_lines",
    "mean_line",
    "mean_lines",
    "slope_lines",
]

P = ParamSpec("P")
R = TypeVar("R")

#: Standard deviations up to which SciPy leaves an axis as it is.
_NOTHING = 1e-15


def _remembered(make: Callable[P, R]) -> Callable[P, R]:
    """Return a function that makes the same of the same arguments, and finds it again."""
    known: Any = lru_cache(maxsize=256, typed=True)(make)

    @wraps(make)
    def found(*given: P.args, **named: P.kwargs) -> R:
        try:
            made: R = known(*map(_fixed, given), **named)
        except TypeError:  # an array among them; or what is wrong with one is said now
            return make(*given, **named)
        return made

    return found


def _fixed(value: Any) -> Any:
    """Return a value as it can be remembered: a list, as many programs give, as a tuple."""
    return tuple(value) if type(value) is list else value


@_remembered
def gaussian_line(
    axis: int, sigma: Any, order: Any, mode: Any, truncate: float, radius: Any
) -> Line:
    """Return the pass of a Gaussian along an axis.

    Examples
    --------
    >>> gaussian_line(0, 1, 0, "wrap", 4.0, None).anchor
    4
    """
    return line_of(gaussian_taps(sigma, order, truncate, radius), axis, mode, 0)


@_remembered
def gaussian_lines(
    axes: tuple[int, ...],
    sigma: Any,
    order: Any,
    mode: Any,
    truncate: float = 4.0,
    radius: Any = None,
) -> tuple[Line, ...]:
    """Return the passes of a Gaussian along axes, without those that change nothing.

    Examples
    --------
    >>> [line.axis for line in gaussian_lines((0, 1), (1, 0), 0, "reflect")]
    [0]
    """
    values = (each_axis(each, len(axes)) for each in (sigma, order, mode, radius))
    return tuple(
        gaussian_line(axis, s, o, m, truncate, r)
        for axis, s, o, m, r in zip(axes, *values, strict=True)
        if s > _NOTHING
    )


@_remembered
def mean_line(axis: int, size: int, origin: Any, mode: Any) -> Line:
    """Return the pass that takes means along an axis.

    Examples
    --------
    >>> mean_line(0, 4, -1, "wrap").anchor
    1
    """
    length = index(size)
    if length < 1:
        raise StateError(f"incorrect filter size: size={size!r}; allowed are 1 and more")
    if not 0 <= length // 2 + index(origin) < length:
        raise ArgumentError(
            f"invalid origin: origin={origin!r}; allowed for size={size} are {-(length // 2)} … "
            f"{(length - 1) // 2}"
        )
    return line_of(mean_taps(length), axis, mode, origin)


@_remembered
def mean_lines(axes: tuple[int, ...], size: Any, origin: Any, mode: Any) -> tuple[Line, ...]:
    """Return the passes of a mean along axes, without those that change nothing.

    Examples
    --------
    >>> [line.taps.size for line in mean_lines((0, 1), (1, 5), 0, "reflect")]
    [5]
    """
    values = (each_axis(each, len(axes)) for each in (size, origin, mode))
    windows = zip(axes, *values, strict=True)
    return tuple(mean_line(axis, int(n), o, m) for axis, n, o, m in windows if n > 1)


@_remembered
def slope_lines(axis: int, ndim: int, mode: Any, smooth: Taps) -> tuple[Line, ...]:
    """Return the passes that take a slope along one axis, and smooth along the others.

    Examples
    --------
    >>> lines = slope_lines(1, 2, "nearest", taps_of([1, 2, 1]))
    >>> [(line.axis, line.taps.weights.tolist()) for line in lines]
    [(1, [-1.0, 0.0, 1.0]), (0, [1.0, 2.0, 1.0])]
    """
    modes, slope = each_axis(mode, ndim), taps_of([-1, 0, 1])
    order = [axis, *(i for i in range(ndim) if i != axis)]
    return tuple(line_of(slope if i == axis else smooth, i, modes[i], 0) for i in order)


@_remembered
def bend_lines(axes: tuple[int, ...], mode: Any) -> tuple[tuple[Line], ...]:
    """Return the pass that takes second differences, along each axis.

    Examples
    --------
    >>> [[line.axis for line in term] for term in bend_lines((0, 2), "nearest")]
    [[0], [2]]
    """
    bend, modes = taps_of([1, -2, 1]), each_axis(mode, len(axes))
    return tuple((line_of(bend, axis, each, 0),) for axis, each in zip(axes, modes, strict=True))
