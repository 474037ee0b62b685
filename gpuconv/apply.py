"""A neighbourhood filter on its way from the caller's arguments to an engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import isfinite
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gpuconv import backends, dtypes
from gpuconv import border as borders
from gpuconv.arguments import Border
from gpuconv.arrays import (
    Array,
    channel_index,
    check_out,
    check_pixels,
    check_planned,
    check_size,
    named_axis,
    real_dtype,
)
from gpuconv.backends import repeated
from gpuconv.backends.travel import soonest, told
from gpuconv.bounded import Bounded
from gpuconv.cost import Machine
from gpuconv.errors import ArgumentError, ArgumentTypeError, choose
from gpuconv.neighbourhood import Neighbourhood, NeighbourhoodPlan, Request, make_plan
from gpuconv.neighbourhood.algorithms import ALGORITHMS
from gpuconv.window import Window, held

__all__ = ["Choices", "applied", "plan_of"]

_TRUTH = np.dtype(bool)

#: Calls that are remembered.
_READY: Bounded[_Ready] = Bounded(most=1024)


@dataclass(frozen=True)
class Choices:
    """The options that all neighbourhood filters share, checked. Hashable."""

    border: tuple[str, str]
    cval: float
    method: str

    @classmethod
    def of(cls, neighbourhood: Neighbourhood, border: Border, cval: float, method: str) -> Choices:
        """Return the options of a call, as the caller gave them: the same for the same ones."""
        try:
            return _known_choices(neighbourhood.family, border, cval, method)
        except TypeError:  # a list among them; or what is wrong with one is said now
            return cls._of(neighbourhood.family, border, cval, method)

    @classmethod
    def _of(cls, family: str, border: Border, cval: float, method: str) -> Choices:
        if not isinstance(cval, (int, float, np.number)) or isinstance(cval, np.complexfloating):
            raise ArgumentTypeError(f"cval={cval!r} must be a real number")
        methods = ("auto", *ALGORITHMS[family])
        return cls(
            borders.pair(border, cval), _number(cval), choose("method", method, methods, "a method")
        )

    def request(
        self,
        neighbourhood: Neighbourhood,
        shape: tuple[int, ...],
        channels: int | None,
        dtype: np.dtype[Any],
        out_dtype: np.dtype[Any],
    ) -> Request:
        """Return the request for images of planes `shape`, (…, H, W) without joint channels."""
        filled = "constant" in self.border
        if filled and not _holds(dtype, self.cval):
            raise ArgumentError(
                f"cval={self.cval!r} is no pixel of dtype {dtype}; the border is made of such"
            )
        return Request(
            neighbourhood,
            shape[:-2],
            channels,
            shape[-2],
            shape[-1],
            self.border,
            self.cval if filled else 0.0,
            dtype,
            out_dtype,
            neighbourhood.computed_in(dtype, out_dtype),
            self.method,
        )


@lru_cache(maxsize=256, typed=True)  # True is no number, though it equals 1
def _known_choices(family: str, border: Border, cval: float, method: str) -> Choices:
    return Choices._of(family, border, cval, method)


def _number(cval: Any) -> float:
    """Return a number as Python's; an integer that a float would round stays what it is."""
    large = isinstance(cval, (int, np.integer)) and abs(int(cval)) > 2**53
    return int(cval) if large else float(cval)


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    """Return whether a pixel can have a value, but for rounding of floats."""
    if dtype.kind == "f":
        return True
    limits = np.iinfo(dtype)
    return isfinite(value) and value == int(value) and limits.min <= int(value) <= limits.max


@dataclass(frozen=True)
class _Ready:
    """What a call needs to know, beside the arrays."""

    plan: NeighbourhoodPlan
    #: Index of the channel axis, and where it is moved to.
    channel: int | None
    moved: int

    def view(self, array: Any) -> Any:
        """Return an array with its channel axis where the plan has it."""
        return array if self.channel is None else np.moveaxis(array, self.channel, self.moved)

    def part(self, window: Window) -> _Ready:
        """Return what a call needs to know that makes a part of the result from a window."""
        batch = self.view(window.pixels).shape[: len(self.plan.batch)]
        return replace(self, plan=self.plan.part(window, batch))


def applied(
    image: ArrayLike,
    neighbourhood: Neighbourhood,
    choices: Choices,
    channel_axis: int | None,
    dtype: DTypeLike | None,
    out: Array | None,
    device: str | None,
) -> Array:
    """Return the image filtered, on the engine that `device` or the image decides."""
    key = repeated.key_of(image, channel_axis, dtype, out, device)
    if key is not None:
        key = *key, neighbourhood, choices
        known = repeated.known(_READY, key)
        if known is not None:
            return _carried_out(known, key[0], image, out)  # type: ignore[arg-type]
    if neighbourhood.selects and getattr(image, "dtype", None) == _TRUTH:
        return _of_truth(image, neighbourhood, choices, channel_axis, dtype, out, device)
    here = held(image)
    engines, home = backends.choices(here, device), backends.owner(here)
    pixels = check_pixels(here, home)
    window = replace(image, pixels=pixels) if isinstance(image, Window) else None
    channel_axis = named_axis(image, channel_axis)
    stored = real_dtype(pixels.dtype, dtype, out, "this filter")
    whole = pixels.shape if window is None else window.shape
    call = whole, _native(pixels.dtype), neighbourhood, choices, channel_axis, stored
    engine, ready = soonest(engines, lambda one: _prepared(one.machine(), *call))
    ready = ready if window is None else ready.part(window)
    shape = tuple(pixels.shape if window is None else window.own.shape)
    with engine.place(here, device):
        result = home.empty(shape, stored) if out is None else out
        target = check_out(result, shape, home)
        if out is not None and home.overlap(target, pixels):
            pixels = pixels.copy()
        engine.run(ready.plan, ready.view(pixels), ready.view(target))
    if key is not None:
        repeated.remember(_READY, key, ready, ready.plan.prediction.seconds, bytes=1)
    return result


def _carried_out(ready: _Ready, engine: ModuleType, image: Array, out: Array | None) -> Array:
    """Return the image filtered, for a call that has been carried out before."""
    joint = ready.channel is not None and ready.moved != 0
    with engine.place(image, None):
        result = engine.empty(image.shape, ready.plan.out_dtype) if out is None else out
        fits = result.shape == image.shape and not joint
        if fits and engine.again(ready.plan, image, result, ready.channel):
            return result
        image = engine.asarray(image)  # a copy of one that is not aligned
        target = check_out(result, tuple(image.shape), engine)
        if out is not None and engine.overlap(target, image):
            image = image.copy()
        engine.run(ready.plan, ready.view(image), ready.view(target))
    return result


def _of_truth(
    image: Any,
    neighbourhood: Neighbourhood,
    choices: Choices,
    channel_axis: int | None,
    dtype: DTypeLike | None,
    out: Any,
    device: str | None,
) -> Array:
    """Return truth values filtered, as the bytes of 0 and 1 that they are."""
    given = [np.dtype(d) for d in (dtype, getattr(out, "dtype", None)) if d is not None]
    if any(each != _TRUTH for each in given):
        raise ArgumentTypeError(
            f"the output has dtype {given[0]}; of an image of bool it must be bool"
        )
    if "constant" in choices.border and choices.cval not in (0, 1):
        raise ArgumentError(
            f"cval={choices.cval!r} is no pixel of dtype bool; the border is made of such"
        )
    room = out.view(np.uint8) if hasattr(out, "view") else out
    pixels: Any = held(image).view(np.uint8)
    pixels = replace(image, pixels=pixels) if isinstance(image, Window) else pixels
    found = applied(pixels, neighbourhood, choices, channel_axis, None, room, device)
    return out if out is not None else found.view(bool)


def _native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype.newbyteorder("=")


@lru_cache(maxsize=256, typed=True)  # 1.0 is no axis, though it equals 1
def _prepared(
    machine: Machine,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    neighbourhood: Neighbourhood,
    choices: Choices,
    channel_axis: int | None,
    stored: np.dtype[Any],
) -> _Ready:
    channel = channel_index(len(shape), channel_axis)
    joint = neighbourhood.joint and channel is not None
    planes = [n for axis, n in enumerate(shape) if axis != channel]
    if channel is not None and not joint:
        planes.insert(0, shape[channel])
    channels = shape[channel] if joint and channel is not None else None
    request = choices.request(neighbourhood, tuple(planes), channels, dtype, stored)
    return _Ready(make_plan(request, machine), channel, -3 if joint else 0)


@dataclass(frozen=True)
class _Again:
    """What a plan does when it is called: the call that it was made for."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    neighbourhood: Neighbourhood
    choices: Choices
    channel_axis: int | None
    stored: np.dtype[Any]
    device: str | None

    def __call__(self, image: Any, out: Any, mask: Any) -> Any:
        if mask is not None:
            raise ArgumentError("this plan has no mask")
        return applied(
            check_planned(image, self.shape, self.dtype),
            self.neighbourhood,
            self.choices,
            self.channel_axis,
            self.stored,
            out,
            self.device,
        )


def plan_of(
    shape: tuple[int, ...],
    dtype: DTypeLike,
    neighbourhood: Neighbourhood,
    choices: Choices,
    channel_axis: int | None,
    out_dtype: DTypeLike | None,
    device: str | None,
) -> NeighbourhoodPlan:
    """Return the plan of a call, which can be called itself."""
    given = dtypes.native(dtype, "dtype")
    stored = given if out_dtype is None else dtypes.native(out_dtype, "out_dtype")
    if "c" in (given.kind, stored.kind):
        raise ArgumentTypeError(f"dtype={given}: this filter is for real pixels")
    size = check_size(shape)
    call = size, given, neighbourhood, choices, channel_axis, stored
    engines = backends.choices(None, device)
    ready, words = told(engines, device, lambda one: _prepared(one.machine(), *call))
    again = _Again(size, given, neighbourhood, choices, channel_axis, stored, device)
    return replace(ready.plan, engine=words, runner=again)
