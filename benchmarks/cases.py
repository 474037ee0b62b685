"""What is timed: each case is a row of `CASES`, a filter on an image with a border.

Borders rotate among those that every library has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .filters import (
    Bilateral,
    Box,
    Canny,
    Dense,
    Extreme,
    Filter,
    Gaussian,
    Gradient,
    Median,
    NonLocalMeans,
    Percentile,
    RichardsonLucy,
    Sobel,
    Unsharp,
    Wiener,
    level,
)
from .images import image

__all__ = ["CASES", "Case", "chosen", "size_of"]

Array = NDArray[Any]

_SHORT = {"float16": "f16", "float32": "f32", "float64": "f64", "uint8": "u8", "uint16": "u16"}


@dataclass(frozen=True)
class Case:
    """A row of the table."""

    filter: Filter
    dtype: str
    shape: tuple[int, ...]
    border: str = "reflect"
    #: What each axis of the image is: y, x, c colours, n images of a batch.
    axes: str = "yx"
    content: str = "photograph"
    #: Whether it is one of the few that tell most, for a run of a minute.
    quick: bool = False

    @property
    def name(self) -> str:
        """What it is called; no other case is called so.

        Examples
        --------
        >>> Case(Median(3), "uint8", (480, 640, 3), axes="yxc").name
        'median 3×3 u8 480×640 RGB'
        """
        return f"{self.filter.name} {_SHORT[self.dtype]} {size_of(self.shape, self.axes)}"

    @property
    def kind(self) -> str:
        """The same without the size of the image: "median 3×3 u8"."""
        return f"{self.filter.name} {_SHORT[self.dtype]}"

    @property
    def image(self) -> Array:
        """The image; made anew, as it may be large."""
        return image(self.content, self.shape, self.axes, self.dtype)

    @property
    def level(self) -> float:
        """How large one of 255 levels is."""
        return level(self.dtype)

    @property
    def channel_axis(self) -> int | None:
        """The axis of interleaved colours; None where there are none, or planes of them."""
        return -1 if self.axes.endswith("c") else None

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.shape[self.axes.index("y")]

    @property
    def pixels(self) -> int:
        """Numbers in the image."""
        return prod(self.shape)

    @cached_property
    def bytes(self) -> int:
        """What must be read and written once, whoever computes."""
        return 2 * self.pixels * np.dtype(self.dtype).itemsize

    @property
    def allowed(self) -> float:
        """The largest error that counts as right: a level where integers are rounded."""
        exact = not self.filter.rounding
        if exact or self.filter.measure != "largest":
            return self.filter.rounding
        if self.dtype in ("uint8", "uint16"):
            return 1.0
        # Half floats keep 11 bits: of a number below 1, a half of the last is 2.4e-4.
        return 2.5e-4 if self.dtype == "float16" else self.filter.rounding

    def of_rows(self, rows: int) -> Case:
        """Return the case of an image of that many rows."""
        y = self.axes.index("y")
        return replace(self, shape=(*self.shape[:y], rows, *self.shape[y + 1 :]))


def size_of(shape: tuple[int, ...], axes: str) -> str:
    """Return how large an image is, in words.

    Examples
    --------
    >>> size_of((512, 512), "yx"), size_of((32, 3, 224, 224), "ncyx"), size_of((2, 8, 9), "nyx")
    ('512²', '32 of 224² RGB', '2 of 8×9')
    """
    sizes = dict(zip(axes, shape, strict=True))
    y, x = sizes["y"], sizes["x"]
    plane = f"{y}²" if y == x else f"{y}×{x}"
    colours = {1: "", 3: " RGB"}.get(sizes.get("c", 1), f" of {sizes.get('c')} channels")
    return (f"{sizes['n']} of " if "n" in sizes else "") + plane + colours


_4096, _2048, _4K = (4096, 4096), (2048, 2048), (2160, 3840)


def _sums() -> Iterator[Case]:
    """Yield convolutions."""
    for side, border in ((3, "constant"), (5, "mirror"), (7, "nearest"), (11, "reflect"),
                         (15, "mirror"), (31, "nearest")):  # fmt: skip
        yield Case(Dense(side), "float32", _4096, border, quick=side in (3, 7))
    yield Case(Dense(63), "float32", (8192, 8192), "constant")
    yield Case(Dense(15, rank=2), "float32", _4096, "reflect")
    for sigma, border in ((1, "constant"), (2, "mirror"), (5, "nearest"), (20, "reflect")):
        yield Case(Gaussian(sigma), "float32", _4096, border, quick=sigma == 2)
    yield Case(Box(31), "float32", _4096, "nearest")
    yield Case(Dense(3), "uint8", _4096, "mirror", quick=True)
    yield Case(Dense(3, divisor=64), "uint8", _4096, "mirror")
    yield Case(Dense(5, divisor=256), "uint8", _4096, "nearest")
    yield Case(Dense(7), "uint8", _4096, "reflect")
    yield Case(Gaussian(1.1, 5), "uint8", _4K, "reflect", quick=True)
    yield Case(Gaussian(3), "uint8", _4K, "mirror")
    yield Case(Gaussian(1.4, 7), "uint8", (*_4K, 3), "mirror", "yxc")
    yield Case(Box(31), "uint8", _4096, "nearest")
    yield Case(Gaussian(1.7, 9), "uint16", _4096, "nearest")
    yield Case(Gaussian(1.1, 5), "float16", (64, 512, 512), "mirror", "nyx")
    yield Case(Dense(23), "float32", (32, 3, 224, 224), "constant", "ncyx")
    yield Case(Gaussian(2), "float32", (1921, 1081), "reflect")
    yield Case(Dense(3), "uint8", (512, 512), "nearest", quick=True)


def _others() -> Iterator[Case]:
    """Yield what is no convolution."""
    for dtype in ("uint8", "float32"):
        few = dtype == "uint8"
        shape = _4K if few else _2048
        yield Case(Sobel(), dtype, shape, quick=few)
        for side in (3, 5, 11, 31):
            yield Case(Median(side), dtype, _2048, "nearest", quick=few and side == 3)
        for which in ("minimum", "maximum"):
            for side in (3, 31):
                yield Case(Extreme(side, which), dtype, _2048)
        yield Case(Percentile(5), dtype, _2048)
        yield Case(Bilateral(9), dtype, _2048, "mirror", quick=few)
        yield Case(Bilateral(9), dtype, (*_2048, 3), "mirror", "yxc")
        yield Case(NonLocalMeans(7, 11), dtype, _2048, "mirror", content="noisy")
        yield Case(Gradient(2), dtype, _2048)
        yield Case(Unsharp(2), dtype, _2048)
        yield Case(Canny(), dtype, _2048)
    yield Case(Wiener(), "float32", _2048, "wrap", content="blurred")
    yield Case(RichardsonLucy(), "float32", _2048, "constant", content="blurred")


CASES = (*_sums(), *_others())


def chosen(cases: Iterable[Case], texts: Iterable[str]) -> list[Case]:
    """Return the cases whose names contain one of the texts; all of them if there are none.

    Letters may be small, × an x, and σ an s, to be typed.

    Examples
    --------
    >>> [case.name for case in chosen(CASES, ["median 3x3"])]
    ['median 3×3 u8 2048²', 'median 3×3 f32 2048²']
    """
    wanted = [_plain(text) for text in texts]
    return [
        case for case in cases if not wanted or any(each in _plain(case.name) for each in wanted)
    ]


def _plain(text: str) -> str:
    return text.casefold().translate(str.maketrans("×σ²–", "xs2-"))
