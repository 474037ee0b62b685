"""What is done to each result on its way out: scale, offset, absolute value, limits, wrapping."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from functools import lru_cache
from math import isfinite, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import ArgumentError, ArgumentTypeError

__all__ = ["NOTHING", "Epilogue", "scaled_by"]


@dataclass(frozen=True, repr=False)
class Epilogue:
    """Point-wise work on a result before it is stored: ``clip(abs(scale · sum + offset))``.

    It is done in the accumulator, in the pass that computes the sums, before they are rounded: no
    second pass over memory, and nothing is lost to the output's range in between. The order is that
    of OpenCV's ``convertScaleAbs``.

    Parameters
    ----------
    scale, offset : float, default 1 and 0
        Each sum becomes ``scale · sum + offset``.
    absolute : bool, default False
        Whether its absolute value is taken then.
    low, high : float, optional
        What is below `low` becomes `low`, what is above `high` becomes `high`; NaN stays NaN.
    wrap : bool, default False
        How results that are stored as integers become some: False rounds half to even and
        saturates; True does what a cast in C does, and SciPy with it: what is behind the point is
        cut off, and what does not fit is taken modulo 2**bits. NaN, and what does not even fit 64
        bits, is 0, but the least integer as int64. Floats do not mind.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        A value is no number, scale or offset is not finite, or `low` is above `high`.

    Examples
    --------
    >>> import gpuconv as gc
    >>> image = np.array([[10, 10, 90, 90]], np.uint8)
    >>> gc.correlate(image, [[-1, 0, 1]], epilogue=Epilogue(scale=0.5, offset=128)).tolist()
    [[128, 168, 168, 128]]
    >>> gc.correlate(image, [[-1, 0, 1.01]], epilogue=Epilogue(wrap=True)).tolist()
    [[0, 80, 80, 0]]
    """

    scale: float = 1.0
    offset: float = 0.0
    absolute: bool = False
    low: float | None = None
    high: float | None = None
    wrap: bool = False

    def __post_init__(self) -> None:
        for name in ("scale", "offset", "low", "high"):
            value = getattr(self, name)
            if value is None and name in ("low", "high"):
                continue
            if not isinstance(value, (int, float, np.integer, np.floating)):
                raise ArgumentTypeError(f"epilogue {name}={value!r} must be a real number")
            if isinstance(value, int) and abs(value) > sys.float_info.max:
                raise ArgumentError(f"epilogue {name} is an integer that no float holds")
            if name in ("scale", "offset") and not isfinite(value):
                raise ArgumentError(f"epilogue {name}={value!r} must be finite")
            if isnan(value):
                raise ArgumentError(f"epilogue {name}={value!r} must not be NaN")
            object.__setattr__(self, name, float(value))
        for name in ("absolute", "wrap"):
            value = getattr(self, name)
            if not isinstance(value, (bool, np.bool_)):
                raise ArgumentTypeError(f"epilogue {name}={value!r} must be True or False")
            object.__setattr__(self, name, bool(value))
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ArgumentError(f"epilogue low={self.low} is above high={self.high}")

    def __repr__(self) -> str:
        values = {f.name: (getattr(self, f.name), f.default) for f in fields(self)}
        given = (f"{name}={v!r}" for name, (v, default) in values.items() if v != default)
        return f"Epilogue({', '.join(given)})"

    def __bool__(self) -> bool:
        return self != NOTHING

    @property
    def computes(self) -> bool:
        """Whether it changes results, and not only how they are stored."""
        numbers = self.scale, self.offset, self.absolute, self.low, self.high
        return numbers != (1, 0, False, None, None)

    def apply(self, sums: NDArray[Any]) -> None:
        """Do it to `sums`, in place.

        Examples
        --------
        >>> sums = np.array([-3.0, 1.0, 9.0])
        >>> Epilogue(absolute=True, high=5).apply(sums)
        >>> sums.tolist()
        [3.0, 1.0, 5.0]
        """
        if self.scale != 1:
            sums *= self.scale
        if self.offset != 0:
            sums += self.offset
        if self.absolute:
            np.abs(sums, out=sums)
        if self.low is not None or self.high is not None:
            np.clip(sums, self.low, self.high, out=sums)


#: The epilogue that changes nothing.
NOTHING = Epilogue()


def scaled_by(scale: float) -> Epilogue:
    """Return the epilogue that multiplies by a number: the same one for the same number.

    Examples
    --------
    >>> scaled_by(0.5), scaled_by(0.5) is scaled_by(0.5)
    (Epilogue(scale=0.5), True)
    """
    return _scaled_by(scale) if type(scale) in (int, float) else Epilogue(scale=scale)


@lru_cache(maxsize=64)
def _scaled_by(scale: float) -> Epilogue:
    return Epilogue(scale=scale)
