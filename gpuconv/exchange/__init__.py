"""The door of every public function: arrays of other libraries come in, and go out again as theirs.

The library itself works on arrays of NumPy and of CuPy. What else is given, a torch tensor or a
dask array, is seen here and nowhere else: see :func:`public`.
"""

from __future__ import annotations

from gpuconv.exchange.borrowing import borrowing
from gpuconv.exchange.boundary import public
from gpuconv.exchange.differences import Difference
from gpuconv.exchange.reach import Reach, Reaching
from gpuconv.exchange.renaming import rename, rename_everywhere

__all__ = ["Difference", "Reach", "Reaching", "borrowing", "public", "rename", "rename_everywhere"]
