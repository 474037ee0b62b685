"""dask-image on gpuconv: what filters its chunks is exchanged."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial
from importlib import import_module
from types import ModuleType, TracebackType
from typing import Any

import numpy as np

from gpuconv.errors import MissingExtraError

__all__ = ["FILTERS", "Registration", "register", "unregister"]

#: Functions of dask-image whose chunks gpuconv filters: those of ``scipy.ndimage`` of these names.
FILTERS = (
    "convolve",
    "correlate",
    "gaussian_filter",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "laplace",
    "maximum_filter",
    "median_filter",
    "minimum_filter",
    "percentile_filter",
    "prewitt",
    "rank_filter",
    "sobel",
    "uniform_filter",
)

#: What each dispatcher did before: by the type of chunks, and by the library they come from.
_BEFORE: dict[str, tuple[dict[Any, Any], dict[str, Any]]] = {}


class Registration(AbstractContextManager["Registration"]):
    """That gpuconv filters the chunks of dask-image; it ends with a ``with`` statement."""

    def __init__(self, names: Iterable[str]) -> None:
        #: What was exchanged by it, and not before.
        self._names = tuple(names)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        """Give dask-image the filters back that it had."""
        _give_back(self._names)


def register() -> Registration:
    """Let gpuconv filter the chunks of dask-image, of NumPy and of CuPy.

    ``dask_image.ndfilters`` is called as before; its other functions keep their filters. Where the
    border is "wrap", dask-image itself gives chunks what is not theirs: call the functions of
    :mod:`gpuconv.scipy.ndimage` for dask arrays there.

    Returns
    -------
    Registration
        In a ``with`` statement it ends with the block, unless it was there before; else it lasts
        until :func:`unregister`.

    Raises
    ------
    MissingExtraError
        dask-image is not installed.

    Examples
    --------
    >>> import dask.array as da
    >>> from dask_image.ndfilters import gaussian_filter
    >>> with register():
    ...     blurred = gaussian_filter(da.ones((60, 80), chunks=32), 2)
    >>> blurred.mean().compute().round(12)
    np.float64(1.0)
    """
    dispatch = _dispatch()
    names = [name for name in FILTERS if name not in _BEFORE]
    for name in names:
        _exchange(name, getattr(dispatch, f"dispatch_{name}"))
    return Registration(names)


def unregister() -> None:
    """Give dask-image its own filters back; those of arrays made before stay as they are.

    Examples
    --------
    >>> unregister()
    """
    _give_back(tuple(_BEFORE))


def _give_back(names: Iterable[str]) -> None:
    for name in _BEFORE.keys() & set(names):
        dispatcher = getattr(_dispatch(), f"dispatch_{name}")
        types, libraries = _BEFORE.pop(name)
        dispatcher._lookup = types
        dispatcher._lazy = libraries


def _dispatch() -> ModuleType:
    try:
        return import_module("dask_image.dispatch._dispatch_ndfilters")
    except ImportError as error:
        raise MissingExtraError("dask-image", "dask-image", "gpuconv.dask.register") from error


def _exchange(name: str, dispatcher: Any) -> None:
    """Have a dispatcher answer with our function of a name, for NumPy's and for CuPy's chunks."""
    # Dask's dispatchers cannot forget, so that what they know is kept, and given back as it was.
    _BEFORE[name] = dict(dispatcher._lookup), dict(dispatcher._lazy)
    ours = partial(_ours, name)
    dispatcher.register(np.ndarray, ours)
    dispatcher.register_lazy("cupy", lambda: _of_cupy(dispatcher, ours))
    if "cupy" in sys.modules:
        _of_cupy(dispatcher, ours)


def _of_cupy(dispatcher: Any, ours: Callable[..., Any]) -> None:
    dispatcher.register(import_module("cupy").ndarray, ours)


def _ours(name: str, *given: Any, **named: Any) -> Any:
    """Return what dask-image then calls for each chunk."""
    return getattr(import_module("gpuconv.scipy.ndimage"), name)
