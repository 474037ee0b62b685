"""How much noise an image holds."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from gpuconv import backends
from gpuconv.api import convolve
from gpuconv.arrays import Array, channel_index, named_axis
from gpuconv.errors import ArgumentTypeError, choose
from gpuconv.exchange import public
from gpuconv.kernel import Kernel

__all__ = ["estimate_noise"]

Method = Literal["wavelet", "laplacian"]

#: A Laplacian that is 0 on all ramps, Immerkær's; the squares of its weights add up to 6². Weights
#: are integers, as a sum of it is then exactly 0 where all pixels are equal.
_CURVATURE = Kernel.separable([1, -2, 1], [1, -2, 1])
_CURVATURE_NORM = 6

#: What makes of it the diagonal details of Daubechies' wavelet with two vanishing moments, whose
#: high-pass filter is [1, −2, 1] ∗ these, as its two moments vanish: squares of the weights of both
#: together add up to 1, so that noise is as strong behind them as before.
_REST = np.array([sqrt(3) + 1, sqrt(3) - 1]) / (4 * sqrt(2))
#: The tap, so that there are the same details as of PyWavelets, and every how manieth.
_ANCHOR, _EVERY = (0, 0), 2
#: Of the absolute values of Gaussian noise of standard deviation 1: the median, and the mean.
_MEDIAN, _MEAN = 0.6744897501960817, sqrt(2 / pi)


@public
def estimate_noise(
    image: ArrayLike,
    *,
    channel_axis: int | None = None,
    average_channels: bool = True,
    method: Method = "wavelet",
    device: str | None = None,
) -> Any:
    """Return the standard deviation of the noise in an image, as far as it can be told from it.

    Parameters
    ----------
    image : array_like of shape (…, H, W)
        Pixels of any real dtype but bool. Leading axes are a batch, of which each image has noise
        of its own.
    channel_axis : int, optional
        Axis of the colour channels. The default is what the image says of itself, else none.
    average_channels : bool, default True
        Whether the mean over the channels is returned; if not, each channel's.
    method : {"wavelet", "laplacian"}
        What noise is told by. "wavelet" takes the median of the finest diagonal details, which
        hardly sees edges and textures. "laplacian" takes the mean response to a Laplacian, which
        sees all of them: it says more than there is in images of rich texture, and is steadier in
        small or smooth ones.
    device : {None, "auto", "cpu", "cuda", "cuda:N"}
        Where the details are filtered out; the default leaves the image where it is. The rest is
        done in host memory.

    Returns
    -------
    float, or ndarray of float64
        In units of pixel values: of an image a float; of a batch, and of channels that are not
        averaged, an array of their shape, channels last. 0 for an image without pixels.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As :func:`gpuconv.convolve`; of complex images, too.

    See Also
    --------
    nl_means : removes that noise.

    Notes
    -----
    "wavelet" is the estimate of Donoho and Johnstone (Ideal spatial adaptation by wavelet
    shrinkage, Biometrika 81, 1994, section 4.2): median(|d|) / 0.6745 of the diagonal details d of
    the wavelet db2. Details that are exactly 0 do not count, as in regions that are black,
    saturated or masked; in a drawing of even areas corners are left, which it takes for noise. So
    does scikit-image's ``estimate_sigma``, with the same details but for those at the frame, and
    for rounding errors in even areas: the results agree within 0.3 % for photographs.

    "laplacian" is that of Immerkær (Fast noise variance estimation, CVIU 64, 1996):
    √(π/2) · mean|I ∗ N| / 6 with N = [[1, −2, 1], [−2, 4, −2], [1, −2, 1]].

    Both hold for noise that is white, Gaussian, and as strong everywhere; an image that was
    compressed, blurred or scaled after it was taken has less of it in its finest details than it
    has. NaN and infinity, and details under which they are, do not count.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.add.outer(np.arange(256.0), np.arange(256.0))
    >>> noise = np.random.default_rng(0).normal(0, 5, ramp.shape)
    >>> round(estimate_noise(ramp), 3), round(estimate_noise(ramp + noise))
    (0.0, 5)
    """
    choose("method", method, get_args(Method), "a method")
    channel_axis = named_axis(image, channel_axis)
    details = convolve(
        image, _CURVATURE, channel_axis=channel_axis, dtype=_floats(image), device=device
    )
    if method == "wavelet":
        rest = Kernel.separable(_REST, _REST, anchor=_ANCHOR)
        details = convolve(details, rest, stride=_EVERY, channel_axis=channel_axis, device=device)
    values = np.abs(backends.owner(details).asnumpy(details))
    channel = channel_index(values.ndim, channel_axis)
    if channel is not None:
        values = np.moveaxis(values, channel, -3)
    found = np.empty(values.shape[:-2])
    for index in np.ndindex(found.shape):
        found[index] = _spread(values[index], method)
    if channel is not None and average_channels:
        found = found.sum(axis=-1) / max(found.shape[-1], 1)
    return found if found.ndim else float(found)


def _floats(image: Any) -> np.dtype[Any]:
    """Return the dtype of details: float64 where pixels are wider than float32 can tell apart."""
    given = getattr(image, "dtype", None)
    pixel = np.dtype(np.asarray(image).dtype if given is None else given)
    if pixel.kind == "c":
        raise ArgumentTypeError(f"image has dtype {pixel}; noise is estimated of real pixels")
    wide = pixel.itemsize > 2 if pixel.kind in "iu" else pixel.itemsize > 4
    return np.dtype(np.float64 if wide else np.float32)


def _spread(sizes: Array, method: str) -> float:
    """Return the standard deviation of noise that makes details of these absolute values."""
    counted = sizes[np.isfinite(sizes) & ((sizes > 0) | (method == "laplacian"))]
    if not counted.size:
        return 0.0
    if method == "laplacian":
        return float(counted.mean(dtype=np.float64) / _MEAN / _CURVATURE_NORM)
    return float(np.median(counted) / _MEDIAN)
