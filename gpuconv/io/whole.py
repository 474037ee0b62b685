"""Formats that are decoded and encoded whole (PNG, JPEG, …), behind the doors of regions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import ImageFileError
from gpuconv.io.flat import FlatSink
from gpuconv.io.formats import FORMATS, choose_format, refuse
from gpuconv.io.image import Image
from gpuconv.io.partial import Partial
from gpuconv.io.read import read_frames, read_image
from gpuconv.io.source import Layout, Plane, Run, Source
from gpuconv.io.write import write_image

__all__ = ["WholeSink", "WholeSource"]

Array = NDArray[Any]

#: What channels that nothing explains are written as.
_BY_COUNT = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


class WholeSource(Source):
    """An image file that is decoded whole when it is opened, and turned upright.

    Parameters
    ----------
    path : Path
    page : int, optional
        Which frame of several; by default frames are a leading axis, if there are several.
    max_pixels : int or None
        Refuse larger pictures before they are decoded; None for no limit.

    Raises
    ------
    ImageFileError
        The file is damaged, too large, or of a kind that is not supported.
    ArgumentError
        There is no such frame.

    Examples
    --------
    >>> WholeSource(Path("samples/coins.gif")).shape
    (9, 160, 160, 3)
    """

    def __init__(
        self, path: Path, *, page: int | None = None, max_pixels: int | None = None
    ) -> None:
        self.path = path
        if page is None:
            frames = list(read_frames(path, max_pixels=max_pixels))
        else:
            frames = [read_image(path, frame=page, max_pixels=max_pixels)]
        first = frames[0]
        pixels = [frame.pixels for frame in frames]
        if any(one.shape != first.pixels.shape for one in pixels):
            raise ImageFileError(
                f"cannot read {path} as one image: its pictures differ in size or kind; say which "
                "by page="
            )
        self._pixels = np.stack(pixels) if len(pixels) > 1 else first.pixels
        size = first.pixels.shape[0], first.pixels.shape[1]
        self.layout = Layout(
            self._pixels.shape, first.pixels.dtype, size, first.channels, first.metadata
        )

    @property
    def cache_bytes(self) -> int:
        """All pixels."""
        return self._pixels.nbytes

    def _read(self, rows: Run, columns: Run, plane: Plane) -> Array:
        region: Array = self._pixels[plane][slice(*rows), slice(*columns)].copy()
        return region


class WholeSink(FlatSink):
    """An image file that is collected in the folder of the unfinished, and encoded at the end.

    Parameters
    ----------
    layout, partial
        As for :class:`~gpuconv.io.sink.Sink`.

    Raises
    ------
    ImageFileError
        The format cannot hold such pixels.
    """

    def __init__(self, layout: Layout, partial: Partial) -> None:
        _refuse(partial.target, layout)
        super().__init__(layout, partial)

    @property
    def finish_bytes(self) -> int:
        """All pixels, the bytes that Pillow takes them as, its image, and at times the file."""
        return 4 * self.layout.nbytes

    def _made(self) -> Path:
        """Encode what was collected."""
        layout = self.layout
        pixels = np.memmap(self.made, layout.dtype, "r", shape=layout.shape)
        frames = pixels.reshape(-1, *layout.picture)
        if layout.picture[2:] == (1,):
            frames = frames[..., 0]
        images = [Image(np.asarray(frame), _channels(layout), layout.metadata) for frame in frames]
        encoded = self.partial.folder / f"encoded{self.path.suffix}"
        report = write_image(encoded, images)
        self.warnings += report.warnings
        return encoded


def _channels(layout: Layout) -> str:
    """Return what the pixels are written as."""
    if layout.channels and layout.picture[2:] != (1,):
        return layout.channels
    return _BY_COUNT.get(layout.picture[2], "") if layout.picture[2:] else "L"


def _refuse(path: Path, layout: Layout) -> None:
    """Refuse what the format cannot hold, before any work is done."""
    name, channels = choose_format(path, None), _channels(layout)
    if not channels:
        raise ImageFileError(
            f"cannot write {path}: {name} holds pixels of at most 4 channels, not "
            f"{layout.picture[2]}: use .tif or .zarr"
        )
    refuse(path, name, layout.dtype.name, channels, layout.picture)
    if layout.planes and not FORMATS[name].frames:
        raise ImageFileError(
            f"cannot write {path}: {name} holds one picture, not {layout.planes}: use .tif, .zarr "
            "or .npy"
        )
