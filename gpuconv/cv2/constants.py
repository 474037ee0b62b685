"""Names of borders, depths and types, with the numbers that OpenCV 5 has for them."""

from __future__ import annotations

__all__ = [
    "ALGO_HINT_ACCURATE",
    "ALGO_HINT_APPROX",
    "ALGO_HINT_DEFAULT",
    "BORDER_CONSTANT",
    "BORDER_DEFAULT",
    "BORDER_ISOLATED",
    "BORDER_REFLECT",
    "BORDER_REFLECT101",
    "BORDER_REFLECT_101",
    "BORDER_REPLICATE",
    "BORDER_TRANSPARENT",
    "BORDER_WRAP",
    "CV_8S",
    "CV_8SC1",
    "CV_8SC2",
    "CV_8SC3",
    "CV_8SC4",
    "CV_8U",
    "CV_8UC1",
    "CV_8UC2",
    "CV_8UC3",
    "CV_8UC4",
    "CV_16F",
    "CV_16S",
    "CV_16SC1",
    "CV_16SC2",
    "CV_16SC3",
    "CV_16SC4",
    "CV_16U",
    "CV_16UC1",
    "CV_16UC2",
    "CV_16UC3",
    "CV_16UC4",
    "CV_32F",
    "CV_32FC1",
    "CV_32FC2",
    "CV_32FC3",
    "CV_32FC4",
    "CV_32S",
    "CV_32SC1",
    "CV_32SC2",
    "CV_32SC3",
    "CV_32SC4",
    "CV_64F",
    "CV_64FC1",
    "CV_64FC2",
    "CV_64FC3",
    "CV_64FC4",
    "CV_MAKETYPE",
    "FILTER_SCHARR",
]

BORDER_CONSTANT = 0
BORDER_REPLICATE = 1
BORDER_REFLECT = 2
BORDER_WRAP = 3
BORDER_REFLECT_101 = BORDER_REFLECT101 = BORDER_DEFAULT = 4
BORDER_TRANSPARENT = 5
#: A flag beside a border. An array is never a part of a larger picture here, so it says nothing.
BORDER_ISOLATED = 16

ALGO_HINT_DEFAULT, ALGO_HINT_ACCURATE, ALGO_HINT_APPROX = range(3)

#: What ``ksize=`` of a Sobel filter means Scharr's weights by.
FILTER_SCHARR = -1

CV_8U, CV_8S, CV_16U, CV_16S, CV_32S, CV_32F, CV_64F, CV_16F = range(8)

#: Bits of a type that are its depth; the channels, less one, stand above them. OpenCV 4 has 3.
_DEPTH_BITS = 5


def CV_MAKETYPE(depth: int, channels: int) -> int:
    """Return the type of pixels of a depth and a number of channels.

    Examples
    --------
    >>> CV_MAKETYPE(CV_8U, 3) == CV_8UC3
    True
    """
    return depth + ((channels - 1) << _DEPTH_BITS)


CV_8UC1, CV_8UC2, CV_8UC3, CV_8UC4 = (CV_MAKETYPE(CV_8U, n) for n in (1, 2, 3, 4))
CV_8SC1, CV_8SC2, CV_8SC3, CV_8SC4 = (CV_MAKETYPE(CV_8S, n) for n in (1, 2, 3, 4))
CV_16UC1, CV_16UC2, CV_16UC3, CV_16UC4 = (CV_MAKETYPE(CV_16U, n) for n in (1, 2, 3, 4))
CV_16SC1, CV_16SC2, CV_16SC3, CV_16SC4 = (CV_MAKETYPE(CV_16S, n) for n in (1, 2, 3, 4))
CV_32SC1, CV_32SC2, CV_32SC3, CV_32SC4 = (CV_MAKETYPE(CV_32S, n) for n in (1, 2, 3, 4))
CV_32FC1, CV_32FC2, CV_32FC3, CV_32FC4 = (CV_MAKETYPE(CV_32F, n) for n in (1, 2, 3, 4))
CV_64FC1, CV_64FC2, CV_64FC3, CV_64FC4 = (CV_MAKETYPE(CV_64F, n) for n in (1, 2, 3, 4))
