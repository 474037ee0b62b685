"""Tell coins from the table that they lie on. ``coins.py photo.gif coins.npz``"""

import sys

import numpy as np
from PIL import Image
from skimage import filters


def outline(photo):
    """Return where edges are strong, and where only ridges are."""
    calm = filters.median(photo, np.ones((3, 3)))
    steep = filters.scharr(filters.gaussian(calm, sigma=1.0))
    lines = filters.laplace(filters.gaussian(calm, sigma=2.0, mode="reflect"))
    return steep, lines


def coins(photo):
    """Return a mask of the coins: brighter than the light around them, within steep edges."""
    sharp = filters.unsharp_mask(photo, radius=3, amount=1.0)
    # The light falls from one side: it is what is left after a wide blur.
    light = filters.gaussian(photo, sigma=40, truncate=2.0)
    detail = filters.difference_of_gaussians(photo, 1.0, 12.0)
    steep, _ = outline(photo)
    return (sharp > light + 0.05) & ((detail > 0) | (steep > steep.mean()))


def main(source, target):
    with Image.open(source) as opened:
        photo = np.asarray(opened.convert("L"))
    mask = coins(photo)
    steep, lines = outline(photo)
    print(f"{mask.mean():.1%} of the photograph are coins")
    np.savez(target, mask=mask, steep=steep, lines=lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
