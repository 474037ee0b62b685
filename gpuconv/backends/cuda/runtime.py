"""Which runtime is in use: CuPy's, or one that takes its place for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from gpuconv.backends.cuda.cupy_runtime import Compiled, CupyRuntime
from gpuconv.backends.cuda.protocol import Event, Kernel, Limits, Runtime, Stream, beyond
from gpuconv.errors import DeviceError

__all__ = [
    "Compiled",
    "CupyRuntime",
    "Event",
    "Kernel",
    "Limits",
    "Runtime",
    "Stream",
    "beyond",
    "compiled",
    "current",
    "started",
    "substituted",
    "use",
]

_substitute: Runtime | None = None
_cupy: CupyRuntime | None = None
_starting = Lock()


def current() -> Runtime:
    """Return the runtime in use: CuPy's, unless another one is.

    Raises
    ------
    DeviceError
        CuPy cannot be imported.
    """
    global _cupy
    if _substitute is not None:
        return _substitute
    if _cupy is None:
        with _starting:
            try:
                _cupy = _cupy or CupyRuntime()
            except ModuleNotFoundError as error:
                raise DeviceError(
                    "CuPy is not installed: pip install 'gpuconv[cuda13]', or 'gpuconv[cuda12]' "
                    "for a driver that is older than CUDA 13"
                ) from error
            except Exception as error:  # a broken installation can raise anything
                raise DeviceError(f"CuPy cannot be imported: {error}") from error
    return _cupy


def compiled() -> list[Compiled]:
    """Return what CuPy compiled in this process, oldest first."""
    return _cupy.compiled() if _cupy else []


def started() -> bool:
    """Return whether a runtime has been at work in this process, so that nothing needs a probe."""
    return substituted() or _cupy is not None


def substituted() -> bool:
    """Return whether another runtime than CuPy's is in use."""
    return _substitute is not None


@contextmanager
def use(runtime: Runtime) -> Iterator[Runtime]:
    """Have the whole process use another runtime, for as long as the context lasts."""
    global _substitute
    before, _substitute = _substitute, runtime
    try:
        yield runtime
    finally:
        _substitute = before
