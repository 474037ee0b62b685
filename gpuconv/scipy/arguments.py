"""How the functions of ``scipy.ndimage`` take their arguments: checked here, with SciPy's words.

Programs match on its messages, so each begins with SciPy's, and goes on with what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any

import numpy as np

from gpuconv import backends
from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError
from gpuconv.scipy.errors import AxisError, StateError, tell

__all__ = [
    "MODES",
    "anchor_of",
    "array_of",
    "axes_of",
    "axis_of",
    "border_of",
    "each_axis",
    "numbers_of",
    "output_of",
    "room_like",
]

#: Modes of ``scipy.ndimage``, and the border that each is.
MODES = {
    "constant": "constant",
    "grid-constant": "constant",
    "grid-mirror": "reflect",
    "grid-wrap": "wrap",
    "mirror": "mirror",
    "nearest": "nearest",
    "reflect": "reflect",
    "wrap": "wrap",
}


def array_of(image: Any) -> Array:
    """Return an image as a plain array of the engine that owns it.

    Examples
    --------
    >>> array_of([1, 2]).shape
    (2,)
    """
    array: Array = backends.owner(image).asarray(image)
    return array


def numbers_of(weights: Any) -> Array:
    """Return weights as an array in host memory.

    Examples
    --------
    >>> numbers_of([1, 2]).tolist()
    [1, 2]
    """
    engine = backends.owner(weights)
    return np.asarray(weights if engine is backends.host else engine.asnumpy(weights))


def room_like(image: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an uninitialised array where `image` lies.

    Examples
    --------
    >>> room_like(np.zeros(3), (2, 2), "uint8").dtype
    dtype('uint8')
    """
    engine = backends.owner(image)
    with engine.place(image, None):
        room: Array = engine.empty(shape, np.dtype(dtype))
    return room


def output_of(
    output: Any, image: Array, shape: tuple[int, ...] | None = None, complex_output: bool = False
) -> Array:
    """Return where the result goes: ``output=`` if it is an array, else a new one of its dtype.

    Examples
    --------
    >>> output_of("float32", np.zeros(3, np.uint8)).dtype
    dtype('float32')
    """
    size = image.shape if shape is None else shape
    if output is None:
        dtype = image.dtype.newbyteorder("=")
        return room_like(image, size, np.promote_types(dtype, "c8") if complex_output else dtype)
    if isinstance(output, (type, np.dtype)):
        dtype = np.dtype(output)
        if complex_output and dtype.kind != "c":
            tell("promoting specified output dtype to complex")
            dtype = np.promote_types(dtype, "c8")
        return room_like(image, size, dtype)
    if isinstance(output, str):
        return room_like(image, size, _dtype_named(output, complex_output))
    return _given(output, image, size, complex_output)


def _dtype_named(name: str, complex_output: bool) -> np.dtype[Any]:
    dtype = np.dtype(name)
    if complex_output and dtype.kind != "c":
        raise StateError(f"output must have complex dtype: output={name!r}, the image is complex")
    if not issubclass(dtype.type, np.number):
        raise StateError(f"output must have numeric dtype: output={name!r}")
    return dtype


def _given(output: Any, image: Array, shape: tuple[int, ...], complex_output: bool) -> Array:
    array = array_of(output)
    if array.shape != shape:
        raise StateError(
            f"output shape not correct: output has shape {array.shape}, the result {shape}"
        )
    if complex_output and array.dtype.kind != "c":
        raise StateError(
            f"output must have complex dtype: output has dtype {array.dtype}, the image is complex"
        )
    if not getattr(array.flags, "writeable", True):
        raise ArgumentError("output array is read-only.: give one that can be written")
    if backends.owner(array) is not backends.owner(image):
        raise ArgumentError("output lies on another device than the image")
    return array


def axes_of(axes: Any, ndim: int) -> tuple[int, ...]:
    """Return `axes` counted from 0: all of them for None.

    Examples
    --------
    >>> axes_of(None, 3), axes_of(-1, 3), axes_of((0, -1), 3)
    ((0, 1, 2), (2,), (0, 2))
    """
    if axes is None:
        return tuple(range(ndim))
    if not isinstance(axes, Iterable) and not np.isscalar(axes):
        raise ArgumentError(
            f"axes must be an integer, iterable of integers, or None: axes={axes!r}"
        )
    given = tuple(map(index, axes if isinstance(axes, Iterable) else (axes,)))
    for axis in given:
        if not -ndim <= axis < ndim:
            raise ArgumentError(
                f"specified axis: {axis} is out of range; allowed are {-ndim} … {ndim - 1}"
            )
    counted = tuple(axis % ndim for axis in given)
    if len(set(counted)) != len(counted):
        raise ArgumentError(f"axes must be unique: axes={axes!r}")
    return counted


def axis_of(axis: Any, ndim: int) -> int:
    """Return `axis` counted from 0.

    Examples
    --------
    >>> axis_of(-1, 3)
    2
    """
    given = index(axis)
    if not -ndim <= given < ndim:
        raise AxisError(f"axis {given} is out of bounds for array of dimension {ndim}")
    return given % ndim


def each_axis(value: Any, count: int) -> list[Any]:
    """Return a value for each of `count` axes: the same for all, unless it is a sequence of them.

    Examples
    --------
    >>> each_axis("wrap", 2), each_axis([1, 2], 2)
    (['wrap', 'wrap'], [1, 2])
    """
    if isinstance(value, str) or not np.iterable(value):
        return [value] * count
    values = list(value)
    if len(values) != count:
        raise StateError(
            "sequence argument must have length equal to input rank: "
            f"{value!r} has {len(values)}, not {count}"
        )
    return values


def border_of(mode: Any) -> str:
    """Return the border that a mode is.

    Examples
    --------
    >>> border_of("grid-mirror")
    'reflect'
    """
    try:
        return MODES[mode]
    except (KeyError, TypeError):
        allowed = ", ".join(map(repr, MODES))
        raise StateError(f"boundary mode not supported: mode={mode!r} (one of {allowed})") from None


def anchor_of(origin: Any, size: int) -> int:
    """Return which of `size` taps lies over the output, for SciPy's `origin`.

    Examples
    --------
    >>> anchor_of(0, 5), anchor_of(-1, 5), anchor_of(0, 4)
    (2, 1, 2)
    """
    anchor = size // 2 + index(origin)
    if not 0 <= anchor < max(size, 1):
        raise ArgumentError(
            "Invalid origin; origin must satisfy -(len(weights) // 2) <= origin <= "
            f"(len(weights)-1) // 2: origin={origin!r}, {size} weights"
        )
    return anchor
