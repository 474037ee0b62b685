"""The peak memory of a call, beside its image and its result."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import gpuconv as gc

__all__ = ["CASES", "beside"]

#: What is filtered: name → kernel.
CASES = {
    "gaussian σ=3": lambda: gc.kernels.gaussian(3),
    "gaussian σ=30": lambda: gc.kernels.gaussian(30),
    "gaussian σ=100": lambda: gc.kernels.gaussian(100),
    "box 301": lambda: gc.kernels.box(301),
    "dense 15×15": lambda: gc.Kernel(np.random.default_rng(0).random((15, 15))),
    "dense 127×127": lambda: gc.Kernel(np.random.default_rng(0).random((127, 127))),
}

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def beside(name: str, size: int) -> float:
    """Return by how many MiB the process grew, at its peak, in a call with `out=` (Linux).

    Image and result are there before, every page of them written.
    """
    image = np.random.default_rng(0).random((size, size), np.float32)
    out = np.zeros_like(image)
    out += 1
    kernel = CASES[name]()
    gc.convolve(image[:64, :64], kernel)  # modules, threads and the library of products
    _CLEAR.write_text("5")  # the peak so far is forgotten: proc(5)
    before = _kilobytes("VmRSS")
    gc.convolve(image, kernel, out=out)
    return (_kilobytes("VmHWM") - before) / 1024


def _kilobytes(field: str) -> int:
    [line] = [row for row in _STATUS.read_text().splitlines() if row.startswith(field)]
    return int(line.split()[1])
