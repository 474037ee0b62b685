"""Medians, minima, maxima, percentiles."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import morphology
from skimage.filters import rank

import gpuconv as gc
from benchmarks.cpu.beyond.case import OURS, Case, Peer

__all__ = ["extreme", "median", "percentile"]

Array = NDArray[Any]

#: Largest window of OpenCV's median, by dtype.
_OPENCV = {"uint8": 255, "uint16": 5, "float32": 5}


def median(side: int, dtype: str) -> Case:
    """Return the median of side², the border as OpenCV has it.

    scikit-image's median of floats is SciPy's, called; its own is of histograms.
    """
    peers = [
        Peer(OURS, "median", lambda i, o: gc.median(i, side, border="nearest", out=o)),
        Peer(
            "SciPy",
            "ndimage.median_filter",
            lambda i, o: ndimage.median_filter(i, side, mode="nearest", output=o),
        ),
    ]
    if dtype in ("uint8", "uint16"):
        window = np.ones((side, side), np.uint8)
        peers.append(
            Peer("scikit-image", "filters.rank.median", lambda i, o: rank.median(i, window, out=o))
        )
    if side <= _OPENCV[dtype]:
        peers.append(Peer("OpenCV", "medianBlur", lambda i, o: cv2.medianBlur(i, side, o)))
    return Case(f"median {side}×{side}", dtype, tuple(peers), margin=side // 2)


def extreme(which: str, side: int, dtype: str) -> Case:
    """Return the "minimum" or the "maximum" of side²; OpenCV's is of the pixels inside."""
    ours, scipy, scikit, opencv = {
        "minimum": (gc.minimum, ndimage.minimum_filter, morphology.erosion, cv2.erode),
        "maximum": (gc.maximum, ndimage.maximum_filter, morphology.dilation, cv2.dilate),
    }[which]
    lines = morphology.footprint_rectangle((side, side), decomposition="separable")
    window = np.ones((side, side), np.uint8)
    peers = (
        Peer(OURS, which, lambda i, o: ours(i, side, out=o)),
        Peer("SciPy", f"ndimage.{which}_filter", lambda i, o: scipy(i, side, output=o)),
        Peer(
            "scikit-image",
            f"morphology.{scikit.__name__}, a row and a column",
            lambda i, o: scikit(i, lines, out=o),
        ),
        Peer("OpenCV", opencv.__name__, lambda i, o: opencv(i, window, o)),
    )
    return Case(f"{which} {side}×{side}", dtype, peers)


def percentile(percent: int, side: int, dtype: str) -> Case:
    """Return a percentile of side², as SciPy counts it."""
    peers = [
        Peer(OURS, "percentile", lambda i, o: gc.percentile(i, percent, side, out=o)),
        Peer(
            "SciPy",
            "ndimage.percentile_filter",
            lambda i, o: ndimage.percentile_filter(i, percent, side, output=o),
        ),
    ]
    if dtype == "uint8":
        window, part = np.ones((side, side), np.uint8), percent / 100
        peers.append(
            Peer(
                "scikit-image",
                "filters.rank.percentile",
                lambda i, o: rank.percentile(i, window, out=o, p0=part),
            )
        )
    return Case(f"percentile {percent} of {side}×{side}", dtype, tuple(peers), margin=side // 2)
