"""Averages over pixels that are alike: the bilateral filter, non-local means."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import restoration

import gpuconv as gc
from benchmarks.cpu.beyond.case import OURS, Case, Peer
from benchmarks.cpu.beyond.images import NOISE

__all__ = ["bilateral", "nl_means"]

Array = NDArray[Any]

#: In levels, and in pixels.
_COLOUR, _SPACE = 25.0, 3.0


def _unit(dtype: str) -> float:
    """Return how large a level is."""
    return 1.0 if dtype == "uint8" else 1 / 255


def bilateral(diameter: int, dtype: str, colours: bool = False) -> Case:
    """Return a bilateral filter.

    scikit-image's window is a square, its weights of distance are read in a wrong order, and its
    colours are as far apart as a straight line: the mean difference must be small, not the largest
    one. It returns float64, bytes as 0 … 1.
    """
    sigma, axis = _COLOUR * _unit(dtype), 2 if colours else None

    def ours(image: Array, out: Array) -> Array:
        options: dict[str, Any] = {"border": "mirror", "channel_axis": axis, "out": out}
        found = gc.bilateral(image, diameter, sigma_color=sigma, sigma_space=_SPACE, **options)
        return np.asarray(found)

    def scikit(image: Array, out: Array) -> Array:
        return np.asarray(
            restoration.denoise_bilateral(
                image, diameter, _COLOUR / 255, _SPACE, mode="reflect", channel_axis=axis
            )
        )

    def opencv(image: Array, out: Array) -> Array:
        return cv2.bilateralFilter(image, diameter, sigma, _SPACE, out)

    peers = (
        Peer(OURS, "bilateral", ours),
        Peer(
            "scikit-image",
            "restoration.denoise_bilateral",
            scikit,
            8.0 if colours else max(4.0, diameter / 4),
            "mean",
            _levels(dtype),
        ),
        Peer("OpenCV", "bilateralFilter", opencv, 1.0),
    )
    return Case(
        f"bilateral {diameter}{', RGB' if colours else ''}",
        dtype,
        peers,
        "colours" if colours else "photograph",
        diameter // 2,
    )


def _levels(dtype: str) -> Any:
    """Return what makes levels of numbers 0 … 1, if the image is of levels."""
    return lambda result: result * (255 if dtype == "uint8" else 1)


def nl_means(patch: int, search: int, dtype: str, colours: bool = False) -> Case:
    """Return non-local means.

    scikit-image approximates exp, and sums patches that are a pixel off; OpenCV, for bytes only,
    reads weights from a table of rounded distances.
    """
    strength, axis = 1.15 * NOISE * _unit(dtype), 2 if colours else None

    def ours(image: Array, out: Array) -> Array:
        options: dict[str, Any] = {"h": strength, "border": "mirror", "channel_axis": axis}
        return np.asarray(gc.nl_means(image, patch, search, out=out, **options))

    def scikit(image: Array, out: Array) -> Array:
        return np.asarray(
            restoration.denoise_nl_means(
                image, patch, search, strength, preserve_range=True, channel_axis=axis
            )
        )

    def opencv(image: Array, out: Array) -> Array:
        return cv2.fastNlMeansDenoising(image, out, strength, patch, 2 * search + 1)

    peers = [
        Peer(OURS, "nl_means", ours),
        Peer("scikit-image", "restoration.denoise_nl_means", scikit, 3.0, "mean"),
    ]
    if dtype == "uint8":
        peers.append(Peer("OpenCV", "fastNlMeansDenoising", opencv, 0.3, "mean"))
    return Case(
        f"nl_means {patch}/{search}{', RGB' if colours else ''}",
        dtype,
        tuple(peers),
        "noisy colours" if colours else "noisy",
        search + patch // 2 + 1,
    )
