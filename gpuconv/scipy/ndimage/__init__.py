"""The filters of ``scipy.ndimage``: its names, signatures and results, on gpuconv's engines.

Examples
--------
>>> import numpy as np
>>> from gpuconv.scipy import ndimage
>>> ndimage.gaussian_filter(np.eye(4), sigma=2).shape
(4, 4)
"""

from __future__ import annotations

from gpuconv.exchange import borrowing
from gpuconv.scipy.ndimage.derivatives import (
    gaussian_gradient_magnitude,
    gaussian_laplace,
    laplace,
    prewitt,
    sobel,
)
from gpuconv.scipy.ndimage.generic import generic_gradient_magnitude, generic_laplace
from gpuconv.scipy.ndimage.linear import convolve, convolve1d, correlate, correlate1d
from gpuconv.scipy.ndimage.ranks import (
    maximum_filter,
    maximum_filter1d,
    median_filter,
    minimum_filter,
    minimum_filter1d,
    percentile_filter,
    rank_filter,
)
from gpuconv.scipy.ndimage.smoothing import (
    gaussian_filter,
    gaussian_filter1d,
    uniform_filter,
    uniform_filter1d,
)

__all__ = [
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "generic_gradient_magnitude",
    "generic_laplace",
    "laplace",
    "maximum_filter",
    "maximum_filter1d",
    "median_filter",
    "minimum_filter",
    "minimum_filter1d",
    "percentile_filter",
    "prewitt",
    "rank_filter",
    "sobel",
    "uniform_filter",
    "uniform_filter1d",
]

#: All else that a program asks for.
__getattr__ = borrowing(__name__, "scipy.ndimage")
