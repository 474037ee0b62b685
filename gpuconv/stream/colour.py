"""Parts of images that have alpha, or are filtered in linear light."""

from __future__ import annotations

from typing import Literal

from gpuconv.filters.chain import Chain
from gpuconv.io.source import Layout
from gpuconv.stream.parts import Parts

__all__ = ["parts_of"]


def parts_of(
    chain: Chain,
    layout: Layout,
    device: str = "cpu",
    *,
    alpha: Literal["premultiply", "straight"] = "premultiply",
    linear: bool = False,
    grey: bool = False,
) -> Parts:
    """Return what makes parts of a chain's result, as :meth:`gpuconv.io.Image.map` makes all."""
    return Parts(chain, layout.picture, layout.dtype, device)
