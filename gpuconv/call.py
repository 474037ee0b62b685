"""A call on its way from the caller's arguments to an engine.

What can be decided from shapes and dtypes alone is decided once and kept: a repeated call finds it
by a look into a dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gpuconv import backends, dtypes
from gpuconv.arguments import Options, check_image, output_dtype
from gpuconv.arrays import (
    Array,
    channel_index,
    channels_first,
    channels_restored,
    check_mask,
    check_out,
    check_planned,
    check_size,
    component,
    named_axis,
    unmasked,
)
from gpuconv.backends import repeated
from gpuconv.backends.travel import soonest, told
from gpuconv.bounded import Bounded
from gpuconv.errors import ArgumentError
from gpuconv.kernel import Kernel
from gpuconv.plan import Plan, kept_bytes, make_plan
from gpuconv.window import Window, held

__all__ = ["filtered", "plan_of"]


@dataclass(frozen=True)
class _Prepared:
    """What a call needs to know, beside the arrays."""

    plan: Plan
    #: Index of the channel axis.
    channel: int | None
    stored: np.dtype[Any]
    #: Shape of the result.
    shape: tuple[int, ...]

    def part(self, window: Window) -> _Prepared:
        """Return what a call needs to know that makes a part of the result from a window."""
        planes = channels_first(window.pixels.shape, self.channel)[:-2]
        plan = self.plan.part(window, planes)
        return replace(self, plan=plan, shape=channels_restored(plan.shape, self.channel))


_PREPARED: Bounded[_Prepared] = Bounded(most=32 * 2**20)


def filtered(
    image: ArrayLike,
    kernel: Kernel,
    options: Options,
    channel_axis: int | None,
    dtype: DTypeLike | None,
    out: Array | None,
    device: str | None,
    mask: ArrayLike | None,
) -> Array:
    """Return the image filtered, on the engine that `device` or the image decides."""
    key = None if mask is not None else repeated.key_of(image, channel_axis, dtype, out, device)
    if key is not None:
        key = *key, kernel, options
        known = repeated.known(_PREPARED, key)
        if known is not None:
            return _carried_out(known, key[0], image, out)  # type: ignore[arg-type]
    image, counts = unmasked(image)
    here = held(image)
    engines = backends.choices(here, device)
    home = backends.owner(here)
    pixels = check_image(here, home, options)
    window = replace(image, pixels=pixels) if isinstance(image, Window) else None
    channel_axis = named_axis(image, channel_axis)
    stored = output_dtype(pixels.dtype, kernel, dtype, out)
    masked = not (mask is None and counts is None)
    if stored.kind == "c" and (masked or options.ignore_nan or options.epilogue):
        raise ArgumentError("mask, nan='ignore' and epilogue are for real images and kernels")
    shape = pixels.shape if window is None else window.shape
    call = shape, pixels.dtype, kernel, options, channel_axis, stored, masked
    engine, ready = soonest(engines, lambda one: _prepared(one, *call))
    ready = ready if window is None else ready.part(window)
    with engine.place(here, device):
        view, target, result = _arrays(ready, home, pixels, out)
        if stored.kind == "c":
            planned = channels_first(shape, ready.channel), window
            _complex_passes(engine, home, options, view, kernel, target, *planned)
        elif masked:
            weights = _weights(mask, counts, pixels.shape, ready.channel, home)
            if out is not None and home.overlap(result, weights):
                weights = weights.copy()
            engine.run(ready.plan, view, target, weights)
        else:
            engine.run(ready.plan, view, target)
            if key is not None:
                seconds, size = ready.plan.prediction.seconds, kept_bytes(kernel)
                repeated.remember(_PREPARED, key, ready, seconds, size)
    return result if out is None else out


def _carried_out(ready: _Prepared, engine: ModuleType, image: Array, out: Array | None) -> Array:
    """Return the image filtered, for a call that has been carried out before."""
    fits = out is not None and out.shape == ready.shape
    if fits and engine.again(ready.plan, image, out, ready.channel):
        return out  # type: ignore[return-value]
    with engine.place(image, None):
        pixels = engine.asarray(image)  # a copy of one that is not aligned
        view, target, result = _arrays(ready, engine, pixels, out)
        engine.run(ready.plan, view, target)
    return result if out is None else out


def _arrays(
    ready: _Prepared, home: ModuleType, pixels: Array, out: Array | None
) -> tuple[Array, Array, Array]:
    """Return the image and the output, their channels first, and the output as it is returned."""
    if out is None:
        result = home.empty(ready.shape, ready.stored)
    else:
        result = check_out(out, ready.shape, home)
        if home.overlap(result, pixels):
            pixels = pixels.copy()
    if ready.channel is None:
        return pixels, result, result
    return np.moveaxis(pixels, ready.channel, 0), np.moveaxis(result, ready.channel, 0), result


def _weights(
    mask: ArrayLike | None,
    counts: Array | None,
    shape: tuple[int, ...],
    channel: int | None,
    home: ModuleType,
) -> Array:
    """Return the weights of the pixels: the caller's times the image's own."""
    given = [check_mask(m, shape, channel, home) for m in (mask, counts) if m is not None]
    return given[0] if len(given) == 1 else given[0] * given[1]


def _prepared(
    engine: ModuleType,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    kernel: Kernel,
    options: Options,
    channel_axis: int | None,
    stored: np.dtype[Any],
    masked: bool,
) -> _Prepared:
    machine, channel = engine.machine(), channel_index(len(shape), channel_axis)

    def prepare() -> _Prepared:
        planes = channels_first(shape, channel)
        real = kernel.real if kernel.complex else kernel
        request = options.request(
            planes, component(dtype), real, options.cval.real, component(stored), masked
        )
        plan = make_plan(request, machine)
        return _Prepared(plan, channel, stored, channels_restored(plan.shape, channel))

    key = (machine, shape, dtype, kernel, options, channel, stored, masked)
    return _PREPARED.get(key, prepare, bytes=kept_bytes(kernel))


def _complex_passes(
    engine: ModuleType,
    home: ModuleType,
    options: Options,
    image: Array,
    kernel: Kernel,
    out: Array,
    shape: tuple[int, ...],
    window: Window | None,
) -> None:
    """Filter by real passes: (a + bi)(c + di) = (ac − bd) + (ad + bc)i."""
    images = [image.real, image.imag] if image.dtype.kind == "c" else [image]
    kernels = [kernel.real, kernel.imag] if kernel.complex else [kernel]
    fills = options.cval.real, options.cval.imag
    out[...] = 0
    for i, pixels in enumerate(images):
        for k, weights in enumerate(kernels):
            request = options.request(
                shape, component(pixels.dtype), weights, fills[i], component(out.dtype)
            )
            planned = make_plan(request, engine.machine())
            planned = planned if window is None else planned.part(window, image.shape[:-2])
            part = home.empty(planned.shape, planned.out_dtype)
            engine.run(planned, pixels, part)
            target = out.imag if i + k == 1 else out.real
            target += -part if i + k == 2 else part


@dataclass(frozen=True)
class _Again:
    """What a plan does when it is called: the call that it was made for."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    kernel: Kernel
    options: Options
    channel_axis: int | None
    stored: np.dtype[Any]
    device: str | None
    masked: bool

    def __call__(self, image: Any, out: Any, mask: Any) -> Any:
        _, counts = unmasked(image)
        given = check_planned(image, self.shape, self.dtype)
        if (mask is None and counts is None) == self.masked:
            raise ArgumentError(
                "this plan is for a call with a mask" if self.masked else "this plan has no mask"
            )
        return filtered(
            given,
            self.kernel,
            self.options,
            self.channel_axis,
            self.stored,
            out,
            self.device,
            mask,
        )


def plan_of(
    shape: tuple[int, ...],
    dtype: DTypeLike,
    kernel: Kernel,
    options: Options,
    channel_axis: int | None,
    out_dtype: DTypeLike | None,
    device: str | None,
    masked: bool,
) -> Plan:
    """Return the plan of a call, which can be called itself."""
    given = dtypes.native(dtype, "dtype")
    if kernel.complex:
        raise ArgumentError("kernel is complex; plan its .real and its .imag")
    stored = given if out_dtype is None else dtypes.native(out_dtype, "out_dtype")
    size = check_size(shape)
    call = size, given, kernel, options, channel_axis, stored, masked
    engines = backends.choices(None, device)
    ready, words = told(engines, device, lambda one: _prepared(one, *call))
    again = _Again(size, given, kernel, options, channel_axis, stored, device, masked)
    return replace(ready.plan, engine=words, runner=again)
