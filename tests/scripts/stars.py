"""Find the stars of a photograph: where, how large, how bright. ``stars.py photo.tif stars.npz``"""

import sys

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_laplace, maximum_filter, median_filter, uniform_filter


def stars(sky, sigmas=(1.0, 1.6, 2.6, 4.2), brighter=12.0):
    """Return rows of (size, y, x, brightness), and the sky without them."""
    # What is left of the sky without stars: a wide median does not see them.
    background = median_filter(sky, size=15, mode="mirror")
    noise = np.sqrt(uniform_filter((sky - background) ** 2, 65))
    lit = sky - background
    blobs = np.stack([-(s**2) * gaussian_laplace(lit, s, mode="nearest") for s in sigmas])
    # A star is brighter than all around it, and than those of other sizes.
    peaks = (maximum_filter(blobs, size=(3, 5, 5)) == blobs) & (blobs > brighter)
    peaks &= blobs > 3 * np.median(noise)
    size, y, x = np.nonzero(peaks)
    return np.stack([np.take(sigmas, size), y, x, blobs[peaks]], axis=1), background


def main(source, target):
    with Image.open(source) as opened:
        sky = np.asarray(opened, dtype=np.float64) / 257
    found, background = stars(sky)
    brightest = found[np.argsort(found[:, 3])[::-1]]
    print(f"{len(found)} stars; the brightest at {brightest[0, 1:3].tolist()}")
    np.savez(target, found=found, background=background)


if __name__ == "__main__":
    main(*sys.argv[1:])
