"""What edge filters have in common: slopes along axes, their magnitude, and masks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, reduce
from math import sqrt
from typing import Any

import numpy as np

from gpuconv.arrays import Array
from gpuconv.epilogue import Epilogue
from gpuconv.errors import ArgumentError
from gpuconv.kernel import Kernel
from gpuconv.responses import filter_bank
from gpuconv.scipy.arguments import array_of, axis_of, border_of
from gpuconv.scipy.ndimage import convolve, minimum_filter
from gpuconv.skimage.pixels import floats_of

__all__ = ["FARID", "PREWITT", "SCHARR", "SOBEL", "Operator", "magnitude", "masked", "slopes"]


#: Done to a magnitude of two slopes.
_MEAN = Epilogue(scale=1 / sqrt(2))


@dataclass(frozen=True)
class Operator:
    """A slope along one axis, that is smoothed along all others."""

    smooth: tuple[float, ...]
    slope: tuple[float, ...] = (1, 0, -1)


SOBEL = Operator((1 / 4, 2 / 4, 1 / 4))
SCHARR = Operator((3 / 16, 10 / 16, 3 / 16))
PREWITT = Operator((1 / 3, 1 / 3, 1 / 3))
_BESIDE = 0.0376593171958126, 0.249153396177344
#: H. Farid and E. Simoncelli, "Differentiation of discrete multidimensional signals", IEEE Trans.
#: Image Processing 13 (2004), five taps: a smoothing and a slope that belong together.
FARID = Operator(
    smooth=(*_BESIDE, 0.426374573253687, *_BESIDE[::-1]),
    slope=(0.109603762960254, 0.276690988455557, 0.0, -0.276690988455557, -0.109603762960254),
)


@lru_cache(maxsize=64)
def _weights(operator: Operator, ndim: int, along: int) -> Array:
    lines = (operator.slope if axis == along else operator.smooth for axis in range(ndim))
    weights: Array = reduce(np.multiply.outer, lines, np.array(1.0))
    weights.flags.writeable = False
    return weights


@lru_cache(maxsize=32)
def _kernels(operator: Operator, along: tuple[int, ...]) -> tuple[Kernel, ...]:
    """Return the same for pictures, one kernel for each axis."""
    return tuple(Kernel(_weights(operator, 2, axis)) for axis in along)


def slopes(operator: Operator, image: Any, mask: Any, axis: Any, mode: str, cval: float) -> Array:
    """Return the slope of an image along one axis, or the magnitude of those along several.

    Examples
    --------
    >>> slopes(Operator((1.0,)), [[0.0, 3.0, 6.0]], None, 1, "reflect", 0).tolist()
    [[3.0, 6.0, 3.0]]
    """
    pixels = floats_of(image)
    axes = _axes(axis, pixels.ndim)
    if len(axes) == 1:
        weights = _weights(operator, pixels.ndim, axes[0])
        return masked(convolve(pixels, weights, mode=mode, cval=cval), mask)
    if pixels.ndim == 2:
        return masked(magnitude(pixels, _kernels(operator, axes), border_of(mode), cval), mask)
    total = np.zeros_like(pixels)
    for along in axes:
        slope = convolve(pixels, _weights(operator, pixels.ndim, along), mode=mode, cval=cval)
        total += np.square(slope, out=slope)
    np.sqrt(total, out=total)
    return masked(np.divide(total, sqrt(pixels.ndim), out=total), mask)


def magnitude(pixels: Array, kernels: tuple[Kernel, ...], border: str, cval: float) -> Array:
    """Return √(Σ r² / 2) of the responses r to some kernels, in one pass over a picture.

    Examples
    --------
    >>> slope = Kernel([[1, 0, -1]])
    >>> magnitude(np.array([[0.0, 4.0]]), (slope, slope), "reflect", 0).tolist()
    [[4.0, 4.0]]
    """
    return filter_bank(
        pixels,
        kernels,
        reduce="magnitude",
        border=border,  # type: ignore[arg-type]
        cval=cval,
        accuracy="double",
        epilogue=_MEAN,
    )


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    given = tuple(axis_of(each, ndim) for each in (axis if isinstance(axis, Iterable) else (axis,)))
    if not given:
        raise ArgumentError(f"axis={axis!r} must be one or several of the image's {ndim} axes")
    return given


def masked(result: Array, mask: Any) -> Array:
    """Set to 0 what read a pixel outside a mask, or outside the image where there is a mask.

    Examples
    --------
    >>> masked(np.ones((3, 4)), np.ones((3, 4), bool)).tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    if mask is None:
        return result
    inside = np.not_equal(array_of(mask), 0).astype(np.uint8)
    result *= minimum_filter(inside, 3, mode="constant", cval=0)
    return result
