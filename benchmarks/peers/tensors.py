"""Images as PyTorch has them, on the CPU and on a GPU: (planes, 1, rows, columns).

Fair settings: all cores, the fastest of cuDNN's algorithms, full float32.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.host.threads import usable_cores

from ..cases import Case
from ..suite.contract import Buffers, Unable
from .asking import imported

__all__ = ["Tensors", "loaded"]

Array = NDArray[Any]

#: What `torch.nn.functional.pad` calls the borders; "reflect" it has not.
_BORDERS = {"constant": "constant", "mirror": "reflect", "nearest": "replicate", "wrap": "circular"}


def loaded(kind: str) -> Any:
    """Return PyTorch, set as its users set it for speed.

    Raises
    ------
    Unable
        It is not installed, or sees no GPU where `kind` is "cuda".
    """
    torch = imported("torch", "PyTorch")
    if kind == "cuda" and not torch.cuda.is_available():
        raise Unable("PyTorch sees no GPU")
    torch.set_num_threads(usable_cores())
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    return torch


@dataclass(frozen=True)
class Tensors:
    """PyTorch, and the images of a case as its tensors.

    They share memory with the buffers, unless colours are interleaved: PyTorch's images are
    planes, and are made such before the clock starts.
    """

    torch: Any
    case: Case
    images: list[Any]
    device: str

    @classmethod
    def of(cls, case: Case, buffers: Buffers) -> Tensors:
        """Return those of a case."""
        torch = loaded(buffers.device.partition(":")[0])
        made = [_planes(torch, image, case, buffers.device) for image in buffers.images]
        return cls(torch, case, made, buffers.device)

    @property
    def working(self) -> Any:
        """The type in which sums are kept: half floats stay what they are."""
        return getattr(self.torch, "float16" if self.case.dtype == "float16" else "float32")

    def weights(self, array: Array, dtype: Any) -> Any:
        """Return weights as `conv2d` takes them, (1, 1, rows, columns), of a dtype of PyTorch's."""
        whole = np.ascontiguousarray(array, np.float32)[None, None]
        return self.torch.from_numpy(whole).to(self.device, dtype)

    def padding(self, reach: int) -> Callable[[Any], Any]:
        """Return what adds `reach` pixels on all sides, as the case's border has them."""
        if self.case.border in _BORDERS:
            pad, mode = self.torch.nn.functional.pad, _BORDERS[self.case.border]
            return lambda image: pad(image, (reach,) * 4, mode=mode)
        rows, columns = (
            self.torch.from_numpy(np.pad(np.arange(n), reach, "symmetric")).to(self.device)
            for n in self.images[0].shape[2:]
        )
        return lambda image: image.index_select(2, rows).index_select(3, columns)

    def stored(self, values: Any) -> Any:
        """Return floats as pixels of the image's type; of integers rounded and saturated."""
        if self.case.dtype.startswith("uint") and values.is_floating_point():
            values = values.round_().clamp_(0, np.iinfo(self.case.dtype).max)
        return values.to(getattr(self.torch, self.case.dtype))

    def image(self, planes: Array) -> Array:
        """Return a result, in host memory, with the axes of the case."""
        case = self.case
        if case.channel_axis is None:
            return planes.reshape(case.shape)
        return np.moveaxis(planes.reshape(-1, *case.shape[:-1]), 0, -1)

    def stream(self) -> AbstractContextManager[Any]:
        """Return a context in which PyTorch works on CuPy's current stream, whose events count."""
        if self.device == "cpu":
            return nullcontext()
        current = imported("cupy", "CuPy").cuda.get_current_stream().ptr
        if current == self.torch.cuda.current_stream().cuda_stream:
            return nullcontext()
        there: AbstractContextManager[Any] = self.torch.cuda.stream(
            self.torch.cuda.ExternalStream(current, device=self.device)
        )
        return there


def _planes(torch: Any, image: Any, case: Case, device: str) -> Any:
    tensor = torch.as_tensor(image, device=device)
    if case.channel_axis is not None:
        tensor = tensor.movedim(-1, 0).contiguous()
    return tensor.reshape(-1, 1, *tensor.shape[-2:])
