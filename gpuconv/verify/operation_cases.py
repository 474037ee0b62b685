"""What is verified of filters that are no sums: a table of calls, as in ``cases``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from gpuconv.border import MODES
from gpuconv.dtypes import TABLE
from gpuconv.verify.arrays import LAYOUTS
from gpuconv.verify.case import Case
from gpuconv.verify.operations import OPERATIONS

__all__ = ["OPERATION_CASES"]

_REAL = [name for name, rule in TABLE.items() if rule.real]


def _ranks() -> Iterator[Case]:
    """Ranks: every dtype and border, each method, NaN, tiny images, and many tiles."""
    for dtype, border in product(_REAL, MODES):
        yield Case(dtype, "median 3", (21, 37), border)
        yield Case(dtype, "median 9", (21, 37), border)
    for dtype, name in product(("uint8", "uint16", "float32"), OPERATIONS):
        if OPERATIONS[name].selects and name != "canny":
            yield Case(dtype, name, (70, 140))
            yield Case(dtype, name, (5, 4), ("wrap", "mirror"))
            yield Case(dtype, name, (3, 40, 29), "nearest", channel_axis=0)
    for method, dtype in product(("histogram", "sort"), ("uint8", "uint16")):
        for name in ("median 11", "maximum 15"):
            yield Case(dtype, name, (70, 140), "mirror", method=method)
    for name in ("median 3", "median 11", "maximum 15", "cross"):
        for dtype in ("float16", "float32", "float64"):
            yield Case(dtype, name, (70, 140), content="not finite")
    for shape in ((1, 1), (1, 40), (40, 1), (3, 3), (17, 129), (65, 260)):
        for name in ("median 3", "median 5", "median 11", "maximum 15"):
            yield Case("uint8", name, shape, "wrap")
    for dtype, name in product(("uint8", "float32"), ("median 3", "median 5", "median 11")):
        # By definition, more of a large window takes seconds.
        yield Case(dtype, name, (150, 270) if name == "median 11" else (500, 900), "mirror")


def _alike() -> Iterator[Case]:
    """Means over pixels that are alike: every dtype and border, colours, other dtypes, tiles."""
    names = [name for name in OPERATIONS if name.startswith(("bilateral", "nl_means"))]
    usual = Case("uint8", "", (40, 67), content="blocks")
    for dtype, name in product(_REAL, ("bilateral 5", "nl_means 3")):
        yield replace(usual, dtype=dtype, kernel=name)
    for name, border, dtype in product(names, MODES, ("uint8", "float32")):
        yield replace(usual, dtype=dtype, kernel=name, border=border)
        if border == "reflect":
            for channels in (2, 3, 4, 6):
                coloured = replace(usual, dtype=dtype, kernel=name, channel_axis=-1)
                yield replace(coloured, shape=(33, 47, channels))
    for name, out in product(("bilateral 5", "nl_means 3"), ("uint8", "float32")):
        yield replace(usual, dtype="uint8", kernel=name, out_dtype=out)
        yield replace(usual, dtype="float32", kernel=name, out_dtype=out)
        for shape in ((1, 1), (1, 40), (40, 1), (3, 3), (2, 3, 65, 33)):
            yield replace(usual, kernel=name, shape=shape, border=("wrap", "mirror"))


def _restored() -> Iterator[Case]:
    """Blurs undone, and lines of edges."""
    usual = Case("uint8", "", (40, 67), content="blocks", cval=20)
    for dtype in ("uint8", "float32", "float64"):
        for border in MODES:
            yield replace(usual, dtype=dtype, kernel="richardson_lucy", border=border)
        beyond = replace(usual, dtype=dtype, kernel="richardson_lucy beyond")
        yield from (beyond, replace(beyond, shape=(3, 50, 41)))
        for shape in ((40, 67), (3, 33, 40), (90, 150), (5, 4)):
            yield replace(usual, dtype=dtype, kernel="wiener", shape=shape, border="wrap")
        # It is worked on in float64, so no rounding decides.
        if dtype != "float32":
            for shape in ((90, 150), (3, 33, 40), (2, 9)):
                canny = replace(usual, dtype=dtype, kernel="canny", out_dtype="bool")
                yield replace(canny, shape=shape, out="new")


def _lying() -> Iterator[Case]:
    """Images and outputs however they lie; outputs that are, or overlap, the image."""
    batches = ("interleaved", "planes backwards", "every second plane")
    usual = Case("uint8", "", (24, 24), content="blocks")
    for name in ("median 3", "median 11", "maximum 15", "bilateral 5", "nl_means 3"):
        for layout in sorted(LAYOUTS.keys() - batches):
            yield replace(usual, kernel=name, layout=layout)
            if not LAYOUTS[layout].shares:
                yield replace(usual, kernel=name, out=layout)
        for layout in batches:
            yield replace(usual, kernel=name, shape=(3, 18, 40), layout=layout, out=layout)
        for out in ("new", "in place", "overlapping"):
            yield replace(usual, kernel=name, shape=(50, 40), out=out)
        yield replace(usual, kernel=name, shape=(20, 30), host=True)


#: All of them.
OPERATION_CASES: tuple[Case, ...] = (*_ranks(), *_alike(), *_restored(), *_lying())
