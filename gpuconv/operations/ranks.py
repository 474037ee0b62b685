"""Rank filters: median, percentiles, minimum, maximum."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from gpuconv.apply import Choices, applied
from gpuconv.arguments import Border
from gpuconv.arrays import Array
from gpuconv.exchange import public
from gpuconv.neighbourhood import Rank
from gpuconv.operations.windows import window

__all__ = ["maximum", "median", "minimum", "percentile", "rank"]


@public
def median(
    image: ArrayLike,
    size: int | tuple[int, int] = 3,
    *,
    footprint: ArrayLike | None = None,
    anchor: tuple[int, int] | None = None,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: str = "auto",
) -> Array:
    """Return the median of each pixel's neighbourhood.

    Noise of single pixels goes, edges stay. Of an even number of pixels it is the upper one of the
    two in the middle, as :func:`scipy.ndimage.median_filter` has it: a result is always a pixel.

    Parameters
    ----------
    image : array_like of shape (..., H, W)
        Real pixels, of integers or floats; leading axes are a batch. Read-only arrays, any strides
        and any byte order will do.
    size : int or (int, int), default 3
        Pixels of the neighbourhood, a rectangle: along y and along x. May be larger than the image.
    footprint : array_like of shape (rows, columns), optional
        Instead of `size`: true where a pixel counts.
    anchor : (int, int), optional
        (row, column) of the neighbourhood that lies over the output pixel; by default
        (rows // 2, columns // 2). SciPy's ``origin`` is that much more than the default.
    border : str or (str, str), default "reflect"
        What lies outside the image, as for :func:`gpuconv.convolve`: "reflect", "mirror",
        "nearest", "wrap", "constant" or "zero"; one for both axes, or (along y, along x).
    cval : float, default 0
        The pixels of the border "constant", a value that the image's dtype has.
    channel_axis : int, optional
        The axis of colours, each of which is filtered on its own.
    out : array, optional
        Where the result is written, of the image's shape and dtype; may be the image.
    device : {"cpu", "cuda"}, optional
        As for :func:`gpuconv.convolve`.
    method : {"auto", "extreme", "network", "histogram", "sort"}, default "auto"
        Which algorithm runs; all give the same result. :func:`gpuconv.plan` tells which is chosen,
        and why: minima and maxima from those of smaller windows; a network of minima and maxima,
        which neighbouring windows share; counts of pixels; or sorting each window.

    Returns
    -------
    array
        Of the image's shape and dtype: `out`, or a new array.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument is none that is allowed; the message names it.
    DeviceError
        The device is not there.

    Notes
    -----
    A neighbourhood that holds a NaN gives NaN, as :func:`numpy.median` does, whatever the rank.
    (SciPy leaves its result undefined.) A zero of the result may have either sign where the
    neighbourhood has zeros of both.

    For an odd `size` and ``border="nearest"`` it is what OpenCV's ``medianBlur`` computes.

    Examples
    --------
    >>> import gpuconv as gc
    >>> gc.median([[1, 1, 1], [1, 9, 1], [1, 1, 1]]).tolist()
    [[1, 1, 1], [1, 1, 1], [1, 1, 1]]
    >>> cross = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    >>> gc.median([[5, 5, 0], [5, 0, 0], [0, 0, 0]], footprint=cross, border="zero").tolist()
    [[5, 0, 0], [0, 0, 0], [0, 0, 0]]
    """
    wanted = window(Rank.median, size, footprint, anchor)
    return _ranked(image, wanted, border, cval, channel_axis, out, device, method)


@public
def rank(
    image: ArrayLike,
    rank: int,
    size: int | tuple[int, int] = 3,
    *,
    footprint: ArrayLike | None = None,
    anchor: tuple[int, int] | None = None,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: str = "auto",
) -> Array:
    """Return the pixel of a rank in each pixel's neighbourhood.

    Parameters
    ----------
    image : array_like of shape (..., H, W)
        As for :func:`median`.
    rank : int
        0 for the least pixel, 1 for the next, …; a negative one counts from the largest, -1.
    size, footprint, anchor, border, cval, channel_axis, out, device, method
        As for :func:`median`.

    Returns
    -------
    array
        Of the image's shape and dtype: `out`, or a new array.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`median`.

    Notes
    -----
    NaN, and zeros of both signs, are as for :func:`median`.

    Examples
    --------
    >>> import gpuconv as gc
    >>> gc.rank([[4, 1, 3, 2]], 1, (1, 3), border="nearest").tolist()
    [[4, 3, 2, 2]]
    >>> gc.rank([[4, 1, 3, 2]], -1, (1, 3), border="nearest").tolist()
    [[4, 4, 3, 3]]
    """
    wanted = Rank.of(rank, size, footprint=footprint, anchor=anchor)
    return _ranked(image, wanted, border, cval, channel_axis, out, device, method)


@public
def percentile(
    image: ArrayLike,
    percentile: float,
    size: int | tuple[int, int] = 3,
    *,
    footprint: ArrayLike | None = None,
    anchor: tuple[int, int] | None = None,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: str = "auto",
) -> Array:
    """Return a percentile of each pixel's neighbourhood.

    Parameters
    ----------
    image : array_like of shape (..., H, W)
        As for :func:`median`.
    percentile : float
        In -100 … 100; a negative one counts from 100. Nothing is interpolated: of n pixels it is
        number ⌊n · percentile / 100⌋, counted from 0, and the largest for 100, as
        :func:`scipy.ndimage.percentile_filter` has it.
    size, footprint, anchor, border, cval, channel_axis, out, device, method
        As for :func:`median`.

    Returns
    -------
    array
        Of the image's shape and dtype: `out`, or a new array.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`median`.

    Notes
    -----
    NaN, and zeros of both signs, are as for :func:`median`.

    Examples
    --------
    >>> import gpuconv as gc
    >>> gc.percentile([[4, 1, 3, 2]], 50, (1, 3), border="nearest").tolist()
    [[4, 3, 2, 2]]
    >>> gc.percentile([[4, 1, 3, 2]], 100, (1, 3), border="nearest").tolist()
    [[4, 4, 3, 3]]
    """
    wanted = Rank.percentile(percentile, size, footprint=footprint, anchor=anchor)
    return _ranked(image, wanted, border, cval, channel_axis, out, device, method)


@public
def minimum(
    image: ArrayLike,
    size: int | tuple[int, int] = 3,
    *,
    footprint: ArrayLike | None = None,
    anchor: tuple[int, int] | None = None,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: str = "auto",
) -> Array:
    """Return the least pixel of each pixel's neighbourhood.

    Erosion, as morphology calls it.

    Parameters
    ----------
    image : array_like of shape (..., H, W)
        As for :func:`median`.
    size, footprint, anchor, border, cval, channel_axis, out, device, method
        As for :func:`median`.

    Returns
    -------
    array
        Of the image's shape and dtype: `out`, or a new array.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`median`.

    Notes
    -----
    NaN, and zeros of both signs, are as for :func:`median`.

    Examples
    --------
    >>> import gpuconv as gc
    >>> gc.minimum([[4, 1, 3, 2]], (1, 3)).tolist()
    [[1, 1, 1, 2]]
    """
    wanted = window(Rank.minimum, size, footprint, anchor)
    return _ranked(image, wanted, border, cval, channel_axis, out, device, method)


@public
def maximum(
    image: ArrayLike,
    size: int | tuple[int, int] = 3,
    *,
    footprint: ArrayLike | None = None,
    anchor: tuple[int, int] | None = None,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: str = "auto",
) -> Array:
    """Return the largest pixel of each pixel's neighbourhood.

    Dilation, as morphology calls it.

    Parameters
    ----------
    image : array_like of shape (..., H, W)
        As for :func:`median`.
    size, footprint, anchor, border, cval, channel_axis, out, device, method
        As for :func:`median`.

    Returns
    -------
    array
        Of the image's shape and dtype: `out`, or a new array.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`median`.

    Notes
    -----
    NaN, and zeros of both signs, are as for :func:`median`.

    Examples
    --------
    >>> import gpuconv as gc
    >>> gc.maximum([[4, 1, 3, 2]], (1, 3)).tolist()
    [[4, 4, 3, 3]]
    """
    wanted = window(Rank.maximum, size, footprint, anchor)
    return _ranked(image, wanted, border, cval, channel_axis, out, device, method)


def _ranked(
    image: ArrayLike,
    wanted: Rank,
    border: Border,
    cval: float,
    channel_axis: int | None,
    out: Array | None,
    device: str | None,
    method: Any,
) -> Array:
    choices = Choices.of(wanted, border, cval, method)
    return applied(image, wanted, choices, channel_axis, None, out, device)
