"""How OpenCV's functions take their arguments: (x, y) order, numbers for borders and depths."""

from __future__ import annotations

from functools import lru_cache
from operator import index
from typing import Any

import numpy as np

from gpuconv import backends
from gpuconv.api import correlate
from gpuconv.arrays import Array
from gpuconv.cv2.constants import (
    BORDER_DEFAULT,
    BORDER_ISOLATED,
    CV_8S,
    CV_8U,
    CV_16F,
    CV_16S,
    CV_16U,
    CV_32F,
    CV_32S,
    CV_64F,
    CV_MAKETYPE,
)
from gpuconv.cv2.errors import ASSERTION, BAD_ARGUMENT, NOT_IMPLEMENTED, error, refused
from gpuconv.epilogue import Epilogue
from gpuconv.kernel import Kernel

__all__ = [
    "BORDERS",
    "Depths",
    "anchor_of",
    "border_of",
    "channel_of",
    "correlated",
    "depth_of",
    "dtype_of",
    "ending",
    "image_of",
    "number",
    "pair_of",
    "room_of",
    "whole",
]

#: For each depth of an image, the depths that a function can return.
Depths = dict[int, tuple[int, ...]]

#: Borders by OpenCV's numbers.
BORDERS = ("constant", "nearest", "reflect", "wrap", "mirror")

#: The bits of a type that are its depth.
_DEPTH = CV_MAKETYPE(CV_8U, 2) - 1

#: OpenCV 5 has it, and no filter takes it.
_CV_32U = 12

_DTYPES: dict[int, np.dtype[Any]] = {
    CV_8U: np.dtype("uint8"),
    CV_8S: np.dtype("int8"),
    CV_16U: np.dtype("uint16"),
    CV_16S: np.dtype("int16"),
    CV_32S: np.dtype("int32"),
    CV_32F: np.dtype("float32"),
    CV_64F: np.dtype("float64"),
    CV_16F: np.dtype("float16"),
    _CV_32U: np.dtype("uint32"),
}
_DEPTHS = {(dtype.kind, dtype.itemsize): depth for depth, dtype in _DTYPES.items()}


def image_of(src: Any, function: str) -> Array:
    """Return an image (H, W) or (H, W, C) as a plain array of the engine that owns it.

    A row is an image of one row, a single channel is none, and 64-bit integers become 32-bit ones,
    all as OpenCV's binding has it.

    Examples
    --------
    >>> image_of(np.zeros((2, 3, 1), np.uint8), "blur").shape
    (2, 3)
    """
    array: Array = backends.owner(src).asarray(src)
    if src is None or array.size == 0:
        raise refused(function, ASSERTION, "!_src.empty()", f"src has shape {np.shape(src)}")
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8:
        told = (
            f"src is of type {type(src).__name__} and dtype {array.dtype}; it must be an array of "
            "real numbers"
        )
        raise refused(function, BAD_ARGUMENT, f"src data type = {array.dtype}", told)
    if array.ndim not in (1, 2, 3):
        told = f"src has {array.ndim} axes; it must be an image (H, W) or (H, W, C)"
        raise refused(function, ASSERTION, "dims <= 2", told)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        array = array.astype(np.int32)
    if array.ndim == 1:
        return array[None]
    return array[..., 0] if array.shape[2:] == (1,) else array


def channel_of(image: Array) -> int | None:
    """Return the axis of an image's channels.

    Examples
    --------
    >>> channel_of(np.zeros((2, 3, 3))), channel_of(np.zeros((2, 3)))
    (-1, None)
    """
    return -1 if image.ndim == 3 else None


def depth_of(dtype: np.dtype[Any]) -> int:
    """Return OpenCV's number of a dtype.

    Examples
    --------
    >>> depth_of(np.dtype("uint8")), depth_of(np.dtype("float64"))
    (0, 6)
    """
    return _DEPTHS[dtype.kind, dtype.itemsize]


def dtype_of(ddepth: Any, image: Array, allowed: Depths, function: str) -> np.dtype[Any]:
    """Return the dtype that `ddepth` asks for, if the function makes it of such an image.

    Examples
    --------
    >>> dtype_of(-1, np.zeros(3, np.uint8), {CV_8U: (CV_8U, CV_16S)}, "blur")
    dtype('uint8')
    """
    source = depth_of(image.dtype)
    wanted = whole("ddepth", ddepth, function)
    # Programs give types, CV_8UC3; the image has the channels.
    depth = source if wanted < 0 else wanted & _DEPTH
    if depth not in allowed.get(source, ()):
        known = ", ".join(f"{_DTYPES[d]} (={d})" for d in allowed.get(source, ())) or "none"
        raise refused(
            function,
            NOT_IMPLEMENTED,
            f"Unsupported combination of source format (={source}), "
            f"and destination format (={depth})",
            f"src has dtype {image.dtype}, ddepth={ddepth!r}; allowed for it: {known}",
        )
    return _DTYPES[depth]


def border_of(number: Any, function: str) -> str:
    """Return the border that a number means, with or without the flag BORDER_ISOLATED.

    Examples
    --------
    >>> border_of(4, "blur"), border_of(4 | 16, "blur")
    ('mirror', 'mirror')
    """
    try:
        return BORDERS[whole("borderType", number, function, BORDER_DEFAULT) & ~BORDER_ISOLATED]
    except IndexError:
        told = f"borderType={number!r}; allowed are 0 … 4, BORDER_CONSTANT … BORDER_REFLECT_101"
        raise refused(function, BAD_ARGUMENT, "Unknown/unsupported border type", told) from None


def pair_of(argument: str, value: Any, function: str) -> tuple[int, int]:
    """Return a pair of integers, x first.

    Examples
    --------
    >>> pair_of("ksize", [5, 3], "blur")
    (5, 3)
    """
    try:
        x, y = map(index, value)
    except (TypeError, ValueError):
        told = f"{argument}={value!r} must be a pair of integers (x, y)"
        raise refused(function, BAD_ARGUMENT, f"Can't parse '{argument}'", told) from None
    return x, y


def anchor_of(anchor: Any, shape: tuple[int, int], function: str) -> tuple[int, int]:
    """Return (row, column) of the tap over the output, in a kernel of (rows, columns).

    Examples
    --------
    >>> anchor_of((-1, -1), (3, 5), "blur"), anchor_of((4, -1), (3, 5), "blur")
    ((1, 2), (1, 4))
    """
    given = (-1, -1) if anchor is None else pair_of("anchor", anchor, function)
    row, column = (n // 2 if at == -1 else at for at, n in zip(reversed(given), shape, strict=True))
    if not (0 <= row < shape[0] and 0 <= column < shape[1]):
        err = "anchor.inside(Rect(0, 0, ksize.width, ksize.height))"
        told = f"anchor={anchor!r} is (x, y) in a kernel of {shape[1]}×{shape[0]}, or -1"
        raise refused(function, ASSERTION, err, told)
    return row, column


def room_of(dst: Any, image: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array | None:
    """Return the room that `dst` offers, None if it is no room for such a result.

    OpenCV does not mind either, and returns another array then.

    Examples
    --------
    >>> room_of(np.empty(4), np.zeros(3), (3,), np.dtype("float64")) is None
    True
    """
    if dst is None:
        return None
    if not backends.owner(image).owns(dst):
        told = f"dst is of type {type(dst).__name__}; it must be an array that lies where src does"
        raise error(told, BAD_ARGUMENT, told)
    room: Array = dst[..., 0] if dst.ndim == 3 and dst.shape[2] == 1 else dst
    return room if (room.shape, room.dtype) == (shape, dtype) else None


def whole(argument: str, value: Any, function: str, default: int = 0) -> int:
    """Return an argument that is an integer; `default` for None, as OpenCV's binding has it.

    Examples
    --------
    >>> whole("ksize", np.int64(3), "Sobel"), whole("ksize", None, "Sobel", 3)
    (3, 3)
    """
    if value is None:
        return default
    try:
        return index(value)
    except TypeError:
        err = f"Argument '{argument}' is required to be an integer"
        raise refused(function, BAD_ARGUMENT, err, f"{argument}={value!r}") from None


def number(argument: str, value: Any, function: str, default: float = 0.0) -> float:
    """Return an argument that is a real number; `default` for None.

    Examples
    --------
    >>> number("scale", 2, "Sobel"), number("scale", None, "Sobel", 1.0)
    (2.0, 1.0)
    """
    if value is None:
        return default
    if isinstance(value, (float, int, np.floating, np.integer)):
        return float(value)
    err = f"Argument '{argument}' can not be treated as a double"
    raise refused(function, BAD_ARGUMENT, err, f"{argument}={value!r}")


def ending(scale: Any, delta: Any, function: str) -> Epilogue | None:
    """Return what makes scale · sum + delta of each sum; None where that is the sum.

    Examples
    --------
    >>> ending(1, None, "Sobel") is None, ending(2, 0.5, "Sobel")
    (True, Epilogue(scale=2.0, offset=0.5))
    """
    return _ending(number("scale", scale, function, 1.0), number("delta", delta, function))


@lru_cache(maxsize=256)
def _ending(scale: float, offset: float) -> Epilogue | None:
    return Epilogue(scale=scale, offset=offset) or None


def correlated(
    image: Array, kernel: Kernel, dst: Any, dtype: np.dtype[Any], border: str, **options: Any
) -> Any:
    """Return `image` correlated with a kernel, channel by channel: in `dst`, if that is a room.

    Examples
    --------
    >>> room = np.empty((1, 2))
    >>> correlated(np.ones((1, 2)), Kernel([[3]]), room, room.dtype, "mirror") is room
    True
    """
    out = room_of(dst, image, image.shape, dtype)
    made = correlate(
        image,
        kernel,
        border=border,  # type: ignore[arg-type]
        channel_axis=channel_of(image),
        dtype=dtype,
        out=out,
        **options,
    )
    return made if out is None else dst
