"""The bilateral filter: an average over pixels that are near, and alike."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from operator import index
from typing import Any, ClassVar

import numpy as np

from gpuconv.dtypes import summed_in
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.neighbourhood.base import Neighbourhood
from gpuconv.neighbourhood.measures import measure

__all__ = ["Bilateral"]

#: Pixels across the window, at most.
_WIDEST = 2**12


@dataclass(frozen=True)
class Bilateral(Neighbourhood):
    """The mean of a circular window, weighed by distance and by likeness; make one with :meth:`of`.

    Output p is Σ w·I(q) / Σ w over pixels q with |p − q| ≤ radius, where
    w = exp(−|p − q|² / 2·sigma_space²) · exp(−‖I(p) − I(q)‖² / 2·sigma_color²), and ‖·‖ is the sum
    of the absolute differences of all channels (Tomasi and Manduchi, ICCV 1998; the distance of
    colours is OpenCV's).

    Examples
    --------
    >>> Bilateral.of(9, sigma_color=25.0, sigma_space=3.0)
    Bilateral(radius=4, sigma_color=25.0, sigma_space=3.0)
    >>> Bilateral.of(sigma_color=25.0, sigma_space=3.0).radius
    4
    """

    family: ClassVar[str] = "bilateral"
    joint: ClassVar[bool] = True

    radius: int
    #: In units of pixel values.
    sigma_color: float
    #: In pixels.
    sigma_space: float

    @classmethod
    def of(
        cls,
        diameter: int | None = None,
        *,
        sigma_color: float,
        sigma_space: float | None = None,
    ) -> Bilateral:
        """Return the filter of a window `diameter` pixels across, or of a given `sigma_space`.

        One follows from the other as in OpenCV: radius = rint(1.5 · sigma_space), and without
        `sigma_space` it is radius / 1.5.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            Neither is given, or a value is not allowed.
        """
        if diameter is None and sigma_space is None:
            raise ArgumentError("give diameter or sigma_space, or both")
        color = measure("sigma_color", sigma_color)
        space = None if sigma_space is None else measure("sigma_space", sigma_space)
        radius = round(min(1.5 * (space or 0), _WIDEST))
        if diameter is not None:
            try:
                across = index(diameter)
            except TypeError:
                raise ArgumentTypeError(f"diameter={diameter!r} must be an integer") from None
            if not 1 <= across < _WIDEST:
                raise ArgumentError(f"diameter={diameter} must be in 1 … {_WIDEST - 1}")
            radius = across // 2
        if radius >= _WIDEST // 2:
            raise ArgumentError(f"sigma_space={sigma_space} must be below {_WIDEST / 3:.0f}")
        return cls(max(radius, 1), color, space or max(radius, 1) / 1.5)

    @property
    def half(self) -> list[tuple[int, int]]:
        """Shifts (down, right) of half of the window: the other half is these, negative.

        Examples
        --------
        >>> Bilateral.of(3, sigma_color=1).half
        [(0, 1), (1, 0)]
        """
        r = self.radius
        return [
            (y, x)
            for y in range(r + 1)
            for x in range(-r, r + 1)
            if y * y + x * x <= r * r and (y, x) > (0, 0)
        ]

    @property
    def taps(self) -> int:
        """Pixels of the window."""
        r = self.radius
        return sum(2 * isqrt(r * r - y * y) + 1 for y in range(-r, r + 1))

    def log_space(self, square: int) -> float:
        """Return the logarithm of the weight of a pixel by the square of how far it is."""
        # Not by the square of sigma_space, which may be 0 or infinite.
        return -square / self.sigma_space / self.sigma_space / 2

    @property
    def reach(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Pixels read (above, below) and (left, right) of an output."""
        return (self.radius, self.radius), (self.radius, self.radius)

    @property
    def label(self) -> str:
        """The filter in a few words."""
        across = 2 * self.radius + 1
        return (
            f"bilateral, {across} pixels across, sigma_color={self.sigma_color:g}, "
            f"sigma_space={self.sigma_space:g}"
        )

    def computed_in(self, dtype: np.dtype[Any], out_dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Return the wider of the accumulators of both dtypes."""
        return summed_in(dtype, out_dtype)
