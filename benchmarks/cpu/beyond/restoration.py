"""What a blur destroyed, restored."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal
from skimage import restoration

import gpuconv as gc
from benchmarks.cpu.beyond.case import OURS, Case, Peer
from benchmarks.cpu.beyond.images import psf

__all__ = ["cases", "richardson_lucy", "wiener"]

Array = NDArray[Any]

#: Where gpuconv estimates what is beyond the edges, nobody else does, and the wrong guess of the
#: others rings through the image: their results are compared where the borders are alike.
_NOT_COMPARED = inf, "largest"


def cases() -> Iterator[Case]:
    """Yield all of them: with the border that scikit-image has, and with that of the default."""
    for border in ("wrap", "estimate"):
        yield wiener(0.01, border)
    for border in ("constant", "estimate"):
        yield richardson_lucy(30, border)


def wiener(balance: float, border: str) -> Case:
    """Return Wiener's filter with a Laplacian as its regulariser, as in scikit-image."""
    weights = psf()
    off = (0.1, "largest") if border == "wrap" else _NOT_COMPARED

    def ours(image: Array, out: Array) -> Array:
        return np.asarray(gc.wiener(image, weights, balance, border=border, out=out))

    def scipy(image: Array, out: Array) -> Array:
        size = image.shape
        blur, rough = _transfer(weights, size), _transfer(_LAPLACIAN, size)
        inverse = blur.conj() / (np.abs(blur) ** 2 + balance * np.abs(rough) ** 2)
        spectrum = fft.rfft2(image, workers=2)
        return np.asarray(fft.irfft2(inverse * spectrum, size, workers=2, overwrite_x=True))

    peers = (
        Peer(OURS, "wiener", ours),
        Peer("SciPy", "fft.rfft2 and irfft2, 2 workers", scipy, *off),
        Peer(
            "scikit-image",
            "restoration.wiener",
            lambda i, o: restoration.wiener(i, weights, balance, clip=False),
            *off,
        ),
    )
    return _case("Wiener 15×15", border, peers)


def _case(name: str, border: str, peers: tuple[Peer, ...]) -> Case:
    name += ", edges estimated" if border == "estimate" else ""
    return Case(name, "float32", peers, "blurred")


_LAPLACIAN = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], np.float32)


def _transfer(weights: Array, size: tuple[int, ...]) -> Array:
    """Return the transform of weights whose middle is at the origin."""
    placed = np.zeros(size, np.float32)
    rows, columns = weights.shape
    placed[:rows, :columns] = weights
    at_origin = np.roll(placed, (-(rows // 2), -(columns // 2)), (0, 1))
    return np.asarray(fft.rfft2(at_origin, workers=2))


def richardson_lucy(iterations: int, border: str) -> Case:
    """Return Richardson and Lucy's iteration; OpenCV's and SciPy's is written by hand."""
    weights = psf()
    off = (1.0, "largest") if border == "constant" else _NOT_COMPARED
    turned = np.ascontiguousarray(weights[::-1, ::-1])

    def ours(image: Array, out: Array) -> Array:
        return np.asarray(gc.richardson_lucy(image, weights, iterations, border=border, out=out))

    def scipy(image: Array, out: Array) -> Array:
        found = np.full_like(image, 0.5)
        for _ in range(iterations):
            blurred = signal.oaconvolve(found, weights, "same")
            np.divide(image, np.maximum(blurred, 1e-12, out=blurred), out=blurred)
            found *= signal.oaconvolve(blurred, turned, "same")
        return found

    def opencv(image: Array, out: Array) -> Array:
        found, border = np.full_like(image, 0.5), cv2.BORDER_CONSTANT
        for _ in range(iterations):
            blurred = cv2.filter2D(found, -1, turned, borderType=border)
            ratio = cv2.divide(image, cv2.max(blurred, 1e-12, blurred), blurred)
            found = cv2.multiply(found, cv2.filter2D(ratio, -1, weights, borderType=border), found)
        return found

    def scikit(image: Array, out: Array) -> Array:
        return np.asarray(restoration.richardson_lucy(image, weights, iterations, clip=False))

    peers = (
        Peer(OURS, "richardson_lucy", ours),
        Peer("SciPy", "signal.oaconvolve in a loop", scipy, *off),
        Peer("scikit-image", "restoration.richardson_lucy", scikit, *off),
        Peer("OpenCV", "filter2D in a loop", opencv, *off),
    )
    return _case(f"Richardson–Lucy, {iterations} iterations", border, peers)
