"""Correlation and convolution with weights that the caller gives."""

from __future__ import annotations

from typing import Any

from gpuconv.arrays import Array
from gpuconv.exchange import public
from gpuconv.scipy.arguments import array_of, axis_of, numbers_of, output_of
from gpuconv.scipy.errors import StateError
from gpuconv.scipy.ndimage.components import by_components, is_complex
from gpuconv.scipy.ndimage.dense import correlated
from gpuconv.scipy.ndimage.passes import filter_lines
from gpuconv.scipy.ndimage.reaches import line_reach, weights_reach
from gpuconv.scipy.ndimage.taps import flipped, line_of, taps_of

__all__ = ["convolve", "convolve1d", "correlate", "correlate1d"]


@public(reach=line_reach)
def correlate1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: int = 0,
) -> Array:
    """Correlate an array with weights along one axis.

    Parameters
    ----------
    input : array_like
        Real or complex.
    weights : array_like, 1-D
        Real or complex; complex ones are conjugated.
    axis : int, default -1
        Along which to filter.
    output : array or dtype, optional
        Where to write, or the dtype of the result; the default is that of the input.
    mode : str, default "reflect"
        What lies beyond the ends: "reflect", "constant", "nearest", "mirror", "wrap" or a "grid-"
        name of SciPy's.
    cval : scalar, default 0.0
        The value outside in mode "constant".
    origin : int, default 0
        Shifts the weights: a positive one moves them to the left.

    Returns
    -------
    ndarray
        The result, of the shape of the input.

    Raises
    ------
    StateError
        There are no weights, or mode, output or a dtype is not one that SciPy takes.
    ArgumentError, ArgumentTypeError
        Axis, origin or cval is not allowed.

    Examples
    --------
    >>> from gpuconv.scipy import ndimage
    >>> ndimage.correlate1d([2, 8, 0, 4, 1, 9, 9, 0], weights=[1, 3]).tolist()
    [8, 26, 8, 12, 7, 28, 36, 9]
    """
    return _along(array_of(input), numbers_of(weights), axis, output, mode, cval, origin)


@public(reach=line_reach)
def convolve1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: int = 0,
) -> Array:
    """Convolve an array with weights along one axis.

    Parameters
    ----------
    input, weights, axis, output, mode, cval, origin
        As for :func:`correlate1d`, but that the weights are flipped, and never conjugated.

    Returns
    -------
    ndarray
        The result, of the shape of the input.

    Raises
    ------
    StateError, ArgumentError, ArgumentTypeError
        As for :func:`correlate1d`.

    Examples
    --------
    >>> from gpuconv.scipy import ndimage
    >>> ndimage.convolve1d([2, 8, 0, 4, 1, 9, 9, 0], weights=[1, 3]).tolist()
    [14, 24, 4, 13, 12, 36, 27, 0]
    """
    turned, shift = flipped(_one_axis(numbers_of(weights)), origin)
    return _along(array_of(input), turned.conj(), axis, output, mode, cval, shift)


def _one_axis(weights: Array) -> Array:
    """Return weights that are some, and of one axis."""
    if weights.ndim != 1 or not weights.size:
        raise StateError(
            f"no filter weights given: weights has shape {weights.shape}; it must have one axis"
        )
    return weights


def _along(
    image: Array, weights: Array, axis: int, output: Any, mode: Any, cval: Any, origin: Any
) -> Array:
    mixed = is_complex(image, weights)
    room = output_of(output, image, complex_output=mixed)
    _one_axis(weights)
    place = axis_of(axis, image.ndim)

    def real(pixels: Array, numbers: Array, out: Array, fill: Any) -> None:
        filter_lines(pixels, (line_of(taps_of(numbers), place, mode, origin),), out, fill)

    if mixed:
        by_components(real, image, weights.conj(), room, cval)
    else:
        real(image, weights, room, cval)
    return room


@public(reach=weights_reach)
def correlate(
    input: Any,
    weights: Any,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Array:
    """Correlate an array with weights of as many axes.

    Parameters
    ----------
    input : array_like
        Real or complex, of any number of axes.
    weights : array_like
        Of as many axes as are filtered; complex ones are conjugated.
    output : array or dtype, optional
        Where to write, or the dtype of the result; the default is that of the input.
    mode : str, default "reflect"
        What lies outside: "reflect", "constant", "nearest", "mirror", "wrap" or a "grid-" name of
        SciPy's.
    cval : scalar, default 0.0
        The value outside in mode "constant".
    origin : int or sequence of int, default 0
        Shifts the weights along each axis: positive ones move them to the left.
    axes : int or sequence of int, optional
        Which to filter; the default is all.

    Returns
    -------
    ndarray
        The result, of the shape of the input.

    Raises
    ------
    StateError
        The weights have another number of axes, or mode, output or a dtype is not one that SciPy
        takes.
    ArgumentError, ArgumentTypeError
        Axes, origin or cval is not allowed.

    Examples
    --------
    >>> from gpuconv.scipy import ndimage
    >>> ndimage.correlate([[1, 2], [3, 4]], [[0, 0, 0], [0, 0, 1], [0, 0, 0]]).tolist()
    [[2, 2], [4, 4]]
    """
    return _filtered(array_of(input), numbers_of(weights), output, mode, cval, origin, axes, False)


@public(reach=weights_reach)
def convolve(
    input: Any,
    weights: Any,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Array:
    """Convolve an array with weights of as many axes.

    Parameters
    ----------
    input, weights, output, mode, cval, origin, axes
        As for :func:`correlate`, but that the weights are flipped, and never conjugated.

    Returns
    -------
    ndarray
        The result, of the shape of the input.

    Raises
    ------
    StateError, ArgumentError, ArgumentTypeError
        As for :func:`correlate`.

    Examples
    --------
    >>> from gpuconv.scipy import ndimage
    >>> ndimage.convolve([[1, 2], [3, 4]], [[0, 0, 0], [0, 0, 1], [0, 0, 0]]).tolist()
    [[1, 1], [3, 3]]
    """
    return _filtered(array_of(input), numbers_of(weights), output, mode, cval, origin, axes, True)


def _filtered(
    image: Array,
    weights: Array,
    output: Any,
    mode: Any,
    cval: Any,
    origin: Any,
    axes: Any,
    flip: bool,
) -> Array:
    mixed = is_complex(image, weights)
    room = output_of(output, image, complex_output=mixed)

    def real(pixels: Array, numbers: Array, out: Array, fill: Any) -> None:
        correlated(pixels, numbers, out, mode, fill, origin, axes, flip)

    if mixed:
        by_components(real, image, weights if flip else weights.conj(), room, cval)
    else:
        real(image, weights, room, cval)
    return room
