"""The public calls: arguments are checked here, once, and handed to a plan and a backend."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gpuconv.arguments import Accuracy, Border, Method, Nan, Size, Step, options_of
from gpuconv.arrays import Array
from gpuconv.call import filtered, plan_of
from gpuconv.epilogue import Epilogue
from gpuconv.errors import ArgumentError
from gpuconv.exchange import public
from gpuconv.kernel import Kernel, KernelLike, as_kernel
from gpuconv.known import known_kernel
from gpuconv.plan import Plan

if TYPE_CHECKING:
    from gpuconv.neighbourhood import Neighbourhood, NeighbourhoodPlan

__all__ = ["convolve", "correlate", "plan"]


@public
def convolve(
    image: ArrayLike,
    kernel: KernelLike,
    *,
    border: Border = "reflect",
    cval: complex = 0,
    size: Size = "same",
    stride: Step = 1,
    dilation: Step = 1,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: Method = "auto",
    accuracy: Accuracy = "exact",
    mask: ArrayLike | None = None,
    nan: Nan = "propagate",
    epilogue: Epilogue | None = None,
) -> Array:
    """Convolve the last two axes of an image with a kernel.

    Output pixel (y, x) is Σ w[k, l] · image[y − (k − a), x − (l − b)] over all taps, (a, b) being
    the kernel's anchor: both axes of the kernel are flipped, as the definition has it.

    Parameters
    ----------
    image : array_like of shape (…, H, W)
        Pixels of any real or complex dtype but bool. Leading axes are a batch; colour stands in
        `channel_axis`. Any strides will do, and arrays of other libraries: CuPy, PyTorch, those
        with DLPack or of the array API, and dask's, lazily. They stay where they are.
    kernel : Kernel, array_like of shape (rows, columns), or tuple (column, row)
        Weights; a tuple of two 1-D sequences is a separable kernel. The anchor is the kernel's,
        ``(rows // 2, columns // 2)`` by default as in SciPy. Weights on a GPU are copied.
    border : str or (str, str), default "reflect"
        What lies outside the image: "constant", "nearest", "reflect", "mirror" or "wrap", in
        SciPy's sense, or an unambiguous name of NumPy's or OpenCV's ("edge", "symmetric",
        "replicate", "reflect101", "zero"); a pair is (along y, along x). Right for any radius.
    cval : number, default 0
        The value outside in mode "constant".
    size : {"same", "valid", "full"}, default "same"
        Which outputs: one per pixel, those whose taps all lie in the image, or all that have any.
    stride : int or (int, int), default 1
        Return every how manieth output along y and x, from the first on.
    dilation : int or (int, int), default 1
        Distance between neighbouring taps along y and x, in pixels.
    channel_axis : int, optional
        Axis of the colour channels, filtered one by one. The default is what the image says of
        itself, as :class:`gpuconv.Image` does, else none.
    dtype : dtype, optional
        Of the output; the default is that of `out`, else the image's (a complex kernel makes it
        complex). Integers are rounded half to even and saturated. Sums are taken in float32 for
        8- and 16-bit pixels and float32, else in float64; see :mod:`gpuconv.dtypes`.
    out : ndarray, optional
        Where to write; it may be the image itself or overlap it.
    device : {None, "auto", "cpu", "cuda", "cuda:N"}
        Where to compute; the default leaves the image where it is. "auto" takes an image in host
        memory to the GPU if it is expected back sooner than the CPU is done.
    method : {"auto", "scale", "dense", "separable", "box", "fft", "recursive", "ordered"}
        Algorithm; the default is what is expected to finish first, see :func:`plan`. "scale" is for
        a single weight, "dense" sums over all taps, "separable" over columns and rows, "box" is for
        equal weights, "fft" goes through Fourier transforms, "recursive" is an approximation of
        Gaussians. "ordered", never the default, adds in float64 in SciPy's order and has its bits:
        those of ``correlate1d`` for a kernel of one row or one column, else those of ``correlate``
        (a 1-D kernel among zeros, two rows of them will do, is added as that does).
    accuracy : {"exact", "fast", "double"}
        "exact" is the same result by all algorithms up to rounding in the accumulator, within
        (4 + taps/32) · eps · Σ|w| · max|x| of the definition, and the same bits for integer weights
        on integer pixels; NaN and infinity stay where weights ≠ 0 lie over them. "fast" allows
        errors up to 1e-3 · Σ|w| · max|x|. "double" is "exact" with all sums in float64, unless
        narrower ones are exact, too.
    mask : array_like, optional
        Which pixels count: bool, True for those that do, or weights ≥ 0. Broadcastable to the
        image; with a `channel_axis` it may have none, and is for all channels then. Results are
        normalised: Σ w · Σ w·m·x / Σ w·m, m being the weights of the pixels, which is the weighted
        mean of the pixels that count times the sum of the kernel, and the plain result where all
        count as 1. Where none counts it is NaN, 0 in integers. Borders extend the mask as they do
        the image, and `cval` counts as 1. A masked array brings its own mask, times this one.
    nan : {"propagate", "ignore"}
        What NaN does: results that it is under become NaN, or it is a pixel that does not count.
    epilogue : Epilogue, optional
        Scale, offset, absolute value and limits for each result, before it is rounded; or that
        integers are cut off and wrapped instead, as a cast in C does.

    Returns
    -------
    ndarray
        The filtered image, with its axes in the image's order and of its library; `out` if given.
        Axes of the image that are empty stay empty.

    Raises
    ------
    ArgumentError
        A value is not allowed, shapes do not fit, arrays lie on different devices, a tensor needs a
        gradient, or pixels are masked and the weights sum to 0.
    ArgumentTypeError
        An argument is of a kind that is not accepted; bool images are.
    DeviceError
        `device` cannot be used.

    See Also
    --------
    correlate : the same without the flip.
    gpuconv.kernels : kernels by name.

    Examples
    --------
    >>> import numpy as np
    >>> import gpuconv as gc
    >>> gc.convolve([[0, 0, 0], [0, 9, 0], [0, 0, 0]], gc.kernels.box(3)).tolist()
    [[1, 1, 1], [1, 1, 1], [1, 1, 1]]
    >>> bright = np.full((1, 2), 200, np.uint8)
    >>> gc.convolve(bright, [[1, 1]]).tolist()
    [[255, 255]]
    >>> holes = [[1.0, np.nan, 5.0, 9.0]]
    >>> gc.convolve(holes, [[0.5, 0.5]], nan="ignore").round(9).tolist()
    [[1.0, 5.0, 7.0, 9.0]]
    >>> gc.convolve(holes, [[0.5, 0.5]], mask=[1, 0, 1, 0]).round(9).tolist()
    [[1.0, 5.0, 5.0, nan]]
    >>> gc.convolve(bright, [[1, -1.5]], epilogue=gc.Epilogue(absolute=True)).tolist()
    [[100, 100]]
    """
    options = options_of(
        True, border, cval, size, stride, dilation, method, accuracy, nan, epilogue
    )
    return filtered(image, _known_kernel(kernel), options, channel_axis, dtype, out, device, mask)


@public
def correlate(
    image: ArrayLike,
    kernel: KernelLike,
    *,
    border: Border = "reflect",
    cval: complex = 0,
    size: Size = "same",
    stride: Step = 1,
    dilation: Step = 1,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: Method = "auto",
    accuracy: Accuracy = "exact",
    mask: ArrayLike | None = None,
    nan: Nan = "propagate",
    epilogue: Epilogue | None = None,
) -> Array:
    """Correlate the last two axes of an image with a kernel: convolve without flipping it.

    Output pixel (y, x) is Σ w[k, l] · image[y + (k − a), x + (l − b)]. This is what OpenCV's
    ``filter2D`` and the layers of neural networks compute.

    Parameters
    ----------
    image, kernel, border, cval, size, stride, dilation, channel_axis, dtype, out, device, method
    accuracy, mask, nan, epilogue
        As for :func:`convolve`. A complex kernel is not conjugated.

    Returns
    -------
    ndarray
        As for :func:`convolve`.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`convolve`.

    Examples
    --------
    >>> import gpuconv as gc
    >>> gc.correlate([[1, 2, 3]], [[0, 0, 1]], border="zero").tolist()
    [[2, 3, 0]]
    >>> gc.convolve([[1, 2, 3]], [[0, 0, 1]], border="zero").tolist()
    [[0, 1, 2]]
    """
    options = options_of(
        False, border, cval, size, stride, dilation, method, accuracy, nan, epilogue
    )
    return filtered(image, _known_kernel(kernel), options, channel_axis, dtype, out, device, mask)


def plan(
    shape: tuple[int, ...],
    dtype: DTypeLike,
    kernel: KernelLike | Neighbourhood,
    *,
    border: Border = "reflect",
    cval: float = 0,
    size: Size = "same",
    stride: Step = 1,
    dilation: Step = 1,
    channel_axis: int | None = None,
    out_dtype: DTypeLike | None = None,
    device: str | None = None,
    method: str = "auto",
    accuracy: Accuracy = "exact",
    masked: bool = False,
    nan: Nan = "propagate",
    epilogue: Epilogue | None = None,
) -> Plan | NeighbourhoodPlan:
    """Return what :func:`convolve` would do with such an image, without doing it.

    Parameters
    ----------
    shape : tuple of int
        Shape of the image, (…, H, W) with its channel axis.
    dtype : dtype
        Of the image; a complex one is planned as each of its two real passes.
    kernel : Kernel, array_like, tuple (column, row), Rank, Bilateral or NonLocalMeans
        A real kernel as for :func:`convolve`; or another filter, which takes neither `size` nor
        `stride`, `dilation`, `accuracy`, `masked`, `nan` and `epilogue`, and has methods of its
        own.
    border, cval, size, stride, dilation, channel_axis, method, accuracy, nan, epilogue
        As for :func:`convolve`.
    out_dtype : dtype, optional
        Of the output; the default is the image's.
    device : {None, "auto", "cpu", "cuda", "cuda:N"}
        What ``explain()`` is to be for; the default is the CPU. For a GPU it tells the kernels that
        would run and the device memory that they would take. "auto" tells of both, for an image in
        host memory.
    masked : bool, default False
        Whether the plan is to be called with a mask.

    Returns
    -------
    Plan or NeighbourhoodPlan
        Frozen and hashable; its ``explain()`` says the reasons.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`convolve`.

    Examples
    --------
    >>> import gpuconv as gc
    >>> p = gc.plan((1080, 1920), "float32", gc.kernels.gaussian(3))
    >>> p.algorithm, dict(p.rejected)["box"]
    ('separable', 'the weights are not all equal')
    >>> gc.plan((1080, 1920), "uint8", gc.Rank.median(5)).neighbourhood
    Rank(shape=(5, 5), anchor=(2, 2), index=12)
    """
    others = size, stride, dilation, accuracy, masked, nan, epilogue
    if _is_neighbourhood(kernel):
        from gpuconv import apply

        if others != ("same", 1, 1, "exact", False, "propagate", None):
            raise ArgumentError(
                "size, stride, dilation, accuracy, masked, nan and epilogue are for kernels; "
                f"leave them out for a filter such as {kernel!r}"
            )
        choices = apply.Choices.of(kernel, border, cval, method)
        return apply.plan_of(shape, dtype, kernel, choices, channel_axis, out_dtype, device)
    options = options_of(
        True, border, cval, size, stride, dilation, method, accuracy, nan, epilogue
    )
    used = _known_kernel(kernel)  # type: ignore[arg-type]
    return plan_of(shape, dtype, used, options, channel_axis, out_dtype, device, masked)


def _is_neighbourhood(kernel: object) -> TypeGuard[Neighbourhood]:
    """Return whether that is a filter of neighbourhoods, of which there is none before its module.

    Most programs never import it, and do not wait for it.
    """
    there = sys.modules.get("gpuconv.neighbourhood")
    return there is not None and isinstance(kernel, there.Neighbourhood)


def _known_kernel(kernel: KernelLike) -> Kernel:
    """Return `kernel` as a :class:`Kernel`: the same one for the same few weights."""
    if isinstance(kernel, Kernel):
        return kernel
    if type(kernel) not in (list, np.ndarray):
        return as_kernel(kernel)
    try:
        weights: Array = np.asarray(kernel)
    except (ValueError, OverflowError):  # told of where weights are checked
        return as_kernel(kernel)
    return known_kernel(weights) if weights.dtype.char in "bBhHiIlLqQefd" else as_kernel(kernel)
