"""Averages over pixels that are alike: the bilateral filter and non-local means."""

from __future__ import annotations

from numpy.typing import ArrayLike, DTypeLike

from gpuconv.apply import Choices, applied
from gpuconv.arguments import Border
from gpuconv.arrays import Array
from gpuconv.neighbourhood import Bilateral, NonLocalMeans

__all__ = ["bilateral", "nl_means"]


def bilateral(
    image: ArrayLike,
    diameter: int | None = None,
    *,
    sigma_color: float,
    sigma_space: float | None = None,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: str = "auto",
) -> Array:
    """Smooth an image but for its edges."""
    wanted = Bilateral.of(diameter, sigma_color=sigma_color, sigma_space=sigma_space)
    choices = Choices.of(wanted, border, cval, method)
    return applied(image, wanted, choices, channel_axis, dtype, out, device)


def nl_means(
    image: ArrayLike,
    patch_size: int = 7,
    search_distance: int = 11,
    *,
    h: float,
    sigma: float = 0.0,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: str = "auto",
) -> Array:
    """Smooth an image by what is alike in it."""
    wanted = NonLocalMeans.of(patch_size, search_distance, h=h, sigma=sigma)
    choices = Choices.of(wanted, border, cval, method)
    return applied(image, wanted, choices, channel_axis, dtype, out, device)
