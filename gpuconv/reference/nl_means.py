"""Non-local means by definition."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpuconv.dtypes import store
from gpuconv.reference.windows import extended

__all__ = ["nl_means"]


def nl_means(
    image: ArrayLike,
    patch_size: int,
    search_distance: int,
    h: float,
    sigma: float = 0.0,
    *,
    joint: bool = False,
    border: Any = "reflect",
    cval: float = 0,
    dtype: Any = None,
) -> NDArray[Any]:
    """Filter by definition; see :func:`gpuconv.nl_means`.

    Parameters
    ----------
    image : array_like of shape (…, H, W), or (…, C, H, W) if `joint`
    joint : bool
        Whether patches are compared in all channels together.

    Examples
    --------
    >>> nl_means([[0.0, 0.0, 90.0, 90.0]], 1, 1, h=1.0).round(2).tolist()
    [[0.0, 0.0, 90.0, 90.0]]
    """
    given, half = np.asarray(image), patch_size // 2
    height, width = given.shape[-2:]
    # The border comes first: patches near the frame are made of the pixels that lie there.
    whole = extended(given.astype(np.float64), half + search_distance, border, cval)
    total, weight = np.zeros(given.shape), np.zeros(given.shape)
    reach = range(-search_distance, search_distance + 1)
    patch = list(product(range(-half, patch_size - half), repeat=2))

    def at(down: int, right: int) -> NDArray[Any]:
        top, left = half + search_distance + down, half + search_distance + right
        return whole[..., top : top + height, left : left + width]

    for y, x in product(reach, reach):
        distance = sum((at(y + j, x + i) - at(j, i)) ** 2 for j, i in patch) / len(patch)
        if joint:
            distance = distance.mean(axis=-3, keepdims=True)
        w = np.exp(-np.maximum(distance - 2 * sigma**2, 0) / h**2)
        total += w * at(y, x)
        weight += w
    out = np.empty(given.shape, given.dtype if dtype is None else dtype)
    store(total / weight, out)
    return out
