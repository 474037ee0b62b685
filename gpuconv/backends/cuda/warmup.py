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
from gpuconv.backends.cuda import linear
from gpuconv.backends.cuda.launch import Layout
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.source import Program
from gpuconv.errors import choose
from gpuconv.kernel import Kernel

__all__ = ["LIMITS", "SETS", "Call", "programs"]

#: What programs are made for where no device is asked: an H200.
LIMITS = Limits(132, 227 * 1024)

#: A 4K frame: large enough to keep any device busy, and its rows are aligned.
_HEIGHT, _WIDTH = 2160, 3840

#: How pixels may lie in memory, each with what it is like; shapes are channels first.
_LAYOUTS: dict[str, Layout] = {
    "grey": Layout.contiguous((_HEIGHT, _WIDTH)),
    "colour": Layout((3, _HEIGHT, _WIDTH), (1, 3 * _WIDTH, 3)),
    # From an odd column on: nothing is aligned.
    "crop": Layout((_HEIGHT, _WIDTH - 1), (_WIDTH, 1), phase=1),
    "transposed": Layout((_HEIGHT, _WIDTH), (1, _HEIGHT)),
    # Too few tiles for a large device.
    "small": Layout.contiguous((256, 256)),
}

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

    def programs(self, limits: Limits) -> tuple[Program, ...]:
        """Return the programs that the call runs, on a device with these limits."""
        image = _LAYOUTS[self.layout]
        steps = (self.stride,) * 2, (self.dilation,) * 2
        options = arguments.Options(True, "reflect", 0, "same", *steps, self.method)
        dtype = np.dtype(self.dtype)
        plan = options.plan(image.shape, dtype, self.kernel, 0.0, dtype)
        out = image if plan.shape == image.shape else Layout.contiguous(plan.shape)
        work = linear.launches(plan, image, out, limits)
        return tuple(launch.program for launch in work.launches)


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


def _every_layout() -> Iterator[Call]:
    for layout, dtype in (("colour", "float32"), ("crop", "uint8"), ("transposed", "float32")):
        yield Call(dtype, _dense(3, 3), layout, method="dense")
        yield Call(dtype, _separable(9), layout, method="separable")
    yield Call("float32", _dense(3, 3), "small", method="dense")


#: Names of the sets.
SETS: dict[str, tuple[str, Callable[[], Iterator[Call]]]] = {
    "blur": ("Gaussians of σ 1, 2 and 5, and the 3×3 mean", _blur),
    "edges": ("Sobel, Laplacian and outline", _edges),
    "sharpen": ("sharpen, unsharp and emboss", _sharpen),
    "all": ("the other sets, and every form of every kernel for every dtype", lambda: _all()),
}


def _all() -> Iterator[Call]:
    for part in (_blur, _edges, _sharpen, _every_dtype, _every_form, _every_layout):
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
