"""Calls whose arrays come later, and what their results will be like."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpuconv import backends
from gpuconv.dask.graph import check_chunks
from gpuconv.dask.library import array_library, token_of
from gpuconv.errors import ArgumentError, ArgumentTypeError

__all__ = ["Given", "is_lazy"]

#: What other libraries call the array that a result is written to.
_ROOMS = ("out", "output", "dst")


def is_lazy(value: Any) -> bool:
    """Return whether something is a dask array.

    Examples
    --------
    >>> import dask.array as da
    >>> is_lazy(da.zeros(3)), is_lazy(np.zeros(3))
    (True, False)
    """
    return isinstance(value, array_library().Array)


@dataclass(frozen=True, eq=False)
class Given:
    """A call with arguments by name, some of which are dask arrays.

    Examples
    --------
    >>> import dask.array as da
    >>> given = Given(np.median, {"a": da.ones((9, 9)), "axis": 1})
    >>> given.name, given.rest, sorted(given.lazy), given({"a": np.eye(3)})
    ('median', {'axis': 1}, ['a'], array([0., 0., 0.]))
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.function.__name__

    @property
    def lazy(self) -> dict[str, Any]:
        """The arguments that are dask arrays."""
        return {name: value for name, value in self.arguments.items() if is_lazy(value)}

    @property
    def rest(self) -> dict[str, Any]:
        """The arguments that are not."""
        return {name: value for name, value in self.arguments.items() if not is_lazy(value)}

    @property
    def token(self) -> str:
        """A name for the result: the same for the same call."""
        lazy = {name: array.name for name, array in self.lazy.items()}
        token = token_of(self.function.__module__, self.name, self.rest, lazy)
        return f"{self.name}-{token}"

    def check(self) -> None:
        """Raise if the call makes no sense for arrays that are yet to be made."""
        for name, array in self.lazy.items():
            check_chunks(array, name)
        for name in _ROOMS:
            room = self.arguments.get(name)
            if room is not None and not isinstance(room, (str, type, np.dtype)):
                raise ArgumentTypeError(
                    f"{name} is of type {type(room).__name__}; the result of a dask array is "
                    f"another dask array, computed when it is asked for: leave {name} away, and "
                    "store the result with its store() or to_zarr()"
                )

    def __call__(self, arrays: Mapping[str, Any]) -> Any:
        """Return the result for arrays in place of some arguments."""
        return self.function(**{**self.arguments, **arrays})

    def tried(self, arrays: Mapping[str, tuple[int, ...]]) -> Any:
        """Return what comes of the call for small numbers in arrays of these shapes, on the host.

        What is wrong with other arguments is told now. Warnings are not: they would speak of
        arrays that nobody has, and tasks will give them for those that there are.
        """
        made = {name: _numbers(n, self.arguments[name].dtype) for name, n in arrays.items()}
        on_host = {name: _on_host(value) for name, value in self.arguments.items()}
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = Given(self.function, on_host)(made)
        for each in found if isinstance(found, tuple) else (found,):
            if np.asarray(each).dtype.kind not in "biufc":
                raise ArgumentError(
                    f"{self.name} returns {type(each).__name__}, which cannot be computed lazily: "
                    "call it for an array of NumPy, as dask.array.Array.compute() makes one"
                )
        return found


def _numbers(shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """Return ones and zeros: there are functions that return a flat image as it is."""
    made = np.ones(shape, dtype)
    made.reshape(-1)[1::2] = 0
    return made


def _on_host(value: Any) -> Any:
    """Return an argument as it is, or, where a GPU has it, in host memory."""
    engine = backends.owner(value)
    return value if engine is backends.host else engine.asnumpy(value)
