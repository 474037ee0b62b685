"""PyTorch's tensors: without a copy, on the device and the stream that they are on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np

from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.exchange.kind import Kind
from gpuconv.exchange.protocols import cupy_library, sendable

__all__ = ["Dtypes", "Tensors"]


class Tensors(Kind):
    """PyTorch's tensors, on the CPU and on CUDA's devices."""

    def device(self, array: Any) -> str:
        """Return where a tensor lies."""
        return str(array.device)

    def view(self, array: Any, name: str) -> Any:
        """Return the array with its memory; a copy where values are yet to be conjugated."""
        return _array(_plain(array, name).resolve_conj().resolve_neg())

    def room(self, array: Any, name: str) -> Any:
        """Return the array with its memory."""
        if array.is_conj() or array.is_neg():
            raise ArgumentError(
                f"{name} is a conjugated or negated view, which cannot be written in place"
            )
        return _array(_plain(array, name))

    def written(self, array: Any) -> None:
        """Let autograd know: a graph that has saved the old values must not use the new ones."""
        if not array.is_inference():  # those have no graph
            _torch().autograd.graph.increment_version(array)

    def local(self, array: Any, name: str) -> Any:
        """Return the values in host memory."""
        return _plain(array, name).resolve_conj().resolve_neg().cpu().numpy()

    def like(self, result: Any, array: Any) -> Any:
        """Return a tensor with the memory of a result."""
        return _torch().from_dlpack(sendable(result))

    def around(self, array: Any) -> AbstractContextManager[Any]:
        """Return a context in which CuPy works on the tensor's device and PyTorch's stream."""
        return _on_its_stream(array) if array.is_cuda else nullcontext()


class Dtypes(Kind):
    """PyTorch's dtypes, which are not arrays, but come with them."""

    array = False

    def view(self, array: Any, name: str) -> Any:
        """Return NumPy's dtype of the same name."""
        if (known := _known(array)) is None:
            raise ArgumentTypeError(f"{name}={array} is no dtype of NumPy's")
        return known


def _torch() -> Any:
    return sys.modules["torch"]


@lru_cache(maxsize=64)
def _known(dtype: Any) -> np.dtype[Any] | None:
    """Return NumPy's dtype of the name that one of PyTorch's has."""
    try:
        return np.dtype(str(dtype).removeprefix("torch."))
    except TypeError:
        return None


def _plain(tensor: Any, name: str) -> Any:
    """Return a tensor of strided memory, detached, if it can be read without loss."""
    if tensor.requires_grad and _torch().is_grad_enabled():
        raise ArgumentError(
            f"{name} requires a gradient, which is not recorded here: pass {name}.detach(), or "
            "use gpuconv.torch.Filter, which has a backward pass"
        )
    if tensor.device.type not in ("cpu", "cuda"):
        raise ArgumentTypeError(
            f"{name} lies on {tensor.device}; allowed are tensors on cpu and cuda: "
            f"pass {name}.cpu()"
        )
    if tensor.layout is not _torch().strided:
        raise ArgumentTypeError(
            f"{name} has layout {tensor.layout}; it must be dense: pass {name}.to_dense()"
        )
    if _known(tensor.dtype) is None:
        raise ArgumentTypeError(
            f"{name} has dtype {tensor.dtype}, which NumPy has not: pass {name}.float()"
        )
    return tensor.detach()


def _array(tensor: Any) -> Any:
    return cupy_library().from_dlpack(tensor) if tensor.is_cuda else tensor.numpy()


@contextmanager
def _on_its_stream(tensor: Any) -> Iterator[None]:
    cupy, number = cupy_library(), tensor.device.index
    pointer = _torch().cuda.current_stream(tensor.device).cuda_stream
    with cupy.cuda.Device(number), _stream(cupy, number, pointer):
        yield


class _Theirs:
    """A stream of PyTorch's, as CUDA's protocol for streams has it."""

    def __init__(self, pointer: int) -> None:
        self._pointer = pointer

    def __cuda_stream__(self) -> tuple[int, int]:
        return 0, self._pointer


#: PyTorch's streams as CuPy's, by device and address. They are kept for good: where CuPy 14 drops a
#: stream that it was given, it destroys it. PyTorch has some dozens, which it uses in turn.
_STREAMS: dict[tuple[int, int], Any] = {}
_wrapping = Lock()


def _stream(cupy: Any, device: int, pointer: int) -> Any:
    """Return a stream of PyTorch's as CuPy's; its device is the current one."""
    key = device, pointer
    with _wrapping:  # a second one of the same stream would be dropped
        if key not in _STREAMS:
            _STREAMS[key] = cupy.cuda.Stream.from_external(_Theirs(pointer))
    return _STREAMS[key]
