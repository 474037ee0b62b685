"""A runtime of the engine (gpuconv.backends.cuda.runtime) whose device is this machine's CPU."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from math import prod
from time import perf_counter
from typing import Any

import numpy as np

from cuda_on_cpu.kernel import CpuKernel, LaunchRecord, Rules
from cuda_on_cpu.streams import Streams
from gpuconv.backends.cuda.runtime import Compiled, Kernel, Limits, beyond
from gpuconv.errors import DeviceError

__all__ = ["ORDERS", "CpuRuntime"]

ORDERS = ("forward", "reverse")

#: A small device, so that tests reach its limits: as much shared memory as an H200's block.
_LIMITS = Limits(multiprocessors=4, shared=227 * 1024, grid=65535)

#: Kernels that fill a part of an array, and others of their like the rest.
_PARTIAL = ("deposit", "gather", "multiply", "scatter")

#: Launches that are remembered.
_REMEMBERED = 1000


class CpuRuntime(Streams):
    """Device arrays are NumPy arrays; kernels are compiled by g++ and run under a checker.

    Parameters
    ----------
    mode
        "check" checks every access; "fast" none, for larger images.
    orders
        The orders in which a launch is run, of "forward" and "reverse"; their results must agree.
    limits
        Of the device that this stands for.
    memory
        Bytes that arrays made by `empty` may have together; None: any number.
    partial
        Kernels whose launches may leave parts of their output as they were.
    """

    def __init__(
        self,
        mode: str = "check",
        orders: tuple[str, ...] = ORDERS,
        limits: Limits = _LIMITS,
        memory: int | None = None,
        partial: tuple[str, ...] = _PARTIAL,
    ) -> None:
        if mode not in ("check", "fast"):
            raise ValueError(f"mode={mode!r} is not 'check' or 'fast'")
        if not orders or not set(orders) <= set(ORDERS):
            raise ValueError(f"orders={orders!r} are not of {ORDERS}")
        super().__init__()
        self.memory = memory
        self.launches = deque[LaunchRecord](maxlen=_REMEMBERED)
        self.rules = Rules(mode == "check", orders, limits.shared, limits.grid, frozenset(partial))
        self._limits = limits
        self._kernels: dict[Any, Kernel] = {}
        self._compiled: list[Compiled] = []
        self._used = 0
        self._queue = object()

    def owns(self, array: Any) -> bool:
        """Return whether `array` is a NumPy array that kernels can be given as it is."""
        return (
            isinstance(array, np.ndarray)
            and array.dtype.isnative
            and array.flags.aligned
            and all(step % array.itemsize == 0 for step in array.strides)
        )

    def asarray(self, image: Any) -> Any:
        """Return `image` itself where it is owned, else a copy."""
        array = np.asarray(image)
        return array if self.owns(array) else array.astype(array.dtype.newbyteorder("="))

    def asnumpy(self, array: Any) -> Any:
        """Return `array`."""
        return array

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return an array of which nothing may be read before it is written."""
        size = prod(shape) * np.dtype(dtype).itemsize
        if size > self.free_memory():
            raise MemoryError(f"{size} bytes are more than the {self.free_memory()} that are free")
        array = np.empty(shape, dtype)
        self._used += size
        weakref.finalize(array, self._release, size)
        if self.rules.check:
            self.rules.fresh.add(array)
        return array

    def _release(self, size: int) -> None:
        self._used -= size

    def address(self, array: Any) -> int:
        """Return the address of the array's first element."""
        return int(array.ctypes.data)

    def limits(self) -> Limits:
        """Return the limits of the device that this stands for."""
        return self._limits

    def free_memory(self) -> int:
        """Return the bytes that `empty` could still give."""
        total = 1 << 40 if self.memory is None else self.memory
        return max(total - self._used, 0)

    def on_device_of(self, array: Any) -> AbstractContextManager[Any]:
        """Return a context that changes nothing: there is one device."""
        return nullcontext()

    def here(self, *arrays: Any) -> bool:
        """Return that they are: there is one device."""
        return True

    def on_device(self, index: int) -> AbstractContextManager[Any]:
        """Return a context that changes nothing; raise where `index` is not 0."""
        if index:
            raise DeviceError(beyond(index, 1))
        return nullcontext()

    def compile(self, program: Any) -> Kernel:
        """Return `program` compiled; the same one when asked again."""
        if program not in self._kernels:
            start = perf_counter()
            kernel = CpuKernel(program, self.rules)
            self._kernels[program] = lambda *launch: self.launches.append(kernel(*launch))
            spent = 1000 * (perf_counter() - start)
            self._compiled.append(Compiled(program.label, 0, spent))
        return self._kernels[program]

    def transform(self, source: Any, target: Any) -> Callable[[], None]:
        """Return what transforms images with NumPy when it is called."""

        def transform() -> None:
            with np.errstate(all="ignore"):
                if source.dtype.kind == "c":
                    target[...] = np.fft.irfft2(source, target.shape[1:], norm="forward")
                    source[...] = np.nan  # cuFFT uses it up
                else:
                    target[...] = np.fft.rfft2(source)

        return transform

    def queue(self) -> Hashable:
        """Return what tells this device from others."""
        return self._queue

    def compiled(self) -> list[Compiled]:
        """Return what was compiled so far, oldest first."""
        return list(self._compiled)
