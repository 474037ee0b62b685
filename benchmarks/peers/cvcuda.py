"""CV-CUDA, on CuPy's arrays and stream: wrapped before the clock starts, results in ours.

Its dense filter takes batches of images, each with its kernel; colours are interleaved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import filters
from ..cases import Case
from ..filters import Filter
from ..suite.contract import Buffers, Peer, Prepared, Unable
from .asking import adapted, imported, planes
from .on_gpu import border_of, stream

__all__ = ["PEERS"]

_BORDERS = {
    "constant": "CONSTANT",
    "mirror": "REFLECT101",
    "nearest": "REPLICATE",
    "reflect": "REFLECT",
    "wrap": "WRAP",
}
#: What it calls images of a dtype, of one channel and of three.
_FORMATS = {
    "uint8": ("U8", "RGB8"),
    "uint16": ("U16", "RGB16"),
    "float32": ("F32", "RGBf32"),
}
#: The middle of a window.
_MIDDLE = (-1, -1)
#: Filters a set of buffers, by its number.
_Run = Callable[[int], object]


@dataclass(frozen=True)
class _Library:
    """CV-CUDA, for a case and its arrays."""

    case: Case
    cupy: Any
    cvcuda: Any
    stream: Any
    buffers: Buffers

    @property
    def border(self) -> Any:
        """The case's border."""
        return getattr(self.cvcuda.Border, border_of(self.case, _BORDERS))

    def tensors(self) -> list[tuple[Any, Any]]:
        """Return the output and the image of each set of buffers, as it has them."""
        layout = {"yx": "HWC", "yxc": "HWC", "nyx": "NHWC", "ncyx": "NCHW"}[self.case.axes]
        each = zip(self.buffers.outs, self.buffers.images, strict=True)
        return [(self._tensor(out, layout), self._tensor(image, layout)) for out, image in each]

    def _tensor(self, array: Any, layout: str) -> Any:
        array = array if len(layout) == array.ndim else array[..., None]
        return self.cvcuda.as_tensor(array, layout)

    def batch(self, array: Any) -> Any:
        """Return an array of images, or of one, as a batch of images that may differ in size."""
        channels = self.case.axes.endswith("c")
        kind = getattr(self.cvcuda.Format, _FORMATS[self.case.dtype][channels])
        return self.cvcuda.as_images(planes(array, self.case.axes), kind)


def _each(of: _Library, apply: Callable[[Any, Any], object]) -> _Run:
    """Return a run of what writes an image, the second, to an output, the first."""
    pairs = of.tensors()
    return lambda i: apply(*pairs[i])


def _linear(of: _Library, f: filters.Linear) -> _Run:
    border, images = of.border, [of.batch(image) for image in of.buffers.images]
    outs, count = [of.batch(out) for out in of.buffers.outs], len(images[0])
    weights = of.cupy.asarray(f.weights)
    kernels = of.cvcuda.as_images([weights] * count, of.cvcuda.Format.F32)
    anchors = of.cupy.asarray(np.full((count, 2), -1, np.int32))
    middle = of.cvcuda.as_tensor(anchors, "NC")
    return lambda i: of.cvcuda.conv2d_into(
        outs[i], images[i], kernels, middle, border, stream=of.stream
    )


def _gaussian(of: _Library, f: filters.Gaussian) -> _Run:
    side, sigma, border = (f.taps, f.taps), (f.sigma, f.sigma), of.border
    return _each(
        of,
        lambda out, image: of.cvcuda.gaussian_into(
            out, image, side, sigma, border, stream=of.stream
        ),
    )


def _box(of: _Library, f: filters.Box) -> _Run:
    side, border = (f.side, f.side), of.border
    return _each(
        of,
        lambda out, image: of.cvcuda.averageblur_into(
            out, image, side, _MIDDLE, border, stream=of.stream
        ),
    )


def _median(of: _Library, f: filters.Median) -> _Run:
    border_of(of.case, {"nearest": "REPLICATE"})
    side = (f.side, f.side)
    return _each(
        of,
        lambda out, image: of.cvcuda.median_blur_into(out, image, side, stream=of.stream),
    )


def _extreme(of: _Library, f: filters.Extreme) -> _Run:
    side, border = (f.side, f.side), of.border
    name = "ERODE" if f.which == "minimum" else "DILATE"
    which = getattr(of.cvcuda.MorphologyType, name)
    return _each(
        of,
        lambda out, image: of.cvcuda.morphology_into(
            out, image, which, side, _MIDDLE, border=border, stream=of.stream
        ),
    )


def _bilateral(of: _Library, f: filters.Bilateral) -> _Run:
    color, border = f.color * of.case.level, of.border
    return _each(
        of,
        lambda out, image: of.cvcuda.bilateral_filter_into(
            out, image, f.diameter, color, f.space, border, stream=of.stream
        ),
    )


_ASKED: dict[type[Filter], tuple[str, Callable[[_Library, Any], _Run]]] = {
    filters.Linear: ("conv2d_into", _linear),
    filters.Gaussian: ("gaussian_into", _gaussian),
    filters.Box: ("averageblur_into", _box),
    filters.Median: ("median_blur_into", _median),
    filters.Extreme: ("morphology_into", _extreme),
    filters.Bilateral: ("bilateral_filter_into", _bilateral),
}


def _prepare(case: Case, buffers: Buffers) -> Prepared:
    how, ask = adapted(_ASKED, case.filter)
    cvcuda, cupy = imported("cvcuda", "CV-CUDA"), imported("cupy", "CuPy")
    if case.dtype not in _FORMATS:
        raise Unable(f"it has no {case.dtype}")
    number = stream()
    there = cvcuda.as_stream(number) if number else cvcuda.Stream.default
    run = ask(_Library(case, cupy, cvcuda, there, buffers), case.filter)

    def call(i: int) -> None:
        run(i)

    return Prepared(call, how)


_PACKAGES: Sequence[str] = ("cvcuda-cu13", "cvcuda-cu12")

PEERS = (Peer("CV-CUDA", tuple(_PACKAGES), "cuda", _prepare),)
