"""Convolution by Fourier transforms, along some axes or all of them."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from operator import index
from typing import Any, cast

import numpy as np

from gpuconv.api import convolve
from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError
from gpuconv.exchange import public
from gpuconv.scipy.arguments import room_like
from gpuconv.scipy.signal import transforms
from gpuconv.scipy.signal.inputs import (
    check_mode,
    in_host_memory,
    larger_first,
    local,
    pair_of,
    part_of,
    span,
    swapped,
)
from gpuconv.scipy.signal.known import kernel_of
from gpuconv.scipy.signal.reach import over_axes

__all__ = ["fftconvolve", "oaconvolve", "transformed"]


#: Elements below which NumPy has transformed a plane before an engine has begun with its tiles.
_WORTH = 2**14


@public(reach=over_axes)
def fftconvolve(in1: Any, in2: Any, mode: Any = "full", axes: Any = None) -> Any:
    """Convolve two arrays of any dimension by Fourier transforms.

    Parameters
    ----------
    in1, in2 : array_like
        Of the same number of dimensions.
    mode : {"full", "same", "valid"}
        What is returned: the whole convolution, its middle of the size of `in1`, or what needs no
        zeros from outside.
    axes : int or sequence of int, optional
        Along which to convolve; along others arrays are multiplied, and axes of length 1 repeated.

    Returns
    -------
    ndarray
        Of floats, or complex.

    Raises
    ------
    ArgumentError
        Shapes do not fit, or `mode` or `axes` are none that are allowed.

    Examples
    --------
    >>> fftconvolve([1.0, 2.0, 3.0], [1.0, 1.0]).round(9).tolist()
    [1.0, 3.0, 5.0, 3.0]
    """
    return transformed(*pair_of(in1, in2), mode, axes)


@public(reach=over_axes)
def oaconvolve(in1: Any, in2: Any, mode: Any = "full", axes: Any = None) -> Any:
    """Convolve two arrays of any dimension by Fourier transforms of overlapping pieces.

    Here it is the same as :func:`fftconvolve`, which takes pieces where they are of use.

    Parameters
    ----------
    in1, in2, mode, axes
        As for :func:`fftconvolve`.

    Returns
    -------
    ndarray
        Of floats, or complex.

    Raises
    ------
    ArgumentError
        As for :func:`fftconvolve`.

    Examples
    --------
    >>> oaconvolve(np.ones(1000), [0.5, 0.5], "same")[:3].round(9).tolist()
    [0.5, 1.0, 1.0]
    """
    return transformed(*pair_of(in1, in2), mode, axes)


def transformed(first: Array, second: Array, mode: str, axes: Any = None) -> Array:
    """Return the convolution of two arrays of one engine.

    Examples
    --------
    >>> transformed(np.ones((2, 3)), np.ones((1, 3)), "same", 1).round(9).tolist()
    [[2.0, 3.0, 2.0], [2.0, 3.0, 2.0]]
    """
    if first.ndim == second.ndim == 0:
        return first * second  # type: ignore[no-any-return]
    if first.ndim != second.ndim:
        raise ArgumentError(
            "in1 and in2 should have the same dimensionality: "
            f"they have {first.ndim} and {second.ndim} dimensions"
        )
    if 0 in first.shape or 0 in second.shape:
        return room_like(first, (0,), np.float64)
    used = _axes(first, second, axes)
    if swapped(mode, first.shape, second.shape, used):
        first, second = second, first
    check_mode(mode, "acceptable")
    if not used:
        return part_of(first * second, first, second, mode, used)
    if mode == "full":
        first, second = larger_first(first, second)
    made = _by_engine(first, second, mode, used) if _fits(first, second, used) else None
    if made is not None:
        return made
    return part_of(transforms.convolved(first, second, used), first, second, mode, used)


def _axes(first: Array, second: Array, axes: Any) -> tuple[int, ...]:
    """Return the axes along which there is something to sum."""
    used = tuple(range(first.ndim)) if axes is None else _named(axes, first.ndim)
    used = tuple(a for a in used if first.shape[a] != 1 != second.shape[a])
    for a in set(range(first.ndim)) - set(used):
        if first.shape[a] != second.shape[a] and 1 not in (first.shape[a], second.shape[a]):
            raise ArgumentError(
                f"incompatible shapes for in1 and in2: {first.shape} and {second.shape}: "
                f"axis {a} is none of axes={axes!r}, so lengths must be equal, or 1"
            )
    return used


def _named(axes: Any, ndim: int) -> tuple[int, ...]:
    """Return axes that the caller named, counted from 0."""
    try:
        given = tuple(map(index, axes if isinstance(axes, Iterable) else (axes,)))
    except TypeError:
        raise ArgumentError(
            f"axes must be a scalar or iterable of integers: axes={axes!r}"
        ) from None
    if not given:
        raise ArgumentError(f"when provided, axes cannot be empty: axes={axes!r}")
    if any(not -ndim <= a < ndim for a in given):
        raise ArgumentError(
            f"axes exceeds dimensionality of input: axes={axes!r}; allowed are {-ndim} … {ndim - 1}"
        )
    counted = tuple(a % ndim for a in given)
    if len(set(counted)) != len(counted):
        raise ArgumentError(f"all axes must be unique: axes={axes!r}")
    return counted


def _fits(first: Array, second: Array, used: tuple[int, ...]) -> bool:
    """Return whether an engine takes that: real planes, or lines on a GPU, and one kernel for all.

    It transforms tiles, on all cores; NaN and infinity stay where they are.
    """
    numbers = all(a.dtype.kind in "biuf" and a.dtype.char != "g" for a in (first, second))
    plane = len(used) == 2 or (len(used) == 1 and not in_host_memory(first))
    one = all(n == 1 for a, n in enumerate(second.shape) if a not in used)
    # The kernel is the smaller of both.
    size = prod(first.shape)
    worth = prod(second.shape) <= size and (size >= _WORTH or not in_host_memory(first))
    return numbers and plane and one and worth


def _by_engine(first: Array, second: Array, mode: str, used: tuple[int, ...]) -> Array | None:
    """Return the convolution by an engine; None if the second input is not finite."""
    image, weights = (a.view(np.uint8) if a.dtype.kind == "b" else a for a in (first, second))
    weights = _planes(local(weights), used)
    rows, columns = weights.shape[-2:]
    kernel = kernel_of(weights.reshape(rows, columns), ((rows - 1) // 2, (columns - 1) // 2))
    if kernel is None:
        return None
    shape = list(first.shape)
    for a in used:
        shape[a] = span(mode, first.shape[a], second.shape[a])[1]
    dtypes = (np.float32 if a.dtype.char in "ef" else np.float64 for a in (first, second))
    out = room_like(first, tuple(shape), np.result_type(*dtypes))
    # Sums of integers are exact, by whichever algorithm.
    whole = image.dtype.kind in "iu" and kernel.integer
    convolve(
        _planes(image, used),
        kernel,
        border="constant",
        size=cast(Any, mode),
        out=_planes(out, used),
        method="auto" if whole else "fft",
    )
    return out


def _planes(array: Array, used: tuple[int, ...]) -> Array:
    """Return a view whose last two axes are those in use; a single one has its own at the end."""
    if used == (array.ndim - 2, array.ndim - 1):
        return array
    if len(used) == 2:
        return np.moveaxis(array, used, (-2, -1))
    return np.moveaxis(array, used[0], -1)[..., None, :]
