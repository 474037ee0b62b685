"""``gpuconv info IMAGE``: what an image file holds, told without reading its pixels if possible."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from gpuconv.cli.streams import plain
from gpuconv.errors import GpuconvError
from gpuconv.io import Source, open_image

__all__ = ["described", "page"]

_UNITS = {1e3: "kB", 1e6: "MB", 1e9: "GB"}


def described(paths: Sequence[str]) -> list[dict[str, Any]]:
    """Return what there is to know of each file that can be opened; say on stderr which cannot."""
    found = []
    for path in paths:
        try:
            with open_image(path) as source:
                found.append(_described(path, source))
        except GpuconvError as error:
            print(plain(f"gpuconv info: error: {error}"), file=sys.stderr)
    return found


def _described(path: str, source: Source) -> dict[str, Any]:
    layout = source.layout
    return {
        "path": path,
        "format": layout.metadata.format or type(source).__name__.removesuffix("Source"),
        "shape": list(layout.shape),
        "dtype": layout.dtype.name,
        "channels": layout.channels,
        "axes": layout.axes,
        "bytes": layout.nbytes,
        "chunks": list(layout.chunks),
        "levels": [list(size) for size in source.levels],
        "warnings": list(layout.metadata.warnings),
    }


def page(images: Sequence[dict[str, Any]]) -> str:
    """Return some lines for each image.

    Examples
    --------
    >>> print(page(described(["samples/camera.png"])))
    samples/camera.png
      PNG       512 × 512 uint8, 262.1 kB of pixels
      chunks    512 × 512
    """
    return "\n\n".join("\n".join(map(plain, _lines(image))) for image in images)


def _lines(image: dict[str, Any]) -> list[str]:
    shape = _times(image["shape"])
    axes = f" ({image['axes']})" if image["axes"] not in ("", "yx", "yxc") else ""
    colour = f" {image['channels']}" if len(image["channels"]) > 1 else ""
    pixels = f"{shape}{axes} {image['dtype']}{colour}, {_size(image['bytes'])} of pixels"
    lines = [image["path"], f"  {image['format']:<9} {pixels}"]
    lines.append(f"  {'chunks':<9} {_times(image['chunks'])}")
    if len(image["levels"]) > 1:
        lines.append(f"  {'levels':<9} {', '.join(map(_times, image['levels']))}")
    return lines + [f"  {'warning':<9} {warning}" for warning in image["warnings"]]


def _times(numbers: Sequence[int]) -> str:
    return " × ".join(map(str, numbers))


def _size(count: int) -> str:
    unit = next((size for size in (1e9, 1e6) if count >= size), 1e3)
    return f"{count / unit:.1f} {_UNITS[unit]}"
