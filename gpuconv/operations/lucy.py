"""Richardson and Lucy's iteration: a blur undone step by step, for light that is counted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gpuconv import backends
from gpuconv.arrays import Array, channels_restored, check_pixels
from gpuconv.epilogue import NOTHING, Epilogue
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.exchange import public
from gpuconv.kernel import Kernel, KernelLike
from gpuconv.operations.frame import ESTIMATE, Frame, check_border, check_psf
from gpuconv.operations.iteration import Blur, Callback, Wanted, iterated

__all__ = ["richardson_lucy"]


@public
def richardson_lucy(
    image: ArrayLike,
    psf: KernelLike,
    iterations: int = 30,
    *,
    clip: bool = False,
    filter_epsilon: float = 1e-12,
    initial: ArrayLike | None = None,
    border: str | tuple[str, str] = ESTIMATE,
    cval: float = 0,
    callback: Callback | None = None,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
) -> Array:
    """Undo a known blur by Richardson and Lucy's iteration.

    An estimate x is blurred as the picture was, y compared with it, and x corrected by what the
    comparison says: x ← x · (psf ⋆ (y / (psf ∗ x))), ∗ being convolution and ⋆ correlation. That is
    expectation maximisation for light that is counted; it keeps the sum, and nothing falls below 0.

    Parameters
    ----------
    image : array_like of shape (…, H, W)
        Real pixels of any dtype but bool, as :func:`gpuconv.convolve` takes them; those below 0
        count as 0.
    psf : Kernel, array_like or tuple (column, row)
        The point spread function, at least 0: what a point of light became. Its anchor is where
        the point was, ``(rows // 2, columns // 2)`` by default. One that does not sum to 1 has
        changed the brightness, too, and that is undone.
    iterations : int, default 30
        How often, at least 1. More bring out more detail, and more noise.
    clip : bool, default False
        Whether to limit results to −1 … 1.
    filter_epsilon : float, default 1e-12
        Where the blurred estimate is not above this, the comparison is 0 instead of a quotient.
    initial : array_like of the image's shape, optional
        The estimate to begin with, above 0, such as the result of fewer iterations (but what these
        found outside the frame is lost); the default is the same everywhere.
    border : str or (str, str), default "estimate"
        What the PSF mixed into the image from outside the frame. "estimate": unknown, and found
        out together with the result, so that nothing rings at the frame. Else a mode of
        :func:`gpuconv.convolve`; "constant" is scikit-image's.
    cval : float, default 0
        The value outside in mode "constant".
    callback : callable, optional
        Called with the number of each iteration, from 1 on, and the estimate, which the next one
        overwrites: NumPy's or CuPy's array of the image's shape, of the dtype that is computed in,
        where it is computed. Returns True to stop.
    channel_axis : int, optional
        Axis of the colour channels, each restored for itself.
    dtype : dtype, optional
        Of the result; the default is that of `out`, else the image's. Integers are rounded and
        saturated. All is computed in float32 for pixels of up to 16 bits and float32, else in
        float64.
    out : ndarray, optional
        Where to write, at the very end; it may be the image itself.
    device : {None, "auto", "cpu", "cuda", "cuda:N"}
        Where to compute; None and "auto" leave the image where it is.

    Returns
    -------
    ndarray
        The restored image; `out` if given.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`gpuconv.convolve`; or `psf` is complex, has weights below 0 or only zeros, or
        `initial` is not of the image's shape.

    Notes
    -----
    For "estimate", x is larger than the frame by what the PSF reaches beyond it. Only pixels in the
    frame are compared, and corrections are divided by how much of the PSF lies in the frame [3]_.
    With ``border="constant"`` this is scikit-image's ``richardson_lucy``; but for a PSF with even
    sides that one correlates a pixel beside where it convolves, which shifts its first results.

    The spectrum of a large PSF is computed once; ``gc.plan(shape, dtype, psf)`` tells how
    convolutions with it run. Where a GPU has no room for five arrays of the image's size, these
    stay in host memory, and convolutions go to the GPU in parts; the result is the same.

    References
    ----------
    .. [1] W. H. Richardson, "Bayesian-based iterative method of image restoration", J. Opt. Soc.
       Am. 62 (1972).
    .. [2] L. B. Lucy, "An iterative technique for the rectification of observed distributions",
       Astronomical Journal 79 (1974).
    .. [3] M. Bertero, P. Boccacci, "A simple method for the reduction of boundary effects in the
       Richardson-Lucy approach to image deconvolution", Astronomy & Astrophysics 437 (2005).

    Examples
    --------
    >>> import numpy as np
    >>> import gpuconv as gc
    >>> stars = np.zeros((32, 32))
    >>> stars[[8, 20], [10, 24]] = 1
    >>> blurred = gc.convolve(stars, gc.kernels.gaussian(2))
    >>> restored = gc.richardson_lucy(blurred, gc.kernels.gaussian(2), 100)
    >>> float(blurred.max().round(2)), bool(restored.max() > 0.2)
    (0.04, True)
    """
    kernel = _checked(psf)
    modes, limits = check_border(border, cval), Epilogue(low=-1, high=1) if clip else NOTHING
    if callback is not None and not callable(callback):
        raise ArgumentTypeError(f"callback={callback!r} must be callable, or None")
    wanted = Wanted(_count(iterations), _least(filter_epsilon), callback, limits)
    with backends.select(image, device).place(image, device):
        frame = Frame.of(image, channel_axis, dtype, out, device)
        start = None if initial is None else _initial(frame, initial)
        if 0 not in frame.shape:
            iterated(frame, Blur.of(frame, kernel, modes, float(cval)), start, wanted)
    return frame.result


# ------------------------------------------------------------------------ arguments


def _checked(psf: KernelLike) -> Kernel:
    kernel = check_psf(psf)
    least = float(kernel.weights.min())
    if least < 0:
        raise ArgumentError(f"psf has weights below 0, such as {least:g}; light only adds up")
    return kernel


def _count(iterations: object) -> int:
    if isinstance(iterations, bool) or not hasattr(iterations, "__index__"):
        raise ArgumentTypeError(f"iterations={iterations!r} must be an integer")
    count = int(iterations)  # type: ignore[call-overload]
    if count < 1:
        raise ArgumentError(f"iterations={count} must be at least 1")
    return int(count)


def _least(epsilon: object) -> float:
    real = int, float, np.integer, np.floating
    if isinstance(epsilon, bool) or not isinstance(epsilon, real):
        raise ArgumentTypeError(f"filter_epsilon={epsilon!r} must be a number")
    if not 0 <= epsilon < np.inf:
        raise ArgumentError(f"filter_epsilon={epsilon!r} must be finite and at least 0")
    return float(epsilon)


def _initial(frame: Frame, initial: ArrayLike) -> Any:
    """Return the estimate to begin with, channels first."""
    given = check_pixels(initial, frame.home, "initial")
    shape = channels_restored(frame.shape, frame.channel)
    if given.dtype.kind == "c" or tuple(given.shape) != shape:
        raise ArgumentError(
            f"initial has shape {tuple(given.shape)} and dtype {given.dtype}; it must be real and "
            f"of the image's shape, {shape}"
        )
    return given if frame.channel is None else np.moveaxis(given, frame.channel, 0)
