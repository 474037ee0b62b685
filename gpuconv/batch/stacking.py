"""Images of equal size that wait for a GPU go there as one stack.

Each launch and each copy has a fixed cost, some 10 µs, which is more than a small image takes to be
filtered: one launch for all of them pays it once. Nobody waits for a stack to become full. While
the device is at work images queue up, and when it is free it takes those that are alike.

On the CPU there is little to gain: ``python benchmarks/batch/stacks.py`` finds a stack of eight
0.06 ms an image quicker at 64² (Gaussian, of the 2.5 ms that the whole file takes), and up to a
third slower from 256² on, where copies of one's own no longer stay in cache. Nor has a stack always
the same bits there: a matrix product of more rows may be summed in another order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends import choices
from gpuconv.errors import GpuconvError
from gpuconv.filters import Chain
from gpuconv.task import Task

__all__ = ["Stacker", "may_use_gpu", "on_gpu", "stackable"]

Pixels: TypeAlias = NDArray[Any]

#: Bytes of a stack. At 25 GB/s (PCIe 4.0 × 16) 32 MiB take over a millisecond to copy, a hundred
#: times what a launch costs: there is nothing left to win.
_MOST_BYTES = 2**25


@dataclass(eq=False)
class _Waiting:
    """Pixels of one frame on their way."""

    pixels: Pixels
    result: Pixels | None = None
    error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.result is not None or self.error is not None

    @property
    def key(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        return self.pixels.shape, self.pixels.dtype


class Stacker:
    """A chain on one or more devices, called from many threads, that filters alike images together.

    Results have the bits of ``chain(pixels)``.

    Parameters
    ----------
    chain
        What is done.
    devices
        Where: names as of ``device=``; the chain's own if there is none.
    away
        Entered while a device does the work, so that the processor is another thread's.

    Examples
    --------
    >>> chain = Chain.parse(["box:size=3"])
    >>> Stacker(chain)(np.full((4, 4), 7, np.uint8)).max()
    np.uint8(7)
    """

    def __init__(
        self,
        chain: Chain,
        devices: Sequence[str] = (),
        away: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._chains = [replace(chain, device=name) for name in devices] or [chain]
        self._free = list(self._chains)
        self._away = away
        self._line: list[_Waiting] = []
        self._turn = threading.Condition()

    def __call__(self, pixels: Pixels) -> Pixels:
        """Return `pixels`, (H, W) or (H, W, C), filtered."""
        first = self._chains[0]
        if len(self._chains) == 1 and not on_gpu(first, pixels.shape, pixels.dtype):
            return first(pixels)
        frame = _Waiting(pixels)
        with self._away():
            self._serve(frame)
        if frame.error is not None:
            raise frame.error
        assert frame.result is not None
        return frame.result

    def where_all(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which pixels of a result are made of true pixels of a mask (H, W) alone."""
        return self._chains[0].where_all(mask)

    def _serve(self, frame: _Waiting) -> None:
        """Wait until another thread has filtered a frame, or a device is free to do it."""
        with self._turn:
            self._line.append(frame)
            self._turn.wait_for(lambda: frame.done or (self._free and frame in self._line))
            if frame.done:
                return
            chain = self._free.pop()
            group = self._alike(frame, chain)
        try:
            _filter(chain, group)
        finally:
            with self._turn:
                self._free.append(chain)
                self._turn.notify_all()

    def _alike(self, frame: _Waiting, chain: Chain) -> list[_Waiting]:
        """Take a frame from the line, and those that can go with it."""
        most = max(1, _MOST_BYTES // max(1, frame.pixels.nbytes))
        group = [frame]
        if most > 1 and stackable(chain, *frame.key):
            others = (one for one in self._line if one is not frame and one.key == frame.key)
            group += [one for one, _ in zip(others, range(most - 1), strict=False)]
        self._line = [one for one in self._line if one not in group]
        return group


def _filter(chain: Chain, group: list[_Waiting]) -> None:
    """Filter frames as a stack; one by one where that fails, so an error is the right one's."""
    if len(group) > 1:
        try:
            stack = chain(np.stack([one.pixels for one in group]), stacked=True)
        except (GpuconvError, MemoryError):
            stack = None
        if stack is not None:
            for one, result in zip(group, stack, strict=True):
                one.result = result
            return
    for one in group:
        try:
            one.result = chain(one.pixels)
        except Exception as error:
            one.error = error


def may_use_gpu(transform: object) -> bool:
    """Return whether a GPU may be what does the work of `transform`.

    Examples
    --------
    >>> may_use_gpu(Chain.parse(["box"], device="cuda")), may_use_gpu(Chain.parse(["box"]))
    (True, False)
    """
    if not isinstance(transform, Chain) or transform.device in (None, "cpu"):
        return False
    return transform.device != "auto" or len(choices(None, "auto")) > 1


@lru_cache(maxsize=256)
def on_gpu(chain: Chain, shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    """Return whether a GPU filters images of that shape: it was asked for, or is done sooner."""
    if chain.device != "auto" or not may_use_gpu(chain):
        return may_use_gpu(chain)
    plans = _plans(chain, shape, dtype)
    return plans is not None and all(plan.machine.kind != "host" for plan in plans)


@lru_cache(maxsize=256)
def stackable(chain: Chain, shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    """Return whether a stack of images has the bits that each of them has alone.

    It has on a GPU, where every filter looks at the neighbourhood of a pixel alone, by the same
    algorithm for one image and for two. Of transforms nothing of the kind is promised by cuFFT,
    which may choose another one for several planes; and sums that run on from pixel to pixel begin
    at others where more planes keep the device busy.

    Examples
    --------
    >>> stackable(Chain.parse(["wiener:psf=box"]), (64, 64), np.dtype("uint8"))
    False
    """
    one = _plans(chain, shape, dtype)
    two = _plans(chain, (2, *shape), dtype, stacked=True)
    if one is None or two is None:
        return False
    alike = all(_way(a) == _way(b) for a, b in zip(one, two, strict=True))
    return alike and not any(
        plan.machine.kind == "host" or plan.algorithm in ("fft", "box", "recursive") for plan in one
    )


def _way(plan: Task) -> tuple[object, ...]:
    return plan.machine.kind, plan.algorithm, plan.accumulator, plan.tile


def _plans(
    chain: Chain, shape: tuple[int, ...], dtype: np.dtype[Any], *, stacked: bool = False
) -> list[Task] | None:
    """Return the plans of all filters of a chain; None if one has none, or is not local."""
    steps = chain.steps(dtype)
    if not all(step.local for step in steps):
        return None
    return [plan for step in steps for plan in step.plans(shape, stacked=stacked)]
