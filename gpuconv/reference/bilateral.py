"""The bilateral filter by definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpuconv.dtypes import store
from gpuconv.reference.windows import shifted

__all__ = ["bilateral"]


def bilateral(
    image: ArrayLike,
    radius: int,
    sigma_color: float,
    sigma_space: float,
    *,
    joint: bool = False,
    border: Any = "reflect",
    cval: float = 0,
    dtype: Any = None,
) -> NDArray[Any]:
    """Filter by definition; see :func:`gpuconv.bilateral`.

    Parameters
    ----------
    image : array_like of shape (…, H, W), or (…, C, H, W) if `joint`
    radius : int
        Of the circular window, in pixels.
    joint : bool
        Whether the distance of two pixels is the sum over their channels.

    Examples
    --------
    >>> bilateral([[0, 0, 90, 90]], 1, 10.0, 1.0).tolist()
    [[0, 0, 90, 90]]
    """
    given = np.asarray(image)
    pixels = given.astype(np.float64)
    reach = range(-radius, radius + 1)
    shifts = [(y, x) for y in reach for x in reach if y * y + x * x <= radius * radius]
    total, weight = np.zeros_like(pixels), np.zeros_like(pixels)
    for (y, x), there in zip(shifts, shifted(pixels, shifts, border, cval), strict=True):
        distance = np.abs(there - pixels)
        if joint:
            distance = distance.sum(axis=-3, keepdims=True)
        # Not by the square of a sigma, which may be 0.
        space = (y * y + x * x) / sigma_space / sigma_space / 2
        w = np.exp(-space - (distance / sigma_color) ** 2 / 2)
        total += w * there
        weight += w
    out = np.empty(given.shape, given.dtype if dtype is None else dtype)
    store(total / weight, out)
    return out
