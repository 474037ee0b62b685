"""How other libraries filter on a GPU what is no convolution; each is asked for only if it is here.

OpenCV's and cuCIM's functions run on CUDA's default stream, where the events are. A library that
writes to no array of the caller's pays for a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu.contest import Unable

__all__ = [
    "Apply",
    "cucim_canny",
    "cucim_lucy",
    "cucim_median",
    "cucim_sobel",
    "cupyx_lucy",
    "cupyx_median",
    "cupyx_sobel",
    "opencv_bilateral",
    "opencv_canny",
    "opencv_median",
    "opencv_nl_means",
]

Array = NDArray[Any]
#: Filters an image into an output, both on the device.
Apply = Callable[[Any, Any], object]


def _imported(module: str, library: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise Unable(f"{library} cannot be imported: {error}") from error


# ------------------------------------------------------------------------ CuPy


def cupyx_median(side: int, border: str) -> Apply:
    """Return CuPy's median."""
    ndimage = _imported("cupyx.scipy.ndimage", "cupyx")
    return lambda image, out: ndimage.median_filter(image, side, mode=border, output=out)


def cupyx_sobel(border: str) -> Apply:
    """Return the magnitude of CuPy's two slopes."""
    ndimage, cupy = _imported("cupyx.scipy.ndimage", "cupyx"), _imported("cupy", "CuPy")

    def apply(image: Any, out: Any) -> None:
        down, across = (ndimage.sobel(image, axis, np.float32, border) for axis in (0, 1))
        cupy.hypot(down, across, out=out)

    return apply


def cupyx_lucy(weights: Array, iterations: int) -> Apply:
    """Return the iteration of Richardson and Lucy by CuPy's transforms."""
    signal, cupy = _imported("cupyx.scipy.signal", "cupyx"), _imported("cupy", "CuPy")
    blur, back = cupy.asarray(weights), cupy.asarray(weights[::-1, ::-1].copy())

    def apply(image: Any, out: Any) -> None:
        out.fill(0.5)
        for _ in range(iterations):
            ratio = image / (signal.fftconvolve(out, blur, "same") + np.float32(1e-12))
            out *= signal.fftconvolve(ratio, back, "same")

    return apply


# ------------------------------------------------------------------------ cuCIM


def _written(result: Any, out: Any) -> None:
    out[...] = result


def cucim_median(footprint: Array, border: str) -> Apply:
    """Return cuCIM's median."""
    filters, cupy = _imported("cucim.skimage.filters", "cuCIM"), _imported("cupy", "CuPy")
    window = cupy.asarray(footprint)
    return lambda image, out: _written(filters.median(image, window, mode=border), out)


def cucim_sobel(border: str) -> Apply:
    """Return cuCIM's magnitude, times 4 √2: it is of unit slopes, and a mean of both."""
    filters = _imported("cucim.skimage.filters", "cuCIM")
    unit = np.float32(4 * 2**0.5)
    return lambda image, out: _written(filters.sobel(image, mode=border) * unit, out)


def cucim_canny(sigma: float, low: float, high: float, border: str) -> Apply:
    """Return cuCIM's edges."""
    feature = _imported("cucim.skimage.feature", "cuCIM")
    return lambda image, out: _written(feature.canny(image, sigma, low, high, mode=border), out)


def cucim_lucy(weights: Array, iterations: int) -> Apply:
    """Return cuCIM's iteration of Richardson and Lucy."""
    restoration, cupy = _imported("cucim.skimage.restoration", "cuCIM"), _imported("cupy", "CuPy")
    blur = cupy.asarray(weights)
    return lambda image, out: _written(
        restoration.richardson_lucy(image, blur, iterations, clip=False), out
    )


# ------------------------------------------------------------------------ OpenCV


def _opencv() -> Any:
    cv2 = _imported("cv2", "OpenCV")
    if not getattr(cv2, "cuda", None) or not cv2.cuda.getCudaEnabledDeviceCount():
        raise Unable("this OpenCV is built without CUDA")
    return cv2


def _matrix(cv2: Any, array: Any) -> Any:
    """Return a contiguous array as OpenCV has it, without a copy."""
    kind = cv2.CV_8UC1 if array.dtype == np.uint8 else cv2.CV_32FC1
    rows, columns = array.shape
    pitch = columns * array.dtype.itemsize
    return cv2.cuda.createGpuMatFromCudaMemory(rows, columns, kind, array.data.ptr, pitch)


def opencv_median(side: int, dtype: str) -> Apply:
    """Return OpenCV's median, which is of bytes."""
    cv2 = _opencv()
    if dtype != "uint8":
        raise Unable("its median is of bytes")
    median = cv2.cuda.createMedianFilter(cv2.CV_8UC1, side)
    return lambda image, out: median.apply(_matrix(cv2, image), _matrix(cv2, out))


def opencv_bilateral(diameter: int, color: float, space: float) -> Apply:
    """Return OpenCV's bilateral filter."""
    cv2 = _opencv()
    border = cv2.BORDER_REFLECT_101
    return lambda image, out: cv2.cuda.bilateralFilter(
        _matrix(cv2, image), diameter, color, space, _matrix(cv2, out), border
    )


def opencv_canny(sigma: float, low: float, high: float) -> Apply:
    """Return OpenCV's edges, of an image that it has blurred."""
    cv2 = _opencv()
    side, kind = 2 * round(4 * sigma) + 1, cv2.CV_8UC1
    blur = cv2.cuda.createGaussianFilter(kind, kind, (side, side), sigma)
    edges = cv2.cuda.createCannyEdgeDetector(low, high, L2gradient=True)

    def apply(image: Any, out: Any) -> None:
        edges.detect(blur.apply(_matrix(cv2, image)), _matrix(cv2, out))

    return apply


def opencv_nl_means(patch: int, search: int, h: float, dtype: str) -> Apply:
    """Return OpenCV's non-local means, which are of bytes."""
    cv2 = _opencv()
    if dtype != "uint8":
        raise Unable("its non-local means are of bytes")
    window = 2 * search + 1
    return lambda image, out: cv2.cuda.fastNlMeansDenoising(
        _matrix(cv2, image), h, _matrix(cv2, out), window, patch
    )
