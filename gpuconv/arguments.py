"""What the public calls accept, checked in one place."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from math import isnan
from operator import index
from types import ModuleType
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gpuconv import border as borders
from gpuconv import dtypes, tiling
from gpuconv.algorithms import METHODS
from gpuconv.epilogue import NOTHING, Epilogue
from gpuconv.errors import ArgumentError, ArgumentTypeError, choose
from gpuconv.kernel import Kernel
from gpuconv.masks import check_gain
from gpuconv.request import ACCURACIES, Request, trimmed

__all__ = [
    "NANS",
    "Accuracy",
    "Array",
    "Border",
    "Method",
    "Nan",
    "Options",
    "Size",
    "Step",
    "channel_index",
    "channels_first",
    "channels_restored",
    "check_image",
    "check_mask",
    "check_out",
    "component",
    "output_dtype",
    "unmasked",
]

Array: TypeAlias = NDArray[Any]
Border: TypeAlias = str | tuple[str, str]
Size: TypeAlias = Literal["same", "valid", "full"]
Method: TypeAlias = Literal["auto", "scale", "dense", "separable", "box", "fft", "recursive"]
Accuracy: TypeAlias = Literal["exact", "fast"]
Nan: TypeAlias = Literal["propagate", "ignore"]
Step: TypeAlias = int | tuple[int, int]

#: What ``nan=`` takes: NaN makes NaN of every result that it is under; or it does not count.
NANS = ("propagate", "ignore")


@dataclass(frozen=True)
class Options:
    """The options that convolution and correlation share, checked. Hashable."""

    flip: bool
    border: tuple[str, str]
    cval: complex
    size: str
    stride: tuple[int, int]
    dilation: tuple[int, int]
    method: str
    accuracy: str
    ignore_nan: bool
    epilogue: Epilogue

    @classmethod
    def of(
        cls,
        flip: bool,
        border: Border,
        cval: complex,
        size: Size,
        stride: Step,
        dilation: Step,
        method: Method,
        accuracy: Accuracy,
        nan: Nan,
        epilogue: Epilogue | None,
    ) -> Options:
        """Return the options of a call, as the caller gave them."""
        if not isinstance(cval, (int, float, complex, np.number)):
            raise ArgumentTypeError(f"cval={cval!r} must be a number")
        if not isinstance(epilogue, Epilogue | None):
            raise ArgumentTypeError(f"epilogue={epilogue!r} must be a gpuconv.Epilogue, or None")
        return cls(
            flip,
            borders.pair(border, cval),
            complex(cval),
            choose("size", size, tiling.SIZES, "a size mode"),
            _steps("stride", stride),
            _steps("dilation", dilation),
            choose("method", method, METHODS, "a method"),
            choose("accuracy", accuracy, ACCURACIES, "an accuracy"),
            choose("nan", nan, NANS, "a way to treat NaN") == "ignore",
            epilogue or NOTHING,
        )

    # Options are part of the key of every call.
    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, field.name) for field in fields(self)))

    def __hash__(self) -> int:
        return self._hash

    def __getstate__(self) -> dict[str, object]:
        # Hashes of text differ between processes.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def request(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        kernel: Kernel,
        cval: float,
        out_dtype: np.dtype[Any],
        masked: bool = False,
    ) -> Request:
        """Return the request of one real pass over an image (…, H, W)."""
        used = kernel.flip() if self.flip else kernel
        axes = (
            tiling.axis(
                shape[i - 2],
                used.shape[i],
                used.anchor[i],
                self.size,
                self.stride[i],
                self.dilation[i],
            )
            for i in (0, 1)
        )
        left, y, x = trimmed(used, *axes)
        request = Request(
            left,
            shape[:-2],
            y,
            x,
            self.border,
            cval if "constant" in self.border else 0.0,
            dtype,
            out_dtype,
            self.method,
            self.accuracy,
            self.epilogue,
            masked,
            self.ignore_nan and (dtype.kind == "f" or ("constant" in self.border and isnan(cval))),
        )
        if request.weighed:
            check_gain(left, request.accumulator)
        return request


def _steps(argument: str, value: Step) -> tuple[int, int]:
    """Return `value` as a pair (along y, along x) of positive integers."""
    given = value if isinstance(value, (tuple, list)) else (value, value)
    try:
        steps = tuple(map(index, given))
    except TypeError:
        steps = ()
    if len(steps) != 2 or min(steps) < 1 or max(steps) >= 2**31:
        raise ArgumentError(
            f"{argument}={value!r} must be a positive integer, or a pair of them (along y, along "
            "x), below 2**31"
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


def check_mask(
    mask: Any, shape: tuple[int, ...], channel: int | None, backend: ModuleType
) -> Array:
    """Return `mask` as an array of `backend` of the image's `shape`, its channel axis first."""
    try:
        weights: Array = backend.asarray(mask)
    except ValueError as error:
        raise ArgumentError(f"mask is not a rectangular array: {error}") from error
    if weights.dtype.kind not in "biuf":
        raise ArgumentTypeError(f"mask has dtype {weights.dtype}; it must be bool or real")
    if weights.dtype.kind in "if" and not bool(((weights >= 0) & (weights < np.inf)).all()):
        raise ArgumentError("mask has weights that are negative, infinite or NaN; allowed are ≥ 0")
    planes = channels_first(shape, channel)
    # With fewer axes than the image it has none for channels: (…, H, W), for all of them alike.
    first = None if weights.ndim < len(shape) else channel
    try:
        spread: Array = np.broadcast_to(weights, planes if first is None else shape)
    except ValueError:
        raise ArgumentError(
            f"mask has shape {weights.shape}; it must be broadcastable to the image's, {shape}"
            + (f", or without its channel axis to {planes[1:]}" if channel is not None else "")
        ) from None
    return spread if first is None else np.moveaxis(spread, first, 0)


def unmasked(image: Any) -> tuple[Any, NDArray[np.bool_] | None]:
    """Return an image and which of its pixels count: a masked array says so itself, others do not.

    Examples
    --------
    >>> pixels, counts = unmasked(np.ma.masked_equal([[1, 2], [3, 2]], 2))
    >>> type(pixels).__name__, counts.tolist()
    ('ndarray', [[True, False], [True, False]])
    """
    if not isinstance(image, np.ma.MaskedArray):
        return image, None
    pixels = np.asarray(image)
    return pixels, None if image.mask is np.ma.nomask else np.asarray(~image.mask)


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
