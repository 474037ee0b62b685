"""Pixels that count more, less, or not at all: what normalised convolution divides by.

With weights m ≥ 0 of the pixels x beside the weights w of the kernel, a result is the weighted mean
of the pixels that count, times what the kernel makes of an image of ones::

    Σ w · Σ w·m·x / Σ w·m

Where every pixel counts as 1 that is the plain Σ w·x. A pixel of weight 0 does not exist, whatever
it holds. The "constant" border is made of pixels of weight 1.

References
----------
H. Knutsson and C.-F. Westin, "Normalized and differential convolution", CVPR 1993.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuconv.errors import ArgumentError
from gpuconv.kernel import Kernel

__all__ = ["VANISHING", "check_gain", "gain", "least"]

#: Σ w·m is taken for 0 up to this many eps of the accumulator, times Σ|w| · max m: such a sum may
#: be nothing but the rounding of its terms.
VANISHING = 4


def least(total: float, largest: float, accumulator: np.dtype[Any]) -> float:
    """Return the |Σ w·m| up to which there is nothing to divide by: no pixel counts.

    Parameters
    ----------
    total : float
        Σ|w|.
    largest : float
        The largest weight of any pixel, those of a "constant" border included.
    accumulator : dtype
        In which Σ w·m is summed.

    Examples
    --------
    >>> least(1.0, 1.0, np.dtype("float64")) < 1e-15
    True
    """
    return VANISHING * float(np.finfo(accumulator).eps) * total * largest


def gain(kernel: Kernel) -> float:
    """Return the sum of a kernel's numerators: what it makes of an image of ones.

    Examples
    --------
    >>> gain(Kernel([[1, 2], [3, 4]], divisor=10)), gain(Kernel.separable([1, 2], [3, 4]))
    (10.0, 21.0)
    """
    if kernel.terms:
        return float(sum(column.sum() * row.sum() for column, row in kernel.terms))
    return float(kernel.numerators.sum())


def check_gain(kernel: Kernel, accumulator: np.dtype[Any]) -> None:
    """Refuse a kernel whose weights sum to nothing: there is nothing to normalise by.

    Examples
    --------
    >>> check_gain(Kernel([[1, 0, -1]]), np.dtype("float32"))
    Traceback (most recent call last):
    ...
    gpuconv.errors.ArgumentError: kernel has weights that sum to 0, by which results are \
normalised with mask= or nan='ignore'; fill the pixels that do not count, and leave those out
    """
    total = gain(kernel)
    if abs(total) <= least(kernel.total, 1.0, accumulator):
        raise ArgumentError(
            f"kernel has weights that sum to {total:.3g}, by which results are normalised with "
            "mask= or nan='ignore'; fill the pixels that do not count, and leave those out"
        )
