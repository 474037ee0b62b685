"""Kernels that differentiate by finite differences, of any order and accuracy."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

import numpy as np

from gpuconv.errors import ArgumentError, choose
from gpuconv.kernel import Kernel
from gpuconv.kernels._check import count
from gpuconv.kernels._kept import kept

__all__ = ["derivative_x", "derivative_y"]

Scheme = Literal["central", "forward", "backward"]


@kept
def derivative_x(order: int = 1, accuracy: int = 2, scheme: Scheme = "central") -> Kernel:
    """Differentiate along the rows by finite differences.

    The weights that are exact for all polynomials of a degree below `order` + `accuracy`; as
    fractions, so that the numerators are integers. A ramp that grows by 1 a pixel gives 1.

    Parameters
    ----------
    order : int, default 1
        Which derivative, 1 … 4: 1 is the slope to the right, 2 the curvature.
    accuracy : int, default 2
        Power of the pixel size that the error shrinks with, 1 … 8; even for "central", where 2
        gives [−1 0 1]/2 and 4 the five points [1 −8 0 8 −1]/12 (as they lie over the image).
    scheme : {"central", "forward", "backward"}, default "central"
        Which pixels are used: on both sides, only this one and those to the right, only this one
        and those to the left.

    Returns
    -------
    Kernel
        One row of integers with a divisor.

    Raises
    ------
    ArgumentError
        An unknown scheme, or an odd accuracy with central differences.

    References
    ----------
    B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids",
    Math. Comp. 51 (1988).

    Examples
    --------
    >>> derivative_x()
    <Kernel derivative_x 1×3, 1 separable term, anchor (0, 1)>
    [[ 1  0 -1]] / 2
    >>> derivative_x(accuracy=4)
    <Kernel derivative_x 1×5, 1 separable term, anchor (0, 2)>
    [[-1  8  0 -8  1]] / 12
    >>> derivative_x(accuracy=1, scheme="forward")
    <Kernel derivative_x 1×2, 1 separable term, anchor (0, 1)>
    [[ 1 -1]]
    """
    row, anchor, divisor = _difference(order, accuracy, scheme)
    return Kernel.separable([1], row, anchor=(0, anchor), divisor=divisor, name="derivative_x")


@kept
def derivative_y(order: int = 1, accuracy: int = 2, scheme: Scheme = "central") -> Kernel:
    """Differentiate along the columns by finite differences.

    As :func:`derivative_x`, downwards.

    Parameters
    ----------
    order : int, default 1
        Which derivative, 1 … 4: 1 is the slope downwards, 2 the curvature.
    accuracy : int, default 2
        Power of the pixel size that the error shrinks with, 1 … 8; even for "central".
    scheme : {"central", "forward", "backward"}, default "central"
        Which pixels are used: on both sides, only this one and those below, only this one and
        those above.

    Returns
    -------
    Kernel
        One column of integers with a divisor.

    Raises
    ------
    ArgumentError
        An unknown scheme, or an odd accuracy with central differences.

    Examples
    --------
    >>> derivative_y(order=2).weights.ravel().tolist()
    [1, -2, 1]
    """
    column, anchor, divisor = _difference(order, accuracy, scheme)
    return Kernel.separable(column, [1], anchor=(anchor, 0), divisor=divisor, name="derivative_y")


def _difference(order: int, accuracy: int, scheme: str) -> tuple[list[int], int, int]:
    """Return the numerators, turned for convolution, their anchor, and the divisor."""
    order = count("order", order, at_least=1, at_most=4)
    accuracy = count("accuracy", accuracy, at_least=1, at_most=8)
    choose("scheme", scheme, ("central", "forward", "backward"), "a finite-difference scheme")
    if scheme == "central" and accuracy % 2:
        raise ArgumentError(
            f"accuracy={accuracy} must be even with scheme='central', whose odd errors cancel"
        )
    reach = order + accuracy - 1
    half = (order + 1) // 2 + accuracy // 2 - 1
    first, last = {"central": (-half, half), "forward": (0, reach), "backward": (-reach, 0)}[scheme]
    weights = _stencil(range(first, last + 1), order)
    divisor = math.lcm(*(weight.denominator for weight in weights))
    return [int(weight * divisor) for weight in reversed(weights)], last, divisor


def _stencil(offsets: range, order: int) -> list[Fraction]:
    """Return the `order`-th derivatives at 0 of the Lagrange polynomials through `offsets`."""
    weights = []
    for here in offsets:
        others = [offset for offset in offsets if offset != here]
        # Numerators ∏(x − m) have whole coefficients below 12!, exact in the float64 of np.poly.
        coefficient = round(np.poly(others)[-1 - order])
        slope = math.factorial(order) * coefficient
        weights.append(Fraction(slope, math.prod(here - other for other in others)))
    return weights
