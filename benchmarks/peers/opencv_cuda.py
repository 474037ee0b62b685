"""OpenCV's CUDA modules, on CuPy's arrays and stream; batches image by image.

No package index has it: it is there for those who have built it. Its filters are made before the
clock starts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import filters
from ..cases import Case
from ..filters import Filter
from ..suite.contract import Buffers, Peer, Prepared, Unable
from .asking import adapted, imported, planes
from .on_gpu import address, border_of, stream

__all__ = ["PEERS"]

#: What it calls borders.
_BORDERS = {
    "constant": "CONSTANT",
    "mirror": "REFLECT_101",
    "nearest": "REPLICATE",
    "reflect": "REFLECT",
}
#: Largest side of its separable filters, and of its dense one.
_SEPARABLE, _DENSE = 31, 32
#: Filters a matrix into another, on a stream.
_Run = Callable[[Any, Any], object]


@dataclass(frozen=True)
class _Library:
    """OpenCV, for a case."""

    case: Case
    cv2: Any
    stream: Any

    @property
    def channels(self) -> int:
        """Interleaved ones."""
        return self.case.shape[-1] if self.case.axes.endswith("c") else 1

    def kind(self, dtype: str | None = None, channels: int | None = None) -> int:
        """Return the number of a type of matrices; by default that of the image."""
        letters = _LETTERS[dtype or self.case.dtype]
        return int(getattr(self.cv2, f"CV_{letters}C{channels or self.channels}"))

    @property
    def border(self) -> int:
        """The number of the case's border."""
        return int(getattr(self.cv2, f"BORDER_{border_of(self.case, _BORDERS)}"))

    def matrix(self, array: Any) -> Any:
        """Return a contiguous image as OpenCV has it, without a copy."""
        rows, columns = array.shape[:2]
        pitch = array.strides[0]
        return self.cv2.cuda.createGpuMatFromCudaMemory(
            rows, columns, self.kind(), address(array), pitch
        )

    def floats(self) -> Any:
        """Return a new matrix of float32, for what lies between two passes."""
        y = self.case.axes.index("y")
        rows, columns = self.case.shape[y : y + 2]
        return self.cv2.cuda_GpuMat(rows, columns, self.kind("float32"))


_LETTERS = {"uint8": "8U", "uint16": "16U", "float32": "32F"}


def _one_channel(of: _Library, dtypes: tuple[str, ...] = tuple(_LETTERS)) -> None:
    if of.channels > 1:
        raise Unable("it takes one channel, or four")
    if of.case.dtype not in dtypes:
        raise Unable(f"it takes {' or '.join(dtypes)}")


def _applied(of: _Library, made: Any) -> _Run:
    return lambda image, out: made.apply(image, out, of.stream)


def _linear(of: _Library, f: filters.Linear) -> _Run:
    _one_channel(of)
    if len(f.weights) > _DENSE:
        raise Unable(f"its dense filter is of {_DENSE}² pixels at most")
    made = of.cv2.cuda.createLinearFilter(of.kind(), of.kind(), f.weights, borderMode=of.border)
    return _applied(of, made)


def _gaussian(of: _Library, f: filters.Gaussian) -> _Run:
    if f.taps > _SEPARABLE:
        raise Unable(f"its Gaussian is of {_SEPARABLE}² pixels at most")
    border, side = of.border, (f.taps, f.taps)
    made = of.cv2.cuda.createGaussianFilter(
        of.kind(), of.kind(), side, f.sigma, f.sigma, border, border
    )
    return _applied(of, made)


def _box(of: _Library, f: filters.Box) -> _Run:
    _one_channel(of, ("uint8", "float32"))
    made = of.cv2.cuda.createBoxFilter(of.kind(), of.kind(), (f.side, f.side), borderMode=of.border)
    return _applied(of, made)


def _slopes(of: _Library, made: tuple[Any, Any]) -> _Run:
    """Return what writes the length of two slopes; to bytes, off a matrix of floats."""
    across, down = of.floats(), of.floats()
    length = of.floats()
    kind, narrow = of.kind(), of.case.dtype != "float32"

    def run(image: Any, out: Any) -> None:
        for each, slope in zip(made, (across, down), strict=True):
            each.apply(image, slope, of.stream)
        of.cv2.cuda.magnitude(across, down, length if narrow else out, of.stream)
        if narrow:
            length.convertTo(kind, 1.0, 0.0, out, of.stream)

    return run


def _sobel(of: _Library, f: filters.Sobel) -> _Run:
    _one_channel(of)
    kinds, border = (of.kind(), of.kind("float32")), of.border
    make = of.cv2.cuda.createSobelFilter
    both = (make(*kinds, dx, dy, 3, 1.0, border, border) for dx, dy in ((1, 0), (0, 1)))
    return _slopes(of, tuple(both))  # type: ignore[arg-type]


def _gradient(of: _Library, f: filters.Gradient) -> _Run:
    _one_channel(of)
    (smooth, slope), border = (line.astype(np.float32) for line in f.lines), of.border
    kinds, make = (of.kind(), of.kind("float32")), of.cv2.cuda.createSeparableLinearFilter
    pairs = ((slope, smooth), (smooth, slope))
    both = (make(*kinds, row, column, (-1, -1), border, border) for row, column in pairs)
    return _slopes(of, tuple(both))  # type: ignore[arg-type]


def _unsharp(of: _Library, f: filters.Unsharp) -> _Run:
    blur = _gaussian(of, filters.Gaussian(f.sigma))
    y = of.case.axes.index("y")
    blurred = of.cv2.cuda_GpuMat(*of.case.shape[y : y + 2], of.kind())

    def run(image: Any, out: Any) -> None:
        blur(image, blurred)
        of.cv2.cuda.addWeighted(image, 1 + f.amount, blurred, -f.amount, 0.0, out, -1, of.stream)

    return run


def _median(of: _Library, f: filters.Median) -> _Run:
    _one_channel(of, ("uint8",))
    border_of(of.case, {"nearest": "replicated"})
    return _applied(of, of.cv2.cuda.createMedianFilter(of.kind(), f.side))


def _extreme(of: _Library, f: filters.Extreme) -> _Run:
    _one_channel(of, ("uint8", "float32"))
    border_of(of.case, {"nearest": "counts the pixels inside"})
    which = of.cv2.MORPH_ERODE if f.which == "minimum" else of.cv2.MORPH_DILATE
    window = np.ones((f.side, f.side), np.uint8)
    return _applied(of, of.cv2.cuda.createMorphologyFilter(which, of.kind(), window))


def _bilateral(of: _Library, f: filters.Bilateral) -> _Run:
    color, border = f.color * of.case.level, of.border
    return lambda image, out: of.cv2.cuda.bilateralFilter(
        image, f.diameter, color, f.space, out, border, of.stream
    )


def _nl_means(of: _Library, f: filters.NonLocalMeans) -> _Run:
    _one_channel(of, ("uint8",))
    window = 2 * f.search + 1
    return lambda image, out: of.cv2.cuda.fastNlMeansDenoising(
        image, f.h, out, window, f.patch, of.stream
    )


def _canny(of: _Library, f: filters.Canny) -> _Run:
    _one_channel(of, ("uint8",))
    side, blurred = 2 * round(4 * f.sigma) + 1, of.cv2.cuda_GpuMat(*of.case.shape, of.kind())
    blur = _gaussian(of, filters.Gaussian(f.sigma, side))
    edges = of.cv2.cuda.createCannyEdgeDetector(f.low, f.high, L2gradient=True)

    def run(image: Any, out: Any) -> None:
        blur(image, blurred)
        edges.detect(blurred, out, of.stream)

    return run


_ASKED: dict[type[Filter], tuple[str, Callable[[_Library, Any], _Run]]] = {
    filters.Linear: ("createLinearFilter", _linear),
    filters.Gaussian: ("createGaussianFilter", _gaussian),
    filters.Box: ("createBoxFilter", _box),
    filters.Sobel: ("createSobelFilter twice, magnitude", _sobel),
    filters.Gradient: ("createSeparableLinearFilter twice, magnitude", _gradient),
    filters.Unsharp: ("createGaussianFilter, addWeighted", _unsharp),
    filters.Median: ("createMedianFilter", _median),
    filters.Extreme: ("createMorphologyFilter", _extreme),
    filters.Bilateral: ("bilateralFilter", _bilateral),
    filters.NonLocalMeans: ("fastNlMeansDenoising", _nl_means),
    filters.Canny: ("createGaussianFilter, createCannyEdgeDetector", _canny),
}


def _different(case: Case) -> tuple[float | None, str, str]:
    """Return how far a result may be off, how that is measured, and why."""
    if isinstance(case.filter, filters.Median):
        return 2.0 * case.level, "mean", "its median has other pixels beyond the left and right"
    if isinstance(case.filter, filters.NonLocalMeans):
        return 0.3, "mean", "its weights come from a table of rounded distances"
    if isinstance(case.filter, filters.Canny):
        return 0.05, "share", "it blurs to bytes, and rounds directions to 45°"
    return None, "", ""


def _library(case: Case) -> _Library:
    cv2 = imported("cv2", "OpenCV")
    if not getattr(cv2, "cuda", None) or not cv2.cuda.getCudaEnabledDeviceCount():
        raise Unable("this OpenCV is built without CUDA")
    if case.dtype not in _LETTERS:
        raise Unable(f"it has no {case.dtype}")
    number = stream()
    there = cv2.cuda.wrapStream(number) if number else cv2.cuda.Stream_Null()
    return _Library(case, cv2, there)


def _prepare(case: Case, buffers: Buffers) -> Prepared:
    how, ask = adapted(_ASKED, case.filter)
    of = _library(case)
    run = ask(of, case.filter)
    pairs = [
        [tuple(map(of.matrix, both)) for both in _pairs(case, image, out)]
        for image, out in zip(buffers.images, buffers.outs, strict=True)
    ]

    def call(i: int) -> None:
        for image, out in pairs[i]:
            run(image, out)

    return Prepared(call, how, *_different(case))


def _pairs(case: Case, image: Any, out: Any) -> list[tuple[Any, Any]]:
    return list(zip(planes(image, case.axes), planes(out, case.axes), strict=True))


_PACKAGES = ("opencv-contrib-python", "opencv-python", "opencv-python-headless")

PEERS = (Peer("OpenCV CUDA", _PACKAGES, "cuda", _prepare),)
