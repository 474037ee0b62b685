"""Kernels made from kernels: turned, cut, scaled, added, composed.

Linearity and associativity make one pass of several: ``a + b`` does what both do and adds the
results, ``a @ b`` does `a` after `b`. Integer weights stay integers, separable terms stay terms.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self, TypeAlias

import numpy as np

from gpuconv.weights import Weights, check_divisor

__all__ = ["Algebra"]

Scalar: TypeAlias = int | float | complex


class Algebra:
    """The operations of :class:`gpuconv.Kernel`."""

    anchor: tuple[int, int]
    divisor: float
    name: str
    _weights: Weights

    if TYPE_CHECKING:  # what Kernel is made from

        def __init__(
            self,
            weights: Weights,
            *,
            anchor: tuple[int, int] | None = None,
            divisor: float = 1,
            name: str = "",
        ) -> None: ...

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)"""
        return self._weights.shape

    def anchored(self, y: int, x: int) -> Self:
        """Return the same weights with the anchor at row `y`, column `x`."""
        return type(self)(self._weights, anchor=(y, x), divisor=self.divisor, name=self.name)

    def flip(self) -> Self:
        """Return the kernel turned by 180°: correlating with it is convolving with this one.

        Examples
        --------
        >>> from gpuconv import Kernel
        >>> Kernel([[1, 2, 3, 4]]).flip().anchor
        (0, 1)
        """
        anchor = (self.shape[0] - 1 - self.anchor[0], self.shape[1] - 1 - self.anchor[1])
        return type(self)(self._weights.flip(), anchor=anchor, divisor=self.divisor, name=self.name)

    def margins(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return how many rows (top, bottom) and columns (left, right) at the rim are zero.

        Examples
        --------
        >>> from gpuconv import Kernel
        >>> Kernel([[0, 0, 5], [0, 0, 0]]).margins()
        ((0, 1), (2, 0))
        """
        return self._weights.margins()

    def cropped(self, rows: tuple[int, int], columns: tuple[int, int]) -> Self:
        """Return the kernel without that many rows (top, bottom) and columns (left, right).

        The anchor moves with the weights; if it was cut away, to the nearest that is left.
        """
        weights = self._weights.crop(rows, columns)
        moved = self.anchor[0] - rows[0], self.anchor[1] - columns[0]
        y, x = (min(max(a, 0), n - 1) for a, n in zip(moved, weights.shape, strict=True))
        return type(self)(weights, anchor=(y, x), divisor=self.divisor, name=self.name)

    def trim(self) -> Self:
        """Return the same filter without margins of zeros, but for those up to the anchor.

        Examples
        --------
        >>> from gpuconv import Kernel
        >>> trimmed = Kernel([[0, 0, 0, 0, 0], [0, 1, 2, 0, 0], [0, 0, 0, 0, 0]]).trim()
        >>> trimmed.weights.tolist(), trimmed.anchor
        ([[1, 2]], (0, 1))
        """
        (top, bottom), (left, right) = self.margins()
        (y, x), (height, width) = self.anchor, self.shape
        rows = min(top, y), min(bottom, height - 1 - y)
        columns = min(left, x), min(right, width - 1 - x)
        return self.cropped(rows, columns)

    @property
    def T(self) -> Self:
        """The kernel with rows and columns exchanged."""
        return type(self)(self._weights.transpose(), anchor=self.anchor[::-1], divisor=self.divisor)

    @property
    def real(self) -> Self:
        """The kernel of the real parts of the weights."""
        return type(self)(self._weights.real(), anchor=self.anchor, divisor=self.divisor)

    @property
    def imag(self) -> Self:
        """The kernel of the imaginary parts of the weights."""
        return type(self)(self._weights.imag(), anchor=self.anchor, divisor=self.divisor)

    def __add__(self, other: Self) -> Self:
        if not isinstance(other, Algebra):
            return NotImplemented
        exact = isinstance(self.divisor, int) and isinstance(other.divisor, int)
        divisor = math.lcm(int(self.divisor), int(other.divisor)) if exact else 1
        a, b = (k._weights.scale(divisor / k.divisor) for k in (self, other))
        total, anchor = a.add(b, self.anchor, other.anchor)
        return type(self)(total, anchor=anchor, divisor=divisor)

    def __sub__(self, other: Self) -> Self:
        return self + -other if isinstance(other, Algebra) else NotImplemented

    def __neg__(self) -> Self:
        return -1 * self

    def __mul__(self, factor: Scalar) -> Self:
        if not isinstance(factor, Scalar | np.number):
            return NotImplemented
        return type(self)(self._weights.scale(factor), anchor=self.anchor, divisor=self.divisor)

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Self:
        if not isinstance(divisor, (int, float, np.integer, np.floating)):
            return NotImplemented
        exact = self.divisor * check_divisor(divisor)  # not in the narrow dtype of a NumPy scalar
        return type(self)(self._weights, anchor=self.anchor, divisor=exact)

    def __matmul__(self, other: Self) -> Self:
        """Return the one kernel that does what this one does after `other` (full convolution)."""
        if not isinstance(other, Algebra):
            return NotImplemented
        return type(self)(
            self._weights.compose(other._weights),
            anchor=(self.anchor[0] + other.anchor[0], self.anchor[1] + other.anchor[1]),
            divisor=self.divisor * other.divisor,
        )
