"""Tap by tap, for tiles with NaN or infinity: reads no pixel but those under a weight ≠ 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import tiling
from gpuconv.backends.host.block import every
from gpuconv.plan import Plan

__all__ = ["by_definition"]

Array = NDArray[Any]


def by_definition(plan: Plan, pixels: Array, shape: tuple[int, int]) -> Array:
    """Return the sums of a tile of `shape`, loaded with its halo into `pixels`.

    They are taken in float64: one after the other, in float32, the errors of thousands of sums of
    like numbers all go the same way.
    """
    y, x, weights = plan.y, plan.x, plan.kernel.numerators
    # Terms found for dense weights are equal to them up to rounding, zeros perhaps not among them.
    if len(plan.terms) != 1 or ((np.outer(*plan.terms[0]) != 0) != (weights != 0)).any():
        return _taps(pixels, weights, y, x, shape).astype(pixels.dtype)
    (column, row) = plan.terms[0]
    wide = (shape[1] - 1) * x.stride + x.footprint
    between = _taps(pixels, column[:, None], y, _IDLE, (shape[0], wide))
    return _taps(between, row[None, :], _IDLE, x, shape).astype(pixels.dtype)


#: The axis along which a 1-D pass does nothing.
_IDLE = tiling.axis(1, 1, 0)


def _taps(
    pixels: Array, weights: Array, y: tiling.Axis, x: tiling.Axis, shape: tuple[int, int]
) -> Array:
    """Return Σ weight · shifted pixels over weights ≠ 0, in float64."""
    total = np.zeros(shape)
    for row, column in np.argwhere(weights):
        shifted = pixels[every(row, y, shape[0]), every(column, x, shape[1])]
        total += np.float64(weights[row, column]) * shifted
    return total
