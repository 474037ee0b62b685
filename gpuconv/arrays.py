"""What the public calls ask of arrays, checked in one place."""

from __future__ import annotations

import sys
from math import prod
from operator import index
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gpuconv import dtypes
from gpuconv.errors import ArgumentError, ArgumentTypeError

__all__ = [
    "Array",
    "channel_index",
    "channels_first",
    "channels_restored",
    "check_mask",
    "check_out",
    "check_pixels",
    "check_planned",
    "check_size",
    "component",
    "named_axis",
    "real_dtype",
    "stored_dtype",
    "unmasked",
]

Array: TypeAlias = NDArray[Any]


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


def named_axis(image: Any, channel_axis: int | None) -> int | None:
    """Return `channel_axis`, or what the image says of itself where none is given."""
    return getattr(image, "channel_axis", None) if channel_axis is None else channel_axis


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


def check_pixels(image: Any, backend: ModuleType, argument: str = "image") -> Array:
    """Return `image`, given as `argument`, as an array of `backend`, of a supported dtype."""
    if isinstance(image, np.ma.MaskedArray):
        raise ArgumentTypeError(
            f"{argument} is a masked array, whose mask would be ignored; "
            f"pass {argument}.filled(value)"
        )
    try:
        pixels: Array = backend.asarray(image)
    except ValueError as error:
        raise ArgumentError(f"{argument} is not a rectangular array: {error}") from error
    dtypes.rule(pixels.dtype, argument)
    return pixels


def check_size(shape: Any) -> tuple[int, ...]:
    """Return `shape` as that of an array that there could be."""
    try:
        size = tuple(map(index, shape))
    except TypeError:
        size = (-1,)
    if min(size, default=0) < 0 or prod(size) > sys.maxsize:
        raise ArgumentError(
            f"shape={shape!r} must be a tuple of integers ≥ 0, (…, H, W), of at most "
            f"{sys.maxsize} pixels"
        )
    return size


def component(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the real part, in native byte order."""
    values: Array = np.empty(0, dtype.newbyteorder("="))
    return values.real.dtype


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


def check_planned(image: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Return `image`, an array as a plan for images of a shape and a dtype has it."""
    given = image if hasattr(image, "shape") and hasattr(image, "dtype") else np.asarray(image)
    if tuple(given.shape) != shape or given.dtype.newbyteorder("=") != dtype:
        raise ArgumentError(
            f"image has shape {tuple(given.shape)} and dtype {given.dtype}; this plan is for "
            f"{shape} and {dtype}"
        )
    return given


def stored_dtype(image: np.dtype[Any], dtype: DTypeLike | None, out: Any) -> np.dtype[Any]:
    """Return the dtype of the output: as asked for, else that of `out`, else the image's.

    Examples
    --------
    >>> stored_dtype(np.dtype("uint8"), None, np.zeros(3, ">f4"))
    dtype('float32')
    """
    given = getattr(out, "dtype", None)
    if dtype is None:
        if given is None:
            return dtypes.native(image, "image")
        return dtypes.native(given, "out")
    wanted = dtypes.native(dtype, "dtype")
    if given is not None and given.newbyteorder("=") != wanted:
        raise ArgumentError(f"dtype={wanted} differs from the dtype of out, {given}; give one")
    return wanted


def real_dtype(image: np.dtype[Any], dtype: DTypeLike | None, out: Any, what: str) -> np.dtype[Any]:
    """Return the dtype of the output, if it and the image's are real, as `what` needs them."""
    wanted = stored_dtype(image, dtype, out)
    if "c" in (image.kind, wanted.kind):
        raise ArgumentTypeError(
            f"image has dtype {image} and the output {wanted}; {what} is for real pixels"
        )
    return wanted
