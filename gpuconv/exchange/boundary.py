"""The decorator that all public functions over arrays have."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, ParamSpec, TypeVar, overload

import numpy as np

from gpuconv import backends
from gpuconv.epilogue import Epilogue
from gpuconv.errors import ArgumentError
from gpuconv.exchange.kind import Kind
from gpuconv.exchange.reach import Reaching
from gpuconv.exchange.table import kind_of
from gpuconv.kernel import Kernel
from gpuconv.window import Window

__all__ = ["public"]

P = ParamSpec("P")
R = TypeVar("R")

#: What most arguments are, and what is never foreign: found at once.
_PLAIN = frozenset(
    {np.ndarray, Kernel, Window, Epilogue, type(None), bool, int, float, complex, str, type}
    | {type(np.dtype(code)) for code in np.typecodes["AllFloat"] + np.typecodes["AllInteger"]}
)

#: The same without arrays, which may have to lie where the image does.
_NUMBERS = _PLAIN - {np.ndarray}

#: Arguments that are written, and those that are read beside the image, pixel by pixel. They must
#: lie where it does. All others are few numbers, weights among them, and are read in host memory.
_WRITTEN = frozenset({"dst", "out", "output"})
_BESIDE = frozenset({"image1", "image_test", "in2", "initial", "mask", "reference"})


@overload
def public(function: Callable[P, R]) -> Callable[P, R]: ...
@overload
def public(*, reach: Reaching) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def public(function: Any = None, *, reach: Reaching | None = None) -> Any:
    """Let a function take arrays of any library, and return arrays of the same.

    Arrays are those of NumPy and CuPy, PyTorch's tensors, Python's buffers, and all that have
    ``__array_namespace__``, ``__dlpack__`` or ``__cuda_array_interface__``. Memory is shared, never
    copied, but for weights that lie on a GPU. Results are of the library of the first argument, the
    image, and lie where it does; one that was given as ``out=`` is returned as it was given. An
    image of a type without a library of its own, as a memoryview is, gives arrays of NumPy.

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
        With the signature and the docstring of `function`. It raises an ArgumentError where arrays
        lie on different devices.

    Examples
    --------
    >>> @public
    ... def halved(image):
    ...     return image / 2
    >>> halved(memoryview(b"ab"))
    array([48.5, 49. ])
    """
    if function is None:
        return functools.partial(public, reach=reach)
    plain = _PLAIN.issuperset

    @functools.wraps(function)
    def taken(*given: Any, **named: Any) -> Any:
        # In C for nearly all calls, as this stands before each.
        if plain(map(type, given)) and plain(map(type, named.values())):
            return function(*given, **named)
        if _is_cupys(given, named):
            return function(*given, **named)
        if any(map(_foreign, given)) or any(map(_foreign, named.values())):
            return _exchanged(taken, reach, given, named)
        return function(*given, **named)

    return taken


def _is_cupys(given: tuple[Any, ...], named: dict[str, Any]) -> bool:
    """Return whether nothing is foreign but an image of CuPy's, and ``out=`` on its device.

    These are what the engines take, and most that comes from a GPU.
    """
    cupys = getattr(sys.modules.get("cupy"), "ndarray", None)
    if not given or type(given[0]) is not cupys:
        return False
    out = named.get("out")
    if out is not None and not (type(out) is cupys and out.device == given[0].device):
        return False
    for value in (*given[1:], *named.values()):
        kind = type(value)
        within = map(type, value) if kind is tuple else ()  # a pair of kernels, say
        plain = kind in _NUMBERS or (kind is tuple and _NUMBERS.issuperset(within))
        if not (plain or value is out):
            return False
    return True


def _foreign(value: Any) -> bool:
    """Return whether that is an array of another library, or a sequence that begins with one.

    Kernels may be pairs of arrays, and there may be a list of them.
    """
    known = type(value)
    if known is tuple or known is list:
        return bool(value) and _foreign(value[0])
    return known not in _PLAIN and kind_of(value) is not None


def _exchanged(taken: Any, reach: Reaching | None, given: Any, named: Any) -> Any:
    """Call what `taken` decorates, with arrays that come in and go out."""
    names = _positional(taken)
    if len(given) > len(names) or named.keys() & set(names[: len(given)]):
        return taken.__wrapped__(*given, **named)  # it tells what is wrong
    arguments = dict(zip(names, given, strict=False)) | named
    kinds = {name: kind for name, v in arguments.items() if (kind := kind_of(v))}
    if any(kind.lazy for kind in kinds.values()):
        return _lazily(taken, reach, arguments)
    image = names[0]
    _check_devices(image, arguments, kinds)
    taker = kinds.get(image)
    with (taker or _NOTHING).around(arguments.get(image)):
        known = {name: _taken(name, v, image) for name, v in arguments.items()}
        result = taken.__wrapped__(**known)
        own = {id(known[name]): arguments[name] for name in _WRITTEN & arguments.keys()}
        found = _returned(result, taker, arguments.get(image), own)
    for name in _WRITTEN & kinds.keys():
        kinds[name].written(arguments[name])
    return found


_NOTHING = Kind()


@functools.lru_cache(maxsize=512)
def _positional(function: Any) -> tuple[str, ...]:
    """Return the parameters that can be given without their names."""
    parameters = inspect.signature(function).parameters.values()
    return tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)


def _taken(name: str, value: Any, image: str) -> Any:
    """Return an argument as the engines take it."""
    kind = kind_of(value)
    if kind is None:
        if type(value) in (tuple, list) and _foreign(value):
            return type(value)(_taken(name, one, image) for one in value)
        return value
    if name in _WRITTEN:
        return kind.room(value, name)
    if name == image or name in _BESIDE:
        return kind.view(value, name)
    return kind.local(value, name)


def _returned(result: Any, kind: Kind | None, image: Any, own: Mapping[int, Any]) -> Any:
    """Return a result as the caller's library has it; what was given to be written, as given."""
    if id(result) in own:
        return own[id(result)]
    if type(result) in (tuple, list):
        return type(result)(_returned(one, kind, image, own) for one in result)
    array = any(engine.owns(result) for engine in backends.BACKENDS)
    return kind.like(result, image) if kind and array else result


def _check_devices(image: str, arguments: Mapping[str, Any], kinds: Mapping[str, Kind]) -> None:
    """Raise where arrays that belong together lie apart."""
    together = []
    for name in (image, *sorted((_WRITTEN | _BESIDE) & arguments.keys())):
        known = kinds[name].array if name in kinds else isinstance(arguments.get(name), np.ndarray)
        if known:
            together.append(name)
    if len(together) < 2 or together[0] != image:
        return
    devices = {n: kinds[n].device(arguments[n]) if n in kinds else "cpu" for n in together}
    for name, device in devices.items():
        if device != devices[image]:
            raise ArgumentError(
                f"{name} lies on {device} and {image} on {devices[image]}; they must be on one "
                "device"
            )


def _lazily(taken: Any, reach: Reaching | None, arguments: Mapping[str, Any]) -> Any:
    """Return the lazy result of a call with dask arrays among its arguments."""
    signature = inspect.signature(taken)
    bound = signature.bind(**arguments)
    bound.apply_defaults()
    complete = dict(bound.arguments)
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            complete |= complete.pop(name)
    library: Any = import_module("gpuconv.dask.overlap")
    return library.over_dask(taken, reach, complete)
