"""Trying again what failed for a reason that may pass: a network drive that was away, say."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TypeVar

__all__ = ["FIRST_PAUSE", "patient", "transient"]

_Result = TypeVar("_Result")

#: Seconds before the second try; each further pause is twice as long.
FIRST_PAUSE = 0.1

_NAMES = (
    "EAGAIN EBUSY ECONNABORTED ECONNREFUSED ECONNRESET EHOSTDOWN EHOSTUNREACH EINTR EIO ENETDOWN "
    "ENETRESET ENETUNREACH ENOLCK EREMOTEIO ESTALE ETIMEDOUT"
)
#: Those that this system has.
_TRANSIENT = {getattr(errno, name) for name in _NAMES.split() if hasattr(errno, name)}


def transient(error: BaseException) -> bool:
    """Return whether an error, or one that it comes from, may pass by itself.

    Examples
    --------
    >>> transient(TimeoutError(errno.ETIMEDOUT, "timed out")), transient(ValueError("no image"))
    (True, False)
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _TRANSIENT:
            return True
        cause = cause.__cause__
    return False


def patient(call: Callable[[], _Result], retries: int, pause: Callable[[float], bool]) -> _Result:
    """Return what `call` returns, called again after errors that may pass.

    Parameters
    ----------
    call : callable
    retries : int
        How many times more it is called.
    pause : callable
        Waits for some seconds; returns whether to give up.

    Examples
    --------
    >>> answers = iter([TimeoutError(errno.ETIMEDOUT, "timed out"), "pixels"])
    >>> def read():
    ...     answer = next(answers)
    ...     if isinstance(answer, OSError):
    ...         raise answer
    ...     return answer
    >>> patient(read, retries=1, pause=lambda seconds: False)
    'pixels'
    """
    for tried in range(retries + 1):
        try:
            return call()
        except OSError as error:
            if tried == retries or not transient(error) or pause(FIRST_PAUSE * 2**tried):
                raise
    raise AssertionError("unreachable")
