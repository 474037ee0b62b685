"""Several filters over one image, which is read once for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from gpuconv import dtypes
from gpuconv.bounded import Bounded
from gpuconv.epilogue import Epilogue
from gpuconv.plan import Plan
from gpuconv.window import PARTS, Window

__all__ = ["REDUCTIONS", "Bank"]

#: How the responses of all filters become one: the root of the sum of their squares, the largest,
#: their sum, or of two filters the angle of the vector whose x and y they are.
REDUCTIONS = ("magnitude", "max", "sum", "direction")


@dataclass(frozen=True)
class Bank:
    """Filters that run together. Their plans are for one image, border and output size."""

    plans: tuple[Plan, ...]
    #: One of :data:`REDUCTIONS`, or None: every response is returned.
    reduce: str | None
    #: Done to each response, or to what they are reduced to, before it is stored.
    epilogue: Epilogue
    out_dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output: (F, …, H, W), or (…, H, W) where responses are reduced."""
        shape = self.plans[0].shape
        return shape if self.reduce else (len(self.plans), *shape)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of the image, (…, H, W)."""
        return self.plans[0].image_shape

    def part(self, window: Window, batch: tuple[int, ...]) -> Bank:
        """Return the bank that makes a part of the output from planes of a window of the image."""
        plans = tuple(plan.part(window, batch) for plan in self.plans)
        return self._parts.get(plans, lambda: replace(self, plans=plans), bytes=1)

    @cached_property
    def _parts(self) -> Bounded[Bank]:
        return Bounded(most=PARTS)

    @property
    def outputs(self) -> int:
        """Pixels of the output."""
        return prod(self.shape)

    @property
    def seconds(self) -> float:
        """Seconds that it is expected to take."""
        return sum(plan.prediction.seconds for plan in self.plans)

    @cached_property
    def accumulator(self) -> np.dtype[Any]:
        """The dtype in which responses are reduced, exactly where they are integers."""
        kernels = [plan.kernel for plan in self.plans]
        total = sum(kernel.total / abs(kernel.divisor) for kernel in kernels)
        whole = all(kernel.integer and kernel.divisor == 1 for kernel in kernels)
        wide = dtypes.accumulator(self.plans[0].dtype, self.out_dtype, total, whole)
        # The square of a magnitude that 8 bits hold is exact in float32, that of larger ones not.
        long = self.out_dtype.kind in "iu" and self.out_dtype.itemsize > 1
        if self.reduce == "magnitude" and long:
            wide = np.dtype(np.float64)
        return max(wide, *(plan.accumulator for plan in self.plans), key=lambda d: d.itemsize)
