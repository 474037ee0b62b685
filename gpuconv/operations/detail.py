"""Sharpening by what a blur takes away."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gpuconv import backends, dtypes, kernels
from gpuconv.api import convolve
from gpuconv.arguments import Border
from gpuconv.arrays import Array, check_pixels, named_axis, stored_dtype
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.exchange import public
from gpuconv.kernel import Kernel
from gpuconv.window import Window, held, own

__all__ = ["mask_of", "unsharp_mask"]


@public
def unsharp_mask(
    image: ArrayLike,
    sigma: float = 1.0,
    amount: float = 1.0,
    threshold: float = 0.0,
    *,
    truncate: float = 4.0,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
) -> Array:
    """Sharpen an image by unsharp masking: add what a Gaussian blur takes away.

    image + `amount` · (image − blurred), where the difference is more than `threshold`. Without a
    threshold it is one convolution.

    Parameters
    ----------
    image : array_like of shape (…, H, W)
        Real pixels, as for :func:`gpuconv.convolve`.
    sigma : float, default 1.0
        Standard deviation of the blur in pixels, at least 0: the size of the detail that is
        brought out. Other programs call it the radius.
    amount : float, default 1.0
        How strongly, at least 0; 0 changes nothing.
    threshold : float, default 0
        Differences up to it are left as they are, so that the noise of flat areas is not sharpened.
        In levels of the image, at least 0.
    truncate : float, default 4.0
        Where the Gaussian is cut off, in standard deviations.
    border, cval, channel_axis, dtype, out, device
        As for :func:`gpuconv.convolve`: integers stay integers, rounded and saturated once.

    Returns
    -------
    ndarray
        Of the image's shape.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`gpuconv.convolve`; or `sigma`, `amount` or `threshold` is negative.

    Notes
    -----
    ``skimage.filters.unsharp_mask``, which calls sigma the radius, and clips results to 0 … 1, or
    to −1 … 1 if there are negative pixels. Here floats are not clipped. Photoshop and Pillow have
    the threshold, and a percentage that is 100 · `amount`; Pillow's blur is an approximation.

    Examples
    --------
    >>> image = np.array([[50, 50, 52, 50, 50, 50, 90, 90, 90]], np.uint8)
    >>> unsharp_mask(image).tolist()
    [[50, 50, 53, 49, 48, 38, 102, 92, 90]]
    >>> unsharp_mask(image, threshold=5).tolist()
    [[50, 50, 52, 50, 50, 38, 102, 90, 90]]
    """
    floor = _checked(threshold)
    mask = mask_of(sigma, amount, threshold, truncate)
    if floor == 0:
        return convolve(
            image,
            mask,
            border=border,
            cval=cval,
            channel_axis=channel_axis,
            dtype=dtype,
            out=out,
            device=device,
        )
    home = backends.owner(held(image))
    pixels = image if isinstance(image, Window) else check_pixels(image, home)
    named = named_axis(image, channel_axis)
    stored = stored_dtype(pixels.dtype, dtype, out)
    detail = convolve(
        pixels,
        mask,
        border=border,
        cval=cval,
        channel_axis=named,
        dtype=dtypes.summed_in(pixels.dtype, stored),
        device=device,
    )
    detail[abs(detail) <= floor] = 0
    detail *= float(amount)
    detail += own(pixels)
    # A kernel of one weight is how both engines round, saturate and store.
    return convolve(
        detail, kernels.identity(), channel_axis=named, dtype=stored, out=out, device=device
    )


def mask_of(
    sigma: float = 1.0, amount: float = 1.0, threshold: float = 0.0, truncate: float = 4.0
) -> Kernel:
    """Return what an image is convolved with: all of it, or detail that a threshold is to meet.

    Examples
    --------
    >>> mask_of().name, round(mask_of().weights.sum(), 9)
    ('unsharp(sigma=1, amount=1)', np.float64(1.0))
    >>> abs(mask_of(threshold=3).weights.sum()) < 1e-9
    np.True_
    """
    sharpened = kernels.unsharp(sigma, amount, truncate=truncate)
    if threshold == 0:
        return sharpened
    return kernels.identity() - kernels.gaussian(sigma, truncate=truncate)


def _checked(threshold: Any) -> float:
    if not isinstance(threshold, (int, float, np.integer, np.floating)):
        raise ArgumentTypeError(f"threshold={threshold!r} must be a real number")
    if not threshold >= 0:
        raise ArgumentError(f"threshold={threshold!r} must be at least 0")
    return float(threshold)
