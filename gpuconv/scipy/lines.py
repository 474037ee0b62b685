"""Arrays of any number of axes, as the engines take them: filtered along one axis at a time.

An engine filters the last two axes of an array, of any strides. So any axis can be the one of rows:
a view has it there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuconv.api import correlate
from gpuconv.arrays import Array
from gpuconv.kernel import Kernel

__all__ = ["along", "as_planes"]


def as_planes(array: Array, axis: int) -> Array:
    """Return a view of an array whose rows, the axis before the last, are its axis `axis`.

    Examples
    --------
    >>> as_planes(np.empty((2, 3, 4)), 0).shape, as_planes(np.empty(5), 0).shape
    ((3, 2, 4), (5, 1))
    """
    if array.ndim == 1:
        return array[:, None]
    if axis == array.ndim - 1:
        return np.swapaxes(array, -1, -2)
    return np.moveaxis(array, axis, -2)


def along(
    image: Array,
    axis: int,
    column: Any,
    anchor: int,
    border: str,
    cval: float,
    out: Array,
    **options: Any,
) -> None:
    """Correlate `image` along one axis with the weights `column` into `out`.

    Examples
    --------
    >>> made = np.empty(3)
    >>> along(np.array([1.0, 2.0, 3.0]), 0, [1, 0, 0], 1, "reflect", 0, made)
    >>> made.tolist()
    [1.0, 1.0, 2.0]
    """
    kernel = Kernel(np.asarray(column)[:, None], anchor=(anchor, 0))
    correlate(
        as_planes(image, axis),
        kernel,
        border=(border, "reflect"),
        cval=cval,
        out=as_planes(out, axis),
        **options,
    )
