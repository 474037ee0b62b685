"""The decorator that all public functions over arrays have."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

from gpuconv.exchange.reach import Reaching

__all__ = ["public"]

P = ParamSpec("P")
R = TypeVar("R")


@overload
def public(function: Callable[P, R]) -> Callable[P, R]: ...
@overload
def public(*, reach: Reaching) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def public(function: Any = None, *, reach: Reaching | None = None) -> Any:
    """Let a function take arrays of any library, and return arrays of the same.

    Parameters
    ----------
    function : callable
        It is for arrays of NumPy and of CuPy.
    reach : callable, optional
        What says how far a call reads, for arrays that are filtered in parts: a function of the
        parameters by name. Without it an array is filtered as a whole.

    Returns
    -------
    callable
        With the signature and the docstring of `function`.

    Examples
    --------
    >>> @public
    ... def halved(image):
    ...     return image / 2
    >>> halved(4)
    2.0
    """
    if function is None:
        return functools.partial(public, reach=reach)

    @functools.wraps(function)
    def taken(*given: Any, **named: Any) -> Any:
        return function(*given, **named)

    return taken
