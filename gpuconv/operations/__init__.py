"""Filters that are more than one convolution: ranks, likeness, edges, restoration, and quality.

Each function here takes an image first and answers with an array of the same kind, as
:func:`gpuconv.convolve` does; all are in the package's own namespace, too.
"""

from __future__ import annotations

from gpuconv.operations.alike import bilateral, nl_means
from gpuconv.operations.canny_edges import canny
from gpuconv.operations.detail import unsharp_mask
from gpuconv.operations.gradients import (
    farid,
    gradient_magnitude,
    prewitt,
    roberts,
    scharr,
    sobel,
)
from gpuconv.operations.lucy import richardson_lucy
from gpuconv.operations.noise import estimate_noise
from gpuconv.operations.quality import psnr, ssim
from gpuconv.operations.ranks import maximum, median, minimum, percentile, rank
from gpuconv.operations.sharpening import (
    difference_of_gaussians,
    emboss,
    laplace,
    laplacian_of_gaussian,
)
from gpuconv.operations.wiener_filter import wiener

__all__ = [
    "FILTERS",
    "bilateral",
    "canny",
    "difference_of_gaussians",
    "emboss",
    "estimate_noise",
    "farid",
    "gradient_magnitude",
    "laplace",
    "laplacian_of_gaussian",
    "maximum",
    "median",
    "minimum",
    "nl_means",
    "percentile",
    "prewitt",
    "psnr",
    "rank",
    "richardson_lucy",
    "roberts",
    "scharr",
    "sobel",
    "ssim",
    "unsharp_mask",
    "wiener",
]

#: Those that make an image of an image, which can be looked at: filters for the command line.
FILTERS = (
    "bilateral",
    "canny",
    "farid",
    "gradient_magnitude",
    "maximum",
    "median",
    "minimum",
    "nl_means",
    "percentile",
    "prewitt",
    "rank",
    "richardson_lucy",
    "roberts",
    "scharr",
    "sobel",
    "unsharp_mask",
    "wiener",
)
