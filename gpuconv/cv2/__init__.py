"""OpenCV's filters on gpuconv's engines: write ``from gpuconv import cv2``, and nothing else.

Arguments are OpenCV's, by position and by name: sizes and anchors are (x, y), channels stand last,
borders and depths are numbers. Images are arrays in host memory, or on a GPU, where they stay. What
is not here, reading and writing of files above all, is OpenCV's own.

>>> import numpy as np
>>> from gpuconv import cv2
>>> cv2.blur(np.array([[0, 9, 0, 3]], np.uint8), (3, 1)).tolist()
[[6, 3, 4, 1]]
"""

from __future__ import annotations

from gpuconv.cv2 import constants
from gpuconv.cv2.borders import borderInterpolate, copyMakeBorder
from gpuconv.cv2.boxes import blur, boxFilter, sqrBoxFilter
from gpuconv.cv2.constants import *  # noqa: F403
from gpuconv.cv2.derivatives import Laplacian, Scharr, Sobel, spatialGradient
from gpuconv.cv2.errors import error
from gpuconv.cv2.gaussian import GaussianBlur
from gpuconv.cv2.linear import filter2D, sepFilter2D
from gpuconv.cv2.neighbours import bilateralFilter, medianBlur
from gpuconv.cv2.weights import getDerivKernels, getGaborKernel, getGaussianKernel
from gpuconv.exchange import borrowing

__all__ = [
    *constants.__all__,
    "GaussianBlur",
    "Laplacian",
    "Scharr",
    "Sobel",
    "bilateralFilter",
    "blur",
    "borderInterpolate",
    "boxFilter",
    "copyMakeBorder",
    "error",
    "filter2D",
    "getDerivKernels",
    "getGaborKernel",
    "getGaussianKernel",
    "medianBlur",
    "sepFilter2D",
    "spatialGradient",
    "sqrBoxFilter",
]

#: All else that a program asks for.
__getattr__ = borrowing(__name__, "cv2")
