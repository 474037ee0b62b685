"""PyTorch, on the CPU and on a GPU: `conv2d` of all taps, and of two passes where there are such.

Images are planes of (planes, 1, rows, columns), on all cores or with the fastest of cuDNN's
algorithms, in full float32. Integers are cast on the clock, both ways. It has no border "reflect":
the image is padded by indices.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import filters
from ..cases import Case
from ..filters import Filter
from ..suite.contract import Buffers, Peer, Prepared, Unable
from .asking import adapted
from .on_gpu import in_turn
from .tensors import Tensors

__all__ = ["PEERS"]

Array = NDArray[Any]
#: Filters a tensor of images.
Run = Callable[[Any], Any]

_LAPLACIAN = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
_SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
#: Largest error of half floats, whose weights and passes are rounded to 11 bits as well.
_OF_HALVES = 1e-3
#: From which reach on the sums of all taps are less accurate, and how much: of 161², 2e-5.
_MANY, _OF_MANY = 15, 5e-5


def _sums(tensors: Tensors, reach: int, *kernels: Array) -> Run:
    """Return correlations one after the other, of an image that is padded once.

    Zeros outside `conv2d` adds itself.
    """
    working, conv2d = tensors.working, tensors.torch.nn.functional.conv2d
    weights = [tensors.weights(kernel, working) for kernel in kernels]
    zeros, padded = tensors.case.border == "constant", tensors.padding(reach)
    steps = [(each, tuple(n // 2 for n in each.shape[2:]) if zeros else 0) for each in weights]

    def run(image: Any) -> Any:
        found = image.to(working) if zeros else padded(image.to(working))
        for each, padding in steps:
            found = conv2d(found, each, padding=padding)
        return found

    return run


def _dense(tensors: Tensors, f: filters.Linear) -> Run:
    return _sums(tensors, f.reach, f.weights)


def _sobel(tensors: Tensors, f: filters.Sobel) -> Run:
    across, down = (_sums(tensors, 1, kernel) for kernel in (_SOBEL, _SOBEL.T))
    return lambda image: tensors.torch.hypot(across(image), down(image))


def _extreme(tensors: Tensors, f: filters.Extreme) -> Run:
    return _pooled(tensors, f, [(f.side, f.side)])


def _pooled(tensors: Tensors, f: filters.Extreme, windows: list[tuple[int, int]]) -> Run:
    """Return maxima of windows one after the other; minima are those of what is negated."""
    if tensors.case.border not in ("reflect", "mirror", "nearest"):
        raise Unable("its windows count the pixels inside")
    if tensors.case.dtype not in ("uint8", "float16", "float32"):
        raise Unable(f"it has no windows of {tensors.case.dtype}")
    pool, sign = tensors.torch.nn.functional.max_pool2d, 1 if f.which == "maximum" else -1

    def run(image: Any) -> Any:
        found = image if sign > 0 else _negated(image)
        for rows, columns in windows:
            found = pool(found, (rows, columns), 1, (rows // 2, columns // 2))
        return found if sign > 0 else _negated(found)

    return run


def _negated(image: Any) -> Any:
    return -image if image.is_floating_point() else 255 - image


def _wiener(tensors: Tensors, f: filters.Wiener) -> Run:
    if tensors.case.border != "wrap":
        raise Unable("a transform's images are periodic")
    fft, shape = tensors.torch.fft, tensors.case.shape[-2:]
    placed = (_at_origin(tensors, each, shape) for each in (filters.psf(), _LAPLACIAN))
    blur, rough = (fft.rfft2(each) for each in placed)
    inverse = blur.conj() / (blur.abs() ** 2 + f.balance * rough.abs() ** 2)
    return lambda image: fft.irfft2(inverse * fft.rfft2(image), shape)


def _at_origin(tensors: Tensors, weights: Array, shape: tuple[int, ...]) -> Any:
    """Return an image of zeros with weights in it, their middle at the origin."""
    placed = np.zeros(shape, np.float32)
    rows, columns = weights.shape
    placed[:rows, :columns] = weights
    rolled = np.roll(placed, (-(rows // 2), -(columns // 2)), (0, 1))
    return tensors.weights(rolled, tensors.working)


def _lucy(tensors: Tensors, f: filters.RichardsonLucy) -> Run:
    if tensors.case.border != "constant":
        raise Unable("it would be padded anew in each iteration")
    torch, conv2d = tensors.torch, tensors.torch.nn.functional.conv2d
    blur = tensors.weights(filters.psf(), tensors.working)
    turned, half = blur.flip(2, 3), tuple(side // 2 for side in blur.shape[2:])

    def run(image: Any) -> Any:
        found = torch.full_like(image, 0.5)
        for _ in range(f.iterations):
            blurred = conv2d(found, turned, padding=half).clamp_(min=1e-12)
            found *= conv2d(torch.div(image, blurred, out=blurred), blur, padding=half)
        return found

    return run


def _lines(tensors: Tensors, f: filters.Linear) -> Run:
    if f.line is None:
        raise Unable("no two passes are the same")
    return _sums(tensors, f.reach, f.line[None, :], f.line[:, None])


def _gradient(tensors: Tensors, f: filters.Gradient) -> Run:
    smooth, slope = f.lines
    across = _sums(tensors, f.reach, slope[None, :], smooth[:, None])
    down = _sums(tensors, f.reach, smooth[None, :], slope[:, None])
    return lambda image: tensors.torch.hypot(across(image), down(image))


def _unsharp(tensors: Tensors, f: filters.Unsharp) -> Run:
    blurred = _lines(tensors, filters.Gaussian(f.sigma))
    return lambda image: (1 + f.amount) * image - f.amount * blurred(image)


def _extreme_lines(tensors: Tensors, f: filters.Extreme) -> Run:
    return _pooled(tensors, f, [(1, f.side), (f.side, 1)])


#: What is called, and what asks for it.
_Table = dict[type[Filter], tuple[str, Callable[[Tensors, Any], Run]]]

_WITH_ALL_TAPS: _Table = {
    filters.Linear: ("conv2d", _dense),
    filters.Sobel: ("conv2d twice, hypot", _sobel),
    filters.Extreme: ("max_pool2d", _extreme),
    filters.Wiener: ("fft.rfft2, irfft2", _wiener),
    filters.RichardsonLucy: ("conv2d in a loop", _lucy),
}
_IN_TWO_PASSES: _Table = {
    filters.Linear: ("conv2d, by a row and a column", _lines),
    filters.Gradient: ("conv2d by rows and columns, hypot", _gradient),
    filters.Unsharp: ("conv2d by a row and a column, arithmetic", _unsharp),
    filters.Extreme: ("max_pool2d, by a row and a column", _extreme_lines),
}


def _prepare(case: Case, buffers: Buffers, table: _Table) -> Prepared:
    how, ask = adapted(table, case.filter)
    tensors = Tensors.of(case, buffers)
    run = ask(tensors, case.filter)
    call = in_turn(tensors, lambda image: tensors.stored(run(image)))
    allowed, because = _different(case, table)
    return Prepared(call, how, allowed, because=because, alike=tensors.image)


def _different(case: Case, table: _Table) -> tuple[float | None, str]:
    """Return how far a result may be off, and why."""
    if not isinstance(case.filter, filters.Linear):
        return None, ""
    if case.dtype == "float16":
        return _OF_HALVES, "its weights, and what lies between two passes, are half floats"
    if case.dtype == "float32" and case.filter.reach >= _MANY and table is _WITH_ALL_TAPS:
        return _OF_MANY, "a float32 sum over so many pixels loses more"
    return None, ""


_NAMES = {"torch conv2d": _WITH_ALL_TAPS, "torch, two passes": _IN_TWO_PASSES}

PEERS = tuple(
    Peer(name, ("torch",), device, partial(_prepare, table=table))
    for device in ("cpu", "cuda")
    for name, table in _NAMES.items()
)
