"""How far the functions read, from their arguments by name."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from gpuconv.cv2.arguments import anchor_of, border_of, whole
from gpuconv.cv2.constants import FILTER_SCHARR
from gpuconv.cv2.sizes import disk_radius, gaussian_size
from gpuconv.cv2.weights import derivative_weights
from gpuconv.exchange import Reach

__all__ = [
    "of_bilateral",
    "of_box",
    "of_derivative",
    "of_gaussian",
    "of_gradient",
    "of_kernel",
    "of_laplacian",
    "of_lines",
    "of_median",
]

Values = Mapping[str, Any]


def of_kernel(given: Values) -> Reach | None:
    """Return the reach of filter2D."""
    shape = np.shape(given["kernel"])
    return _of_taps(given, shape[:2] if len(shape) > 1 else (1, prod(shape)), given["anchor"])


def of_lines(given: Values) -> Reach | None:
    """Return the reach of sepFilter2D."""
    taps = np.size(given["kernelY"]), np.size(given["kernelX"])
    return _of_taps(given, taps, given["anchor"])


def of_box(given: Values) -> Reach | None:
    """Return the reach of blur, boxFilter and sqrBoxFilter."""
    width, height = given["ksize"]
    return _of_taps(given, (height, width), given["anchor"])


def of_gaussian(given: Values) -> Reach | None:
    """Return the reach of GaussianBlur."""
    numbers = given["sigmaX"], given["sigmaY"], given["src"].dtype
    width, height = gaussian_size(given["ksize"], *numbers, "GaussianBlur")
    return _of_taps(given, (height, width))


def of_derivative(given: Values) -> Reach | None:
    """Return the reach of Sobel and Scharr."""
    size = whole("ksize", given.get("ksize", FILTER_SCHARR), "reach", 3)
    orders = whole("dx", given["dx"], "reach"), whole("dy", given["dy"], "reach")
    (x, _), (y, _) = derivative_weights(*orders, size, "reach")
    return _of_taps(given, (len(y), len(x)))


def of_gradient(given: Values) -> Reach | None:
    """Return the reach of spatialGradient."""
    return _of_taps(given, (3, 3))


def of_laplacian(given: Values) -> Reach | None:
    """Return the reach of Laplacian."""
    size = max(whole("ksize", given["ksize"], "reach"), 3)
    return _of_taps(given, (size, size))


def of_median(given: Values) -> Reach | None:
    """Return the reach of medianBlur."""
    return _of_taps(given, (whole("ksize", given["ksize"], "reach"),) * 2)


def of_bilateral(given: Values) -> Reach | None:
    """Return the reach of bilateralFilter, whose channels count together."""
    size = 2 * disk_radius(whole("d", given["d"], "reach"), given["sigmaSpace"]) + 1
    return _of_taps(given, (size, size), joint=True)


def _of_taps(
    given: Values, taps: tuple[int, ...], anchor: Any = None, joint: bool = False
) -> Reach | None:
    """Return the reach of rows and columns of taps; None for an image whose shape changes."""
    image = given["src"]
    if image.ndim not in (2, 3) or image.shape[2:] == (1,):
        return None
    where = anchor_of(anchor, (taps[0], taps[1]), "reach")
    colour = [(0, 0)] * (image.ndim - 2)
    sides = [(at, n - 1 - at) for at, n in zip(where, taps, strict=True)]
    around = border_of(given.get("borderType", 1), "reach") == "wrap"
    whole = (2,) if joint and image.ndim == 3 else ()
    return Reach((*sides, *colour), (around, around, *(False for _ in colour)), whole)
