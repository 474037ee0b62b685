"""A runtime whose device has a memory of its own, as far as the engine can tell."""

from __future__ import annotations

from typing import Any

import numpy as np

from cuda_on_cpu.runtime import CpuRuntime
from gpuconv.backends import host

__all__ = ["ApartRuntime", "OnDevice"]


class OnDevice(np.ndarray):  # type: ignore[type-arg]
    """An array in the memory of an :class:`ApartRuntime`."""


class ApartRuntime(CpuRuntime):
    """A device whose memory is not the host's: arrays go there and back."""

    def owns(self, array: Any) -> bool:
        """Return whether `array` lies there."""
        return isinstance(array, OnDevice)

    def asarray(self, image: Any) -> Any:
        """Return `image` there."""
        if self.owns(image):
            return image
        there = self.empty(image.shape, image.dtype.newbyteorder("="))
        there[...] = image
        return there

    def asnumpy(self, array: Any) -> Any:
        """Return a copy in host memory."""
        return np.array(array)

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return an array there of which nothing may be read before it is written."""
        return super().empty(shape, dtype).view(OnDevice)


_numpys = host.owns


def _in_host_memory(array: Any) -> bool:
    return _numpys(array) and not isinstance(array, OnDevice)


# The arrays above are NumPy's in disguise: the CPU, which is asked first, would take them for its
# own, and tests of this device would compare the CPU with itself.
host.owns = _in_host_memory
