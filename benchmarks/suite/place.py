"""Where calls run: the CPU, or a GPU; its arrays and its clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import backends
from gpuconv.backends import cuda
from gpuconv.backends.cuda import runtime

from .contract import Buffers
from .timing import Clock, Cuda, Host, sets_for

__all__ = ["Place", "place"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Place:
    """A device, with what measures time on it."""

    #: "cpu", or "cuda:0" …
    device: str
    clock: Clock

    @property
    def kind(self) -> str:
        """The kind of device that peers run on: "cpu" or "cuda"."""
        return self.device.partition(":")[0]

    def sets(self, image: Array) -> int:
        """Return how many sets of buffers exceed the device's caches."""
        return sets_for(self.clock.cache, 2 * image.nbytes)

    def buffers(self, image: Array) -> Buffers:
        """Return sets of buffers that hold an image; outputs are blank."""
        if self.kind == "cpu":
            buffers = Buffers([image], [np.empty_like(image)])
        else:
            # Copies: a runtime on the host takes an array as it is.
            count = self.sets(image)
            images = [cuda.asarray(image.copy()) for _ in range(count)]
            outs = [cuda.asarray(np.empty_like(image)) for _ in range(count)]
            buffers = Buffers(images, outs, self.device)
        buffers.spoil()
        return buffers

    def answers(self) -> bool:
        """Tell whether the device still works: a bad access by anyone ends all work on a GPU."""
        if self.kind == "cpu":
            return True
        try:
            self.numpy(cuda.asarray(np.ones(1, np.uint8)))
        except Exception:
            return False
        return True

    def numpy(self, array: Any) -> Array:
        """Return an array's values in host memory; what is on a GPU is waited for."""
        return np.asarray(array) if self.kind == "cpu" else np.asarray(cuda.asnumpy(array))


@contextmanager
def place(device: str) -> Iterator[Place]:
    """Yield the place of a device's name, which is the current one meanwhile.

    Raises
    ------
    DeviceError
        It cannot be used.
    """
    if device == "cpu":
        yield Place(device, Host())
        return
    backends.select(np.empty((1, 1)), device)  # raises where it cannot be used
    with cuda.place(np.empty(0), device):
        if isinstance(runtime.current(), runtime.CupyRuntime):
            import cupy

            yield Place(device, Cuda(cupy))
        else:  # a runtime that runs kernels on the CPU: its times are nobody's business
            yield Place(device, Host())
