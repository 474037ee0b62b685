"""The kernels that everybody knows: one function each, which returns a :class:`~gpuconv.Kernel`.

They are made for :func:`gpuconv.convolve`, which turns a kernel by 180°. Sizes and standard
deviations are in pixels. Angles are in degrees, counter-clockwise as seen in the picture, 0 to the
right.

To blur
    :func:`identity`, :func:`box`, :func:`binomial`, :func:`gaussian`, :func:`gaussian_integer`,
    :func:`disk`, :func:`motion_blur`
To measure slopes
    :func:`sobel_x`, :func:`scharr_x`, :func:`prewitt_x`, :func:`roberts_x`, :func:`derivative_x`,
    and ``_y`` of each
To bring out detail
    :func:`sharpen`, :func:`unsharp`, :func:`laplacian`, :func:`outline`, :func:`emboss`,
    :func:`vertical_edge`, :func:`horizontal_edge`
To pass a band of frequencies
    :func:`laplacian_of_gaussian`, :func:`difference_of_gaussians`, :func:`gabor`
"""

from __future__ import annotations

from gpuconv.kernels.bandpass import difference_of_gaussians, gabor, laplacian_of_gaussian
from gpuconv.kernels.derivatives import (
    prewitt_x,
    prewitt_y,
    roberts_x,
    roberts_y,
    scharr_x,
    scharr_y,
    sobel_x,
    sobel_y,
)
from gpuconv.kernels.differences import derivative_x, derivative_y
from gpuconv.kernels.shapes import disk, motion_blur
from gpuconv.kernels.sharpening import (
    emboss,
    horizontal_edge,
    laplacian,
    outline,
    sharpen,
    unsharp,
    vertical_edge,
)
from gpuconv.kernels.smoothing import binomial, box, gaussian, gaussian_integer, identity

__all__ = [
    "binomial",
    "box",
    "derivative_x",
    "derivative_y",
    "difference_of_gaussians",
    "disk",
    "emboss",
    "gabor",
    "gaussian",
    "gaussian_integer",
    "horizontal_edge",
    "identity",
    "laplacian",
    "laplacian_of_gaussian",
    "motion_blur",
    "outline",
    "prewitt_x",
    "prewitt_y",
    "roberts_x",
    "roberts_y",
    "scharr_x",
    "scharr_y",
    "sharpen",
    "sobel_x",
    "sobel_y",
    "unsharp",
    "vertical_edge",
]
