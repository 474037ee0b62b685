"""What the public calls accept, checked in one place."""

from __future__ import annotations

from operator import index
from types import ModuleType
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gpuconv import border as borders
from gpuconv import dtypes, tiling
from gpuconv.errors import ArgumentError, ArgumentTypeError, choose
from gpuconv.kernel import Kernel
from gpuconv.plan import METHODS, Plan, make_plan

__all__ = [
    "Array",
    "Border",
    "Method",
    "Options",
    "Size",
    "Step",
    "channel_index",
    "channels_first",
    "channels_restored",
    "check_image",
    "check_out",
    "component",
    "output_dtype",
]

Array: TypeAlias = NDArray[Any]
Border: TypeAlias = str | tuple[str, str]
Size: TypeAlias = Literal["same", "valid", "full"]
Method: TypeAlias = Literal["auto", "dense", "separable"]
Step: TypeAlias = int | tuple[int, int]


class Options:
    """The options that convolution and correlation share, checked."""

    __slots__ = ("border", "cval", "dilation", "flip", "method", "size", "stride")

    def __init__(
        self,
        flip: bool,
        border: Border,
        cval: complex,
        size: Size,
        stride: Step,
        dilation: Step,
        method: Method,
    ) -> None:
        if not isinstance(cval, (int, float, complex, np.number)):
            raise ArgumentTypeError(f"cval={cval!r} must be a number")
        self.flip, self.cval = flip, complex(cval)
        self.border = borders.pair(border, cval)
        self.size = choose("size", size, tiling.SIZES, "a size mode")
        self.stride = _steps("stride", stride)
        self.dilation = _steps("dilation", dilation)
        self.method = choose("method", method, METHODS, "a method")

    def plan(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        kernel: Kernel,
        cval: float,
        out_dtype: np.dtype[Any],
    ) -> Plan:
        """Return the plan of one real pass over an image (…, H, W)."""
        return make_plan(
            shape,
            dtype,
            kernel,
            self.flip,
            self.border,
            cval,
            self.size,
            self.stride,
            self.dilation,
            out_dtype,
            self.method,
        )


def _steps(argument: str, value: Step) -> tuple[int, int]:
    """Return `value` as a pair (along y, along x) of positive integers."""
    given = value if isinstance(value, (tuple, list)) else (value, value)
    try:
        steps = tuple(map(index, given))
    except TypeError:
        steps = ()
    if len(steps) != 2 or min(steps) < 1:
        raise ArgumentError(
            f"{argument}={value!r} must be a positive integer, or a pair of them (along y, along x)"
        )
    return steps[0], steps[1]


def check_image(image: Any, backend: ModuleType, options: Options) -> Array:
    """Return `image` as an array of `backend`, of a supported dtype, with at least two axes."""
    if isinstance(image, np.ma.MaskedArray):
        raise ArgumentTypeError(
            "image is a masked array, whose mask would be ignored; pass image.filled(value)"
        )
    try:
        pixels: Array = backend.asarray(image)
    except ValueError as error:
        raise ArgumentError(f"image is not a rectangular array: {error}") from error
    dtypes.rule(pixels.dtype, "image")
    if options.cval.imag and pixels.dtype.kind != "c":
        raise ArgumentError(f"cval={options.cval} is complex, but the image is {pixels.dtype}")
    return pixels


def channel_index(ndim: int, channel_axis: int | None) -> int | None:
    """Return `channel_axis` counted from 0, having checked that two axes are left for H and W."""
    axis = None
    if channel_axis is not None:
        try:
            axis = index(channel_axis)
        except TypeError:
            raise ArgumentTypeError(
                f"channel_axis={channel_axis!r} must be an integer or None"
            ) from None
        if not -ndim <= axis < ndim:
            raise ArgumentError(
                f"channel_axis={axis} is no axis of an image of {ndim} dimensions; "
                f"allowed are {-ndim} … {ndim - 1}"
            )
        axis %= ndim
    if ndim - (axis is not None) < 2:
        beside = " beside its channel axis" if axis is not None else ""
        raise ArgumentError(f"image has {ndim} dimension(s); it must have (…, H, W){beside}")
    return axis


def channels_first(shape: tuple[int, ...], channel: int | None) -> tuple[int, ...]:
    """Return `shape` with its channel axis moved to the front."""
    if channel is None:
        return tuple(shape)
    return (shape[channel], *shape[:channel], *shape[channel + 1 :])


def channels_restored(shape: tuple[int, ...], channel: int | None) -> tuple[int, ...]:
    """Return `shape` with its first axis moved back to `channel`."""
    if channel is None:
        return shape
    return (*shape[1 : channel + 1], shape[0], *shape[channel + 1 :])


def component(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the real part, in native byte order."""
    values: Array = np.empty(0, dtype.newbyteorder("="))
    return values.real.dtype


def output_dtype(
    stored: np.dtype[Any], kernel: Kernel, dtype: DTypeLike | None, out: Array | None
) -> np.dtype[Any]:
    """Return the dtype of the output: as asked for, else that of `out`, else the image's."""
    needs_complex = kernel.complex or stored.kind == "c"
    if dtype is not None:
        wanted = dtypes.native(dtype, "dtype")
        if out is not None and getattr(out, "dtype", wanted).newbyteorder("=") != wanted:
            raise ArgumentError(
                f"dtype={wanted} differs from the dtype of out, {out.dtype}; give one"
            )
    elif out is not None and hasattr(out, "dtype"):
        wanted = dtypes.native(out.dtype, "out")
    elif kernel.complex and stored.kind != "c":
        wanted = dtypes.complex_of(stored)
    else:
        wanted = dtypes.native(stored, "image")
    if needs_complex and wanted.kind != "c":
        raise ArgumentError(
            f"dtype={wanted} cannot hold the complex result; use complex64 or complex128"
        )
    return wanted


def check_out(out: Any, shape: tuple[int, ...], backend: ModuleType) -> Array:
    """Return `out` as an array of `backend` if results of `shape` can be written to it."""
    if not backend.owns(out):
        raise ArgumentTypeError(
            f"out is of type {type(out).__name__}; it must be an array of the image's kind"
        )
    if tuple(out.shape) != shape:
        raise ArgumentError(f"out has shape {tuple(out.shape)}; the result has shape {shape}")
    if not getattr(getattr(out, "flags", None), "writeable", True):
        raise ArgumentError("out is read-only")
    array: Array = backend.asarray(out)
    if type(out) is type(array) and array is not out:
        raise ArgumentError(
            f"out cannot be written in place: its elements do not lie at multiples of their size, "
            f"{out.dtype.itemsize} bytes"
        )
    return array
