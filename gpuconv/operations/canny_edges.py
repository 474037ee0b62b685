"""Canny's edge detector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gpuconv import backends, dtypes, kernels
from gpuconv.api import convolve
from gpuconv.arguments import Border
from gpuconv.arrays import (
    Array,
    channel_index,
    check_mask,
    check_out,
    check_pixels,
    named_axis,
)
from gpuconv.backends.host import canny as host
from gpuconv.border import pair as border_pair
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.exchange import public
from gpuconv.kernel import Kernel
from gpuconv.operations.slopes import pair
from gpuconv.responses import filter_bank

__all__ = ["canny", "canny_kernels", "worked_in"]

#: The least low threshold: where there is no slope at all there is no edge. As in scikit-image.
_LEAST = 1e-14


@public
def canny(
    image: ArrayLike,
    sigma: float = 1.0,
    low_threshold: float | None = None,
    high_threshold: float | None = None,
    *,
    use_quantiles: bool = False,
    mask: ArrayLike | None = None,
    truncate: float = 4.0,
    border: Border = "constant",
    channel_axis: int | None = None,
    out: Array | None = None,
    device: str | None = None,
) -> Array:
    """Find edges: lines one pixel wide along the tops of slopes, each with a strong part.

    The image is smoothed by a Gaussian. Of the pixels whose Sobel gradient is at least
    `low_threshold` those remain whose gradient is the largest along its own direction (between
    pixels it is interpolated), and of these all that lead, from neighbour to neighbour, to one
    whose gradient is at least `high_threshold`.

    Parameters
    ----------
    image : array_like of shape (…, H, W)
        Real pixels of any dtype but bool. Each channel has edges of its own.
    sigma : float, default 1.0
        Standard deviation of the blur in pixels, at least 0: edges of finer detail go.
    low_threshold, high_threshold : float, optional
        Magnitudes of :func:`gpuconv.sobel`, in levels of the image; the defaults are a tenth and a
        fifth of the largest integer of its dtype, or of 1 for floats.
    use_quantiles : bool, default False
        Whether thresholds are quantiles of all magnitudes instead, 0 … 1; the defaults are then 0.1
        and 0.2.
    mask : array_like, optional
        Which pixels count, by bool; there are edges only where all eight neighbours do. With a
        `channel_axis` it may have none, and is for all channels then.
    truncate : float, default 4.0
        Where the Gaussian is cut off, in standard deviations.
    border : str or (str, str), default "constant"
        What the blur sees outside the image, as for :func:`gpuconv.convolve`; "constant" is pixels
        that do not count, as those beside the mask.
    channel_axis : int, optional
        As for :func:`gpuconv.convolve`.
    out : ndarray of bool, optional
        Where to write.
    device : {None, "auto", "cpu", "cuda", "cuda:N"}
        Where to compute; None and "auto" leave the image where it is.

    Returns
    -------
    ndarray of bool
        Of the image's shape: True on edges, of which there are none in the outermost pixels.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`gpuconv.convolve`; or a threshold is not allowed.

    Notes
    -----
    ``skimage.feature.canny`` pixel for pixel, where no magnitude is so near to another, or to a
    threshold, that rounding decides (there the low one is rounded to float32). Integers and float64
    are worked on in float64, other floats in float32.

    References
    ----------
    J. Canny, "A computational approach to edge detection", IEEE Trans. Pattern Analysis and Machine
    Intelligence 8 (1986).

    Examples
    --------
    >>> image = np.zeros((7, 9), np.uint8)
    >>> image[:, 4], image[:, 5:] = 60, 200
    >>> canny(image)[3].nonzero()[0].tolist()
    [4]
    """
    engine, home = backends.select(image, device), backends.owner(image)
    pixels = check_pixels(image, home)
    named = named_axis(image, channel_axis)
    channel = channel_index(pixels.ndim, named)
    wanted = _Wanted(
        canny_kernels(sigma, truncate)[0],
        border_pair(border, 0),
        *_limits(pixels.dtype, low_threshold, high_threshold, bool(use_quantiles)),
        bool(use_quantiles),
    )
    find = _on_the_host if engine is backends.host else partial(_on_a_device, device=device)
    with engine.place(image, device):
        counts = None if mask is None else check_mask(mask, pixels.shape, channel, home) > 0
        result = home.empty(pixels.shape, bool) if out is None else out
        target = _check_out(result, pixels.shape, home)
        if channel is not None:
            pixels, target = np.moveaxis(pixels, channel, 0), np.moveaxis(target, channel, 0)
        for plane in product(*map(range, pixels.shape[:-2])):
            allowed = None if counts is None else counts[plane]
            target[plane] = find(pixels[plane], allowed, wanted)
    return result


def canny_kernels(sigma: float = 1.0, truncate: float = 4.0) -> tuple[Kernel, ...]:
    """Return the kernels that Canny's detector begins with: a blur, then slopes.

    Examples
    --------
    >>> [kernel.shape for kernel in canny_kernels(2)]
    [(17, 17), (3, 3), (3, 3)]
    """
    return kernels.gaussian(sigma, truncate=truncate), *pair("sobel")


@dataclass(frozen=True)
class _Wanted:
    """What edges are looked for."""

    blur: Kernel
    border: tuple[str, str]
    #: Magnitudes from which pixels may be edges, and begin one; or quantiles of all magnitudes.
    low: float
    high: float
    quantiles: bool

    def limits(self, magnitudes: Callable[[], Array]) -> tuple[float, float]:
        """Return the magnitudes, of all those that an image has.

        They must be the very ones that are compared: a quantile is often one of them.
        """
        if not self.quantiles:
            return self.low, self.high
        with np.errstate(all="ignore"):
            sizes = magnitudes()
            low, high = map(float, np.percentile(sizes, [100 * self.low, 100 * self.high]))
        return low or _LEAST, high


def _on_the_host(image: Array, counts: Array | None, wanted: _Wanted) -> Array:
    """Return the edges of one plane."""
    if min(image.shape) < 3:
        return np.zeros(image.shape, bool)
    framed, smooth = host.framed(image.shape, worked_in(image.dtype))  # type: ignore[arg-type]
    if counts is None:
        convolve(image, wanted.blur, border=wanted.border, out=smooth)
        _without_outside(smooth, wanted.blur, wanted.border)
    else:
        smooth[...] = _counted(image, counts, wanted, "cpu")
        counts = _eroded(counts)
    limits = wanted.limits(lambda: host.magnitudes(framed))
    places, strong = host.ridges(framed, counts, *limits)
    return host.linked(places, strong, smooth.shape)  # type: ignore[arg-type]


def _on_a_device(image: Array, counts: Array | None, wanted: _Wanted, device: str | None) -> Array:
    """Return the edges of one plane, where the plane is."""
    if 0 in image.shape:
        return np.zeros(image.shape, bool)
    where = "cuda" if device in (None, "auto") else device
    there, home = backends.cuda.asarray(image), backends.owner(image)
    counts = None if counts is None else backends.cuda.asarray(counts.astype(np.uint8))
    if counts is None and "constant" not in wanted.border:
        smooth = convolve(
            there, wanted.blur, border=wanted.border, dtype=worked_in(image.dtype), device=where
        )
    else:
        inside = np.ones_like(there, dtype=np.uint8) if counts is None else counts
        smooth = _counted(there, inside, wanted, where)
    slopes = filter_bank(smooth, pair("sobel"), device=where)
    possible = None if counts is None else _eroded(counts)
    x, y = slopes[0], slopes[1]
    limits = wanted.limits(lambda: np.sqrt(y * y + x * x))
    found: Array = backends.cuda.edges(x, y, possible, *limits)
    return found if home is backends.cuda else np.asarray(backends.cuda.asnumpy(found))


def worked_in(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the smoothed image and of its slopes."""
    return np.dtype(np.float64 if dtype.kind in "iu" else dtypes.rule(dtype).accumulator)


def _without_outside(smooth: Array, blur: Kernel, border: tuple[str, str]) -> None:
    """Divide a blur by the part of the Gaussian that was inside the image, along each axis."""
    for axis, mode in enumerate(border):
        if mode != "constant":
            continue
        ones = np.ones(np.where(np.arange(2) == axis, smooth.shape, 1))
        line = kernels.identity() if blur.shape == (1, 1) else _along(blur, axis)
        inside = convolve(ones, line, border="constant").ravel()
        # A rounding error of the whole is no part that lies outside.
        near = np.flatnonzero(inside < 1 - 1e-12)
        where = (near, slice(None)) if axis == 0 else (slice(None), near)
        smooth[where] /= np.expand_dims(inside[near], 1 - axis)


def _along(blur: Kernel, axis: int) -> Kernel:
    """Return the blur along one axis alone."""
    ((column, row),) = blur.terms
    return Kernel(column[:, None] if axis == 0 else row[None, :])


def _counted(image: Array, counts: Array, wanted: _Wanted, device: str | None) -> Array:
    """Return the weighted means of the pixels that count; 0 where none does."""
    options: Any = {
        "border": wanted.border,
        "dtype": worked_in(image.dtype),
        "device": device,
    }
    smooth = convolve(np.where(counts, image, image.dtype.type(0)), wanted.blur, **options)
    parts = convolve(counts.astype(np.uint8), wanted.blur, **options)
    parts += np.finfo(parts.dtype).eps
    smooth /= parts
    return smooth


def _eroded(counts: Array) -> Array:
    """Return the pixels that count with all their neighbours."""
    padded = np.pad(counts, 1)
    rows = padded[:-2] & padded[1:-1] & padded[2:]
    inner: Array = rows[:, :-2] & rows[:, 1:-1] & rows[:, 2:]
    return inner


# ------------------------------------------------------------------------ arguments


def _limits(
    dtype: np.dtype[Any], low: float | None, high: float | None, quantiles: bool
) -> tuple[float, float]:
    """Return the thresholds of magnitudes or, for quantiles, of their distribution."""
    whole = dtype.kind in "iu" and not quantiles
    largest = float(np.iinfo(dtype).max) if whole else 1.0
    if dtype.kind == "c":
        raise ArgumentTypeError(f"image has dtype {dtype}; canny is for real pixels")
    found = []
    for name, value, share in (("low_threshold", low, 0.1), ("high_threshold", high, 0.2)):
        given = share * largest if value is None else value
        if not isinstance(given, (int, float, np.integer, np.floating)):
            raise ArgumentTypeError(f"{name}={value!r} must be a real number")
        if not 0 <= given <= (1 if quantiles else np.inf):
            allowed = "0 … 1, as it is a quantile" if quantiles else "at least 0"
            raise ArgumentError(f"{name}={value!r} must be {allowed}")
        found.append(float(given))
    if found[1] < found[0]:
        raise ArgumentError(f"low_threshold={found[0]:g} is above high_threshold={found[1]:g}")
    return found[0] if quantiles else max(found[0], _LEAST), found[1]


def _check_out(out: Any, shape: tuple[int, ...], home: ModuleType) -> Array:
    target = check_out(out, shape, home)
    if target.dtype != bool:
        raise ArgumentTypeError(f"out has dtype {target.dtype}; edges are bool")
    return target
