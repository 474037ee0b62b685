"""For programs that cannot be edited: scikit-image's own names mean gpuconv's functions.

Swapped is what scikit-image's modules have bound: its own functions, and SciPy's, which it is built
on. SciPy itself stays as it is; see :func:`gpuconv.scipy.use`.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import ContextDecorator
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from threading import RLock
from types import ModuleType
from typing import Any, TypeAlias

from gpuconv.exchange import rename, rename_everywhere
from gpuconv.skimage.errors import NotCoveredError

__all__ = ["disable", "enable", "enabled", "is_enabled"]

Function: TypeAlias = Callable[..., Any]

#: Modules whose functions are stood in for, and those that do.
_MODULES = {
    "scipy.ndimage": "gpuconv.scipy.ndimage",
    "scipy.signal": "gpuconv.scipy.signal",
    "skimage.filters": "gpuconv.skimage.filters",
    "skimage.restoration": "gpuconv.skimage.restoration",
}

_LOCK = RLock()
#: Who wants the functions swapped: contexts, and None for :func:`enable`.
_users = list[object]()
#: What scikit-image's modules hold, by its identity, and what they hold instead for a while.
_swapped = dict[int, tuple[Any, Any]]()


def enable() -> None:
    """Let scikit-image run on gpuconv, in this process, until :func:`disable`.

    Its functions that :mod:`gpuconv.skimage` has are swapped wherever its modules have bound them,
    and so are SciPy's filters: ``skimage.filters.gaussian`` is gpuconv's then, and ``canny``,
    ``corner_harris``, ``threshold_local`` or ``structural_similarity`` run on it. What scikit-image
    lets other libraries compute, ``mean_squared_error`` and ``normalized_root_mse`` today, is
    dispatched here, which it tells by a warning.

    Raises
    ------
    ImportError
        scikit-image is not installed.

    Notes
    -----
    Names that other modules took before are not reached: ``from skimage.filters import gaussian``
    at the top of a program. Import it from :mod:`gpuconv.skimage.filters`, or enable first.

    Where gpuconv has no answer, as for ``median(behavior="rank")``, scikit-image's function runs.
    Other threads see the same functions.

    Examples
    --------
    A program that was written for scikit-image, unchanged::

        gpuconv.skimage.enable()
        program.main()
    """
    with _LOCK:
        if None not in _users:
            _enter(None)


def disable() -> None:
    """Give scikit-image its own functions back.

    All is as it was before :func:`enable`, also in modules that took a function meanwhile; what
    holds one elsewhere, such as a table, has one that calls scikit-image's from then on. Contexts
    of :func:`enabled` keep what they need until they are left.

    Examples
    --------
    >>> disable()
    >>> is_enabled()
    False
    """
    with _LOCK:
        if None in _users:
            _leave(None)


def enabled() -> _Enabled:
    """Return a context in which scikit-image runs on gpuconv; a decorator, too.

    Returns
    -------
    context manager
        As :func:`enable` when it is entered; as before when it is left, also by an exception.
        Contexts may be nested.

    Raises
    ------
    ImportError
        On entering: scikit-image is not installed.

    Examples
    --------
    ::

        with gpuconv.skimage.enabled():
            edges = skimage.feature.canny(image, sigma=3)
    """
    return _Enabled()


def is_enabled() -> bool:
    """Return whether scikit-image runs on gpuconv.

    Examples
    --------
    >>> is_enabled()
    False
    """
    return bool(_users)


class _Enabled(ContextDecorator):
    """One who wants the functions swapped; may be entered again before it is left."""

    def __enter__(self) -> None:
        _enter(self)

    def __exit__(self, *_: object) -> None:
        _leave(self)


def _enter(user: object) -> None:
    with _LOCK:
        if not _users:
            try:
                _swap()
            except BaseException:
                _restore()
                raise
        _users.append(user)


def _leave(user: object) -> None:
    with _LOCK:
        _users.remove(user)
        if not _users:
            _restore()


def _swap() -> None:
    """Let the names of scikit-image's modules mean gpuconv's functions."""
    if _swapped:  # an exit was interrupted
        _restore()
    _swapped.update(_found())
    sys.meta_path.insert(0, _FINDER)
    rename_everywhere(_stand_ins(), "skimage.")


def _restore() -> None:
    """Put all functions back: anywhere, as a module may have taken one from scikit-image."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
    rename_everywhere({id(new): old for old, new in _swapped.values()})
    _swapped.clear()


def _stand_ins() -> dict[int, Any]:
    """Return what stands in for each function and module, by its identity."""
    return {key: new for key, (_, new) in list(_swapped.items())}


def _found() -> dict[int, tuple[Any, Any]]:
    """Return each function and module of :data:`_MODULES` with what stands in for it."""
    # All modules first, for they take names from each other.
    pairs = [(import_module(theirs), import_module(ours)) for theirs, ours in _MODULES.items()]
    found = dict[int, tuple[Any, Any]]()
    for theirs, ours in pairs:
        stand_ins = {
            name: _standing_in(getattr(theirs, name), getattr(ours, name))
            for name in ours.__all__
            if callable(getattr(theirs, name, None))
        }
        for name, stand_in in stand_ins.items():
            found[id(getattr(theirs, name))] = getattr(theirs, name), stand_in
        if theirs.__name__.startswith("scipy."):
            found[id(theirs)] = theirs, _Facade(theirs, stand_ins)
    return found


def _standing_in(theirs: Function, ours: Function) -> Function:
    """Return `ours` with the face of `theirs`, which it becomes once nobody wants it."""

    @functools.wraps(theirs)
    def stand_in(*given: Any, **named: Any) -> Any:
        if not _users:  # somewhere it outlived the context
            return theirs(*given, **named)
        try:
            return ours(*given, **named)
        except NotCoveredError:
            return theirs(*given, **named)

    return stand_in


class _Facade(ModuleType):
    """A module some of whose functions are others: what scikit-image's modules call ``ndi``."""

    def __init__(self, module: ModuleType, functions: dict[str, Function]) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__dict__.update(functions, _module=module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def __dir__(self) -> list[str]:
        return dir(self._module)


class _Loader(SourceFileLoader):
    """Loads a module of scikit-image, and swaps what it has bound."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        super().exec_module(module)
        rename(vars(module), _stand_ins())


class _Finder(MetaPathFinder):
    """Finds scikit-image's modules that nobody imported before, for scikit-image is lazy."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Return the module of a name, if it is scikit-image's."""
        if not name.startswith("skimage."):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(name, spec.loader.path)
        return spec


_FINDER = _Finder()
