"""What is verified: a table of calls. Every engine must give what the definition gives.

Programs are compiled for each combination of dtypes, taps and alignment, so cases are chosen such
that they share programs: borders, sizes and most layouts are data to a program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from gpuconv import api, dtypes
from gpuconv.arguments import Step, channel_index, channels_restored
from gpuconv.border import MODES
from gpuconv.dtypes import TABLE
from gpuconv.kernel import Kernel
from gpuconv.tiling import SIZES
from gpuconv.verify.arrays import LAYOUTS
from gpuconv.verify.kernels import KERNELS

__all__ = ["CASES", "FAR", "QUICK", "Case"]


@dataclass(frozen=True)
class Case:
    """A call of ``convolve`` or ``correlate``."""

    dtype: str
    #: Of :data:`KERNELS`.
    kernel: str
    shape: tuple[int, ...] = (23, 37)
    border: str | tuple[str, str] = "reflect"
    size: str = "same"
    method: str = "auto"
    stride: Step = 1
    dilation: Step = 1
    cval: float = 3
    call: str = "convolve"
    channel_axis: int | None = None
    #: Of the output; "" is the image's, or complex if it must be.
    out_dtype: str = ""
    #: Of the image, of :data:`LAYOUTS`.
    layout: str = "C"
    #: Of the output, of the same; or "new" for none given, "in place", or "overlapping".
    out: str = "C"
    #: Of :data:`CONTENTS`.
    content: str = "random"
    #: Whether the image lies in host memory when the call is made.
    host: bool = False
    #: Whether the image is some rows again and again, and only the last of them are verified.
    far: bool = False

    @property
    def weights(self) -> Kernel:
        """The kernel itself."""
        return KERNELS[self.kernel]

    @property
    def stored(self) -> np.dtype[Any]:
        """The dtype of the output."""
        wanted = np.dtype(self.out_dtype or self.dtype)
        return dtypes.complex_of(wanted) if self.weights.complex and wanted.kind != "c" else wanted

    @property
    def exact(self) -> bool:
        """Whether the result must have the bits of the definition's."""
        integers = np.dtype(self.dtype).kind in "iu" and self.weights.integer
        return integers or self.content == "ties"

    @property
    def out_shape(self) -> tuple[int, ...]:
        """The shape of the output."""
        given, kernel = np.empty(0, self.dtype).real.dtype, self.weights
        planned = api.plan(
            self.shape,
            given,
            kernel.real if kernel.complex else kernel,
            border=self.border,  # type: ignore[arg-type]
            size=self.size,  # type: ignore[arg-type]
            stride=self.stride,
            dilation=self.dilation,
            channel_axis=self.channel_axis,
        )
        return channels_restored(planned.shape, channel_index(len(self.shape), self.channel_axis))

    @property
    def label(self) -> str:
        """The case in words: what differs from the usual.

        Examples
        --------
        >>> Case("uint8", "Sobel", border="wrap", stride=2).label
        "uint8 'Sobel' of (23, 37), border='wrap', stride=2"
        """
        usual = Case(self.dtype, self.kernel, self.shape)
        changed = [
            f"{name}={value!r}"
            for name, value in vars(self).items()
            if value != getattr(usual, name)
        ]
        return ", ".join([f"{self.dtype} {self.kernel!r} of {self.shape}", *changed])


_REAL = [name for name, rule in TABLE.items() if rule.real]
_INTEGERS = [name for name in _REAL if np.dtype(name).kind in "iu"]
#: A dtype of each kind of conversion.
_KINDS = ("uint8", "int16", "float32", "float64")
#: A kernel of each algorithm.
_BOTH = ("odd", "integer pair")


def _everywhere() -> Iterator[Case]:
    """Every dtype at every border and size, by both methods."""
    for dtype, border, size in product(TABLE, MODES, SIZES):
        for method in ("dense", "separable"):
            yield Case(dtype, "asymmetric", (11, 13), border, size, method)
    for dtype, border, name in product(TABLE, MODES, ("dense 3", "separable 5")):
        yield Case(dtype, name, (40, 67), border)
    for pair in product(MODES, MODES):
        yield Case("float64", "larger than the image", (5, 4), pair, cval=0.75)
        yield Case("uint8", "integer pair", (5, 4), pair)


def _kernels() -> Iterator[Case]:
    """Every kernel, on dtypes of each kind of arithmetic."""
    for name, dtype in product(KERNELS, ("uint8", "int32", "float32")):
        yield Case(dtype, name)
        yield Case(dtype, name, border="constant", call="correlate", method="dense")
        yield Case(dtype, name, (45, 61), border="mirror", size="full")
    for name in ("complex", "complex integer", "complex pair", "even", "pair"):
        for dtype in ("complex64", "complex128"):
            yield Case(dtype, name, (9, 14), border="mirror")


def _shapes() -> Iterator[Case]:
    """Images as small as can be, as thin as can be, and around the sizes of tiles and vectors."""
    sides = [
        (1, 1), (1, 2), (2, 1), (1, 40), (40, 1), (3, 3), (5, 16), (7, 17), (9, 31), (31, 65),
        (16, 128), (17, 129), (63, 127), (64, 256), (65, 260),
    ]  # fmt: skip
    for shape, border in product(sides, MODES):
        for name in ("odd", "integer pair", "larger than the image"):
            yield Case("uint8", name, shape, border, cval=-4)
            # The same pixel again and again rounds the same way each time: no bound of random
            # errors holds for a thousand of it.
            if name != "larger than the image" or shape[0] * shape[1] > 9:
                yield Case("float32", name, shape, border, size="full")


def _steps() -> Iterator[Case]:
    """Strides and dilations, beyond the image too."""
    strides: list[Step] = [2, 3, (1, 4), (5, 2), (100, 1), 40]
    dilations: list[Step] = [1, 2, (3, 1), (2, 5)]
    for size, stride, dilation in product(SIZES, strides, dilations):
        for name, dtype in (("odd", "int16"), ("integer pair", "float32"), ("rank 2", "float32")):
            yield Case(dtype, name, (37, 41), ("wrap", "mirror"), size, "auto", stride, dilation)
    for size, dilation in product(SIZES, [*dilations[1:], (1, 3), (1, 4), (1, 20)]):
        for name, dtype in (("odd", "uint8"), ("integer pair", "float32")):
            yield Case(dtype, name, (37, 141), "reflect", size, dilation=dilation)


def _conversions() -> Iterator[Case]:
    """Each dtype from dtypes of each kind; halves to even, ends of ranges."""
    for dtype, out in product(_KINDS, _REAL):
        if dtype != out:
            yield Case(dtype, "third", (6, 7), out_dtype=out)
    for dtype, out in product(("uint8", "float32"), ("uint8", "int16", "float16")):
        yield Case(dtype, "two floats", (30, 31), out_dtype=out)
        yield Case(dtype, "Gaussian 1", (30, 31), out_dtype=out)
    for out in _INTEGERS:
        yield Case("float64", "unit", (20, 41), out_dtype=out, content="ties")
    for out in ("uint8", "int8", "uint16", "int16"):
        yield Case("float32", "unit", (20, 41), out_dtype=out, content="ties")


def _layouts() -> Iterator[Case]:
    """Images and outputs however they lie; outputs that are, or overlap, the image."""
    batches = ("interleaved", "planes backwards", "every second plane")
    for dtype, name in product(("uint8", "int16", "float32", "complex64"), _BOTH):
        for layout in sorted(LAYOUTS.keys() - batches):
            yield Case(dtype, name, (24, 24), layout=layout)
            if not LAYOUTS[layout].shares:
                yield Case(dtype, name, (24, 24), out=layout)
        for layout in ("C", *batches):
            yield Case(dtype, name, (3, 18, 40), layout=layout, out=layout)
            yield Case(dtype, name, (2, 2, 9, 8), layout=layout, size="full", border="wrap")
        for out in ("new", "in place", "overlapping"):
            yield Case(dtype, name, (50, 40), out=out)
        yield Case(dtype, name, (20, 30), host=True)


def _batches() -> Iterator[Case]:
    """Batches of several axes, and channels: interleaved, apart, too many to interleave."""
    for dtype, name, channels in product(("uint8", "float32"), _BOTH, (1, 2, 3, 4, 5)):
        yield Case(dtype, name, (17, 29, channels), channel_axis=-1)
        yield Case(dtype, name, (2, 17, 29, channels), channel_axis=-1, border="wrap")
        yield Case(dtype, name, (channels, 17, 29), channel_axis=0, size="valid")
    for name in _BOTH:
        yield Case("uint8", name, (2, 3, 2, 3, 2, 5, 6), layout="planes backwards", out="crop")
        yield Case("uint8", name, (30, 40, 3), channel_axis=-1, stride=2)
        yield Case("float32", name, (30, 40, 3), channel_axis=-1, dilation=2)
        yield Case("uint8", name, (0, 5))
        yield Case("float32", name, (2, 0, 5), size="full")


def _not_finite() -> Iterator[Case]:
    """NaN and infinities, which reach where a weight ≠ 0 takes them, and no further."""
    names = ("holes", "pair with holes", "Gaussian 2", "rank 2", "zero", "dense 3", "separable 9")
    for name, dtype in product(names, ("float16", "float32", "float64")):
        yield Case(dtype, name, (70, 260), content="not finite")
        yield Case(dtype, name, (70, 260), border="wrap", stride=3, content="not finite")
    for name in names:
        yield Case("float32", name, (70, 260), out_dtype="uint8", content="not finite")
    for name, cval in product(("Sobel", "Gaussian 1", "dense 5"), (float("nan"), float("inf"))):
        for dtype in ("uint8", "float32"):
            yield Case(dtype, name, (40, 41), "constant", cval=cval, out_dtype="float32")


def _sizes() -> Iterator[Case]:
    """Tiles and their seams: enough of them to keep a GPU busy, which changes their form."""
    for name in ("dense 3", "dense 5", "dense 7", "separable 5", "separable 9", "rank 2"):
        for dtype in ("uint8", "uint16", "float16", "float32", "float64"):
            yield Case(dtype, name, (50, 80, 270))
    for name in ("dense 4", "dense 15", "separable 15", "separable 31", "separable 63", "Sobel"):
        for dtype, border in (("uint8", "mirror"), ("float32", "wrap")):
            yield Case(dtype, name, (150, 700), border)
    for name in ("dense 3", "separable 5", "Sobel"):
        yield Case("float32", name, (1400, 2100), "nearest")
        yield Case("uint8", name, (1401, 2100), "mirror")


def _grids() -> Iterator[Case]:
    """More blocks along an axis than a grid has: 65,535, of which one makes 64 rows or so."""
    for name in ("dense 2", "separable 3"):
        yield Case("uint8", name, (66_000, 2, 3))
        yield Case("uint8", name, (4_200_000, 2))
        yield Case("uint8", name, (2, 4_200_000))


#: Those that take seconds on a GPU whose programs are compiled already.
QUICK: tuple[Case, ...] = (
    *(Case(dtype, name, border=border) for dtype in TABLE for name, border in (
        ("asymmetric", "constant"), ("integer pair", "reflect"), ("dense 3", "wrap"))),
    *(Case(dtype, name, (150, 700), border) for dtype in ("uint8", "float32") for name, border in (
        ("dense 5", "mirror"), ("separable 9", "nearest"), ("rank 2", "reflect"))),
    Case("float32", "holes", (70, 260), content="not finite"),
    Case("float32", "Gaussian 2", (70, 260), content="not finite"),
)  # fmt: skip

#: All of them, each once.
CASES: tuple[Case, ...] = tuple(
    dict.fromkeys(
        [
            *QUICK,
            *_everywhere(),
            *_kernels(),
            *_shapes(),
            *_steps(),
            *_conversions(),
            *_layouts(),
            *_batches(),
            *_not_finite(),
            *_sizes(),
            *_grids(),
        ]
    )
)

#: Images of more pixels than 32 bits can count, for devices that have the room.
FAR: tuple[Case, ...] = tuple(
    Case("uint8", name, (66_000, 66_000), far=True) for name in ("odd", "integer pair")
)
