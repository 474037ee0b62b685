"""Non-local means: an average over pixels whose surroundings are alike."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import Any, ClassVar

import numpy as np

from gpuconv.dtypes import summed_in
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.neighbourhood.base import Neighbourhood
from gpuconv.neighbourhood.measures import measure

__all__ = ["NonLocalMeans"]

#: Pixels across a patch: the sums of all its columns must fit into the shared memory of any GPU.
_LARGEST_PATCH = 127
#: Rows and columns from a patch to those it is compared with.
_FURTHEST = 1023
#: h and sigma whose squares, and what is made of them, float32 holds; the same of float64, and what
#: h counts as beyond; and sigma / h at most, with less of which no weight but 0 and 1 is likely.
_SINGLE, _DOUBLE = (1e-15, 1e15), (1e-150, 1e150)
_MOST_SPARED = 1e15


@dataclass(frozen=True)
class NonLocalMeans(Neighbourhood):
    """The mean over a search window, weighed by likeness of patches; make one with :meth:`of`.

    Output p is Σ w·I(q) / Σ w over pixels q at most `search_distance` rows and columns away, where
    w = exp(−max(d² − 2·sigma², 0) / h²), and d² is the mean squared difference of the patches
    around p and q, over all channels (Buades, Coll and Morel, CVPR 2005; pixels of a patch all
    count alike, as in Darbon et al., ISBI 2008).

    Examples
    --------
    >>> NonLocalMeans.of(7, 11, h=12.0)
    NonLocalMeans(patch_size=7, search_distance=11, h=12.0, sigma=0.0)
    """

    family: ClassVar[str] = "nl_means"
    joint: ClassVar[bool] = True

    #: Rows and columns of a patch; one of even size reaches further up and left by a pixel.
    patch_size: int
    #: Rows and columns from p to q, at most.
    search_distance: int
    #: In units of pixel values, and so is `sigma`, the standard deviation of the noise.
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
        patch = _count("patch_size", patch_size, _LARGEST_PATCH)
        search = _count("search_distance", search_distance, _FURTHEST)
        # First what h may follow from.
        spared = measure("sigma", sigma, zero=True)
        return cls(patch, search, measure("h", h), spared)

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

    def exponent(self, channels: int) -> tuple[float, float]:
        """Return (scale, spared): a weight is exp(min(spared − scale · D, 0)).

        D is the sum of the squared differences of two patches, over all channels.
        """
        least, most = _DOUBLE
        h = min(max(self.h, self.sigma / _MOST_SPARED, least), most)
        area = channels * self.patch_size**2
        return 1 / h / h / area, 2 * min(self.sigma / h, _MOST_SPARED) ** 2

    def computed_in(self, dtype: np.dtype[Any], out_dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Return the wider of the accumulators of both dtypes, or what h and sigma take."""
        least, most = _SINGLE
        if not (least <= self.h <= most and self.sigma <= most):
            return np.dtype(np.float64)
        return summed_in(dtype, out_dtype)


def _count(argument: str, value: Any, most: int) -> int:
    try:
        count = index(value)
    except TypeError:
        raise ArgumentTypeError(f"{argument}={value!r} must be an integer") from None
    if not 1 <= count <= most:
        raise ArgumentError(f"{argument}={value} must be in 1 … {most}")
    return count
