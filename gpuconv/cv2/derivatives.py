"""Derivatives: sums of integer weights, which are exact for integers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from gpuconv.cv2.arguments import (
    Depths,
    border_of,
    correlated,
    dtype_of,
    ending,
    image_of,
    whole,
)
from gpuconv.cv2.constants import (
    BORDER_DEFAULT,
    CV_8U,
    CV_16S,
    CV_16U,
    CV_32F,
    CV_32S,
    CV_64F,
    FILTER_SCHARR,
)
from gpuconv.cv2.errors import ASSERTION, refused
from gpuconv.cv2.linear import DENSE, SEPARABLE
from gpuconv.cv2.reach import of_derivative, of_gradient, of_laplacian
from gpuconv.cv2.weights import derivative_weights
from gpuconv.exchange import public
from gpuconv.kernel import Kernel

__all__ = ["Laplacian", "Scharr", "Sobel", "spatialGradient"]

_ANY = (CV_8U, CV_16U, CV_16S, CV_32S, CV_32F, CV_64F)
#: What Laplacian makes of what with windows from 5 on; below, it is what filter2D makes.
_WIDE: Depths = dict.fromkeys((CV_8U, CV_16U, CV_16S, CV_32F, CV_64F), _ANY)


@public(reach=of_derivative)
def Sobel(
    src: Any,
    ddepth: int,
    dx: int,
    dy: int,
    dst: Any = None,
    ksize: int = 3,
    scale: float = 1,
    delta: float = 0,
    borderType: int = BORDER_DEFAULT,
) -> Any:
    """Return a derivative of each channel, smoothed across it.

    Parameters
    ----------
    src : ndarray of shape (H, W) or (H, W, C)
    ddepth : int
        Depth of the result; -1 is the image's, which cuts bytes off below 0.
    dx, dy : int
        Order of the derivative along x and along y.
    dst : ndarray, optional
        Where to write, if it has the shape and the dtype of the result.
    ksize : int, default 3
        1, 3, 5, … 31; 1 does not smooth, and FILTER_SCHARR has weights 3, 10, 3.
    scale, delta : float, default 1 and 0
        Each sum becomes scale · sum + delta.
    borderType : int, default BORDER_DEFAULT
        What lies outside the image; BORDER_CONSTANT is 0.

    Returns
    -------
    ndarray
        Of the image's shape. The weights are not normalised.

    Raises
    ------
    error
        A value is not allowed.

    Examples
    --------
    >>> Sobel(np.array([[10, 20, 40]], np.uint8), CV_16S, 1, 0).tolist()
    [[0, 120, 0]]
    """
    size = whole("ksize", ksize, "Sobel", 3)
    return _derived(src, ddepth, dx, dy, size, (dst, scale, delta, borderType), "Sobel")


@public(reach=of_derivative)
def Scharr(
    src: Any,
    ddepth: int,
    dx: int,
    dy: int,
    dst: Any = None,
    scale: float = 1,
    delta: float = 0,
    borderType: int = BORDER_DEFAULT,
) -> Any:
    """Return the first derivative of each channel with Scharr's weights.

    Parameters
    ----------
    src, ddepth, dst, scale, delta, borderType
        As for :func:`Sobel`.
    dx, dy : int
        1 and 0, or 0 and 1.

    Returns
    -------
    ndarray
        Of the image's shape.

    Raises
    ------
    error
        A value is not allowed.

    Examples
    --------
    >>> Scharr(np.array([[10, 20, 40]], np.uint8), CV_16S, 1, 0).tolist()
    [[0, 480, 0]]
    """
    given = dst, scale, delta, borderType
    return _derived(src, ddepth, dx, dy, FILTER_SCHARR, given, "Scharr")


@public(reach=of_laplacian)
def Laplacian(
    src: Any,
    ddepth: int,
    dst: Any = None,
    ksize: int = 1,
    scale: float = 1,
    delta: float = 0,
    borderType: int = BORDER_DEFAULT,
) -> Any:
    """Return the sum of the second derivatives of each channel.

    Parameters
    ----------
    src, ddepth, dst, scale, delta, borderType
        As for :func:`Sobel`.
    ksize : int, default 1
        1, 3, 5, … 31; 1 is the cross of four neighbours.

    Returns
    -------
    ndarray
        Of the image's shape.

    Raises
    ------
    error
        A value is not allowed.

    Examples
    --------
    >>> Laplacian(np.array([[10, 20, 40]], np.uint8), CV_16S).tolist()
    [[20, 10, -40]]
    """
    image, size = image_of(src, "Laplacian"), whole("ksize", ksize, "Laplacian", 1)
    kernel = _laplacian(size)
    dtype = dtype_of(ddepth, image, DENSE if size < 5 else _WIDE, "Laplacian")
    border = border_of(borderType, "Laplacian")
    return correlated(image, kernel, dst, dtype, border, epilogue=ending(scale, delta, "Laplacian"))


@public(reach=of_gradient)
def spatialGradient(
    src: Any,
    dx: Any = None,
    dy: Any = None,
    ksize: int = 3,
    borderType: int = BORDER_DEFAULT,
) -> tuple[Any, Any]:
    """Return the derivatives along x and along y of an image of bytes.

    Parameters
    ----------
    src : ndarray of shape (H, W), uint8
    dx, dy : ndarray, optional
        Where to write, if they have the image's shape and are int16.
    ksize : int, default 3
        No other.
    borderType : int, default BORDER_DEFAULT
        What lies outside the image.

    Returns
    -------
    (ndarray, ndarray)
        Of int16: what :func:`Sobel` returns.

    Raises
    ------
    error
        A value is not allowed.

    Examples
    --------
    >>> [part.tolist() for part in spatialGradient(np.array([[10, 20, 40]], np.uint8))]
    [[[0, 120, 0]], [[0, 0, 0]]]
    """
    image = image_of(src, "spatialGradient")
    if image.dtype != np.uint8 or image.ndim != 2:
        told = (
            f"src has dtype {image.dtype} and shape {image.shape}; it must be one channel of bytes"
        )
        raise refused("spatialGradient", ASSERTION, "src.type() == CV_8UC1", told)
    if ksize != 3:
        raise refused("spatialGradient", ASSERTION, "ksize == 3", f"ksize={ksize!r}")
    return (
        Sobel(image, CV_16S, 1, 0, dx, borderType=borderType),
        Sobel(image, CV_16S, 0, 1, dy, borderType=borderType),
    )


def _derived(
    src: Any,
    ddepth: int,
    dx: int,
    dy: int,
    ksize: int,
    given: tuple[Any, float, float, int],
    function: str,
) -> Any:
    dst, scale, delta, number = given
    image = image_of(src, function)
    orders = whole("dx", dx, function), whole("dy", dy, function)
    kernel = _derivative(*orders, ksize, function)
    dtype = dtype_of(ddepth, image, SEPARABLE, function)
    border = border_of(number, function)
    return correlated(image, kernel, dst, dtype, border, epilogue=ending(scale, delta, function))


@lru_cache(maxsize=256)
def _derivative(dx: int, dy: int, ksize: int, function: str) -> Kernel:
    (row, _), (column, _) = derivative_weights(dx, dy, ksize, function)
    return Kernel.separable(column, row)


@lru_cache(maxsize=32)
def _laplacian(ksize: int) -> Kernel:
    if ksize == 1:
        return Kernel([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    if ksize == 3:
        return Kernel([[2, 0, 2], [0, -8, 0], [2, 0, 2]])
    if ksize < 1:
        raise refused("Laplacian", ASSERTION, "ksize > order", f"ksize={ksize}; it is 1 … 31, odd")
    (curved, _), (smooth, _) = derivative_weights(2, 0, ksize, "Laplacian")
    return Kernel.sum_of([(smooth, curved), (curved, smooth)])
