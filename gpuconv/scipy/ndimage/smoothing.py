"""Gaussians and means."""

from __future__ import annotations

from typing import Any

from gpuconv.arrays import Array
from gpuconv.exchange import public
from gpuconv.scipy.arguments import array_of, axes_of, axis_of, output_of
from gpuconv.scipy.ndimage.passes import filter_lines
from gpuconv.scipy.ndimage.reaches import (
    gaussian_line_reach,
    gaussian_reach,
    mean_line_reach,
    mean_reach,
)
from gpuconv.scipy.ndimage.series import gaussian_line, gaussian_lines, mean_line, mean_lines

__all__ = ["gaussian_filter", "gaussian_filter1d", "uniform_filter", "uniform_filter1d"]


@public(reach=gaussian_line_reach)
def gaussian_filter1d(
    input: Any,
    sigma: float,
    axis: int = -1,
    order: int = 0,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | None = None,
) -> Array:
    """Filter an array with a Gaussian along one axis.

    Parameters
    ----------
    input : array_like
        Real or complex.
    sigma : float
        Standard deviation, in elements.
    axis : int, default -1
        Along which to filter.
    order : int, default 0
        Which derivative of the Gaussian; 0 is the Gaussian itself.
    output : array or dtype, optional
        Where to write, or the dtype of the result; the default is that of the input.
    mode : str, default "reflect"
        What lies beyond the ends, by SciPy's names.
    cval : scalar, default 0.0
        The value outside in mode "constant".
    truncate : float, default 4.0
        After how many standard deviations the Gaussian ends.
    radius : int, optional
        After how many elements it ends, whatever `truncate` says.

    Returns
    -------
    ndarray
        The result, of the shape of the input.

    Raises
    ------
    StateError
        Mode, output or a dtype is not one that SciPy takes.
    ArgumentError, ArgumentTypeError
        Axis, order, radius or cval is not allowed.

    Examples
    --------
    >>> from gpuconv.scipy import ndimage
    >>> ndimage.gaussian_filter1d([1.0, 2.0, 3.0, 4.0, 5.0], 1).round(3).tolist()
    [1.427, 2.068, 3.0, 3.932, 4.573]
    """
    image = array_of(input)
    place = axis_of(axis, image.ndim)
    line = gaussian_line(place, sigma, order, mode, truncate, radius)
    room = output_of(output, image, complex_output=image.dtype.kind == "c")
    filter_lines(image, (line,), room, cval)
    return room


@public(reach=gaussian_reach)
def gaussian_filter(
    input: Any,
    sigma: Any,
    order: Any = 0,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    truncate: float = 4.0,
    *,
    radius: Any = None,
    axes: Any = None,
) -> Array:
    """Filter an array with a Gaussian along several axes.

    Parameters
    ----------
    input : array_like
        Real or complex.
    sigma : float or sequence of float
        Standard deviation along each axis, in elements; 0 leaves an axis as it is.
    order : int or sequence of int, default 0
        Which derivative of the Gaussian along each axis; 0 is the Gaussian itself.
    output : array or dtype, optional
        Where to write, or the dtype of the result; the default is that of the input. Integers are
        cut off after each axis, as SciPy does.
    mode : str or sequence of str, default "reflect"
        What lies outside along each axis, by SciPy's names.
    cval : scalar, default 0.0
        The value outside in mode "constant".
    truncate : float, default 4.0
        After how many standard deviations the Gaussian ends.
    radius : int or sequence of int, optional
        After how many elements it ends, whatever `truncate` says.
    axes : int or sequence of int, optional
        Which to filter; the default is all.

    Returns
    -------
    ndarray
        The result, of the shape of the input.

    Raises
    ------
    StateError
        A sequence is not as long as there are axes, or mode, output or a dtype is not one that
        SciPy takes.
    ArgumentError, ArgumentTypeError
        Axes, order, radius or cval is not allowed.

    Examples
    --------
    >>> import numpy as np
    >>> from gpuconv.scipy import ndimage
    >>> ndimage.gaussian_filter(np.eye(3), sigma=1, radius=1).round(3).tolist()
    [[0.602, 0.323, 0.075], [0.323, 0.354, 0.323], [0.075, 0.323, 0.602]]
    """
    image = array_of(input)
    room = output_of(output, image)
    places = axes_of(axes, image.ndim)
    lines = gaussian_lines(places, sigma, order, mode, truncate, radius)
    filter_lines(image, lines, room, cval)
    return room


@public(reach=mean_line_reach)
def uniform_filter1d(
    input: Any,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: int = 0,
) -> Array:
    """Take the mean of neighbours along one axis.

    Parameters
    ----------
    input : array_like
        Real or complex.
    size : int
        How many elements each mean is of.
    axis : int, default -1
        Along which to filter.
    output : array or dtype, optional
        Where to write, or the dtype of the result; the default is that of the input.
    mode : str, default "reflect"
        What lies beyond the ends, by SciPy's names.
    cval : scalar, default 0.0
        The value outside in mode "constant".
    origin : int, default 0
        Shifts the window: a positive one moves it to the left.

    Returns
    -------
    ndarray
        The result, of the shape of the input.

    Raises
    ------
    StateError
        Size, mode, output or a dtype is not one that SciPy takes.
    ArgumentError, ArgumentTypeError
        Axis, origin or cval is not allowed.

    Examples
    --------
    >>> from gpuconv.scipy import ndimage
    >>> ndimage.uniform_filter1d([2, 8, 0, 4, 1, 9, 9, 0], size=3).tolist()
    [4, 3, 4, 1, 4, 6, 6, 3]
    """
    image = array_of(input)
    place = axis_of(axis, image.ndim)
    room = output_of(output, image, complex_output=image.dtype.kind == "c")
    filter_lines(image, (mean_line(place, size, origin, mode),), room, cval)
    return room


@public(reach=mean_reach)
def uniform_filter(
    input: Any,
    size: Any = 3,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Array:
    """Take the mean of neighbours along several axes.

    Parameters
    ----------
    input : array_like
        Real or complex.
    size : int or sequence of int, default 3
        Of the window along each axis; up to 1 leaves an axis as it is.
    output : array or dtype, optional
        Where to write, or the dtype of the result; the default is that of the input. Integers are
        cut off after each axis, as SciPy does.
    mode : str or sequence of str, default "reflect"
        What lies outside along each axis, by SciPy's names.
    cval : scalar, default 0.0
        The value outside in mode "constant".
    origin : int or sequence of int, default 0
        Shifts the window along each axis: positive ones move it to the left.
    axes : int or sequence of int, optional
        Which to filter; the default is all.

    Returns
    -------
    ndarray
        The result, of the shape of the input.

    Raises
    ------
    StateError
        A sequence is not as long as there are axes, or mode, output or a dtype is not one that
        SciPy takes.
    ArgumentError, ArgumentTypeError
        Axes, origin or cval is not allowed.

    Examples
    --------
    >>> import numpy as np
    >>> from gpuconv.scipy import ndimage
    >>> ndimage.uniform_filter(np.eye(3) * 9).round().tolist()
    [[5.0, 3.0, 1.0], [3.0, 3.0, 3.0], [1.0, 3.0, 5.0]]
    """
    image = array_of(input)
    room = output_of(output, image, complex_output=image.dtype.kind == "c")
    places = axes_of(axes, image.ndim)
    filter_lines(image, mean_lines(places, size, origin, mode), room, cval)
    return room
