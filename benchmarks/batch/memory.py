"""The memory that an image takes at the peak, from its file to the encoded result, per sample.

Each case has a process of its own, whose high-water mark (Linux) is set back after a small image
has brought in all libraries.

    python benchmarks/batch/memory.py
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from pathlib import Path

import numpy as np
from skimage import data

from gpuconv.filters import Chain
from gpuconv.io import read_frames, write_image
from gpuconv.io.write import encode_image

BLUR, CHAIN = ("gaussian:sigma=2",), ("sobel", "gaussian:sigma=1", "sharpen")

COLOUR = np.tile(data.astronaut(), (6, 8, 1))
COVER = np.tile(np.arange(COLOUR.shape[1]) % 256, (COLOUR.shape[0], 1)).astype(np.uint8)
IMAGES = {
    "colour.png": COLOUR,
    "colour.jpg": COLOUR,
    "colour.tif": COLOUR,
    "colour.webp": COLOUR,
    "colour.jp2": COLOUR[:2048, :2048],
    "deep.tif": np.tile(data.camera(), (8, 8)).astype(np.uint16) * 257,
    "alpha.png": np.dstack([COLOUR, COVER]),
}

#: File, filters, and how they are applied.
CASES: list[tuple[str, tuple[str, ...], dict[str, bool]]] = [
    *((name, BLUR, {}) for name in IMAGES),
    *((name, CHAIN, {}) for name in ("colour.tif", "deep.tif")),
    *((name, BLUR, {"linear": True}) for name in ("colour.tif", "deep.tif", "alpha.png")),
    ("colour.tif", BLUR, {"grey": True}),
]


def high_water() -> int:
    """Return the most bytes that this process has had in memory."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def work(path: Path, filters: tuple[str, ...], grey: bool = False, linear: bool = False) -> float:
    """Do what a batch does to a file; return its samples, and what was encoded for each."""
    [image] = read_frames(path, data=path.read_bytes(), max_pixels=None)
    samples = image.pixels.size
    image = (image.grey() if grey else image).map(Chain.parse(filters), linear=linear)
    with open(os.memfd_create("memory"), "w+b") as file:
        encode_image(file, path, image)
    return samples


def measure(folder: Path, name: str, filters: tuple[str, ...], options: dict[str, bool]) -> None:
    """Print a row."""
    work(folder / f"small_{name}", filters, **options)
    Path("/proc/self/clear_refs").write_text("5")
    before = high_water()
    samples = work(folder / name, filters, **options)
    peak = (high_water() - before) / samples
    told = " ".join(options) or "plain"
    print(f"{name:12} {len(filters)} filters, {told:6}: {peak:5.1f} bytes a sample", flush=True)


def main() -> None:
    """Print a row for each case."""
    start = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for name, pixels in IMAGES.items():
            write_image(Path(folder, name), pixels)
            write_image(Path(folder, f"small_{name}"), pixels[:64, :64])
        for case in CASES:
            process = start.Process(target=measure, args=(Path(folder), *case))
            process.start()
            process.join()


if __name__ == "__main__":
    main()
