"""OpenCV on the CPU, on one thread and on all; colours interleaved, batches image by image.

It is given arrays for results and for what lies between its passes. Its own function for a filter
is called where there is one; what is none of its functions is written of them, as its users do. It
has no half floats in these: they are cast, by OpenCV where it can, which is much faster than NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import filters
from ..cases import Case
from ..filters import Filter
from ..suite.contract import Buffers, Peer, Prepared, Unable
from .asking import Run, adapted, cast, imported, writing

__all__ = ["PEERS", "borders"]

Array = NDArray[Any]

#: Largest window of its median, by dtype.
_MEDIAN = {"uint8": 255, "uint16": 5, "float32": 5}


def borders(cv2: Any, case: Case) -> int:
    """Return OpenCV's number of a case's border."""
    known = {
        "constant": cv2.BORDER_CONSTANT,
        "mirror": cv2.BORDER_REFLECT_101,
        "nearest": cv2.BORDER_REPLICATE,
        "reflect": cv2.BORDER_REFLECT,
    }
    if case.border not in known:
        raise Unable(f"its filters have no border like {case.border!r}")
    return int(known[case.border])


def _scratch(case: Case) -> Array:
    """Return float32 for one image of a batch."""
    return np.empty(case.shape[case.axes.index("y") :], np.float32)


def _linear(cv2: Any, f: filters.Linear, case: Case) -> Run:
    weights, border = f.weights, borders(cv2, case)
    return lambda image, out: cv2.filter2D(image, -1, weights, out, borderType=border)


def _gaussian(cv2: Any, f: filters.Gaussian, case: Case) -> Run:
    side, border = (f.taps, f.taps), borders(cv2, case)
    return lambda image, out: cv2.GaussianBlur(image, side, f.sigma, out, borderType=border)


def _box(cv2: Any, f: filters.Box, case: Case) -> Run:
    side, border = (f.side, f.side), borders(cv2, case)
    return lambda image, out: cv2.blur(image, side, out, borderType=border)


def _finished(cv2: Any, strength: Array, out: Array) -> None:
    """Write a strength in float32 to an output, as levels if it has such."""
    if out.dtype == np.uint8:
        cv2.convertScaleAbs(strength, out)
    else:
        out[...] = strength


def _magnitude(cv2: Any, case: Case, slopes: Callable[[Array, Array, Array], object]) -> Run:
    """Return what writes the length of two slopes, which `slopes` writes to two arrays."""
    across, down = _scratch(case), _scratch(case)

    def run(image: Array, out: Array) -> None:
        slopes(image, across, down)
        if out.dtype == np.float32:
            cv2.magnitude(across, down, out)
        else:
            _finished(cv2, cv2.magnitude(across, down, across), out)

    return run


def _sobel(cv2: Any, f: filters.Sobel, case: Case) -> Run:
    border, wide = borders(cv2, case), cv2.CV_32F

    def slopes(image: Array, across: Array, down: Array) -> None:
        cv2.Sobel(image, wide, 1, 0, across, borderType=border)
        cv2.Sobel(image, wide, 0, 1, down, borderType=border)

    return _magnitude(cv2, case, slopes)


def _gradient(cv2: Any, f: filters.Gradient, case: Case) -> Run:
    border, (smooth, slope), wide = borders(cv2, case), f.lines, cv2.CV_32F

    def slopes(image: Array, across: Array, down: Array) -> None:
        cv2.sepFilter2D(image, wide, slope, smooth, across, borderType=border)
        cv2.sepFilter2D(image, wide, smooth, slope, down, borderType=border)

    return _magnitude(cv2, case, slopes)


def _unsharp(cv2: Any, f: filters.Unsharp, case: Case) -> Run:
    border, side = borders(cv2, case), (2 * f.reach + 1,) * 2
    blurred = np.empty(case.shape[case.axes.index("y") :], case.dtype)

    def run(image: Array, out: Array) -> None:
        cv2.GaussianBlur(image, side, f.sigma, blurred, borderType=border)
        cv2.addWeighted(image, 1 + f.amount, blurred, -f.amount, 0, out)

    return run


def _median(cv2: Any, f: filters.Median, case: Case) -> Run:
    if f.side > _MEDIAN.get(case.dtype, 0):
        raise Unable(f"its median of {case.dtype} has no window so large")
    if case.border != "nearest":
        raise Unable("its median's border is 'nearest'")
    return lambda image, out: cv2.medianBlur(image, f.side, out)


def _extreme(cv2: Any, f: filters.Extreme, case: Case) -> Run:
    """Ask for the default border, which counts pixels inside only.

    That is what mirrored ones and repeated ones come to, as none of them is new.
    """
    if case.border not in ("reflect", "mirror", "nearest"):
        raise Unable("its erosion and dilation count the pixels inside")
    window = np.ones((f.side, f.side), np.uint8)
    found = cv2.erode if f.which == "minimum" else cv2.dilate
    return lambda image, out: found(image, window, out)


def _bilateral(cv2: Any, f: filters.Bilateral, case: Case) -> Run:
    border, color = borders(cv2, case), f.color * case.level
    if case.dtype not in ("uint8", "float32"):
        raise Unable("its bilateral filter is of bytes and float32")
    return lambda image, out: cv2.bilateralFilter(
        image, f.diameter, color, f.space, out, borderType=border
    )


def _nl_means(cv2: Any, f: filters.NonLocalMeans, case: Case) -> Run:
    if case.dtype != "uint8":
        raise Unable("its non-local means are of bytes")
    if case.border != "mirror":
        raise Unable("its non-local means' border is 'mirror'")
    window = 2 * f.search + 1
    return lambda image, out: cv2.fastNlMeansDenoising(image, out, f.h, f.patch, window)


def _canny(cv2: Any, f: filters.Canny, case: Case) -> Run:
    if case.dtype != "uint8":
        raise Unable("its Canny is of bytes")
    border, side = borders(cv2, case), (filters.Gaussian(f.sigma).taps,) * 2
    blurred = np.empty(case.shape, np.uint8)

    def run(image: Array, out: Array) -> None:
        cv2.GaussianBlur(image, side, f.sigma, blurred, borderType=border)
        cv2.Canny(blurred, f.low, f.high, out, L2gradient=True)

    return run


def _lucy(cv2: Any, f: filters.RichardsonLucy, case: Case) -> Run:
    border, weights = borders(cv2, case), filters.psf()
    turned = np.ascontiguousarray(weights[::-1, ::-1])
    ratio, factor = _scratch(case), _scratch(case)

    def run(image: Array, out: Array) -> None:
        out.fill(0.5)
        for _ in range(f.iterations):
            cv2.filter2D(out, -1, turned, ratio, borderType=border)
            cv2.divide(image, cv2.max(ratio, 1e-12, ratio), ratio)
            cv2.filter2D(ratio, -1, weights, factor, borderType=border)
            cv2.multiply(out, factor, out)

    return run


#: What is called, and what asks for it.
_ASKED: dict[type[Filter], tuple[str, Callable[[Any, Any, Case], Run]]] = {
    filters.Linear: ("filter2D", _linear),
    filters.Gaussian: ("GaussianBlur", _gaussian),
    filters.Box: ("blur", _box),
    filters.Sobel: ("Sobel twice, magnitude", _sobel),
    filters.Gradient: ("sepFilter2D twice, magnitude", _gradient),
    filters.Unsharp: ("GaussianBlur, addWeighted", _unsharp),
    filters.Median: ("medianBlur", _median),
    filters.Extreme: ("erode or dilate", _extreme),
    filters.Bilateral: ("bilateralFilter", _bilateral),
    filters.NonLocalMeans: ("fastNlMeansDenoising", _nl_means),
    filters.Canny: ("GaussianBlur, Canny", _canny),
    filters.RichardsonLucy: ("filter2D in a loop", _lucy),
}


def _different(case: Case) -> tuple[float | None, str, str]:
    """Return how far a result may be off, how that is measured, and why."""
    if isinstance(case.filter, filters.Bilateral):
        return case.level, "largest", "its weights come from a table"
    if isinstance(case.filter, filters.NonLocalMeans):
        return 0.3, "mean", "its weights come from a table of rounded distances"
    if isinstance(case.filter, filters.Canny):
        return 0.05, "share", "it blurs to bytes, and rounds directions to 45°"
    return None, "", ""


def _prepare(case: Case, buffers: Buffers, threads: int | None) -> Prepared:
    cv2 = imported("cv2", "OpenCV")
    how, ask = adapted(_ASKED, case.filter)
    run, count = ask(cv2, case.filter, case), threads or cv2.getNumberOfCPUs()
    written = writing(case, buffers, run, apart=True, casting=_casting(cv2))

    def settle() -> None:
        if cv2.getNumThreads() != count:
            cv2.setNumThreads(count)

    def call(i: int) -> None:
        settle()
        written(i)

    return Prepared(call, how, *_different(case), settle=settle)


def _casting(cv2: Any) -> Run:
    """Return what casts between floats and half floats: before version 5 it did not take these."""
    if int(cv2.__version__.partition(".")[0]) < 5:
        return cast
    depths = {"float16": cv2.CV_16F, "float32": cv2.CV_32F}
    return lambda image, out: cv2.add(image, 0.0, out, dtype=depths[out.dtype.name])


_PACKAGES = ("opencv-python-headless", "opencv-python", "opencv-contrib-python")

PEERS = (
    Peer("OpenCV, 1 thread", _PACKAGES, "cpu", partial(_prepare, threads=1)),
    Peer("OpenCV, all threads", _PACKAGES, "cpu", partial(_prepare, threads=None)),
)
