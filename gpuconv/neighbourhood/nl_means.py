"""Non-local means: an average over pixels whose surroundings are alike."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from operator import index
from typing import Any, ClassVar

import numpy as np

from gpuconv.dtypes import rule
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.neighbourhood.base import Neighbourhood

__all__ = ["NonLocalMeans"]


@dataclass(frozen=True)
class NonLocalMeans(Neighbourhood):
    """The mean over a search window, weighed by likeness of patches; make one with :meth:`of`.

    Output p is Σ w·I(q) / Σ w over pixels q at most `search_distance` rows and columns away, where
    w = exp(−max(d² − 2·sigma², 0) / h²), and d² is the mean squared difference of the patches
    around p and q, over all channels (Buades, Coll and Morel, CVPR 2005; the patch's own weights
    are equal, as in Darbon et al., ISBI 2008).

    Examples
    --------
    >>> NonLocalMeans.of(7, 11, h=12.0)
    NonLocalMeans(patch_size=7, search_distance=11, h=12.0, sigma=0.0)
    """

    family: ClassVar[str] = "nl_means"
    joint: ClassVar[bool] = True

    patch_size: int
    search_distance: int
    h: float
    sigma: float = 0.0

    @classmethod
    def of(
        cls, patch_size: int = 7, search_distance: int = 11, *, h: float, sigma: float = 0.0
    ) -> NonLocalMeans:
        """Return the filter, its arguments checked.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            A value is not allowed.
        """
        patch, search = _count("patch_size", patch_size), _count("search_distance", search_distance)
        for argument, value, least in (("h", h, True), ("sigma", sigma, False)):
            if not isinstance(value, (int, float, np.number)):
                raise ArgumentTypeError(f"{argument}={value!r} must be a number")
            if not (isfinite(value) and (value > 0 if least else value >= 0)):
                allowed = "above 0" if least else "at least 0"
                raise ArgumentError(f"{argument}={value!r} must be finite and {allowed}")
        return cls(patch, search, float(h), float(sigma))

    @property
    def reach(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Pixels read (above, below) and (left, right) of an output."""
        half = self.patch_size // 2
        before = self.search_distance + half
        after = self.search_distance + self.patch_size - 1 - half
        return (before, after), (before, after)

    @property
    def label(self) -> str:
        """The filter in a few words."""
        patch, search = self.patch_size, 2 * self.search_distance + 1
        told = f"patches of {patch}×{patch} in windows of {search}×{search}, h={self.h:g}"
        return told + (f", sigma={self.sigma:g}" if self.sigma else "")

    def computed_in(self, dtype: np.dtype[Any], out_dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Return the wider of the accumulators of both dtypes."""
        return max(np.dtype(rule(d).accumulator) for d in (dtype, out_dtype))


def _count(argument: str, value: Any) -> int:
    try:
        count = index(value)
    except TypeError:
        raise ArgumentTypeError(f"{argument}={value!r} must be an integer") from None
    if not 1 <= count < 2**10:
        raise ArgumentError(f"{argument}={value} must be in 1 … {2**10 - 1}")
    return count
