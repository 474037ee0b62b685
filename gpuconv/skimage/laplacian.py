"""The Laplacian that scikit-image uses throughout."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from gpuconv.arrays import Array

__all__ = ["laplacian"]


@lru_cache(maxsize=8)
def laplacian(ndim: int) -> Array:
    """Return what a pixel is less its neighbours along all axes, as weights; read-only.

    Examples
    --------
    >>> laplacian(2).tolist()
    [[0.0, -1.0, 0.0], [-1.0, 4.0, -1.0], [0.0, -1.0, 0.0]]
    """
    steps = np.abs(np.indices((3,) * ndim) - 1).sum(axis=0)
    weights = np.where(steps == 1, -1.0, 0.0)
    weights[(1,) * ndim] = 2 * ndim
    weights.flags.writeable = False
    return weights
