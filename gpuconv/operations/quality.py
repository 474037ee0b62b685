"""How near an image is to another: peak signal-to-noise ratio, structural similarity."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log10
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gpuconv import backends, kernels
from gpuconv.api import convolve
from gpuconv.arrays import Array, channel_index, check_pixels
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.exchange import public
from gpuconv.kernel import Kernel

__all__ = ["psnr", "ssim"]

#: The constants of Wang et al.: parts of the data range that keep quotients away from 0 / 0.
_K1, _K2 = 0.01, 0.03
#: Standard deviations at which their Gaussian weights end: 11 × 11 for σ = 1.5.
_TRUNCATE = 3.5


@public
def psnr(image: ArrayLike, reference: ArrayLike, *, data_range: float | None = None) -> float:
    """Return the peak signal-to-noise ratio of an image in decibels: 10 · log₁₀(R² / MSE).

    Parameters
    ----------
    image, reference : array_like
        Real arrays of one shape, in the same memory; which is which makes no difference but to
        messages.
    data_range : float, optional
        R, the distance from the least to the largest possible pixel. The default is that of the
        reference's dtype for integers, 255 for uint8; and 1 for floats, whose reference must
        then be within 0 … 1.

    Returns
    -------
    float
        Infinite for equal arrays.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        Shapes differ or are empty, arrays are not real, or `data_range` is needed or not above 0.

    See Also
    --------
    ssim : what eyes agree with rather.

    Examples
    --------
    >>> import numpy as np
    >>> round(psnr(np.full((4, 4), 0.5), np.full((4, 4), 0.6)), 3)
    20.0
    """
    pair = _Pair.of(image, reference, data_range)
    with np.errstate(all="ignore"):
        error = _mean((pair.image - pair.reference) ** 2)
    # Of the quotient of both the logarithm may not exist.
    return inf if error == 0 else 20 * log10(pair.range) - 10 * _log10(error)


@public
def ssim(
    image: ArrayLike,
    reference: ArrayLike,
    *,
    data_range: float | None = None,
    win_size: int = 7,
    sigma: float | None = None,
    sample_covariance: bool = True,
    channel_axis: int | None = None,
    full: bool = False,
    device: str | None = None,
) -> float | tuple[float, Array]:
    """Return the mean structural similarity of two images: 1 for equal ones, less for others.

    Parameters
    ----------
    image, reference : array_like of shape (…, H, W)
        Real images of one shape, in the same memory.
    data_range : float, optional
        As for :func:`psnr`.
    win_size : int, default 7
        Side of the windows that are compared, odd, at most that of the image.
    sigma : float, optional
        Standard deviation of Gaussian weights for the pixels of a window, which then has
        ``2 * int(3.5 * sigma + 0.5) + 1`` of them along each side; the default is equal weights.
        1.5 is that of Wang et al.
    sample_covariance : bool, default True
        Whether variances are divided by the number of pixels less 1, as in scikit-image; Wang et
        al. divide by the number.
    channel_axis : int, optional
        Axis of the colour channels, each compared for itself.
    full : bool, default False
        Whether to return the similarity of each window, too.
    device : {None, "auto", "cpu", "cuda", "cuda:N"}
        Where to compute; None and "auto" leave the images where they are.

    Returns
    -------
    float, or (float, ndarray)
        The mean over windows that lie inside the image, over all channels and leading axes; and for
        `full` an array of float64, of the image's shape, in its memory.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`psnr`; or the image is smaller than a window.

    References
    ----------
    .. [1] Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from
       error visibility to structural similarity", IEEE Trans. Image Processing 13 (2004).

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.linspace(0, 1, 64).reshape(8, 8)
    >>> ssim(ramp, ramp), round(ssim(ramp, ramp[::-1]), 2)
    (1.0, -0.93)
    """
    pair = _Pair.of(image, reference, data_range)
    window = _window(win_size, sigma)
    axis = channel_index(pair.image.ndim, channel_axis)
    engine = backends.select(image, device)
    with engine.place(image, device):
        a, b = (engine.asarray(array) for array in (pair.image, pair.reference))
        if axis is not None:
            a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
        count = min(window.shape)
        if count > min(a.shape[-2:]):
            raise ArgumentError(
                f"the image has {' × '.join(map(str, a.shape[-2:]))} pixels; a window of "
                f"{count} × {count} does not fit in"
            )
        scale = count**2 / (count**2 - 1) if sample_covariance and count > 1 else 1.0
        with np.errstate(all="ignore"):
            similar = _similarity(a, b, window, scale, pair.range, device)
            inset = count // 2
            high, wide = similar.shape[-2:]
            mean = _mean(similar[..., inset : high - inset, inset : wide - inset])
        if not full:
            return mean
        whole = similar if pair.home is engine else engine.asnumpy(similar)
    return mean, whole if axis is None else np.moveaxis(whole, 0, axis)


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two arrays of float64 in one memory, and the range of their pixels."""

    home: ModuleType
    image: Any
    reference: Any
    range: float

    @classmethod
    def of(cls, image: ArrayLike, reference: ArrayLike, data_range: float | None) -> _Pair:
        """Return the pair that a caller gave."""
        home = backends.owner(image)
        if backends.owner(reference) is not home:
            raise ArgumentError("image and reference must both be in host memory, or on one GPU")
        a, b = check_pixels(image, home), check_pixels(reference, home, "reference")
        if "c" in (a.dtype.kind, b.dtype.kind):
            raise ArgumentTypeError(f"images have dtypes {a.dtype} and {b.dtype}; give real ones")
        if a.shape != b.shape or a.size == 0:
            raise ArgumentError(
                f"image has shape {a.shape} and reference {b.shape}; give one shape, not empty"
            )
        peak = _range(b, data_range)
        return cls(home, a.astype(np.float64), b.astype(np.float64), peak)


def _range(reference: Any, data_range: float | None) -> float:
    """Return the distance from the least possible pixel to the largest."""
    if data_range is not None:
        real = int, float, np.integer, np.floating
        if not isinstance(data_range, real) or isinstance(data_range, bool):
            raise ArgumentTypeError(f"data_range={data_range!r} must be a number")
        if not 0 < data_range < inf:
            raise ArgumentError(f"data_range={data_range!r} must be finite and above 0")
        return float(data_range)
    if reference.dtype.kind in "iu":
        limits = np.iinfo(reference.dtype)
        return float(limits.max) - float(limits.min)
    low, high = float(reference.min()), float(reference.max())
    if low < 0 or high > 1:
        raise ArgumentError(
            f"reference has floats from {low:g} to {high:g}, beyond 0 … 1; give data_range"
        )
    return 1.0


def _window(win_size: int, sigma: float | None) -> Kernel:
    """Return the weights of a window."""
    if sigma is not None:
        return kernels.gaussian(sigma, truncate=_TRUNCATE)
    if isinstance(win_size, bool) or not hasattr(win_size, "__index__"):
        raise ArgumentTypeError(f"win_size={win_size!r} must be an integer")
    if win_size < 1 or win_size % 2 == 0:
        raise ArgumentError(f"win_size={win_size} must be odd and at least 1")
    return kernels.box(win_size)


def _similarity(
    a: Any, b: Any, window: Kernel, scale: float, peak: float, device: str | None
) -> Any:
    """Return the similarity of the windows around all pixels."""

    def mean(values: Any) -> Any:
        return convolve(values, window, device=device)

    mean_a, mean_b = mean(a), mean(b)
    square, both = mean_a * mean_a + mean_b * mean_b, mean_a * mean_b
    variances = scale * (mean(a * a + b * b) - square)
    covariance = scale * (mean(a * b) - both)
    c1, c2 = (_K1 * peak) ** 2, (_K2 * peak) ** 2
    return (2 * both + c1) * (2 * covariance + c2) / ((square + c1) * (variances + c2))


def _mean(values: Any) -> float:
    return float(values.mean())


def _log10(value: float) -> float:
    return log10(value) if value < inf else value  # NaN, too
