"""The rates of a GPU: bandwidth, arithmetic, launches, and copies to it and from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gpuconv.api import convolve
from gpuconv.backends.cuda import runtime
from gpuconv.backends.cuda.protocol import Runtime
from gpuconv.cost.profile import Profile
from gpuconv.kernel import Kernel
from gpuconv.tune.timing import Progress, wall

__all__ = ["measure_gpu"]

#: What is filtered, 64 MB of float32: more than second-level caches hold.
_SIDE = 4096
#: A call on which a GPU is done before the next is made.
_SMALL = 64
#: Taps along an axis of the kernel by which the instruction rate is found; run-time dense kernels
#: take 1.56 instructions for each of its weights (gpuconv/cost/cuda.py).
_TAPS = 15
#: Calls that wait for each other only once, so that this does not count.
_CALLS = 8


def measure_gpu(name: str, progress: Progress, side: int = _SIDE) -> Profile:
    """Return the rates of the current GPU, which has that name, on images of `side` pixels."""
    current = runtime.current()
    host = np.random.default_rng(0).random((side, side), np.float32)
    rates = dict[str, float]()
    progress("call")
    rates |= _calls(current, host[:_SMALL, :_SMALL])
    progress("byte")
    image, out = current.asarray(host), current.empty(host.shape, np.float32)
    copied = _of_calls(current, image, out, Kernel([[2.0]]))
    rates["byte"] = copied / (2 * host.nbytes)
    progress("instruction")
    weights = np.random.default_rng(1).random((_TAPS, _TAPS))
    computed = _of_calls(current, image, out, Kernel(weights))
    rates["instruction"] = computed / (host.size * 1.56 * _TAPS**2)
    progress("upload, download")
    rates |= _copies(current, host)
    return Profile("cuda", name, current.limits().multiprocessors, rates)


def _of_calls(current: Runtime, image: Any, out: Any, kernel: Kernel) -> float:
    """Return the seconds of a call on large arrays, among others."""

    def calls() -> None:
        for _ in range(_CALLS):
            convolve(image, kernel, out=out, method="dense", device="cuda")
        current.asnumpy(out[:1, :1])

    return wall(calls) / _CALLS


def _calls(current: Runtime, host: Any) -> dict[str, float]:
    """Return what calls and launches take that do next to nothing."""
    image, out = current.asarray(host), current.empty(host.shape, np.float32)
    one = _of_calls(current, image, out, Kernel([[2.0]]))
    # Waiting for the device is about as long as a launch on its way there.
    waited = wall(lambda: current.asnumpy(out[:1, :1]))
    return {"call": one, "launch": min(waited, one) / 2}


def _copies(current: Runtime, host: Any) -> dict[str, float]:
    """Return what copies take: as such, and of each byte."""
    small, large = np.zeros(1, np.float32), host

    def up(array: Any) -> Callable[[], None]:
        return lambda: current.asnumpy(current.asarray(array).ravel()[:1])

    there = current.asarray(large)
    first = wall(up(small))
    rates = {
        "transfer": first / 2,
        "upload": (wall(up(large)) - first) / large.nbytes,
        "download": (wall(lambda: current.asnumpy(there)) - first / 2) / large.nbytes,
    }
    return {name: max(rate, 1e-15) for name, rate in rates.items()}
