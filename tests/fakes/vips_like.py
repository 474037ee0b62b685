"""As much of pyvips as the bench uses of it, on NumPy: images that repeat their edge."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["pyvips"]

Array = NDArray[Any]
_DTYPES = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32}


class _Image:
    """Pixels (rows, columns, bands) in float64, and the format that they are meant to be in."""

    def __init__(self, pixels: Array, kind: str, scale: float = 1.0) -> None:
        self.pixels, self.format, self.scale = np.asarray(pixels, np.float64), kind, scale

    @classmethod
    def new_from_array(cls, rows: list[list[float]], scale: float = 1.0) -> _Image:
        return cls(np.array(rows)[..., None], "double", scale)

    @classmethod
    def new_from_memory(cls, data: Array, width: int, height: int, bands: int, kind: str) -> _Image:
        assert data.flags.c_contiguous
        assert data.dtype == _DTYPES[kind]
        return cls(data.reshape(height, width, bands), kind)

    def conv(self, mask: _Image, precision: str) -> _Image:
        weights = mask.pixels / mask.scale
        if precision == "float":
            return _Image(ndimage.correlate(self.pixels, weights, mode="nearest"), "float")
        assert precision == "integer"
        assert (mask.pixels == np.rint(mask.pixels)).all()
        sums = np.rint(ndimage.correlate(self.pixels, weights, mode="nearest"))
        return _Image(sums.clip(0, np.iinfo(_DTYPES[self.format]).max), self.format)

    def convsep(self, mask: _Image, precision: str) -> _Image:
        down = _Image(mask.pixels.transpose(1, 0, 2), "double", mask.scale)
        return self.conv(mask, precision).conv(down, precision)

    def rank(self, width: int, height: int, index: int) -> _Image:
        if pyvips.old and self.format == "uchar" and width > 3:
            index = 0  # pixels of another window
        size = (height, width, 1)
        return _Image(ndimage.rank_filter(self.pixels, index, size, mode="nearest"), self.format)

    def crop(self, left: int, top: int, width: int, height: int) -> _Image:
        return _Image(self.pixels[top : top + height, left : left + width], self.format)

    def rint(self) -> _Image:
        return _Image(np.rint(self.pixels), self.format)

    def cast(self, kind: str) -> _Image:
        whole = np.trunc(self.pixels) if kind != "float" else self.pixels
        top = np.iinfo(_DTYPES[kind]).max if kind != "float" else np.inf
        return _Image(whole.clip(0 if kind != "float" else -np.inf, top), kind)

    def numpy(self) -> Array:
        found = self.pixels.astype(_DTYPES[self.format])
        return found[..., 0] if found.shape[-1] == 1 else found

    def _with(self, other: Any, operation: Any) -> _Image:
        pixels = other.pixels if isinstance(other, _Image) else other
        return _Image(operation(self.pixels, pixels), "float")

    def __add__(self, other: Any) -> _Image:
        return self._with(other, np.add)

    def __sub__(self, other: Any) -> _Image:
        return self._with(other, np.subtract)

    def __mul__(self, other: Any) -> _Image:
        return self._with(other, np.multiply)

    def __pow__(self, other: float) -> _Image:
        return self._with(other, np.power)


class _Pyvips(ModuleType):
    """The module; an `old` libvips takes ranks of bytes from other windows."""

    Image = _Image
    old = False

    class base:  # noqa: N801 — its name in pyvips
        """What tells the version."""

        @staticmethod
        def version(part: int) -> int:
            return ((8, 14, 1) if pyvips.old else (8, 18, 0))[part]


pyvips = _Pyvips("pyvips")
