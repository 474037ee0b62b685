"""Filters over dask arrays, and over files by a cluster.

The functions here are those of :mod:`gpuconv` of the same names. They take a dask array and return
one, and compute nothing: a chunk of the result is one task, which takes those chunks of the image
that it reads. The pixels are those of one call for the whole image, to the bit, for every border,
however small the chunks are.

>>> import dask.array as da
>>> import gpuconv.dask
>>> image = da.random.default_rng(0).integers(0, 256, (300, 400), dtype="uint8", chunks=128)
>>> gpuconv.dask.median(image, 5).chunks
((128, 128, 44), (128, 128, 128, 16))

Chunks may be NumPy's or CuPy's, which stay where they are. ``device="cuda"`` takes NumPy's to the
GPU and back within a task: where workers spill to host memory, that is the safer way.

All other functions that take images, the stand-ins for other libraries too, are called with dask
arrays as they are: ``gpuconv.scipy.ndimage.gaussian_filter(array, 2)``. Chunks get what is around
them, as :func:`dask.array.map_overlap` gives it; results that need all of an image, Wiener's filter
or a threshold by its mean, put the chunks together, and are one task.

:func:`register` lets gpuconv filter the chunks of dask-image.
"""

from __future__ import annotations

from gpuconv import api, operations, responses
from gpuconv.dask.calls import lazy
from gpuconv.dask.chains import apply
from gpuconv.dask.cluster import run
from gpuconv.dask.registration import register, unregister

__all__ = [
    "apply",
    "bilateral",
    "convolve",
    "correlate",
    "difference_of_gaussians",
    "emboss",
    "farid",
    "filter_bank",
    "gradient_magnitude",
    "laplace",
    "laplacian_of_gaussian",
    "maximum",
    "median",
    "minimum",
    "nl_means",
    "percentile",
    "prewitt",
    "rank",
    "register",
    "roberts",
    "run",
    "scharr",
    "sobel",
    "unregister",
    "unsharp_mask",
]

bilateral = lazy(operations.bilateral)
convolve = lazy(api.convolve)
correlate = lazy(api.correlate)
difference_of_gaussians = lazy(operations.difference_of_gaussians)
emboss = lazy(operations.emboss)
farid = lazy(operations.farid)
filter_bank = lazy(responses.filter_bank)
gradient_magnitude = lazy(operations.gradient_magnitude)
laplace = lazy(operations.laplace)
laplacian_of_gaussian = lazy(operations.laplacian_of_gaussian)
maximum = lazy(operations.maximum)
median = lazy(operations.median)
minimum = lazy(operations.minimum)
nl_means = lazy(operations.nl_means)
percentile = lazy(operations.percentile)
prewitt = lazy(operations.prewitt)
rank = lazy(operations.rank)
roberts = lazy(operations.roberts)
scharr = lazy(operations.scharr)
sobel = lazy(operations.sobel)
unsharp_mask = lazy(operations.unsharp_mask)
