"""Chains of filters: what a batch does to the pixels of an image, in one pass over the file."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import api, dtypes
from gpuconv.border import pair
from gpuconv.errors import ArgumentError, ArgumentTypeError, choose
from gpuconv.filters.filter import Filter
from gpuconv.kernel import Kernel

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

    Between filters pixels are kept in float32 (float64 for 32- and 64-bit pixels); they are
    rounded and saturated once, at the end. One filter alone is :func:`gpuconv.convolve` on the
    pixels as they are.

    Parameters
    ----------
    filters : tuple of Filter
    border : str or pair of str
        Border mode, as for :func:`gpuconv.convolve`.
    cval : float
        What lies outside in border mode "constant", in units of pixels.
    negative : {"clip", "abs", "offset"}
        What becomes of negative results in unsigned images: they become 0, lose their sign, or are
        drawn darker than mid-grey, which stands for zero. "abs" acts on all images, "offset" is
        refused for others.
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
    border: str | tuple[str, str] = "reflect"
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
        if not (math.isfinite(self.gain) and self.gain != 0):
            raise ArgumentError(f"gain={self.gain!r} must be finite and not 0")
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
        rows, columns = pair(self.border, self.cval)
        parts = {
            "border": rows if rows == columns else f"{rows},{columns}",
            "cval": float(self.cval) if "constant" in (rows, columns) else 0.0,
            "negative": self.negative,
            "gain": float(self.gain),
        }
        usual = {"border": "reflect", "cval": 0.0, "negative": "clip", "gain": 1.0}
        told = [f" {key}={value}" for key, value in parts.items() if value != usual[key]]
        return "|".join(each.spec for each in self.filters) + "".join(told)

    @cached_property
    def _kernels(self) -> tuple[Kernel, ...]:
        """The kernels, the last one times the gain."""
        *first, last = (each.kernel for each in self.filters)
        return (*first, last if self.gain == 1 else last * self.gain)

    def __call__(self, pixels: Pixels) -> Pixels:
        """Return `pixels` filtered.

        Parameters
        ----------
        pixels : ndarray of shape (H, W) or (H, W, C)

        Returns
        -------
        ndarray of the shape and dtype of `pixels`
        """
        *first, last = self._kernels
        values = pixels
        for kernel in first:
            values = self._convolve(values, kernel, _working(pixels.dtype))
        if self.negative == "clip" and not last.complex:
            return self._convolve(values, last, pixels.dtype)
        values = self._convolve(values, last, _working(pixels.dtype))
        return self._finish(values, pixels.dtype)

    def _convolve(self, pixels: Pixels, kernel: Kernel, dtype: np.dtype[Any]) -> Pixels:
        """Return the convolution in `dtype`; of a complex kernel, the magnitude of the response."""
        result: Pixels = api.convolve(
            pixels,
            kernel,
            border=self.border,
            cval=self.cval,
            channel_axis=-1 if pixels.ndim == 3 else None,
            dtype=dtypes.complex_of(dtype) if kernel.complex else dtype,
            device=self.device,
        )
        return np.abs(result) if kernel.complex else result

    def _finish(self, values: Pixels, dtype: np.dtype[Any]) -> Pixels:
        """Return float `values` as `dtype`, negative ones treated as asked for."""
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
