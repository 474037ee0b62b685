"""Photographs in several formats and sizes: ``python -m benchmarks.stream.album FOLDER FILES``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.stream.scene import SAMPLES

__all__ = ["QUALITY", "album", "kept"]

#: What JPEG and WebP are saved with, here and by all who are compared.
QUALITY = 85
#: (suffix, mode, options of Pillow's save, out of a hundred files). Modes are those of photographs:
#: colour, grey, colour with transparency, and 16 bits.
_KINDS: tuple[tuple[str, str, dict[str, Any], int], ...] = (
    (".jpg", "RGB", {"quality": QUALITY}, 55),
    (".jpg", "L", {"quality": QUALITY}, 5),
    (".png", "RGB", {}, 15),
    (".png", "RGBA", {}, 5),
    (".png", "L", {}, 5),
    (".tif", "RGB", {"compression": "tiff_lzw"}, 7),
    (".tif", "I;16", {"compression": "tiff_lzw"}, 3),
    (".webp", "RGB", {"quality": QUALITY}, 5),
)
#: Pixels of the longer side, and out of a hundred files how many have it.
_SIDES = {480: 35, 800: 30, 1200: 20, 1600: 10, 2400: 5}
_NAMES = ("astronaut.jpg", "coffee.jpg", "hubble.tif", "rocket.jpg", "chelsea.png", "camera.png")


def album(files: int) -> Iterator[str]:
    """Yield the names of that many photographs."""
    for index in range(files):
        yield f"photo-{index:05}{_KINDS[_kind(index)][0]}"


def _kind(index: int) -> int:
    shares = np.cumsum([share for *_, share in _KINDS])
    # 37 has no divisor in common with 100: kinds and sides come in all pairs.
    return int(np.searchsorted(shares, 37 * index % 100, side="right"))


def make(folder: Path, files: int) -> None:
    """Make an album in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(_save, folder), range(files), album(files), chunksize=16))


def _save(folder: Path, index: int, name: str) -> None:
    from PIL import Image

    _, mode, options, _ = _KINDS[_kind(index)]
    rng = np.random.default_rng(index)
    side = int(rng.choice(list(_SIDES), p=np.array(list(_SIDES.values())) / 100))
    photograph = _photographs()[index % len(_NAMES)]
    part = rng.uniform(0.6, 1, 2) * photograph.size
    left, top = rng.uniform(0, 1, 2) * (photograph.size - part)
    wide, high = (side * part / part.max()).round().astype(int)
    box = (left, top, left + part[0], top + part[1])
    picture: Any = photograph.resize((int(wide), int(high)), Image.Resampling.BICUBIC, box=box)
    noise = rng.normal(scale=3, size=(int(high), int(wide), 1))
    values = np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8)
    picture = Image.fromarray(values).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    picture.save(folder / name, **options)


@cache
def _photographs() -> list[Any]:
    from PIL import Image

    return [Image.open(SAMPLES / name).convert("RGB") for name in _NAMES]


def kept(source: Path, result: Path) -> bool:
    """Return whether a result is there, and of its source's size, kind and depth."""
    from PIL import Image

    if not result.exists():
        return False
    with Image.open(source) as before, Image.open(result) as after:
        return (before.size, before.mode, before.format) == (after.size, after.mode, after.format)


def main() -> None:
    """Make what is not there yet; or print how many results of it are as they should be."""
    folder, files, *results = sys.argv[1:]
    if results:
        names = list(album(int(files)))
        found = sum(kept(Path(folder, name), Path(results[0], name)) for name in names)
        print(json.dumps({"kept": found}))
    elif not Path(folder).exists():
        make(part := Path(folder + ".part"), int(files))
        part.rename(folder)


if __name__ == "__main__":
    main()
