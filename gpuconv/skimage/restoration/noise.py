"""How much noise an image holds, as scikit-image and PyWavelets tell it."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from gpuconv.arrays import Array
from gpuconv.exchange import public
from gpuconv.scipy.arguments import array_of
from gpuconv.scipy.errors import tell

__all__ = ["estimate_sigma"]

#: What the finest details of Daubechies' wavelet with two vanishing moments are made with.
_DETAIL = tuple(
    tap / (4 * sqrt(2)) for tap in (-sqrt(3) - 1, sqrt(3) + 3, sqrt(3) - 3, 1 - sqrt(3))
)
#: Of the absolute values of Gaussian noise of standard deviation 1: the median.
_MEDIAN = 0.6744897501960817
#: An image that is no wider is taken for a colour image.
_CHANNELS = 4


@public
def estimate_sigma(
    image: Any, average_sigmas: bool = False, *, channel_axis: int | None = None
) -> Any:
    """Estimate the standard deviation of noise: ``skimage.restoration.estimate_sigma``.

    Parameters
    ----------
    image : array_like
        Real pixels, of any number of axes.
    average_sigmas : bool, default False
        Whether to return the mean over the channels.
    channel_axis : int, optional
        Axis of the colour channels.

    Returns
    -------
    float or list of float
        In units of pixel values; a list for an image with channels that are not averaged. NaN where
        no pixel differs from its neighbours.

    See Also
    --------
    gpuconv.estimate_noise : the same estimate, faster, and for batches.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 5, (256, 256))
    >>> round(estimate_sigma(noise))
    5
    """
    pixels = array_of(image)
    if channel_axis is not None:
        planes = np.moveaxis(pixels, channel_axis, 0)
        sigmas = [_sigma(plane) for plane in planes]
        return np.float64(np.mean(sigmas)) if average_sigmas else sigmas
    if pixels.shape[-1] <= _CHANNELS:
        tell(
            f"image is size {pixels.shape[-1]} on the last axis, but channel_axis is None. If this "
            "is a color image, please set channel_axis=-1 for proper noise estimation."
        )
    return _sigma(pixels)


def _sigma(plane: Array) -> np.float64:
    details = plane.astype(np.float32 if plane.dtype.char in "ef" else np.float64, copy=False)
    for axis in range(plane.ndim):
        details = _details(details, axis)
    found = np.abs(details[np.nonzero(details)])
    return np.float64(float(np.median(found)) / _MEDIAN if found.size else "nan")


def _details(image: Array, axis: int) -> Array:
    """Return every second of the finest details along an axis, the image being reflected."""
    lines = np.moveaxis(image, axis, 0)
    reach = len(_DETAIL) - 1
    around = [(reach, reach), *[(0, 0)] * (image.ndim - 1)]
    padded = np.pad(lines, around, mode="symmetric")
    count = (len(lines) + reach) // 2
    total = np.zeros_like(padded, shape=(count, *lines.shape[1:]))
    for tap, weight in enumerate(_DETAIL):
        first = 1 + reach - tap
        total += weight * padded[first : first + 2 * count : 2][:count]
    return np.moveaxis(total, 0, axis)
