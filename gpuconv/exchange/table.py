"""Which types are arrays of other libraries: a row for each, and the protocols that all share.

A library is never imported to find out: of one that was not, there can be no array.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from gpuconv.errors import ArgumentTypeError
from gpuconv.exchange.kind import Kind

__all__ = ["kind_of"]


class _Lazy(Kind):
    """Dask's arrays, which gpuconv.dask takes."""

    lazy = True

    def view(self, array: Any, name: str) -> Any:
        """Raise: one that is an argument itself does not come here."""
        raise ArgumentTypeError(
            f"{name} is a sequence of dask arrays; make one array of them with dask.array.stack, "
            "or compute() them before"
        )


def _tensors() -> Kind:
    from gpuconv.exchange.tensors import Tensors

    return Tensors()


def _torch_dtypes() -> Kind:
    from gpuconv.exchange.tensors import Dtypes

    return Dtypes()


def _on_gpu() -> Kind:
    from gpuconv.exchange.protocols import OnGpu

    return OnGpu()


#: Module, class, and the kind of its instances. Before protocols, of which torch's tensors have
#: some that they do not keep.
_CLASSES: tuple[tuple[str, str, Callable[[], Kind]], ...] = (
    ("torch", "Tensor", _tensors),
    ("torch", "dtype", _torch_dtypes),
    ("dask.array", "Array", _Lazy),
    ("cupy", "ndarray", _on_gpu),
)


def kind_of(value: Any) -> Kind | None:
    """Return what kind of foreign array that is; None for all else.

    Examples
    --------
    >>> kind_of(np.zeros(3)), kind_of(2.5)
    (None, None)
    >>> type(kind_of(memoryview(b"abc"))).__name__
    'Buffer'
    """
    cls: Any = type(value)
    return _kind(cls)


@lru_cache(maxsize=256)
def _kind(cls: type) -> Kind | None:
    """Return the kind of a class, found out once."""
    if issubclass(cls, (np.ndarray, np.generic)):
        return None
    for module, name, make in _CLASSES:
        known = getattr(sys.modules.get(module), name, None)
        if isinstance(known, type) and issubclass(cls, known):
            return make()
    return _by_protocol(cls)


def _by_protocol(cls: type) -> Kind | None:
    from array import array

    from gpuconv.exchange import protocols

    if hasattr(cls, "__array_namespace__"):
        return protocols.Namespaced()
    if hasattr(cls, "__cuda_array_interface__"):
        return protocols.OnGpu()
    if hasattr(cls, "__dlpack__"):
        return protocols.Exchangeable()
    return protocols.Buffer() if issubclass(cls, (memoryview, bytearray, array)) else None
