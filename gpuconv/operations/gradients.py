"""Gradients: how steep brightness is, and which way it rises, in one pass over the image."""

from __future__ import annotations

from numpy.typing import ArrayLike, DTypeLike

from gpuconv.arguments import Border
from gpuconv.arrays import Array
from gpuconv.exchange import public
from gpuconv.operations.slopes import Output, derivatives, gradient, pair

__all__ = ["farid", "gradient_magnitude", "prewitt", "roberts", "scharr", "sobel"]


@public
def sobel(
    image: ArrayLike,
    output: Output = "magnitude",
    *,
    scale: float = 1.0,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
) -> Array:
    """Measure edges by Sobel's gradient, smoothed by [1 2 1], in one pass over the image.

    Parameters
    ----------
    image : array_like of shape (…, H, W)
        Real pixels, as for :func:`gpuconv.filter_bank`. Each channel has a gradient of its own.
    output : {"magnitude", "direction", "components"}
        √(x² + y²); or the angle arctan2(y, x) in radians; or x and y, on a new first axis. An angle
        of 0 is a rise to the right, π/2 one downwards; where there is no slope the angle is 0.
    scale : float, default 1
        What slopes are multiplied by, above 0; it has no effect on the angle.
    border, cval, channel_axis, out, device
        As for :func:`gpuconv.convolve`.
    dtype : dtype, optional
        Of the output; the default is that of `out`, else the image's, in which magnitudes are
        rounded and saturate once. Directions and components of integers are float32, or float64
        for integers of 32 and 64 bits, as they have a sign and fractions.

    Returns
    -------
    ndarray
        Of the image's shape, or (2, *shape) for components.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`gpuconv.filter_bank`; or `output` or `scale` is none of those above.

    Notes
    -----
    The slopes are those of :func:`gpuconv.kernels.sobel_x`, OpenCV's ``Sobel`` and
    ``scipy.ndimage.sobel``: they are not scaled, and a ramp that grows by 1 a pixel has the
    magnitude 8. ``scale=1/8`` measures the slope itself. ``skimage.filters.sobel`` is
    ``scale=1 / (4 * sqrt(2))``, over pixels that it divides by the largest of their dtype.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((4, 5), np.uint8)
    >>> image[:, 3:] = 10
    >>> sobel(image)[0].tolist()
    [0, 0, 40, 40, 0]
    >>> sobel(image.T, "direction")[2:4, 0]
    array([1.5707964, 1.5707964], dtype=float32)
    >>> sobel(image, "components").shape
    (2, 4, 5)
    """
    options = border, cval, channel_axis, dtype, out, device
    return gradient(image, pair("sobel"), output, scale, *options)


@public
def scharr(
    image: ArrayLike,
    output: Output = "magnitude",
    *,
    scale: float = 1.0,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
) -> Array:
    """Measure edges by Scharr's gradient, whose direction is truer.

    Parameters
    ----------
    image, output, border, cval, channel_axis, dtype, out, device
        As for :func:`sobel`.
    scale : float, default 1
        What slopes are multiplied by, above 0.

    Returns
    -------
    ndarray
        As for :func:`sobel`.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`sobel`.

    Notes
    -----
    Smoothed by [3 10 3] and not scaled, as OpenCV's ``Scharr``: a ramp that grows by 1 a pixel has
    the magnitude 32. ``skimage.filters.scharr`` is ``scale=1 / (16 * sqrt(2))``.

    Examples
    --------
    >>> scharr([[0, 1, 2, 3]]).tolist()
    [[16, 32, 32, 16]]
    """
    options = border, cval, channel_axis, dtype, out, device
    return gradient(image, pair("scharr"), output, scale, *options)


@public
def prewitt(
    image: ArrayLike,
    output: Output = "magnitude",
    *,
    scale: float = 1.0,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
) -> Array:
    """Measure edges by Prewitt's gradient, added up over three rows.

    Parameters
    ----------
    image, output, border, cval, channel_axis, dtype, out, device
        As for :func:`sobel`.
    scale : float, default 1
        What slopes are multiplied by, above 0.

    Returns
    -------
    ndarray
        As for :func:`sobel`.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`sobel`.

    Notes
    -----
    Not scaled, as ``scipy.ndimage.prewitt``: a ramp that grows by 1 a pixel has the magnitude 6.
    ``skimage.filters.prewitt`` is ``scale=1 / (3 * sqrt(2))``.

    Examples
    --------
    >>> prewitt([[0, 1, 2, 3]]).tolist()
    [[3, 6, 6, 3]]
    """
    options = border, cval, channel_axis, dtype, out, device
    return gradient(image, pair("prewitt"), output, scale, *options)


@public
def roberts(
    image: ArrayLike,
    output: Output = "magnitude",
    *,
    scale: float = 1.0,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
) -> Array:
    """Measure edges by Roberts' cross, along the diagonals of 2×2 pixels.

    Parameters
    ----------
    image, output, border, cval, channel_axis, dtype, out, device
        As for :func:`sobel`, but that components are slopes to the lower right and to the lower
        left. Directions are angles in the picture, as of all gradients: 0 is to the right.
    scale : float, default 1
        What slopes are multiplied by, above 0.

    Returns
    -------
    ndarray
        As for :func:`sobel`.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`sobel`.

    Notes
    -----
    Not scaled: a ramp that grows by 1 a pixel has the magnitude √2. A result is that of the corner
    between a pixel and those to its right and below. ``skimage.filters.roberts`` is
    ``scale=1 / sqrt(2)``.

    Examples
    --------
    >>> roberts([[5, 5, 5], [5, 8, 5]], "components").tolist()
    [[[3.0, 0.0, 0.0], [3.0, -3.0, 0.0]], [[0.0, 3.0, 0.0], [-3.0, 3.0, 0.0]]]
    """
    options = border, cval, channel_axis, dtype, out, device
    return gradient(image, pair("roberts", output), output, scale, *options)


@public
def farid(
    image: ArrayLike,
    output: Output = "magnitude",
    *,
    scale: float = 1.0,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
) -> Array:
    """Measure edges by Farid and Simoncelli's gradient of 5×5 pixels.

    Parameters
    ----------
    image, output, border, cval, channel_axis, dtype, out, device
        As for :func:`sobel`.
    scale : float, default 1
        What slopes are multiplied by, above 0.

    Returns
    -------
    ndarray
        As for :func:`sobel`.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`sobel`.

    Notes
    -----
    A ramp that grows by 1 a pixel has the magnitude 1, but for half a percent.
    ``skimage.filters.farid`` is ``scale=1 / sqrt(2)``.

    References
    ----------
    H. Farid and E. Simoncelli, "Differentiation of discrete multidimensional signals", IEEE Trans.
    Image Processing 13 (2004).

    Examples
    --------
    >>> farid([[0.0, 2.0, 4.0, 6.0, 8.0]])[:, 2].round(2).tolist()
    [1.98]
    """
    options = border, cval, channel_axis, dtype, out, device
    return gradient(image, pair("farid"), output, scale, *options)


@public
def gradient_magnitude(
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
    """Measure edges of one size, by the gradient of a Gaussian blur.

    Parameters
    ----------
    image : array_like of shape (…, H, W)
        Real pixels, as for :func:`gpuconv.filter_bank`.
    sigma : float
        Standard deviation of the blur in pixels, greater than 0.
    truncate : float, default 4.0
        Where the Gaussian is cut off, in standard deviations.
    scale : float, default 1
        What slopes are multiplied by, above 0.
    border, cval, channel_axis, dtype, out, device
        As for :func:`sobel`.

    Returns
    -------
    ndarray
        Of the image's shape.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`sobel`; or `sigma` is not positive.

    Notes
    -----
    As ``scipy.ndimage.gaussian_gradient_magnitude``; a ramp of 1 a pixel has the magnitude 1.

    Examples
    --------
    >>> ramp = [[float(x) for x in range(30)]] * 30
    >>> gradient_magnitude(ramp, 2)[15, 15].round(2)
    np.float64(1.0)
    """
    options = border, cval, channel_axis, dtype, out, device
    return gradient(image, derivatives(sigma, truncate), "magnitude", scale, *options)
