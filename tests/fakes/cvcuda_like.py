"""CV-CUDA: images (rows, columns, channels) in tensors with a layout, or in batches of any size."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

__all__ = ["cvcuda"]

Array = NDArray[Any]
Modules = dict[str, Any]


class _Tensor:
    """An array with a layout, or images with a format."""

    def __init__(self, array: Any, layout: str) -> None:
        assert len(layout) == array.ndim
        self.array, self.layout = array, layout


def cvcuda(stream: int = 0) -> Modules:
    """Return CV-CUDA, which wants a stream."""
    there = f"stream {stream}" if stream else "default stream"
    names = ("CONSTANT", "REPLICATE", "REFLECT", "WRAP", "REFLECT101")
    cvs = ("CONSTANT", "REPLICATE", "REFLECT", "WRAP", "REFLECT_101")
    borders = {n: getattr(cv2, f"BORDER_{c}") for n, c in zip(names, cvs, strict=True)}

    def each(run: Callable[..., Any]) -> Callable[..., None]:
        def into(out: _Tensor, image: _Tensor, *rest: Any, stream: str, **options: Any) -> None:
            assert stream == there
            assert out.layout == image.layout
            many = image.layout.startswith("N")
            pairs = zip(*((t.array if many else [t.array]) for t in (out, image)), strict=True)
            for target, source in pairs:
                target[...] = run(source, *rest, **options).reshape(target.shape)

        return into

    def morphology(i: Array, which: str, side: Any, anchor: Any, border: int) -> Any:
        assert anchor == (-1, -1)
        filtered = {"ERODE": scipy.ndimage.minimum_filter, "DILATE": scipy.ndimage.maximum_filter}
        mode = {borders["REFLECT"]: "reflect", borders["REPLICATE"]: "nearest"}[border]
        return filtered[which](i, (*side, 1), mode=mode)

    def conv2d(
        outs: Any, images: Any, kernels: Any, anchors: _Tensor, border: int, stream: str
    ) -> None:
        assert stream == there
        assert (anchors.layout, anchors.array.tolist()) == ("NC", [[-1, -1]] * len(images))
        for out, image, weights in zip(outs, images, kernels, strict=True):
            out[...] = cv2.filter2D(image, -1, weights, borderType=border)

    def as_images(arrays: list[Array], kind: str) -> list[Array]:
        dtypes = {"U8": np.uint8, "U16": np.uint16, "F32": np.float32, "RGB8": np.uint8}
        assert {array.dtype for array in arrays} == {np.dtype(dtypes[kind])}
        assert {array.ndim for array in arrays} == {3 if kind.startswith("RGB") else 2}
        return list(arrays)

    def mean(i: Array, side: Any, anchor: Any, border: int) -> Any:
        assert anchor == (-1, -1)
        return cv2.blur(i, side, borderType=border)

    formats = ("U8", "U16", "F32", "RGB8", "RGB16", "RGBf32")
    module = SimpleNamespace(
        Border=SimpleNamespace(**borders),
        Format=SimpleNamespace(**{name: name for name in formats}),
        MorphologyType=SimpleNamespace(ERODE="ERODE", DILATE="DILATE"),
        Stream=SimpleNamespace(default="default stream"),
        as_stream=lambda number: f"stream {number}",
        as_tensor=_Tensor,
        as_images=as_images,
        conv2d_into=conv2d,
        gaussian_into=each(
            lambda i, side, sigma, b: cv2.GaussianBlur(i, side, sigma[0], borderType=b)
        ),
        averageblur_into=each(mean),
        median_blur_into=each(
            lambda i, side: scipy.ndimage.median_filter(i, (*side, 1), mode="nearest")
        ),
        morphology_into=each(morphology),
        bilateral_filter_into=each(
            lambda i, d, color, space, b: cv2.bilateralFilter(i, d, color, space, borderType=b)
        ),
    )
    return {"cvcuda": module}
