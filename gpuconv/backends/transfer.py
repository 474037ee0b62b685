"""What a periodic image is multiplied with in its spectrum: a filter of any extent, exactly."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Transfer"]


@dataclass(frozen=True)
class Transfer:
    """The transfer function of a filter, for images that go on as they begin.

    Engines keep it between calls, by what it depends on.
    """

    #: Rows and columns of the images; each at least 2.
    size: tuple[int, int]
    #: Of a pixel.
    dtype: np.dtype[Any]
    #: What its values depend on, beside the size.
    key: Hashable
    #: The values at the frequencies of ``numpy.fft.rfft2``, computed when they are needed.
    values: Callable[[], NDArray[Any]] = field(compare=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the values."""
        return self.size[0], self.size[1] // 2 + 1

    @property
    def complex(self) -> np.dtype[Any]:
        """The dtype of spectra."""
        return np.result_type(self.dtype, np.complex64)

    @property
    def nbytes(self) -> int:
        """Bytes of the values, as engines keep them."""
        return prod(self.shape) * self.complex.itemsize
