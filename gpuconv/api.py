"""The public calls: arguments are checked here, once, and handed to a plan and a backend."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gpuconv import backends, dtypes
from gpuconv.arguments import (
    Array,
    Border,
    Method,
    Options,
    Size,
    Step,
    channel_index,
    channels_first,
    channels_restored,
    check_image,
    check_out,
    component,
    output_dtype,
)
from gpuconv.errors import ArgumentError
from gpuconv.kernel import Kernel, KernelLike, as_kernel
from gpuconv.plan import Plan

__all__ = ["convolve", "correlate", "plan"]


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
) -> Array:
    """Convolve the last two axes of an image with a kernel.

    Output pixel (y, x) is Σ w[k, l] · image[y − (k − a), x − (l − b)] over all taps, (a, b) being
    the kernel's anchor: both axes of the kernel are flipped, as the definition has it.

    Parameters
    ----------
    image : array_like of shape (…, H, W)
        Pixels of any real or complex dtype but bool. Leading axes are a batch; colour stands in
        `channel_axis`. Any strides will do.
    kernel : Kernel, array_like of shape (rows, columns), or tuple (column, row)
        Weights; a tuple of two 1-D sequences is a separable kernel. The anchor is the kernel's,
        ``(rows // 2, columns // 2)`` by default as in SciPy.
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
        Where to compute; the default leaves the image where it is.
    method : {"auto", "dense", "separable"}
        Algorithm; all give the same result up to rounding in the accumulator, and the same bits
        for integer weights on integer pixels.

    Returns
    -------
    ndarray
        The filtered image, with its axes in the image's order; `out` if given. Axes of the image
        that are empty stay empty.

    Raises
    ------
    ArgumentError
        A value is not allowed, or shapes do not fit.
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
    >>> import gpuconv as gc
    >>> gc.convolve([[0, 0, 0], [0, 9, 0], [0, 0, 0]], gc.kernels.box(3)).tolist()
    [[1, 1, 1], [1, 1, 1], [1, 1, 1]]
    >>> bright = np.full((1, 2), 200, np.uint8)
    >>> gc.convolve(bright, [[1, 1]]).tolist()
    [[255, 255]]
    """
    options = Options(True, border, cval, size, stride, dilation, method)
    return _filter(image, as_kernel(kernel), options, channel_axis, dtype, out, device)


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
) -> Array:
    """Correlate the last two axes of an image with a kernel: convolve without flipping it.

    Output pixel (y, x) is Σ w[k, l] · image[y + (k − a), x + (l − b)]. This is what OpenCV's
    ``filter2D`` and the layers of neural networks compute.

    Parameters
    ----------
    image, kernel, border, cval, size, stride, dilation, channel_axis, dtype, out, device, method
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
    options = Options(False, border, cval, size, stride, dilation, method)
    return _filter(image, as_kernel(kernel), options, channel_axis, dtype, out, device)


def plan(
    shape: tuple[int, ...],
    dtype: DTypeLike,
    kernel: KernelLike,
    *,
    border: Border = "reflect",
    cval: float = 0,
    size: Size = "same",
    stride: Step = 1,
    dilation: Step = 1,
    channel_axis: int | None = None,
    out_dtype: DTypeLike | None = None,
    device: str | None = None,
    method: Method = "auto",
) -> Plan:
    """Return what :func:`convolve` would do with such an image, without doing it.

    Parameters
    ----------
    shape : tuple of int
        Shape of the image, (…, H, W) with its channel axis.
    dtype : dtype
        Of the image; a complex one is planned as each of its two real passes.
    kernel, border, cval, size, stride, dilation, channel_axis, method
        As for :func:`convolve`; the kernel must be real.
    out_dtype : dtype, optional
        Of the output; the default is the image's.
    device : {None, "auto", "cpu", "cuda", "cuda:N"}
        What ``explain()`` is to be for; the default is the CPU. For a GPU it tells the kernels that
        would run and the device memory that they would take.

    Returns
    -------
    Plan
        Frozen and hashable; its ``explain()`` says the reasons.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`convolve`.

    Examples
    --------
    >>> import gpuconv as gc
    >>> p = gc.plan((1080, 1920), "float32", gc.kernels.gaussian(3))
    >>> p.algorithm, p.rejected
    ('separable', (('dense', '625 multiply-adds per pixel, separable takes 50'),))
    """
    used = as_kernel(kernel)
    if used.complex:
        raise ArgumentError("kernel is complex; plan its .real and its .imag")
    given = dtypes.native(dtype, "dtype")
    stored = given if out_dtype is None else dtypes.native(out_dtype, "out_dtype")
    options = Options(True, border, cval, size, stride, dilation, method)
    planes = channels_first(shape, channel_index(len(shape), channel_axis))
    made = options.plan(planes, component(given), used, options.cval.real, component(stored))
    engine = backends.select(None, device)
    with engine.place(None, device):
        words = engine.describe(made)
    return replace(made, engine=words) if words else made


def _filter(
    image: ArrayLike,
    kernel: Kernel,
    options: Options,
    channel_axis: int | None,
    dtype: DTypeLike | None,
    out: Array | None,
    device: str | None,
) -> Array:
    engine, home = backends.select(image, device), backends.owner(image)
    pixels = check_image(image, home, options)
    if channel_axis is None:
        channel_axis = getattr(image, "channel_axis", None)
    channel = channel_index(pixels.ndim, channel_axis)
    stored = output_dtype(pixels.dtype, kernel, dtype, out)
    view = pixels if channel is None else np.moveaxis(pixels, channel, 0)
    real = kernel.real if kernel.complex else kernel
    planned = options.plan(
        view.shape, component(pixels.dtype), real, options.cval.real, component(stored)
    )
    shape = channels_restored(planned.shape, channel)
    with engine.place(image, device):
        result = home.empty(shape, stored) if out is None else check_out(out, shape, home)
        if out is not None and home.overlap(result, pixels):
            view = view.copy()
        target = result if channel is None else np.moveaxis(result, channel, 0)
        if stored.kind == "c":
            _complex_passes(engine, home, options, view, kernel, target)
        else:
            engine.run(planned, view, target)
    return result if out is None else out


def _complex_passes(
    engine: ModuleType,
    home: ModuleType,
    options: Options,
    image: Array,
    kernel: Kernel,
    out: Array,
) -> None:
    """Filter by real passes: (a + bi)(c + di) = (ac − bd) + (ad + bc)i."""
    images = [image.real, image.imag] if image.dtype.kind == "c" else [image]
    kernels = [kernel.real, kernel.imag] if kernel.complex else [kernel]
    fills = options.cval.real, options.cval.imag
    out[...] = 0
    for i, pixels in enumerate(images):
        for k, weights in enumerate(kernels):
            planned = options.plan(
                pixels.shape, component(pixels.dtype), weights, fills[i], component(out.dtype)
            )
            part = home.empty(planned.shape, planned.out_dtype)
            engine.run(planned, pixels, part)
            target = out.imag if i + k == 1 else out.real
            target += -part if i + k == 2 else part
