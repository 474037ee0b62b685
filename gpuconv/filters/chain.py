"""Chains of filters: what a batch does to the pixels of an image, in one pass over the file."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import dtypes
from gpuconv.border import pair
from gpuconv.errors import ArgumentError, ArgumentTypeError, choose
from gpuconv.filters.action import Convolution, Operation
from gpuconv.filters.filter import Filter

__all__ = ["NEGATIVE", "Chain"]

Pixels = NDArray[Any]

#: What can become of negative results in an image that cannot hold them.
NEGATIVE: dict[str, str] = {
    "clip": "they become 0",
    "abs": "they lose their sign",
    "offset": "zero is drawn as mid-grey, so that both signs show",
}


@dataclass(frozen=True)
class Chain:
    """One or more filters, applied one after the other.

    Between filters pixels are kept in float32 (float64 for 32- and 64-bit pixels), but for rank
    filters, which keep them as they are; they are rounded and saturated once, at the end. One
    filter alone is the library's function on the pixels as they are, :func:`gpuconv.convolve` for a
    kernel.

    Parameters
    ----------
    filters : tuple of Filter
    border : str or pair of str, optional
        Border mode, as for :func:`gpuconv.convolve`. The default is each filter's own: "reflect"
        for most, "estimate" for those that undo a blur. Filters without a choice refuse any.
    cval : float
        What lies outside in border mode "constant", in units of pixels.
    negative : {"clip", "abs", "offset"}
        What becomes of negative results in unsigned images: they become 0, lose their sign, or are
        drawn darker than mid-grey, which stands for zero. "abs" acts on all images, "offset" is
        refused for others. Both are refused where the last filter is no convolution: only those
        have results of both signs.
    gain : float
        What results are multiplied by, before rounding.
    device : str, optional
        Where to compute, as for :func:`gpuconv.convolve`.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        There is no filter, or an option has a value that is not allowed.

    Examples
    --------
    >>> chain = Chain.parse(["gaussian:sigma=2", "box:size=3"], border="edge")
    >>> chain.name
    'gaussian_box'
    >>> chain(np.full((4, 4), 7, np.uint8)).max()
    np.uint8(7)
    """

    filters: tuple[Filter, ...]
    border: str | tuple[str, str] | None = None
    cval: float = 0
    negative: str = "clip"
    gain: float = 1
    device: str | None = None

    def __post_init__(self) -> None:
        if not self.filters:
            raise ArgumentError("filters=() is empty; give at least one filter")
        for each in self.filters:
            if not isinstance(each, Filter):
                raise ArgumentTypeError(f"filters has the member {each!r}; members must be Filter")
        choose("negative", self.negative, NEGATIVE, "a way to treat negative results")
        if self.negative != "clip" and not self.filters[-1].linear:
            raise ArgumentError(
                f"negative={self.negative!r} is for convolutions, whose results have both signs; "
                f"the last filter is {self.filters[-1].name!r}: leave it out"
            )
        if not (math.isfinite(self.gain) and self.gain != 0):
            raise ArgumentError(f"gain={self.gain!r} must be finite and not 0")
        if not all(self.border in (None, each.border) for each in self.filters):
            pair(self.border, self.cval)

    @classmethod
    def parse(cls, filters: Iterable[str | Filter], **options: Any) -> Chain:
        """Return the chain of `filters`, each a :class:`Filter` or ``name:key=value,…``."""
        if isinstance(filters, str):
            raise ArgumentTypeError(f"filters={filters!r} must be a list of filters, not one text")
        return cls(
            tuple(f if isinstance(f, Filter) else Filter.parse(f) for f in filters), **options
        )

    @property
    def name(self) -> str:
        """The names of the filters, joined by underscores."""
        return "_".join(each.name for each in self.filters)

    @property
    def spec(self) -> str:
        """Canonical text of all that decides the result, without what is as usual."""
        border = self._border
        parts = {
            "border": border,
            "cval": float(self.cval) if "constant" in border else 0.0,
            "negative": self.negative,
            "gain": float(self.gain),
        }
        usual = {"border": "", "cval": 0.0, "negative": "clip", "gain": 1.0}
        told = [f" {key}={value}" for key, value in parts.items() if value != usual[key]]
        return "|".join(each.spec for each in self.filters) + "".join(told)

    @property
    def _border(self) -> str:
        """The border as text; "" where it is each filter's own."""
        if all(self.border in (None, each.border) for each in self.filters):
            return ""
        rows, columns = pair(self.border, self.cval)
        text = rows if rows == columns else f"{rows},{columns}"
        return "" if all(text == each.border for each in self.filters) else text

    def __call__(self, pixels: Pixels) -> Pixels:
        """Return `pixels` filtered.

        Parameters
        ----------
        pixels : ndarray of shape (H, W) or (H, W, C)

        Returns
        -------
        ndarray of the shape of `pixels`
            Of their dtype; or bool, if the last filter answers yes or no, as "canny" does.
        """
        working, values = _working(pixels.dtype), pixels
        for each in self.filters[:-1]:
            values = self._filtered(values, each.action, working)
            if values.dtype == bool:
                raise ArgumentError(f"filter {each.name!r} answers yes or no: it must be the last")
        action, gain = self._last
        plain = self.negative == "clip" and gain == 1 and action.any_dtype
        values = self._filtered(values, action, pixels.dtype if plain else working)
        if values.dtype == bool and gain != 1:
            raise ArgumentError(f"gain={gain!r} is not for {self.filters[-1].name!r}: yes or no")
        done = values.dtype == bool or (plain and values.dtype == pixels.dtype)
        return values if done else self._finish(values, gain, pixels.dtype)

    @cached_property
    def _last(self) -> tuple[Convolution | Operation, float]:
        """What the last filter does, and the gain that is left: a kernel has it in its weights."""
        action = self.filters[-1].action
        if isinstance(action, Convolution) and self.gain != 1:
            return Convolution(action.kernel * self.gain), 1
        return action, self.gain

    def _filtered(
        self, pixels: Pixels, action: Convolution | Operation, dtype: np.dtype[Any]
    ) -> Pixels:
        channels = -1 if pixels.ndim == 3 else None
        options = {"border": self.border, "cval": self.cval, "device": self.device}
        return action(pixels, dtype, {**options, "channel_axis": channels})

    def _finish(self, values: Pixels, gain: float, dtype: np.dtype[Any]) -> Pixels:
        """Return `values` as `dtype`: amplified, negative ones treated as asked for, rounded."""
        values = values.astype(_working(dtype), copy=False)
        if gain != 1:
            values = values * gain
        if self.negative == "abs":
            np.abs(values, out=values)
        elif self.negative == "offset":
            values += _middle(dtype)
        stored = np.empty(values.shape, dtype)
        dtypes.store(values, stored)
        return stored


def _working(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return what pixels of `dtype` are kept in between filters."""
    return np.dtype(dtypes.rule(dtype).accumulator)


def _middle(dtype: np.dtype[Any]) -> int:
    """Return mid-grey of unsigned pixels."""
    if dtype.kind != "u":
        # Nothing tells here what is white: pixels with transparency, or in linear light, come as
        # floats in units of the file's.
        raise ArgumentTypeError(
            f"negative='offset' has no mid-grey for pixels of dtype {dtype}; it is for unsigned "
            "integers, and not for images with transparency or linear light: use 'abs' or 'clip'"
        )
    return int(2 ** (8 * dtype.itemsize - 1))
