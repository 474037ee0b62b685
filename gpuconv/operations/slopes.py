"""Pairs of kernels that measure slopes along x and y, and what is made of two slopes."""

from __future__ import annotations

from typing import Literal, TypeAlias

from numpy.typing import ArrayLike, DTypeLike

from gpuconv import kernels
from gpuconv.arguments import Border
from gpuconv.arrays import Array
from gpuconv.epilogue import scaled_by
from gpuconv.errors import ArgumentError, choose
from gpuconv.kernel import Kernel
from gpuconv.operations.signs import signed
from gpuconv.responses import filter_bank

__all__ = ["Output", "Pair", "derivatives", "gradient", "pair"]

Output: TypeAlias = Literal["magnitude", "direction", "components"]
Pair: TypeAlias = tuple[Kernel, Kernel]

#: What ``output=`` takes.
_OUTPUTS = ("magnitude", "direction", "components")

_ROBERTS = kernels.roberts_x(), kernels.roberts_y()

#: H. Farid and E. Simoncelli, "Differentiation of discrete multidimensional signals", IEEE Trans.
#: Image Processing 13 (2004), five taps: a smoothing and a slope that belong together.
_SMOOTH = 0.0376593171958126, 0.249153396177344, 0.426374573253687
_SLOPE = 0.109603762960254, 0.276690988455557, 0.0
_ACROSS = (*_SMOOTH, *_SMOOTH[1::-1])
_ALONG = (*_SLOPE, *(-tap for tap in _SLOPE[1::-1]))

_PAIRS: dict[str, Pair] = {
    "farid": (
        Kernel.separable(_ACROSS, _ALONG, name="farid_x"),
        Kernel.separable(_ALONG, _ACROSS, name="farid_y"),
    ),
    "prewitt": (kernels.prewitt_x(), kernels.prewitt_y()),
    "roberts": _ROBERTS,
    "scharr": (kernels.scharr_x(), kernels.scharr_y()),
    "sobel": (kernels.sobel_x(), kernels.sobel_y()),
}
#: Roberts' slopes are along the diagonals: their difference is along x, their sum along y.
_ROBERTS_UPRIGHT = _ROBERTS[0] - _ROBERTS[1], _ROBERTS[0] + _ROBERTS[1]


def pair(name: str, output: str = "magnitude") -> Pair:
    """Return the kernels of a gradient, of which an output is made.

    Examples
    --------
    >>> pair("sobel")[0]
    <Kernel sobel_x 3×3, 1 separable term, anchor (1, 1)>
    [[ 1  0 -1]
     [ 2  0 -2]
     [ 1  0 -1]]
    """
    choose("output", output, _OUTPUTS, "an output of a gradient")
    return _ROBERTS_UPRIGHT if (name, output) == ("roberts", "direction") else _PAIRS[name]


def derivatives(sigma: float, truncate: float = 4.0) -> Pair:
    """Return the derivatives of a Gaussian along x and y.

    Examples
    --------
    >>> [kernel.shape for kernel in derivatives(1.5)]
    [(13, 13), (13, 13)]
    """
    return (
        kernels.gaussian(sigma, truncate=truncate, order=0, order_x=1),
        kernels.gaussian(sigma, truncate=truncate, order=1, order_x=0),
    )


def gradient(
    image: ArrayLike,
    pair: Pair,
    output: str,
    scale: float,
    border: Border,
    cval: float,
    channel_axis: int | None,
    dtype: DTypeLike | None,
    out: Array | None,
    device: str | None,
) -> Array:
    """Return what is asked for of the gradient whose slopes along x and y two kernels measure."""
    choose("output", output, _OUTPUTS, "an output of a gradient")
    scaled = scaled_by(scale)
    if scaled.scale <= 0:
        raise ArgumentError(f"scale={scale!r} must be greater than 0")
    return filter_bank(
        image,
        pair,
        reduce=None if output == "components" else output,  # type: ignore[arg-type]
        border=border,
        cval=cval,
        channel_axis=channel_axis,
        dtype=dtype if output == "magnitude" else signed(image, dtype, out),
        out=out,
        device=device,
        epilogue=None if output == "direction" else scaled,
    )
