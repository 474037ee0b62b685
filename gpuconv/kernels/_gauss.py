"""The one-dimensional Gaussian, sampled, differentiated or over whole pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from gpuconv.errors import ArgumentError
from gpuconv.kernels._check import affordable, count, number

__all__ = ["cell_masses", "radius_of", "samples"]

Array = NDArray[Any]


def radius_of(sigma: float, truncate: float, radius: int | None, suffix: str = "") -> int:
    """Return the taps on either side: `radius`, or SciPy's ``int(truncate * sigma + 0.5)``."""
    if radius is not None:
        result = count(f"radius{suffix}", radius)
        affordable(f"radius{suffix}={radius}", 2 * result + 1)
        return result
    reach = number("truncate", truncate, at_least=0) * sigma
    affordable(f"sigma{suffix}={sigma:g} with truncate={truncate:g}", 2 * reach + 1)
    return int(reach + 0.5)


def samples(sigma: float, radius: int, order: int = 0) -> Array:
    """Return exp(−x²/2σ²), scaled to the sum 1, times the polynomial of its `order`-th derivative.

    With φ the Gaussian, φ⁽ⁿ⁾ = qₙ·φ, where q₀ = 1 and qₙ₊₁ = qₙ′ − (x/σ²)·qₙ. The samples are
    SciPy's: cut off and scaled first, differentiated after.

    Examples
    --------
    >>> samples(1, 2).round(4).tolist()
    [0.0545, 0.2442, 0.4026, 0.2442, 0.0545]
    >>> samples(1, 2, order=1).round(4).tolist()
    [0.109, 0.2442, 0.0, -0.2442, -0.109]
    """
    if sigma == 0:
        if order:
            raise ArgumentError(
                f"sigma={sigma:g} must be above 0 for order={order}: a single pixel has no slope"
            )
        return np.ones(1)
    # What overflows for a tiny sigma is a zero weight, or not finite, which Kernel refuses.
    with np.errstate(all="ignore"):
        x = np.arange(-radius, radius + 1) / sigma
        phi = np.exp(-0.5 * x * x)
        phi /= phi.sum()
        q = Polynomial([1.0])
        for _ in range(order):
            q = q.deriv() - Polynomial([0.0, 1.0]) * q
        result: Array = phi * q(x) / np.float64(sigma) ** order
    return result


def cell_masses(sigma: float, radius: int) -> Array:
    """Return ∫ of the Gaussian over each pixel, from the centre outwards: `radius` + 1 values."""
    edges = [math.erfc((i - 0.5) / (sigma * math.sqrt(2))) / 2 for i in range(radius + 2)]
    return -np.diff(edges)
