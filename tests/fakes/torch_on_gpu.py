"""As much of PyTorch, on a GPU, as the bench's peers use, and kornia's filters, on NumPy.

It shares memory with the arrays that it is given, and works on a stream that it is told.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

__all__ = ["Tensor", "kornia", "torch", "torchvision"]

Array = NDArray[Any]
Modules = dict[str, Any]

_MODES = {"constant": "constant", "reflect": "mirror", "replicate": "nearest", "circular": "wrap"}


class Tensor:
    """An array (planes, channels, rows, columns), on the host or on "cuda:0"."""

    def __init__(self, array: Array, device: str) -> None:
        self.array, self.device = array, device
        self.shape = array.shape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self.array, dtype)

    def __getitem__(self, index: Any) -> Tensor:
        return Tensor(self.array[index], self.device)

    def to(self, *where: Any) -> Tensor:
        """Return it on a device, of a dtype, or both."""
        device, array = self.device, self.array
        for each in where:
            if isinstance(each, str):
                device = each
            else:
                array = array.astype(each)
        return Tensor(array, device)

    def movedim(self, source: int, target: int) -> Tensor:
        return Tensor(np.moveaxis(self.array, source, target), self.device)

    def reshape(self, *shape: int) -> Tensor:
        return Tensor(self.array.reshape(shape), self.device)

    def is_floating_point(self) -> bool:
        return self.array.dtype.kind == "f"

    def contiguous(self) -> Tensor:
        return Tensor(np.ascontiguousarray(self.array), self.device)

    def round_(self) -> Tensor:
        np.rint(self.array, out=self.array)
        return self

    def clamp_(self, low: float, high: float) -> Tensor:
        np.clip(self.array, low, high, out=self.array)
        return self


def torch(log: list[str], stream: int = 0) -> Modules:
    """Return PyTorch, whose current stream has a number; contexts that are entered are noted."""

    class Noted:
        def __init__(self, name: str) -> None:
            self.name = name

        def __enter__(self) -> None:
            log.append(self.name)

        def __exit__(self, *_: object) -> None:
            log.append(f"end of {self.name}")

    def as_tensor(array: Array, device: str) -> Tensor:
        assert device == "cuda:0"
        return Tensor(array, device)

    cudnn = SimpleNamespace(benchmark=False, allow_tf32=True)
    backends = SimpleNamespace(
        cudnn=cudnn, cuda=SimpleNamespace(matmul=SimpleNamespace(allow_tf32=True))
    )
    cuda = SimpleNamespace(
        is_available=lambda: True,
        current_stream=lambda: SimpleNamespace(cuda_stream=stream),
        ExternalStream=lambda number, device: f"stream {number} of {device}",
        stream=Noted,
    )
    dtypes = {name: np.dtype(name) for name in ("uint8", "uint16", "float16", "float32")}
    module = SimpleNamespace(
        **dtypes,
        as_tensor=as_tensor,
        from_numpy=lambda array: Tensor(array, "cpu"),
        set_num_threads=lambda count: None,
        inference_mode=lambda: Noted("inference"),
        backends=backends,
        cuda=cuda,
    )
    return {"torch": module}


def kornia() -> Modules:
    """Return kornia, of SciPy's functions and OpenCV's."""

    def each(image: Tensor, run: Callable[[Array], Array]) -> Tensor:
        assert image.device == "cuda:0"
        assert image.array.dtype.kind == "f"
        planes = image.array.reshape(-1, *image.shape[-2:])
        found = np.stack([run(plane.astype(np.float32)) for plane in planes])
        return Tensor(found.reshape(image.shape).astype(image.array.dtype), image.device)

    def filter2d(image: Tensor, weights: Tensor, border: str) -> Tensor:
        assert weights.device == image.device
        taps, mode = weights.array[0].astype(np.float32), _MODES[border]
        return each(image, lambda plane: scipy.ndimage.correlate(plane, taps, mode=mode))

    def gaussian(image: Tensor, side: int, sigma: tuple[float, float], border: str) -> Tensor:
        reach, mode = side // 2, _MODES[border]
        return each(
            image,
            lambda plane: scipy.ndimage.gaussian_filter(plane, sigma, mode=mode, radius=reach),
        )

    def box(image: Tensor, side: int, border: str) -> Tensor:
        mode = _MODES[border]
        return each(image, lambda plane: scipy.ndimage.uniform_filter(plane, side, mode=mode))

    def sobel(image: Tensor, normalized: bool, eps: float) -> Tensor:
        assert (normalized, eps) == (False, 0.0)

        def strength(plane: Array) -> Array:
            both = (scipy.ndimage.sobel(plane, axis, mode="nearest") for axis in (0, 1))
            return np.asarray(np.hypot(*both))

        return each(image, strength)

    def median(image: Tensor, side: int, border: str) -> Tensor:
        mode = _MODES[border]
        return each(image, lambda plane: scipy.ndimage.median_filter(plane, side, mode=mode))

    def bilateral(image: Tensor, side: int, color: float, space: Any, border: str) -> Tensor:
        assert (len(image.shape), border) == (4, "reflect")
        pixels = np.ascontiguousarray(np.moveaxis(image.array[0], 0, -1))
        found = cv2.bilateralFilter(
            pixels, side, color, space[0], borderType=cv2.BORDER_REFLECT_101
        )
        planes = found.reshape(*image.shape[-2:], -1)
        return Tensor(np.moveaxis(planes, -1, 0)[None].copy(), image.device)

    def morphology(filtered: Callable[..., Array]) -> Callable[[Tensor, Tensor], Tensor]:
        return lambda image, window: each(
            image, lambda plane: filtered(plane, footprint=window.array > 0, mode="nearest")
        )

    filters = SimpleNamespace(
        filter2d=filter2d,
        gaussian_blur2d=gaussian,
        box_blur=box,
        sobel=sobel,
        median_blur=median,
        bilateral_blur=bilateral,
    )
    windows = SimpleNamespace(
        erosion=morphology(scipy.ndimage.minimum_filter),
        dilation=morphology(scipy.ndimage.maximum_filter),
    )
    return {"kornia": SimpleNamespace(filters=filters, morphology=windows)}


def torchvision() -> Modules:
    """Return torchvision's Gaussian, of SciPy's; it rounds bytes itself."""

    def blur(image: Tensor, side: list[int], sigma: list[float]) -> Tensor:
        reach = side[0] // 2
        planes = image.array.reshape(-1, *image.shape[-2:]).astype(np.float32)
        found = [
            scipy.ndimage.gaussian_filter(plane, sigma, mode="mirror", radius=reach)
            for plane in planes
        ]
        whole = np.reshape(found, image.shape)
        rounded = np.rint(whole) if image.array.dtype.kind == "u" else whole
        return Tensor(rounded.astype(image.array.dtype), image.device)

    functional = SimpleNamespace(gaussian_blur_image=blur)
    return {"torchvision.transforms.v2.functional": functional}
