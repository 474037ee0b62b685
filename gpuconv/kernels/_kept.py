"""The same kernel for the same arguments: it is made once, and its plans are found at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from gpuconv.bounded import Bounded
from gpuconv.kernel import Kernel

__all__ = ["kept"]

P = ParamSpec("P")

#: Bytes of all kernels that are kept, about.
_MOST = 8 * 2**20
_KEPT: Bounded[Kernel] = Bounded(most=_MOST)


def kept(make: Callable[P, Kernel]) -> Callable[P, Kernel]:
    """Let a function return the kernel that it has made before, if it gets the same arguments.

    To make a Gaussian of 9×9 takes longer than to filter an image of 64×64 with it.

    Examples
    --------
    >>> @kept
    ... def shift(by: int) -> Kernel:
    ...     return Kernel([[1] + by * [0]])
    >>> shift(3) is shift(3), shift(3) is shift(2)
    (True, False)
    """

    @wraps(make)
    def found(*given: P.args, **named: P.kwargs) -> Kernel:
        # Of each argument its type, too: True is no size, though it equals 1.
        types = tuple(map(type, given)), tuple(map(type, named.values()))
        key: Any = make, given, tuple(named.items()), types
        try:
            known = _KEPT.known(key)
        except TypeError:  # a list among them, say
            return make(*given, **named)
        if known is None:
            kernel = make(*given, **named)
            known = _KEPT.get(key, lambda: kernel, bytes=1024 + kernel.nbytes)
        return known

    return found
