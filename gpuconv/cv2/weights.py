"""The weights of OpenCV's filters: those that users get, and those of its integer arithmetic."""

from __future__ import annotations

from functools import lru_cache
from math import cos, exp, pi, sin
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.cv2.arguments import number, pair_of, whole
from gpuconv.cv2.constants import CV_32F, CV_64F
from gpuconv.cv2.errors import ASSERTION, BAD_ARGUMENT, OUT_OF_RANGE, refused

__all__ = [
    "derivative_weights",
    "fixed_weights",
    "gaussian_weights",
    "getDerivKernels",
    "getGaborKernel",
    "getGaussianKernel",
]

Array = NDArray[Any]

#: Small windows without a sigma have weights by hand: these over 256.
_SMALL = {
    1: (256,),
    3: (64, 128, 64),
    5: (16, 64, 96, 64, 16),
    7: (8, 28, 56, 72, 56, 28, 8),
    9: (4, 13, 30, 51, 60, 51, 30, 13, 4),
}

#: Taps of a derivative, at most.
_WIDEST = 31


@lru_cache(maxsize=256)
def gaussian_weights(size: int, sigma: float) -> tuple[float, ...]:
    """Return samples of a Gaussian that sum to 1; `sigma` ≤ 0 follows from the size.

    Examples
    --------
    >>> gaussian_weights(3, 0)
    (0.25, 0.5, 0.25)
    """
    if sigma <= 0 and size in _SMALL:
        return tuple(weight / 256 for weight in _SMALL[size])
    spread = sigma if sigma > 0 else size * 0.15 + 0.35
    scale = -0.125 / (spread * spread)  # of the square of twice the distance
    half = [exp(scale * x * x) for x in range(1 - size, -1, 2)]
    middle = [1.0] * (2 - size % 2)  # of an even number of weights, two stand in the middle
    share = 1 / (2 * sum(half) + sum(middle))
    return tuple(weight * share for weight in (*half, *middle, *reversed(half)))


@lru_cache(maxsize=256)
def fixed_weights(size: int, sigma: float, bits: int) -> tuple[int, ...]:
    """Return the weights of a Gaussian as integers that sum to 2**bits.

    What rounding takes from one is given to the next, towards the middle, which takes the rest.

    Examples
    --------
    >>> fixed_weights(5, 1.1, 8)
    (18, 63, 94, 63, 18)
    """
    left, side = 0.0, list[int]()
    for weight in gaussian_weights(size, sigma)[: size // 2]:
        wanted = weight * 2**bits + left
        side.append(round(wanted))
        left = wanted - side[-1]
    return (*side, 2**bits - 2 * sum(side), *reversed(side))


@lru_cache(maxsize=256)
def derivative_weights(
    dx: int, dy: int, ksize: int, function: str
) -> tuple[tuple[tuple[int, ...], int], tuple[tuple[int, ...], int]]:
    """Return the weights along x and along y, each with what divides them if they are normalised.

    Examples
    --------
    >>> derivative_weights(1, 0, 3, "Sobel")
    (((-1, 0, 1), 2), ((1, 2, 1), 4))
    >>> derivative_weights(0, 1, -1, "Scharr")
    (((3, 10, 3), 32), ((-1, 0, 1), 1))
    """
    if ksize <= 0:
        if min(dx, dy) < 0 or dx + dy != 1:
            told = f"dx={dx}, dy={dy}; one of them must be 1, the other 0"
            raise refused(function, ASSERTION, "dx >= 0 && dy >= 0 && dx+dy == 1", told)
        slope, smooth = ((-1, 0, 1), 1), ((3, 10, 3), 32)
        return (slope, smooth) if dx else (smooth, slope)
    if ksize % 2 == 0 or ksize > _WIDEST:
        err = f"The kernel size must be odd and not larger than {_WIDEST}"
        raise refused(function, OUT_OF_RANGE, err, f"ksize={ksize}")
    if min(dx, dy) < 0 or dx + dy == 0:
        told = f"dx={dx}, dy={dy}"
        raise refused(function, ASSERTION, "dx >= 0 && dy >= 0 && dx+dy > 0", told)
    return _sobel(dx, ksize, function), _sobel(dy, ksize, function)


def _sobel(order: int, ksize: int, function: str) -> tuple[tuple[int, ...], int]:
    """Return `order` differences of a binomial, and 2 for each of its sums."""
    size = 3 if ksize == 1 and order else ksize
    if size <= order:
        told = f"ksize={ksize} for a derivative of order {order}"
        raise refused(function, ASSERTION, "ksize > order", told)
    weights, sums = [1], size - order - 1
    for sign in [1] * sums + [-1] * order:
        weights = [a + sign * b for a, b in zip([0, *weights], [*weights, 0], strict=True)]
    return tuple(weights), 2**sums


def getGaussianKernel(ksize: int, sigma: float, ktype: int = CV_64F) -> Array:
    """Return the weights of a Gaussian along one axis, which sum to 1.

    Parameters
    ----------
    ksize : int
        How many.
    sigma : float
        Standard deviation in pixels; 0 or less: it follows from `ksize`.
    ktype : int, default CV_64F
        CV_32F or CV_64F.

    Returns
    -------
    ndarray of shape (ksize, 1)

    Raises
    ------
    error
        There is no such kernel.

    Examples
    --------
    >>> getGaussianKernel(3, 0).ravel().tolist()
    [0.25, 0.5, 0.25]
    """
    size = whole("ksize", ksize, "getGaussianKernel")
    spread = number("sigma", sigma, "getGaussianKernel")
    dtype = _floats(ktype, "getGaussianKernel")
    if size < 1:
        raise refused("getGaussianKernel", ASSERTION, "n > 0", f"ksize={ksize!r}")
    return np.array(gaussian_weights(size, spread), dtype)[:, None]


def getDerivKernels(
    dx: int,
    dy: int,
    ksize: int,
    kx: Any = None,
    ky: Any = None,
    normalize: bool = False,
    ktype: int = CV_32F,
) -> tuple[Array, Array]:
    """Return the weights of a derivative along x and along y.

    Parameters
    ----------
    dx, dy : int
        Order of the derivative along x and along y.
    ksize : int
        1, 3, 5, … or FILTER_SCHARR.
    kx, ky : ndarray, optional
        Where to write, if they have the shape and the dtype.
    normalize : bool, default False
        Whether weights that smooth sum to 1, and so on; else they are integers.
    ktype : int, default CV_32F
        CV_32F or CV_64F.

    Returns
    -------
    (ndarray, ndarray)
        Of shapes (taps, 1).

    Raises
    ------
    error
        There are no such kernels.

    Examples
    --------
    >>> [kernel.ravel().tolist() for kernel in getDerivKernels(1, 0, 3)]
    [[-1.0, 0.0, 1.0], [1.0, 2.0, 1.0]]
    """
    dtype = _floats(ktype, "getDerivKernels")
    given = {"dx": dx, "dy": dy, "ksize": ksize}
    numbers = (whole(name, value, "getDerivKernels") for name, value in given.items())
    pairs = derivative_weights(*numbers, function="getDerivKernels")
    made = [
        (np.array(weights) / (divisor if normalize else 1)).astype(dtype)[:, None]
        for weights, divisor in pairs
    ]
    return _placed(made[0], kx), _placed(made[1], ky)


def _placed(kernel: Array, room: Any) -> Array:
    """Return a kernel in the room for it, if that is one."""
    if not isinstance(room, np.ndarray) or (room.shape, room.dtype) != (kernel.shape, kernel.dtype):
        return kernel
    room[...] = kernel
    return room


def getGaborKernel(
    ksize: tuple[int, int],
    sigma: float,
    theta: float,
    lambd: float,
    gamma: float,
    psi: float = pi * 0.5,
    ktype: int = CV_64F,
) -> Array:
    """Return the weights of a Gabor filter: a wave under a Gaussian.

    Parameters
    ----------
    ksize : (int, int)
        (width, height); 0 is three standard deviations to each side.
    sigma : float
        Standard deviation of the Gaussian along the wave, in pixels.
    theta : float
        Direction of the wave, in radians.
    lambd : float
        Wavelength in pixels.
    gamma : float
        `sigma` over the standard deviation across the wave.
    psi : float, default π/2
        Phase of the wave.
    ktype : int, default CV_64F
        CV_32F or CV_64F.

    Returns
    -------
    ndarray of shape (rows, columns), both odd

    Raises
    ------
    error
        `ktype` is another.

    Examples
    --------
    >>> getGaborKernel((3, 1), 1, 0, 4, 1, 0).round(3).tolist()
    [[0.0, 1.0, 0.0]]
    """
    dtype = _floats(ktype, "getGaborKernel")
    width, height = pair_of("ksize", ksize, "getGaborKernel")
    c, s, across = cos(theta), sin(theta), sigma / gamma
    right = width // 2 if width > 0 else round(3 * max(abs(sigma * c), abs(across * s)))
    below = height // 2 if height > 0 else round(3 * max(abs(sigma * s), abs(across * c)))
    y, x = np.mgrid[below : -below - 1 : -1, right : -right - 1 : -1]
    along, beside = x * c + y * s, y * c - x * s
    envelope = np.exp(-0.5 * (along / sigma) ** 2 - 0.5 * (beside / across) ** 2)
    kernel: Array = envelope * np.cos(2 * pi / lambd * along + psi)
    return kernel.astype(dtype)


def _floats(ktype: Any, function: str) -> np.dtype[Any]:
    if ktype not in (CV_32F, CV_64F):
        told = f"ktype={ktype!r}; allowed are CV_32F and CV_64F"
        raise refused(function, BAD_ARGUMENT, "ktype == CV_32F || ktype == CV_64F", told)
    return np.dtype(np.float32 if ktype == CV_32F else np.float64)
