"""Sizes of windows that follow from other arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuconv.cv2.arguments import pair_of
from gpuconv.cv2.errors import ASSERTION, refused

__all__ = ["disk_radius", "gaussian_size"]

#: Standard deviations to each side of a Gaussian for bytes, and for others.
_BYTES, _OTHERS = 3, 4


def gaussian_size(
    ksize: Any, sigma_x: float, sigma_y: float, dtype: np.dtype[Any], function: str
) -> tuple[int, int]:
    """Return (width, height) of a Gaussian, those that are 0 by its sigmas.

    Examples
    --------
    >>> gaussian_size((0, 5), 1.5, 0, np.dtype("uint8"), "GaussianBlur")
    (11, 5)
    """
    given = (0, 0) if ksize is None else pair_of("ksize", ksize, function)
    sigmas = sigma_x, sigma_y if sigma_y > 0 else sigma_x
    reach = 2 * (_BYTES if dtype.char == "B" else _OTHERS)
    width, height = (
        round(sigma * reach + 1) | 1 if n <= 0 and sigma > 0 else n
        for n, sigma in zip(given, sigmas, strict=True)
    )
    if min(width, height) < 1 or width % 2 == 0 or height % 2 == 0:
        err = "ksize.width > 0 && ksize.width % 2 == 1 && ksize.height > 0 && ksize.height % 2 == 1"
        told = f"ksize={ksize!r}, sigmaX={sigma_x!r}, sigmaY={sigma_y!r}; sizes are odd, or 0"
        raise refused(function, ASSERTION, err, told + " with a sigma above 0")
    return width, height


def disk_radius(d: int, sigma_space: float) -> int:
    """Return the radius of the window of a bilateral filter.

    Examples
    --------
    >>> disk_radius(9, 1), disk_radius(0, 3.4)
    (4, 5)
    """
    return max(round(1.5 * sigma_space) if d <= 0 else d // 2, 1)
