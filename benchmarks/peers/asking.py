"""How libraries are asked: imported only then, and given images in the form that they take.

A file in this folder has a table from filters to functions that ask its library for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..cases import Case
from ..filters import Filter
from ..suite.contract import Buffers, Call, Unable

__all__ = [
    "NUMPY_BORDERS",
    "Run",
    "adapted",
    "cast",
    "imported",
    "padded",
    "planes",
    "rounded",
    "scratch",
    "writing",
]

Array = NDArray[Any]
Ask = TypeVar("Ask")
#: Filters an image into an array for the result.
Run = Callable[[Array, Array], object]

#: What `numpy.pad` calls the borders.
NUMPY_BORDERS = {
    "constant": "constant",
    "mirror": "reflect",
    "nearest": "edge",
    "reflect": "symmetric",
    "wrap": "wrap",
}


def imported(module: str, library: str) -> Any:
    """Return a module of a library.

    Raises
    ------
    Unable
        It is not installed, or does not load.
    """
    try:
        return import_module(module)
    except (ImportError, OSError) as error:
        raise Unable(f"{library} cannot be imported: {error}") from error


def adapted(table: Mapping[type[Filter], Ask], f: Filter) -> Ask:
    """Return a table's entry for a filter, or for the nearest class that it is of.

    Raises
    ------
    Unable
        There is none.
    """
    for kind in type(f).__mro__:
        if kind in table:
            return table[kind]
    raise Unable("has none")


def planes(array: Array, axes: str) -> list[Array]:
    """Return views of all images of a batch; of each channel, where they are planes.

    Examples
    --------
    >>> [plane.shape for plane in planes(np.zeros((2, 3, 8, 9)), "ncyx")][:1]
    [(8, 9)]
    >>> [image.shape for image in planes(np.zeros((8, 9, 3)), "yxc")]
    [(8, 9, 3)]
    """
    y = axes.index("y")
    return list(array.reshape(prod(array.shape[:y]), *array.shape[y:]))


def padded(image: Array, case: Case, reach: int) -> Array:
    """Return an image with `reach` pixels more on all sides, as the case's border has them."""
    widths = [(reach, reach) if axis in "yx" else (0, 0) for axis in case.axes]
    mode: Any = NUMPY_BORDERS[case.border]
    return np.pad(image, widths, mode)


def rounded(values: Array, out: Array) -> None:
    """Write floats to an array; to one of integers rounded and saturated, spoiling the floats."""
    if out.dtype.kind == "u":
        np.rint(values, out=values)
        np.clip(values, 0, np.iinfo(out.dtype).max, out=values)
    np.copyto(out, values, casting="unsafe")


def scratch(buffers: Buffers) -> Array:
    """Return an array of float32 as large as a result, for what lies between two passes."""
    return np.empty(buffers.outs[0].shape, np.float32)


def cast(image: Array, out: Array) -> None:
    """Write floats to an array of other floats."""
    np.copyto(out, image, casting="same_kind")


def writing(
    case: Case, buffers: Buffers, run: Run, apart: bool = False, casting: Run = cast
) -> Call:
    """Return the call of a filter that writes to the outputs; `apart`: to each image of a batch.

    Half floats are cast to float32 and back, on the clock: for libraries that have none.
    """
    sets = [
        list(zip(planes(image, case.axes), planes(out, case.axes), strict=True))
        if apart
        else [(image, out)]
        for image, out in zip(buffers.images, buffers.outs, strict=True)
    ]
    done = _wide(run, sets[0][0][0].shape, casting) if case.dtype == "float16" else run

    def call(i: int) -> None:
        for image, out in sets[i]:
            done(image, out)

    return call


def _wide(run: Run, shape: tuple[int, ...], casting: Run) -> Run:
    """Return a filter of float32 for half floats, by way of two arrays that are kept."""
    wide, found = np.empty(shape, np.float32), np.empty(shape, np.float32)

    def filtered(image: Array, out: Array) -> None:
        casting(image, wide)
        run(wide, found)
        casting(found, out)

    return filtered
