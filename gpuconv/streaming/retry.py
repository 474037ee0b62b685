"""Errors of the file system told apart: those that pass are tried again, a full disk is not."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from typing import TypeVar

__all__ = ["FIRST_PAUSE", "disk_full", "patient", "transient"]

_Result = TypeVar("_Result")

#: Seconds before the second try; each further pause is twice as long.
FIRST_PAUSE = 0.1

_NAMES = (
    "EAGAIN EBUSY ECONNABORTED ECONNREFUSED ECONNRESET EHOSTDOWN EHOSTUNREACH EINTR EIO ENETDOWN "
    "ENETRESET ENETUNREACH ENOLCK EREMOTEIO ESTALE ETIMEDOUT"
)


def _known(names: str) -> frozenset[int]:
    """Return the numbers of those errors that this system has."""
    return frozenset(getattr(errno, name) for name in names.split() if hasattr(errno, name))


_TRANSIENT = _known(_NAMES)
_FULL = _known("ENOSPC EDQUOT")


def _numbers(error: BaseException | None) -> Iterator[int | None]:
    """Yield the system's numbers of an error, and of those that it comes from."""
    while error is not None:
        yield error.errno if isinstance(error, OSError) else None
        error = error.__cause__


def transient(error: BaseException) -> bool:
    """Return whether an error, or one that it comes from, may pass by itself.

    Examples
    --------
    >>> transient(TimeoutError(errno.ETIMEDOUT, "timed out")), transient(ValueError("no image"))
    (True, False)
    """
    return any(number in _TRANSIENT for number in _numbers(error))


def disk_full(error: BaseException) -> bool:
    """Return whether a disk or a quota is used up, so that nothing else can be written either.

    Examples
    --------
    >>> disk_full(OSError(errno.ENOSPC, "No space left")), disk_full(MemoryError())
    (True, False)
    """
    return any(number in _FULL for number in _numbers(error))


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
