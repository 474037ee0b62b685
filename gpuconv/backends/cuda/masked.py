"""Launch geometry of kernels_cuda/masked.cu: filters of pixels that have weights of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite, isnan, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import masks
from gpuconv.backends.cuda.dense import SHARED, THREADS_X, WIDTH, shape_of, threads
from gpuconv.backends.cuda.launch import Launch, Layout, Scratch
from gpuconv.backends.cuda.parameters import Constants, ctype, program
from gpuconv.backends.cuda.problem import Problem, Steps
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.separable import march, ring, two_pass
from gpuconv.backends.cuda.source import Program
from gpuconv.kernel import Kernel
from gpuconv.plan import Plan
from gpuconv.weights import Term

__all__ = ["masked"]

Array = NDArray[Any]
Made = tuple[list[Launch], dict[str, Scratch]]

#: Taps up to which a separable kernel is run as a dense one. Its steps move 41 bytes a float32
#: pixel where one pass moves 9: on an H200 the time of 250 instructions, and a tap takes two.
_MOST_TAPS = 128

#: Output rows of a thread, which has two sums for each.
_TALL = 4

#: Threads of a block of kernels_cuda/weigh.cu and normalise.cu, which take an element each.
_THREADS = (32, 8, 1)


def masked(problem: Problem, plan: Plan, limits: Limits, largest: float, guard: bool) -> Made:
    """Return launches that filter pixels by their weights, of which none is above `largest`.

    Large separable kernels take several steps, all others one pass.
    """
    terms = plan.terms or plan.kernel.terms
    call = _Call(problem, plan, limits, largest, guard)
    if not terms or problem.x.taps * problem.y.taps <= _MOST_TAPS:
        return call.at_once()
    # Infinities under terms of both signs would make NaN, also where the plan knows of no terms.
    several = len(terms) > 1 and _may_be_infinite(problem)
    return replace(call, guard=guard or several).in_steps(terms)


def _may_be_infinite(problem: Problem) -> bool:
    filled = "constant" in problem.border and not isfinite(problem.cval)
    return problem.dtype.kind == "f" or filled


@dataclass(frozen=True)
class _Call:
    """What the launches of a call have in common."""

    problem: Problem
    plan: Plan
    limits: Limits
    largest: float
    guard: bool

    def at_once(self) -> Made:
        """Return the launch that takes both sums from two tiles."""
        problem, kernel = self.problem, self.plan.kernel
        shape = shape_of(problem, self.limits, room=SHARED // 2, most=_TALL)
        decided = dict(shape.macros)
        fixed, tall = decided["ROWS"] > 0, decided["Y"]
        constants = Constants(problem, kernel.numerators, fixed, variant="masked")
        launch = Launch(
            self._program("masked", constants, [*shape.macros, ("STORE", problem.store(4))]),
            problem.blocks(WIDTH, threads(tall) * tall, self.limits.grid),
            (THREADS_X, threads(tall), 1),
            2 * shape.shared,
            ("image", self._mask, "out", *constants.operands),
            self._parameters(constants, **shape.fields),
        )
        return [*constants.launches(), launch], constants.scratch

    def in_steps(self, terms: tuple[Term, ...]) -> Made:
        """Return launches that lay down m · x and m, filter both, and divide."""
        problem = self.problem
        whole = (*problem.planes, problem.y.n, problem.x.n)
        strides = Layout.contiguous(whole).strides
        laid = Steps(strides[:-2], strides[-2], 1)
        summing, outputs = replace(problem, mask=None).contiguous(problem.sum)
        summing = replace(summing, image=laid, dtype=problem.sum)
        no_fill = self.plan.ignore_nan and isnan(problem.cval)
        scratch = {name: Scratch(whole, problem.sum) for name in ("products", "shares")}
        launches = [self._weigh()]
        for name, fill in (("products", problem.cval), ("shares", 1.0)):
            each = replace(summing, cval=0.0 if no_fill else fill)
            made, more = _renamed(_filtered(each, terms, self.limits), name)
            launches += made
            scratch |= more | {f"{name} summed": Scratch(outputs, problem.sum)}
        made, more = self._normalise()
        return [*launches, *made], scratch | more

    def _weigh(self) -> Launch:
        problem = self.problem
        constants = Constants(problem, np.ones(1), fixed=False, variant="masked")
        x, y = -(-problem.x.n // _THREADS[0]), -(-problem.y.n // _THREADS[1])
        grid = self.limits.grid
        return Launch(
            self._program("weigh", constants, [("VECTOR", min(problem.vector, 1)), ("STORE", 1)]),
            (x, min(y, grid), min(prod(problem.planes), grid)),
            _THREADS,
            0,
            ("image", self._mask, "products", "shares"),
            self._parameters(constants),
        )

    def _normalise(self) -> Made:
        problem = self.problem
        weights = self.plan.kernel.numerators if self.guard else np.ones(1)
        constants = Constants(problem, weights, fixed=False, label="all ", variant="masked")
        macros = [("VECTOR", min(problem.vector, 1)), ("STORE", problem.store(1))]
        launch = Launch(
            self._program("normalise", constants, macros),
            problem.blocks(*_THREADS[:2], self.limits.grid),
            _THREADS,
            0,
            ("image", self._mask, "out", "products summed", "shares summed", *constants.operands),
            self._parameters(constants),
        )
        return [*constants.launches(), launch], constants.scratch

    @property
    def _mask(self) -> str | None:
        return "mask" if self.problem.mask else None

    def _program(self, entry: str, constants: Constants, macros: list[tuple[str, int]]) -> Program:
        problem = self.problem
        more = [
            ("GUARD", int(self.guard)),
            ("UNWEIGHTED", int(problem.mask is None)),
            ("IGNORE_NAN", int(self.plan.ignore_nan)),
        ]
        divisor = self.plan.kernel.divisor
        made = program(entry, entry, problem, [*macros, *more], constants, divisor)
        mask = ctype(problem.mask_dtype or np.dtype(np.uint8))
        return replace(made, macros=(*made.macros, ("MASK", mask)))

    def _parameters(self, constants: Constants, **fields: int) -> Array:
        kernel = self.plan.kernel
        largest = max(self.largest, float("constant" in self.problem.border))
        least = masks.least(kernel.total, largest, self.problem.sum)
        gain = masks.gain(kernel)
        return constants.parameters(kernel.divisor, gain=gain, least=least, **fields)


def _filtered(problem: Problem, terms: tuple[Term, ...], limits: Limits) -> Made:
    """Return what takes sums as if there were no weights. Those not finite are seen to later."""
    kernel = Kernel.sum_of(terms)
    for fused in (march, ring):
        made = fused(problem, terms, kernel, limits, False)
        if not isinstance(made, str):
            return made
    return two_pass(problem, terms, kernel, limits, False)


def _renamed(made: Made, name: str) -> Made:
    """Return launches that read the array `name`, and have scratch arrays of their own."""
    launches, scratch = made
    names = {"image": name, "out": f"{name} summed"} | {each: f"{name} {each}" for each in scratch}
    renamed = [
        replace(each, operands=tuple(names[o] if o else None for o in each.operands))
        for each in launches
    ]
    return renamed, {names[each]: size for each, size in scratch.items()}
