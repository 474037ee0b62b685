"""A runtime without a device: a call goes all its way, and nothing is computed at its end."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from gpuconv.backends.cuda.protocol import Kernel, Limits
from gpuconv.backends.cuda.source import Program

__all__ = ["Rehearsal"]


class Rehearsal:
    """Device arrays are NumPy arrays, and kernels do nothing.

    Only what calls on arrays of the device ask of a runtime is here: no streams, no copies.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def compile(self, program: Program) -> Kernel:
        """Return what does nothing."""
        return lambda grid, block, arguments, shared: None

    def transform(self, source: Any, target: Any) -> Callable[[], None]:
        """Return what does nothing."""
        return lambda: None

    def owns(self, array: Any) -> bool:
        """Return whether `array` is a NumPy array."""
        return isinstance(array, np.ndarray)

    def asarray(self, image: Any) -> Any:
        """Return `image` as a NumPy array."""
        return np.asarray(image)

    def asnumpy(self, array: Any) -> Any:
        """Return `array`."""
        return array

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return an array that holds what happens to lie in memory."""
        return np.empty(shape, dtype)

    def address(self, array: Any) -> int:
        """Return the address of the array's first element."""
        return int(array.ctypes.data)

    def limits(self) -> Limits:
        """Return the limits of the device that this stands for."""
        return self._limits

    def free_memory(self) -> int:
        """Return more than any call takes."""
        return 1 << 40

    def here(self, *arrays: Any) -> bool:
        """Return that it holds all arrays: there is one device."""
        return True

    def on_device_of(self, array: Any) -> AbstractContextManager[Any]:
        """Return a context that changes nothing: there is one device."""
        return nullcontext()

    def on_device(self, index: int) -> AbstractContextManager[Any]:
        """Return a context that changes nothing."""
        return nullcontext()

    def queue(self) -> Hashable:
        """Return what tells this device from others."""
        return id(self)
