"""The iteration of Richardson and Lucy, between an image and the array for its result.

Two plans are made before it begins, and run in each iteration, so the spectrum of the PSF is
computed once; what is done between them, pixel by pixel, has a pass of its own on each engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from gpuconv.arguments import Options, Size
from gpuconv.backends import host
from gpuconv.epilogue import Epilogue
from gpuconv.kernel import Kernel
from gpuconv.operations.frame import Frame
from gpuconv.plan import Plan, make_plan

__all__ = ["Blur", "Callback", "Wanted", "iterated"]

#: Called after each iteration, with its number, from 1 on, and the estimate.
Callback = Callable[[int, Any], object]

#: The estimate that is begun with, as in scikit-image. It makes no difference: the first iteration
#: divides by it what it multiplies with it.
_START = 0.5

#: A pixel outside the frame of which the PSF shows no more than this part, or than this part of
#: what it shows of the best seen one, is left dark: there is next to nothing to estimate it from.
#: The threshold of Bertero and Boccacci.
_SEEN = 1e-2


@dataclass(frozen=True)
class Wanted:
    """How to iterate, and what to do with each estimate, and with the last."""

    iterations: int
    #: Where the blurred estimate is not above this, there is no quotient.
    least: float
    callback: Callback | None
    limits: Epilogue


@dataclass(frozen=True)
class Blur:
    """A blur and its adjoint, as plans."""

    there: Plan
    back: Plan
    #: (y, x) of the frame in the estimate.
    corner: tuple[int, int]
    #: The adjoint for one plane, where the estimate goes beyond the frame and is seen in part.
    seen: Plan | None

    @classmethod
    def of(cls, frame: Frame, psf: Kernel, border: tuple[str, str] | None, cval: float) -> Blur:
        """Return the blur of a picture within `border`, or within surroundings to be estimated."""
        part = psf / float(psf.weights.sum())
        if border is not None:
            there = _plan(frame, psf, True, "same", frame.shape, border, cval)
            back = _plan(frame, part, False, "same", frame.shape, border, 0.0)
            return cls(there, back, (0, 0), None)
        more = psf.shape[0] - 1, psf.shape[1] - 1
        corner = more[0] - psf.anchor[0], more[1] - psf.anchor[1]
        *batch, rows, columns = frame.shape
        whole = *batch, rows + more[0], columns + more[1]
        dark = "constant", "constant"
        there = _plan(frame, psf, True, "valid", whole, dark, 0.0)
        back = _plan(frame, part, False, "full", frame.shape, dark, 0.0)
        seen = _plan(frame, part, False, "full", (rows, columns), dark, 0.0)
        return cls(there, back, corner, seen)


def _plan(
    frame: Frame,
    kernel: Kernel,
    flip: bool,
    size: Size,
    shape: tuple[int, ...],
    border: tuple[str, str],
    cval: float,
) -> Plan:
    given = flip, border, cval, size, 1, 1, "auto", "exact", "propagate", None
    options = Options.of(*given)  # type: ignore[arg-type]
    request = options.request(shape, frame.summed, kernel, cval, frame.summed)
    return make_plan(request, frame.engine.machine())


@dataclass(frozen=True, eq=False)
class _Arrays:
    """What the iteration works on, all contiguous, in the memory of one engine."""

    home: ModuleType
    #: The picture as it was taken, and what the estimate would look like, or their quotient.
    observed: Any
    blurred: Any
    #: The estimate, what quotients say about it, and what each of its pixels divides that by.
    estimate: Any
    votes: Any
    shares: Any

    @classmethod
    def of(cls, frame: Frame, engine: ModuleType, blur: Blur) -> _Arrays:
        """Return new arrays.

        Raises
        ------
        MemoryError
            There is no room for them.
        """
        home, dtype = frame.engine, frame.summed
        image, whole = frame.shape, blur.back.shape
        observed, blurred, estimate, votes = (
            home.empty(shape, dtype) for shape in (image, image, whole, whole)
        )
        shares = None
        if blur.seen:
            blurred[...] = 1
            shares, ones = home.empty(whole[-2:], dtype), estimate.reshape(-1, *whole[-2:])[0]
            ones[...] = 1
            engine.run(blur.seen, blurred.reshape(-1, *image[-2:])[0], shares)
            home.compare(ones, shares, _SEEN * min(float(shares.max()), 1.0))
        return cls(home, observed, blurred, estimate, votes, shares)

    def fill(self, frame: Frame, blur: Blur, initial: Any) -> None:
        """Load the picture, and the estimate to begin with."""
        rows, columns = frame.shape[-2:]
        border = "nearest", "nearest"
        light = Epilogue(low=0)
        frame.load(frame.pixels, self.observed, (0, rows), (0, columns), border, 0.0, light)
        if initial is None:
            self.estimate[...] = _START
            return
        (top, left), (high, wide) = blur.corner, self.estimate.shape[-2:]
        frame.load(initial, self.estimate, (-top, high), (-left, wide), border, 0.0, light)


def _is_true(answer: object) -> bool:
    """Return whether a callback said True: NumPy's is another than Python's."""
    return isinstance(answer, (bool, np.bool_)) and bool(answer)


def iterated(frame: Frame, blur: Blur, initial: Any, wanted: Wanted) -> None:
    """Write the last estimate to the target of a frame."""
    try:
        _iterate(frame, frame.engine, blur, initial, wanted)
    except MemoryError:
        if frame.engine is host:
            raise
    else:
        return
    # The engine takes arrays in host memory, too, in as many parts as it has to.
    near = frame.in_host_memory()
    start = None if initial is None else frame.home.asnumpy(initial)
    _iterate(near, frame.engine, blur, start, wanted)
    if near.target is not frame.target:
        frame.target[...] = frame.home.asarray(near.target)


def _iterate(frame: Frame, engine: ModuleType, blur: Blur, initial: Any, wanted: Wanted) -> None:
    arrays = _Arrays.of(frame, engine, blur)
    arrays.fill(frame, blur, initial)
    (top, left), (rows, columns) = blur.corner, frame.shape[-2:]
    inner = arrays.estimate[..., top : top + rows, left : left + columns]
    shown = inner if frame.channel is None else np.moveaxis(inner, 0, frame.channel)
    for number in range(1, wanted.iterations + 1):
        engine.run(blur.there, arrays.estimate, arrays.blurred)
        arrays.home.compare(arrays.observed, arrays.blurred, wanted.least)
        engine.run(blur.back, arrays.blurred, arrays.votes)
        arrays.home.correct(arrays.estimate, arrays.votes, arrays.shares)
        if wanted.callback is not None and _is_true(wanted.callback(number, shown)):
            break
    frame.store(inner, frame.target, wanted.limits)
