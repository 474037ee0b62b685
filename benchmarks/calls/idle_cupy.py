"""As much of CuPy as a call needs, on a GPU that is not there: launches do nothing.

What is left of the time of a call is what gpuconv itself takes on the host before a kernel runs.
CuPy's own part, a launch of 3 to 5 µs above all, is not in it.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from gpuconv.backends.cuda import runtime

__all__ = ["array", "installed", "module"]

#: An H200's: multiprocessors, bytes of shared memory that a block can ask for, blocks along y.
_ATTRIBUTES = {
    "MultiProcessorCount": 132,
    "MaxSharedMemoryPerBlockOptin": 227 << 10,
    "MaxGridDimY": 65535,
    "MaxGridDimZ": 65535,
}

#: Addresses of arrays, which nobody reads: each a terabyte from the next.
_ADDRESSES = itertools.count(1 << 40, 1 << 40)


class _Device:
    """The only device, which is a context."""

    id = 0

    def __enter__(self) -> _Device:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave it."""


class ndarray:  # noqa: N801 — its name in CuPy
    """Shape, dtype and address of an array without memory."""

    __slots__ = ("data", "device", "dtype", "ndim", "shape", "strides")

    def __init__(self, shape: tuple[int, ...], dtype: Any, strides: Any = None) -> None:
        self.shape, self.dtype, self.ndim = tuple(shape), np.dtype(dtype), len(shape)
        sizes = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
        self.strides = strides or tuple(size * self.dtype.itemsize for size in sizes)
        self.data = SimpleNamespace(ptr=next(_ADDRESSES))
        self.device = _DEVICE

    def transpose(self, order: list[int]) -> ndarray:
        """Return the same memory with its axes in another order."""
        shape, strides = (tuple(each[i] for i in order) for each in (self.shape, self.strides))
        moved = ndarray(shape, self.dtype, strides)
        moved.data = self.data
        return moved


_DEVICE = _Device()


def array(shape: tuple[int, ...], dtype: Any) -> ndarray:
    """Return an array on the GPU that is not there."""
    return ndarray(shape, dtype)


class _Program:
    """A program that was not compiled."""

    def __init__(self, code: str, backend: str, options: tuple[str, ...]) -> None:
        """Take the source and forget it."""

    def get_function(self, entry: str) -> Any:
        """Return a kernel whose launch does nothing."""
        return SimpleNamespace(kernel=_launch, max_dynamic_shared_size_bytes=0)


def _launch(grid: Any, block: Any, arguments: Any, shared: int) -> None:
    """Do nothing."""


@contextmanager
def installed() -> Iterator[None]:
    """Have the CUDA engine find this instead of CuPy, for as long as the context lasts."""
    modules, started = sys.modules.get("cupy"), runtime._cupy
    sys.modules["cupy"], runtime._cupy = module(), None
    try:
        yield
    finally:
        del sys.modules["cupy"]
        if modules is not None:
            sys.modules["cupy"] = modules
        runtime._cupy = started


def module() -> ModuleType:
    """Return what stands under the name ``cupy`` in ``sys.modules``."""
    found = ModuleType("cupy")
    driver = SimpleNamespace(
        getDevice=lambda: 0,
        getDeviceCount=lambda: 1,
        deviceGetAttribute=lambda name, _: _ATTRIBUTES[name],
        memGetInfo=lambda: (1 << 40, 1 << 40),
        streamPerThread=2,
        **{f"cudaDevAttr{name}": name for name in _ATTRIBUTES},
    )
    found.cuda = SimpleNamespace(  # type: ignore[attr-defined]
        runtime=driver,
        compiler=SimpleNamespace(CompileException=RuntimeError),
        memory=SimpleNamespace(OutOfMemoryError=MemoryError),
        get_current_stream=lambda: SimpleNamespace(ptr=0),
        Device=lambda _: _DEVICE,
    )
    pool = SimpleNamespace(free_bytes=lambda: 0, get_limit=lambda: 0, free_all_blocks=lambda: None)
    found.get_default_memory_pool = lambda: pool  # type: ignore[attr-defined]
    found.ndarray, found.RawModule = ndarray, _Program  # type: ignore[attr-defined]
    found.empty = array  # type: ignore[attr-defined]
    found.__version__ = "0"  # type: ignore[attr-defined]
    return found
