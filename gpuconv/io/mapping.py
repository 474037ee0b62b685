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

A pixel of the result that is made of opaque pixels alone is what it is without alpha, to the bit:
so it depends on the pixels around it, not on those far away, and large images can be filtered part
by part. What is not known to be local takes the whole image for what is around.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.dtypes import rule, store
from gpuconv.errors import ArgumentError, choose
from gpuconv.io.colour import divide_alpha, from_linear, to_linear, white

__all__ = [
    "Filter",
    "check_mapping",
    "covers",
    "map_pixels",
    "opaque",
    "premultiplied",
    "shown",
    "taken",
    "unweighted",
    "with_cover",
    "without_alpha",
]

Pixels = NDArray[Any]
Filter = Callable[[Pixels], Pixels]

#: A filter that turns a constant image of 1 into less than this takes differences (edges,
#: Laplacians): their response to coverage is no coverage, so the source's alpha is kept.
_LEAST_GAIN = 0.1


def map_pixels(pixels: Pixels, channels: str, function: Filter, alpha: str, linear: bool) -> Pixels:
    """Return `function` of `pixels` in their dtype; see `gpuconv.io.Image.map`."""
    check_mapping(pixels.dtype, channels, alpha, linear)
    if channels.endswith("A") and alpha == "premultiply":
        return _map_premultiplied(pixels, channels, function, linear)
    return _map_straight(pixels, channels, function, linear)


def check_mapping(dtype: np.dtype[Any], channels: str, alpha: str, linear: bool) -> None:
    """Raise if `alpha` is unknown, or if pixels cannot be decoded to linear light."""
    choose("alpha", alpha, ("premultiply", "straight"), "a way to treat alpha")
    if linear and channels == "CMYK":
        raise ArgumentError("linear=True is for sRGB light, not for CMYK ink: use linear=False")
    if linear and dtype.name not in ("uint8", "uint16", "float32", "float64"):
        raise ArgumentError(
            f"linear=True has no white point for pixels of dtype {dtype}"
            " (one of uint8, uint16, float32, float64)"
        )


def _map_straight(pixels: Pixels, channels: str, function: Filter, linear: bool) -> Pixels:
    result = _filtered(function, taken(pixels, channels, linear), white(pixels.dtype))
    return shown(result, pixels.dtype, channels, linear)


def taken(pixels: Pixels, channels: str, linear: bool) -> Pixels:
    """Return pixels as filters get them: as they are, or their colour in linear light."""
    if not linear:
        return pixels
    if not channels.endswith("A"):
        return to_linear(pixels)
    colour = to_linear(pixels[..., :-1])
    return np.concatenate([colour, pixels[..., -1:].astype(colour.dtype)], axis=-1)


def shown(result: Pixels, dtype: np.dtype[Any], channels: str, linear: bool) -> Pixels:
    """Return what a filter made of pixels that were `taken`, as they are stored."""
    if not linear:
        return _stored(result, dtype)
    if not channels.endswith("A"):
        return _encoded(result, dtype)
    return np.concatenate(
        [_encoded(result[..., :-1], dtype), _stored(result[..., -1:], dtype)], axis=-1
    )


def _map_premultiplied(pixels: Pixels, channels: str, function: Filter, linear: bool) -> Pixels:
    alone = _made_of(opaque(pixels), function)
    if not alone.any():
        return _map_weighted(pixels, function, linear)
    colour = _map_straight(without_alpha(pixels), channels[:-1], function, linear)
    plain = with_cover(colour, pixels.dtype)
    if alone.all():
        return plain
    return np.where(alone[..., np.newaxis], plain, _map_weighted(pixels, function, linear))


def opaque(pixels: Pixels) -> NDArray[np.bool_]:
    """Return where pixels, whose last channel is alpha, are opaque."""
    where: NDArray[np.bool_] = pixels[..., -1] == white(pixels.dtype)
    return where


def _made_of(mask: NDArray[np.bool_], function: Filter) -> NDArray[np.bool_]:
    """Return which pixels of the result are made of those of a mask alone."""
    where_all = getattr(function, "where_all", None)
    if where_all is None or mask.all():
        return np.full(mask.shape, mask.all())
    where: NDArray[np.bool_] = where_all(mask)
    return where


def without_alpha(pixels: Pixels) -> Pixels:
    """Return the colour, (H, W, C) or (H, W)."""
    colour = pixels[..., :-1]
    return np.ascontiguousarray(colour[..., 0] if colour.shape[-1] == 1 else colour)


def with_cover(colour: Pixels, dtype: np.dtype[Any]) -> Pixels:
    """Return colour with a last channel that says that all is opaque."""
    colour = colour[..., np.newaxis] if colour.ndim == 2 else colour
    cover = np.full((*colour.shape[:2], 1), white(dtype), dtype)
    return np.concatenate([colour, cover], axis=-1)


def _map_weighted(pixels: Pixels, function: Filter, linear: bool) -> Pixels:
    top = white(pixels.dtype)
    stack = premultiplied(pixels, linear)
    result = _filtered(function, stack, top)
    # What the filter makes of full coverage: its gain, and what the border takes away.
    full = _filtered(function, np.full(pixels.shape[:2], top, stack.dtype), top)
    kept = not covers(full[full.shape[0] // 2 :, full.shape[1] // 2 :], top)
    if kept and pixels.shape[:2] != result.shape[:2]:
        raise ArgumentError(
            "alpha='premultiply' cannot keep alpha where a filter of zero gain changes the"
            f" size from {pixels.shape[:2]} to {result.shape[:2]}: use alpha='straight'"
        )
    own = pixels if pixels.shape == result.shape else None
    return unweighted(own, result, None if kept else full, pixels.dtype, linear)


def premultiplied(pixels: Pixels, linear: bool) -> Pixels:
    """Return colour times alpha, and alpha, as floats in the units of the pixels."""
    work = np.dtype(rule(pixels.dtype).accumulator).type
    alpha = pixels[..., -1:].astype(work)
    colour = to_linear(pixels[..., :-1]) if linear else pixels[..., :-1]
    share = alpha / work(white(pixels.dtype))
    return np.concatenate([colour.astype(work) * share, alpha], axis=-1)


def covers(full: Pixels, top: float) -> bool:
    """Return whether coverage, filtered, is coverage; `full` is what is left of full coverage.

    Its first pixel decides: that in the middle of the image, which the border reaches last.
    """
    return full.size == 0 or bool(abs(full[0, 0]) >= _LEAST_GAIN * top)


def unweighted(
    own: Pixels | None,
    result: Pixels,
    full: Pixels | None,
    dtype: np.dtype[Any],
    linear: bool,
) -> Pixels:
    """Return what a filter made of pixels that were `premultiplied`, as they are stored.

    Parameters
    ----------
    own : ndarray, optional
        The pixels where the result lies: what stays fully transparent keeps their colour.
    result : ndarray of shape (H, W, C)
    full : ndarray of shape (H, W), optional
        What the filter makes of full coverage; None where pixels keep their alpha.
    dtype : dtype
        Of the pixels.
    linear : bool
        Whether colour is in linear light.
    """
    top = result.dtype.type(white(dtype))
    if full is not None:
        cover, alpha = np.zeros_like(full), result[..., -1]
        np.divide(alpha, full, out=cover, where=full != 0)
    elif own is not None:
        cover = own[..., -1].astype(result.dtype) / top
    light = divide_alpha(result[..., :-1], cover)
    coded = _encoded(light, dtype) if linear else _stored(light, dtype)
    seen = _stored(cover[..., np.newaxis] * top, dtype)
    hidden = np.zeros_like(coded) if own is None else own[..., :-1]
    return np.concatenate([np.where(seen > 0, coded, hidden), seen], axis=-1)


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


def _encoded(light: Pixels, dtype: np.dtype[Any]) -> Pixels:
    return _stored(from_linear(light, white(dtype)), dtype)


def _stored(values: Pixels, dtype: np.dtype[Any]) -> Pixels:
    """Round half to even and saturate, unless `values` already are what is wanted."""
    if values.dtype == dtype:
        return values
    result = np.empty(values.shape, dtype)
    store(values.astype(np.float64 if values.dtype.kind != "f" else values.dtype), result)
    return result
