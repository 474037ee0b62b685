"""What these filters do otherwise than those of ``scipy.ndimage``."""

from __future__ import annotations

from gpuconv.exchange import Difference
from gpuconv.scipy.ndimage.rank_differences import DIFFERENCES as RANKS

__all__ = ["DIFFERENCES"]

_GIVEN = ("convolve", "convolve1d", "correlate", "correlate1d")
_GAUSSIANS = (
    *("gaussian_filter", "gaussian_filter1d"),
    *("gaussian_gradient_magnitude", "gaussian_laplace"),
)
_MEANS = ("uniform_filter", "uniform_filter1d")
_SLOPES = ("prewitt", "sobel")
_SUMS = (*_GIVEN, *_GAUSSIANS, *_MEANS, *_SLOPES, "laplace")


def _of(names: tuple[str, ...], how: str, why: str) -> tuple[Difference, ...]:
    return tuple(Difference(name, how, why) for name in names)


DIFFERENCES: tuple[Difference, ...] = (
    *_of(
        _SUMS,
        "Floats may differ in their last bits; those of up to 1,024 elements, integers and bools "
        "do not.",
        "Sums are taken in float64 too, but several passes are one, which rounds once, and large "
        "kernels go through Fourier transforms, whose error follows the largest element.",
    ),
    *_of(
        _SUMS,
        "Sums beyond ±2**31 wrap in outputs of int32 and of up to 16 bits, as they do in others; "
        "NaN and infinities become 0 in int32. In uint64 NaN becomes 0, and sums below -2**63 "
        "wrap.",
        "In C these casts are undefined; in SciPy as it is built for x86-64 they give -2**31, of "
        "which 16 bits are 0, and 2**63.",
    ),
    *_of(
        ("convolve1d", "correlate1d", *_GAUSSIANS, *_SLOPES),
        "A NaN or an infinity under a weight of 0 does not count.",
        "Along one axis SciPy multiplies it with the 0, which gives NaN; with weights of several "
        "axes it leaves it out, as is done here.",
    ),
    *_of(
        ("gaussian_gradient_magnitude", "gaussian_laplace"),
        "Near an infinity, results of arrays of more than 1,024 elements may be infinite.",
        "SciPy adds what several passes make of it, of both signs, which gives NaN in more places; "
        "here one pass has the weights of all.",
    ),
    *_of(
        _MEANS,
        "A NaN or an infinity spoils the means that it is in, and floats differ in their last "
        "bits, whatever their number; so may integers that are made of them.",
        "SciPy adds what enters a window to a running sum and subtracts what leaves it: a NaN "
        "stays to the end of the line, and rounding errors add up.",
    ),
    *_of(
        _MEANS,
        "Sums of integers beyond 2**53 may be rounded otherwise.",
        "SciPy's running sum has an order of its own.",
    ),
    *_of(
        _GIVEN,
        "Weights that are NaN or infinite raise ArgumentError, a ValueError.",
        "All that they could make is NaN and infinity.",
    ),
    *_of(
        ("gaussian_gradient_magnitude", "gaussian_laplace", "laplace"),
        "The output may be the input, or overlap it.",
        "SciPy overwrites what it still has to read, and returns something else.",
    ),
    *_of(
        ("generic_gradient_magnitude", "generic_laplace"),
        "The output may be the input, or overlap it, and the function then gets a copy.",
        "SciPy overwrites what it still has to read, and returns something else.",
    ),
    *RANKS,
)
