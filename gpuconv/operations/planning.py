"""The plans of operations by name: how each of its parts would run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gpuconv import api, dtypes
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.kernel import Kernel, as_kernel
from gpuconv.neighbourhood import Bilateral, Neighbourhood, NonLocalMeans, Rank
from gpuconv.operations.canny_edges import worked_in
from gpuconv.operations.edges import PLANNERS
from gpuconv.operations.frame import ESTIMATE
from gpuconv.task import Task

__all__ = ["local", "plans"]


def _nl_means(h: float | None = None, sigma: float | None = None, **sizes: int) -> NonLocalMeans:
    if h is None:
        raise ArgumentError(
            "filter 'nl_means' has a plan for a given h: the default is the image's"
        )
    return NonLocalMeans.of(**sizes, h=h, sigma=sigma or 0.0)


#: Operations that are one neighbourhood filter, by what makes it of their arguments.
_NEIGHBOURHOODS: dict[str, Callable[..., Neighbourhood]] = {
    "bilateral": Bilateral.of,
    "maximum": Rank.maximum,
    "median": Rank.median,
    "minimum": Rank.minimum,
    "nl_means": _nl_means,
    "percentile": Rank.percentile,
    "rank": Rank.of,
}

#: What :func:`gpuconv.plan` is told beside what is to be run.
_AROUND = frozenset({"border", "cval"})
_OPTIONS = _AROUND | frozenset({"channel_axis", "out_dtype", "device", "method", "accuracy"})


def local(name: str, **arguments: Any) -> bool:
    """Return whether a pixel of an operation's result depends on those around it alone.

    Such an operation can be done part by part, as its plans read the image.

    Examples
    --------
    >>> local("median", size=3), local("sobel"), local("canny"), local("nl_means", h=None)
    (True, True, False, False)
    """
    if name == "nl_means" and arguments.get("h") is None:
        return False  # h is then told from the noise of the whole image
    return name in _NEIGHBOURHOODS or (name in PLANNERS and name != "canny")


def plans(name: str, shape: tuple[int, ...], dtype: Any, **given: Any) -> tuple[Task, ...]:
    """Return the plans of an operation's parts, in the order in which they run.

    Parameters
    ----------
    name : str
        Of the operation.
    shape : tuple of int
        Of the image, (…, H, W) with its channel axis.
    dtype : dtype
        Of the image.
    **given
        The operation's own arguments, and options of :func:`gpuconv.plan`.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        An argument is not allowed; or the operation has no plans.

    Examples
    --------
    >>> [plan.algorithm for plan in plans("maximum", (480, 640), "uint8", size=3, method="sort")]
    ['sort']
    """
    options = {key: value for key, value in given.items() if key in _OPTIONS}
    arguments = {key: value for key, value in given.items() if key not in _OPTIONS}
    if name == "richardson_lucy":
        return _iteration(shape, dtype, as_kernel(arguments["psf"]), options)
    if name == "canny":
        return _edges(shape, dtype, PLANNERS[name](**arguments), options)
    if name in _NEIGHBOURHOODS:
        parts: tuple[Kernel | Neighbourhood, ...] = (_NEIGHBOURHOODS[name](**arguments),)
    elif name in PLANNERS:
        parts = PLANNERS[name](**arguments)
    else:
        raise ArgumentError(f"filter {name!r} has no plan: it runs in one way, whatever the image")
    return tuple(api.plan(shape, dtype, part, **options) for part in parts)


def _edges(
    shape: tuple[int, ...], dtype: Any, parts: tuple[Kernel, ...], options: dict[str, Any]
) -> tuple[Task, ...]:
    """Return the plans of Canny's detector: a blur, and the slopes of what it leaves."""
    around = {"border": "constant"} | {key: options.pop(key) for key in _AROUND & options.keys()}
    _check_real(dtype)
    options["out_dtype"] = worked = worked_in(np.dtype(dtype))
    blur, *slopes = parts
    blurred = api.plan(shape, dtype, blur, **around, **options)
    return blurred, *(api.plan(shape, worked, slope, **options) for slope in slopes)


def _iteration(
    shape: tuple[int, ...], dtype: Any, psf: Kernel, options: dict[str, Any]
) -> tuple[Task, ...]:
    """Return the plans of an iteration: a blur, and its adjoint."""
    if options.get("border") == ESTIMATE:
        del options["border"]
    _check_real(dtype)
    options["out_dtype"] = summed = dtypes.rule(dtype).accumulator
    return tuple(api.plan(shape, summed, kernel, **options) for kernel in (psf, psf.flip()))


def _check_real(dtype: Any) -> None:
    if not dtypes.rule(dtype).real:
        raise ArgumentTypeError(f"dtype={np.dtype(dtype)}: this filter is for real pixels")
