"""As much of PyTorch as the bench filters with, on NumPy: tensors that are arrays.

A device is a name only: everything is computed where it is.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

__all__ = ["made"]

Array = NDArray[Any]
_BORDERS = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


class _Tensor(np.ndarray[Any, Any]):
    """An array with PyTorch's methods."""

    def to(self, *wanted: Any) -> Any:
        for dtype in wanted:
            if not isinstance(dtype, str):
                return self.astype(dtype)
        return self

    def is_floating_point(self) -> bool:
        return self.dtype.kind == "f"

    def round_(self) -> Any:
        return np.rint(self, out=self)

    def clamp_(self, min: float | None = None, max: float | None = None) -> Any:
        return np.clip(self, min, max, out=self)

    def index_select(self, axis: int, index: Any) -> Any:
        return np.take(self, index, axis)

    def movedim(self, source: int, destination: int) -> Any:
        return np.moveaxis(self, source, destination)

    def contiguous(self) -> Any:
        return np.ascontiguousarray(self).view(_Tensor)

    def flip(self, *axes: int) -> Any:
        return np.flip(self, axes)

    def abs(self) -> Any:
        return np.abs(self)


def _tensor(array: Any, device: str = "cpu") -> Any:
    assert device in ("cpu", "cuda:0")
    return np.asarray(array).view(_Tensor)


def _conv2d(image: Any, weights: Any, padding: Any = 0) -> Any:
    assert image.dtype == weights.dtype
    assert image.shape[1] == weights.shape[0] == weights.shape[1] == 1
    y, x = (padding, padding) if isinstance(padding, int) else padding
    wide = np.pad(np.asarray(image, np.float64), [(0, 0), (0, 0), (y, y), (x, x)])
    turned = np.asarray(weights, np.float64)[:, :, ::-1, ::-1]
    found = signal.fftconvolve(wide, turned, "valid", axes=(2, 3))
    return found.astype(image.dtype).view(_Tensor)


def _pad(image: Any, widths: tuple[int, ...], mode: str) -> Any:
    left, right, top, bottom = widths
    name: Any = _BORDERS[mode]
    padded = np.pad(np.asarray(image), [(0, 0), (0, 0), (top, bottom), (left, right)], name)
    return padded.view(_Tensor)


def _max_pool2d(image: Any, window: tuple[int, int], stride: int, padding: Any) -> Any:
    assert (stride, padding) == (1, tuple(side // 2 for side in window))
    found = ndimage.maximum_filter(np.asarray(image), (1, 1, *window), mode="nearest")
    return found.view(_Tensor)


def made(gpu: bool = False) -> SimpleNamespace:
    """Return the module, and what is noted of its use in `noted`; with a GPU or without."""
    noted: list[Any] = []
    settings = SimpleNamespace(benchmark=False, allow_tf32=True)

    @contextmanager
    def stream(number: Any) -> Any:
        noted.append(number)
        yield

    cuda = SimpleNamespace(
        is_available=lambda: gpu,
        current_stream=lambda: SimpleNamespace(cuda_stream=0),
        ExternalStream=lambda number, device: (number, device),
        stream=stream,
    )
    matmul = SimpleNamespace(allow_tf32=True)
    functional = SimpleNamespace(conv2d=_conv2d, pad=_pad, max_pool2d=_max_pool2d)
    fft = SimpleNamespace(
        rfft2=lambda image: np.fft.rfft2(image).view(_Tensor),
        irfft2=lambda spectrum, shape: np.fft.irfft2(spectrum, shape).view(_Tensor),
    )
    dtypes = {name: np.dtype(name) for name in ("uint8", "uint16", "float16", "float32")}
    return SimpleNamespace(
        **dtypes,
        noted=noted,
        as_tensor=_tensor,
        from_numpy=_tensor,
        full_like=np.full_like,
        div=np.divide,
        hypot=np.hypot,
        inference_mode=nullcontext,
        set_num_threads=lambda count: noted.append(f"{count} threads"),
        backends=SimpleNamespace(cudnn=settings, cuda=SimpleNamespace(matmul=matmul)),
        cuda=cuda,
        fft=fft,
        nn=SimpleNamespace(functional=functional),
    )
