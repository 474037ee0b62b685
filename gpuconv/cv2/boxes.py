"""Means of windows, with OpenCV's arithmetic for integers."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from gpuconv.arrays import Array
from gpuconv.cv2.arguments import (
    Depths,
    anchor_of,
    border_of,
    correlated,
    dtype_of,
    ending,
    image_of,
    pair_of,
    whole,
)
from gpuconv.cv2.constants import (
    BORDER_DEFAULT,
    BORDER_ISOLATED,
    CV_8U,
    CV_16S,
    CV_16U,
    CV_32F,
    CV_32S,
    CV_64F,
)
from gpuconv.cv2.errors import ASSERTION, refused
from gpuconv.cv2.reach import of_box
from gpuconv.epilogue import Epilogue
from gpuconv.exchange import public
from gpuconv.kernel import Kernel

__all__ = ["blur", "boxFilter", "sqrBoxFilter"]

_NARROW = (CV_8U, CV_16U, CV_16S, CV_32F, CV_64F)
_INTEGER = (CV_8U, CV_16U, CV_16S, CV_32S, CV_32F, CV_64F)
#: What boxFilter makes of what.
_BOX: Depths = {
    CV_8U: _INTEGER,
    CV_16U: _INTEGER,
    CV_16S: _INTEGER,
    CV_32S: _INTEGER,
    CV_32F: _NARROW,
    CV_64F: _NARROW,
}
#: And sqrBoxFilter.
_SQUARES: Depths = {
    CV_8U: _INTEGER,
    CV_16U: _NARROW,
    CV_16S: _NARROW,
    CV_32F: _NARROW,
    CV_64F: _NARROW,
}
#: Dtypes that hold the squares of integer pixels.
_SQUARED: dict[str, np.dtype[Any]] = {
    "B": np.dtype("uint16"),
    "H": np.dtype("uint32"),
    "h": np.dtype("int32"),
}

#: Sums up to this are exact in float32.
_SINGLE = 2**24
#: Pixels of the largest window over bytes whose mean OpenCV takes by a multiplication in 32 bits.
_QUICK = 256


@public(reach=of_box)
def blur(
    src: Any,
    ksize: tuple[int, int],
    dst: Any = None,
    anchor: tuple[int, int] = (-1, -1),
    borderType: int = BORDER_DEFAULT,
) -> Any:
    """Return the mean of a window around each pixel, channel by channel.

    Parameters
    ----------
    src : ndarray of shape (H, W) or (H, W, C)
    ksize : (int, int)
        (width, height) of the window.
    dst : ndarray, optional
        Where to write, if it has the shape and the dtype of the image.
    anchor : (int, int), default (-1, -1)
        (x, y) of the tap that lies over the output pixel; -1 is the middle.
    borderType : int, default BORDER_DEFAULT
        What lies outside the image; BORDER_CONSTANT is 0.

    Returns
    -------
    ndarray
        Of the image's shape and dtype.

    Raises
    ------
    error
        A value is not allowed.

    Examples
    --------
    >>> blur(np.array([[0, 9, 0, 3]], np.uint8), (3, 1)).tolist()
    [[6, 3, 4, 1]]
    """
    return _boxed(src, -1, ksize, dst, anchor, True, borderType, "blur")


@public(reach=of_box)
def boxFilter(
    src: Any,
    ddepth: int,
    ksize: tuple[int, int],
    dst: Any = None,
    anchor: tuple[int, int] = (-1, -1),
    normalize: bool = True,
    borderType: int = BORDER_DEFAULT,
) -> Any:
    """Return the mean or the sum of a window around each pixel, channel by channel.

    Parameters
    ----------
    src : ndarray of shape (H, W) or (H, W, C)
    ddepth : int
        Depth of the result; -1 is the image's.
    ksize, dst, anchor, borderType
        As for :func:`blur`.
    normalize : bool, default True
        Whether it is the mean; else the sum.

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
    >>> boxFilter(np.array([[0, 9, 0, 3]], np.uint8), -1, (3, 1), normalize=False).tolist()
    [[18, 9, 12, 3]]
    """
    mean = normalize is None or normalize
    return _boxed(src, ddepth, ksize, dst, anchor, mean, borderType, "boxFilter")


@public(reach=of_box)
def sqrBoxFilter(
    src: Any,
    ddepth: int,
    ksize: tuple[int, int],
    dst: Any = None,
    anchor: tuple[int, int] = (-1, -1),
    normalize: bool = True,
    borderType: int = BORDER_DEFAULT,
) -> Any:
    """Return the mean or the sum of the squares in a window around each pixel.

    Parameters
    ----------
    src, ksize, dst, anchor, normalize, borderType
        As for :func:`boxFilter`.
    ddepth : int
        Depth of the result; -1 is CV_32F for integers and CV_64F for floats.

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
    >>> sqrBoxFilter(np.array([[0, 6, 0, 3]], np.uint8), -1, (3, 1)).tolist()
    [[24.0, 12.0, 15.0, 3.0]]
    """
    image = image_of(src, "sqrBoxFilter")
    wanted = whole("ddepth", ddepth, "sqrBoxFilter")
    if wanted < 0:
        wanted = CV_32F if image.dtype.kind in "iu" else CV_64F
    dtype = dtype_of(wanted, image, _SQUARES, "sqrBoxFilter")
    squares = np.square(image, dtype=_SQUARED.get(image.dtype.char, np.dtype("float64")))
    box = _box_of(ksize, anchor, "sqrBoxFilter")
    border = border_of(borderType, "sqrBoxFilter")
    bytes_only = image.dtype == np.uint8
    mean = normalize is None or normalize
    return _averaged(squares, box, dst, dtype, border, mean, bytes_only)


def _boxed(
    src: Any,
    ddepth: int,
    ksize: Any,
    dst: Any,
    anchor: Any,
    normalize: bool,
    number: int,
    function: str,
) -> Any:
    image = image_of(src, function)
    dtype = dtype_of(ddepth, image, _BOX, function)
    box = _box_of(ksize, anchor, function)
    border = border_of(number, function)
    isolated = whole("borderType", number, function, BORDER_DEFAULT) & BORDER_ISOLATED
    if normalize and border != "constant" and isolated:
        box = _flattened(box, image.shape)
    return _averaged(image, box, dst, dtype, border, normalize, image.dtype.kind in "iu")


def _box_of(ksize: Any, anchor: Any, function: str) -> Kernel:
    width, height = pair_of("ksize", ksize, function)
    if min(width, height) < 1:
        err = "ksize.width > 0 && ksize.height > 0"
        raise refused(function, ASSERTION, err, f"ksize={ksize!r} is (width, height)")
    return _ones(height, width, anchor_of(anchor, (height, width), function))


@lru_cache(maxsize=256)
def _ones(height: int, width: int, anchor: tuple[int, int]) -> Kernel:
    return Kernel.separable(np.ones(height, int), np.ones(width, int), anchor=anchor)


def _flattened(box: Kernel, shape: tuple[int, ...]) -> Kernel:
    """Return a box that is one pixel across where the image is."""
    sides = tuple(1 if n == 1 else k for n, k in zip(shape, box.shape, strict=False))
    where = tuple(min(at, k - 1) for at, k in zip(box.anchor, sides, strict=True))
    return _ones(sides[0], sides[1], (where[0], where[1]))


def _averaged(
    image: Array,
    box: Kernel,
    dst: Any,
    dtype: np.dtype[Any],
    border: str,
    normalize: bool,
    in_single: bool,
) -> Any:
    """Return the sums of a box, or their means: `in_single` multiplies the sums in float32.

    So does OpenCV with integers, of which it rounds more to one side than a division would.
    """
    area = prod(box.shape)
    if not normalize or area == 1:
        return correlated(image, box, dst, dtype, border, accuracy="double")
    if image.dtype == dtype == np.uint8 and area <= _QUICK:
        return correlated(image, box, dst, dtype, border, epilogue=_quick_mean(area))
    if not in_single or dtype == np.float64:
        mean = ending(1 / area, 0, "boxFilter")
        return correlated(image, box, dst, dtype, border, accuracy="double", epilogue=mean)
    if image.dtype.itemsize <= 2 and dtype.itemsize <= 2 and area * _largest(image) <= _SINGLE:
        mean = ending(np.float32(1 / area), 0, "boxFilter")
        return correlated(image, box, dst, dtype, border, epilogue=mean)
    single = np.dtype("float32")
    means: Array = correlated(image, box, None, single, border)
    means *= single.type(1 / area)
    return correlated(means, _ones(1, 1, (0, 0)), dst, dtype, border)


def _largest(image: Array) -> int:
    limits = np.iinfo(image.dtype)
    return max(int(limits.max), -int(limits.min))


@lru_cache(maxsize=_QUICK)
def _quick_mean(area: int) -> Epilogue:
    """Return what makes the mean of bytes of their sum as OpenCV does it.

    It is rounded half up; where the area is a power of two, so is what lacks one more. The offset
    lies half way between the sums that are rounded up and those that are not, so that float32 is
    precise enough.
    """
    lacking = 1 if area & (area - 1) == 0 else 0
    return Epilogue(scale=1 / area, offset=(area // 2 + lacking + 0.5) / area - 0.5)
