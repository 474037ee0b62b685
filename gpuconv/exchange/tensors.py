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
        return _array(_plain(array, name).resolve_conj().resolve_neg(), name)

    def room(self, array: Any, name: str) -> Any:
        """Return the array with its memory."""
        if array.is_conj() or array.is_neg():
            raise ArgumentError(
                f"{name} is a conjugated or negated view, which cannot be written in place"
            )
        room = _array(_plain(array, name, written=True), name)
        if any(n > 1 and step == 0 for n, step in zip(room.shape, room.strides, strict=True)):
            raise ArgumentError(
                f"{name} is an expanded view, whose elements share memory, and cannot be written"
            )
        return room

    def written(self, array: Any) -> None:
        """Let autograd know: a graph that has saved the old values must not use the new ones."""
        if not array.is_inference():  # those have no graph
            _torch().autograd.graph.increment_version(array)

    def local(self, array: Any, name: str) -> Any:
        """Return the values in host memory."""
        return _array(_plain(array, name).resolve_conj().resolve_neg().cpu(), name)

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


def _plain(tensor: Any, name: str, written: bool = False) -> Any:
    """Return a tensor of strided memory, detached, if it can be read, or written, without loss."""
    if tensor.requires_grad and _torch().is_grad_enabled():
        raise ArgumentError(
            f"{name} requires a gradient, which is not recorded here: pass {name}.detach(), or "
            "use gpuconv.torch.Filter, which has a backward pass"
        )
    if _torch().jit.is_tracing():
        raise ArgumentError(
            f"{name} is being traced, and what is computed here would be a constant of the trace: "
            "leave this out of what torch.jit.trace sees"
        )
    if trouble := _trouble(tensor):
        what, cure = trouble
        # What a copy is written to is lost.
        raise ArgumentTypeError(f"{name} {what}" + ("" if written else f": pass {name}.{cure}()"))
    return tensor.detach()


def _trouble(tensor: Any) -> tuple[str, str] | None:
    """Return why a tensor cannot be taken, and the method that makes one that can."""
    if tensor.device.type not in ("cpu", "cuda"):
        return f"lies on {tensor.device}; allowed are tensors on cpu and cuda", "cpu"
    if tensor.layout is not _torch().strided:
        return f"has layout {tensor.layout}; it must be dense", "to_dense"
    if _known(tensor.dtype) is None:
        return f"has dtype {tensor.dtype}, which NumPy has not", "float"
    return None


def _array(tensor: Any, name: str) -> Any:
    """Return the engine's array with the memory of a tensor, if it has any."""
    if tensor.is_cuda:
        return cupy_library().from_dlpack(tensor)
    try:
        return tensor.numpy()
    except RuntimeError as error:  # of those that stand for others, as torch.export has them
        raise ArgumentTypeError(
            f"{name}, of type {type(tensor).__name__}, has no memory to read: {error}"
        ) from error


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
