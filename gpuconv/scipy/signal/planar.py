"""Convolution of planes with a choice of what lies around them."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from gpuconv.api import convolve
from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.exchange import public
from gpuconv.known import known_separable
from gpuconv.scipy.arguments import array_of, numbers_of, room_like
from gpuconv.scipy.signal.inputs import (
    BORDERS,
    check_mode,
    check_numeric,
    local,
    pair_of,
    result_of,
    swapped,
)
from gpuconv.scipy.signal.reach import over_planes, separable
from gpuconv.scipy.signal.sums import summed

__all__ = ["convolve2d", "correlate2d", "sepfir2d"]

_NO_FILL = (
    "could not cast `fillvalue` directly to the output type (it was first converted to complex)"
)


@public(reach=over_planes)
def convolve2d(
    in1: Any, in2: Any, mode: Any = "full", boundary: Any = "fill", fillvalue: Any = 0
) -> Any:
    """Convolve two planes.

    Parameters
    ----------
    in1, in2 : array_like of two dimensions
    mode : {"full", "same", "valid"}
        What is returned: the whole convolution, its middle of the size of `in1`, or what needs
        nothing from outside.
    boundary : {"fill", "wrap", "symm"}
        What lies outside: `fillvalue`, the plane again, or the plane mirrored.
    fillvalue : scalar, default 0

    Returns
    -------
    ndarray
        Of the dtype that both have in common; integers are exact, modulo 2**bits.

    Raises
    ------
    ArgumentError
        An argument has a value that is not allowed.

    Examples
    --------
    >>> convolve2d([[1, 2, 3]], [[1, 1]], boundary="wrap").tolist()
    [[4, 3, 5, 4]]
    """
    image, kernel = _planes("convolve2d", in1, in2)
    if swapped(mode, image.shape, kernel.shape):
        image, kernel = kernel, image
    return _convolved(image, kernel, mode, boundary, fillvalue)


@public(reach=over_planes)
def correlate2d(
    in1: Any, in2: Any, mode: Any = "full", boundary: Any = "fill", fillvalue: Any = 0
) -> Any:
    """Correlate two planes; `in2` is conjugated.

    Parameters
    ----------
    in1, in2, mode, boundary, fillvalue
        As for :func:`convolve2d`.

    Returns
    -------
    ndarray
        As for :func:`convolve2d`.

    Raises
    ------
    ArgumentError
        An argument has a value that is not allowed.

    Examples
    --------
    >>> correlate2d([[1, 2, 3]], [[1, 0]], "same").tolist()
    [[1, 2, 3]]
    """
    image, kernel = _planes("correlate2d", in1, in2)
    turned = swapped(mode, image.shape, kernel.shape)
    if turned:
        image, kernel = kernel, image
    flipped = np.conj(kernel[::-1, ::-1]) if kernel.dtype.kind == "c" else kernel[::-1, ::-1]
    # The middle of a correlation is one further on than that of the convolution that it is.
    middle = kernel.shape[0] // 2, kernel.shape[1] // 2
    made = _convolved(image, flipped, mode, boundary, fillvalue, middle)
    # SciPy turns what it had exchanged, and does not conjugate it.
    return made[::-1, ::-1] if turned else made


@public(reach=separable)
def sepfir2d(input: Any, hrow: Any, hcol: Any) -> Any:
    """Convolve a plane with a row and with a column; outside, it is mirrored.

    Parameters
    ----------
    input : array_like of two dimensions
    hrow, hcol : array_like of one dimension
        Weights along the rows (axis 1) and along the columns (axis 0), of odd lengths.

    Returns
    -------
    ndarray
        float32 for integers of up to 16 bits and float16, float64 for wider integers, else of the
        dtype of `input`.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        Dimensions or lengths are none that are allowed, or there is no such result.

    Examples
    --------
    >>> sepfir2d([[1.0, 2.0, 3.0]], [0.5, 1.0, 0.5], [1.0]).tolist()
    [[2.5, 4.0, 5.5]]
    """
    image = array_of(input)
    row, column = numbers_of(hrow), numbers_of(hcol)
    for array, ndim in ((image, 2), (row, 1), (column, 1)):
        if array.ndim != ndim:
            words = "object too deep" if array.ndim > ndim else "object of too small depth"
            raise ArgumentError(
                f"{words} for desired array: {array.ndim} dimensions instead of {ndim}"
            )
    if not (len(row) % 2 and len(column) % 2):
        raise ArgumentError(
            f"hrow and hcol must be odd length: they have {len(row)} and {len(column)} weights"
        )
    dtype = _filtered_dtype(image.dtype)
    if dtype.kind != "c" and "c" in (row.dtype.kind, column.dtype.kind):
        raise ArgumentTypeError("Cannot cast weights that are complex: the image is real")
    out = room_like(image, image.shape, dtype)
    if image.size:
        pixels = image.view(np.uint8) if image.dtype.kind == "b" else image
        convolve(pixels, known_separable(column, row), border="reflect", out=out)
    return out


def _filtered_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind not in "biufc" or dtype.char in "gG":
        raise ArgumentTypeError(f"input has dtype {dtype}; allowed are numbers of up to 64 bits")
    if dtype.kind in "bi" or dtype.kind == "u":
        return np.dtype(np.float32 if dtype.itemsize < 4 else np.float64)
    return np.dtype(np.float32) if dtype.char == "e" else dtype.newbyteorder("=")


def _planes(name: str, in1: Any, in2: Any) -> tuple[Array, Array]:
    image, kernel = pair_of(in1, in2)
    if not image.ndim == kernel.ndim == 2:
        raise ArgumentError(
            f"{name} inputs must both be 2-D arrays: they have {image.ndim} and {kernel.ndim} "
            "dimensions"
        )
    return image, kernel


def _convolved(
    image: Array,
    kernel: Array,
    mode: Any,
    boundary: Any,
    fillvalue: Any,
    middle: tuple[int, int] | None = None,
) -> Array:
    check_mode(mode)
    if not isinstance(boundary, str) or boundary not in BORDERS:
        raise ArgumentError(
            "Acceptable boundary flags are 'fill', 'circular' (or 'wrap'), and 'symmetric' "
            f"(or 'symm'), not boundary={boundary!r}"
        )
    dtype = np.result_type(image, kernel)
    check_numeric(dtype, "convolve2d not available for this type")
    fill = _fill(fillvalue, dtype, BORDERS[boundary] == "constant")
    shape = result_of(mode, image.shape, kernel.shape)
    out = room_like(image, shape, dtype)
    if 0 in image.shape or 0 in kernel.shape:
        out[...] = 0
    else:
        summed(image, local(kernel), mode, out, "direct", BORDERS[boundary], fill, middle)
    return out


def _fill(value: Any, dtype: np.dtype[Any], used: bool) -> Any:
    """Return what lies outside as a number that results of a dtype can be made of."""
    if type(value) is int and value == 0:
        return 0
    array = np.asarray(value)
    if array.size == 0:
        raise ArgumentError("`fillvalue` cannot be an empty array.")
    if array.size > 1:
        raise ArgumentError(
            f"`fillvalue` must be scalar or an array with one element: it has {array.size}"
        )
    if not used:
        return 0
    given = array.item()
    number = _number(given)
    if dtype.kind == "c" and number is not None:
        return number
    if number is None or number.imag or (dtype.kind in "iu" and not isfinite(number.real)):
        raise ArgumentError(_NO_FILL + f": fillvalue={value!r}, results are {dtype}")
    if dtype.kind == "f":
        return number.real
    whole = int(given if isinstance(given, int) else number.real)
    limits = np.iinfo(dtype)
    if not isinstance(value, np.generic) and not limits.min <= whole <= limits.max:
        raise ArgumentError(_NO_FILL + f": fillvalue={value!r}, results are {dtype}")
    return whole


def _number(value: Any) -> complex | None:
    try:
        return complex(value)
    except (OverflowError, TypeError, ValueError):
        return None
