"""Device arrays that outlive a call: the spectra of kernels, and what goes with them.

They are kept for each stream of each device. What one stream has written another may read only when
it has waited; and memory that a stream gives back is given out again at once, as what uses it next
is done later in that stream's order, which is no order for the readers on another.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuconv.backends.cuda.launch import Kept
from gpuconv.backends.cuda.protocol import Runtime
from gpuconv.bounded import Bounded

__all__ = ["array", "clear"]

#: Bytes of device memory that are kept: the spectra of sixty kernels for tiles of 1024 × 1024
#: float32 pixels. Larger ones than all of it are made again in each call.
_KEPT: Bounded[Any] = Bounded(most=256 * 2**20)


def array(current: Runtime, wanted: Kept) -> Any:
    """Return a kept array, made now if there is none.

    Raises
    ------
    MemoryError
        There is no room for it.
    """
    key = current.queue(), wanted.key
    return _KEPT.get(key, lambda: _made(current, wanted), bytes=wanted.bytes)


def _made(current: Runtime, wanted: Kept) -> Any:
    values = current.asarray(np.ascontiguousarray(wanted.values()))
    if not wanted.spectrum:
        return values
    spectrum = current.empty(wanted.shape, wanted.dtype)
    current.transform(values, spectrum)()
    return spectrum


def clear() -> None:
    """Give all of it back."""
    _KEPT.clear()
