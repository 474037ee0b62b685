"""Curvature and relief: Laplacians, differences of Gaussians, emboss. One convolution each."""

from __future__ import annotations

from typing import Literal

from numpy.typing import ArrayLike, DTypeLike

from gpuconv import kernels
from gpuconv.api import convolve
from gpuconv.arguments import Border
from gpuconv.arrays import Array
from gpuconv.epilogue import scaled_by
from gpuconv.exchange import public
from gpuconv.operations.signs import signed

__all__ = ["difference_of_gaussians", "emboss", "laplace", "laplacian_of_gaussian"]


@public
def laplace(
    image: ArrayLike,
    neighbours: Literal[4, 8] = 4,
    *,
    scale: float = 1.0,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
) -> Array:
    """Measure curvature: how much brighter the neighbours are than each pixel.

    Parameters
    ----------
    image : array_like of shape (…, H, W)
        Real pixels, as for :func:`gpuconv.convolve`.
    neighbours : {4, 8}, default 4
        Whether the diagonal neighbours count.
    scale : float, default 1
        What results are multiplied by.
    border, cval, channel_axis, out, device
        As for :func:`gpuconv.convolve`.
    dtype : dtype, optional
        Of the output; the default is that of `out`, else the image's; of integers, as results have
        a sign, float32, or float64 for integers of 32 and 64 bits.

    Returns
    -------
    ndarray
        Of the image's shape, from one convolution with :func:`gpuconv.kernels.laplacian`.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`gpuconv.convolve`.

    Notes
    -----
    ``scipy.ndimage.laplace`` and OpenCV's ``Laplacian``, which keep the dtype of the image, in
    which SciPy's results wrap around; ``skimage.filters.laplace`` is the negative, ``scale=-1``.

    Examples
    --------
    >>> import numpy as np
    >>> laplace(np.array([[0, 0, 9, 0, 0]], np.uint8)).tolist()
    [[0.0, 9.0, -18.0, 9.0, 0.0]]
    """
    return convolve(
        image,
        kernels.laplacian(neighbours),
        border=border,
        cval=cval,
        channel_axis=channel_axis,
        dtype=signed(image, dtype, out),
        out=out,
        device=device,
        epilogue=scaled_by(scale),
    )


@public
def laplacian_of_gaussian(
    image: ArrayLike,
    sigma: float,
    *,
    truncate: float = 4.0,
    scale: float = 1.0,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
) -> Array:
    """Find blobs and edges of one size, by the curvature of a Gaussian blur.

    Parameters
    ----------
    image, border, cval, channel_axis, dtype, out, device
        As for :func:`laplace`.
    sigma : float
        Standard deviation of the blur in pixels, greater than 0.
    truncate : float, default 4.0
        Where the Gaussian is cut off, in standard deviations.
    scale : float, default 1
        What results are multiplied by; with −σ² bright blobs of the radius √2·σ answer alike,
        whatever σ is.

    Returns
    -------
    ndarray
        Of the image's shape, from one convolution with
        :func:`gpuconv.kernels.laplacian_of_gaussian`: negative on bright blobs, 0 on flat areas.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`gpuconv.convolve`; or `sigma` is not positive.

    Notes
    -----
    ``scipy.ndimage.gaussian_laplace``, whose weights do not quite sum to 0: with its ``truncate=6``
    and σ ≥ 1 the two differ by less than 3e-7 of the largest weight.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((21, 21))
    >>> image[9:12, 9:12] = 100
    >>> int(laplacian_of_gaussian(image, 1.5).argmin()) == 10 * 21 + 10
    True
    """
    return convolve(
        image,
        kernels.laplacian_of_gaussian(sigma, truncate=truncate),
        border=border,
        cval=cval,
        channel_axis=channel_axis,
        dtype=signed(image, dtype, out),
        out=out,
        device=device,
        epilogue=scaled_by(scale),
    )


@public
def difference_of_gaussians(
    image: ArrayLike,
    low_sigma: float,
    high_sigma: float | None = None,
    *,
    truncate: float = 4.0,
    scale: float = 1.0,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
) -> Array:
    """Keep what lies between two sizes: a fine blur minus a coarse one.

    Parameters
    ----------
    image, border, cval, channel_axis, dtype, out, device
        As for :func:`laplace`.
    low_sigma : float
        Standard deviation of the fine blur in pixels, at least 0 (no blur): what is smaller goes.
    high_sigma : float, optional
        Of the coarse blur, greater than `low_sigma`: what is larger goes; the default is
        1.6 · `low_sigma`.
    truncate : float, default 4.0
        Where the Gaussians are cut off, in standard deviations.
    scale : float, default 1
        What results are multiplied by.

    Returns
    -------
    ndarray
        Of the image's shape, from one convolution with
        :func:`gpuconv.kernels.difference_of_gaussians`.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`gpuconv.convolve`; or the sigmas are in no such order.

    Notes
    -----
    ``skimage.filters.difference_of_gaussians``, whose border is "nearest" by default, and which
    divides integers by the largest of their dtype.

    Examples
    --------
    >>> import numpy as np
    >>> bool(abs(difference_of_gaussians(np.full((9, 9), 200, np.uint8), 1)).max() < 1e-3)
    True
    """
    return convolve(
        image,
        kernels.difference_of_gaussians(low_sigma, high_sigma, truncate=truncate),
        border=border,
        cval=cval,
        channel_axis=channel_axis,
        dtype=signed(image, dtype, out),
        out=out,
        device=device,
        epilogue=scaled_by(scale),
    )


@public
def emboss(
    image: ArrayLike,
    angle: float = 135.0,
    strength: float = 1.0,
    *,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
) -> Array:
    """Light an image from one side, as if brightness were height.

    Parameters
    ----------
    image : array_like of shape (…, H, W)
        Real pixels, as for :func:`gpuconv.convolve`.
    angle : float, default 135.0
        Where the light comes from, in degrees, counter-clockwise as seen in the picture: 0 from
        the right, 90 from above, 135 from the upper left.
    strength : float, default 1.0
        How strongly slopes show, at least 0; 0 changes nothing.
    border, cval, channel_axis, dtype, out, device
        As for :func:`gpuconv.convolve`: integers stay integers, rounded and saturated once.

    Returns
    -------
    ndarray
        Of the image's shape, from one convolution with :func:`gpuconv.kernels.emboss`.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`gpuconv.convolve`; or `strength` is negative.

    Examples
    --------
    >>> emboss([[5, 5, 5, 9, 9, 9]], angle=0).tolist()
    [[5, 5, -7, -3, 9, 9]]
    """
    return convolve(
        image,
        kernels.emboss(angle, strength),
        border=border,
        cval=cval,
        channel_axis=channel_axis,
        dtype=dtype,
        out=out,
        device=device,
    )
