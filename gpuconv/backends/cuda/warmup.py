"""Named sets of programs, to be compiled before they are needed: pure, no device is touched.

A program is special to a size of kernel, a dtype, and the way the pixels lie in memory, so a set
is a list of calls. The set "all" has every form of every kernel: what the tests compile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from gpuconv import arguments, dtypes, kernels
from gpuconv.backends.cuda import bank, linear, lucy
from gpuconv.backends.cuda.canny import Edges
from gpuconv.backends.cuda.launch import Layout
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.source import Program
from gpuconv.backends.cuda.warmup_neighbours import (
    LAYOUTS,
    LIMITS,
    Neighbours,
    denoise,
    every_neighbourhood,
    planned,
)
from gpuconv.bank import Bank
from gpuconv.cost import gpu
from gpuconv.epilogue import NOTHING, Epilogue
from gpuconv.errors import choose
from gpuconv.kernel import Kernel
from gpuconv.plan import Plan, make_plan

__all__ = ["LIMITS", "SETS", "Call", "Filters", "Neighbours", "planned", "programs"]

#: Photographs, grey and in colour, and what is computed from them.
_USUAL = (("uint8", "grey"), ("uint8", "colour"), ("float32", "grey"))


@dataclass(frozen=True)
class Call:
    """A call whose programs are wanted."""

    dtype: str
    kernel: Kernel
    layout: str = "grey"
    stride: int = 1
    dilation: int = 1
    method: arguments.Method = "auto"
    epilogue: Epilogue | None = None
    masked: bool = False
    nan: arguments.Nan = "propagate"

    def plan(self, limits: Limits) -> Plan:
        """Return the call's plan for a device with these limits."""
        dtype = np.dtype(self.dtype)
        options = arguments.Options.of(
            True,
            "reflect",
            0,
            "same",
            self.stride,
            self.dilation,
            self.method,
            "fast" if self.method == "recursive" else "exact",
            self.nan,
            self.epilogue,
        )
        shape = LAYOUTS[self.layout].shape
        request = options.request(shape, dtype, self.kernel, 0.0, dtype, self.masked)
        return make_plan(request, gpu(limits.multiprocessors))

    def programs(self, limits: Limits) -> tuple[Program, ...]:
        """Return the programs that the call runs, on a device with these limits."""
        image, plan = LAYOUTS[self.layout], self.plan(limits)
        out = image if plan.shape == image.shape else Layout.contiguous(plan.shape)
        work = linear.launches(plan, image, out, limits)
        return tuple(launch.program for launch in work.launches)


@dataclass(frozen=True)
class Filters:
    """A filter bank whose programs are wanted."""

    calls: tuple[Call, ...]
    reduce: str | None

    def programs(self, limits: Limits) -> tuple[Program, ...]:
        """Return the programs that all filters run at once."""
        plans = tuple(call.plan(limits) for call in self.calls)
        made = Bank(plans, self.reduce, NOTHING, plans[0].dtype)
        image = LAYOUTS[self.calls[0].layout]
        out = image if self.reduce else Layout.contiguous(made.shape)
        work = bank.launches(made, image, out, limits)
        return () if isinstance(work, str) else tuple(each.program for each in work.launches)


def _calls(*filters: Kernel) -> Iterator[Call]:
    for kernel, (dtype, layout) in product(filters, _USUAL):
        yield Call(dtype, kernel, layout)


def _blur() -> Iterator[Call]:
    return _calls(*map(kernels.gaussian, (1, 2, 5)), kernels.box(3))


def _edges() -> Iterator[Call]:
    return _calls(kernels.sobel_x(), kernels.sobel_y(), kernels.laplacian(), kernels.outline())


def _sharpen() -> Iterator[Call]:
    return _calls(kernels.sharpen(), kernels.unsharp(), kernels.emboss())


def _dense(rows: int, columns: int) -> Kernel:
    """Return a kernel without zeros and of full rank, so that it is dense."""
    return Kernel(np.cos(np.outer(np.arange(1, rows + 1), np.arange(1, columns + 1))))


def _separable(taps: int, terms: int = 1) -> Kernel:
    waves = [np.cos(np.arange(1, taps + 1) * (term + 1)) for term in range(terms)]
    return Kernel.sum_of([(wave, wave) for wave in waves])


def _every_dtype() -> Iterator[Call]:
    for dtype in (name for name, rule in dtypes.TABLE.items() if rule.real):
        yield Call(dtype, _dense(3, 3), method="dense")
    for dtype in ("int16", "float16", "int32", "float64"):
        yield Call(dtype, _separable(5), method="separable")


def _every_form() -> Iterator[Call]:
    for taps in (2, 7, 11, 41):
        yield Call("float32", _dense(taps, taps), method="dense")
    yield Call("float32", _dense(3, 3), stride=2, method="dense")
    yield Call("float32", _dense(3, 3), dilation=3, method="dense")
    for dtype in ("uint8", "float64"):
        yield Call(dtype, _dense(11, 11), method="dense")
    # The longest that march in registers, four and eight columns a thread, and those that do not.
    for dtype, *longest in (("float32", 31), ("uint8", 17, 32), ("float64", 11)):
        for taps in (*longest, 65):
            yield Call(dtype, _separable(taps), method="separable")
    yield Call("uint8", _separable(12), "colour", method="separable")
    for terms in (2, 3):
        yield Call("float32", _separable(15, terms), method="separable")
    for dtype in ("uint8", "float16", "float32", "float64"):
        yield Call(dtype, _dense(41, 41), method="fft")
    # Sums that are integers, in float64.
    yield Call("uint8", Kernel(np.ones((41, 41)), divisor=1681), "colour", method="fft")


def _every_box() -> Iterator[Call]:
    for dtype in ("uint8", "float32", "float64"):
        yield Call(dtype, kernels.box(31), method="box")
    for dtype, layout in (("uint8", "colour"), ("float32", "colour"), ("float32", "transposed")):
        yield Call(dtype, kernels.box(31), layout, method="box")


def _every_recursion() -> Iterator[Call]:
    # Pixels that may not be finite take a pass of their own.
    for dtype in ("uint8", "float32", "float64"):
        yield Call(dtype, kernels.gaussian(20), method="recursive")


def _every_order() -> Iterator[Call]:
    wrapped = Epilogue(wrap=True)
    lines = [[0.25, 0.5, 0.25]], [[-0.5], [0.0], [0.5]], [[0.1, 0.2]]
    for dtype, line in product(("uint8", "int16", "float32", "float64"), lines):
        yield Call(dtype, Kernel(line), method="ordered", epilogue=wrapped)
    for size in (5, 101):
        yield Call("uint8", _dense(size, size), method="ordered", epilogue=wrapped)
    yield Call("uint8", Kernel(lines[0]), "colour", method="ordered", epilogue=wrapped)
    for dtype in ("uint8", "int32", "uint64"):
        yield Call(dtype, _dense(3, 3), method="dense", epilogue=wrapped)
        yield Call(dtype, _separable(5), method="separable", epilogue=wrapped)
    yield Call("uint8", kernels.laplacian(), method="dense", epilogue=wrapped)
    yield Call("uint8", kernels.box(31), method="box", epilogue=wrapped)


def _every_layout() -> Iterator[Call]:
    for layout, dtype in (("colour", "float32"), ("crop", "uint8"), ("transposed", "float32")):
        yield Call(dtype, _dense(3, 3), layout, method="dense")
        yield Call(dtype, _separable(9), layout, method="separable")
    yield Call("float32", _dense(3, 3), "small", method="dense")


def _every_end() -> Iterator[Call | Edges | Filters]:
    """Yield calls with more than sums: epilogues, weights of pixels, several filters."""
    finished = Epilogue(scale=0.5, offset=3, absolute=True, low=0, high=200)
    for dtype, kernel in (("uint8", kernels.laplacian()), ("float32", _dense(3, 3))):
        yield Call(dtype, kernel, method="dense", epilogue=finished)
    for taps in (5, 27, 31):
        yield Call("float32", _separable(taps), method="separable", epilogue=finished)
    for dtype, taps in (("uint8", 5), ("float32", 5), ("float32", 11), ("float64", 3)):
        yield Call(dtype, _dense(taps, taps), method="dense", masked=True)
    yield Call("float32", _dense(5, 5), method="dense", nan="ignore")
    yield Call("float32", _dense(5, 5), stride=2, method="dense", masked=True)
    for terms in (1, 2):
        yield Call("float32", _separable(15, terms), method="separable", masked=True, nan="ignore")
    sobel = kernels.sobel_x(), kernels.sobel_y()
    for dtype in ("uint8", "float32"):
        yield Filters(tuple(Call(dtype, kernel) for kernel in sobel), "magnitude")
    yield Filters(tuple(Call("float32", kernel) for kernel in sobel), "direction")
    yield from (Edges("float32"), Edges("float64"))
    for taps, dtype in ((3, "float32"), (7, "float32"), (7, "float64"), (15, "uint8")):
        yield Filters((Call(dtype, _dense(taps, taps), method="dense"),) * 3, None)


def _every_iteration() -> Iterator[lucy.Iteration]:
    for dtype in ("float32", "float64"):
        yield lucy.Iteration(dtype)


#: What is compiled for a set.
_Wanted = Call | Edges | Filters | Neighbours | lucy.Iteration

#: Names of the sets.
SETS: dict[str, tuple[str, Callable[[], Iterator[_Wanted]]]] = {
    "blur": ("Gaussians of σ 1, 2 and 5, and the 3×3 mean", _blur),
    "edges": ("Sobel, Laplacian and outline", _edges),
    "sharpen": ("sharpen, unsharp and emboss", _sharpen),
    "denoise": ("medians of 3×3 and 5×5, the bilateral filter, non-local means", denoise),
    "all": ("the other sets, and every form of every kernel for every dtype", lambda: _all()),
}


def _all() -> Iterator[_Wanted]:
    for part in (
        _blur,
        _edges,
        _sharpen,
        denoise,
        _every_dtype,
        _every_form,
        _every_box,
        _every_recursion,
        _every_order,
        _every_layout,
        _every_end,
        every_neighbourhood,
        _every_iteration,
    ):
        yield from part()


@cache
def programs(name: str, limits: Limits = LIMITS) -> tuple[Program, ...]:
    """Return the programs of a set, each once.

    Raises
    ------
    ArgumentError
        There is no such set.

    Examples
    --------
    >>> len(programs("blur")) < len(programs("all"))
    True
    """
    _, calls = SETS[choose("set", name, SETS, "a set of programs")]
    found = (program for call in calls() for program in call.programs(limits))
    return tuple(dict.fromkeys(found))
