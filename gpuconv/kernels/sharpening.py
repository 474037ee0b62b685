"""Kernels that bring out detail: Laplacians, sharpening, emboss, lines."""

from __future__ import annotations

from typing import Literal

import numpy as np

from gpuconv.errors import ArgumentError
from gpuconv.kernel import Kernel
from gpuconv.kernels._angle import direction
from gpuconv.kernels._check import number
from gpuconv.kernels._gauss import radius_of, samples
from gpuconv.kernels._kept import kept

__all__ = [
    "emboss",
    "horizontal_edge",
    "laplacian",
    "outline",
    "sharpen",
    "unsharp",
    "vertical_edge",
]


def _laplacian(neighbours: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    if neighbours not in (4, 8):
        raise ArgumentError(f"neighbours={neighbours!r} must be 4 or 8")
    side, corner = 1, neighbours // 8
    return np.array(
        [[corner, side, corner], [side, -neighbours, side], [corner, side, corner]], np.int64
    )


@kept
def laplacian(neighbours: Literal[4, 8] = 4) -> Kernel:
    """Measure curvature: how much brighter the neighbours are than the pixel.

    The sum over the neighbours minus their number times the pixel; 0 on flat areas and ramps. With
    4 it is the sum of the second differences along x and y, with 8 three times that sum, to second
    order.

    Parameters
    ----------
    neighbours : {4, 8}, default 4
        Whether the diagonal neighbours count.

    Returns
    -------
    Kernel
        3×3 integers; the sum is 0. Dense: five or nine taps cost less than two separable terms.

    References
    ----------
    R. Gonzalez and R. Woods, "Digital Image Processing", section 3.6; ``scipy.ndimage.laplace``.

    Examples
    --------
    >>> laplacian(4).weights.tolist()
    [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    """
    return Kernel(_laplacian(neighbours), name=f"laplacian({neighbours})")


@kept
def outline() -> Kernel:
    """Show the outlines of things: the pixel against its eight neighbours.

    The negative of ``laplacian(8)``: bright on the bright side of every edge, 0 on flat areas.

    Returns
    -------
    Kernel
        3×3 integers; the sum is 0.

    References
    ----------
    V. Powell, "Image kernels explained visually" (setosa.io); GIMP's "edge detect".

    Examples
    --------
    >>> outline().weights.tolist()
    [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]
    """
    return Kernel(-_laplacian(8), name="outline")


@kept
def sharpen(amount: float = 1.0, neighbours: Literal[4, 8] = 4) -> Kernel:
    """Sharpen: the pixel minus its Laplacian.

    identity − `amount` · laplacian(`neighbours`). It also sharpens noise; :func:`unsharp` chooses
    the size of detail.

    Parameters
    ----------
    amount : float, default 1.0
        How strongly, at least 0; 0 changes nothing.
    neighbours : {4, 8}, default 4
        Whether the diagonal neighbours count.

    Returns
    -------
    Kernel
        3×3, integers where `amount` is whole; the sum is 1.

    References
    ----------
    R. Gonzalez and R. Woods, "Digital Image Processing", section 3.6.

    Examples
    --------
    >>> sharpen().weights.tolist()
    [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
    """
    amount = number("amount", amount, at_least=0)
    weights = -_laplacian(neighbours) * (
        int(amount) if amount.is_integer() and amount < 2**32 else amount
    )
    weights[1, 1] += 1
    return Kernel(weights, name="sharpen" if amount == 1 else f"sharpen({amount:g})")


@kept
def unsharp(
    sigma: float = 1.0, amount: float = 1.0, truncate: float = 4.0, radius: int | None = None
) -> Kernel:
    """Sharpen by unsharp masking: add what a Gaussian blur takes away.

    (1 + `amount`) · identity − `amount` · gaussian(`sigma`).

    Parameters
    ----------
    sigma : float, default 1.0
        Standard deviation of the blur in pixels, at least 0: the size of the detail that is
        brought out. Other programs call it the radius.
    amount : float, default 1.0
        How strongly, at least 0; 0 changes nothing.
    truncate : float, default 4.0
        Where the Gaussian is cut off, in standard deviations.
    radius : int, optional
        Taps on either side of the centre, in pixels, instead of `truncate`.

    Returns
    -------
    Kernel
        Two separable terms; the sum is 1.

    References
    ----------
    ``skimage.filters.unsharp_mask`` before it clips.

    Examples
    --------
    >>> unsharp(sigma=2, amount=0.5).terms != ()
    True
    >>> unsharp(radius=1).weights.round(3).tolist()
    [[-0.075, -0.124, -0.075], [-0.124, 1.796, -0.124], [-0.075, -0.124, -0.075]]
    """
    sigma = number("sigma", sigma, at_least=0)
    amount = number("amount", amount, at_least=0)
    blur = samples(sigma, radius_of(sigma, truncate, radius))
    pixel = np.zeros(len(blur))
    pixel[len(blur) // 2] = 1
    terms = [((1 + amount) * pixel, pixel), (-amount * blur, blur)]
    return Kernel.sum_of(terms, name=f"unsharp(sigma={sigma:g}, amount={amount:g})")


@kept
def emboss(angle: float = 135.0, strength: float = 1.0) -> Kernel:
    """Light the image from one side, as if brightness were height.

    identity + `strength` · the slope away from the light: a 3×3 plane a·Δx + b·Δy, scaled so that
    the larger of |a| and |b| is 1. Multiples of 45° have integer weights, 135° the classic ones.

    Parameters
    ----------
    angle : float, default 135.0
        Where the light comes from, in degrees, counter-clockwise as seen in the picture: 0 from
        the right, 90 from above, 135 from the upper left.
    strength : float, default 1.0
        How strongly slopes show, at least 0; 0 changes nothing.

    Returns
    -------
    Kernel
        3×3, for convolution; the sum is 1.

    References
    ----------
    V. Powell, "Image kernels explained visually" (setosa.io), which shows the kernel turned by
    180°, for correlation.

    Examples
    --------
    >>> emboss().weights.tolist()
    [[2, 1, 0], [1, 1, -1], [0, -1, -2]]
    """
    right, up = direction(number("angle", angle))
    strength = number("strength", strength, at_least=0)
    larger = max(abs(right), abs(up))
    offset = np.arange(-1, 2)
    # Convolution turns the kernel: its weight at offset (y, x) meets the pixel at (−y, −x).
    plane = (offset * right / larger) - (offset[:, None] * up / larger)
    weights = strength * plane.round(12)
    weights[1, 1] += 1
    whole = (weights == np.rint(weights)).all()
    return Kernel(weights.astype(np.int64) if whole else weights, name=f"emboss({angle:g})")


@kept
def vertical_edge() -> Kernel:
    """Show vertical lines and edges.

    [−1 2 −1] along the rows, added up over three rows. Bright on vertical lines one pixel wide
    and on the bright side of vertical edges, 0 along horizontal ones; for the slope with its sign
    see :func:`sobel_x`.

    Returns
    -------
    Kernel
        3×3 integers, one separable term; the sum is 0.

    References
    ----------
    R. Gonzalez and R. Woods, "Digital Image Processing", section 10.2, line detection masks.

    Examples
    --------
    >>> vertical_edge().weights.tolist()
    [[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]]
    """
    return Kernel.separable([1, 1, 1], [-1, 2, -1], name="vertical_edge")


@kept
def horizontal_edge() -> Kernel:
    """Show horizontal lines and edges.

    [−1 2 −1] down the columns, added up over three columns. Bright on horizontal lines one pixel
    wide and on the bright side of horizontal edges, 0 along vertical ones; for the slope with its
    sign see :func:`sobel_y`.

    Returns
    -------
    Kernel
        3×3 integers, one separable term; the sum is 0.

    References
    ----------
    As :func:`vertical_edge`.

    Examples
    --------
    >>> horizontal_edge().weights.tolist()
    [[-1, -1, -1], [2, 2, 2], [-1, -1, -1]]
    """
    return Kernel.separable([-1, 2, -1], [1, 1, 1], name="horizontal_edge")
