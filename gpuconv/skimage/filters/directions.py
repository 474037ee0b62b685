"""Horizontal and vertical edges: slopes down and across a picture."""

from __future__ import annotations

from typing import Any

from gpuconv.arrays import Array
from gpuconv.exchange import public
from gpuconv.skimage import reach
from gpuconv.skimage.filters.slopes import FARID, PREWITT, SCHARR, SOBEL, slopes
from gpuconv.skimage.pixels import check_ndim

__all__ = [
    "farid_h",
    "farid_v",
    "prewitt_h",
    "prewitt_v",
    "scharr_h",
    "scharr_v",
    "sobel_h",
    "sobel_v",
]


@public(reach=reach.of_slopes(1))
def sobel_h(image: Any, mask: Any = None) -> Array:
    """Find horizontal edges by Sobel's operator: the slope along axis 0.

    Parameters
    ----------
    image : array_like of shape (H, W)
        As for :func:`gpuconv.skimage.filters.sobel`.
    mask : array_like, optional
        As for :func:`gpuconv.skimage.filters.sobel`.

    Returns
    -------
    ndarray
        As ``sobel(image, mask, axis=0)``.

    Raises
    ------
    ArgumentError
        The image has no pixels, or other than two axes.

    Examples
    --------
    >>> sobel_h([[0.0], [0.0], [1.0], [1.0]]).round(2).tolist()
    [[0.0], [1.0], [1.0], [0.0]]
    """
    return slopes(SOBEL, check_ndim(image, 2), mask, 0, "reflect", 0.0)


@public(reach=reach.of_slopes(1))
def sobel_v(image: Any, mask: Any = None) -> Array:
    """Find vertical edges by Sobel's operator: the slope along axis 1.

    Parameters
    ----------
    image, mask
        As for :func:`sobel_h`.

    Returns
    -------
    ndarray
        As ``sobel(image, mask, axis=1)``.

    Raises
    ------
    ArgumentError
        The image has no pixels, or other than two axes.

    Examples
    --------
    >>> sobel_v([[0.0, 0.0, 1.0, 1.0]]).round(2).tolist()
    [[0.0, 1.0, 1.0, 0.0]]
    """
    return slopes(SOBEL, check_ndim(image, 2), mask, 1, "reflect", 0.0)


@public(reach=reach.of_slopes(1))
def scharr_h(image: Any, mask: Any = None) -> Array:
    """Find horizontal edges by Scharr's operator: the slope along axis 0.

    Parameters
    ----------
    image, mask
        As for :func:`sobel_h`.

    Returns
    -------
    ndarray
        As ``scharr(image, mask, axis=0)``.

    Raises
    ------
    ArgumentError
        The image has no pixels, or other than two axes.

    Examples
    --------
    >>> scharr_h([[0.0], [0.0], [1.0], [1.0]]).round(2).tolist()
    [[0.0], [1.0], [1.0], [0.0]]
    """
    return slopes(SCHARR, check_ndim(image, 2), mask, 0, "reflect", 0.0)


@public(reach=reach.of_slopes(1))
def scharr_v(image: Any, mask: Any = None) -> Array:
    """Find vertical edges by Scharr's operator: the slope along axis 1.

    Parameters
    ----------
    image, mask
        As for :func:`sobel_h`.

    Returns
    -------
    ndarray
        As ``scharr(image, mask, axis=1)``.

    Raises
    ------
    ArgumentError
        The image has no pixels, or other than two axes.

    Examples
    --------
    >>> scharr_v([[0.0, 0.0, 1.0, 1.0]]).round(2).tolist()
    [[0.0, 1.0, 1.0, 0.0]]
    """
    return slopes(SCHARR, check_ndim(image, 2), mask, 1, "reflect", 0.0)


@public(reach=reach.of_slopes(1))
def prewitt_h(image: Any, mask: Any = None) -> Array:
    """Find horizontal edges by Prewitt's operator: the slope along axis 0.

    Parameters
    ----------
    image, mask
        As for :func:`sobel_h`.

    Returns
    -------
    ndarray
        As ``prewitt(image, mask, axis=0)``.

    Raises
    ------
    ArgumentError
        The image has no pixels, or other than two axes.

    Examples
    --------
    >>> prewitt_h([[0.0], [0.0], [1.0]]).round(2).tolist()
    [[0.0], [1.0], [1.0]]
    """
    return slopes(PREWITT, check_ndim(image, 2), mask, 0, "reflect", 0.0)


@public(reach=reach.of_slopes(1))
def prewitt_v(image: Any, mask: Any = None) -> Array:
    """Find vertical edges by Prewitt's operator: the slope along axis 1.

    Parameters
    ----------
    image, mask
        As for :func:`sobel_h`.

    Returns
    -------
    ndarray
        As ``prewitt(image, mask, axis=1)``.

    Raises
    ------
    ArgumentError
        The image has no pixels, or other than two axes.

    Examples
    --------
    >>> prewitt_v([[0.0, 0.0, 1.0, 1.0]]).round(2).tolist()
    [[0.0, 1.0, 1.0, 0.0]]
    """
    return slopes(PREWITT, check_ndim(image, 2), mask, 1, "reflect", 0.0)


@public(reach=reach.of_slopes(2))
def farid_h(image: Any, *, mask: Any = None) -> Array:
    """Find horizontal edges by Farid and Simoncelli's operator: the slope along axis 0.

    Parameters
    ----------
    image, mask
        As for :func:`sobel_h`.

    Returns
    -------
    ndarray
        As ``farid(image, mask, axis=0)``.

    Raises
    ------
    ArgumentError
        The image has no pixels, or other than two axes.

    Examples
    --------
    >>> farid_h([[0.0], [0.0], [1.0], [1.0]]).round(2).tolist()
    [[0.11], [0.39], [0.39], [0.11]]
    """
    return slopes(FARID, check_ndim(image, 2), mask, 0, "reflect", 0.0)


@public(reach=reach.of_slopes(2))
def farid_v(image: Any, *, mask: Any = None) -> Array:
    """Find vertical edges by Farid and Simoncelli's operator: the slope along axis 1.

    Parameters
    ----------
    image, mask
        As for :func:`sobel_h`.

    Returns
    -------
    ndarray
        As ``farid(image, mask, axis=1)``.

    Raises
    ------
    ArgumentError
        The image has no pixels, or other than two axes.

    Examples
    --------
    >>> farid_v([[0.0, 0.0, 1.0, 1.0]]).round(2).tolist()
    [[0.11, 0.39, 0.39, 0.11]]
    """
    return slopes(FARID, check_ndim(image, 2), mask, 1, "reflect", 0.0)
