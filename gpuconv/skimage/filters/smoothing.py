"""Filters that blur, and that take what a blur has left out: of any number of axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError
from gpuconv.exchange import public
from gpuconv.scipy.arguments import array_of, axis_of
from gpuconv.scipy.ndimage import gaussian_filter, median_filter
from gpuconv.skimage import reach
from gpuconv.skimage.errors import NotCoveredError
from gpuconv.skimage.pixels import floats_of

__all__ = ["difference_of_gaussians", "gaussian", "median", "unsharp_mask"]

#: The wider of two Gaussians whose difference is nearest to a Laplacian of a Gaussian, in parts of
#: the other (Marr and Hildreth, Theory of edge detection, 1980).
_WIDER = 1.6


@public(reach=reach.of_gaussian)
def gaussian(
    image: Any,
    sigma: Any = 1.0,
    *,
    mode: Any = "nearest",
    cval: float = 0,
    preserve_range: bool = False,
    truncate: float = 4.0,
    channel_axis: int | None = None,
    out: Array | None = None,
) -> Array:
    """Blur an image by a Gaussian: ``skimage.filters.gaussian``.

    Parameters
    ----------
    image : array_like
        Pixels of any dtype but complex, of any number of axes.
    sigma : float or sequence of float, default 1
        Standard deviation in pixels, for all axes or one for each.
    mode : str or sequence of str, default "nearest"
        What lies outside: a mode of ``scipy.ndimage``.
    cval : float, default 0
        The value outside in mode "constant".
    preserve_range : bool, default False
        Whether integers keep their values; if not, they become parts of the largest.
    truncate : float, default 4
        Where the Gaussian is cut off, in standard deviations.
    channel_axis : int, optional
        Axis of the colour channels, along which nothing is blurred.
    out : ndarray of floats, optional
        Where to write.

    Returns
    -------
    ndarray
        Of float32 for images of it and of float16, else of float64; `out` if given.

    Raises
    ------
    ArgumentError
        `sigma` is negative, `out` is not of floats, or the image is complex.

    Examples
    --------
    >>> gaussian([[0.0, 0.0, 9.0, 0.0, 0.0]], sigma=1).round(2).tolist()
    [[0.49, 2.18, 3.59, 2.18, 0.49]]
    """
    _check_sigma("sigma", sigma)
    pixels = floats_of(image, preserve_range)
    if out is not None and not np.issubdtype(out.dtype, np.floating):
        raise ArgumentError(f"dtype of `out` must be float; got {out.dtype!r}.")
    # A number for all axes is what a filter has ready from the call before.
    sigmas = sigma
    if channel_axis is not None:
        sigmas = reach.sigmas_of(sigma, pixels.ndim, channel_axis)
    options: dict[str, Any] = {"mode": mode, "cval": cval, "truncate": truncate}
    return gaussian_filter(pixels, sigmas, output=out, **options)


@public(reach=reach.of_differences)
def difference_of_gaussians(
    image: Any,
    low_sigma: Any,
    high_sigma: Any = None,
    *,
    mode: Any = "nearest",
    cval: float = 0,
    channel_axis: int | None = None,
    truncate: float = 4.0,
) -> Array:
    """Keep what lies between two sizes: ``skimage.filters.difference_of_gaussians``.

    Parameters
    ----------
    image : array_like
        As for :func:`gaussian`.
    low_sigma : float or sequence of float
        Standard deviation of the narrower Gaussian, for all axes or for each but `channel_axis`.
    high_sigma : float or sequence of float, optional
        That of the wider one; the default is 1.6 · `low_sigma`.
    mode, cval, channel_axis, truncate
        As for :func:`gaussian`.

    Returns
    -------
    ndarray
        The narrower blur less the wider one, as floats.

    Raises
    ------
    ArgumentError
        There are more or fewer sigmas than axes, one is negative, or the wider Gaussian is the
        narrower one.

    Examples
    --------
    >>> difference_of_gaussians([[0.0, 0.0, 9.0, 0.0, 0.0]], 0.5).round(2).tolist()
    [[-0.19, -1.1, 2.59, -1.1, -0.19]]
    """
    pixels = floats_of(image)
    axes = pixels.ndim - (channel_axis is not None)
    low = _each("low_sigma", low_sigma, axes)
    _check_sigma("low_sigma", low)
    high = low * _WIDER if high_sigma is None else _each("high_sigma", high_sigma, axes)
    if np.any(high < low):
        raise ArgumentError(
            "high_sigma must be equal to or larger than low_sigma for all axes: "
            f"low_sigma={low_sigma!r}, high_sigma={high_sigma!r}"
        )
    options: dict[str, Any] = {"mode": mode, "cval": cval, "truncate": truncate}
    near, far = (
        gaussian_filter(
            pixels, reach.sigmas_of(sigma.tolist(), pixels.ndim, channel_axis), **options
        )
        for sigma in (low, high)
    )
    near -= far
    return near


def _check_sigma(argument: str, sigma: Any) -> None:
    if (np.asarray(sigma) < 0).any():
        raise ArgumentError(f"Sigma values less than zero are not valid: {argument}={sigma!r}")


def _each(argument: str, sigma: Any, axes: int) -> Array:
    """Return a sigma for each of `axes`."""
    values = np.array(sigma, dtype=float, ndmin=1)
    if len(values) not in (1, axes):
        raise ArgumentError(
            f"{argument} must have length equal to number of spatial dimensions of input: "
            f"{argument}={sigma!r}, the image has {axes}"
        )
    return values * np.ones(axes)


@public(reach=reach.of_unsharp_mask)
def unsharp_mask(
    image: Any,
    radius: Any = 1.0,
    amount: float = 1.0,
    preserve_range: bool = False,
    *,
    channel_axis: int | None = None,
) -> Array:
    """Sharpen an image by what a blur takes from it: ``skimage.filters.unsharp_mask``.

    Parameters
    ----------
    image : array_like
        As for :func:`gaussian`.
    radius : float or sequence of float, default 1
        Standard deviation of the blur.
    amount : float, default 1
        How much of what the blur took is added.
    preserve_range : bool, default False
        Whether integers keep their values. If not, results are limited to 0 … 1, or to −1 … 1 where
        the image has a negative pixel.
    channel_axis : int, optional
        As for :func:`gaussian`.

    Returns
    -------
    ndarray
        ``image + amount · (image − blurred)`` as floats.

    Raises
    ------
    ArgumentError
        As for :func:`gaussian`.

    Examples
    --------
    >>> unsharp_mask([[0.2, 0.2, 0.8, 0.8]], radius=0.5).round(2).tolist()
    [[0.2, 0.14, 0.86, 0.8]]
    """
    _check_sigma("radius", radius)
    pixels = floats_of(image, preserve_range)
    sigmas = radius
    if channel_axis is not None:
        sigmas = reach.sigmas_of(radius, pixels.ndim, axis_of(channel_axis, pixels.ndim))
    sharp = gaussian_filter(pixels, sigmas, mode="reflect")
    np.subtract(pixels, sharp, out=sharp)
    np.multiply(sharp, amount, out=sharp)
    np.add(pixels, sharp, out=sharp)
    if preserve_range:
        return sharp
    return np.clip(sharp, -1 if (pixels < 0).any() else 0, 1, out=sharp)


@public(reach=reach.of_median)
def median(
    image: Any,
    footprint: Any = None,
    out: Array | None = None,
    mode: str = "nearest",
    cval: float = 0.0,
    behavior: str = "ndimage",
) -> Array:
    """Take the median of each pixel's neighbours: ``skimage.filters.median``.

    Parameters
    ----------
    image : array_like
        Pixels of any real dtype, of any number of axes.
    footprint : array_like, optional
        Which neighbours: true for those that count. The default are the nearest, diagonal ones
        included: 3×3 in a picture.
    out : ndarray, optional
        Where to write.
    mode : str, default "nearest"
        What lies outside: a mode of ``scipy.ndimage``.
    cval : float, default 0
        The value outside in mode "constant".
    behavior : {"ndimage"}
        "rank" is another filter, without borders, and for ``skimage.filters.rank``.

    Returns
    -------
    ndarray
        Of the image's dtype; `out` if given.

    Raises
    ------
    NotCoveredError
        `behavior` is "rank".
    ArgumentError
        A value is not allowed.

    Examples
    --------
    >>> median([[1, 1, 9], [1, 9, 1], [1, 1, 1]]).tolist()
    [[1, 1, 9], [1, 1, 1], [1, 1, 1]]
    """
    if behavior == "rank":
        raise NotCoveredError(
            "behavior='rank' is not gpuconv's; call skimage.filters.rank.median, or leave it out"
        )
    pixels = array_of(image)
    window = np.ones((3,) * pixels.ndim, bool) if footprint is None else footprint
    return median_filter(pixels, footprint=window, output=out, mode=mode, cval=cval)
