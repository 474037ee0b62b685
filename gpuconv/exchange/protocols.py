"""Arrays that say by a protocol what they are, of whatever library."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from gpuconv.backends import cuda
from gpuconv.backends.cuda import runtime
from gpuconv.errors import ArgumentTypeError
from gpuconv.exchange.kind import Kind

__all__ = ["Buffer", "Exchangeable", "Namespaced", "OnGpu", "cupy_library", "sendable"]

#: DLPack's numbers of devices (dlpack.h): memory that the CPU reads, pinned memory among it, and
#: memory of CUDA, managed memory among it.
_HOST, _CUDA = (1, 3), (2, 13)


class OnGpu(Kind):
    """CuPy's arrays, and all with ``__cuda_array_interface__``: the engine takes them as they are.

    What is made of others than CuPy's is CuPy's.
    """

    def device(self, array: Any) -> str:
        """Return the GPU that holds an array."""
        there = runtime.current().on_device_of(array)
        return f"cuda:{getattr(there, 'id', 0)}"

    def local(self, array: Any, name: str) -> Any:
        """Return a copy in host memory."""
        return cuda.asnumpy(cuda.asarray(array))


class Buffer(Kind):
    """Python's own arrays: memoryview, bytearray, array.array. What is made of them is NumPy's."""

    def view(self, array: Any, name: str) -> Any:
        """Return it as NumPy sees it."""
        return np.asarray(array)


class Exchangeable(Kind):
    """Arrays with ``__dlpack__`` and no more. What is made of them is NumPy's, or CuPy's."""

    def device(self, array: Any) -> str:
        """Return where the array says that it lies."""
        kind, number = array.__dlpack_device__()
        if kind in _HOST:
            return "cpu"
        return f"cuda:{number}" if kind in _CUDA else f"DLPack's device {int(kind)}"

    def view(self, array: Any, name: str) -> Any:
        """Return the array of NumPy or CuPy with its memory, or else a copy that NumPy can make."""
        try:
            return self.room(array, name)
        except ArgumentTypeError:
            if not hasattr(array, "__array__"):
                raise
            return np.asarray(array)

    def room(self, array: Any, name: str) -> Any:
        """Return the array of NumPy or CuPy with its memory."""
        device = self.device(array)
        if device != "cpu" and not device.startswith("cuda"):
            raise ArgumentTypeError(f"{name} lies on {device}; allowed are the CPU and CUDA")
        library = np if device == "cpu" else cupy_library()
        try:
            return library.from_dlpack(array)
        except (AttributeError, BufferError, RuntimeError, TypeError, ValueError) as error:
            raise ArgumentTypeError(
                f"{name}, of type {type(array).__name__}, cannot be taken by DLPack: {error}"
            ) from error

    def local(self, array: Any, name: str) -> Any:
        """Return it in host memory."""
        view = self.view(array, name)
        return view if isinstance(view, np.ndarray) else cuda.asnumpy(view)


class Namespaced(Exchangeable):
    """Arrays of a library that follows the array API standard: it makes arrays of results."""

    def device(self, array: Any) -> str:
        """Return where the array says that it lies; the CPU if it does not."""
        return super().device(array) if hasattr(array, "__dlpack_device__") else "cpu"

    def like(self, result: Any, array: Any) -> Any:
        """Return an array of the same library, on the same device."""
        library = array.__array_namespace__()
        if not hasattr(array, "__dlpack__"):
            return library.asarray(result)
        made = library.from_dlpack(sendable(result))
        return made if made.device == array.device else made.to_device(array.device)


def cupy_library() -> Any:
    """Return CuPy, as an array on a GPU needs it.

    Raises
    ------
    DeviceError
        It is not installed, or broken.
    """
    runtime.current()
    return import_module("cupy")


def sendable(result: Any) -> Any:
    """Return a result as DLPack can hand it over: writeable, no axis backwards.

    PyTorch aborts the process where an axis runs backwards, and writes to what is read-only.

    Examples
    --------
    >>> sendable(np.arange(3)[::-1]).strides
    (8,)
    """
    backwards = any(stride < 0 for stride in result.strides)
    read_only = not getattr(result.flags, "writeable", True)
    return result.copy() if backwards or read_only else result
