"""Kernels that pass a band of frequencies: Laplacians and differences of Gaussians, and Gabor's."""

from __future__ import annotations

import cmath
import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import ArgumentError, choose
from gpuconv.kernel import Kernel
from gpuconv.kernels._angle import direction
from gpuconv.kernels._check import affordable, number
from gpuconv.kernels._gauss import radius_of, samples
from gpuconv.kernels._kept import kept

__all__ = ["difference_of_gaussians", "gabor", "laplacian_of_gaussian"]

Array = NDArray[Any]


@kept
def laplacian_of_gaussian(sigma: float, truncate: float = 4.0, radius: int | None = None) -> Kernel:
    """Find blobs and edges of one size, by the curvature of a Gaussian blur.

    The Laplacian of a Gaussian, g″(y)·g(x) + g(y)·g″(x), g″ = (x² − v)/σ⁴ · g. Here v is the
    variance Σx²g of the *sampled* Gaussian, where the formula has σ²: the samples of g″, and so the
    kernel, then sum to 0 (to rounding), and flat areas come out as 0.
    ``scipy.ndimage.gaussian_laplace`` has the formula; for truncate ≥ 6 and σ ≥ 1 the two differ by
    less than 3e-7 of the largest weight.

    Parameters
    ----------
    sigma : float
        Standard deviation in pixels, greater than 0. Blobs of the radius √2·σ answer most.
    truncate : float, default 4.0
        Where the Gaussian is cut off, in standard deviations.
    radius : int, optional
        Taps on either side of the centre, in pixels, instead of `truncate`.

    Returns
    -------
    Kernel
        Two separable terms, negative in the middle; the sum is 0.

    Raises
    ------
    ArgumentError
        `sigma` is not positive, or the radius is 0.

    References
    ----------
    D. Marr and E. Hildreth, "Theory of edge detection", Proc. R. Soc. B 207 (1980).

    Examples
    --------
    >>> kernel = laplacian_of_gaussian(1.5)
    >>> kernel.shape, len(kernel.terms), abs(kernel.weights.sum()) < 1e-15
    ((13, 13), 2, np.True_)
    """
    sigma = number("sigma", sigma, above=0)
    reach = radius_of(sigma, truncate, radius)
    if reach == 0:
        raise ArgumentError(
            f"sigma={sigma:g} with truncate={truncate:g} and radius={radius} leaves one pixel, "
            "which has no Laplacian; give radius=1 or more"
        )
    g = samples(sigma, reach)
    square = (np.arange(-reach, reach + 1) / sigma) ** 2
    curvature = (square - (square * g).sum()) * g / sigma**2
    terms = [(curvature, g), (g, curvature)]
    return Kernel.sum_of(terms, name=f"laplacian_of_gaussian({sigma:g})")


@kept
def difference_of_gaussians(
    low_sigma: float, high_sigma: float | None = None, truncate: float = 4.0
) -> Kernel:
    """Keep what lies between two sizes: a fine blur minus a coarse one.

    gaussian(`low_sigma`) − gaussian(`high_sigma`). With the ratio 1.6 it is close to
    −(high² − low²)/2 · laplacian_of_gaussian.

    Parameters
    ----------
    low_sigma : float
        Standard deviation of the fine blur in pixels, at least 0 (no blur): what is smaller goes.
    high_sigma : float, optional
        Standard deviation of the coarse blur in pixels, greater than `low_sigma`: what is larger
        goes; the default is 1.6 · `low_sigma`.
    truncate : float, default 4.0
        Where the Gaussians are cut off, in standard deviations.

    Returns
    -------
    Kernel
        Two separable terms, positive in the middle; the sum is 0.

    References
    ----------
    D. Marr and E. Hildreth (1980), appendix B, for the ratio;
    ``skimage.filters.difference_of_gaussians``.

    Examples
    --------
    >>> difference_of_gaussians(1).shape, difference_of_gaussians(1, 3).shape
    ((13, 13), (25, 25))
    """
    low_sigma = number("low_sigma", low_sigma, at_least=0)
    high_sigma = 1.6 * low_sigma if high_sigma is None else number("high_sigma", high_sigma)
    if high_sigma <= low_sigma:
        raise ArgumentError(
            f"high_sigma={high_sigma:g} must be greater than low_sigma={low_sigma:g}"
        )
    coarse = samples(high_sigma, radius_of(high_sigma, truncate, None))
    fine = samples(low_sigma, radius_of(low_sigma, truncate, None))
    fine = np.pad(fine, (len(coarse) - len(fine)) // 2)
    name = f"difference_of_gaussians({low_sigma:g}, {high_sigma:g})"
    return Kernel.sum_of([(fine, fine), (-coarse, coarse)], name=name)


@kept
def gabor(
    frequency: float,
    angle: float = 0.0,
    bandwidth: float = 1.0,
    sigma_x: float | None = None,
    sigma_y: float | None = None,
    truncate: float = 3.0,
    phase: float = 0.0,
    part: Literal["real", "imaginary", "complex"] = "real",
) -> Kernel:
    """Find stripes of one frequency and direction: a wave under a Gaussian.

    exp(−u²/2σx² − v²/2σy²) / (2π·σx·σy) · exp(i·(2πf·u + phase)), where u runs along `angle` and v
    across it. With σx = σy (the default) or an angle along an axis it is the product of a
    function of x and one of y: the complex kernel is then one separable term, its real and
    imaginary parts are at most two.

    Parameters
    ----------
    frequency : float
        Waves per pixel, greater than 0; 0.5 is the finest there is.
    angle : float, default 0.0
        Direction in which the wave runs, across its stripes, in degrees, counter-clockwise as seen
        in the picture: 0 has vertical stripes, 90 horizontal ones.
    bandwidth : float, default 1.0
        Width in octaves of the band of frequencies that passes, greater than 0; sets the sigmas
        that are not given.
    sigma_x : float, optional
        Standard deviation along the wave, in pixels, greater than 0.
    sigma_y : float, optional
        Standard deviation along the stripes, in pixels, greater than 0.
    truncate : float, default 3.0
        Where the Gaussian is cut off, in standard deviations.
    phase : float, default 0.0
        Where the wave stands in the middle, in degrees: 0 on a crest, so that the real
        part is even, 90 at a falling zero, so that it is odd.
    part : {"real", "imaginary", "complex"}, default "real"
        Which part of the kernel; images of real numbers need a real one.

    Returns
    -------
    Kernel
        At least 3×3; float64, or complex128 for "complex". Its sum is near 0, not 0.

    References
    ----------
    J. Daugman, "Uncertainty relation for resolution in space, spatial frequency, and orientation",
    JOSA A 2 (1985); ``skimage.filters.gabor_kernel``, whose theta and offset are in radians, theta
    clockwise.

    Examples
    --------
    >>> gabor(0.25).shape, gabor(0.25, angle=45, sigma_x=2, sigma_y=4).shape
    ((15, 15), (19, 19))
    """
    frequency = number("frequency", frequency, above=0)
    default = _sigma_of(frequency, number("bandwidth", bandwidth, above=0))
    sigma_x = number("sigma_x", default if sigma_x is None else sigma_x, above=0)
    sigma_y = number("sigma_y", default if sigma_y is None else sigma_y, above=0)
    truncate = number("truncate", truncate, above=0)
    right, up = direction(number("angle", angle))
    choose("part", part, ("real", "imaginary", "complex"), "a part of a Gabor kernel")
    name = f"gabor({frequency:g}, angle={angle:g})"

    reach_x = truncate * max(abs(sigma_x * right), abs(sigma_y * up))
    reach_y = truncate * max(abs(sigma_x * up), abs(sigma_y * right))
    affordable(name, 2 * reach_y + 3, 2 * reach_x + 3)
    x, y = _offsets(reach_x), _offsets(reach_y)
    scale = cmath.exp(1j * math.radians(number("phase", phase))) / (2 * np.pi * sigma_x * sigma_y)
    # The Gaussian is exp(−½(a·x² + b·y²) − c·xy): separable where c is 0.
    a = (right / sigma_x) ** 2 + (up / sigma_y) ** 2
    b = (up / sigma_x) ** 2 + (right / sigma_y) ** 2
    c = right * up * (sigma_y**-2 - sigma_x**-2)
    along_x = -a / 2 * x**2 + 2j * np.pi * frequency * right * x
    along_y = -b / 2 * y**2 - 2j * np.pi * frequency * up * y
    if c == 0:
        return Kernel.sum_of(
            _part_of_term(np.exp(along_y), scale * np.exp(along_x), part), name=name
        )
    weights = scale * np.exp(along_y[:, None] + along_x - c * np.outer(y, x))
    return Kernel(_parts(weights)[part], name=name)


def _offsets(reach: float) -> Array:
    """Return −n … n, n at least 1 and at least `reach`."""
    n = max(1, math.ceil(reach))
    return np.arange(-n, n + 1)


def _sigma_of(frequency: float, bandwidth: float) -> float:
    """Return the sigma whose half-power band of frequencies is `bandwidth` octaves wide."""
    # (2ᵇ + 1) / (2ᵇ − 1), written so that a wide band does not overflow.
    ratio = 1 / math.tanh(bandwidth * math.log(2) / 2)
    return math.sqrt(math.log(2) / 2) / math.pi * ratio / frequency


def _parts(weights: Array) -> dict[str, Array]:
    return {"real": weights.real, "imaginary": weights.imag, "complex": weights}


def _part_of_term(column: Array, row: Array, part: str) -> list[tuple[Array, Array]]:
    """Return a part of ``outer(column, row)``: (a + ib)(c + id) = (ac − bd) + i(ad + bc)."""
    if part == "complex":
        return [(column, row)]
    even, odd = (row.real, row.imag) if part == "real" else (row.imag, row.real)
    sign = -1 if part == "real" else 1
    return [(column.real, even), (sign * column.imag, odd)][: 1 + column.imag.any()]
