"""One table of dtypes: how a pixel is stored, what it is summed in, how the sum is stored again.

Sums are taken in the accumulator; a result that is stored as an integer is rounded half to even
and saturated once, at the end (200 + 100 as uint8 is 255, not 44), NaN becoming 0; or, for who
asks for that, cut off and wrapped as a cast in C does. Both engines read this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gpuconv.errors import ArgumentTypeError

__all__ = [
    "TABLE",
    "Rule",
    "accumulator",
    "complex_of",
    "native",
    "rounded",
    "rule",
    "store",
    "summed_in",
]

#: Consecutive integers up to this are exact in float32, which has a significand of 24 bits.
_EXACT = 2**24
#: Sums up to this have at least 4 bits after the point in float32: good to a small part of a level.
_FINE = 2**20


@dataclass(frozen=True)
class Rule:
    """A row of the table. Complex rows are two real passes over their components."""

    ctype: str
    accumulator: str

    @property
    def real(self) -> bool:
        """Whether the dtype is real."""
        return not self.ctype.startswith("complex")


#: Storage dtype → its C type and accumulator. 64-bit integers are summed in float64, which is exact
#: while sums stay within ±2**53.
TABLE: dict[str, Rule] = {
    "uint8": Rule("unsigned char", "float32"),
    "int8": Rule("signed char", "float32"),
    "uint16": Rule("unsigned short", "float32"),
    "int16": Rule("short", "float32"),
    "uint32": Rule("unsigned int", "float64"),
    "int32": Rule("int", "float64"),
    "uint64": Rule("unsigned long long", "float64"),
    "int64": Rule("long long", "float64"),
    "float16": Rule("half", "float32"),
    "float32": Rule("float", "float32"),
    "float64": Rule("double", "float64"),
    "complex64": Rule("complex<float>", "float32"),
    "complex128": Rule("complex<double>", "float64"),
}


def rule(dtype: object, argument: str = "dtype") -> Rule:
    """Return the row of `dtype`, in any byte order.

    Raises
    ------
    ArgumentTypeError
        There is no such row; the message says what to do for bool.

    Examples
    --------
    >>> rule("uint8").accumulator
    'float32'
    """
    try:
        name = _name(np.dtype(dtype))  # type: ignore[call-overload]
    except TypeError:
        name = repr(dtype)
    if name in TABLE:
        return TABLE[name]
    hint = (
        "; a filtered mask is not a mask: convert it first, e.g. image.astype(np.uint8)"
        if name == "bool"
        else ""
    )
    what = f"{argument}={name}" if argument.endswith("dtype") else f"{argument} of dtype {name}"
    raise ArgumentTypeError(f"{what} is not supported{hint} (one of {', '.join(TABLE)})")


def summed_in(*dtypes: DTypeLike) -> np.dtype[Any]:
    """Return the widest accumulator of some dtypes.

    Examples
    --------
    >>> summed_in("uint8", "float32"), summed_in("uint8", "int32")
    (dtype('float32'), dtype('float64'))
    """
    return np.dtype(max(rule(dtype).accumulator for dtype in dtypes))


@lru_cache(maxsize=64)
def _name(dtype: np.dtype[Any]) -> str:
    """Return the name of `dtype`, which NumPy puts together anew each time it is asked."""
    return dtype.name


def native(dtype: Any, argument: str) -> np.dtype[Any]:
    """Return `dtype` in native byte order, if the table has it.

    Examples
    --------
    >>> native(">u2", "dtype")
    dtype('uint16')
    """
    rule(dtype, argument)
    checked: np.dtype[Any] = np.dtype(dtype)
    return checked.newbyteorder("=")


def accumulator(
    image: Any, out: Any, total: float, integer: bool, divisor: float = 1, fill: float = 0
) -> np.dtype[Any]:
    """Return the real dtype in which to sum.

    It is the wider of the accumulators of both dtypes. Over integer pixels it is wider still where
    float32 would not do: for integer weights every sum must be exact, so that all algorithms on all
    engines give the same bits; for others a sum stored as an integer must be good to a small part
    of a level.

    Parameters
    ----------
    image, out : dtype
        What is read, and what is written.
    total : float
        Σ|w| of the weights as they are summed, before the division.
    integer : bool
        Whether all weights are integers.
    divisor : float
        What the sum is divided by afterwards. One more bit of an exact sum is then kept, so that
        a quotient never rounds onto a tie between two integers that it is not; and float32 must
        hold the divisor itself, lest a quotient that is a tie miss it.
    fill : float
        What stands outside the image.

    Examples
    --------
    >>> accumulator("uint8", "uint8", 9, True).name, accumulator("uint8", "uint8", 2**20, True).name
    ('float32', 'float64')
    """
    stored, written = np.dtype(image), np.dtype(out)
    widest = summed_in(stored, written)
    if stored.kind in "iu":
        limits = np.iinfo(stored)
        largest = total * max(-int(limits.min), int(limits.max), abs(fill))
        if integer:
            narrow = largest * (1 if divisor == 1 else 2) <= _EXACT and _single(divisor)
        else:
            narrow = written.kind not in "iu" or largest <= _FINE * abs(divisor)
        return widest if narrow else np.dtype("float64")
    return widest


def _single(number: float) -> bool:
    """Return whether float32 holds a number exactly."""
    with np.errstate(over="ignore"):
        return float(np.float32(number)) == number


def rounded(weights: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the weights of a kernel in the dtype of sums; only those that are 0 become 0.

    One so small that it would vanish makes no difference but to infinity, which stays infinite
    under it, and would become NaN.

    Examples
    --------
    >>> float(rounded(np.array([1e-99]), np.dtype("float32"))[0])
    1.401298464324817e-45
    """
    made = weights.astype(dtype)
    gone = (made == 0) & (weights != 0)
    if gone.any():
        made[gone] = np.copysign(np.finfo(dtype).smallest_subnormal, weights[gone])
    return made


def complex_of(real: Any) -> np.dtype[Any]:
    """Return the complex dtype whose components are the accumulator of `real`."""
    return np.dtype({"float32": "complex64", "float64": "complex128"}[rule(real).accumulator])


def store(values: NDArray[Any], out: NDArray[Any], wrap: bool = False) -> None:
    """Write accumulated `values` to `out` by the rules of its dtype; `values` is used as scratch.

    Integers are cut off and wrapped if `wrap`, else rounded and saturated.

    Examples
    --------
    >>> pixels = np.empty(4, np.uint8)
    >>> store(np.array([-3.0, 2.5, 254.6, 300.0]), pixels)
    >>> pixels.tolist()
    [0, 2, 255, 255]
    >>> store(np.array([-3.0, 2.5, 254.6, 300.0]), pixels, wrap=True)
    >>> pixels.tolist()
    [253, 2, 254, 44]
    """
    if out.dtype.kind not in "iu":
        with np.errstate(invalid="ignore", over="ignore"):
            np.copyto(out, values, casting="unsafe")
    elif wrap:
        _wrap(values, out)
    else:
        _saturate(values, out)


def _wrap(values: NDArray[Any], out: NDArray[Any]) -> None:
    """Cut values off and write them modulo 2**bits, as x86-64 does it.

    What no 64 bits hold, which there becomes the least of int64, has low bits of 0.
    """
    if out.dtype == np.uint64:
        size = np.abs(values)
        size[~(size < 2.0**64)] = 0
        whole = size.astype(np.uint64)
        np.negative(whole, out=whole, where=values < 0)
    else:
        values[~(np.abs(values) < 2.0**63)] = -(2.0**63)
        whole = values.astype(np.int64)
    np.copyto(out, whole, casting="unsafe")


def _saturate(values: NDArray[Any], out: NDArray[Any]) -> None:
    """Round values half to even and write what is nearest to them."""
    limits = np.iinfo(out.dtype)
    np.rint(values, out=values)
    over = values >= limits.max if limits.bits == 64 else None
    # The largest float not above limits.max: float(2**63 − 1) would be 2**63, which wraps.
    top = np.nextafter(values.dtype.type(limits.max), 0) if limits.bits == 64 else limits.max
    np.clip(values, limits.min, top, out=values)
    with np.errstate(invalid="ignore"):
        if values.dtype.kind == "f" and np.isnan(np.min(values, initial=0)):
            np.nan_to_num(values, copy=False)
        np.copyto(out, values, casting="unsafe")
    if over is not None:
        out[over] = limits.max
