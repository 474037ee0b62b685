"""Image files in, image files out: pixels as NumPy arrays, metadata carried along.

Pillow decodes and encodes; what it cannot do without loss (16-bit colour, most kinds of TIFF) is
done here. Pillow is imported when the first file is opened, not before.
"""

from __future__ import annotations

from gpuconv.io.formats import READABLE_SUFFIXES
from gpuconv.io.image import Image
from gpuconv.io.metadata import JpegSettings, Metadata
from gpuconv.io.probe import output_suffix
from gpuconv.io.read import DEFAULT_MAX_PIXELS, read_frames, read_image
from gpuconv.io.replacing import discard_unfinished, write_whole
from gpuconv.io.write import WriteReport, write_image

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "READABLE_SUFFIXES",
    "Image",
    "JpegSettings",
    "Metadata",
    "WriteReport",
    "discard_unfinished",
    "output_suffix",
    "read_frames",
    "read_image",
    "write_image",
    "write_whole",
]
