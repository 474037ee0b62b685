"""Filters whose weights the caller gives."""

from __future__ import annotations

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
)
from gpuconv.cv2.constants import (
    BORDER_DEFAULT,
    CV_8U,
    CV_16S,
    CV_16U,
    CV_32F,
    CV_64F,
)
from gpuconv.cv2.errors import ASSERTION, BAD_ARGUMENT, refused
from gpuconv.cv2.reach import of_kernel, of_lines
from gpuconv.exchange import public
from gpuconv.kernel import Kernel
from gpuconv.known import known_kernel, known_separable
from gpuconv.scipy.arguments import numbers_of

__all__ = ["DENSE", "SEPARABLE", "filter2D", "sepFilter2D"]

#: What filter2D makes of what.
DENSE: Depths = {
    CV_8U: (CV_8U, CV_16U, CV_16S, CV_32F, CV_64F),
    CV_16U: (CV_16U, CV_32F, CV_64F),
    CV_16S: (CV_16S, CV_32F, CV_64F),
    CV_32F: (CV_32F,),
    CV_64F: (CV_64F,),
}
#: What sepFilter2D and all that is made of it do.
SEPARABLE: Depths = {
    CV_8U: (CV_8U, CV_16U, CV_16S, CV_32F, CV_64F),
    CV_16U: (CV_8U, CV_16U, CV_16S, CV_32F, CV_64F),
    CV_16S: (CV_8U, CV_16U, CV_16S, CV_32F, CV_64F),
    CV_32F: (CV_8U, CV_16U, CV_16S, CV_32F, CV_64F),
    CV_64F: (CV_8U, CV_16U, CV_16S, CV_64F),
}

#: Taps of a kernel for which it costs little to add them one by one; a 5×5 one.
_FEW_TAPS = 25


@public(reach=of_kernel)
def filter2D(
    src: Any,
    ddepth: int,
    kernel: Any,
    dst: Any = None,
    anchor: tuple[int, int] = (-1, -1),
    delta: float = 0,
    borderType: int = BORDER_DEFAULT,
) -> Any:
    """Correlate each channel of an image with a kernel.

    Parameters
    ----------
    src : ndarray of shape (H, W) or (H, W, C)
    ddepth : int
        Depth of the result, CV_8U … CV_64F; -1 is the image's.
    kernel : ndarray of shape (rows, columns)
    dst : ndarray, optional
        Where to write, if it has the shape and the dtype of the result.
    anchor : (int, int), default (-1, -1)
        (x, y) of the tap that lies over the output pixel; -1 is the middle.
    delta : float, default 0
        Added to each sum.
    borderType : int, default BORDER_DEFAULT
        What lies outside the image; BORDER_CONSTANT is 0.

    Returns
    -------
    ndarray
        Integers are rounded half to even and saturated.

    Raises
    ------
    error
        A value is not allowed.

    Examples
    --------
    >>> filter2D(np.array([[1, 2, 3]], np.uint8), -1, np.array([[1, 0, 1]])).tolist()
    [[4, 4, 4]]
    """
    image = image_of(src, "filter2D")
    weights = _weights(kernel, "filter2D")
    dtype = dtype_of(ddepth, image, DENSE, "filter2D")
    where = anchor_of(anchor, weights.shape, "filter2D")
    used = known_kernel(weights, where)
    border = border_of(borderType, "filter2D")
    options = {"method": "dense"} if _in_order(used, image, dtype) else {}
    last = ending(1, delta, "filter2D")
    return correlated(image, used, dst, dtype, border, epilogue=last, **options)


@public(reach=of_lines)
def sepFilter2D(
    src: Any,
    ddepth: int,
    kernelX: Any,
    kernelY: Any,
    dst: Any = None,
    anchor: tuple[int, int] = (-1, -1),
    delta: float = 0,
    borderType: int = BORDER_DEFAULT,
) -> Any:
    """Correlate each channel of an image with a row of weights, and with a column of weights.

    Parameters
    ----------
    src : ndarray of shape (H, W) or (H, W, C)
    ddepth : int
        Depth of the result, CV_8U … CV_64F; -1 is the image's.
    kernelX, kernelY : ndarray
        Weights along x and along y, as a row, a column or a sequence.
    dst, anchor, delta, borderType
        As for :func:`filter2D`.

    Returns
    -------
    ndarray
        As of :func:`filter2D`; nothing is rounded between the two passes.

    Raises
    ------
    error
        A value is not allowed.

    Examples
    --------
    >>> sepFilter2D(np.array([[1, 2, 4]], np.uint8), -1, np.array([-1, 1, 0]), np.ones(1)).tolist()
    [[0, 1, 2]]
    """
    image = image_of(src, "sepFilter2D")
    row, column = (_line(line, "sepFilter2D") for line in (kernelX, kernelY))
    dtype = dtype_of(ddepth, image, SEPARABLE, "sepFilter2D")
    where = anchor_of(anchor, (column.size, row.size), "sepFilter2D")
    kernel = known_separable(column, row, where)
    border = border_of(borderType, "sepFilter2D")
    last = ending(1, delta, "sepFilter2D")
    return correlated(image, kernel, dst, dtype, border, epilogue=last)


def _in_order(kernel: Kernel, image: Array, dtype: np.dtype[Any]) -> bool:
    """Return whether products are to be added tap after tap.

    So does OpenCV. Where weights such as 0.1 make sums that lie half way between two integers, the
    error of the last bit, and with it the order, decides which of them is the result.
    """
    integers = image.dtype.kind in "iu" and dtype.kind in "iu"
    return integers and not kernel.integer and prod(kernel.shape) <= _FEW_TAPS


def _weights(kernel: Any, function: str) -> Array:
    """Return a kernel as an array in host memory, a sequence as a row."""
    given = numbers_of(kernel)
    given = given[..., 0] if given.shape[2:] == (1,) else given
    if kernel is None or given.size == 0:
        raise refused(function, ASSERTION, "!_kernel.empty()", "the kernel has no weights")
    if given.dtype.kind not in "biuf" or not 1 <= given.ndim <= 2:
        told = f"the kernel has dtype {given.dtype} and shape {given.shape}; it must be a matrix"
        raise refused(function, BAD_ARGUMENT, "kernel is not supported", told)
    if not np.isfinite(given).all():
        told = "the kernel has weights that are NaN or infinite"
        raise refused(function, BAD_ARGUMENT, "kernel is not finite", told)
    return given[None] if given.ndim == 1 else given


def _line(kernel: Any, function: str) -> Array:
    given = _weights(kernel, function)
    if min(given.shape) != 1:
        told = f"it has shape {given.shape}; it must be a row or a column"
        raise refused(function, ASSERTION, "kernel.rows == 1 || kernel.cols == 1", told)
    return given.reshape(-1)
