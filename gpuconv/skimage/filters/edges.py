"""Edges by slopes: their magnitude over any number of axes, or the slope along one."""

from __future__ import annotations

from typing import Any

from gpuconv.arrays import Array
from gpuconv.exchange import public
from gpuconv.skimage import reach
from gpuconv.skimage.filters.slopes import FARID, PREWITT, SCHARR, SOBEL, slopes

__all__ = ["farid", "prewitt", "scharr", "sobel"]


@public(reach=reach.of_edges(1))
def sobel(
    image: Any,
    mask: Any = None,
    *,
    axis: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
) -> Array:
    """Find edges by Sobel's operator: ``skimage.filters.sobel``.

    Parameters
    ----------
    image : array_like
        Pixels of any real dtype or bool, of any number of axes; integers become parts of the
        largest.
    mask : array_like, optional
        True where edges are wanted: 0 elsewhere, beside pixels elsewhere, and along the frame.
    axis : int or sequence of int, optional
        Along which to measure: one for a slope with its sign, several for the magnitude; the
        default is all.
    mode : str, default "reflect"
        What lies outside: a mode of ``scipy.ndimage``.
    cval : float, default 0
        The value outside in mode "constant".

    Returns
    -------
    ndarray
        Of float32 for images of it and of float16, else of float64: the slope along an axis,
        smoothed along the others, or √(Σ slope² / axes of the image).

    Raises
    ------
    ArgumentError
        `axis` is none of the image's, or a value is not allowed.

    Examples
    --------
    >>> step = [[0.0, 0.0, 1.0, 1.0]] * 3
    >>> sobel(step).round(2)[1].tolist()
    [0.0, 0.71, 0.71, 0.0]
    >>> sobel(step, axis=1)[1].tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    return slopes(SOBEL, image, mask, axis, mode, cval)


@public(reach=reach.of_edges(1))
def scharr(
    image: Any,
    mask: Any = None,
    *,
    axis: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
) -> Array:
    """Find edges by Scharr's operator: ``skimage.filters.scharr``.

    Parameters
    ----------
    image, mask, axis, mode, cval
        As for :func:`sobel`.

    Returns
    -------
    ndarray
        As for :func:`sobel`.

    Raises
    ------
    ArgumentError
        As for :func:`sobel`.

    Examples
    --------
    >>> scharr([[0.0, 0.0, 1.0, 1.0]] * 3, axis=1).round(2)[1].tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    return slopes(SCHARR, image, mask, axis, mode, cval)


@public(reach=reach.of_edges(1))
def prewitt(
    image: Any,
    mask: Any = None,
    *,
    axis: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
) -> Array:
    """Find edges by Prewitt's operator: ``skimage.filters.prewitt``.

    Parameters
    ----------
    image, mask, axis, mode, cval
        As for :func:`sobel`.

    Returns
    -------
    ndarray
        As for :func:`sobel`.

    Raises
    ------
    ArgumentError
        As for :func:`sobel`.

    Examples
    --------
    >>> prewitt([[0.0, 0.0, 1.0, 1.0]] * 3, axis=1).round(2)[1].tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    return slopes(PREWITT, image, mask, axis, mode, cval)


@public(reach=reach.of_edges(2))
def farid(
    image: Any,
    mask: Any = None,
    *,
    axis: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
) -> Array:
    """Find edges by Farid and Simoncelli's operator: ``skimage.filters.farid``.

    Parameters
    ----------
    image, mask, axis, mode, cval
        As for :func:`sobel`.

    Returns
    -------
    ndarray
        As for :func:`sobel`.

    Raises
    ------
    ArgumentError
        As for :func:`sobel`.

    Examples
    --------
    >>> farid([[0.0, 0.0, 1.0, 1.0]] * 3, axis=1).round(2)[1].tolist()
    [0.11, 0.39, 0.39, 0.11]
    """
    return slopes(FARID, image, mask, axis, mode, cval)
