"""Rank filters by definition: sort every window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpuconv.reference.windows import shifted

__all__ = ["rank"]


def rank(
    image: ArrayLike,
    footprint: ArrayLike,
    index: int,
    *,
    anchor: tuple[int, int] | None = None,
    border: Any = "reflect",
    cval: float = 0,
) -> NDArray[Any]:
    """Return the pixel number `index`, counted from the least, under the footprint of each pixel.

    A window that holds a NaN gives NaN.

    Examples
    --------
    >>> rank([[5, 1, 3]], np.ones((1, 3)), 1).tolist()
    [[5, 3, 3]]
    """
    pixels, members = np.asarray(image), np.asarray(footprint, bool)
    at = anchor or (members.shape[0] // 2, members.shape[1] // 2)
    shifts = [(row - at[0], column - at[1]) for row, column in np.argwhere(members).tolist()]
    windows = np.stack(list(shifted(pixels, shifts, border, cval)))
    found: NDArray[Any] = np.sort(windows, axis=0)[index]
    if pixels.dtype.kind == "f":
        found[np.isnan(windows).any(axis=0)] = np.nan
    return found
