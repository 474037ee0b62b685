"""Run a filter over an image that has alpha, or in linear light.

Premultiplied filtering is normalised convolution: colour weighted by coverage is filtered, and
divided by the filtered coverage. Hidden colour under transparent pixels then never bleeds out.

The same is right for filters that are no convolutions: coverage is one more channel to them.

- Ranks are taken of the weighted colour and of the coverage, each for itself. Colour is nowhere
  more than its coverage, so neither is its rank: the quotient is a colour.
- Averages over pixels that are alike (bilateral, non-local means) weigh pixels by the likeness of
  colour and coverage, the same for both: the quotient is the mean colour, weighed by coverage too.
- Strengths of edges are nothing where all is even, as differences are: the source's alpha is kept.
- What answers yes or no is drawn black and white, and alpha is kept likewise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.dtypes import rule, store
from gpuconv.errors import ArgumentError, choose
from gpuconv.io.colour import divide_alpha, from_linear, to_linear, white

__all__ = ["Filter", "map_pixels"]

Pixels = NDArray[Any]
Filter = Callable[[Pixels], Pixels]

#: A filter that turns a constant image of 1 into less than this takes differences (edges,
#: Laplacians): their response to coverage is no coverage, so the source's alpha is kept.
_LEAST_GAIN = 0.1
#: Rows and columns that are looked at for it; its median needs no more.
_SAMPLES = 256


def map_pixels(pixels: Pixels, channels: str, function: Filter, alpha: str, linear: bool) -> Pixels:
    """Return `function` of `pixels` in their dtype; see `gpuconv.io.Image.map`."""
    choose("alpha", alpha, ("premultiply", "straight"), "a way to treat alpha")
    if linear:
        _check_linear(pixels, channels)
    weighted = channels.endswith("A") and alpha == "premultiply"
    if weighted and not np.all(pixels[..., -1] == white(pixels.dtype)):
        return _map_weighted(pixels, function, linear)
    if weighted:
        return _map_opaque(pixels, channels, function, linear)
    return _map_straight(pixels, channels, function, linear)


def _check_linear(pixels: Pixels, channels: str) -> None:
    if channels == "CMYK":
        raise ArgumentError("linear=True is for sRGB light, not for CMYK ink: use linear=False")
    if pixels.dtype.name not in ("uint8", "uint16", "float32", "float64"):
        raise ArgumentError(
            f"linear=True has no white point for pixels of dtype {pixels.dtype}"
            " (one of uint8, uint16, float32, float64)"
        )


def _map_straight(pixels: Pixels, channels: str, function: Filter, linear: bool) -> Pixels:
    top = white(pixels.dtype)
    if not linear:
        return _stored(_filtered(function, pixels, top), pixels.dtype)
    if not channels.endswith("A"):
        return _encoded(_filtered(function, to_linear(pixels), top), pixels.dtype)
    colour = to_linear(pixels[..., :-1])
    stack = np.concatenate([colour, pixels[..., -1:].astype(colour.dtype)], axis=-1)
    result = _filtered(function, stack, top)
    coded = _encoded(result[..., :-1], pixels.dtype)
    return np.concatenate([coded, _stored(result[..., -1:], pixels.dtype)], axis=-1)


def _map_opaque(pixels: Pixels, channels: str, function: Filter, linear: bool) -> Pixels:
    """Filter the colour alone: what `_map_weighted` gives where all is opaque, without its cost."""
    colour = _map_straight(_colour(pixels), channels[:-1], function, linear)
    colour = colour[..., np.newaxis] if colour.ndim == 2 else colour
    cover = np.full((*colour.shape[:2], 1), white(pixels.dtype), pixels.dtype)
    return np.concatenate([colour, cover], axis=-1)


def _map_weighted(pixels: Pixels, function: Filter, linear: bool) -> Pixels:
    top = white(pixels.dtype)
    work = np.dtype(rule(pixels.dtype).accumulator).type
    alpha = pixels[..., -1:].astype(work)
    colour = to_linear(pixels[..., :-1]) if linear else pixels[..., :-1]
    stack = np.concatenate([colour.astype(work) * (alpha / work(top)), alpha], axis=-1)
    result = _filtered(function, stack, top)
    # What the filter makes of full coverage: its gain, and what the border takes away.
    full = _filtered(function, np.full(pixels.shape[:2], top, work), top)
    cover = _coverage(result[..., -1], full, alpha[..., 0], work(top))
    light = divide_alpha(result[..., :-1], cover)
    coded = _encoded(light, pixels.dtype) if linear else _stored(light, pixels.dtype)
    shown = _stored(cover[..., np.newaxis] * work(top), pixels.dtype)
    hidden = pixels[..., :-1] if pixels.shape == result.shape else np.zeros_like(coded)
    return np.concatenate([np.where(shown > 0, coded, hidden), shown], axis=-1)


def _coverage(result: Pixels, full: Pixels, alpha: Pixels, top: Any) -> Pixels:
    """Return coverage after the filter, 1 for opaque; beyond 0 … 1 where the filter overshoots."""
    sample = full[:: 1 + len(full) // _SAMPLES, :: 1 + full.shape[1] // _SAMPLES]
    if np.median(np.abs(sample)) >= _LEAST_GAIN * top:
        cover: Pixels = np.divide(result, full, out=np.zeros_like(result), where=full != 0)
        return cover
    if alpha.shape != result.shape:
        raise ArgumentError(
            "alpha='premultiply' cannot keep alpha where a filter of zero gain changes the"
            f" size from {alpha.shape} to {result.shape}: use alpha='straight'"
        )
    kept: Pixels = alpha / top
    return kept


def _filtered(function: Filter, pixels: Pixels, top: float) -> Pixels:
    """Return what `function` makes of pixels whose white is `top`; a mask of it black and white."""
    result = np.asarray(function(pixels))
    if result.ndim != pixels.ndim or result.shape[2:] != pixels.shape[2:]:
        raise ArgumentError(
            f"function turned pixels of shape {pixels.shape} into {result.shape};"
            " it must keep the axes and the number of channels"
        )
    if result.dtype == bool:
        result = np.where(result, pixels.dtype.type(top), pixels.dtype.type(0))
    return result.astype(pixels.dtype, copy=False) if pixels.dtype.kind == "f" else result


def _colour(pixels: Pixels) -> Pixels:
    colour = pixels[..., :-1]
    return np.ascontiguousarray(colour[..., 0] if colour.shape[-1] == 1 else colour)


def _encoded(light: Pixels, dtype: np.dtype[Any]) -> Pixels:
    return _stored(from_linear(light, white(dtype)), dtype)


def _stored(values: Pixels, dtype: np.dtype[Any]) -> Pixels:
    """Round half to even and saturate, unless `values` already are what is wanted."""
    if values.dtype == dtype:
        return values
    result = np.empty(values.shape, dtype)
    store(values.astype(np.float64 if values.dtype.kind != "f" else values.dtype), result)
    return result
