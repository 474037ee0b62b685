"""Averages over pixels that are alike: the bilateral filter and non-local means."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gpuconv.apply import Choices, applied
from gpuconv.arguments import Border
from gpuconv.arrays import Array
from gpuconv.exchange import public
from gpuconv.neighbourhood import Bilateral, NonLocalMeans
from gpuconv.neighbourhood.measures import measure
from gpuconv.operations.noise import estimate_noise

__all__ = ["bilateral", "nl_means"]

#: `h` in parts of `sigma`: what scikit-image recommends where pixels of a patch all count alike.
_H = 0.8
#: In an image without noise, only patches that are equal count.
_LEAST_H = 1e-12


@public
def bilateral(
    image: ArrayLike,
    diameter: int | None = None,
    *,
    sigma_color: float,
    sigma_space: float | None = None,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: str = "auto",
) -> Array:
    """Smooth an image but for its edges: average pixels that are near, and alike.

    Output p is Σ w·I(q) / Σ w over the pixels q of a disk, |p − q| ≤ radius, with
    w = exp(−|p − q|² / 2·sigma_space²) · exp(−‖I(p) − I(q)‖² / 2·sigma_color²).

    Parameters
    ----------
    image : array_like of shape (…, H, W)
        Pixels of any real dtype but bool. Leading axes are a batch; colour stands in
        `channel_axis`. Any strides will do.
    diameter : int, optional
        Pixels across the window, 1 to 4095: its radius is ``diameter // 2``, and 1 at least. The
        default follows from `sigma_space`: the radius is rint(1.5 · sigma_space).
    sigma_color : float
        How far pixels may differ and still count, in units of pixel values: 10 to 50 for most
        photographs of bytes, 0.04 to 0.2 for those of floats from 0 to 1.
    sigma_space : float, optional
        How far pixels may lie and still count, in pixels. The default follows from `diameter`: it
        is radius / 1.5.
    border : str or (str, str), default "reflect"
        What lies outside the image: "constant", "nearest", "reflect", "mirror" or "wrap", in
        SciPy's sense, or an unambiguous name of NumPy's or OpenCV's; a pair is (along y, along x).
        OpenCV's default is "mirror".
    cval : number, default 0
        The value outside in mode "constant": one that a pixel can have.
    channel_axis : int, optional
        Axis of the colour channels, which are filtered together: ‖·‖ is the sum of the absolute
        differences of all channels, so that an edge in one keeps all sharp. The default is what
        the image says of itself, as :class:`gpuconv.Image` does, else none.
    dtype : dtype, optional
        Of the output; the default is that of `out`, else the image's. Integers are rounded half to
        even and saturated.
    out : ndarray, optional
        Where to write; it may be the image itself or overlap it.
    device : {None, "auto", "cpu", "cuda", "cuda:N"}
        Where to compute; the default leaves the image where it is. "auto" takes an image in host
        memory to the GPU if it is expected back sooner than the CPU is done.
    method : {"auto", "direct"}
        Algorithm: "direct" weighs every pixel of the window.

    Returns
    -------
    ndarray
        The filtered image, of the image's shape; `out` if given.

    Raises
    ------
    ArgumentError
        Neither `diameter` nor `sigma_space` is given, a value is not allowed, or shapes do not fit.
    ArgumentTypeError
        An argument is of a kind that is not accepted; bool and complex images are.
    DeviceError
        There is no such device, or too little memory on it for a row of the result.

    See Also
    --------
    nl_means : averages pixels whose surroundings are alike; slower, and better against noise.
    median : keeps edges, too, and removes what is smaller than half of the window.

    Notes
    -----
    The filter is that of Tomasi and Manduchi (Bilateral filtering for gray and color images, ICCV
    1998); the disk, the distance of colours and the window that follows from `sigma_space` are
    those of OpenCV's ``bilateralFilter``.

    Weights are computed at full precision, in float32 for 8- and 16-bit pixels and float32, else in
    float64: results are within some units in the last place of the largest pixel of the window, and
    integers within one level of the definition, where a tie falls to the other side. NaN and
    infinity make NaN of every output whose window they are in, on every engine, as the formula has
    it: infinity in one channel does so in that channel, and in all of its own pixel, as it weighs
    nothing elsewhere. Differences that a float32 cannot hold count as infinite; convert such
    images to float64.

    OpenCV takes the weights of bytes from a table, and interpolates those of floats in one of 4096
    entries to a channel: its results are within one level, and within 1e-5 of the range, of these.
    scikit-image's ``denoise_bilateral`` is another filter: its window is a square, its distance of
    colours Euclidean, both from tables of `bins` entries, and it reads the table of weights in
    space with a wrong stride (scikit-image 0.26), which is not copied here: results differ by up to
    0.9 of the range.

    Examples
    --------
    Noise goes, and the edge stays:

    >>> import numpy as np
    >>> image = np.array([[20, 24, 18, 22, 200, 204, 198, 202]] * 5, np.uint8)
    >>> bilateral(image, 5, sigma_color=25, sigma_space=3)[2].tolist()
    [21, 21, 21, 21, 201, 201, 201, 201]

    Float images from 0 to 1 in colour:

    >>> photograph = np.random.default_rng(0).random((64, 64, 3), np.float32)
    >>> bilateral(photograph, sigma_color=0.1, sigma_space=3, channel_axis=-1).shape
    (64, 64, 3)
    """
    wanted = Bilateral.of(diameter, sigma_color=sigma_color, sigma_space=sigma_space)
    choices = Choices.of(wanted, border, cval, method)
    return applied(image, wanted, choices, channel_axis, dtype, out, device)


@public
def nl_means(
    image: ArrayLike,
    patch_size: int = 7,
    search_distance: int = 11,
    *,
    h: float | None = None,
    sigma: float | None = None,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: str = "auto",
) -> Array:
    """Remove noise: average pixels whose surroundings are alike, wherever they are.

    Output p is Σ w·I(q) / Σ w over the pixels q at most `search_distance` rows and columns away,
    with w = exp(−max(d² − 2·sigma², 0) / h²), where d² is the mean squared difference of the
    patches around p and q, over all channels.

    Parameters
    ----------
    image : array_like of shape (…, H, W)
        Pixels of any real dtype but bool. Leading axes are a batch; colour stands in
        `channel_axis`. Any strides will do.
    patch_size : int, default 7
        Rows and columns of a patch, 1 to 127. A patch of even size reaches one pixel further up and
        left than down and right.
    search_distance : int, default 11
        Most rows and columns from p to q, 1 to 1023.
    h : float, optional
        How different patches may be and still count, in units of pixel values: larger is smoother.
        The default is 0.8 · `sigma`, or 0.8 times the noise that is found where that is 0.
    sigma : float, optional
        Standard deviation of the noise, whose share in the differences of patches does not count.
        The default is 0 if `h` is given, else what :func:`estimate_noise` finds in the image; of a
        batch, the mean of what it finds.
    border : str or (str, str), default "reflect"
        What lies outside the image, and is compared and averaged as the rest is: "constant",
        "nearest", "reflect", "mirror" or "wrap", in SciPy's sense, or an unambiguous name of
        NumPy's or OpenCV's; a pair is (along y, along x).
    cval : number, default 0
        The value outside in mode "constant": one that a pixel can have.
    channel_axis : int, optional
        Axis of the colour channels, which have their weights in common. The default is what the
        image says of itself, as :class:`gpuconv.Image` does, else none.
    dtype : dtype, optional
        Of the output; the default is that of `out`, else the image's. Integers are rounded half to
        even and saturated.
    out : ndarray, optional
        Where to write; it may be the image itself or overlap it.
    device : {None, "auto", "cpu", "cuda", "cuda:N"}
        Where to compute; the default leaves the image where it is. "auto" takes an image in host
        memory to the GPU if it is expected back sooner than the CPU is done.
    method : {"auto", "shifts"}
        Algorithm: "shifts" compares the image with itself, one shift after another, and adds up
        differences over patches by windows: its cost grows with the square of `search_distance`,
        but hardly with `patch_size`.

    Returns
    -------
    ndarray
        The filtered image, of the image's shape; `out` if given.

    Raises
    ------
    ArgumentError
        A value is not allowed, or shapes do not fit.
    ArgumentTypeError
        An argument is of a kind that is not accepted; bool and complex images are.
    DeviceError
        There is no such device, or too little memory on it for a row of the result.

    See Also
    --------
    estimate_noise : what `sigma` is by default.
    bilateral : compares pixels, not patches; faster.

    Notes
    -----
    The filter is that of Buades, Coll and Morel (A non-local algorithm for image denoising, CVPR
    2005), with patches all of whose pixels count alike, which makes it fast (Darbon et al., Fast
    nonlocal filtering applied to electron cryomicroscopy, ISBI 2008); to spare what noise explains
    is of Buades, Coll and Morel, too (Non-local means denoising, IPOL 1, 2011).

    Differences and weights are computed in float32 for 8- and 16-bit pixels and float32, else in
    float64, as they are where `h` or `sigma` is beyond 1e-15 … 1e15. Integers are
    within one level of the definition, where a tie falls to the other side;
    float32 results within some 10⁻⁶ of the largest pixel, for windows of 23 × 23, and 10⁻⁵ for
    those of 81 × 81, as rounding errors of sums grow with their number. NaN makes NaN of every
    output that reads it, through any patch, on every engine; so do infinities in the patch of p or
    in place of q, as the formula has it, and patches that hold others count as different.

    scikit-image's ``denoise_nl_means`` with `fast_mode` has the same normalisation, so that `h` and
    `sigma` mean the same; its border is "mirror". It differs in three things, which are not copied
    here (scikit-image 0.26): it adds up (patch_size − 1)² differences of each patch, all but the
    first row and column, and divides by patch_size²; weights below exp(−5) are 0; and the
    exponential is one of −3.9 … +2 % error. With these three the results are the same; without, at
    noise of 0.08 in images from 0 to 1, they differed by 0.004 to 0.008 on average and up to 0.18,
    and were 0.4 dB further from the image without noise to 0.6 dB nearer. Without `fast_mode` the
    pixels of its patches are weighed by a Gaussian, and no patch lies outside the image: another
    filter. Of an even patch_size it makes the next odd one. OpenCV's ``fastNlMeansDenoising`` is
    for integers, whose weights it takes from a table.

    Examples
    --------
    >>> import numpy as np
    >>> steps = np.repeat([[20.0, 90.0, 20.0, 90.0]], 32, axis=0).repeat(8, axis=1)
    >>> noisy = steps + np.random.default_rng(0).normal(0, 5, steps.shape)
    >>> cleaned = nl_means(noisy, h=4.0, sigma=5.0)
    >>> [round(float(abs(each - steps).mean()), 1) for each in (noisy, cleaned)]
    [3.9, 0.8]

    Of noise that is not known, in colour:

    >>> photograph = np.random.default_rng(0).random((32, 32, 3), np.float32)
    >>> nl_means(photograph, channel_axis=-1).shape
    (32, 32, 3)
    """
    if h is None:
        said = 0.0 if sigma is None else measure("sigma", sigma, zero=True)
        noise = said or _noise(image, channel_axis, device)
        h, sigma = _H * noise or _LEAST_H, noise if sigma is None else said
    wanted = NonLocalMeans.of(
        patch_size, search_distance, h=h, sigma=0.0 if sigma is None else sigma
    )
    choices = Choices.of(wanted, border, cval, method)
    return applied(image, wanted, choices, channel_axis, dtype, out, device)


def _noise(image: ArrayLike, channel_axis: int | None, device: str | None) -> float:
    found = np.asarray(estimate_noise(image, channel_axis=channel_axis, device=device))
    return float(found.mean()) if found.size else 0.0
