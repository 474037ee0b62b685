"""Write the scene to files: ``python -m benchmarks.stream.make FOLDER SIZE``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.stream.scene import Pixels, Scene

__all__ = ["CHUNK", "TILE", "make_tiff", "make_zarr", "tiff_name", "zarr_name"]

#: Rows and columns of the TIFF's tiles, and of the store's chunks.
TILE, CHUNK = 512, 1024


def tiff_name(size: int) -> str:
    """Return the name of the TIFF file of a scene."""
    return f"scene-{size}.tif"


def zarr_name(size: int) -> str:
    """Return the name of the Zarr store of a scene."""
    return f"scene-{size}.zarr"


def make_tiff(folder: Path, size: int) -> Path:
    """Return the scene as a tiled BigTIFF, not compressed, written by tifffile."""
    import tifffile

    path = folder / tiff_name(size)
    scene, part = Scene(size), path.with_suffix(".tif.part")
    tifffile.imwrite(
        part,
        _tiles(scene),
        shape=scene.shape,
        dtype=scene.dtype,
        tile=(TILE, TILE),
        bigtiff=True,
        photometric="minisblack",
        metadata=None,
    )
    part.replace(path)
    return path


def _tiles(scene: Scene) -> Iterator[Pixels]:
    high, wide = scene.shape
    for top in range(0, high, TILE):
        for left in range(0, wide, TILE):
            yield scene[top : top + TILE, left : left + TILE]


def make_zarr(folder: Path, size: int) -> Path:
    """Return the scene as a Zarr store, version 3, not compressed, written by zarr."""
    path = folder / zarr_name(size)
    scene, part = Scene(size), path.with_suffix(".zarr.part")
    store = empty_store(part, size)
    for top in range(0, size, CHUNK):
        for left in range(0, size, CHUNK):
            region = slice(top, top + CHUNK), slice(left, left + CHUNK)
            store[region] = scene[region]
    part.rename(path)
    return path


def empty_store(path: Path, size: int) -> Any:
    """Return a new store for a picture of that size."""
    import zarr

    chunks, shape = (min(CHUNK, size),) * 2, (size, size)
    return zarr.create_array(
        path, shape=shape, chunks=chunks, dtype="uint8", compressors=None, overwrite=True
    )


def main() -> None:
    """Make what is not there yet."""
    folder, size = Path(sys.argv[1]), int(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / tiff_name(size)).exists():
        make_tiff(folder, size)
    if not (folder / zarr_name(size)).exists():
        make_zarr(folder, size)


if __name__ == "__main__":
    main()
