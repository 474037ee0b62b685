"""What is verified: a table of calls. Every engine must give what the definition gives.

Programs are compiled for each combination of dtypes, taps and alignment, so cases are chosen such
that they share programs: borders, sizes and most layouts are data to a program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from gpuconv.arguments import Step
from gpuconv.border import MODES
from gpuconv.dtypes import TABLE
from gpuconv.tiling import SIZES
from gpuconv.verify import parts
from gpuconv.verify.arrays import LAYOUTS
from gpuconv.verify.case import Case
from gpuconv.verify.kernels import KERNELS
from gpuconv.verify.operation_cases import OPERATION_CASES

__all__ = ["CASES", "FAR", "QUICK"]


_REAL = [name for name, rule in TABLE.items() if rule.real]
_INTEGERS = [name for name in _REAL if np.dtype(name).kind in "iu"]
#: A dtype of each kind of conversion.
_KINDS = ("uint8", "int16", "float32", "float64")
#: A kernel of each algorithm.
_BOTH = ("odd", "integer pair")
#: Kernels that differ from others only where taps are added in an order.
_IN_ORDER = ("smooth row", "slope down", "three dimensions")


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
    for name, dtype in product(sorted(KERNELS.keys() - _IN_ORDER), ("uint8", "int32", "float32")):
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
            yield Case(dtype, name, (37, 41), ("wrap", "mirror"), size, "direct", stride, dilation)
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


def _boxes() -> Iterator[Case]:
    """Windows that move: borders, strides, channels, NaN and infinities."""
    for dtype, border in product(TABLE, MODES):
        yield Case(dtype, "box 31", (40, 67), border, "same", "box")
    for dtype, border, size in product(("uint8", "float32"), MODES, SIZES):
        yield Case(dtype, "box 12 of floats", (40, 67), border, size, "box")
    for dtype, name in product(("uint8", "float32", "float64"), ("box 5", "box 31")):
        yield Case(dtype, name, (150, 700), "wrap", method="box", stride=(2, 3))
        # By definition, a box of 961 taps takes seconds.
        yield Case(dtype, name, (1400 if name == "box 5" else 200, 2100), "mirror", method="box")
    for dtype, channels in product(("uint8", "float32"), (2, 3, 4, 5)):
        yield Case(dtype, "box 5", (37, 90, channels), channel_axis=-1, method="box")
    for dtype in ("float16", "float32", "float64"):
        yield Case(dtype, "box 31", (70, 260), content="not finite", method="box")


def _recursions() -> Iterator[Case]:
    """Gaussians that an approximation is allowed for."""
    for dtype, border in product(("uint8", "float32", "float64"), MODES):
        fast = Case(dtype, "Gaussian 5", (90, 150), border, method="recursive", accuracy="fast")
        yield from (fast, replace(fast, size="full", shape=(2, 90, 150)))
    yield Case(
        "float32",
        "Gaussian 5",
        (90, 150),
        method="recursive",
        accuracy="fast",
        content="not finite",
    )


def _orders() -> Iterator[Case]:
    """SciPy's order, to the bit; and integers that are cut off and wrapped, of any sums."""
    for name in (*_IN_ORDER, "holes"):
        case = Case("uint8", name, (60, 90), "mirror", method="ordered", ending="wrap")
        yield from (case, replace(case, dtype="float64", ending=""))
    for border, size in product(MODES, SIZES):
        for name in ("smooth row", "odd"):
            yield Case("uint8", name, (23, 37), border, size, "ordered", (2, 3), (3, 2))
    for name in ("301 down", "dense 21"):
        yield Case("int16", name, (2, 40, 50), "wrap", method="ordered")
    yield Case("float32", "smooth row", (17, 29, 3), channel_axis=-1, method="ordered")
    yield Case("float32", "holes", (70, 260), content="not finite", method="ordered")
    for out in ("int8", "uint16", "int64", "uint64"):
        yield Case("float64", "unit", (20, 41), out_dtype=out, content="ties", ending="wrap")
    for method in ("dense", "separable", "box", "fft"):
        yield Case("uint8", "box 5", (50, 270), "wrap", method=method, ending="wrap")


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


def _transforms() -> Iterator[Case]:
    """Fourier transforms: borders, strides, pixels that are not finite, batches of many tiles."""
    # Sums of larger integers would need more than the bits of float64.
    small = [name for name in _REAL if name not in ("int32", "uint32", "int64", "uint64")]
    for dtype, border in product(small, MODES):
        yield Case(dtype, "asymmetric", (40, 67), border, method="fft")
    for name, size in product(("dense 15", "odd", "integer pair", "larger than the image"), SIZES):
        if name != "larger than the image" or size != "valid":
            for dtype in ("uint8", "float32"):
                yield Case(dtype, name, (45, 61), "mirror", size, "fft")
    for step in (2, (1, 4), 40):
        yield Case("int16", "odd", (3, 37, 41), "wrap", "full", "fft", stride=step)
        yield Case("int16", "odd", (3, 37, 41), "wrap", "full", "fft", step, (2, 5))
    for axis, dtype in product((0, 1, 2), ("uint8", "float32")):
        shape = tuple(np.insert([19, 26], axis, 3).tolist())
        yield Case(dtype, "odd", shape, method="fft", channel_axis=axis)
    not_finite = Case("float32", "holes", (70, 260), method="fft", content="not finite")
    yield from (replace(not_finite, border=border, stride=3) for border in MODES)
    yield Case("uint8", "odd", (40, 41), "constant", method="fft", cval=np.nan, out_dtype="float32")
    yield Case("float32", "odd", (24, 24), method="fft", layout="transposed", out="crop")
    # Of many taps, the definition of large images would take longer than all else.
    for shape, name in (
        ((500, 20, 30), "dense 15"),
        ((2, 900, 1300), "odd"),
        ((3000, 4000), "odd"),
    ):
        yield Case("float32", name, shape, "nearest", method="fft")
        yield Case("uint16", name, shape, method="fft")


def _endings() -> Iterator[Case]:
    """Epilogues, weights of pixels, and banks: in one launch, and in several."""
    for dtype, border in product(("uint8", "float32"), MODES):
        for ending, name in product(("epilogue", "bank"), ("Sobel", "integer pair")):
            yield Case(dtype, name, (70, 260), border, method="separable", ending=ending)
        for name in ("box 5", "Gaussian 2"):
            yield Case(dtype, name, (70, 260), border, ending="mask")
    for name in ("Gaussian 2", "box 5"):
        yield Case("float32", name, (70, 260), "wrap", content="not finite", ending="nan")
    for ending in ("epilogue", "bank", "mask"):
        yield Case("float32", "Gaussian 2", (3, 150, 700), stride=2, ending=ending)


def _slopes() -> Iterator[Case]:
    """Strengths and directions of edges, in one launch."""
    for border in MODES:
        for dtype in ("uint8", "float32"):
            yield Case(dtype, "Sobel", (70, 260), border, ending="magnitude")
        # Of integers, whose sums are exact: where slopes are nearly 0, rounding turns them.
        yield Case("uint8", "Sobel", (70, 260), border, ending="direction", out_dtype="float32")
    yield Case("uint8", "Sobel", (150, 700, 3), channel_axis=-1, ending="magnitude")


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
    *(Case(dtype, name, (150, 700), method="auto") for dtype in ("uint8", "float32")
      for name in ("odd", "box 31", "Gaussian 5", "dense 15")),
    Case("uint8", "odd", (150, 700), method="fft"),
    Case("float32", "dense 15", (3, 150, 700), "mirror", method="fft"),
    Case("float32", "holes", (70, 260), method="fft", content="not finite"),
    *(Case(dtype, name, (70, 140), content="blocks") for dtype in ("uint8", "float32")
      for name in ("median 3", "median 5", "median 11", "bilateral 9", "nl_means 3")),
    Case("uint8", "Sobel", (150, 700), ending="magnitude"),
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
            *_boxes(),
            *_recursions(),
            *_orders(),
            *_sizes(),
            *_transforms(),
            *_endings(),
            *_slopes(),
            *parts.CASES,
            *OPERATION_CASES,
            *_grids(),
        ]
    )
)

#: Images of more pixels than 32 bits can count, for devices that have the room.
FAR: tuple[Case, ...] = (
    *(Case("uint8", name, (66_000, 66_000), far=True) for name in ("odd", "integer pair")),
    Case("uint8", "box 5", (66_000, 66_000), method="box", far=True),
    Case("uint8", "odd", (66_000, 66_000), method="fft", far=True),
    Case("uint8", "odd", (66_000, 66_000), ending="bank", far=True),
)
