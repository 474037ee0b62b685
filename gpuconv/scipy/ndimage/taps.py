"""Weights along one axis, the same object for the same numbers: what plans are found by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from numbers import Integral
from operator import index
from typing import Any, NamedTuple

import numpy as np

from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.scipy.arguments import anchor_of, border_of

__all__ = [
    "Line",
    "Taps",
    "Weighed",
    "flipped",
    "gaussian_taps",
    "line_of",
    "mean_taps",
    "taps_of",
]


@dataclass(frozen=True, eq=False)
class Weighed:
    """Weights of any number of axes, and what decides how they may be summed."""

    weights: Array

    @cached_property
    def integer(self) -> bool:
        """Whether all weights are integers, so that sums over integers are exact."""
        return bool((np.floor(self.weights) == self.weights).all())

    @cached_property
    def count(self) -> int:
        """How many weights are not 0."""
        return int(np.count_nonzero(self.weights))

    @cached_property
    def largest(self) -> float:
        """How many times the largest pixel a sum may be, before the division."""
        return float(np.abs(self.weights).sum())


@dataclass(frozen=True, eq=False)
class Taps(Weighed):
    """The weights of a filter along one axis, over a divisor."""

    divisor: int = 1

    @property
    def size(self) -> int:
        """How many."""
        return len(self.weights)

    @cached_property
    def sum(self) -> float:
        """What an image of ones becomes."""
        return float(self.weights.sum() / self.divisor)


class Line(NamedTuple):
    """One pass over an image: along which axis, with what, and what lies beyond the ends."""

    axis: int
    taps: Taps
    anchor: int
    border: str


def line_of(taps: Taps, axis: int, mode: Any, origin: Any) -> Line:
    """Return the pass along an axis, for SciPy's mode and origin.

    Examples
    --------
    >>> line_of(taps_of([1, 2, 1]), 0, "grid-wrap", -1)[2:]
    (0, 'wrap')
    """
    return Line(axis, taps, anchor_of(origin, taps.size), border_of(mode))


def flipped(weights: Array, origin: Any) -> tuple[Array, int]:
    """Return weights and origin of the correlation that is this convolution.

    Examples
    --------
    >>> flipped(np.array([1, 2]), 0)
    (array([2, 1]), -1)
    """
    return weights[::-1], -index(origin) - (len(weights) % 2 == 0)


def taps_of(weights: Any) -> Taps:
    """Return real weights as taps.

    Examples
    --------
    >>> taps_of([1, 2, 1]) is taps_of(np.array([1, 2, 1]))
    True
    """
    return _taps(np.asarray(weights, np.float64).tobytes())


@lru_cache(maxsize=512)
def _taps(content: bytes) -> Taps:
    return Taps(np.frombuffer(content, np.float64))


@lru_cache(maxsize=256)
def mean_taps(size: int) -> Taps:
    """Return the taps of a mean.

    Examples
    --------
    >>> mean_taps(4).weights.tolist(), mean_taps(4).divisor
    ([1.0, 1.0, 1.0, 1.0], 4)
    """
    return Taps(np.ones(size), size)


def gaussian_taps(sigma: Any, order: Any, truncate: float = 4.0, radius: Any = None) -> Taps:
    """Return a Gaussian or its derivative, as it is correlated with an image.

    Examples
    --------
    >>> gaussian_taps(1.0, 1, radius=1).weights.round(3).tolist()
    [-0.274, 0.0, 0.274]
    """
    given = (each[()] if isinstance(each, np.ndarray) else each for each in (sigma, order, radius))
    width, degree, end = given
    if np.iterable(width):
        raise ArgumentTypeError(
            "float() argument must be a string or a real number, not "
            f"{type(sigma).__name__!r}: sigma={sigma!r}"
        )
    reach = int(truncate * float(width) + 0.5) if end is None else end
    if not isinstance(reach, Integral) or reach < 0:
        raise ArgumentError(f"Radius must be a nonnegative integer.: it is {reach!r}")
    if degree < 0:
        raise ArgumentError(f"order must be non-negative: order={order!r}")
    return _gaussian_taps(width, index(degree), int(reach))


@lru_cache(maxsize=512, typed=True)  # a sigma of float32 is squared in float32
def _gaussian_taps(sigma: float, order: int, radius: int) -> Taps:
    return Taps(_gaussian(sigma, order, radius)[::-1].copy())


def _gaussian(sigma: float, order: int, radius: int) -> Array:
    """Return a derivative of the Gaussian whose weights sum to 1: it times a polynomial."""
    variance = sigma * sigma
    x = np.arange(-radius, radius + 1)
    bell: Array = np.exp(-0.5 / variance * x**2)
    bell /= bell.sum()
    if order == 0:
        return bell
    # (q · bell)' = (q' − x / σ² · q) · bell, coefficient by coefficient.
    polynomial = np.eye(1, order + 1)[0]
    for _ in range(order):
        slope = polynomial[1:] * np.arange(1, order + 1)
        shifted = polynomial[:-1] * (np.float64(1) / -variance)
        polynomial = np.append(slope, 0) + np.append(0, shifted)
    values: Array = (x[:, None] ** np.arange(order + 1)).dot(polynomial) * bell
    return values
