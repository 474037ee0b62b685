"""What scikit-image makes of an image before it filters it: floats, from 0 or −1 to 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.scipy.arguments import array_of, room_like

__all__ = ["check_ndim", "float_dtype", "floats_of", "slopes_of", "unit_floats"]


def float_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype that pixels of a dtype are computed in.

    Examples
    --------
    >>> [float_dtype(np.dtype(given)).name for given in ("float16", "float32", "uint8")]
    ['float32', 'float32', 'float64']
    """
    if dtype.kind == "c":
        raise ArgumentError(f"complex valued input is not supported: image has dtype {dtype}")
    return np.dtype(np.float32 if dtype.char in "ef" else np.float64)


def unit_floats(image: Array) -> Array:
    """Return floats as they are, and other pixels as parts of the largest that their dtype has.

    Examples
    --------
    >>> unit_floats(np.array([0, 255], np.uint8)).tolist()
    [0.0, 1.0]
    >>> unit_floats(np.array([-128, 127], np.int8)).tolist()
    [-1.0, 1.0]
    """
    if image.dtype.kind == "f":
        return image
    if image.dtype.kind == "b":
        return image.astype(np.float64)
    if image.dtype.kind not in "iu":
        raise ArgumentError(
            f"Cannot convert from {image.dtype} to float64. Allowed are bool, integers and floats"
        )
    parts = room_like(image, image.shape, np.float64)
    np.multiply(image, 1 / np.iinfo(image.dtype).max, out=parts, dtype=np.float64)
    if image.dtype.kind == "i":
        np.maximum(parts, -1, out=parts)
    return parts


def floats_of(image: Any, preserve_range: bool = False) -> Array:
    """Return an image as an array of floats, in the range of its values or in that of floats.

    Examples
    --------
    >>> floats_of(np.array([255], np.uint8), preserve_range=True).tolist()
    [255.0]
    """
    pixels = array_of(image)
    floats = pixels if preserve_range else unit_floats(pixels)
    return floats.astype(float_dtype(pixels.dtype), copy=False)


def slopes_of(image: Any) -> Array:
    """Return an image of two axes as floats, as those filters take it that are for two only."""
    return floats_of(check_ndim(image, 2))


def check_ndim(image: Any, ndim: int) -> Array:
    """Return an image as an array, if it has pixels and `ndim` axes.

    Examples
    --------
    >>> check_ndim([1, 2], 2)
    Traceback (most recent call last):
    ...
    gpuconv.errors.ArgumentError: The parameter `image` must be a 2-dimensional array; it has 1 axes
    """
    try:
        pixels = array_of(image)
    except ValueError as error:
        raise ArgumentTypeError(f"image is not a rectangular array: {error}") from error
    if not pixels.size:
        raise ArgumentError(
            f"The parameter `image` cannot be an empty array; it has shape {pixels.shape}"
        )
    if pixels.ndim != ndim:
        raise ArgumentError(
            f"The parameter `image` must be a {ndim}-dimensional array; it has {pixels.ndim} axes"
        )
    return pixels
