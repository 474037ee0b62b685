"""Edges by differences without a direction, or along diagonals: Roberts' cross, the Laplacian."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError
from gpuconv.exchange import public
from gpuconv.kernel import Kernel
from gpuconv.scipy.ndimage import convolve
from gpuconv.skimage import reach
from gpuconv.skimage.filters.slopes import magnitude, masked
from gpuconv.skimage.laplacian import laplacian
from gpuconv.skimage.pixels import floats_of, slopes_of

__all__ = ["laplace", "roberts", "roberts_neg_diag", "roberts_pos_diag"]

_FALLING = np.array([[1.0, 0.0], [0.0, -1.0]])
_RISING = np.array([[0.0, 1.0], [-1.0, 0.0]])
_CROSS = Kernel(_FALLING), Kernel(_RISING)


@public(reach=reach.of_slopes(1))
def roberts(image: Any, mask: Any = None) -> Array:
    """Find edges by Roberts' cross: ``skimage.filters.roberts``.

    Parameters
    ----------
    image : array_like of shape (H, W)
        Pixels of any real dtype or bool; integers become parts of the largest.
    mask : array_like, optional
        True where edges are wanted: 0 elsewhere, beside pixels elsewhere, and along the frame.

    Returns
    -------
    ndarray
        The magnitude of both diagonal slopes, over √2.

    Raises
    ------
    ArgumentError
        The image has no pixels, or other than two axes.

    Examples
    --------
    >>> roberts([[0.0, 0.0, 1.0]] * 2).round(2).tolist()
    [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]
    """
    return masked(magnitude(slopes_of(image), _CROSS, "reflect", 0), mask)


@public(reach=reach.of_slopes(1))
def roberts_pos_diag(image: Any, mask: Any = None) -> Array:
    """Take a pixel from the one to its right and below: ``skimage.filters.roberts_pos_diag``.

    Parameters
    ----------
    image, mask
        As for :func:`roberts`.

    Returns
    -------
    ndarray
        The slope along the diagonal that falls to the right.

    Raises
    ------
    ArgumentError
        As for :func:`roberts`.

    Examples
    --------
    >>> roberts_pos_diag([[0.0, 0.0], [0.0, 3.0]]).tolist()
    [[3.0, 3.0], [3.0, 0.0]]
    """
    return masked(convolve(slopes_of(image), _FALLING), mask)


@public(reach=reach.of_slopes(1))
def roberts_neg_diag(image: Any, mask: Any = None) -> Array:
    """Take the pixel to the right from the one below: ``skimage.filters.roberts_neg_diag``.

    Parameters
    ----------
    image, mask
        As for :func:`roberts`.

    Returns
    -------
    ndarray
        The slope along the diagonal that rises to the right.

    Raises
    ------
    ArgumentError
        As for :func:`roberts`.

    Examples
    --------
    >>> roberts_neg_diag([[0.0, 0.0], [3.0, 0.0]]).tolist()
    [[3.0, 0.0], [3.0, 0.0]]
    """
    return masked(convolve(slopes_of(image), _RISING), mask)


@public(reach=reach.of_slopes(1))
def laplace(image: Any, ksize: int = 3, mask: Any = None) -> Array:
    """Find edges by the Laplacian, positive on what is bright: ``skimage.filters.laplace``.

    Parameters
    ----------
    image : array_like
        Pixels of any real dtype or bool, of any number of axes.
    ksize : int, default 3
        At least 3. It makes no difference, nor does it in scikit-image.
    mask : array_like, optional
        As for :func:`roberts`.

    Returns
    -------
    ndarray
        Each pixel times twice the number of axes, less its neighbours along them.

    Raises
    ------
    ArgumentError
        `ksize` is below 3.

    Examples
    --------
    >>> laplace([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]).tolist()
    [[0.0, -1.0, 0.0], [-1.0, 4.0, -1.0], [0.0, -1.0, 0.0]]
    """
    if index(ksize) < 3:
        raise ArgumentError(f"ksize={ksize!r} must be at least 3, as the operator has 3 taps")
    pixels = floats_of(image)
    return masked(convolve(pixels, laplacian(pixels.ndim)), mask)
