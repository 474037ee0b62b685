"""In what the functions here differ from those of ``scipy.signal``."""

from __future__ import annotations

from gpuconv.exchange import Difference

__all__ = ["DIFFERENCES"]

_SUMS = ("convolve", "correlate", "convolve2d", "correlate2d")
_SPECTRA = ("fftconvolve", "oaconvolve")
_RANKS = ("medfilt", "medfilt2d", "order_filter")

_HOLES = (
    "In two and more dimensions a NaN or an infinity does not count under a weight of 0; with "
    "SciPy the result is NaN."
)
_LAST_BITS = "Floats may differ in their last bits."
_LOCAL = (
    "Where Fourier transforms are taken, what a NaN or an infinity spoils is, of a real plane of "
    "16384 elements or more, what it lies under; of a line, a piece of 4096 elements or more; else "
    "the whole result. With SciPy it is the whole result, or a block of oaconvolve's."
)
_EXACT = (
    "Integers are exact, modulo 2**bits, and bools, too, for every method; SciPy's method 'fft' "
    "rounds what a transform in float64 gives."
)
_HALVES = (
    "With method='auto', float16 of two and more dimensions always goes through transforms, and "
    "lines of bool, float16 or objects are summed for mode='same' with a longer in2, too, where "
    "SciPy raises."
)
_WARNING = (
    "With method='fft' a warning tells of any result that is not finite; SciPy looks at the first "
    "one."
)

_FILL = (
    "A `fillvalue` of None, or complex for real results, raises, and an array of one element is "
    "taken; SciPy makes NaN of None and the real part of NumPy's complex scalars."
)

DIFFERENCES: tuple[Difference, ...] = (
    *(
        Difference(name, _LAST_BITS, "Sums are taken in another order, transforms in other pieces.")
        for name in (*_SUMS, *_SPECTRA, "sepfir2d", "wiener")
    ),
    *(
        Difference(
            name, _LOCAL, "Engines transform tiles, and do again by sums those that are not finite."
        )
        for name in ("convolve", "correlate", *_SPECTRA, "wiener")
    ),
    *(Difference(name, _HOLES, "Weights of 0 are not summed.") for name in _SUMS),
    *(
        Difference(name, text, why)
        for name in ("convolve", "correlate")
        for text, why in (
            (_EXACT, "Engines have exact sums of integers, by whichever algorithm."),
            (_HALVES, "No error is of use where there is a result."),
            (_WARNING, "Transforms are of tiles, so that one may be spoilt and the first not."),
        )
    ),
    Difference(
        "choose_conv_method",
        "The choice may be another.",
        "It is of what takes less time here, and that is predicted for the machine and its engine.",
    ),
    *(
        Difference(name, _FILL, "It is a mistake of the caller's.")
        for name in ("convolve2d", "correlate2d")
    ),
    *(
        Difference(
            name,
            "Planes of integers of 16384 elements or more give the exact sums, as floats.",
            "Engines have exact sums of integers, by whichever algorithm.",
        )
        for name in _SPECTRA
    ),
    *(
        Difference(name, text, why)
        for name in _RANKS
        for text, why in (
            (
                "A window that holds a NaN gives NaN; with SciPy the result depends on the order "
                "of the elements.",
                "A result that no one can rely on is of no use.",
            ),
            (
                "Integers beyond ±2**53 come out as they are.",
                "SciPy compares in float64, which rounds them; of lines it compares in int64, "
                "which takes large unsigned ones for negative.",
            ),
            (
                "A window has at most 32,767 elements along an axis.",
                "Engines count them in 16 bits.",
            ),
        )
    ),
    Difference(
        "order_filter",
        "Of a 1-D array, elements where `domain` is 0 do not count.",
        "SciPy 1.17 counts all of them, and keeps the rank among those that are not 0.",
    ),
    Difference(
        "medfilt2d",
        "A kernel_size of three and more lengths, or of negative ones, raises; SciPy leaves out "
        "the third, or returns what was in memory.",
        "It is a mistake of the caller's.",
    ),
    Difference(
        "sepfir2d",
        "Weights may be longer than the image; SciPy reads beyond its memory.",
        "Borders are right for filters of any length.",
    ),
    Difference(
        "sepfir2d",
        "Weights may be of any precision, and arguments may be given by name; SciPy raises a "
        "TypeError for float64 weights over a float32 image, and takes no names.",
        "The sums are of the image's precision in any case.",
    ),
)
