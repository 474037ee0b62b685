"""Functions of the library over dask arrays: each chunk of a result is a part of one call."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import gcd, lcm
from typing import Any

import numpy as np

from gpuconv import api, backends
from gpuconv.cost import Machine, planning_for
from gpuconv.dask.chunks import bounds
from gpuconv.dask.graph import Leaf, Region, check_array, lazy_array
from gpuconv.dask.library import array_library, token_of
from gpuconv.errors import ArgumentError
from gpuconv.kernel import as_kernel
from gpuconv.operations.planning import plans as plans_by_name
from gpuconv.task import Task
from gpuconv.tiling import Axis
from gpuconv.window import Needs, Run, Window, needs

__all__ = ["engine_name", "lazy"]

#: What has no meaning for an array that is yet to be made, or would need the whole of it.
_LEFT_OUT = ("out", "mask")


def lazy(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of the library for dask arrays.

    Examples
    --------
    >>> import dask.array as da
    >>> from gpuconv.operations import median
    >>> lazily = lazy(median)
    >>> lazily(da.zeros((9, 9), chunks=4), 3)
    dask.array<median, shape=(9, 9), dtype=float64, chunksize=(4, 4), chunktype=numpy.ndarray>
    """
    signature = inspect.signature(function)
    parameters = [p for name, p in signature.parameters.items() if name not in _LEFT_OUT]
    taken = signature.replace(parameters=parameters, return_annotation=Any)

    @functools.wraps(function)
    def over_chunks(*given: Any, **named: Any) -> Any:
        arguments = taken.bind(*given, **named).arguments
        return _filtered(function, arguments.pop("image"), arguments)

    del over_chunks.__wrapped__
    over_chunks.__signature__ = taken  # type: ignore[attr-defined]
    over_chunks.__module__ = "gpuconv.dask"
    over_chunks.__doc__ = _doc(function)
    return over_chunks


def _doc(function: Callable[..., Any]) -> str:
    """Return the docstring of a function, without examples and what is left out."""
    told = inspect.getdoc(function) or ""
    summary, _, rest = re.split(r"\n+(?:See Also|Examples)\n-+\n", told)[0].partition("\n\n")
    for name in _LEFT_OUT:
        rest = re.sub(rf"^{name} : .*\n(?: +.*\n)*", "", rest, flags=re.M)
    rest = re.sub(r"^(\S.*), out\b", r"\1", rest, flags=re.M)
    lazily = (
        f"As :func:`gpuconv.{function.__name__}`, of a dask array, lazily: chunk by chunk, with "
        "the bits of\none call for the whole."
    )
    return f"{summary}\n\n{lazily}\n\n{rest}"


def engine_name(image: Any, device: str | None) -> str:
    """Return the device that chunks are filtered on: "cpu", or "cuda"."""
    if device == "auto":
        raise ArgumentError(
            "device='auto' is for single calls: chunks must not be filtered here and there; use "
            "'cpu' or 'cuda'"
        )
    engine = backends.select(image._meta, device)
    return device or ("cpu" if engine is backends.host else "cuda")


def _filtered(function: Callable[..., Any], image: Any, arguments: dict[str, Any]) -> Any:
    channel = check_array(image, arguments.get("channel_axis"))
    arguments = _plain(arguments)
    if channel is not None:
        arguments["channel_axis"] = channel
    joint = function.__name__ in ("bilateral", "nl_means") and channel is not None
    image = image.rechunk({channel: -1}) if joint else image
    made = _empty_result(function, image, arguments)
    name = f"{function.__name__}-{token_of(function.__name__, image.name, arguments)}"
    if 0 in image.shape:
        return _nothing(function, image, arguments)
    work = _call(function, image, made, arguments)
    return lazy_array(image, work, name, made.dtype)


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments that can be used again and again, and sent."""
    made = dict(arguments)
    if "kernel" in made:
        made["kernel"] = as_kernel(made["kernel"])
    if isinstance(made.get("kernels"), Iterable):
        made["kernels"] = tuple(map(as_kernel, made["kernels"]))
    return made


def _empty_result(
    function: Callable[..., Any], image: Any, arguments: Mapping[str, Any]
) -> np.ndarray[Any, Any]:
    """Return the result for no pixels: its dtype and axes; what is wrong with arguments is told."""
    channel = arguments.get("channel_axis")
    around = _axes(image.ndim, channel)
    shape = [0 if axis in around else n if axis == channel else 1 for axis, n in _sizes(image)]
    on_host = {name: value for name, value in arguments.items() if name != "device"}
    made: np.ndarray[Any, Any] = function(np.zeros(shape, image.dtype), **on_host)
    return made


def _sizes(image: Any) -> list[tuple[int, int]]:
    return list(enumerate(image.shape))


def _nothing(function: Callable[..., Any], image: Any, arguments: Mapping[str, Any]) -> Any:
    """Return the result of an image without pixels."""
    on_host = {name: value for name, value in arguments.items() if name != "device"}
    made = function(np.zeros(image.shape, image.dtype), **on_host)
    return array_library().from_array(backends.owner(image._meta).asarray(made), chunks=-1)


def _axes(ndim: int, channel: int | None) -> tuple[int, int]:
    """Return the axes of rows and of columns: the last two that are not the channels'."""
    y, x = [axis for axis in range(ndim) if axis != channel][-2:]
    return y, x


@dataclass(frozen=True, eq=False)
class _Call:
    """A call for a whole image, any region of whose result can be made."""

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    #: Of the image.
    shape: tuple[int, ...]
    sizes: tuple[tuple[int, ...], ...]
    axes: tuple[int, int]
    #: Axes that the result has before those of the image.
    lead: tuple[int, ...]
    #: How rows and columns are read, once for each kernel, and the border modes.
    high: tuple[Axis, ...]
    wide: tuple[Axis, ...]
    border: tuple[str, str]
    #: On each axis of the image, how many results are computed as one.
    grains: tuple[int, ...]
    #: What it is planned for, wherever it runs.
    machine: Machine

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """Sizes of the result's chunks: the image's, where the result has its size."""
        sizes = list(self.sizes)
        for axis, (one, *_) in zip(self.axes, (self.high, self.wide), strict=True):
            sizes[axis] = _cut_up(sizes[axis], one)
        return (*((n,) for n in self.lead), *sizes)

    def leaves(self, region: Region) -> list[Leaf]:
        """Return the one window that a region is made from."""
        return [tuple(map(self._needs, range(len(self.shape)), self._snapped(region)))]

    def make(self, region: Region, windows: Sequence[Any]) -> Any:
        """Return a region of the result."""
        made = self._snapped(region)
        y, x = self.axes
        origin = self._needs(y, made[y]).origin, self._needs(x, made[x]).origin
        pixels = windows[0]
        if any(n > 1 for axis, n in enumerate(self.grains) if axis not in self.axes):
            pixels = np.ascontiguousarray(pixels)  # planes are one axis of it, or none is
        window = Window(pixels, self.shape, made[y], made[x], origin, self.axes)
        with planning_for(self.machine):
            found = self.function(window, **self.arguments)
        wanted = region[len(self.lead) :]
        cut = (slice(r[0] - m[0], r[1] - m[0]) for r, m in zip(wanted, made, strict=True))
        return found[(..., *cut)]

    def _snapped(self, region: Region) -> Region:
        """Return the least region around one, of the image's axes, that is computed by itself."""
        ends = list(self.shape)
        for axis, (one, *_) in zip(self.axes, (self.high, self.wide), strict=True):
            ends[axis] = one.out
        return tuple(
            (start // grain * grain, min(-(-stop // grain) * grain, end))
            for (start, stop), grain, end in zip(
                region[len(self.lead) :], self.grains, ends, strict=True
            )
        )

    def _needs(self, axis: int, run: Run) -> Needs:
        """Return what of an axis of the image some results read."""
        if axis not in self.axes:
            return Needs(run[0], (run,))
        across = self.axes.index(axis)
        return needs((self.high, self.wide)[across], self.border[across], *run)


def _call(
    function: Callable[..., Any],
    image: Any,
    made: np.ndarray[Any, Any],
    arguments: dict[str, Any],
) -> _Call:
    """Return the call that filters a dask array, given what the result of no pixels is."""
    device = engine_name(image, arguments.get("device"))
    engine = backends.select(None, device)
    passes = _plans(function, image, made, {**arguments, "device": device})
    plans = sum(passes, ())
    channel = arguments.get("channel_axis")
    y, x = axes = _axes(image.ndim, channel)
    together = lcm(*(engine.stack(each) for each in passes))
    grains = _plane_grains(image.shape, channel, together)
    rows, columns = zip(*(engine.grain(each) for each in passes), strict=True)
    grains[y], grains[x] = lcm(*rows), lcm(*columns)
    if channel == image.ndim - 1:
        grains[channel] = max(grains[channel], engine.beside(image.shape[channel]))
    return _Call(
        function,
        arguments,
        image.shape,
        image.chunks,
        axes,
        made.shape[: made.ndim - image.ndim],
        tuple(plan.y for plan in plans),
        tuple(plan.x for plan in plans),
        plans[0].border,
        tuple(grains),
        engine.machine(),
    )


def _plans(
    function: Callable[..., Any],
    image: Any,
    made: np.ndarray[Any, Any],
    arguments: Mapping[str, Any],
) -> list[tuple[Task, ...]]:
    """Return the plans of a call: those that run at once together."""
    dtype = np.zeros(0, np.uint8 if image.dtype == bool else image.dtype).real.dtype
    stored = np.zeros(0, np.uint8 if made.dtype == bool else made.dtype).real.dtype
    options = {**arguments, "out_dtype": stored}
    options.pop("dtype", None)
    name = function.__name__
    if name in ("convolve", "correlate"):
        kernel = options.pop("kernel")
        kernel = kernel.flip() if name == "correlate" else kernel
        options["cval"] = np.real(options.get("cval", 0))
        parts = (kernel.real, kernel.imag) if kernel.complex else (kernel,)
        return [(api.plan(image.shape, dtype, part, **options),) for part in parts]
    if name == "filter_bank":
        kernels, flip = options.pop("kernels"), options.pop("flip", True)
        for other in ("reduce", "epilogue"):
            options.pop(other, None)
        bank = (kernel if flip else kernel.flip() for kernel in kernels)
        return [tuple(api.plan(image.shape, dtype, kernel, **options) for kernel in bank)]
    return [plans_by_name(name, image.shape, dtype, **options)]


def _plane_grains(shape: tuple[int, ...], channel: int | None, together: int) -> list[int]:
    """Return how many planes of each axis are computed as one, where `together` are in all.

    They follow each other along the last axis of planes; and along those before it, too, where all
    are one axis in memory, as they are with the channels first or without any.

    Examples
    --------
    >>> _plane_grains((10, 6, 64, 64), None, 4), _plane_grains((10, 64, 64, 3), 3, 4)
    ([2, 6, 1, 1], [4, 1, 1, 1])
    """
    grains = [1] * len(shape)
    planes = [axis for axis in range(len(shape)) if axis not in _axes(len(shape), channel)]
    planes.sort(key=lambda axis: axis != channel)
    for place, axis in reversed(list(enumerate(planes))):
        crossed = place > 0 and channel in (None, 0) and shape[axis] % together != 0
        grains[axis] = shape[axis] if crossed else together
        together = together // gcd(shape[axis], together) if crossed else 1
    return grains


def _cut_up(sizes: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """Return sizes of the chunks of results that lie over an image's chunks.

    Examples
    --------
    >>> from gpuconv.tiling import axis
    >>> _cut_up((4, 4, 2), axis(10, 3, 1)), _cut_up((4, 4, 2), axis(10, 3, 1, "valid", stride=2))
    ((4, 4, 2), (2, 2))
    """
    if (axis.n, axis.stride) == (axis.out, 1):
        return sizes
    before = axis.offset + (axis.footprint - 1) // 2
    edges = (-(-(edge - before) // axis.stride) for edge in bounds(sizes)[1:-1])
    inner = (edge for edge in edges if 0 < edge < axis.out)
    return tuple(np.diff(sorted({0, *inner, axis.out})).tolist())
