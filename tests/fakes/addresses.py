"""Arrays in host memory by their address, as libraries in C have them."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["address_of", "at"]

Array = NDArray[Any]


def at(address: int, shape: tuple[int, ...], dtype: Any) -> Array:
    """Return the array that lies at an address."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = (ctypes.c_char * size).from_address(address)
    return np.frombuffer(memory, dtype).reshape(shape)


def address_of(array: Array) -> int:
    """Return where an array of NumPy's begins, as `on_gpu.address` does for CuPy's."""
    assert array.flags.c_contiguous
    return int(array.ctypes.data)
