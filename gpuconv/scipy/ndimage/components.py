"""Complex images and weights: real passes over their components."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gpuconv import backends
from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError
from gpuconv.scipy.arguments import room_like

__all__ = ["by_components", "is_complex"]


def is_complex(*arrays: Array) -> bool:
    """Return whether any of the arrays is complex."""
    return any(array.dtype.kind == "c" for array in arrays)


def by_components(
    real: Callable[[Array, Array, Array, Any], None],
    image: Array,
    weights: Array,
    out: Array,
    cval: Any,
) -> None:
    """Filter by real passes: (a + bi)(c + di) = (ac − bd) + (ad + bc)i.

    Parameters
    ----------
    real : callable
        It filters an image with weights into an array, with a value outside, all of them real.
    image, weights, out : ndarray
        One of the first two is complex, and the third.
    cval : number
        What lies outside the image.
    """
    if weights.dtype.kind != "c":
        real(image.real, weights, out.real, np.real(cval))
        real(image.imag, weights, out.imag, np.imag(cval))
        return
    if backends.owner(image).overlap(image, out):
        image = image.copy()
    if image.dtype.kind != "c":
        if np.iscomplexobj(cval):
            raise ArgumentError(
                "Cannot provide a complex-valued cval when the input is real.: "
                f"cval={cval!r}, the image is {image.dtype}"
            )
        real(image, weights.real, out.real, cval)
        real(image, weights.imag, out.imag, cval)
        return
    # Of the image's precision, as SciPy has it, whatever the output's is.
    part = room_like(image, image.shape, image.real.dtype.newbyteorder("="))
    fills = np.real(cval), np.imag(cval)
    real(image.real, weights.real, out.real, fills[0])
    real(image.imag, weights.imag, part, fills[1])
    np.subtract(out.real, part, out=out.real)
    real(image.real, weights.imag, out.imag, fills[0])
    real(image.imag, weights.real, part, fills[1])
    np.add(out.imag, part, out=out.imag)
