"""Pillow: one thread, images of bytes, only filters that it has.

Images are Pillow's before the clock starts, and so are results. Ranks it has of float32 too. It
repeats the edge, or, as a kernel, leaves it as it is: where another border is wanted, the image is
given what lies beyond, before the clock starts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from .. import filters
from ..cases import Case
from ..filters import Filter
from ..suite.contract import Buffers, Peer, Prepared, Unable
from .asking import adapted, imported, padded

__all__ = ["PEERS"]

Array = NDArray[Any]

#: How far its blurs are off in the mean, in levels: of Gaussians as in `CASES` a half.
_ABOUT = 1.0
_BOXES = "its Gaussian is three boxes"


@dataclass(frozen=True)
class _Asked:
    """A filter of Pillow's, and how far its results may be off."""

    how: str
    filter: Any
    #: It filters no pixels at the edges.
    inside: bool = False
    allowed: float | None = None
    measure: str = ""
    because: str = ""


def _linear(kinds: Any, f: filters.Linear) -> _Asked:
    """Ask for a kernel; Pillow turns it upside down."""
    if f.weights.shape not in ((3, 3), (5, 5)):
        raise Unable("its kernels are of 3×3 and 5×5")
    weights = f.weights[::-1].ravel().tolist()
    return _Asked("Kernel", kinds.Kernel(f.weights.shape, weights, scale=1), inside=True)


def _gaussian(kinds: Any, f: filters.Gaussian) -> _Asked:
    limits = _ABOUT, "mean", _BOXES
    return _Asked("GaussianBlur", kinds.GaussianBlur(f.sigma), False, *limits)


def _box(kinds: Any, f: filters.Box) -> _Asked:
    return _Asked("BoxBlur", kinds.BoxBlur(f.reach))


def _unsharp(kinds: Any, f: filters.Unsharp) -> _Asked:
    mask = kinds.UnsharpMask(f.sigma, round(100 * f.amount), 0)
    return _Asked("UnsharpMask", mask, False, _ABOUT, "mean", _BOXES)


def _median(kinds: Any, f: filters.Median) -> _Asked:
    return _Asked("MedianFilter", kinds.MedianFilter(f.side))


def _extreme(kinds: Any, f: filters.Extreme) -> _Asked:
    name = "MinFilter" if f.which == "minimum" else "MaxFilter"
    return _Asked(name, getattr(kinds, name)(f.side))


def _percentile(kinds: Any, f: filters.Percentile) -> _Asked:
    return _Asked("RankFilter", kinds.RankFilter(f.side, f.index))


_MODULES = ("Image", "ImageFilter")
_RANKS = (filters.Median, filters.Extreme, filters.Percentile)
_ASKED: dict[type[Filter], Callable[[Any, Any], _Asked]] = {
    filters.Linear: _linear,
    filters.Gaussian: _gaussian,
    filters.Box: _box,
    filters.Unsharp: _unsharp,
    filters.Median: _median,
    filters.Extreme: _extreme,
    filters.Percentile: _percentile,
}


def _suits(case: Case) -> None:
    """Raise `Unable` for images that it does not filter."""
    if case.dtype != "uint8" and not isinstance(case.filter, _RANKS):
        raise Unable("its sums are of bytes")
    if case.dtype not in ("uint8", "float32"):
        raise Unable("its ranks are of bytes and float32")
    if case.axes != "yx" and (case.axes, case.dtype) != ("yxc", "uint8"):
        raise Unable("its images are grey, or bytes of three colours")


def _prepare(case: Case, buffers: Buffers) -> Prepared:
    image, kinds, f = (
        imported("PIL.Image", "Pillow"),
        imported("PIL.ImageFilter", "Pillow"),
        case.filter,
    )
    ask = adapted(_ASKED, f)
    _suits(case)
    asked = ask(kinds, f)
    more = f.reach if asked.inside or case.border != "nearest" else 0
    images = [image.fromarray(padded(each, case, more)) for each in buffers.images]

    def inner(result: Array) -> Array:
        return result[more : more + case.shape[0], more : more + case.shape[1]]

    limits = asked.allowed, asked.measure, asked.because
    return Prepared(lambda i: images[i].filter(asked.filter), asked.how, *limits, alike=inner)


PEERS = (Peer("Pillow", ("pillow",), "cpu", _prepare),)
