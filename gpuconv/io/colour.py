"""Arithmetic of colour: the sRGB transfer function, premultiplied alpha, luma."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.dtypes import store

__all__ = ["cmyk_to_rgb", "divide_alpha", "from_linear", "luma", "plain", "to_linear", "white"]

Pixels = NDArray[Any]

# IEC 61966-2-1: the two pieces of the curve, in its own decimals.
_SLOPE, _OFFSET, _POWER = 12.92, 0.055, 2.4
_ENCODED_KNEE, _LINEAR_KNEE = 0.04045, 0.0031308


def white(dtype: Any) -> float:
    """Return the value of white and of full opacity: the largest integer, or 1 for floats.

    Examples
    --------
    >>> white("uint16"), white("float32")
    (65535, 1.0)
    """
    kind = np.dtype(dtype)
    return int(np.iinfo(kind).max) if kind.kind in "iu" else 1.0


def plain(pixels: Pixels) -> Pixels:
    """Return pixels in native byte order, a mask as 0 and 255.

    Examples
    --------
    >>> plain(np.array([True, False])).tolist(), plain(np.zeros(1, ">u2")).dtype.isnative
    ([255, 0], True)
    """
    if pixels.dtype == bool:
        return np.where(pixels, np.uint8(255), np.uint8(0))
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def to_linear(encoded: Pixels) -> Pixels:
    """Decode sRGB values to linear light (IEC 61966-2-1), keeping black and white where they are.

    Parameters
    ----------
    encoded : ndarray of uint8, uint16 or float
        Any shape. Floats are 0 for black to 1 for white; beyond that the curve goes on, and
        below 0 it is mirrored.

    Returns
    -------
    ndarray of float32 (float64 for float64), in the units of `encoded`: 0 … 255 for uint8.

    Examples
    --------
    >>> to_linear(np.array([0, 10, 188, 255], np.uint8)).round().tolist()
    [0.0, 1.0, 128.0, 255.0]
    """
    if encoded.dtype.kind == "u":
        top = int(np.iinfo(encoded.dtype).max)
        table = _decode(np.arange(top + 1) / top) * top
        return table.astype(np.float32)[encoded]
    return np.copysign(_decode(np.abs(encoded)), encoded)


def from_linear(light: Pixels, top: float) -> Pixels:
    """Encode linear light as sRGB: the inverse of `to_linear`, in float.

    Parameters
    ----------
    light : ndarray of float, 0 for black to `top` for white.
    top : float
        The value of white.

    Examples
    --------
    >>> from_linear(np.array([0.0, 0.2140411, 1.0]), 1.0).round(4).tolist()
    [0.0, 0.5, 1.0]
    """
    size = np.abs(light) / light.dtype.type(top)
    high = (1 + _OFFSET) * size ** light.dtype.type(1 / _POWER) - _OFFSET
    coded = np.where(size <= _LINEAR_KNEE, size * _SLOPE, high)
    result: Pixels = np.copysign(coded * light.dtype.type(top), light)
    return result


def _decode(size: Pixels) -> Pixels:
    high = ((size + _OFFSET) / (1 + _OFFSET)) ** _POWER
    return np.where(size <= _ENCODED_KNEE, size / _SLOPE, high)


def divide_alpha(premultiplied: Pixels, alpha: Pixels) -> Pixels:
    """Divide colour by alpha (0 … 1); 0 where alpha is not positive, or subnormal.

    Parameters
    ----------
    premultiplied : ndarray of float, shape (H, W) or (H, W, C)
    alpha : ndarray of float, shape (H, W)

    Examples
    --------
    >>> divide_alpha(np.array([[10.0, 3.0]]), np.array([[0.5, 0.0]])).tolist()
    [[20.0, 0.0]]
    """
    alpha = alpha if premultiplied.ndim == alpha.ndim else alpha[..., np.newaxis]
    # One quotient a pixel: a product for each channel is several times as fast. Of a subnormal
    # alpha, which rounding may leave where weights are tiny, the quotient could be infinite.
    least = np.finfo(alpha.dtype).tiny
    inverse = np.divide(1, alpha, out=np.zeros_like(alpha), where=alpha >= least)
    quotient: Pixels = premultiplied * inverse
    return quotient


def luma(rgb: Pixels) -> Pixels:
    """Return Rec. 601 luma, 0.299 R + 0.587 G + 0.114 B, in the dtype of `rgb`.

    uint8 and uint16 use the 16-bit fixed point of Pillow's ``convert("L")``, to the bit.

    Parameters
    ----------
    rgb : ndarray of shape (H, W, 3)

    Examples
    --------
    >>> luma(np.array([[[255, 0, 0], [10, 20, 30]]], np.uint8)).tolist()
    [[76, 18]]
    """
    if rgb.dtype in (np.uint8, np.uint16):
        red, green, blue = (rgb[..., c].astype(np.uint32) for c in range(3))
        # Largest sum: 65535 · 65536 + 32768, just below 2**32.
        total = red * 19595 + green * 38470 + blue * 7471 + 0x8000
        return (total >> 16).astype(rgb.dtype)
    grey = np.empty(rgb.shape[:2], rgb.dtype)
    store(rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114]), grey)
    return grey


def cmyk_to_rgb(cmyk: Pixels) -> Pixels:
    """Return the naive RGB of CMYK inks, (1 − C)(1 − K) …, as Pillow converts without a profile.

    Parameters
    ----------
    cmyk : ndarray of uint8 or uint16, shape (H, W, 4)

    Examples
    --------
    >>> cmyk_to_rgb(np.array([[[255, 0, 0, 51]]], np.uint8)).tolist()
    [[[0, 204, 204]]]
    """
    top = int(white(cmyk.dtype))
    light = top - cmyk.astype(np.uint64)
    return ((light[..., :3] * light[..., 3:] + top // 2) // top).astype(cmyk.dtype)
