"""Images to verify with: what is in them, and how they lie in memory.

A layout is a larger plain array and a view of it. Views are taken by indexing and by NumPy's
functions that other libraries' arrays answer too, so that they are made on the device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONTENTS", "LAYOUTS", "Layout", "poison"]

Array = NDArray[Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """A way for an array of a shape to lie in memory."""

    #: From the shape that is wanted to the shape of the plain array.
    plain: Callable[[Shape], Shape]
    #: From the plain array to the view.
    view: Callable[[Any], Any]
    #: Whether elements of the view share memory, so that it can only be read.
    shares: bool = False


def _grown(shape: Shape, rows: int, columns: int) -> Shape:
    return (*shape[:-2], shape[-2] + rows, shape[-1] + columns)


def _again(axis: int) -> Layout:
    """Return the layout whose `axis` is one element, seen 24 times."""

    def plain(shape: Shape) -> Shape:
        return tuple(1 if i == len(shape) + axis else n for i, n in enumerate(shape))

    def view(array: Any) -> Any:
        shape = list(array.shape)
        shape[axis] = 24
        return np.broadcast_to(array, shape)

    return Layout(plain, view, shares=True)


LAYOUTS: dict[str, Layout] = {
    "C": Layout(lambda s: s, lambda a: a),
    "transposed": Layout(lambda s: (*s[:-2], s[-1], s[-2]), lambda a: a.swapaxes(-1, -2)),
    "rows backwards": Layout(lambda s: s, lambda a: a[..., ::-1, :]),
    "columns backwards": Layout(lambda s: s, lambda a: a[..., ::-1]),
    "all backwards": Layout(lambda s: s, lambda a: a[..., ::-1, ::-1]),
    "crop": Layout(lambda s: _grown(s, 5, 6), lambda a: a[..., 3:-2, 5:-1]),
    "aligned crop": Layout(lambda s: _grown(s, 2, 32), lambda a: a[..., 1:-1, 16:-16]),
    "every second row": Layout(lambda s: _grown(s, s[-2], 0), lambda a: a[..., ::2, :]),
    "every third column": Layout(lambda s: _grown(s, 0, 2 * s[-1]), lambda a: a[..., 1::3]),
    "interleaved": Layout(
        lambda s: (*s[:-3], s[-2], s[-1], s[-3]), lambda a: np.moveaxis(a, -1, -3)
    ),
    "planes backwards": Layout(lambda s: s, lambda a: a[::-1]),
    "every second plane": Layout(lambda s: (2 * s[0], *s[1:]), lambda a: a[::2]),
    "one row again": _again(-2),
    "one column again": _again(-1),
}


def _random(rng: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Return pixels that use all of the dtype (41 bits of it), its largest often."""
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        # Sums of 64-bit integers are exact while they stay within ±2**53.
        low, high = max(limits.min, -(2**40)), min(limits.max, 2**40)
        pixels = rng.integers(low, high, shape, dtype, endpoint=True)
        pixels.flat[: 2 * pixels.size // 3 : 7] = high
        return pixels
    real = rng.normal(size=shape)
    return (real + 1j * rng.normal(size=shape) if dtype.kind == "c" else real).astype(dtype)


def _not_finite(rng: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Return random pixels with NaN and infinities: at corners, edges, and seams of tiles."""
    pixels = _random(rng, shape, dtype)
    flat = pixels.reshape(-1)
    places = [0, flat.size - 1, flat.size // 2, shape[-1] - 1, flat.size // 3, flat.size // 7]
    for place, value in zip(places, (np.nan, np.inf, -np.inf) * 2, strict=True):
        flat[place] = value
    return pixels


def _ties(rng: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Return halves, ends of integer ranges and what is beyond, in a random order."""
    ends = [
        float(end) * factor
        for name in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")
        for end in (np.iinfo(name).min, np.iinfo(name).max)
        for factor in (1, 2)
    ]
    halves = [n + 0.5 for n in range(-6, 260)]
    values = [*halves, *ends, 3.49, -0.49, np.nan, np.inf, -np.inf]
    return rng.choice(values, shape).astype(dtype)


def _blocks(rng: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Return blocks of two greys with noise, of values that every dtype holds."""
    place = np.add.outer(np.arange(shape[-2]) // 6, np.arange(shape[-1]) // 6)
    return np.clip(40 + 60 * (place % 2) + rng.normal(0, 9, shape), 0, 127).astype(dtype)


#: What is in an image: from a generator, a shape and a dtype.
CONTENTS: dict[str, Callable[[np.random.Generator, Shape, np.dtype[Any]], Array]] = {
    "random": _random,
    "not finite": _not_finite,
    "ties": _ties,
    "blocks": _blocks,
}


def poison(wanted: Array) -> Array:
    """Return an array of which every element differs from that of `wanted`, as NaN does from all.

    An output that holds it before the call shows each element that is not written.

    Examples
    --------
    >>> poison(np.array([0, 255], np.uint8)).tolist()
    [255, 0]
    """
    bits = ~np.ascontiguousarray(wanted).view(np.uint8)
    return bits.view(wanted.dtype).reshape(wanted.shape)
