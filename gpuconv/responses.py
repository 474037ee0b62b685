"""Several filters over one image in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from types import ModuleType
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gpuconv import backends, dtypes
from gpuconv.arguments import (
    Accuracy,
    Border,
    Method,
    Options,
    Size,
    Step,
    check_image,
    options_of,
    output_dtype,
)
from gpuconv.arrays import (
    Array,
    channel_index,
    channels_first,
    channels_restored,
    check_out,
    component,
    named_axis,
)
from gpuconv.backends import repeated
from gpuconv.bank import REDUCTIONS, Bank
from gpuconv.bounded import Bounded
from gpuconv.epilogue import NOTHING, Epilogue
from gpuconv.errors import ArgumentError, ArgumentTypeError, choose
from gpuconv.exchange import public
from gpuconv.kernel import Kernel, KernelLike, as_kernel
from gpuconv.plan import Plan, kept_bytes, make_plan
from gpuconv.window import Window, held

__all__ = ["Reduction", "filter_bank"]

Reduction: TypeAlias = Literal["magnitude", "max", "sum", "direction"]

_BANKS: Bounded[Bank] = Bounded(most=32 * 2**20)


@public
def filter_bank(
    image: ArrayLike,
    kernels: Iterable[KernelLike],
    *,
    reduce: Reduction | None = None,
    flip: bool = True,
    border: Border = "reflect",
    cval: float = 0,
    size: Size = "same",
    stride: Step = 1,
    dilation: Step = 1,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: Method = "auto",
    accuracy: Accuracy = "exact",
    epilogue: Epilogue | None = None,
) -> Array:
    """Filter an image with several kernels, and stack or reduce what they give.

    The image is read once for all of them. Responses that are reduced never lie in memory, and are
    neither rounded nor saturated before: a Sobel magnitude of bytes is right.

    Parameters
    ----------
    image : array_like of shape (…, H, W)
        Real pixels, as for :func:`gpuconv.convolve`, but no masked array.
    kernels : iterable of Kernel, array_like or tuple (column, row)
        One filter each, real, of any sizes and anchors.
    reduce : {None, "magnitude", "max", "sum", "direction"}
        What becomes of the responses r: None stacks them on a new first axis; else each pixel is
        √(Σ r²), the largest r, Σ r, or of two kernels the angle arctan2(r₁, r₀) in radians, in
        (−π, π] and 0 where both are 0.
    flip : bool, default True
        Whether to convolve; False correlates.
    border, cval, stride, dilation, channel_axis, method, accuracy
        As for :func:`gpuconv.convolve`, the same for all kernels.
    dtype : dtype, optional
        Of the output; the default is that of `out`, else the image's, but float32 or float64 for
        directions over images of integers.
    device : {None, "auto", "cpu", "cuda", "cuda:N"}
        Where to compute; None and "auto" leave the image where it is.
    size : {"same", "valid", "full"}, default "same"
        As for :func:`gpuconv.convolve`; kernels of several sizes need "same".
    out : ndarray, optional
        Where to write; it may be the image itself, if the responses are reduced.
    epilogue : Epilogue, optional
        Done to each response, or to what they are reduced to.

    Returns
    -------
    ndarray
        Shape (F, …, H, W) for F kernels, with the image's axes in its order; without the first axis
        if responses are reduced. `out` if given.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`gpuconv.convolve`; or there are no kernels, one of them or the image is
        complex, or outputs have different shapes.

    Examples
    --------
    The strength of edges:

    >>> import gpuconv as gc
    >>> image = np.zeros((4, 5), np.uint8)
    >>> image[:, 3:] = 10
    >>> sobel = [gc.kernels.sobel_x(), gc.kernels.sobel_y()]
    >>> gc.filter_bank(image, sobel, reduce="magnitude")[0].tolist()
    [0, 0, 40, 40, 0]

    Where they look: darkness is at the left, so brightness grows to the right, at the angle 0.

    >>> gc.filter_bank(image, sobel, reduce="direction")[0].tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0]

    Three blurs:

    >>> gc.filter_bank(image, [gc.kernels.gaussian(sigma) for sigma in (1, 2, 4)]).shape
    (3, 4, 5)
    """
    options = options_of(
        bool(flip), border, cval, size, stride, dilation, method, accuracy, "propagate", epilogue
    )
    filters = _checked(kernels)
    _check_reduction(reduce, len(filters))
    key = repeated.key_of(image, channel_axis, dtype, out, device)
    if key is not None:
        key = *key, filters, reduce, options
        known = repeated.known(_READY, key)
        if known is not None:
            return _carried_out(known, key[0], image, out)  # type: ignore[arg-type]
    here = held(image)
    home, engine = backends.owner(here), backends.select(here, device)
    pixels = check_image(here, home, options)
    window = replace(image, pixels=pixels) if isinstance(image, Window) else None
    if reduce == "direction" and dtype is None and out is None and pixels.dtype.kind in "iu":
        dtype = dtypes.rule(pixels.dtype).accumulator
    stored = _real(pixels.dtype, output_dtype(pixels.dtype, filters[0], dtype, out))
    named = named_axis(image, channel_axis)
    channel = channel_index(pixels.ndim, named)
    planes = channels_first(pixels.shape if window is None else window.shape, channel)
    bank = _bank(engine, planes, component(pixels.dtype), filters, reduce, options, stored)
    bank = bank if window is None else bank.part(window, channels_first(pixels.shape, channel)[:-2])
    ready = _Ready(bank, channel, stored)
    with engine.place(here, device):
        result = _run(ready, engine, home, pixels, out)
    if key is not None:
        repeated.remember(_READY, key, ready, bank.seconds, sum(map(kept_bytes, filters)))
    return result


@dataclass(frozen=True)
class _Ready:
    """What a call needs to know, beside the arrays."""

    bank: Bank
    #: Index of the channel axis.
    channel: int | None
    stored: np.dtype[Any]

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result."""
        shape = channels_restored(self.bank.plans[0].shape, self.channel)
        return shape if self.bank.reduce else (len(self.bank.plans), *shape)


_READY: Bounded[_Ready] = Bounded(most=32 * 2**20)


def _carried_out(ready: _Ready, engine: ModuleType, image: Array, out: Array | None) -> Array:
    """Return the image filtered, for a call that has been carried out before."""
    with engine.place(image, None):
        pixels = engine.asarray(image)  # a copy of one that is not aligned
        return _run(ready, engine, engine, pixels, out)


def _run(
    ready: _Ready, engine: ModuleType, home: ModuleType, pixels: Array, out: Array | None
) -> Array:
    """Return the image filtered, by an engine, in memory of its home."""
    shape, channel = ready.shape, ready.channel
    result = home.empty(shape, ready.stored) if out is None else check_out(out, shape, home)
    if out is not None and home.overlap(result, pixels):
        pixels = pixels.copy()
    view, target = pixels, result
    if channel is not None:
        view = np.moveaxis(pixels, channel, 0)
        target = np.moveaxis(result, *((channel, 0) if ready.bank.reduce else (channel + 1, 1)))
    engine.run_bank(ready.bank, view, target)
    return result if out is None else out


def _check_reduction(reduce: str | None, filters: int) -> None:
    if reduce is None:
        return
    choose("reduce", reduce, REDUCTIONS, "a reduction")
    if reduce == "direction" and filters != 2:
        raise ArgumentError(f"reduce='direction' is for 2 kernels, x and y; there are {filters}")


def _real(image: np.dtype[Any], stored: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the output, if it and the image's are real."""
    if "c" in (image.kind, stored.kind):
        raise ArgumentTypeError(
            f"filter_bank is for real images and outputs; these are {image} and {stored}"
        )
    return stored


def _checked(kernels: Iterable[KernelLike]) -> tuple[Kernel, ...]:
    """Return real kernels, at least one."""
    if isinstance(kernels, Kernel) or not isinstance(kernels, Iterable):
        raise ArgumentTypeError(
            f"kernels is of type {type(kernels).__name__}; it must be an iterable of kernels"
        )
    filters = tuple(map(as_kernel, kernels))
    if not filters:
        raise ArgumentError("kernels is empty; give at least one")
    for i, kernel in enumerate(filters):
        if kernel.complex:
            raise ArgumentTypeError(f"kernels[{i}] is complex; give its .real and its .imag")
    return filters


def _bank(
    engine: ModuleType,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    kernels: tuple[Kernel, ...],
    reduce: str | None,
    options: Options,
    stored: np.dtype[Any],
) -> Bank:
    """Return the bank for images of a shape, channels first, and a dtype."""
    machine = engine.machine()
    key = machine, shape, dtype, kernels, reduce, options, stored
    known = _BANKS.known(key)
    if known is not None:
        return known

    def make() -> Bank:
        plain = replace(options, epilogue=NOTHING)
        requests = (plain.request(shape, dtype, k, options.cval.real, stored) for k in kernels)
        plans = tuple(make_plan(request, machine) for request in requests)
        _check_shapes(plans, options.size)
        return Bank(plans, reduce, options.epilogue, stored)

    return _BANKS.get(key, make, bytes=sum(map(kept_bytes, kernels)))


def _check_shapes(plans: tuple[Plan, ...], size: str) -> None:
    for i, plan in enumerate(plans):
        if plan.shape != plans[0].shape:
            raise ArgumentError(
                f"size={size!r} gives outputs of different shapes, {plans[0].shape} for kernels[0] "
                f"and {plan.shape} for kernels[{i}]; use size='same', or kernels of one size"
            )
