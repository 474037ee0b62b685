"""Filters by the names of ``skimage.filters``."""

from __future__ import annotations

from gpuconv.exchange import borrowing
from gpuconv.skimage.filters.crosses import laplace, roberts, roberts_neg_diag, roberts_pos_diag
from gpuconv.skimage.filters.directions import (
    farid_h,
    farid_v,
    prewitt_h,
    prewitt_v,
    scharr_h,
    scharr_v,
    sobel_h,
    sobel_v,
)
from gpuconv.skimage.filters.edges import farid, prewitt, scharr, sobel
from gpuconv.skimage.filters.smoothing import (
    difference_of_gaussians,
    gaussian,
    median,
    unsharp_mask,
)
from gpuconv.skimage.filters.waves import gabor, gabor_kernel

__all__ = [
    "difference_of_gaussians",
    "farid",
    "farid_h",
    "farid_v",
    "gabor",
    "gabor_kernel",
    "gaussian",
    "laplace",
    "median",
    "prewitt",
    "prewitt_h",
    "prewitt_v",
    "roberts",
    "roberts_neg_diag",
    "roberts_pos_diag",
    "scharr",
    "scharr_h",
    "scharr_v",
    "sobel",
    "sobel_h",
    "sobel_v",
    "unsharp_mask",
]

#: All else that a program asks for.
__getattr__ = borrowing(__name__, "skimage.filters")
