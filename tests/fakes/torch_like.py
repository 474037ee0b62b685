"""As much of PyTorch as gpuconv uses of it, on NumPy.

Tests install it under the name ``torch``. Tensors on CUDA's devices have memory that only
``__dlpack__`` hands out.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

#: Whether gradients are recorded, and the current stream's address.
state = SimpleNamespace(recording=True, stream=0)

strided, sparse_coo = "torch.strided", "torch.sparse_coo"

jit = SimpleNamespace(is_tracing=lambda: False)


class device:  # noqa: N801 — its name in PyTorch
    """Where a tensor lies."""

    def __init__(self, name: str) -> None:
        self.type, _, number = name.partition(":")
        self.index = int(number) if number else None

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"


class dtype:  # noqa: N801 — its name in PyTorch
    """What a tensor's elements are."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return f"torch.{self.name}"


class Tensor:
    """An array with a device, and with what NumPy knows nothing of."""

    def __init__(self, memory: Any, place: str = "cpu", **flags: Any) -> None:
        self.memory = memory
        self.device, self.dtype = device(place), dtype(memory.dtype.name)
        self.requires_grad, self.conjugated, self.negated = False, False, False
        self.layout, self.version = strided, 0
        self.__dict__.update(flags)

    @property
    def is_cuda(self) -> bool:
        """Whether it lies on a GPU."""
        return self.device.type == "cuda"

    @property
    def shape(self) -> tuple[int, ...]:
        """Its size."""
        return tuple(self.memory.shape)

    @property
    def _plain(self) -> bool:
        return not (self.requires_grad or self.conjugated or self.negated)

    def is_complex(self) -> bool:
        """Return whether elements are complex."""
        return bool(self.memory.dtype.kind == "c")

    def is_inference(self) -> bool:
        """Return whether it has no part in any graph."""
        return False

    def is_conj(self) -> bool:
        """Return whether elements are yet to be conjugated."""
        return self.conjugated

    def is_neg(self) -> bool:
        """Return whether elements are yet to be negated."""
        return self.negated

    def _with(self, **changed: Any) -> Tensor:
        other = Tensor(self.memory, str(self.device))
        other.__dict__.update(self.__dict__ | changed)
        return other

    def detach(self) -> Tensor:
        """Return the same memory without a history."""
        return self._with(requires_grad=False)

    def resolve_conj(self) -> Tensor:
        """Return it conjugated, where that is still to be done."""
        if not self.conjugated:
            return self
        return self._with(memory=self.memory.conj(), conjugated=False)

    def resolve_neg(self) -> Tensor:
        """Return it negated, where that is still to be done."""
        return self._with(memory=-self.memory, negated=False) if self.negated else self

    def cpu(self) -> Tensor:
        """Return a copy in host memory."""
        return (
            self._with(memory=np.array(self.memory), device=device("cpu")) if self.is_cuda else self
        )

    def numpy(self) -> Any:
        """Return its memory, which must hold its values."""
        assert not self.is_cuda
        assert self._plain
        return self.memory

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, self.device.index or 0) if self.is_cuda else (1, 0)

    def __dlpack__(self, stream: int) -> Any:
        assert stream == state.stream, "CuPy works on another stream, and nobody waits"
        assert self._plain
        return self.memory

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("can't convert this tensor to numpy")


def from_dlpack(array: Any) -> Tensor:
    """Return a tensor with the memory of an array of NumPy or CuPy."""
    assert all(stride >= 0 for stride in array.strides), "this aborts the process"
    if type(array) is np.ndarray:
        assert array.flags.writeable, "this is written to, whatever it says"
        return Tensor(array)
    return Tensor(array, f"cuda:{getattr(array.device, 'id', 0)}")


def is_grad_enabled() -> bool:
    """Return whether gradients are recorded."""
    return bool(state.recording)


def _increment_version(tensor: Tensor) -> None:
    tensor.version += 1


autograd = SimpleNamespace(graph=SimpleNamespace(increment_version=_increment_version))
cuda = SimpleNamespace(current_stream=lambda device: SimpleNamespace(cuda_stream=state.stream))
