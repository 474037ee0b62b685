"""What a call of a filter is to the checker, and images for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

import gpuconv
from gpuconv.backends.cuda import execution
from gpuconv.backends.cuda.runtime import Limits
from gpuconv.window import Window, gather, needs

__all__ = ["SMALL", "BankCall", "Call", "FilterCall", "PartCall", "noise", "view"]

#: The least that any GPU has, so that tiles are cut in pieces, and grids that are walked in steps.
SMALL = Limits(multiprocessors=2, shared=48 * 1024, grid=2)


@dataclass(frozen=True, eq=False)
class Call:
    """One call of `gpuconv.correlate`."""

    name: str
    image: Callable[[], Any]
    kernel: Callable[[], Any]
    options: dict[str, Any] = field(default_factory=dict)
    out: Callable[[], Any] | None = None
    limits: Limits = SMALL

    def on(self, device: str) -> Any:
        """Return the result of an engine."""
        options = dict(self.options)
        if self.out is not None:
            options["out"] = self.out()
        return gpuconv.correlate(self.image(), self.kernel(), device=device, **options)

    @cached_property
    def expected(self) -> Any:
        """Return the result of the NumPy engine."""
        return self.on("cpu")


@dataclass(frozen=True, eq=False)
class BankCall(Call):
    """One call of `gpuconv.filter_bank`, of the kernels that `kernel` makes."""

    def on(self, device: str) -> Any:
        """Return the result of an engine."""
        return gpuconv.filter_bank(
            self.image(), self.kernel(), flip=False, device=device, **self.options
        )


@dataclass(frozen=True, eq=False)
class FilterCall(Call):
    """One call of a filter of neighbourhoods: of the function that `kernel` returns."""

    def on(self, device: str) -> Any:
        """Return the result of an engine; that of the NumPy engine by whichever method."""
        options = dict(self.options)
        if device == "cpu":
            options.pop("method", None)
        if self.out is not None:
            options["out"] = self.out()
        return self.kernel()(self.image(), device=device, **options)


@dataclass(frozen=True, eq=False)
class PartCall(Call):
    """A call by transforms, as a whole and a tile of it alone: which of its bits are others.

    The image is of two channels.
    """

    #: Outputs of a tile, and points of its transform.
    tile: tuple[int, int] = (1, 1)
    transform: tuple[int, int] = (2, 2)
    #: Of the tile that is made alone.
    number: tuple[int, int] = (1, 1)

    def on(self, device: str) -> Any:
        """Return 1 where a bit is another, by an engine; none may be."""
        if device == "cpu":
            return np.zeros((2, *self.tile), np.uint8)
        image = self.image()
        options = self.options | {"channel_axis": 2}
        plan = gpuconv.plan(image.shape, image.dtype, self.kernel(), **options)
        plan = replace(plan, tile=self.tile, transform=self.transform)
        rows, columns = (
            (n * size, (n + 1) * size) for n, size in zip(self.number, self.tile, strict=True)
        )
        high, wide = (
            needs((axis,), mode, *run)
            for axis, mode, run in zip((plan.y, plan.x), plan.border, (rows, columns), strict=True)
        )
        pixels = gather(high, wide, lambda y, x: image[slice(*y), slice(*x)]).copy()
        window = Window(pixels, image.shape, rows, columns, (high.origin, wide.origin))
        part = plan.part(window)
        whole, alone = (np.empty(each.shape, each.out_dtype) for each in (plan, part))
        execution.run(plan, np.moveaxis(image, 2, 0), whole)
        execution.run(part, np.moveaxis(pixels, 2, 0), alone)
        return (whole[:, slice(*rows), slice(*columns)] != alone).astype(np.uint8)


def noise(*shape: int, dtype: str = "float32", nan: bool = False) -> Callable[[], Any]:
    """Return what makes an image of random pixels."""

    def make() -> Any:
        rng = np.random.default_rng(1)
        if np.dtype(dtype).kind in "iu":
            return rng.integers(0, 127, shape).astype(dtype)
        image = rng.standard_normal(shape).astype(dtype)
        if nan:
            image.flat[:: image.size // 7] = np.nan
            image.flat[3 :: image.size // 5] = np.inf
            image[..., 2, -1] = np.nan  # so that sums beyond the last column are not finite either
        return image

    return make


def view(make: Callable[[], Any], seen: Callable[[Any], Any]) -> Callable[[], Any]:
    """Return what makes a view of an image."""
    return lambda: seen(make())
