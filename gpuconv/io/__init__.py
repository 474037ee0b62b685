"""Image files in, image files out: pixels as NumPy arrays, metadata carried along.

`read_image` and `write_image` are for pictures that memory holds: Pillow decodes and encodes, and
what it cannot do without loss (16-bit colour, most kinds of TIFF) is done here. `open_image` and
`create_image` are for any size: sources and sinks that are read and written by regions. Libraries
are imported when the first file that needs them is opened, not before.
"""

from __future__ import annotations

from gpuconv.io.create import SINK_SUFFIXES, create_image
from gpuconv.io.formats import READABLE_SUFFIXES
from gpuconv.io.image import Image
from gpuconv.io.metadata import JpegSettings, Metadata
from gpuconv.io.open import open_image
from gpuconv.io.probe import output_suffix
from gpuconv.io.read import DEFAULT_MAX_PIXELS, read_frames, read_image
from gpuconv.io.replacing import discard_unfinished, write_whole
from gpuconv.io.sink import Sink
from gpuconv.io.source import Layout, Source
from gpuconv.io.write import WriteReport, write_image

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "READABLE_SUFFIXES",
    "SINK_SUFFIXES",
    "Image",
    "JpegSettings",
    "Layout",
    "Metadata",
    "Sink",
    "Source",
    "WriteReport",
    "create_image",
    "discard_unfinished",
    "open_image",
    "output_suffix",
    "read_frames",
    "read_image",
    "write_image",
    "write_whole",
]
