"""Gabor's filter: a wave under a Gaussian, which answers to stripes of one width and direction."""

from __future__ import annotations

from math import ceil, cos, log, pi, sin, sqrt
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError
from gpuconv.exchange import public
from gpuconv.scipy.ndimage import convolve
from gpuconv.skimage.pixels import check_ndim, float_dtype

__all__ = ["gabor", "gabor_kernel"]


def gabor_kernel(
    frequency: float,
    theta: float = 0,
    bandwidth: float = 1,
    sigma_x: float | None = None,
    sigma_y: float | None = None,
    n_stds: float = 3,
    offset: float = 0,
    dtype: DTypeLike = np.complex128,
) -> Array:
    """Return a wave under a Gaussian: ``skimage.filters.gabor_kernel``.

    Parameters
    ----------
    frequency : float
        Waves to a pixel.
    theta : float, default 0
        The direction the wave runs in, in radians; 0 is along x.
    bandwidth : float, default 1
        Octaves of frequencies that it answers to, where a sigma is not given.
    sigma_x, sigma_y : float, optional
        Standard deviations of the Gaussian along the wave and across; the default follows from
        `bandwidth`.
    n_stds : float, default 3
        Where it is cut off, in standard deviations.
    offset : float, default 0
        Of the wave at the centre, in radians.
    dtype : dtype, default complex128
        Complex.

    Returns
    -------
    ndarray
        The weights; their real part is the even wave, their imaginary part the odd one.

    Raises
    ------
    ArgumentError
        `dtype` is not complex.

    Examples
    --------
    >>> gabor_kernel(0.25, sigma_x=1, sigma_y=1, n_stds=1).round(3)[1].tolist()
    [-0.097j, (0.159+0j), 0.097j]
    """
    made = np.dtype(dtype)
    if made.kind != "c":
        raise ArgumentError(f"dtype must be complex: dtype={made}")
    along = _sigma(bandwidth) / frequency if sigma_x is None else sigma_x
    across = _sigma(bandwidth) / frequency if sigma_y is None else sigma_y
    c, s = cos(theta), sin(theta)
    wide = ceil(max(abs(n_stds * along * c), abs(n_stds * across * s), 1))
    high = ceil(max(abs(n_stds * across * c), abs(n_stds * along * s), 1))
    y, x = np.mgrid[-high : high + 1, -wide : wide + 1]
    ahead, aside = x * c + y * s, y * c - x * s
    bell = -0.5 * ((ahead / along) ** 2 + (aside / across) ** 2)
    wave = np.exp(bell + 1j * (2 * pi * frequency * ahead + offset))
    weights: Array = (wave / (2 * pi * along * across)).astype(made)
    return weights


def _sigma(bandwidth: float) -> float:
    """Return the sigma of a bandwidth in octaves, at a frequency of 1.

    It is where the transfer function, a Gaussian too, has fallen to a half at both ends.
    """
    octaves = float(2**bandwidth)
    return sqrt(log(2) / 2) / pi * (octaves + 1) / (octaves - 1)


@public
def gabor(
    image: Any,
    frequency: float,
    theta: float = 0,
    bandwidth: float = 1,
    sigma_x: float | None = None,
    sigma_y: float | None = None,
    n_stds: float = 3,
    offset: float = 0,
    mode: str = "reflect",
    cval: float = 0,
) -> tuple[Array, Array]:
    """Filter an image with a wave under a Gaussian: ``skimage.filters.gabor``.

    Parameters
    ----------
    image : array_like of shape (H, W)
        Real pixels. Integers stay what they are, in the range of their dtype, as in scikit-image:
        convert bytes to floats first.
    frequency, theta, bandwidth, sigma_x, sigma_y, n_stds, offset
        As for :func:`gabor_kernel`.
    mode : str, default "reflect"
        What lies outside: a mode of ``scipy.ndimage``.
    cval : float, default 0
        The value outside in mode "constant".

    Returns
    -------
    (ndarray, ndarray)
        The responses to the even wave and to the odd one, of float32 for images of it and of
        float16, of the image's dtype for others.

    Raises
    ------
    ArgumentError
        The image has no pixels, or other than two axes.

    Examples
    --------
    >>> stripes = np.tile([1.0, 0.0, -1.0, 0.0], (9, 8))
    >>> even, odd = gabor(stripes, 0.25)
    >>> even[4, 14:17:2].round(2).tolist(), odd[4, 15:18:2].round(2).tolist()
    ([-0.5, 0.5], [-0.5, 0.5])
    """
    pixels = check_ndim(image, 2)
    dtype = np.dtype(np.complex128)
    if pixels.dtype.kind == "f":
        pixels = pixels.astype(float_dtype(pixels.dtype), copy=False)
        dtype = np.promote_types(pixels.dtype, np.complex64)
    shape = theta, bandwidth, sigma_x, sigma_y, n_stds, offset
    weights = gabor_kernel(frequency, *shape, dtype)
    even, odd = (convolve(pixels, w, mode=mode, cval=cval) for w in (weights.real, weights.imag))
    return even, odd
