"""What every reader needs: the caller's wishes, and the last steps that are alike for all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from gpuconv.io import exif as exif_tags
from gpuconv.io.image import Image, Metadata

__all__ = ["Options", "oriented", "tolerated"]


@dataclass(frozen=True)
class Options:
    """What the caller of `read_image` asked for."""

    path: Path
    max_pixels: int | None
    orient: str
    salvage: bool


def tolerated(problem: str | None, options: Options) -> tuple[str, ...]:
    """Raise a problem, or return it as a warning in salvage.

    Raises
    ------
    ValueError
        There is a problem and it is not salvage.
    """
    if problem is None:
        return ()
    if not options.salvage:
        raise ValueError(problem)
    return (f"salvaged what there is: {problem}",)


def oriented(
    pixels: NDArray[Any],
    channels: str,
    metadata: Metadata,
    options: Options,
    *,
    turned: bool = False,
) -> Image:
    """Return the image, turned upright once or left as stored.

    Parameters
    ----------
    turned : bool
        Whether `pixels` are upright already: Pillow turns TIFF by itself, and only TIFF.
    """
    exif = exif_tags.parse(metadata.exif)
    value = exif_tags.orientation(exif)
    if options.orient == "keep":
        pixels = exif_tags.turn(pixels, value, back=True) if turned else pixels
        return Image(pixels, channels, metadata)
    pixels = pixels if turned else exif_tags.turn(pixels, value)
    dpi = metadata.dpi
    if dpi is not None and value >= 5:
        dpi = dpi[1], dpi[0]
    block = exif_tags.build(exif_tags.upright(exif))
    return Image(pixels, channels, replace(metadata, dpi=dpi, exif=block))
