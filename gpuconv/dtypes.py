"""One table of dtypes: how a pixel is stored, what it is summed in, how the sum is stored again.

Sums are taken in the accumulator; a result that is stored as an integer is rounded half to even
and saturated once, at the end (200 + 100 as uint8 is 255, not 44), NaN becoming 0. Both engines
read this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import ArgumentTypeError

__all__ = ["TABLE", "Rule", "accumulator", "complex_of", "native", "rule", "store"]

#: Consecutive integers up to this are exact in float32 (24-bit significand) and in float64 (53).
_EXACT = {"float32": 2**24, "float64": 2**53}


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
    "float16": Rule("__half", "float32"),
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
        name = np.dtype(dtype).name  # type: ignore[call-overload]
    except TypeError:
        name = repr(dtype)
    if name in TABLE:
        return TABLE[name]
    hint = (
        "; a filtered mask is not a mask: convert it first, e.g. image.astype(np.uint8)"
        if name == "bool"
        else ""
    )
    raise ArgumentTypeError(
        f"{argument} of dtype {name} is not supported{hint} (one of {', '.join(TABLE)})"
    )


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


def accumulator(image: Any, out: Any, weight: float | None, divided: bool = False) -> np.dtype[Any]:
    """Return the real dtype in which to sum.

    It is the wider of the accumulators of both dtypes; for integer weights over integer pixels it
    is the narrowest in which every sum is exact, so that all algorithms on all engines give the
    same bits.

    Parameters
    ----------
    image, out : dtype
        What is read, and what is written.
    weight : float or None
        Σ|w| if all weights are integers, else None.
    divided : bool
        Whether the exact sum is divided afterwards. One more bit is then kept, so that a quotient
        never rounds onto a tie between two integers that it is not.

    Examples
    --------
    >>> accumulator("uint8", "uint8", None).name, accumulator("uint8", "uint8", 2.0**20).name
    ('float32', 'float64')
    """
    stored = np.dtype(image)
    widest = max(rule(image).accumulator, rule(out).accumulator)
    if weight is not None and stored.kind in "iu":
        limits = np.iinfo(stored)
        largest = weight * max(-int(limits.min), int(limits.max)) * (2 if divided else 1)
        if largest > _EXACT["float32"]:
            return np.dtype("float64")
    return np.dtype(widest)


def complex_of(real: Any) -> np.dtype[Any]:
    """Return the complex dtype whose components are the accumulator of `real`."""
    return np.dtype({"float32": "complex64", "float64": "complex128"}[rule(real).accumulator])


def store(values: NDArray[Any], out: NDArray[Any]) -> None:
    """Write accumulated `values` to `out` by the rules of its dtype; `values` is used as scratch.

    Examples
    --------
    >>> pixels = np.empty(4, np.uint8)
    >>> store(np.array([-3.0, 2.5, 254.6, 300.0]), pixels)
    >>> pixels.tolist()
    [0, 2, 255, 255]
    """
    if out.dtype.kind not in "iu":
        np.copyto(out, values, casting="unsafe")
        return
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
