"""Gradients, edges, sharpening."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import feature, filters

import gpuconv as gc
from benchmarks.cpu.beyond.case import OURS, Case, Peer

__all__ = ["canny", "cases", "gradient", "sobel", "unsharp"]

Array = NDArray[Any]


def cases(dtype: str) -> Iterator[Case]:
    """Yield all of them for pixels of a dtype."""
    yield sobel(dtype)
    yield gradient(2.0, dtype)
    yield unsharp(2.0, 1.0, dtype)
    yield canny(1.4, dtype)


def _finished(strength: Array, out: Array) -> Array:
    """Write a strength in float32 to `out`, as levels if it has such."""
    if out.dtype == np.uint8:
        return cv2.convertScaleAbs(strength, out)
    out[...] = strength
    return out


def sobel(dtype: str) -> Case:
    """Return the magnitude of Sobel's gradient, not scaled."""

    def scipy(image: Array, out: Array) -> Array:
        wide = image.astype(np.float32, copy=False)
        down, across = (ndimage.sobel(wide, axis) for axis in (0, 1))
        strength = np.hypot(down, across, out=down)
        if out.dtype == np.uint8:
            return np.clip(np.rint(strength, out=strength), 0, 255).astype(np.uint8)
        return strength

    def opencv(image: Array, out: Array) -> Array:
        border = cv2.BORDER_REFLECT
        across = cv2.Sobel(image, cv2.CV_32F, 1, 0, borderType=border)
        down = cv2.Sobel(image, cv2.CV_32F, 0, 1, borderType=border)
        return _finished(cv2.magnitude(across, down, across), out)

    levels = 255 if dtype == "uint8" else 1.0

    def alike(result: Array) -> Array:
        """Return 4 √2 times scikit-image's, in levels if those are meant."""
        return (
            np.rint((result * (4 * 2**0.5 * levels)).clip(0, 255))
            if levels != 1
            else (result * (4 * 2**0.5))
        )

    off = 1.0 if dtype == "uint8" else 0.01
    peers = (
        Peer(OURS, "sobel", lambda i, o: np.asarray(gc.sobel(i, out=o))),
        Peer("SciPy", "ndimage.sobel twice, hypot", scipy, off),
        Peer("scikit-image", "filters.sobel", lambda i, o: filters.sobel(i), off, alike=alike),
        Peer("OpenCV", "Sobel twice, magnitude", opencv, off),
    )
    return Case("Sobel magnitude", dtype, peers)


def gradient(sigma: float, dtype: str) -> Case:
    """Return the magnitude of the gradient of a Gaussian blur.

    SciPy cuts numbers off between its passes over bytes; it is given floats.
    """
    radius = round(4 * sigma)
    x = np.arange(-radius, radius + 1)
    smooth = np.exp(-(x**2) / (2 * sigma**2))
    smooth /= smooth.sum()
    slope = x * smooth / sigma**2

    def scipy(image: Array, out: Array) -> Array:
        wide = image.astype(np.float32, copy=False)
        strength: Array = ndimage.gaussian_gradient_magnitude(wide, sigma)
        return np.rint(strength).astype(np.uint8) if out.dtype == np.uint8 else strength

    def opencv(image: Array, out: Array) -> Array:
        border = cv2.BORDER_REFLECT
        across = cv2.sepFilter2D(image, cv2.CV_32F, slope, smooth, borderType=border)
        down = cv2.sepFilter2D(image, cv2.CV_32F, smooth, slope, borderType=border)
        return _finished(cv2.magnitude(across, down, across), out)

    off = 1.0 if dtype == "uint8" else 0.05
    peers = (
        Peer(
            OURS,
            "gradient_magnitude",
            lambda i, o: np.asarray(gc.gradient_magnitude(i, sigma, out=o)),
        ),
        Peer("SciPy", "ndimage.gaussian_gradient_magnitude", scipy, off),
        Peer("OpenCV", "sepFilter2D twice, magnitude", opencv, off),
    )
    return Case(f"gradient magnitude σ={sigma:g}", dtype, peers)


def unsharp(sigma: float, amount: float, dtype: str) -> Case:
    """Return an unsharp mask; scikit-image limits its result to 0 … 1."""

    def scipy(image: Array, out: Array) -> Array:
        wide = image.astype(np.float32, copy=False)
        blurred = ndimage.gaussian_filter(wide, sigma)
        sharp = (1 + amount) * wide - amount * blurred
        if out.dtype == np.uint8:
            return np.clip(np.rint(sharp), 0, 255).astype(np.uint8)
        return np.clip(sharp, 0, 1)

    def opencv(image: Array, out: Array) -> Array:
        side = 2 * round(4 * sigma) + 1
        blurred = cv2.GaussianBlur(image, (side, side), sigma, borderType=cv2.BORDER_REFLECT)
        return cv2.addWeighted(image, 1 + amount, blurred, -amount, 0, out)

    levels = 255 if dtype == "uint8" else 1.0
    peers = (
        Peer(
            OURS,
            "unsharp_mask",
            lambda i, o: np.asarray(gc.unsharp_mask(i, sigma, amount, out=o)),
            alike=_clipped(dtype),
        ),
        Peer("SciPy", "ndimage.gaussian_filter, arithmetic", scipy, 1.0),
        Peer(
            "scikit-image",
            "filters.unsharp_mask",
            lambda i, o: filters.unsharp_mask(i, sigma, amount),
            1.0,
            alike=lambda result: np.rint(result * levels) if levels != 1 else result,
        ),
        Peer("OpenCV", "GaussianBlur, addWeighted", opencv, 1.0, alike=_clipped(dtype)),
    )
    return Case(f"unsharp mask σ={sigma:g}", dtype, peers)


def _clipped(dtype: str) -> Any:
    """Return what brings floats into 0 … 1, as scikit-image does."""
    return lambda result: result if dtype == "uint8" else result.clip(0, 1)


def canny(sigma: float, dtype: str) -> Case:
    """Return Canny's edges; OpenCV rounds the direction to 45° where the others interpolate."""
    unit = 1.0 if dtype == "uint8" else 1 / 255
    low, high = 25.0 * unit, 60.0 * unit

    def ours(image: Array, out: Array) -> Array:
        return np.asarray(gc.canny(image, sigma, low, high, border="reflect"))

    def scikit(image: Array, out: Array) -> Array:
        return np.asarray(feature.canny(image, sigma, low, high, mode="reflect"))

    def opencv(image: Array, out: Array) -> Array:
        side = 2 * round(4 * sigma) + 1
        blurred = cv2.GaussianBlur(image, (side, side), sigma, borderType=cv2.BORDER_REFLECT)
        return cv2.Canny(blurred, low, high, out, L2gradient=True)

    peers = [
        Peer(OURS, "canny", ours),
        Peer("scikit-image", "feature.canny", scikit, 0.01, "share"),
    ]
    if dtype == "uint8":
        peers.append(
            Peer(
                "OpenCV",
                "GaussianBlur, Canny",
                opencv,
                0.05,
                "share",
                alike=lambda result: result != 0,
            )
        )
    return Case(f"Canny σ={sigma:g}", dtype, tuple(peers), margin=2)
