"""The Gaussian filter, with OpenCV's integer arithmetic for integers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from gpuconv.cv2.arguments import border_of, correlated, dtype_of, image_of, number
from gpuconv.cv2.constants import ALGO_HINT_DEFAULT, BORDER_DEFAULT
from gpuconv.cv2.linear import SEPARABLE
from gpuconv.cv2.reach import of_gaussian
from gpuconv.cv2.sizes import gaussian_size
from gpuconv.cv2.weights import fixed_weights, gaussian_weights
from gpuconv.epilogue import Epilogue
from gpuconv.exchange import public
from gpuconv.kernel import Kernel

__all__ = ["GaussianBlur"]

#: Bits after the point of OpenCV's weights for bytes and for 16 bits.
_FIXED_BITS = {"B": 8, "H": 16}


@public(reach=of_gaussian)
def GaussianBlur(
    src: Any,
    ksize: tuple[int, int],
    sigmaX: float,
    dst: Any = None,
    sigmaY: float = 0,
    borderType: int = BORDER_DEFAULT,
    hint: int = ALGO_HINT_DEFAULT,
) -> Any:
    """Smooth each channel of an image with a Gaussian.

    Bytes and uint16 have integer weights over 2**8 and 2**16 along each axis, whose sums are
    rounded half up, once: OpenCV's results to the bit.

    Parameters
    ----------
    src : ndarray of shape (H, W) or (H, W, C)
    ksize : (int, int)
        (width, height) of the window, odd; 0 follows from the sigma.
    sigmaX : float
        Standard deviation along x in pixels; 0 follows from `ksize`.
    dst : ndarray, optional
        Where to write, if it has the shape and the dtype of the image.
    sigmaY : float, default 0
        Along y; 0 is that along x.
    borderType : int, default BORDER_DEFAULT
        What lies outside the image; BORDER_CONSTANT is 0.
    hint : int, default ALGO_HINT_DEFAULT
        Makes no difference.

    Returns
    -------
    ndarray
        Of the image's shape and dtype.

    Raises
    ------
    error
        A value is not allowed.

    Examples
    --------
    >>> GaussianBlur(np.array([[0, 0, 9, 0, 0]], np.uint8), (3, 3), 0).tolist()
    [[0, 2, 5, 2, 0]]
    """
    image = image_of(src, "GaussianBlur")
    border = border_of(borderType, "GaussianBlur")
    sigmas = (
        number("sigmaX", sigmaX, "GaussianBlur"),
        number("sigmaY", sigmaY, "GaussianBlur"),
    )
    sizes = gaussian_size(ksize, *sigmas, image.dtype, "GaussianBlur")
    if border != "constant":  # along one pixel there is nothing to smooth
        height, width = image.shape[:2]
        sizes = 1 if width == 1 else sizes[0], 1 if height == 1 else sizes[1]
    code = image.dtype.char
    if code not in _FIXED_BITS and sizes != (1, 1):
        dtype_of(-1, image, SEPARABLE, "GaussianBlur")
    kernel, options = _gaussian(sizes, *sigmas, code)
    return correlated(image, kernel, dst, image.dtype.newbyteorder("="), border, **options)


@lru_cache(maxsize=256)
def _gaussian(
    sizes: tuple[int, int], sigma_x: float, sigma_y: float, code: str
) -> tuple[Kernel, dict[str, Any]]:
    """Return the kernel for pixels of a dtype, and how its sums are taken and rounded."""
    lines = (sizes[1], sigma_y if sigma_y > 0 else sigma_x), (sizes[0], sigma_x)
    bits = _FIXED_BITS.get(code)
    if bits is None:
        return Kernel.separable(*(gaussian_weights(*line) for line in lines)), {}
    # As fractions they keep all partial sums of bytes within the 24 bits of float32: those are
    # exact, whatever their order. Cutting off what is behind the point rounds half up.
    column, row = (np.array(fixed_weights(*line, bits)) / 2**bits for line in lines)
    accuracy = "exact" if code == "B" else "double"
    rounding = Epilogue(offset=0.5, wrap=True)
    options = {"accuracy": accuracy, "epilogue": rounding, "method": "separable"}
    return Kernel.separable(column, row), options
