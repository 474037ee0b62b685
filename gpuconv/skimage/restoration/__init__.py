"""Filters by the names of ``skimage.restoration``."""

from __future__ import annotations

from gpuconv.exchange import borrowing
from gpuconv.skimage.restoration.deconvolution import richardson_lucy, wiener
from gpuconv.skimage.restoration.denoising import denoise_bilateral, denoise_nl_means
from gpuconv.skimage.restoration.noise import estimate_sigma

__all__ = [
    "denoise_bilateral",
    "denoise_nl_means",
    "estimate_sigma",
    "richardson_lucy",
    "wiener",
]

#: All else that a program asks for.
__getattr__ = borrowing(__name__, "skimage.restoration")
