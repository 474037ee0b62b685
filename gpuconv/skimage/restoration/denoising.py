"""Averages over pixels that are alike, as scikit-image calls them."""

from __future__ import annotations

from math import ceil, isnan
from typing import Any

import numpy as np

from gpuconv.apply import Choices, applied
from gpuconv.arrays import Array, channel_index
from gpuconv.errors import ArgumentError, choose
from gpuconv.exchange import public
from gpuconv.neighbourhood import Bilateral, NonLocalMeans
from gpuconv.scipy.arguments import array_of
from gpuconv.scipy.errors import tell
from gpuconv.skimage import reach
from gpuconv.skimage.errors import DifferenceWarning, NotCoveredError
from gpuconv.skimage.pixels import floats_of

__all__ = ["denoise_bilateral", "denoise_nl_means"]

#: The modes of ``numpy.pad`` that scikit-image allows for bilateral filters, as borders.
_PADS = {
    "constant": "constant",
    "edge": "nearest",
    "reflect": "mirror",
    "symmetric": "reflect",
    "wrap": "wrap",
}

#: Channels that an image in colour has.
_COLOURS = (3, 4)

_BILATERAL = (
    "denoise_bilateral differs from scikit-image's, which reads its table of spatial weights with "
    "a wrong stride: round windows of the sigma that is asked for, and colours differ by the sum "
    "over their channels; see gpuconv.skimage.differences"
)
_NL_MEANS = (
    "denoise_nl_means differs from scikit-image's: whole patches and exact weights; see "
    "gpuconv.skimage.differences"
)


@public
def denoise_bilateral(
    image: Any,
    win_size: int | None = None,
    sigma_color: float | None = None,
    sigma_spatial: float = 1,
    bins: int = 10000,
    mode: str = "constant",
    cval: float = 0,
    *,
    channel_axis: int | None = None,
) -> Array:
    """Smooth but for edges: ``skimage.restoration.denoise_bilateral``, with another window.

    Parameters
    ----------
    image : array_like of shape (H, W), or with a channel axis
        Real pixels; integers become parts of the largest.
    win_size : int, optional
        Pixels across the window; the default is ``2·ceil(3·sigma_spatial) + 1``, at least 5.
    sigma_color : float, optional
        How far pixels may differ and still count; the default is the image's standard deviation.
    sigma_spatial : float, default 1
        How far pixels may lie and still count, in pixels.
    bins : int
        Not used: weights are computed.
    mode : {"constant", "edge", "symmetric", "reflect", "wrap"}
        What lies outside: a mode of ``numpy.pad``.
    cval : float, default 0
        The value outside in mode "constant", above the least pixel where that is negative.
    channel_axis : int, optional
        Axis of the colour channels.

    Returns
    -------
    ndarray
        Of the image's shape: floats; the image as it is where all its pixels are equal.

    Raises
    ------
    ArgumentError
        The image has more axes, or a value is not allowed.

    Warns
    -----
    DifferenceWarning
        Whenever something is filtered; see :mod:`gpuconv.skimage.differences`.
    UserWarning
        There are other than three or four channels.

    See Also
    --------
    gpuconv.bilateral : the same filter, of any dtype, without the warning.

    Examples
    --------
    >>> import warnings
    >>> from gpuconv.skimage.errors import DifferenceWarning
    >>> warnings.simplefilter("ignore", DifferenceWarning)
    >>> edge = np.array([[0.1, 0.2, 0.1, 0.9, 0.8, 0.9]] * 6)
    >>> denoise_bilateral(edge, sigma_color=0.2, sigma_spatial=2)[3].round(1).tolist()
    [0.1, 0.1, 0.1, 0.9, 0.9, 0.9]
    """
    pixels = array_of(image)
    _check_plane(pixels, channel_axis)
    choose("mode", mode, tuple(_PADS), "a mode")
    least = pixels.min()
    if least == pixels.max():
        return pixels
    floats = floats_of(pixels)
    likeness = sigma_color or float(floats.std())
    if isnan(likeness):
        return np.full_like(floats, np.nan)
    tell(_BILATERAL, DifferenceWarning)
    across = max(5, 2 * ceil(3 * sigma_spatial) + 1) if win_size is None else win_size
    wanted = Bilateral.of(across, sigma_color=likeness, sigma_space=sigma_spatial)
    choices = Choices.of(wanted, _PADS[mode], cval + min(float(least), 0), "auto")
    return applied(floats, wanted, choices, channel_axis, None, None, None)


def _check_plane(pixels: Array, channel_axis: int | None) -> None:
    if channel_axis is not None and pixels.ndim == 2:
        raise ArgumentError(
            "Use ``channel_axis=None`` for 2D grayscale images. The last axis of the input image "
            f"must be multiple color channels not another spatial dimension: shape {pixels.shape}"
        )
    if pixels.ndim - (channel_axis is not None) > 2:
        hint = "" if channel_axis is not None else " Use ``channel_axis=-1`` for 2D RGB images."
        raise ArgumentError(
            "Bilateral filter is not implemented for grayscale images of 3 or more dimensions, "
            f"but input image has {pixels.shape} shape.{hint}"
        )
    channel = channel_index(pixels.ndim, channel_axis)
    if channel is not None and pixels.shape[channel] not in _COLOURS:
        tell(
            "Input image must be grayscale, RGB, or RGBA; but has shape "
            f"{pixels.shape}: its axis {channel} is interpreted as channels"
        )


@public(reach=reach.of_nl_means)
def denoise_nl_means(
    image: Any,
    patch_size: int = 7,
    patch_distance: int = 11,
    h: float = 0.1,
    fast_mode: bool = True,
    sigma: float = 0.0,
    *,
    preserve_range: bool = False,
    channel_axis: int | None = None,
) -> Array:
    """Average pixels whose surroundings are alike: ``skimage.restoration.denoise_nl_means``.

    Parameters
    ----------
    image : array_like of shape (H, W), or with a channel axis
        Real pixels.
    patch_size : int, default 7
        Rows and columns that are compared; an even number counts as the next odd one.
    patch_distance : int, default 11
        Most rows and columns to what is compared.
    h : float, default 0.1
        How different patches may be and still count.
    fast_mode : bool, default True
        Whether pixels of a patch all count alike. They do here without it, too.
    sigma : float, default 0
        Standard deviation of the noise, whose share in the differences does not count.
    preserve_range : bool, default False
        Whether integers keep their values; if not, they become parts of the largest.
    channel_axis : int, optional
        Axis of the colour channels.

    Returns
    -------
    ndarray
        Of the image's shape: float32 for images of it and of float16, else float64.

    Raises
    ------
    NotCoveredError
        The image has three or more axes beside that of its channels.
    ArgumentError
        A value is not allowed.

    Warns
    -----
    DifferenceWarning
        Always; see :mod:`gpuconv.skimage.differences`.

    See Also
    --------
    gpuconv.nl_means : the same filter, of any dtype, without the warning.

    Examples
    --------
    >>> import warnings
    >>> from gpuconv.skimage.errors import DifferenceWarning
    >>> warnings.simplefilter("ignore", DifferenceWarning)
    >>> noisy = np.random.default_rng(0).normal(0.5, 0.05, (40, 40))
    >>> round(float(denoise_nl_means(noisy, 3, 5, h=0.08).std()), 2)
    0.01
    """
    floats = floats_of(image, preserve_range)
    if floats.ndim - (channel_axis is not None) != 2:
        raise NotCoveredError(
            "Non-local means denoising is only implemented for 2D grayscale or multichannel "
            f"images by gpuconv: image has shape {floats.shape}, channel_axis={channel_axis!r}"
        )
    tell(_NL_MEANS, DifferenceWarning)
    wanted = NonLocalMeans.of(patch_size | 1, patch_distance, h=h, sigma=sigma)
    choices = Choices.of(wanted, "mirror", 0, "auto")
    return applied(floats, wanted, choices, channel_axis, None, None, None)
