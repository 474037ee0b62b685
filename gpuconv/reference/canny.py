"""Canny's edges by definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpuconv import kernels
from gpuconv.reference.linear import convolve

__all__ = ["canny"]

Array = NDArray[Any]


def canny(
    image: ArrayLike,
    sigma: float,
    low_threshold: float,
    high_threshold: float,
    *,
    truncate: float = 4.0,
    border: Any = "constant",
) -> NDArray[np.bool_]:
    """Find edges by definition; see :func:`gpuconv.canny`.

    Examples
    --------
    >>> canny([[0, 0, 6, 20, 20]] * 4, 0, 5, 20).astype(int).tolist()
    [[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]
    """
    blur = kernels.gaussian(sigma, truncate=truncate)
    pixels = np.asarray(image).astype(np.float64)
    smooth = convolve(pixels, blur, border=border)
    # Pixels beyond a "constant" border are 0 and do not count; beyond others they do.
    smooth /= convolve(np.ones(pixels.shape), blur, border=border)
    x, y = convolve(smooth, kernels.sobel_x()), convolve(smooth, kernels.sobel_y())
    size = np.sqrt(x * x + y * y)
    weak = np.zeros(size.shape, bool)
    for i in range(1, size.shape[0] - 1):
        for j in range(1, size.shape[1] - 1):
            weak[i, j] = size[i, j] >= low_threshold and _on_a_ridge(size, x, y, i, j)
    return _led_to(weak, weak & (size >= high_threshold))


def _on_a_ridge(size: Array, x: Array, y: Array, i: int, j: int) -> bool:
    """Return whether no magnitude one step along the gradient is larger, on either side.

    A step ends on the line between two neighbours, where magnitudes are interpolated.
    """
    longer = max(abs(x[i, j]), abs(y[i, j]))
    across, down = x[i, j] / longer, y[i, j] / longer
    for side in (1, -1):
        # One of these is a whole step; the other a part of one, between two pixels.
        at_y, at_x = i + side * down, j + side * across
        top, left = int(np.floor(at_y)), int(np.floor(at_x))
        part = (at_y - top) + (at_x - left)
        bottom, right = int(np.ceil(at_y)), int(np.ceil(at_x))
        if (1 - part) * size[top, left] + part * size[bottom, right] > size[i, j]:
            return False
    return True


def _led_to(weak: Array, strong: Array) -> NDArray[np.bool_]:
    """Return the weak pixels to which strong ones lead, from neighbour to neighbour."""
    found = strong.copy()
    ahead = list(zip(*np.nonzero(strong), strict=True))
    while ahead:
        i, j = ahead.pop()
        for y in range(i - 1, i + 2):
            for x in range(j - 1, j + 2):
                # The outermost pixels are never weak, so all neighbours are in the image.
                if weak[y, x] and not found[y, x]:
                    found[y, x] = True
                    ahead.append((y, x))
    return found
