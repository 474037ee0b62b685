"""Host time of a call, in µs: ``python -m benchmarks.calls [--device cuda] [--size N]``.

The same call is made again and again, with ``out=`` and the same arrays. On the CPU the time has
the arithmetic in it, which a size of 32 keeps small; on the GPU that is not there, it is all that
gpuconv does before a kernel is launched.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import nullcontext
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import gpuconv as gc
from benchmarks.calls import idle_cupy

__all__ = ["CALLS", "main", "measured"]

_WEIGHTS = np.random.default_rng(0).random((3, 3)).astype(np.float32)
_DENSE = gc.Kernel(_WEIGHTS)
_SHARPEN = gc.kernels.sharpen()

#: What is called, with an image and where to write; the dtype of both.
CALLS: dict[str, tuple[str, Callable[[Any, Any], object]]] = {
    "correlate, 3×3": ("float32", lambda i, o: gc.correlate(i, _DENSE, out=o)),
    "correlate, 3×3, an array": ("float32", lambda i, o: gc.correlate(i, _WEIGHTS, out=o)),
    "correlate, 3×3 integers": ("uint8", lambda i, o: gc.correlate(i, _SHARPEN, out=o)),
    "correlate, gaussian(1)": (
        "float32",
        lambda i, o: gc.correlate(i, gc.kernels.gaussian(1), out=o),
    ),
    "median, 3×3": ("uint8", lambda i, o: gc.median(i, 3, out=o)),
    "bilateral, 5 across": (
        "float32",
        lambda i, o: gc.bilateral(i, 5, sigma_color=0.1, sigma_space=2, out=o),
    ),
    "sobel": ("float32", lambda i, o: gc.sobel(i, out=o)),
    "laplace": ("float32", lambda i, o: gc.laplace(i, out=o)),
    "unsharp_mask": ("float32", lambda i, o: gc.unsharp_mask(i, 1, out=o)),
}


def measured(call: Callable[[], object], rounds: int = 15, calls: int = 300) -> tuple[float, float]:
    """Return seconds of a call, the shortest and the median of rounds of many."""
    call()
    seconds = []
    for _ in range(rounds):
        start = perf_counter()
        for _ in range(calls):
            call()
        seconds.append((perf_counter() - start) / calls)
    return min(seconds), median(seconds)


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each call."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calls", description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--size", type=int, help="of the image: 32, on the GPU 512")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=300, help="in a round")
    options = parser.parse_args(arguments)
    idle = options.device == "cuda"
    size = options.size or (512 if idle else 32)
    with idle_cupy.installed() if idle else nullcontext():
        for name, (dtype, call) in CALLS.items():
            image, out = (_array(idle, size, dtype) for _ in range(2))
            found = measured(lambda: call(image, out), options.rounds, options.calls)  # noqa: B023
            shortest, usual = (1e6 * each for each in found)
            print(f"{name:<26}{size}² {dtype:<8}{shortest:>8.1f}{usual:>8.1f} µs")
    return 0


def _array(idle: bool, size: int, dtype: str) -> Any:
    if idle:
        return idle_cupy.array((size, size), dtype)
    return (200 * np.random.default_rng(0).random((size, size))).astype(dtype)


if __name__ == "__main__":
    sys.exit(main())
