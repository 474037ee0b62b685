"""Kernels that blur: identity, box, binomial and Gaussian."""

from __future__ import annotations

import math

import numpy as np

from gpuconv.errors import ArgumentError
from gpuconv.kernel import Kernel
from gpuconv.kernels._check import affordable, count, number
from gpuconv.kernels._gauss import cell_masses, radius_of, samples
from gpuconv.kernels._kept import kept

__all__ = ["binomial", "box", "gaussian", "gaussian_integer", "identity"]


@kept
def identity() -> Kernel:
    """Leave the image as it is.

    One weight, 1: the neutral element of convolution, and the 1 in ``2 * identity() - blur``.

    Returns
    -------
    Kernel
        1×1.

    Examples
    --------
    >>> identity().weights.tolist()
    [[1]]
    """
    return Kernel.separable([1], [1], name="identity")


@kept
def box(size: int = 3, height: int | None = None, width: int | None = None) -> Kernel:
    """Average all pixels of a rectangle, all weighing the same.

    Ones over their number. Of all kernels of its size it lowers noise the most, but it leaves
    streaks along rows and columns: its frequency response is a sinc, which is negative in places.

    Parameters
    ----------
    size : int, default 3
        Side of the square, in pixels, at least 1. An even size has its anchor right and below of
        the middle, as in SciPy.
    height : int, optional
        Rows, in pixels, where they are not `size`.
    width : int, optional
        Columns, in pixels, where they are not `size`.

    Returns
    -------
    Kernel
        Integers (ones), divisor `height` · `width`.

    References
    ----------
    ``scipy.ndimage.uniform_filter``, OpenCV's ``blur``.

    Examples
    --------
    >>> box(3)
    <Kernel box(3) 3×3, 1 separable term, anchor (1, 1)>
    [[1 1 1]
     [1 1 1]
     [1 1 1]] / 9
    >>> box(height=1, width=5).weights.tolist()
    [[0.2, 0.2, 0.2, 0.2, 0.2]]
    """
    size = count("size", size, at_least=1)
    rows = size if height is None else count("height", height, at_least=1)
    columns = size if width is None else count("width", width, at_least=1)
    affordable(f"a box of {rows} rows and {columns} columns", max(rows, columns))
    name = f"box({rows})" if rows == columns else f"box(height={rows}, width={columns})"
    ones = np.ones(rows, int), np.ones(columns, int)
    return Kernel.separable(*ones, divisor=rows * columns, name=name)


# From 36 on, a product of two binomial coefficients no longer fits 64 bits.
_LARGEST_INTEGER_BINOMIAL = 35


@kept
def binomial(size: int = 3) -> Kernel:
    """Blur with a row of Pascal's triangle: the Gaussian of integers.

    Tap k of a row is C(n, k), n = `size` − 1; the divisor is 4ⁿ. It is the mean of two neighbours
    taken n times over, and has the variance n/4 exactly: binomial(size) stands for a Gaussian of
    σ = √n / 2 pixels, [1 2 1] for σ = 0.71, [1 4 6 4 1] for σ = 1.

    Parameters
    ----------
    size : int, default 3
        Taps of a row, in pixels, at least 1; even sizes shift the image by half a pixel.

    Returns
    -------
    Kernel
        `size` × `size`, integers up to size 35, float64 beyond it.

    References
    ----------
    B. Jähne, "Digital Image Processing", 6th ed., section 11.4.

    Examples
    --------
    >>> binomial(3)
    <Kernel binomial(3) 3×3, 1 separable term, anchor (1, 1)>
    [[1 2 1]
     [2 4 2]
     [1 2 1]] / 16
    """
    size = count("size", size, at_least=1, at_most=1024)
    row = [math.comb(size - 1, k) for k in range(size)]
    name = f"binomial({size})"
    if size <= _LARGEST_INTEGER_BINOMIAL:
        return Kernel.separable(row, row, divisor=4 ** (size - 1), name=name)
    part = [value / 2 ** (size - 1) for value in row]
    return Kernel.separable(part, part, name=name)


@kept
def gaussian(
    sigma: float,
    truncate: float = 4.0,
    radius: int | None = None,
    order: int = 0,
    *,
    sigma_x: float | None = None,
    radius_x: int | None = None,
    order_x: int | None = None,
) -> Kernel:
    """Blur with a Gaussian, or take derivatives of the blurred image.

    exp(−(x² + y²) / 2σ²) at whole pixels, scaled to the sum 1: the only blur that is separable and
    the same in all directions. The weights are those of ``scipy.ndimage.gaussian_filter``.

    Parameters
    ----------
    sigma : float
        Standard deviation in pixels, at least 0 (which does nothing); of both axes, unless
        `sigma_x` is given.
    truncate : float, default 4.0
        Where the Gaussian is cut off, in standard deviations: the radius is
        ``int(truncate * sigma + 0.5)``.
    radius : int, optional
        Taps on either side of the centre, in pixels, instead of `truncate`;
        ``math.ceil(3 * sigma)`` is a common choice.
    order : int, default 0
        Derivative: 0 blurs, 1 is the slope, 2 the curvature; as in SciPy along *both* axes, unless
        `order_x` is given. Positive slopes are where brightness grows to the right and downwards.
    sigma_x : float, optional
        Standard deviation along a row, in pixels, where it is not `sigma`.
    radius_x : int, optional
        Radius along a row, in pixels, where it is not `radius`.
    order_x : int, optional
        Derivative along a row, where it is not `order`.

    Returns
    -------
    Kernel
        One separable term; the sum is 1 for order 0.

    Raises
    ------
    ArgumentError
        A negative or endless parameter, or a derivative with sigma 0.

    References
    ----------
    P. Burt, "Fast filter transforms for image processing", CGIP 16 (1981); derivatives:
    L. Florack et al., "Scale and the differential structure of images", IVC 10 (1992).

    Examples
    --------
    >>> gaussian(1, radius=1).weights.round(3).tolist()
    [[0.075, 0.124, 0.075], [0.124, 0.204, 0.124], [0.075, 0.124, 0.075]]
    >>> gaussian(3).shape, gaussian(2, radius=math.ceil(3 * 2)).shape
    ((25, 25), (13, 13))
    >>> slope_to_the_right = gaussian(2, order_x=1)
    >>> slope_to_the_right.weights.sum().round(9) == 0
    np.True_
    """
    column = _gaussian_row("", sigma, truncate, radius, order)
    row = _gaussian_row(
        "_x",
        sigma if sigma_x is None else sigma_x,
        truncate,
        radius if radius_x is None else radius_x,
        order if order_x is None else order_x,
    )
    name = (
        f"gaussian({sigma:g})" if sigma_x is None else f"gaussian({sigma:g}, sigma_x={sigma_x:g})"
    )
    return Kernel.separable(column, row, name=name)


def _gaussian_row(
    suffix: str, sigma: float, truncate: float, radius: int | None, order: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    sigma = number(f"sigma{suffix}", sigma, at_least=0)
    order = count(f"order{suffix}", order)
    return samples(sigma, radius_of(sigma, truncate, radius, suffix), order)


@kept
def gaussian_integer(
    sigma: float = 1.0, scale: int = 1000, radius: int | None = None, total: int | None = None
) -> Kernel:
    """Blur with a Gaussian rounded to integers, for exact and repeatable sums.

    Tap k of a row is `scale` times the mass of the Gaussian over pixel k,
    ½·[erf((k + ½)/√2σ) − erf((k − ½)/√2σ)], rounded to the nearest integer. σ = 1 and scale 1000
    give [6 61 242 383 242 61 6]. The divisor is the square of what the row adds up to, 1001 here,
    so that a flat area stays as it is. With `total`, the centre takes the remainder instead: a
    total of 256 or 1024 makes the division a shift, and 961 makes [6 61 242 343 242 61 6], a row in
    use although no sigma has it: its centre is 40 below the Gaussian's.

    Parameters
    ----------
    sigma : float, default 1.0
        Standard deviation in pixels, greater than 0.
    scale : int, default 1000
        What the whole of the Gaussian is worth before rounding, 1 … 2³⁰.
    radius : int, optional
        Taps on either side of the centre, in pixels; the default goes as far as there are taps of
        at least 1.
    total : int, optional
        What the row is to add up to; the default takes what comes out.

    Returns
    -------
    Kernel
        Integers, divisor (sum of the row)².

    Raises
    ------
    ArgumentError
        `scale` is so small that no tap is left, or `total` leaves nothing for the centre.

    Examples
    --------
    >>> kernel = gaussian_integer(sigma=1)
    >>> kernel.terms[0][0].tolist(), kernel.divisor == 1001**2
    ([6, 61, 242, 383, 242, 61, 6], True)
    >>> gaussian_integer(1, total=961).terms[0][0].tolist()
    [6, 61, 242, 343, 242, 61, 6]
    >>> gaussian_integer(1, scale=256, total=256).divisor == 2**16
    True
    """
    sigma = number("sigma", sigma, above=0)
    scale = count("scale", scale, at_least=1, at_most=2**30)
    # Beyond 6.3 σ a pixel holds less than 2⁻³¹ of the Gaussian, which rounds to 0 at every scale.
    reach = radius_of(sigma, 6.3, radius) + (radius is None)
    half = np.rint(scale * cell_masses(sigma, reach)).astype(np.int64)
    if radius is None:
        half = np.trim_zeros(half, "b")
    if not half.any():
        raise ArgumentError(f"scale={scale} rounds every tap of sigma={sigma:g} to 0; enlarge it")
    tails = 2 * int(half[1:].sum())
    if total is not None:
        total = count("total", total, at_least=1, at_most=2**30)
        if total <= tails:
            raise ArgumentError(f"total={total} must be greater than the sum of the tails, {tails}")
        half[0] = total - tails
    row = np.concatenate([half[:0:-1], half])
    return Kernel.separable(
        row, row, divisor=int(row.sum()) ** 2, name=f"gaussian_integer({sigma:g})"
    )
