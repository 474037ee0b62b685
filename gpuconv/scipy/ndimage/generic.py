"""Sums over derivatives that a function of the caller's takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gpuconv import backends
from gpuconv.arrays import Array
from gpuconv.exchange import public
from gpuconv.scipy.arguments import array_of, axes_of, each_axis, output_of
from gpuconv.scipy.ndimage.passes import copied

__all__ = ["generic_gradient_magnitude", "generic_laplace"]


@public
def generic_laplace(
    input: Any,
    derivative2: Callable[..., Any],
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    extra_arguments: Sequence[Any] = (),
    extra_keywords: Mapping[str, Any] | None = None,
    *,
    axes: Any = None,
) -> Array:
    """Sum second derivatives along all axes, which a function of the caller's takes.

    Parameters
    ----------
    input : array_like
        Real or complex.
    derivative2 : callable
        ``derivative2(input, axis, output, mode, cval, *extra_arguments, **extra_keywords)``
        returns the second derivative, and writes it to `output` if that is an array.
    output : array or dtype, optional
        Where to write, or the dtype of the result; the default is that of the input.
    mode : str or sequence of str, default "reflect"
        What lies outside, for the derivative along each axis.
    cval : scalar, default 0.0
        The value outside in mode "constant".
    extra_arguments : sequence, optional
        More arguments of `derivative2`.
    extra_keywords : dict, optional
        And by name.
    axes : int or sequence of int, optional
        Along which to take derivatives; the default is all.

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
    >>> def bend(input, axis, output, mode, cval):
    ...     return ndimage.correlate1d(input, [1, -2, 1], axis, output, mode, cval)
    >>> ndimage.generic_laplace([0, 0, 1, 0, 0], bend).tolist()
    [0, 1, -2, 1, 0]
    """
    image, room, places = _begun(input, output, axes)
    if not places:
        copied(image, room)
        return room
    more, named = tuple(extra_arguments), dict(extra_keywords or {})
    modes = each_axis(mode, len(places))
    derivative2(image, places[0], room, modes[0], cval, *more, **named)
    for place, each in zip(places[1:], modes[1:], strict=True):
        room += derivative2(image, place, room.dtype, each, cval, *more, **named)
    return room


@public
def generic_gradient_magnitude(
    input: Any,
    derivative: Callable[..., Any],
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    extra_arguments: Sequence[Any] = (),
    extra_keywords: Mapping[str, Any] | None = None,
    *,
    axes: Any = None,
) -> Array:
    """Take the length of the gradient, whose components a function of the caller's takes.

    Parameters
    ----------
    input : array_like
        Real or complex.
    derivative : callable
        ``derivative(input, axis, output, mode, cval, *extra_arguments, **extra_keywords)``
        returns the derivative, and writes it to `output` if that is an array. What it returns is
        overwritten.
    output, mode, cval, extra_arguments, extra_keywords, axes
        As for :func:`generic_laplace`.

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
    >>> ndimage.generic_gradient_magnitude([[0.0, 3.0], [4.0, 7.0]], ndimage.sobel).tolist()
    [[20.0, 20.0], [20.0, 20.0]]
    """
    image, room, places = _begun(input, output, axes)
    if not places:
        copied(image, room)
        return room
    more, named = tuple(extra_arguments), dict(extra_keywords or {})
    modes = each_axis(mode, len(places))
    derivative(image, places[0], room, modes[0], cval, *more, **named)
    np.multiply(room, room, out=room)
    for place, each in zip(places[1:], modes[1:], strict=True):
        part = derivative(image, place, room.dtype, each, cval, *more, **named)
        np.multiply(part, part, out=part)
        room += part
    np.sqrt(room, out=room, casting="unsafe")
    return room


def _begun(input: Any, output: Any, axes: Any) -> tuple[Array, Array, tuple[int, ...]]:
    """Return the image, where the result goes, and the axes; the image is read more than once."""
    image = array_of(input)
    room = output_of(output, image)
    if backends.owner(image).overlap(image, room):
        image = image.copy()
    return image, room, axes_of(axes, image.ndim)
