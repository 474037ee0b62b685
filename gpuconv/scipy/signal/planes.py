"""Convolution of planes by an engine: exact for integers, by sums or by what the engine chooses."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

import numpy as np

from gpuconv import backends
from gpuconv.api import convolve, plan
from gpuconv.arrays import Array
from gpuconv.kernel import Kernel
from gpuconv.plan import Plan
from gpuconv.scipy.signal import exact
from gpuconv.scipy.signal.known import kernel_of

__all__ = ["convolved", "planned"]

_NUMPYS_BORDERS = {"constant": "constant", "reflect": "symmetric", "wrap": "wrap"}


def convolved(
    image: Array,
    weights: Array,
    anchor: tuple[int, int],
    mode: str,
    border: str,
    cval: Any,
    out: Array,
    method: str,
) -> None:
    """Write the convolution of planes (…, H, W) with weights in host memory to `out`.

    `method` is the engine's, or "direct" for sums.

    Examples
    --------
    >>> made = np.empty((1, 3))
    >>> image, weights = np.array([[1.0, 2.0]]), np.array([[1.0, 1.0]])
    >>> convolved(image, weights, (0, 0), "full", "constant", 0, made, "direct")
    >>> made.tolist()
    [[1.0, 3.0, 2.0]]
    """
    pixels = image.view(np.uint8) if image.dtype.kind == "b" else image
    if out.dtype.kind in "iu":
        exact.summed(pixels, weights, anchor, int(cval), out, border=border, size=mode)
        return
    kernel = kernel_of(weights, anchor)
    if kernel is None or out.dtype.char in "gG":
        _tap_by_tap(image, weights, anchor, mode, border, cval, out)
        return
    if method == "direct":
        engine = backends.owner(pixels).NAME
        method = _by_sums(engine, pixels.shape, pixels.dtype, kernel, mode)
    if type(cval) is complex and cval.imag and pixels.dtype.kind != "c":
        pixels = pixels.astype(out.dtype)
    wanted = cast(Any, mode), cast(Any, method)
    with np.errstate(all="ignore"):
        convolve(
            pixels, kernel, border=border, cval=cval, size=wanted[0], out=out, method=wanted[1]
        )


@lru_cache(maxsize=256)
def _by_sums(
    engine: str, shape: tuple[int, ...], dtype: np.dtype[Any], kernel: Kernel, mode: str
) -> str:
    """Return the method of what is fastest of all whose errors are those of sums."""
    if dtype.kind == "c" or kernel.complex:
        return "dense"
    return "dense" if planned(engine, shape, dtype, kernel, mode).algorithm == "fft" else "auto"


def planned(
    engine: str, shape: tuple[int, ...], dtype: np.dtype[Any], kernel: Kernel, mode: str
) -> Plan:
    """Return what an engine would do with an image with zeros around it.

    Examples
    --------
    >>> mean = Kernel(np.ones((9, 9)))
    >>> planned("host", (512, 512), np.dtype("float32"), mean, "full").algorithm
    'box'
    """
    device = "cuda" if engine == "cuda" else None
    made = plan(shape, dtype, kernel, border="constant", size=cast(Any, mode), device=device)
    return cast(Plan, made)


def _tap_by_tap(
    image: Array,
    weights: Array,
    anchor: tuple[int, int],
    mode: str,
    border: str,
    cval: Any,
    out: Array,
) -> None:
    """Sum what the engines do not know: long doubles, and weights that are NaN or infinite."""
    rows, columns = weights.shape
    around = [(0, 0)] * (image.ndim - 2) + [(rows - 1, rows - 1), (columns - 1, columns - 1)]
    filled = {"constant_values": cval} if border == "constant" else {}
    wide = np.pad(image.astype(out.dtype), around, cast(Any, _NUMPYS_BORDERS[border]), **filled)
    # Where in the whole convolution what is wanted begins.
    y, x = {"full": (0, 0), "same": anchor, "valid": (rows - 1, columns - 1)}[mode]
    height, width = out.shape[-2:]
    out[...] = 0
    with np.errstate(all="ignore"):
        for k, m in np.ndindex(rows, columns):
            top, left = y + rows - 1 - k, x + columns - 1 - m
            out += weights[k, m] * wide[..., top : top + height, left : left + width]
