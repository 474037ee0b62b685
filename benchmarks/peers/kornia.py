"""kornia on a GPU: filters of floats, which return tensors; integers are cast on the clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import filters
from ..cases import Case
from ..filters import Filter
from ..suite.contract import Buffers, Peer, Prepared
from .asking import adapted, imported
from .on_gpu import border_of, in_turn, two_roundings
from .tensors import Tensors

__all__ = ["PEERS"]

#: What it calls borders.
_BORDERS = {
    "constant": "constant",
    "mirror": "reflect",
    "nearest": "replicate",
    "wrap": "circular",
}
#: Filters a tensor of floats.
_Run = Callable[[Any], Any]


def _linear(kornia: Any, f: filters.Linear, of: Tensors) -> _Run:
    border, weights = border_of(of.case, _BORDERS), of.weights(f.weights, of.working)[0]
    return lambda image: kornia.filters.filter2d(image, weights, border)


def _gaussian(kornia: Any, f: filters.Gaussian, of: Tensors) -> _Run:
    border, sigma = border_of(of.case, _BORDERS), (f.sigma, f.sigma)
    return lambda image: kornia.filters.gaussian_blur2d(image, f.taps, sigma, border)


def _box(kornia: Any, f: filters.Box, of: Tensors) -> _Run:
    border = border_of(of.case, _BORDERS)
    return lambda image: kornia.filters.box_blur(image, f.side, border)


def _sobel(kornia: Any, f: filters.Sobel, of: Tensors) -> _Run:
    border_of(of.case, {"nearest": "replicate"})
    return lambda image: kornia.filters.sobel(image, normalized=False, eps=0.0)


def _unsharp(kornia: Any, f: filters.Unsharp, of: Tensors) -> _Run:
    border, side, sigma = border_of(of.case, _BORDERS), 2 * f.reach + 1, (f.sigma, f.sigma)
    return lambda image: kornia.filters.unsharp_mask(image, side, sigma, border)


def _median(kornia: Any, f: filters.Median, of: Tensors) -> _Run:
    border = border_of(of.case, _BORDERS)
    return lambda image: kornia.filters.median_blur(image, f.side, border)


def _extreme(kornia: Any, f: filters.Extreme, of: Tensors) -> _Run:
    """Ask for its "geodesic" border, which counts the pixels inside: repeated ones add none."""
    border_of(of.case, {"reflect": "geodesic"})
    window = of.weights(np.ones((f.side, f.side)), of.working)[0, 0]
    found = kornia.morphology.erosion if f.which == "minimum" else kornia.morphology.dilation
    return lambda image: found(image, window)


def _bilateral(kornia: Any, f: filters.Bilateral, of: Tensors) -> _Run:
    """Ask for it with the colours of a pixel together: as channels, and not as images."""
    border, color, space = border_of(of.case, _BORDERS), f.color * of.case.level, (f.space,) * 2
    return lambda image: kornia.filters.bilateral_blur(
        image.movedim(1, 0), f.diameter, color, space, border
    )


_ASKED: dict[type[Filter], tuple[str, Callable[[Any, Any, Tensors], _Run]]] = {
    filters.Linear: ("filters.filter2d", _linear),
    filters.Gaussian: ("filters.gaussian_blur2d", _gaussian),
    filters.Box: ("filters.box_blur", _box),
    filters.Sobel: ("filters.sobel", _sobel),
    filters.Unsharp: ("filters.unsharp_mask", _unsharp),
    filters.Median: ("filters.median_blur", _median),
    filters.Extreme: ("morphology.erosion or dilation", _extreme),
    filters.Bilateral: ("filters.bilateral_blur", _bilateral),
}


def _different(case: Case) -> tuple[float | None, str, str]:
    """Return how far a result may be off, how that is measured, and why."""
    if isinstance(case.filter, filters.Bilateral):
        return 3.0 * case.level, "mean", "its window is a square"
    return two_roundings(case) if case.dtype == "float16" else (None, "", "")


def _prepare(case: Case, buffers: Buffers) -> Prepared:
    how, ask = adapted(_ASKED, case.filter)
    kornia, tensors = imported("kornia", "kornia"), Tensors.of(case, buffers)
    run, working = ask(kornia, case.filter, tensors), tensors.working
    call = in_turn(tensors, lambda image: tensors.stored(run(image.to(working))))
    return Prepared(call, how, *_different(case), alike=tensors.image)


PEERS = (Peer("kornia", ("kornia",), "cuda", _prepare),)
