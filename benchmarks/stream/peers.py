"""Who blurs a large image, and how: ``python -m benchmarks.stream.peers NAME IN OUT`` is a run.

Each does it as its users do, in bounded memory, from a file to a file of the same kind.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["PEERS", "SIGMA", "Peer", "absent", "command"]

SIGMA = 5
#: Pixels that gpuconv's and SciPy's Gaussian of that sigma reach, which end at 4 σ.
_REACH = 4 * SIGMA
#: libvips ends its Gaussian where it is below this; no smaller number is allowed: 19 pixels.
_LEAST = 0.001
#: Rows and columns of a tile of the plain loop, and the rows of one of its bands.
_SIDE, _BAND = 4096, 512


@dataclass(frozen=True)
class Peer:
    """One way to blur a file."""

    name: str
    #: "tif" or "zarr": what it reads and writes.
    kind: str
    #: How, for the reader of the table.
    how: str
    #: Options of gpuconv; or what runs it, and what it needs.
    options: tuple[str, ...] = ()
    program: str = ""
    module: str = ""
    #: What it takes to lie outside the image; the most levels that it may be off.
    border: str = "reflect"
    off: int = 1


PEERS = (
    Peer("gpuconv", "tif", "gpuconv run, --memory {memory}", ("--memory", "{memory}")),
    Peer("gpuconv, little memory", "tif", "the same, --memory 200M", ("--memory", "200M")),
    Peer(
        "vips, integer", "tif", "vips gaussblur, --precision integer, as is usual: weights "
        "are integers up to 20, and what lies between the passes is rounded",
        program="vips", border="nearest", off=8,
    ),
    Peer(
        "vips, float", "tif", "libvips by pyvips: gaussblur, precision float, rounded to bytes; "
        "'vips gaussblur --precision float' writes floats, four times the bytes", module="pyvips",
        border="nearest",
    ),
    Peer("SciPy, bands", "tif", "a loop over 512 rows: tifffile, gaussian_filter, which "
        "cuts off what is behind the point after each pass", module="scipy", off=2),
    Peer("gpuconv", "zarr", "gpuconv run, --memory {memory}", ("--memory", "{memory}")),
    Peer("dask-image", "zarr", "gaussian_filter, chunks of 2048², a thread for each core",
        module="dask_image", off=2),
    Peer("SciPy, tiles", "zarr", "a loop over 4096² pixels: zarr, gaussian_filter", module="scipy",
        off=2),
)  # fmt: skip


def absent(peer: Peer) -> str:
    """Return why a peer cannot run here; "" if it can."""
    if peer.program and shutil.which(peer.program) is None:
        return f"there is no program {peer.program}"
    if peer.module and find_spec(peer.module) is None:
        return f"there is no module {peer.module}"
    return ""


def command(peer: Peer, source: Path, target: Path, memory: str) -> list[str]:
    """Return the command that runs a peer."""
    python = [sys.executable, "-m"]
    if peer.options:
        given = [option.format(memory=memory) for option in peer.options]
        blur = ["--filter", f"gaussian:sigma={SIGMA}", "--device", "cpu", *_STORED[peer.kind]]
        return [*python, "gpuconv", "run", str(source), str(target), *blur, *given]
    if peer.program == "vips":
        return [*_vips(source, target), "--precision", "integer", "--min-ampl", str(_LEAST)]
    return [*python, "benchmarks.stream.peers", peer.name, str(source), str(target)]


#: As the input is: not compressed.
_STORED = {"tif": ["--compression", "none"], "zarr": ["--compression", "none"]}


def _vips(source: Path, target: Path) -> list[str]:
    tiled = f"{target}[tile,tile-width=512,tile-height=512,bigtiff]"
    return ["vips", "gaussblur", str(source), tiled, str(SIGMA)]


def _pyvips(source: Path, target: Path) -> None:
    import pyvips

    image = pyvips.Image.new_from_file(str(source))
    blurred = image.gaussblur(SIGMA, precision="float", min_ampl=_LEAST).rint().cast("uchar")
    blurred.tiffsave(str(target), tile=True, tile_width=512, tile_height=512, bigtiff=True)


def _bands(source: Path, target: Path) -> None:
    """Blur a TIFF a band of tiles at a time, which is as little memory as a loop can do with."""
    import tifffile
    import zarr
    from scipy.ndimage import gaussian_filter

    with tifffile.TiffFile(source) as file:
        image: Any = zarr.open_array(file.aszarr(), mode="r")
        high, wide = image.shape

        def tiles() -> Iterator[Any]:
            for top in range(0, high, _BAND):
                first, last = max(top - _REACH, 0), min(top + _BAND + _REACH, high)
                band = gaussian_filter(image[first:last], SIGMA)[top - first :][:_BAND]
                for left in range(0, wide, _BAND):
                    yield band[:, left : left + _BAND]

        tile, grey = (_BAND, _BAND), "minisblack"
        tifffile.imwrite(
            target, tiles(), shape=(high, wide), dtype=image.dtype, tile=tile, photometric=grey,
            bigtiff=True, metadata=None,
        )  # fmt: skip


def _tiles(source: Path, target: Path) -> None:
    """Blur a store a tile at a time."""
    import zarr
    from scipy.ndimage import gaussian_filter

    from benchmarks.stream.make import empty_store

    image: Any = zarr.open_array(source, mode="r")
    blurred, (high, wide) = empty_store(target, image.shape[0]), image.shape
    for top in range(0, high, _SIDE):
        for left in range(0, wide, _SIDE):
            y, x = max(top - _REACH, 0), max(left - _REACH, 0)
            window = image[y : top + _SIDE + _REACH, x : left + _SIDE + _REACH]
            part = gaussian_filter(window, SIGMA)[top - y :, left - x :][:_SIDE, :_SIDE]
            blurred[top : top + _SIDE, left : left + _SIDE] = part


def _dask_image(source: Path, target: Path) -> None:
    import dask.array as da
    from dask_image.ndfilters import gaussian_filter

    from benchmarks.stream.make import empty_store

    # Chunks of 2048² pixels: of those of 1024² as they are stored, each is mostly halo and tasks.
    image = da.from_zarr(source, chunks=(2048, 2048))
    store = empty_store(target, image.shape[0])
    da.store(gaussian_filter(image, SIGMA), store, lock=False)


#: Those that run in this module's process.
_RUNS: dict[str, Callable[[Path, Path], None]] = {
    "vips, float": _pyvips,
    "SciPy, bands": _bands,
    "SciPy, tiles": _tiles,
    "dask-image": _dask_image,
}

if __name__ == "__main__":
    _RUNS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
