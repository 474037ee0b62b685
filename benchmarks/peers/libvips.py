"""libvips: all threads, with sums of floats, and with integer weights, which it has code for.

Images are libvips' before the clock starts; a result is computed when it is written to memory,
which libvips takes itself. Its operations repeat the edge: for other borders the image is given
what lies beyond, before the clock starts, and the result is cut out of what it computes. Batches
are filtered image by image. It has no half floats: they are cast, on the clock.
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
from .asking import adapted, imported, padded, planes

__all__ = ["PEERS"]

Array = NDArray[Any]
#: Makes an image, not computed yet, of an image.
Pipe = Callable[[Any], Any]

_FORMATS = {"uint8": "uchar", "uint16": "ushort", "float32": "float", "float16": "float"}
#: The largest of integer weights. libvips' fast code keeps 8 bits of them; of 20, 64, 100, 127 and
#: 255 this one brings the results of `CASES` nearest, at the same speed.
_LARGEST = 64
#: Levels by which results of such weights may be off.
_ROUGH = 5.0
#: Before this version ranks of bytes in windows of more than 3×3 are of wrong pixels
#: (github.com/libvips/libvips/issues/4609); of 16 bits they are right.
_RANKS_OF_BYTES = (8, 17, 2)


class _Asking:
    """libvips in one of its precisions."""

    def __init__(self, vips: Any, case: Case, precision: str) -> None:
        self.vips, self.case, self.precision = vips, case, precision
        self.version = tuple(map(vips.base.version, range(3)))

    def mask(self, weights: Array) -> Any:
        """Return weights as libvips has them, integers over their sum where those are wanted."""
        rows = np.atleast_2d(weights).astype(np.float64)
        if self.precision == "float":
            return self.vips.Image.new_from_array(rows.tolist())
        whole = np.rint(rows * (_LARGEST / rows.max()))
        return self.vips.Image.new_from_array(whole.tolist(), scale=whole.sum())

    def sums(self, weights: Array) -> Pipe:
        """Return a convolution; libvips does not turn the kernel."""
        mask, precision = self.mask(weights), self.precision
        return lambda image: image.conv(mask, precision=precision)

    def separable(self, line: Array) -> Pipe:
        """Return a convolution along both axes."""
        mask, precision = self.mask(line), self.precision
        return lambda image: image.convsep(mask, precision=precision)


def _linear(asking: _Asking, f: filters.Linear) -> Pipe:
    return asking.sums(f.weights)


def _line(asking: _Asking, f: filters.Gaussian | filters.Box) -> Pipe:
    return asking.separable(f.line)


def _length(across: Any, down: Any) -> Any:
    return (across * across + down * down) ** 0.5


def _sobel(asking: _Asking, f: filters.Sobel) -> Pipe:
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    across, down = asking.sums(kernel), asking.sums(kernel.T)
    return lambda image: _length(across(image), down(image))


def _gradient(asking: _Asking, f: filters.Gradient) -> Pipe:
    smooth, slope = f.lines
    rows, columns = (
        [asking.sums(line.reshape(shape)) for line in (smooth, slope)]
        for shape in ((1, -1), (-1, 1))
    )
    return lambda image: _length(columns[0](rows[1](image)), columns[1](rows[0](image)))


def _unsharp(asking: _Asking, f: filters.Unsharp) -> Pipe:
    blurred = asking.separable(filters.Gaussian(f.sigma).line)
    return lambda image: image * (1 + f.amount) - blurred(image) * f.amount


def _rank(asking: _Asking, f: Any) -> Pipe:
    wide = asking.case.dtype == "uint8" and f.side > 3 and asking.version < _RANKS_OF_BYTES
    return lambda image: (image.cast("ushort") if wide else image).rank(f.side, f.side, f.index)


#: What is called, and what asks for it.
_ASKED: dict[type[Filter], tuple[str, Callable[[_Asking, Any], Pipe]]] = {
    filters.Linear: ("conv", _linear),
    filters.Gaussian: ("convsep", _line),
    filters.Box: ("convsep", _line),
    filters.Sobel: ("conv twice, arithmetic", _sobel),
    filters.Gradient: ("conv four times, arithmetic", _gradient),
    filters.Unsharp: ("convsep, arithmetic", _unsharp),
    filters.Median: ("rank", _rank),
    filters.Extreme: ("rank", _rank),
    filters.Percentile: ("rank", _rank),
}


def _finished(case: Case, image: Any) -> Any:
    """Return a result in the image's format: floats are rounded for integers."""
    wanted = _FORMATS[case.dtype]
    if image.format != wanted and case.dtype.startswith("uint"):
        image = image.rint()
    return image.cast(wanted)


def _repeated(case: Case) -> bool:
    """Return whether repeating the edge is right: of extremes also where it is to be mirrored."""
    mirrored = isinstance(case.filter, filters.Extreme) and case.border in ("mirror", "reflect")
    return mirrored or case.border == "nearest"


def _prepare(case: Case, buffers: Buffers, precision: str) -> Prepared:
    vips, f = imported("pyvips", "pyvips"), case.filter
    how, ask = adapted(_ASKED, f)
    if precision == "integer" and (case.dtype[0] == "f" or not isinstance(f, filters.Linear)):
        raise Unable("what has no integer weights is in the other row")
    asking = _Asking(vips, case, precision)
    pipe, how = ask(asking, f), f"{how}, libvips {'.'.join(map(str, asking.version))}"
    beyond = 0 if _repeated(case) else f.reach
    y, x = (case.shape[case.axes.index(axis)] for axis in "yx")

    def opened(array: Array) -> list[Any]:
        """Return the images of a batch, as libvips has them."""
        return [_opened(vips, each) for each in planes(padded(array, case, beyond), case.axes)]

    def call(i: int) -> list[Array]:
        given = ready[i] or opened(buffers.images[i].astype(np.float32))
        results = (pipe(image).crop(beyond, beyond, x, y) for image in given)
        return [_finished(case, result).numpy() for result in results]

    half = case.dtype == "float16"
    ready = [None if half else opened(each) for each in buffers.images]
    because = "its weights are integers of 8 bits" if precision == "integer" else ""
    allowed = _ROUGH * case.level if because else None
    return Prepared(
        call, how, allowed, because=because, alike=lambda found: found.reshape(case.shape)
    )


def _opened(vips: Any, array: Array) -> Any:
    rows, columns, bands = (*array.shape, 1)[:3]
    whole, kind = np.ascontiguousarray(array), _FORMATS[array.dtype.name]
    return vips.Image.new_from_memory(whole, columns, rows, bands, kind)


_PACKAGES = ("pyvips",)

PEERS = (
    Peer("libvips", _PACKAGES, "cpu", partial(_prepare, precision="float")),
    Peer("libvips, integer weights", _PACKAGES, "cpu", partial(_prepare, precision="integer")),
)
