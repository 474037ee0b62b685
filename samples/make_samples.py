"""Make the sample photographs again from those in scikit-image's wheel.

``python samples/make_samples.py`` needs scikit-image; sources and licences are in README.md.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

HERE = Path(__file__).parent
GREY = np.array([0.299, 0.587, 0.114])  # luma weights, ITU-R BT.601


def portrait(cat: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the cat in RGBA, opaque inside an oval and fading to nothing around it."""
    height, width = cat.shape[:2]
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    alpha = np.clip((1 - np.hypot(x, y)) / 0.12 + 0.5, 0, 1)
    return np.dstack([cat, np.rint(255 * alpha).astype(np.uint8)])


def deep_grey(colour: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return the luma of every 2×2 block: a mean of twelve values, so more than eight bits."""
    height, width = (side // 2 * 2 for side in colour.shape[:2])
    luma = colour[:height, :width] @ GREY
    blocks = luma.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return np.rint(257 * blocks).astype(np.uint16)


def pan(picture: NDArray[np.uint8], side: int = 160, step: int = 28) -> list[Image.Image]:
    """Return square views that wander to the right over the picture."""
    lefts = range(0, picture.shape[1] - side + 1, step)
    return [Image.fromarray(picture[70 : 70 + side, left : left + side]) for left in lefts]


def main() -> None:
    """Write every sample next to this file."""
    for name in ("astronaut", "coffee", "rocket"):
        picture = Image.fromarray(getattr(data, name)())
        picture.save(HERE / f"{name}.jpg", quality=92, optimize=True, dpi=(300, 300))
    Image.fromarray(data.camera()).save(HERE / "camera.png", optimize=True)
    Image.fromarray(portrait(data.chelsea())).save(HERE / "chelsea.png", optimize=True)
    deep_field = Image.fromarray(deep_grey(data.hubble_deep_field())[60:360, 40:490])
    deep_field.save(HERE / "hubble.tif", compression="tiff_adobe_deflate")
    first, *rest = pan(data.coins())
    first.save(HERE / "coins.gif", save_all=True, append_images=rest, duration=160, loop=0)


if __name__ == "__main__":
    main()
