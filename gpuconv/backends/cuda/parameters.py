"""What a kernel is given beside the arrays: geometry, border tables and weights, by value.

Values too many to travel as an argument are laid down in device memory first, by launches on the
caller's stream, so that these too belong to one call alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import dtypes
from gpuconv.backends.cuda.launch import Launch, Scratch
from gpuconv.backends.cuda.problem import AXES, Problem
from gpuconv.backends.cuda.source import Program
from gpuconv.epilogue import Epilogue

__all__ = ["Constants", "ctype", "divide", "lay_down", "program", "up"]

Array = NDArray[Any]
Macros = tuple[tuple[str, str], ...]

#: Bytes of arguments that every driver takes; newer ones take 32,764.
_ARGUMENT_BYTES = 4096
#: Bytes that are kept for the pointers and the geometry.
_GEOMETRY_BYTES = 384
#: Entries of the border tables, of those kernels that take any number of taps.
_ANY_EDGES = 224

#: Values in one launch that lays them down, and threads that it has.
_CHUNK = 448


def ctype(dtype: np.dtype[Any]) -> str:
    """Return the C type of a pixel, its weight, or a sum.

    Examples
    --------
    >>> ctype(np.dtype("uint8")), ctype(np.dtype("float16")), ctype(np.dtype("bool"))
    ('unsigned char', 'half', 'unsigned char')
    """
    if dtype.kind == "b":  # of masks: 0 or 1
        return "unsigned char"
    return dtypes.rule(dtype).ctype


@cache
def _geometry(sum_: np.dtype[Any], epilogue: bool, variant: str) -> np.dtype[Any]:
    """Return the layout of Geometry in kernels_cuda/tile.cuh."""
    fields: list[tuple[str, Any]] = []
    for array in ("image", "out"):
        fields += _steps(array)
    fields += [("planes", (np.int32, (AXES,)))]
    integers = (
        "height width out_height out_width rows columns offset_y offset_x stride_y stride_x "
        "dilation_y dilation_x before_y after_y before_x after_x piece_rows piece_columns "
        "step_y step_x segment"
    )
    fields += [(name, "i4") for name in integers.split()]
    fields += [(name, sum_) for name in ("cval", "divisor", "reciprocal")]
    if epilogue:
        limits = [(name, sum_) for name in ("scale", "offset", "low", "high")]
        fields += [("epilogue", np.dtype([*limits, ("absolute", "i4")], align=True))]
    if variant == "masked":
        fields += [*_steps("mask"), ("gain", sum_), ("least", sum_)]
    if variant == "ordered":
        fields += [("taps", "i4")]
    if variant == "rank":
        fields += [("rank", "i4"), ("runs", "i4")]
    if variant == "bank":
        fields += [("out_filter", "i8"), ("filters", "i4")]
    if variant in ("joint", "patches"):
        fields += [("image_channel", "i8"), ("out_channel", "i8"), ("channels", "i4")]
    if variant == "patches":
        fields += [("patch", "i4"), ("search", "i4")]
    return np.dtype(fields, align=True)


def _steps(array: str) -> list[tuple[str, Any]]:
    plane = f"{array}_plane", (np.int64, (AXES,))
    return [plane, (f"{array}_row", "i8"), (f"{array}_column", "i8")]


def divide(problem: Problem, divisor: float) -> str:
    """Return how sums are divided: a macro of kernels_cuda/pixel.cuh."""
    if divisor == 1:
        return "DIVIDE_NOT"
    finite = problem.dtype.kind in "iu" and (isfinite(problem.cval) or not _filled(problem))
    return "DIVIDE_FINITE" if finite else "DIVIDE_ANY"


def _filled(problem: Problem) -> bool:
    return "constant" in problem.border


class Constants:
    """The border tables and weights of a launch, and where they are put."""

    def __init__(
        self,
        problem: Problem,
        weights: Array,
        fixed: bool,
        label: str = "",
        variant: str = "",
        travel: bool = True,
        beside: Array | None = None,
    ) -> None:
        """Take the weights of a program for as many (`fixed`), or of one for any number.

        `label` begins the names of scratch arrays, to tell those of several launches apart.
        The `variant` of the geometry, "masked", "bank", "joint" or "patches", has fields more. What
        may not `travel` as an argument lies in device memory, however little it is. Whole numbers
        that stand `beside` the border tables come behind them.
        """
        self.counts, self.edges = problem.edges
        if beside is not None:
            self.edges = np.concatenate([self.edges, beside])
        self.weights = dtypes.rounded(np.ascontiguousarray(weights).ravel(), problem.sum)
        if fixed:
            usual = 2 * (problem.y.footprint - 1) + 2 * (problem.x.footprint - 1) or 1
            # A kernel whose margins were cut away may lie far from its anchor.
            far = 0 if self.edges.size <= usual else up(self.edges.size, 32)
            self.room = (max(usual, far), self.weights.size)
        else:
            left = _ARGUMENT_BYTES - _GEOMETRY_BYTES - 4 * _ANY_EDGES
            self.room = (_ANY_EDGES, left // problem.sum.itemsize)
        needs = 4 * self.room[0] + problem.sum.itemsize * self.room[1] + _GEOMETRY_BYTES
        fits = self.edges.size <= self.room[0] and self.weights.size <= self.room[1]
        self.by_value = travel and fits and needs <= _ARGUMENT_BYTES
        self._problem, self._variant = problem, variant
        self._weights, self._edges = f"{label}weights", f"{label}edges"

    @property
    def macros(self) -> Macros:
        """The macros that say how many there is room for."""
        edges, weights = self.room if self.by_value else (0, 0)
        return ("EDGES", str(edges)), ("WEIGHTS", str(weights))

    @property
    def operands(self) -> tuple[str | None, str | None]:
        """The scratch arrays that hold weights and border tables, if any does."""
        return (None, None) if self.by_value else (self._weights, self._edges)

    @property
    def scratch(self) -> dict[str, Scratch]:
        """The same with their sizes; a table without entries has room for one."""
        if self.by_value:
            return {}
        sizes = {self._weights: self.weights, self._edges: self.edges}
        return {k: Scratch((max(v.size, 1),), v.dtype) for k, v in sizes.items()}

    def launches(self) -> list[Launch]:
        """Return what lays them down, where they do not travel by value."""
        if self.by_value:
            return []
        return [*lay_down(self._weights, self.weights), *lay_down(self._edges, self.edges)]

    def parameters(self, divisor: float, **more: float) -> Array:
        """Return the structure that the kernel takes last.

        `more` are fields of the geometry that the kernel's launch decides.
        """
        problem = self._problem
        geometry = _geometry(problem.sum, problem.epilogue.computes, self._variant)
        fields: list[tuple[str, Any]] = [("geometry", geometry)]
        if self.by_value:
            edges, weights = self.room
            fields += [("edges", np.int32, (edges,)), ("weights", problem.sum, (weights,))]  # type: ignore[list-item]
        call = np.zeros(1, np.dtype(fields, align=True))
        self._fill(call["geometry"][0], divisor, more)
        if self.by_value:
            call["edges"][0, : self.edges.size] = self.edges
            call["weights"][0, : self.weights.size] = self.weights
        return call

    def _fill(self, g: Any, divisor: float, more: dict[str, float]) -> None:
        problem = self._problem
        arrays = {"image": problem.image, "out": problem.out}
        if self._variant == "masked" and problem.mask:
            arrays["mask"] = problem.mask
        for name, steps in arrays.items():
            # The kernels' fastest axis is the last: missing axes, of one plane, stand behind it.
            g[f"{name}_plane"][: len(steps.planes)] = steps.planes
            g[f"{name}_row"], g[f"{name}_column"] = steps.row, steps.column
        g["planes"] = 1
        g["planes"][: len(problem.planes)] = problem.planes
        for name, axis in (("y", problem.y), ("x", problem.x)):
            g[{"y": "height", "x": "width"}[name]] = axis.n
            g[{"y": "out_height", "x": "out_width"}[name]] = axis.out
            g[{"y": "rows", "x": "columns"}[name]] = axis.taps
            g[f"offset_{name}"] = axis.offset
            g[f"stride_{name}"] = axis.stride
            g[f"dilation_{name}"] = axis.dilation
        for name, count in zip(
            ("before_y", "after_y", "before_x", "after_x"), self.counts, strict=True
        ):
            g[name] = count
        with np.errstate(over="ignore"):
            g["cval"], g["divisor"] = problem.cval, divisor
            g["reciprocal"] = problem.sum.type(1) / problem.sum.type(divisor)
            if problem.epilogue.computes:
                g["epilogue"] = _limits(problem.epilogue)
        for name, value in more.items():
            g[name] = value


def _limits(epilogue: Epilogue) -> tuple[float, float, float, float, bool]:
    """Return the fields of Epilogue in kernels_cuda/tile.cuh; no limit is an infinite one."""
    low = -inf if epilogue.low is None else epilogue.low
    high = inf if epilogue.high is None else epilogue.high
    return epilogue.scale, epilogue.offset, low, high, epilogue.absolute


def program(
    family: str,
    entry: str,
    problem: Problem,
    macros: Iterable[tuple[str, int | str]],
    constants: Constants,
    divisor: float,
) -> Program:
    """Return the program of a kernel for the dtypes of `problem`, with `macros` of its own."""
    types = (("PIXEL", problem.dtype), ("RESULT", problem.out_dtype), ("SUM", problem.sum))
    defined = [
        *((name, ctype(dtype)) for name, dtype in types),
        *((name, str(value)) for name, value in macros),
        *constants.macros,
        ("DIVIDE", divide(problem, divisor)),
        *([("EPILOGUE", "1")] if problem.epilogue.computes else []),
        *([("WRAP", "1")] if problem.epilogue.wrap and problem.out_dtype.kind in "iu" else []),
    ]
    return Program(family, entry, tuple(defined))


def up(n: int, unit: int) -> int:
    """Return the least multiple of `unit` that is not below `n`."""
    return -(-n // unit) * unit


def lay_down(name: str, values: Array) -> list[Launch]:
    """Return launches that write `values` to the scratch array of that name."""
    program = Program(
        "deposit", "deposit", (("VALUE", ctype(values.dtype)), ("CHUNK", str(_CHUNK)))
    )
    layout = np.dtype(
        [("values", values.dtype, (_CHUNK,)), ("first", np.int64), ("count", np.int32)], align=True
    )
    launches = []
    for first in range(0, values.size, _CHUNK):
        chunk = np.zeros(1, layout)
        some = values[first : first + _CHUNK]
        chunk["values"][0, : some.size] = some
        chunk["first"], chunk["count"] = first, some.size
        launches.append(Launch(program, (1, 1, 1), (_CHUNK, 1, 1), 0, (name,), chunk))
    return launches
