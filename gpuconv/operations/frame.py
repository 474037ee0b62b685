"""An image opened for work in floats: regions are loaded, border and all, and results stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gpuconv import backends, dtypes
from gpuconv.arrays import (
    Array,
    channel_index,
    check_out,
    check_pixels,
    named_axis,
    real_dtype,
)
from gpuconv.border import pair
from gpuconv.epilogue import NOTHING, Epilogue
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.kernel import Kernel, KernelLike, as_kernel
from gpuconv.plan import make_plan
from gpuconv.request import Request
from gpuconv.tiling import Axis

__all__ = ["ESTIMATE", "Frame", "Span", "check_border", "check_psf"]

#: First position and number of positions, along an axis; those outside the image are its border.
Span = tuple[int, int]

#: The border mode of restorations alone: what lies outside is estimated with the image.
ESTIMATE = "estimate"

#: The kernel that copies pixels, and with them converts, rounds and saturates.
_ONE = Kernel([[1]])


@dataclass(frozen=True, eq=False)
class Frame:
    """An image and the array that its result goes to, both channels first."""

    engine: ModuleType
    home: ModuleType
    pixels: Any
    target: Any
    #: The target as it is returned: with its axes in the image's order, of the caller's own type.
    result: Array
    #: Index of the channel axis, if there is one.
    channel: int | None
    #: The dtype that is computed in.
    summed: np.dtype[Any]

    @classmethod
    def of(
        cls,
        image: ArrayLike,
        channel_axis: int | None,
        dtype: DTypeLike | None,
        out: Array | None,
        device: str | None,
    ) -> Frame:
        """Return the frame of a call, as the caller gave its arguments."""
        engine, home = backends.select(image, device), backends.owner(image)
        pixels = check_pixels(image, home)
        stored = real_dtype(pixels.dtype, dtype, out, "restoration")
        named = named_axis(image, channel_axis)
        channel = channel_index(pixels.ndim, named)
        shape = tuple(pixels.shape)
        result = home.empty(shape, stored) if out is None else check_out(out, shape, home)
        if out is not None and home.overlap(result, pixels):
            pixels = pixels.copy()
        given = result if out is None else out
        if channel is not None:
            pixels, result = np.moveaxis(pixels, channel, 0), np.moveaxis(result, channel, 0)
        summed = dtypes.summed_in(pixels.dtype, stored)
        return cls(engine, home, pixels, result, given, channel, summed)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image, (…, H, W)."""
        return tuple(self.pixels.shape)

    def in_host_memory(self) -> Frame:
        """Return the same in host memory, where the image is a copy unless it lies there."""
        near = self.home is backends.host
        target = self.target if near else np.empty(self.shape, self.target.dtype)
        pixels = self.home.asnumpy(self.pixels)
        return replace(self, engine=backends.host, home=backends.host, pixels=pixels, target=target)

    def load(
        self,
        pixels: Any,
        into: Any,
        rows: Span,
        columns: Span,
        border: tuple[str, str],
        cval: float = 0.0,
        epilogue: Epilogue = NOTHING,
    ) -> None:
        """Fill `into`, the engine's, with a region of `pixels` and of what lies around them."""
        spans = rows, columns
        if self.engine is self.home:
            _copy(self.engine, pixels, into, spans, border, cval, epilogue)
            return
        # Only the region travels.
        region = self.home.empty(tuple(into.shape), into.dtype)
        _copy(self.home, pixels, region, spans, border, cval, epilogue)
        into[...] = self.engine.asarray(region)

    def store(self, values: Any, target: Any, epilogue: Epilogue = NOTHING) -> None:
        """Write values, the engine's, to a part of the target as its dtype has them."""
        whole = tuple((0, n) for n in values.shape[-2:])
        edges = "nearest", "nearest"
        if self.engine is self.home:
            _copy(self.engine, values, target, whole, edges, 0.0, epilogue)
            return
        there = self.engine.empty(tuple(target.shape), target.dtype.newbyteorder("="))
        _copy(self.engine, values, there, whole, edges, 0.0, epilogue)
        target[...] = self.engine.asnumpy(there)


def _copy(
    engine: ModuleType,
    source: Any,
    into: Any,
    spans: tuple[Span, ...],
    border: tuple[str, str],
    cval: float,
    epilogue: Epilogue,
) -> None:
    """Copy a region, all in the memory of one engine."""
    sizes = source.shape[-2:]
    y, x = (Axis(n, count, 1, first, 1, 1) for n, (first, count) in zip(sizes, spans, strict=True))
    request = Request(
        _ONE,
        tuple(source.shape[:-2]),
        y,
        x,
        border,
        cval if "constant" in border else 0.0,
        source.dtype.newbyteorder("="),
        into.dtype.newbyteorder("="),
        method="auto",
        accuracy="exact",
        epilogue=epilogue,
        masked=False,
        ignore_nan=False,
    )
    engine.run(make_plan(request, engine.machine()), source, into)


def check_border(border: str | tuple[str, str], cval: float) -> tuple[str, str] | None:
    """Return the modes along y and along x; None where the surroundings are to be estimated.

    Examples
    --------
    >>> check_border("estimate", 0), check_border(("wrap", "edge"), 0)
    (None, ('wrap', 'nearest'))
    """
    if not isinstance(cval, (int, float, np.integer, np.floating)):
        raise ArgumentTypeError(f"cval={cval!r} must be a real number")
    return None if isinstance(border, str) and border == ESTIMATE else pair(border, cval)


def check_psf(psf: KernelLike) -> Kernel:
    """Return a point spread function as a kernel: real, of a sum above 0.

    Examples
    --------
    >>> check_psf([[1, -1]])
    Traceback (most recent call last):
    ...
    gpuconv.errors.ArgumentError: psf has the sum 0; it must be above 0
    """
    kernel = as_kernel(psf)
    if kernel.complex:
        raise ArgumentTypeError("psf is complex; it must be real")
    total = float(kernel.weights.sum())
    if not total > 0:
        raise ArgumentError(f"psf has the sum {total:g}; it must be above 0")
    return kernel
