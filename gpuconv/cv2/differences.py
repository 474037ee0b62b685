"""In what the stand-ins for OpenCV's functions differ from them; measured with OpenCV 5.0."""

from __future__ import annotations

from gpuconv.exchange import Difference

__all__ = ["DIFFERENCES"]

#: Functions with a ``borderType=``.
_BORDERED = (
    "Laplacian",
    "Scharr",
    "Sobel",
    "blur",
    "boxFilter",
    "filter2D",
    "sepFilter2D",
    "spatialGradient",
    "sqrBoxFilter",
)
#: Functions that scale sums, or whose weights need not be integers.
_FRACTIONS = ("Laplacian", "Scharr", "Sobel", "filter2D", "sepFilter2D")
#: Functions of whose integers OpenCV takes sums in float32.
_SUMS = ("Laplacian", "Scharr", "Sobel", "filter2D", "sepFilter2D")
_BOXES = ("blur", "boxFilter", "sqrBoxFilter")
#: Functions of sums.
_LINEAR = ("GaussianBlur", *_FRACTIONS, *_BOXES)

DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "*",
        "Errors are of gpuconv's class `error`, which is a ValueError, too; their messages go on "
        "where OpenCV's end, and begin without its version and the line of its source.",
        "They say the value and what is allowed.",
    ),
    Difference(
        "*",
        "Functions that are OpenCV's own (imread, cvtColor …) raise its `cv2.error`, which "
        "`except gpuconv.cv2.error` does not catch.",
        "OpenCV is not imported before one of them is asked for, and may not be installed.",
    ),
    Difference(
        "*",
        "What OpenCV refuses as no array is taken: nested lists, any strides of `dst`, and more "
        "channels than it has room for; arrays in another byte order are read rightly.",
        "There is no reason to refuse them.",
    ),
    Difference(
        "*",
        "An array of one axis is an image of one row, and numbers of types with channels are those "
        "of OpenCV 5.",
        "OpenCV 4 makes a column of it, and has other numbers.",
    ),
    *(
        Difference(
            name,
            "BORDER_WRAP is allowed.",
            "OpenCV has it for GaussianBlur, bilateralFilter and copyMakeBorder alone.",
        )
        for name in _BORDERED
    ),
    *(
        Difference(
            name,
            "With weights, a scale or a delta that are no integers, and an integer result, up to 3 "
            "in 100 pixels differ by 1 where sums lie half way between two integers (weights such "
            "as 0.1), and 1 in 200 elsewhere (16 bits; bytes: 1 in 50,000).",
            "There the last bit of float32 decides, and with it the order of the sum, which in "
            "OpenCV depends on the processor and on the place in the row.",
        )
        for name in _FRACTIONS
    ),
    *(
        Difference(
            name,
            "Floats differ by what is rounded: 1e-6 of the largest value for float32.",
            "Sums are taken in another order.",
        )
        for name in _LINEAR
    ),
    *(
        Difference(
            name,
            "Sums of integers are exact also above 2**24.",
            "OpenCV takes them in float32.",
        )
        for name in _SUMS
    ),
    *(
        Difference(
            name,
            "Sums of int16 are saturated once, after `delta` is added.",
            "OpenCV 4 saturates them before, too; OpenCV 5 does not.",
        )
        for name in ("Scharr", "Sobel")
    ),
    Difference(
        "sepFilter2D",
        "A sum over bytes that lies half way between two integers is rounded to the even one in "
        "all of a row, also where both kernels smooth and their weights are multiples of 1/256.",
        "In the last pixels of a row, less than a vector, OpenCV rounds it up then.",
    ),
    *(
        Difference(
            name,
            "Weights that are NaN or infinite raise `error`.",
            "All that they could make is NaN and infinity.",
        )
        for name in ("filter2D", "sepFilter2D")
    ),
    Difference(
        "filter2D",
        "What depths go together does not depend on the size of the kernel.",
        "From 50 taps on, or 130, OpenCV multiplies spectra, and takes other depths, too.",
    ),
    Difference(
        "GaussianBlur",
        "Of int16, 1 in 2,000 pixels differs by 1; bytes and uint16 do not differ.",
        "For int16 OpenCV rounds to float32 between the two passes.",
    ),
    Difference(
        "GaussianBlur",
        "`hint=ALGO_HINT_APPROX` gives accurate results.",
        "There is but the accurate way here.",
    ),
    *(
        Difference(
            name,
            "In the last pixels of a row, fewer than a vector, a mean of integers that lies half "
            "way may differ by 1; not of bytes as bytes in windows of up to 256 pixels.",
            "There OpenCV multiplies in double instead of in float32.",
        )
        for name in _BOXES
    ),
    *(
        Difference(
            name,
            "Results below 0 become 0 in unsigned integers, and those above the largest become "
            "that.",
            "OpenCV makes the largest of some that are negative, and 0 of some above 2**31.",
        )
        for name in ("boxFilter", "sqrBoxFilter")
    ),
    *(
        Difference(
            name,
            "Sums of int32 do not overflow.",
            "OpenCV takes them in int32.",
        )
        for name in ("blur", "boxFilter")
    ),
    *(
        Difference(
            name,
            "The mean of two bytes of 255, in a window of two pixels, is 255.",
            "In OpenCV it is 0 in the last pixels of a row, fewer than a vector: it overflows.",
        )
        for name in ("blur", "boxFilter")
    ),
    Difference(
        "medianBlur",
        "All real dtypes, sizes and numbers of channels are taken.",
        "OpenCV has none but bytes, 16 bits and float32, of these 3 and 5 alone.",
    ),
    Difference(
        "bilateralFilter",
        "Of bytes, fewer than 1 in 10,000 pixels differ by 1; float32 differs by up to 1e-5 of the "
        "range.",
        "Weights are computed; OpenCV has tables of them, in float32.",
    ),
    Difference(
        "bilateralFilter",
        "Of one channel of bytes and disks 3 or 5 pixels across, half of the pixels are 1 higher "
        "than those of an OpenCV that is built with Intel's IPP.",
        "IPP cuts off what is behind the point; OpenCV's own code rounds, and so does this.",
    ),
    Difference(
        "bilateralFilter",
        "All real dtypes and numbers of channels are taken; a `sigma` of 0 or less gives the image "
        "as it is.",
        "OpenCV takes bytes and float32 of 1 or 3 channels; such a sigma was 1 up to OpenCV 4.10.",
    ),
    Difference(
        "borderInterpolate",
        "A `len` of 0 or less raises.",
        "There is no pixel that could be returned; OpenCV returns numbers beyond the axis.",
    ),
    Difference(
        "getGaussianKernel",
        "Weights may differ in the last bit of a double.",
        "OpenCV computes exponentials with arithmetic of its own.",
    ),
)
