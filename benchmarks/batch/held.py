"""How much of its time a codec holds the interpreter's lock: whether threads can share its work.

A thread decodes, or encodes, over and over. Another one asks for the lock all the time, and notes
the first one's processor clock whenever it gets it. The interpreter is told to make nobody give
the lock up, so what is counted is what the codec lets go of by itself. Clocks of processor time
make the figure independent of what else the machine does.

    python benchmarks/batch/held.py
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from skimage import data

from gpuconv.io import Image, read_frames
from gpuconv.io.write import encode_image

#: Seconds of processor time for each figure.
SECONDS = 0.6
#: Longer than between two looks of a thread that gets the lock at once.
USUAL = 0.0006

COLOUR = np.tile(data.astronaut(), (2, 2, 1))
GREY = np.tile(data.camera(), (2, 2))

#: Files, and how Pillow is told to make them.
FILES: dict[str, dict[str, object]] = {
    "photo.png": {},
    "photo.jpg": {"quality": 92},
    "plain.tif": {},
    "deflate.tif": {"compression": "tiff_deflate"},
    "lzw.tif": {"compression": "tiff_lzw"},
    "photo.webp": {},
    "photo.avif": {},
    "photo.jp2": {},
    "photo.bmp": {},
    "palette.gif": {},
    "film.webp": {"save_all": True},
    "film.gif": {"save_all": True},
}


def held(work: Callable[[], object]) -> tuple[float, float]:
    """Return the share of its time in which `work` holds the lock, and the time that it takes."""
    work()
    stamps, calls, started = [], [], threading.Event()

    def run() -> None:
        clocks.append(time.pthread_getcpuclockid(threading.get_ident()))
        stamps.append(time.thread_time())
        started.set()
        while time.thread_time() - stamps[0] < SECONDS:
            work()
            calls.append(None)
        last.append(time.thread_time())

    clocks: list[int] = []
    last: list[float] = []
    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    while not last:
        stamps.append(time.clock_gettime(clocks[0]))
        time.sleep(0.00005)
    thread.join()
    steps = np.diff(np.array([*stamps, last[0]]))
    return float(steps[steps > USUAL].sum() / steps.sum()), float(steps.sum() / len(calls))


def make(folder: Path) -> None:
    """Write the files."""
    for name, options in FILES.items():
        if "save_all" in options:
            frames = [Pillow.fromarray(np.roll(COLOUR, n, 0)[:256, :256]) for n in range(4)]
            frames[0].save(folder / name, append_images=frames[1:], **options)
        elif name.startswith("palette"):
            Pillow.fromarray(COLOUR).quantize(64).save(folder / name)
        else:
            Pillow.fromarray(COLOUR).save(folder / name, **options)
    Pillow.fromarray(GREY.astype(np.uint16) * 257).save(folder / "deep.png")


def measure(path: Path) -> str:
    """Return a row about a file."""
    content, frames = path.read_bytes(), list(read_frames(path))
    target = path.with_suffix(".png") if path.suffix == ".avif" else path
    images: Image | list[Image] = frames if len(frames) > 1 else frames[0]

    def to_descriptor() -> None:
        with open(os.memfd_create("held"), "w+b") as file:
            encode_image(file, target, images)

    def to_memory() -> None:
        with io.BytesIO() as memory:
            encode_image(memory, target, images)

    works = (lambda: list(read_frames(path, data=content)), to_descriptor, to_memory)
    cells = [f"{share:4.0%} of {seconds * 1e3:6.1f} ms" for share, seconds in map(held, works)]
    return f"{path.name:12} decode {cells[0]}   to a descriptor {cells[1]}   to memory {cells[2]}"


def main() -> None:
    """Print a row for each kind of file."""
    sys.setswitchinterval(1e6)
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        for path in sorted(Path(folder).iterdir()):
            print(measure(path), flush=True)


if __name__ == "__main__":
    main()
