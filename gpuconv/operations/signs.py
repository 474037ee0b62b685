"""The dtype of results that have a sign."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gpuconv import dtypes

__all__ = ["signed"]


def signed(image: ArrayLike, dtype: DTypeLike | None, out: Any) -> DTypeLike | None:
    """Return the dtype to ask for where results are negative as often as not, and small.

    What the caller asks for, or `out` has, comes first. Of integers it is the dtype of their sums:
    in their own half of all results would be 0, and the others rounded.

    Examples
    --------
    >>> signed(np.zeros((2, 2), np.uint8), None, None)
    'float32'
    >>> signed(np.zeros((2, 2), np.uint8), "int16", None)
    'int16'
    """
    if dtype is not None or out is not None:
        return dtype
    stored = np.dtype(getattr(image, "dtype", None) or np.asarray(image).dtype)
    return dtypes.rule(stored, "image").accumulator if stored.kind in "iu" else None
