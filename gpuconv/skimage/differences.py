"""In what the stand-ins for ``skimage.filters`` and ``skimage.restoration`` differ from them."""

from __future__ import annotations

from gpuconv.exchange import Difference

__all__ = ["DIFFERENCES"]

_GRADIENTS = tuple(
    Difference(
        name,
        "A negative `axis` counts from the last, and gives what the same axis counted from 0 does.",
        "scikit-image multiplies the slope by the weights that smooth, too, for a negative axis: "
        "results are 1/4 of what they should be for Sobel, 3/16 for Scharr, 1/3 for Prewitt.",
    )
    for name in ("farid", "prewitt", "scharr", "sobel")
)

DIFFERENCES: tuple[Difference, ...] = (
    *_GRADIENTS,
    Difference(
        "gaussian",
        "Complex images raise ArgumentError, a ValueError, also with `preserve_range=True`.",
        "scikit-image drops their imaginary part then.",
    ),
    Difference(
        "gabor",
        "Borders of an image that is shorter than its kernel's radius repeat only its pixels.",
        "SciPy 1.17, which scikit-image convolves by, is wrong where a border repeats several "
        "times.",
    ),
    Difference(
        "unsharp_mask",
        "A negative `channel_axis` counts from the last.",
        "scikit-image filters slices of the first axis then, and leaves the rest of the result as "
        "the memory was.",
    ),
    Difference(
        "median",
        "`behavior='rank'` raises NotCoveredError; after enable(), scikit-image runs it.",
        "It is another filter, without borders, and scikit-image has it as filters.rank.median.",
    ),
    Difference(
        "denoise_bilateral",
        "The window is round, weights in space are those of `sigma_spatial`, and colours differ by "
        "the sum over their channels; weights are computed, so that `bins` is not used; results "
        "differ by up to 0.9 of the range, and a DifferenceWarning says so.",
        "scikit-image reads its table of weights in space with a wrong stride, and takes those of "
        "colours from a table whose steps are coarse for integers.",
    ),
    Difference(
        "denoise_bilateral",
        "The result has the image's shape.",
        "scikit-image drops axes of one element.",
    ),
    Difference(
        "denoise_nl_means",
        "Whole patches are compared and weights are exact, with and without `fast_mode`; results "
        "differ by some thousandths on average, and a DifferenceWarning says so.",
        "With `fast_mode` scikit-image leaves out a row and a column of each patch, takes weights "
        "below exp(-5) for 0, and has an exponential that is off by -3.9 to 2 %; without, it "
        "weighs the pixels of a patch by a Gaussian.",
    ),
    Difference(
        "denoise_nl_means",
        "Images of three or four axes raise NotCoveredError; after enable(), scikit-image runs "
        "them.",
        "gpuconv's filter is for pictures.",
    ),
    Difference(
        "richardson_lucy",
        "After many steps, results differ where there is hardly any light.",
        "Each step divides by the rounding errors of the one before, and those of a sum are others "
        "than those of the Fourier transforms that scikit-image convolves by.",
    ),
    Difference(
        "estimate_sigma",
        "Where all pixels are equal the result is NaN without a RuntimeWarning.",
        "There is nothing to take a median of, and the NaN says so.",
    ),
)
