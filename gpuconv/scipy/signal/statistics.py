"""Wiener's filter of local statistics."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gpuconv.exchange import public
from gpuconv.scipy.arguments import array_of, room_like
from gpuconv.scipy.signal.convolution import correlate
from gpuconv.scipy.signal.reach import local_statistics

__all__ = ["wiener"]


@public(reach=local_statistics)
def wiener(im: Any, mysize: Any = None, noise: Any = None) -> Any:
    """Smooth an array where it varies less than noise does.

    Each element becomes the mean of its window, and as much more of itself as the variance of the
    window exceeds the noise. Outside are zeros.

    Parameters
    ----------
    im : array_like
        Of any dimension.
    mysize : int or sequence of int, optional
        Of the window; 3 along each axis by default.
    noise : float, optional
        Power of the noise; by default the mean of the variances of all windows.

    Returns
    -------
    ndarray

    Raises
    ------
    ArgumentError
        `mysize` has not as many lengths as `im` has dimensions.

    Examples
    --------
    >>> wiener([1.0, 2.0, 5.0]).round(3).tolist()
    [1.0, 2.598, 3.363]
    """
    image = array_of(im)
    if mysize is None:
        mysize = [3] * image.ndim
    sizes = [mysize] * image.ndim if np.ndim(mysize) == 0 else list(mysize)
    window = room_like(image, tuple(sizes), np.float64)
    window[...] = 1
    count = float(prod(sizes))
    mean = correlate(image, window, "same") / count
    variance = correlate(image**2, window, "same") / count - mean**2
    if noise is None:
        noise = np.mean(variance)
    result = room_like(image, image.shape, np.result_type(image, mean))
    np.subtract(image, mean, out=result)
    result *= 1 - noise / variance
    result += mean
    np.copyto(result, mean, where=variance < noise)
    return result
