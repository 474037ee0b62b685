"""Whole images multiplied in their spectra, by the library's transforms."""

from __future__ import annotations

from math import prod
from typing import Any

from gpuconv.backends.cuda import execution, runtime
from gpuconv.backends.cuda.fourier import product
from gpuconv.backends.cuda.launch import Kept, Scratch, Transform, Work
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.transfer import Transfer

__all__ = ["run", "work"]


def run(images: Any, transfer: Transfer) -> None:
    """Filter periodic images (…, rows, columns), contiguous, in place.

    Raises
    ------
    MemoryError
        There is no room for their spectra.
    """
    current = runtime.current()
    flat = images.reshape(-1, *transfer.size)
    todo = work(flat.shape[0], transfer, current.limits())
    if not execution.executed(current, todo, {"images": flat}):
        raise MemoryError(f"{todo.bytes} bytes are more than the device has free")


def work(count: int, transfer: Transfer, limits: Limits) -> Work:
    """Return what filters so many images."""
    rows, columns = transfer.size

    def response() -> Any:
        # What a transform there and back multiplies with is taken away here.
        return (transfer.values() / prod(transfer.size)).astype(transfer.complex)

    scratch = {
        "spectra": Scratch((count, *transfer.shape), transfer.complex),
        "response": Kept(transfer.shape, transfer.complex, transfer, response),
    }
    size = count, rows, columns, transfer.dtype
    steps = (
        Transform("images", "spectra", *size),
        product(*size, ("response", "spectra"), limits),
        Transform("spectra", "images", *size),
    )
    return Work(steps, scratch)
