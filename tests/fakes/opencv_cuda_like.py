"""OpenCV with CUDA modules, made of its functions on the CPU; each wants the right stream."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from fakes.addresses import at
from numpy.typing import NDArray

__all__ = ["opencv"]

Array = NDArray[Any]
Modules = dict[str, Any]


def opencv(stream: int = 0) -> Modules:
    """Return OpenCV with CUDA modules, of its CPU functions, which want a stream."""
    there = f"stream {stream}" if stream else "default stream"
    kinds = {cv2.CV_8UC1: np.uint8, cv2.CV_8UC3: np.uint8, cv2.CV_16UC1: np.uint16}
    kinds |= {cv2.CV_32FC1: np.float32, cv2.CV_32FC3: np.float32}
    channels = {cv2.CV_8UC3: 3, cv2.CV_32FC3: 3}

    def shaped(rows: int, columns: int, kind: int) -> tuple[int, ...]:
        return (rows, columns) + ((channels[kind],) if kind in channels else ())

    def matrix(rows: int, columns: int, kind: int, pointer: int, pitch: int) -> Array:
        found = at(pointer, shaped(rows, columns, kind), kinds[kind])
        assert found.strides[0] == pitch
        return found

    def made(run: Callable[[Array, Array], Any]) -> Any:
        def apply(image: Array, out: Array, stream: str) -> None:
            assert stream == there
            run(image, out)

        return SimpleNamespace(apply=apply)

    class Floats(np.ndarray):  # type: ignore[type-arg]
        def convertTo(self, kind: int, scale: float, off: float, out: Array, on: str) -> None:
            assert (kinds[kind], scale, off, on) == (out.dtype.type, 1.0, 0.0, there)
            out[...] = np.rint(self).clip(0, np.iinfo(out.dtype).max)

    def wants(on: str) -> None:
        assert on == there

    def gaussian(
        source: int, target: int, side: Any, s1: float, s2: float, b1: int, b2: int
    ) -> Any:
        assert (source, s1, b1) == (target, s2, b2)
        return made(lambda i, o: cv2.GaussianBlur(i, side, s1, o, borderType=b1))

    def sobel(source: int, target: int, dx: int, dy: int, *rest: Any) -> Any:
        side, scale, border, other = rest
        assert (target, side, scale, border) == (cv2.CV_32FC1, 3, 1.0, other)
        return made(lambda i, o: cv2.Sobel(i, cv2.CV_32F, dx, dy, o, borderType=border))

    def separable(source: int, target: int, row: Array, column: Array, *rest: Any) -> Any:
        anchor, border, other = rest
        assert (target, anchor, border) == (cv2.CV_32FC1, (-1, -1), other)
        return made(lambda i, o: cv2.sepFilter2D(i, cv2.CV_32F, row, column, o, borderType=border))

    def weighted(a: Array, x: float, b: Array, y: float, z: float, out: Array, *rest: Any) -> None:
        assert rest == (-1, there)
        cv2.addWeighted(a, x, b, y, z, out)

    modules = SimpleNamespace(
        getCudaEnabledDeviceCount=lambda: 1,
        createGpuMatFromCudaMemory=matrix,
        Stream_Null=lambda: "default stream",
        wrapStream=lambda number: f"stream {number}",
        createLinearFilter=lambda s, t, weights, **border: made(
            lambda i, o: cv2.filter2D(i, -1, weights, o, borderType=border["borderMode"])
        ),
        createGaussianFilter=gaussian,
        createBoxFilter=lambda s, t, side, **border: made(
            lambda i, o: cv2.blur(i, side, o, borderType=border["borderMode"])
        ),
        createSobelFilter=sobel,
        createSeparableLinearFilter=separable,
        createMedianFilter=lambda kind, side: made(lambda i, o: cv2.medianBlur(i, side, o)),
        createMorphologyFilter=lambda which, kind, window: made(
            lambda i, o: cv2.morphologyEx(i, which, window, o)
        ),
        createCannyEdgeDetector=lambda low, high, **norm: SimpleNamespace(
            detect=lambda i, o, on: (wants(on), cv2.Canny(i, low, high, o, **norm))
        ),
        magnitude=lambda x, y, o, on: (wants(on), cv2.magnitude(x, y, o)),
        addWeighted=weighted,
        bilateralFilter=lambda i, d, color, space, o, border, on: (
            wants(on),
            cv2.bilateralFilter(i, d, color, space, o, borderType=border),
        ),
        fastNlMeansDenoising=lambda i, h, o, window, block, on: (
            wants(on),
            cv2.fastNlMeansDenoising(i, o, h, block, window),
        ),
    )
    own = {n: getattr(cv2, n) for n in dir(cv2) if n.startswith(("CV_", "BORDER_", "MORPH_"))}
    empty = lambda rows, columns, kind: np.empty(shaped(rows, columns, kind), kinds[kind])  # noqa: E731
    module = SimpleNamespace(
        **own,
        cuda=modules,
        cuda_GpuMat=lambda *how: empty(*how).view(Floats),
    )
    return {"cv2": module}
