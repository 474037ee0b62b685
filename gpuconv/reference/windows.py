"""An image with what lies around it: where the definitions of non-linear filters read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.border import FILL, pair, source_index

__all__ = ["extended", "shifted"]

Array = NDArray[Any]


def extended(image: Array, margin: int, border: Any, cval: float) -> Array:
    """Return an image (…, H, W) with `margin` pixels of its border on all sides.

    Examples
    --------
    >>> extended(np.array([[1, 2]]), 1, ("wrap", "constant"), 9).tolist()
    [[9, 1, 2, 9], [9, 1, 2, 9], [9, 1, 2, 9]]
    """
    modes, (height, width) = pair(border), image.shape[-2:]
    rows = source_index(modes[0], np.arange(-margin, height + margin), height)
    columns = source_index(modes[1], np.arange(-margin, width + margin), width)
    values = image[..., rows[:, None], columns]
    values[..., (rows == FILL)[:, None] | (columns == FILL)] = cval
    return values


def shifted(
    image: Array, shifts: Iterable[tuple[int, int]], border: Any, cval: float
) -> Iterator[Array]:
    """Yield, for each shift (down, right), the image's pixels that far from each pixel.

    Examples
    --------
    >>> found = shifted(np.array([[1, 2, 3]]), [(0, 0), (0, 1), (2, 0)], "nearest", 0)
    >>> [pixels.tolist() for pixels in found]
    [[[1, 2, 3]], [[2, 3, 3]], [[1, 2, 3]]]
    """
    wanted = list(shifts)
    margin = max((max(abs(down), abs(right)) for down, right in wanted), default=0)
    whole, (height, width) = extended(image, margin, border, cval), image.shape[-2:]
    for down, right in wanted:
        top, left = margin + down, margin + right
        yield whole[..., top : top + height, left : left + width]
