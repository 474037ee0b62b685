"""Differences of neighbours, and derivatives of Gaussians."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gpuconv.arrays import Array
from gpuconv.exchange import public
from gpuconv.scipy.arguments import array_of, axes_of, axis_of, each_axis, output_of
from gpuconv.scipy.ndimage.generic import generic_gradient_magnitude, generic_laplace
from gpuconv.scipy.ndimage.joined import filter_joined
from gpuconv.scipy.ndimage.passes import filter_lines
from gpuconv.scipy.ndimage.reaches import (
    derivative_reach,
    gaussian_gradient_reach,
    gaussian_laplace_reach,
    laplace_reach,
    sigmas_of,
)
from gpuconv.scipy.ndimage.series import bend_lines, gaussian_lines, slope_lines
from gpuconv.scipy.ndimage.smoothing import gaussian_filter
from gpuconv.scipy.ndimage.taps import Taps, line_of, taps_of

__all__ = ["gaussian_gradient_magnitude", "gaussian_laplace", "laplace", "prewitt", "sobel"]

_BEND, _EVEN, _TENT = taps_of([1, -2, 1]), taps_of([1, 1, 1]), taps_of([1, 2, 1])


@public(reach=derivative_reach)
def prewitt(
    input: Any, axis: int = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0
) -> Array:
    """Take the slope along one axis, summed over three neighbours along each other axis.

    Parameters
    ----------
    input : array_like
        Real or complex.
    axis : int, default -1
        Along which to take it.
    output : array or dtype, optional
        Where to write, or the dtype of the result; the default is that of the input, in which
        slopes of unsigned integers wrap.
    mode : str or sequence of str, default "reflect"
        What lies outside along each axis, by SciPy's names.
    cval : scalar, default 0.0
        The value outside in mode "constant".

    Returns
    -------
    ndarray
        The result, of the shape of the input.

    Raises
    ------
    StateError, ArgumentError, ArgumentTypeError
        As for :func:`gpuconv.scipy.ndimage.correlate1d`.

    Examples
    --------
    >>> from gpuconv.scipy import ndimage
    >>> ndimage.prewitt([[1, 2, 4], [1, 2, 4]]).tolist()
    [[3, 9, 6], [3, 9, 6]]
    """
    return _slope(array_of(input), axis, output, mode, cval, _EVEN)


@public(reach=derivative_reach)
def sobel(
    input: Any, axis: int = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0
) -> Array:
    """Take the slope along one axis, smoothed by [1, 2, 1] along each other axis.

    Parameters
    ----------
    input, axis, output, mode, cval
        As for :func:`prewitt`.

    Returns
    -------
    ndarray
        The result, of the shape of the input.

    Raises
    ------
    StateError, ArgumentError, ArgumentTypeError
        As for :func:`gpuconv.scipy.ndimage.correlate1d`.

    Examples
    --------
    >>> from gpuconv.scipy import ndimage
    >>> ndimage.sobel([[1, 2, 4], [1, 2, 4]]).tolist()
    [[4, 12, 8], [4, 12, 8]]
    """
    return _slope(array_of(input), axis, output, mode, cval, _TENT)


def _slope(image: Array, axis: int, output: Any, mode: Any, cval: Any, smooth: Taps) -> Array:
    place = axis_of(axis, image.ndim)
    room = output_of(output, image)
    filter_lines(image, slope_lines(place, image.ndim, mode, smooth), room, cval)
    return room


@public(reach=laplace_reach)
def laplace(
    input: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None
) -> Array:
    """Sum second differences [1, -2, 1] along all axes.

    Parameters
    ----------
    input : array_like
        Real or complex.
    output : array or dtype, optional
        Where to write, or the dtype of the result; the default is that of the input.
    mode : str or sequence of str, default "reflect"
        What lies outside along each axis, by SciPy's names.
    cval : scalar, default 0.0
        The value outside in mode "constant".
    axes : int or sequence of int, optional
        Along which to take differences; the default is all.

    Returns
    -------
    ndarray
        The result, of the shape of the input.

    Raises
    ------
    StateError, ArgumentError, ArgumentTypeError
        As for :func:`gpuconv.scipy.ndimage.correlate1d`.

    Examples
    --------
    >>> from gpuconv.scipy import ndimage
    >>> ndimage.laplace([[0, 0, 0], [0, 1, 0], [0, 0, 0]]).tolist()
    [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    """
    image = array_of(input)
    room = output_of(output, image)
    places = axes_of(axes, image.ndim)
    if filter_joined(image, bend_lines(places, mode), room, cval):
        return room

    def second(image: Array, axis: int, out: Any, each: Any, fill: Any) -> Array:
        part = output_of(out, image)
        filter_lines(image, (line_of(_BEND, axis, each, 0),), part, fill)
        return part

    return generic_laplace(image, second, room, mode, cval, axes=axes)


@public(reach=gaussian_laplace_reach)
def gaussian_laplace(
    input: Any,
    sigma: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    *,
    axes: Any = None,
    **kwargs: Any,
) -> Array:
    """Sum second derivatives of Gaussians along all axes.

    Parameters
    ----------
    input : array_like
        Real or complex.
    sigma : float or sequence of float
        Standard deviation along each axis, in elements.
    output : array or dtype, optional
        Where to write, or the dtype of the result; the default is that of the input.
    mode : str or sequence of str, default "reflect"
        What lies outside, for the derivative along each axis.
    cval : scalar, default 0.0
        The value outside in mode "constant".
    axes : int or sequence of int, optional
        Along which to blur and take derivatives; the default is all.
    **kwargs
        More arguments of :func:`gpuconv.scipy.ndimage.gaussian_filter`.

    Returns
    -------
    ndarray
        The result, of the shape of the input.

    Raises
    ------
    StateError, ArgumentError, ArgumentTypeError
        As for :func:`gpuconv.scipy.ndimage.gaussian_filter`.

    Examples
    --------
    >>> from gpuconv.scipy import ndimage
    >>> ndimage.gaussian_laplace([1.0, 2.0, 4.0, 2.0, 1.0], 1).round(3).tolist()
    [0.792, -0.196, -1.193, -0.196, 0.792]
    """
    image = array_of(input)
    places = axes_of(axes, image.ndim)
    sigmas = sigmas_of(sigma, places, image.ndim)
    room = output_of(output, image)
    if len(places) == 2 and not kwargs and len(set(modes := each_axis(mode, 2))) == 1:
        orders = [[2 if i == place else 0 for i in places] for place in places]
        pair = [sigmas[place] for place in places]
        terms = (gaussian_lines(places, pair, order, modes[0]) for order in orders)
        if filter_joined(image, tuple(terms), room, cval):
            return room
    second = _gaussian_derivative(image.ndim, 2, sigmas, kwargs)
    return generic_laplace(image, second, room, mode, cval, axes=axes)


@public(reach=gaussian_gradient_reach)
def gaussian_gradient_magnitude(
    input: Any,
    sigma: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    *,
    axes: Any = None,
    **kwargs: Any,
) -> Array:
    """Take the length of the gradient, by derivatives of Gaussians.

    Parameters
    ----------
    input, sigma, output, mode, cval
        As for :func:`gaussian_laplace`.
    axes : int or sequence of int, optional
        Along which to take derivatives; the default is all. All axes are blurred, as in SciPy.
    **kwargs
        More arguments of :func:`gpuconv.scipy.ndimage.gaussian_filter`.

    Returns
    -------
    ndarray
        The result, of the shape of the input.

    Raises
    ------
    StateError, ArgumentError, ArgumentTypeError
        As for :func:`gpuconv.scipy.ndimage.gaussian_filter`.

    Examples
    --------
    >>> from gpuconv.scipy import ndimage
    >>> ndimage.gaussian_gradient_magnitude([[0.0, 0.0, 1.0, 1.0]], 0.5).round(3).tolist()
    [[0.002, 0.428, 0.428, 0.002]]
    """
    image = array_of(input)
    first = _gaussian_derivative(image.ndim, 1, sigma, kwargs)
    return generic_gradient_magnitude(image, first, output, mode, cval, axes=axes)


def _gaussian_derivative(
    ndim: int, order: int, sigma: Any, options: Mapping[str, Any]
) -> Callable[..., Array]:
    """Return a derivative along an axis, for the sums above."""

    def derivative(image: Array, axis: int, out: Any, mode: Any, cval: Any) -> Array:
        orders = [order if i == axis else 0 for i in range(ndim)]
        return gaussian_filter(image, sigma, orders, out, mode, cval, **options)

    return derivative
