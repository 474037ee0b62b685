"""Kernels that measure slopes: Sobel's, Scharr's, Prewitt's and Roberts'.

The kernels are for convolution, which turns them by 180°: a response is positive where brightness
grows to the right (``_x``) or downwards (``_y``, along the rows' numbers).
"""

from __future__ import annotations

from gpuconv.kernel import Kernel
from gpuconv.kernels._kept import kept

__all__ = [
    "prewitt_x",
    "prewitt_y",
    "roberts_x",
    "roberts_y",
    "scharr_x",
    "scharr_y",
    "sobel_x",
    "sobel_y",
]

_SLOPE = [1, 0, -1]


@kept
def sobel_x() -> Kernel:
    """Slope to the right, smoothed by [1 2 1] along the columns.

    Not scaled: a ramp that grows by 1 a pixel gives 8; ``sobel_x() / 8`` measures it.

    Returns
    -------
    Kernel
        3×3 integers, one separable term.

    References
    ----------
    I. Sobel and G. Feldman, "A 3×3 isotropic gradient operator for image processing", Stanford
    (1968); ``scipy.ndimage.sobel(axis=1)``, OpenCV's ``Sobel(dx=1, dy=0)``.

    Examples
    --------
    >>> sobel_x()
    <Kernel sobel_x 3×3, 1 separable term, anchor (1, 1)>
    [[ 1  0 -1]
     [ 2  0 -2]
     [ 1  0 -1]]
    """
    return Kernel.separable([1, 2, 1], _SLOPE, name="sobel_x")


@kept
def sobel_y() -> Kernel:
    """Slope downwards, smoothed by [1 2 1] along the rows.

    Not scaled: a ramp that grows by 1 a pixel gives 8.

    Returns
    -------
    Kernel
        3×3 integers, one separable term.

    References
    ----------
    As :func:`sobel_x`; ``scipy.ndimage.sobel(axis=0)``.

    Examples
    --------
    >>> sobel_y().weights.tolist()
    [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]
    """
    return Kernel.separable(_SLOPE, [1, 2, 1], name="sobel_y")


@kept
def scharr_x() -> Kernel:
    """Slope to the right, smoothed by [3 10 3] for a truer direction.

    Not scaled: a ramp that grows by 1 a pixel gives 32.

    Returns
    -------
    Kernel
        3×3 integers, one separable term.

    References
    ----------
    H. Scharr, "Optimale Operatoren in der digitalen Bildverarbeitung", thesis, Heidelberg (2000);
    ``skimage.filters.scharr_v`` (which divides by 16), OpenCV's ``Scharr``.

    Examples
    --------
    >>> scharr_x().weights.tolist()
    [[3, 0, -3], [10, 0, -10], [3, 0, -3]]
    """
    return Kernel.separable([3, 10, 3], _SLOPE, name="scharr_x")


@kept
def scharr_y() -> Kernel:
    """Slope downwards, smoothed by [3 10 3] for a truer direction.

    Not scaled: a ramp that grows by 1 a pixel gives 32.

    Returns
    -------
    Kernel
        3×3 integers, one separable term.

    References
    ----------
    As :func:`scharr_x`; ``skimage.filters.scharr_h``.

    Examples
    --------
    >>> scharr_y().weights.tolist()
    [[3, 10, 3], [0, 0, 0], [-3, -10, -3]]
    """
    return Kernel.separable(_SLOPE, [3, 10, 3], name="scharr_y")


@kept
def prewitt_x() -> Kernel:
    """Slope to the right, averaged over three rows.

    Not scaled: a ramp that grows by 1 a pixel gives 6.

    Returns
    -------
    Kernel
        3×3 integers, one separable term.

    References
    ----------
    J. Prewitt, "Object enhancement and extraction", in "Picture Processing and Psychopictorics"
    (1970); ``scipy.ndimage.prewitt(axis=1)``.

    Examples
    --------
    >>> prewitt_x().weights.tolist()
    [[1, 0, -1], [1, 0, -1], [1, 0, -1]]
    """
    return Kernel.separable([1, 1, 1], _SLOPE, name="prewitt_x")


@kept
def prewitt_y() -> Kernel:
    """Slope downwards, averaged over three columns.

    Not scaled: a ramp that grows by 1 a pixel gives 6.

    Returns
    -------
    Kernel
        3×3 integers, one separable term.

    References
    ----------
    As :func:`prewitt_x`; ``scipy.ndimage.prewitt(axis=0)``.

    Examples
    --------
    >>> prewitt_y().weights.tolist()
    [[1, 1, 1], [0, 0, 0], [-1, -1, -1]]
    """
    return Kernel.separable(_SLOPE, [1, 1, 1], name="prewitt_y")


@kept
def roberts_x() -> Kernel:
    """Slope along one diagonal, to the lower right.

    The pixel at the lower right minus the pixel itself; with :func:`roberts_y` the "cross".

    Returns
    -------
    Kernel
        2×2 integers, anchor (1, 1).

    References
    ----------
    L. Roberts, "Machine perception of three-dimensional solids", thesis, MIT (1963);
    ``skimage.filters.roberts_pos_diag``.

    Examples
    --------
    >>> roberts_x().weights.tolist()
    [[1, 0], [0, -1]]
    """
    return Kernel([[1, 0], [0, -1]], name="roberts_x")


@kept
def roberts_y() -> Kernel:
    """Slope along the other diagonal, to the lower left.

    The pixel below minus the pixel at the right.

    Returns
    -------
    Kernel
        2×2 integers, anchor (1, 1).

    References
    ----------
    As :func:`roberts_x`; ``skimage.filters.roberts_neg_diag``.

    Examples
    --------
    >>> roberts_y().weights.tolist()
    [[0, 1], [-1, 0]]
    """
    return Kernel([[0, 1], [-1, 0]], name="roberts_y")
