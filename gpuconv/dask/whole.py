"""Calls that need all of an array at once: one task, when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from gpuconv.dask.given import Given, is_lazy
from gpuconv.dask.library import array_library, delayed
from gpuconv.errors import ArgumentError

__all__ = ["as_whole"]

Shape: TypeAlias = tuple[int, ...]

#: Elements along each axis in a trial, beside as many as other arrays have, which may be kernels:
#: enough for the windows that measure quality.
_FEW = 32


def as_whole(given: Given) -> Any:
    """Return the result of a call that is one task, for arrays whose chunks are put together.

    Examples
    --------
    >>> import dask.array as da
    >>> from gpuconv.operations import psnr
    >>> black = da.zeros((40, 50), chunks=9)
    >>> made = as_whole(Given(psnr, {"image": black, "reference": black + 1, "data_range": 10}))
    >>> made.shape, made.compute()
    ((), array(20.))
    """
    first = next(iter(given.arguments.values()))
    image = first if is_lazy(first) else next(iter(given.lazy.values()))
    found, shapes = _tried(given, np.shape(first) or image.shape)
    blocks = {name: array.rechunk(-1).to_delayed().item() for name, array in given.lazy.items()}
    dtypes = tuple(each.dtype for each in found)
    call = _Whole(Given(given.function, given.rest), tuple(shapes), dtypes)
    made = delayed(call, f"whole-{given.token}")(blocks)
    arrays = [
        _as_chunks(made[number], image, shape, dtype, f"{given.token}-{number}")
        for number, (shape, dtype) in enumerate(zip(shapes, dtypes, strict=True))
    ]
    return tuple(arrays) if len(arrays) > 1 else arrays[0]


def _as_chunks(value: Any, image: Any, shape: Shape, dtype: Any, name: str) -> Any:
    """Return a result as a dask array, in the image's chunks where it has its shape."""
    da = array_library()
    # A number is one of Python's, wherever the image lies.
    like = image._meta if shape else np.empty(())
    meta = da.utils.meta_from_array(like, ndim=len(shape), dtype=dtype)
    made = da.from_delayed(value, shape, meta=meta, name=name)
    return made.rechunk(image.chunks) if shape == image.shape else made


@dataclass(frozen=True, eq=False)
class _Whole:
    """A call whose results are arrays of shapes and dtypes that are known."""

    call: Given
    shapes: tuple[Shape, ...]
    dtypes: tuple[Any, ...]

    def __call__(self, arrays: Mapping[str, Any]) -> list[Any]:
        found = _arrays(self.call(arrays))
        shapes = tuple(each.shape for each in found)
        if shapes != self.shapes:
            raise ArgumentError(
                f"{self.call.name} returned arrays of shapes {shapes}, and a trial with few "
                f"elements had promised {self.shapes}: call it for an array of NumPy or of CuPy"
            )
        # A flat image may come back as it is, in its own dtype.
        return [each.astype(to, copy=False) for each, to in zip(found, self.dtypes, strict=True)]


def _arrays(found: Any) -> list[Any]:
    """Return the results of a call as arrays; a number is one without axes."""
    every = found if isinstance(found, tuple) else (found,)
    return [each if hasattr(each, "shape") else np.asarray(each) for each in every]


def _tried(given: Given, shape: Shape) -> tuple[list[Any], list[Shape]]:
    """Return the results of a trial, and the shapes that they will have for an image's shape.

    Those grow along a line with the image's, or stay: two trials find it. Arrays that have the
    image's shape are as small in a trial as the image is.
    """
    sizes = {name: each.shape for name, each in given.arguments.items() if _is_array(each)}
    others = {name: size for name, size in sizes.items() if size != shape}
    few = _FEW + max((n for size in others.values() for n in size), default=0)
    kept = {name: size for name, size in others.items() if name in given.lazy}

    def trial(count: int) -> list[Any]:
        small = tuple(min(n, count) for n in shape)
        alike = {name: small for name in sizes if name not in others}
        return _arrays(given.tried({**alike, **kept}))

    found = trial(few), trial(few + 1)
    shapes = [_grown(one.shape, two.shape, shape, few) for one, two in zip(*found, strict=True)]
    return found[1], shapes


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__") and not isinstance(value, (type, np.generic))


def _grown(one: Shape, two: Shape, shape: Shape, few: int) -> Shape:
    """Return the shape that goes on from those for an image of `few` elements and of one more.

    Axes are the last ones of the image's.

    Examples
    --------
    >>> _grown((34, 3), (35, 3), (1000, 3), 32), _grown((), (), (1000, 3), 32)
    ((1002, 3), ())
    """
    ahead = (few + 1,) * len(two) + shape
    beyond = (max(n - few - 1, 0) for n in ahead[len(ahead) - len(two) :])
    return tuple(b + (b - a) * more for a, b, more in zip(one, two, beyond, strict=True))
