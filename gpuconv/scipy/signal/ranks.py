"""Medians and other ranks of windows; outside are zeros."""

from __future__ import annotations

from math import prod
from operator import index
from typing import Any

import numpy as np

from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.exchange import public
from gpuconv.scipy.arguments import array_of, numbers_of
from gpuconv.scipy.errors import tell
from gpuconv.scipy.ndimage.ranks import rank_filter
from gpuconv.scipy.signal.reach import of_rank, of_window

__all__ = ["medfilt", "medfilt2d", "order_filter"]


@public(reach=of_rank)
def order_filter(a: Any, domain: Any, rank: Any) -> Any:
    """Return the element of a rank among those around each element.

    Parameters
    ----------
    a : array_like
        Integers, float32 or float64, of any dimension.
    domain : array_like
        Of as many dimensions and odd lengths: not 0 where an element counts.
    rank : int
        0 for the least, -1 for the largest.

    Returns
    -------
    ndarray
        Of the shape and dtype of `a`.

    Raises
    ------
    ArgumentError
        The dtype, the shape of `domain` or `rank` is none that is allowed.

    Examples
    --------
    >>> order_filter([3, 1, 4, 1, 5], [1, 0, 1], 1).tolist()
    [1, 4, 1, 5, 1]
    """
    footprint = numbers_of(domain)
    if any(n % 2 != 1 for n in footprint.shape):
        raise ArgumentError(
            "Each dimension of domain argument should have an odd number of elements: "
            f"its shape is {footprint.shape}"
        )
    image = array_of(a)
    # SciPy looks at the dtype without its byte order for integers alone.
    if image.dtype.kind not in "iu" and image.dtype not in (np.float32, np.float64):
        raise ArgumentError(
            f"dtype={image.dtype} is not supported by order_filter; allowed are integers, float32 "
            "and float64"
        )
    return rank_filter(image, rank, footprint=footprint, mode="constant")


@public(reach=of_window)
def medfilt(volume: Any, kernel_size: Any = None) -> Any:
    """Return the median of a window around each element.

    Parameters
    ----------
    volume : array_like
        Integers, float32 or float64, of any dimension.
    kernel_size : int or sequence of int, optional
        Odd lengths of the window; 3 along each axis by default.

    Returns
    -------
    ndarray
        Of the shape and dtype of `volume`.

    Raises
    ------
    ArgumentError
        The dtype or a length is none that is allowed.

    Warns
    -----
    UserWarning
        The window is larger than the array.

    Examples
    --------
    >>> medfilt([2, 80, 6, 3]).tolist()
    [2, 6, 6, 3]
    """
    return _median(array_of(volume), kernel_size, warn=True)


@public(reach=of_window)
def medfilt2d(input: Any, kernel_size: Any = 3) -> Any:
    """Return the median of a window around each element of a plane.

    Parameters
    ----------
    input : array_like of two dimensions
        Integers, float32 or float64.
    kernel_size : int or sequence of two int, default 3
        Odd lengths of the window.

    Returns
    -------
    ndarray
        Of the shape and dtype of `input`.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        The dtype, the dimensions or a length is none that is allowed.

    Examples
    --------
    >>> medfilt2d([[1, 9, 2], [3, 4, 5], [6, 0, 8]]).tolist()
    [[0, 2, 0], [1, 4, 2], [0, 3, 0]]
    """
    image = array_of(input)
    if image.dtype.type not in (np.uint8, np.float32, np.float64):
        return _median(image, kernel_size, warn=True)
    if image.ndim != 2:
        words = "object too deep" if image.ndim > 2 else "object of too small depth"
        raise ArgumentError(f"{words} for desired array: input has {image.ndim} dimensions, not 2")
    if np.ndim(kernel_size) and len(kernel_size) != 2:
        raise ArgumentError(f"Size must be a length two sequence: kernel_size={kernel_size!r}")
    return _median(image.astype(image.dtype.newbyteorder("="), copy=False), kernel_size, warn=False)


def _median(volume: Array, kernel_size: Any, warn: bool) -> Array:
    image = volume[None] if volume.ndim == 0 else volume
    if image.dtype.kind not in "iu" and image.dtype not in (np.float32, np.float64):
        raise ArgumentError(
            f"dtype={image.dtype} is not supported by medfilt; allowed are integers, float32 and "
            "float64"
        )
    sizes = _sizes(kernel_size, image.ndim)
    if warn and any(k > n for k, n in zip(sizes, image.shape, strict=False)):
        tell("kernel_size exceeds volume extent: the volume will be zero-padded.")
    made: Array = rank_filter(image, prod(sizes) // 2, size=sizes, mode="constant")
    return made


def _sizes(kernel_size: Any, ndim: int) -> tuple[int, ...]:
    """Return the lengths of a window along each axis, which are odd."""
    given = 3 if kernel_size is None else kernel_size
    listed = numbers_of(given)
    lengths = [listed.item()] * ndim if listed.ndim == 0 else listed.tolist()
    if any(n % 2 != 1 for n in lengths):
        raise ArgumentError(f"Each element of kernel_size should be odd: kernel_size={given!r}")
    try:
        sizes = tuple(map(index, lengths))
    except TypeError:
        raise ArgumentTypeError(f"kernel_size={given!r} must be an integer, or some") from None
    if min(sizes, default=1) < 1:
        raise ArgumentError(f"negative dimensions are not allowed: kernel_size={given!r}")
    return sizes
