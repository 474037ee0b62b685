"""Filters that are no sums of weights: the median, and the mean of what is near and alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuconv.cv2.arguments import border_of, channel_of, image_of, number, room_of, whole
from gpuconv.cv2.constants import BORDER_DEFAULT
from gpuconv.cv2.errors import ASSERTION, refused
from gpuconv.cv2.reach import of_bilateral, of_median
from gpuconv.cv2.sizes import disk_radius
from gpuconv.exchange import public
from gpuconv.operations import bilateral, median

__all__ = ["bilateralFilter", "medianBlur"]

#: Sigmas up to this leave an image as it is.
_NOTHING = 1e-6


@public(reach=of_median)
def medianBlur(src: Any, ksize: int, dst: Any = None) -> Any:
    """Return the median of a square around each pixel, channel by channel.

    Outside the image stands its nearest pixel.

    Parameters
    ----------
    src : ndarray of shape (H, W) or (H, W, C)
    ksize : int
        Pixels of a side: 1, 3, 5, …
    dst : ndarray, optional
        Where to write, if it has the shape and the dtype of the image.

    Returns
    -------
    ndarray
        Of the image's shape and dtype.

    Raises
    ------
    error
        `ksize` is not allowed.

    Examples
    --------
    >>> medianBlur(np.array([[1, 9, 2, 3]], np.uint8), 3).tolist()
    [[1, 2, 3, 3]]
    """
    image = image_of(src, "medianBlur")
    size = whole("ksize", ksize, "medianBlur")
    if size < 1 or size % 2 == 0:
        told = f"ksize={ksize!r}; it must be odd and positive"
        raise refused("medianBlur", ASSERTION, "ksize % 2 == 1", told)
    out = room_of(dst, image, image.shape, image.dtype)
    found = median(image, size, border="nearest", channel_axis=channel_of(image), out=out)
    return found if out is None else dst


@public(reach=of_bilateral)
def bilateralFilter(
    src: Any,
    d: int,
    sigmaColor: float,
    sigmaSpace: float,
    dst: Any = None,
    borderType: int = BORDER_DEFAULT,
) -> Any:
    """Return the mean of the pixels of a disk that are near and alike.

    Parameters
    ----------
    src : ndarray of shape (H, W) or (H, W, C)
        The channels of a pixel count together.
    d : int
        Diameter of the disk in pixels; 0 or less follows from `sigmaSpace`.
    sigmaColor : float
        How far pixels may differ and still count, in units of pixel values.
    sigmaSpace : float
        How far pixels may lie and still count, in pixels.
    dst : ndarray, optional
        Where to write, if it has the shape and the dtype of the image.
    borderType : int, default BORDER_DEFAULT
        What lies outside the image; BORDER_CONSTANT is 0.

    Returns
    -------
    ndarray
        Of the image's shape and dtype; the image as it is if a sigma is 0 or less.

    Raises
    ------
    error
        A value is not allowed.

    Examples
    --------
    >>> bilateralFilter(np.array([[0, 2, 90, 92]], np.uint8), 3, 10, 10).tolist()
    [[1, 2, 90, 91]]
    """
    image = image_of(src, "bilateralFilter")
    border = border_of(borderType, "bilateralFilter")
    out = room_of(dst, image, image.shape, image.dtype)
    color = number("sigmaColor", sigmaColor, "bilateralFilter")
    space = number("sigmaSpace", sigmaSpace, "bilateralFilter")
    diameter = 2 * disk_radius(whole("d", d, "bilateralFilter"), space) + 1
    if min(color, space) <= _NOTHING:
        made = image.copy() if out is None else out
        np.copyto(made, image)
    else:
        made = bilateral(
            image,
            diameter,
            sigma_color=color,
            sigma_space=space,
            border=border,
            channel_axis=channel_of(image),
            out=out,
        )
    return made if out is None else dst
