"""NPP's library of filters, called through ctypes; it checks what it is given.

Names and arguments are those of nppi_filtering_functions.h.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import scipy.ndimage
from fakes.addresses import at
from numpy.typing import NDArray

from benchmarks.peers.npp import Context, Point, Size

__all__ = ["Npp"]

Array = NDArray[Any]

_TYPES = {"8u": np.uint8, "16u": np.uint16, "16s": np.int16, "32f": np.float32}
_BORDERS = {2: cv2.BORDER_REPLICATE, 4: cv2.BORDER_REFLECT_101}


class _Function:
    """A function of a library: it is called through ctypes, which converts and checks arguments."""

    def __init__(self, function: Callable[..., int]) -> None:
        self.function = function
        self.argtypes: list[Any] = []
        self.restype: Any = None

    def __call__(self, *arguments: Any) -> int:
        prototype = ctypes.CFUNCTYPE(self.restype, *self.argtypes)
        failures: list[BaseException] = []

        def called(*converted: Any) -> int:
            try:
                return self.function(*converted)
            except Exception as error:  # ctypes would print it and go on
                failures.append(error)
                return -1

        status = prototype(called)(*arguments)
        if failures:
            raise failures[0]
        return int(status)


class Npp:
    """The library; every filter ends with a status."""

    def __init__(self, status: int = 0) -> None:
        self.status = status

    def __getattr__(self, name: str) -> _Function:
        if name.startswith("__"):
            raise AttributeError(name)
        stem, *words = name.split("_")
        return _Function(lambda *arguments: self._run(stem, words, arguments))

    def _run(self, stem: str, words: list[str], arguments: tuple[Any, ...]) -> int:
        if "GetDeviceBufferSize" in stem or "GetBufferSize" in stem:
            pointers = [each for each in arguments if hasattr(each, "contents")]
            pointers[0].contents.value = 64
            return 0
        context = arguments[-1]
        assert isinstance(context, Context)
        assert (context.device, context.multiprocessors, context.major) == (0, 132, 9)
        assert words[-1] == "Ctx"
        if stem == "nppiGradientVectorSobelBorder":
            self._sobel(words, arguments)
        else:
            self._filter(stem, words, arguments)
        return self.status

    def _filter(self, stem: str, words: list[str], arguments: tuple[Any, ...]) -> None:
        dtype, channels = _TYPES[words[0]], int(words[1][1])
        source, step, size, offset, target, out_step, region, *rest = arguments[:-1]
        assert isinstance(size, Size)
        assert isinstance(offset, Point)
        assert (offset.x, offset.y) == (0, 0)
        assert (region.width, region.height) == (size.width, size.height)
        shape = (size.height, size.width) + ((3,) if channels == 3 else ())
        assert step == out_step == size.width * channels * np.dtype(dtype).itemsize
        image, out = (at(address, shape, dtype) for address in (source, target))
        _NPP[stem](image, out, *rest)

    def _sobel(self, words: list[str], arguments: tuple[Any, ...]) -> None:
        into = {"8u16s": ("8u", "16s"), "32f": ("32f", "32f")}[words[0]]
        source, step, size, _offset, *places, region, mask, norm, border, _ = arguments
        assert (mask, norm, border) == (200, 2, 2)
        assert (region.width, step) == (size.width, size.width * _TYPES[into[0]]().itemsize)
        down, across, (target, out_step), angle = (places[i : i + 2] for i in (0, 2, 4, 6))
        assert [down, across, angle] == [[None, 0]] * 3
        shape = size.height, size.width
        assert out_step == size.width * _TYPES[into[1]]().itemsize
        image = at(source, shape, _TYPES[into[0]]).astype(np.float64)
        both = (scipy.ndimage.sobel(image, axis, mode="nearest") for axis in (0, 1))
        at(target, shape, _TYPES[into[1]])[...] = np.hypot(*both)


def _centred(size: Size, anchor: Point) -> tuple[int, int]:
    assert (anchor.x, anchor.y) == (size.width // 2, size.height // 2)
    return size.height, size.width


def _convolved(
    image: Array, out: Array, kernel: int, size: Size, anchor: Point, *rest: int
) -> None:
    """Turn the weights, as NPP does; with a divisor they are integers."""
    *divisor, border = rest
    shape = _centred(size, anchor)
    weights = at(kernel, shape, np.int32 if divisor else np.float32) / (divisor or [1])[0]
    turned = weights[::-1, ::-1].astype(np.float32)
    cv2.filter2D(image, -1, turned, out, borderType=_only(border, 2))


def _only(border: int, *known: int) -> int:
    assert border in known
    return _BORDERS[border]


def _gauss(image: Array, out: Array, taps: int, kernel: int, border: int) -> None:
    line = at(kernel, (taps,), np.float32)
    cv2.sepFilter2D(image, -1, line, line, out, borderType=_only(border, 2, 4))


def _mean(image: Array, out: Array, size: Size, anchor: Point, border: int, room: int) -> None:
    assert room
    cv2.blur(image, _centred(size, anchor), out, borderType=_only(border, 2))


def _median(image: Array, out: Array, size: Size, anchor: Point, room: int, border: int) -> None:
    assert room
    assert border == 2
    scipy.ndimage.median_filter(image, _centred(size, anchor), mode="nearest", output=out)


def _extreme(filtered: Callable[..., Any]) -> Callable[..., None]:
    def run(image: Array, out: Array, size: Size, anchor: Point, border: int) -> None:
        assert border == 2
        filtered(image, _centred(size, anchor), mode="nearest", output=out)

    return run


def _smoothed(image: Array, out: Array, radius: int, step: int, *rest: float) -> None:
    color, space, border = rest
    assert step == 1
    around = _only(int(border), 2, 4)
    cv2.bilateralFilter(image, 2 * radius + 1, color**0.5, space**0.5, out, borderType=around)


_NPP: dict[str, Callable[..., None]] = {
    "nppiFilterBorder": _convolved,
    "nppiFilterBorder32f": _convolved,
    "nppiFilterGaussAdvancedBorder": _gauss,
    "nppiFilterBoxBorderAdvanced": _mean,
    "nppiFilterMedianBorder": _median,
    "nppiFilterMinBorder": _extreme(scipy.ndimage.minimum_filter),
    "nppiFilterMaxBorder": _extreme(scipy.ndimage.maximum_filter),
    "nppiFilterBilateralGaussBorder": _smoothed,
}
