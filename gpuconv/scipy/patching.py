"""For programs that cannot be edited: SciPy's own names mean gpuconv's functions for a while."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import ContextDecorator
from importlib import import_module
from threading import RLock
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from gpuconv import backends, dtypes
from gpuconv.exchange import rename_everywhere

__all__ = ["use"]

Function: TypeAlias = Callable[..., Any]

#: Modules of SciPy, and those that stand in for them.
_MODULES = {"scipy.ndimage": "gpuconv.scipy.ndimage", "scipy.signal": "gpuconv.scipy.signal"}


def use(*, device: str | None = None) -> _Use:
    """Let the names of ``scipy.ndimage`` and ``scipy.signal`` mean gpuconv's functions for a while.

    Parameters
    ----------
    device : {None, "auto", "cpu", "cuda", "cuda:N"}
        With a GPU, arrays in host memory are filtered there, and come back. By default each is
        filtered where it lies.

    Returns
    -------
    context manager
        It is also a decorator: the names are patched while the function runs. (Of a generator or
        a coroutine little runs when it is called: write ``with`` in its body.)

    Raises
    ------
    DeviceError
        `device` cannot be used.
    ImportError
        SciPy is not installed.

    Notes
    -----
    What is patched are the attributes of the two modules, so it reaches all code that looks them up
    when it calls: ``ndimage.gaussian_filter(…)``, much of scikit-image, modules that are imported
    meanwhile. It does not reach names that a module imported before: ``from scipy.ndimage import
    gaussian_filter`` at its top.

    On exit, also by an exception, all is as it was. Names that other modules took meanwhile are put
    back, and what took a function to where it cannot be found (a table, a closure) has one that
    calls SciPy's from then on. Contexts may be nested, in any order: the last one out restores.

    Attributes of modules belong to the whole process: other threads that filter at the same time
    use gpuconv, too. gpuconv never calls SciPy, so nothing recurses.

    Examples
    --------
    A program that was written for SciPy, unchanged:

    >>> import gpuconv.scipy
    >>> @gpuconv.scipy.use()
    ... def main(image):
    ...     from scipy import ndimage
    ...     return ndimage.gaussian_filter(image, 2)
    """
    return _Use(_sends(device))


def _sends(device: str | None) -> str | None:
    """Return the GPU that arrays in host memory are sent to, if any."""
    engine = backends.choices(None, device)[-1]
    return None if engine.NAME == "host" else "cuda" if device == "auto" else device


class _Use(ContextDecorator):
    """One who wants SciPy's names patched; may be entered again before it is left."""

    def __init__(self, device: str | None) -> None:
        self.device = device

    def __enter__(self) -> None:
        with _LOCK:
            if not _users:
                try:
                    _patch()
                except BaseException:
                    _restore()
                    raise
            _users.append(self)

    def __exit__(self, *_: object) -> None:
        with _LOCK:
            _users.remove(self)
            if not _users:
                _restore()


class _Name:
    """A name of SciPy's: the function that it means, and the one that it means for a while."""

    def __init__(self, module: ModuleType, name: str, theirs: Function, ours: Function) -> None:
        self.module, self.name, self.theirs = module, name, theirs
        self.stand_in = _standing_in(theirs, ours)
        # As it can be found, which is all that pickle asks.
        self.stand_in.__module__, self.stand_in.__qualname__ = module.__name__, name


_LOCK = RLock()
#: Who wants the names patched; the device of the last one counts.
_users = list[_Use]()
_patched = list[_Name]()


def _found() -> list[tuple[ModuleType, str, Function, Function]]:
    """Return (module, name, SciPy's function, ours) of all names that there are in both."""
    # All modules before a name is patched, for they take names from each other.
    pairs = [(import_module(theirs), import_module(ours)) for theirs, ours in _MODULES.items()]
    return [
        (theirs, name, getattr(theirs, name), getattr(ours, name))
        for theirs, ours in pairs
        for name in ours.__all__
        if callable(getattr(theirs, name, None))
    ]


def _standing_in(theirs: Function, ours: Function) -> Function:
    """Return `ours` with the face of `theirs`, which it becomes once nobody uses gpuconv."""

    @functools.wraps(theirs)
    def stand_in(*given: Any, **named: Any) -> Any:
        try:
            device = _users[-1].device
        except IndexError:  # what took this function has outlived the context
            return theirs(*given, **named)
        return ours(*given, **named) if device is None else _sent(ours, device, given, named)

    return stand_in


def _patch() -> None:
    """Let SciPy's names mean gpuconv's functions."""
    if _patched:  # an exit was interrupted
        _restore()
    _patched.extend(_Name(*found) for found in _found())
    for name in _patched:
        setattr(name.module, name.name, name.stand_in)


def _restore() -> None:
    """Put SciPy's functions back, wherever a module has one of the others."""
    rename_everywhere({id(name.stand_in): name.theirs for name in _patched})
    _patched.clear()


def _sent(ours: Function, device: str, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Return what a function makes of arrays on a GPU, back in host memory."""
    arrays = [value for value in (*given, *named.values()) if isinstance(value, np.ndarray)]
    if not all(array.dtype.name in dtypes.TABLE for array in arrays):
        return ours(*given, **named)
    engine = backends.select(None, device)
    with engine.place(None, device):
        there = {id(array): engine.asarray(array) for array in arrays}
        found = ours(
            *(there.get(id(value), value) for value in given),
            **{name: there.get(id(value), value) for name, value in named.items()},
        )
        return _back(engine, found, [(array, there[id(array)]) for array in arrays])


def _back(engine: ModuleType, found: Any, sent: list[tuple[Any, Any]]) -> Any:
    """Return an array in host memory: the one that was given for the output, if one was."""
    if not engine.owns(found):
        return found
    made = engine.asnumpy(found)
    for array, there in sent:
        if there is found:
            array[...] = made
            return array
    return made
