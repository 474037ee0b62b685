"""What a fresh process does for the section "first", and how long each step takes.

Run as a script, by its path: until the library that is timed nothing is imported but NumPy, and
what any program has. It filters an image from a file twice, and writes the result to another::

    python first_process.py WAY FILTER DEVICE IMAGE RESULT SPAWNED

SPAWNED is when it was started, by the clock that all processes share. A library is called as its
users do first: with an image in host memory, returning a result that is there as well.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

Image = Any
#: Imports a library; returns the function that filters.
Way = Callable[[str, str], Callable[[Image], Image]]


def _gpuconv(filter_: str, device: str) -> Callable[[Image], Image]:
    import gpuconv as gc

    if filter_ == "median":
        return lambda image: gc.median(image, 5, border="nearest", device=device)
    return lambda image: gc.correlate(
        image, gc.kernels.gaussian(2, radius=8), border="mirror", device=device
    )


def _ndimage(filter_: str, device: str) -> Callable[[Image], Image]:
    from scipy import ndimage

    if filter_ == "median":
        return lambda image: ndimage.median_filter(image, 5, mode="nearest")
    return lambda image: ndimage.gaussian_filter(image, 2, mode="mirror")


def _opencv(filter_: str, device: str) -> Callable[[Image], Image]:
    import cv2

    if filter_ == "median":
        return lambda image: cv2.medianBlur(image, 5)
    return lambda image: cv2.GaussianBlur(image, (17, 17), 2, borderType=cv2.BORDER_REFLECT_101)


def _scikit_image(filter_: str, device: str) -> Callable[[Image], Image]:
    import numpy as np
    from skimage import filters

    if filter_ == "median":
        return lambda image: filters.median(image, np.ones((5, 5)), mode="nearest")
    return lambda image: filters.gaussian(image, 2, mode="mirror")


def _torch(filter_: str, device: str) -> Callable[[Image], Image]:
    import torch
    from torch.nn import functional

    x = torch.arange(-8, 9, dtype=torch.float64)
    line = torch.exp(-(x**2) / (2 * 2**2))
    line = (line / line.sum()).float()

    def call(image: Image) -> Image:
        pixels = torch.from_numpy(image).to(device)[None, None]
        wide = functional.pad(pixels, (8, 8, 8, 8), "reflect")
        across = functional.conv2d(wide, line.to(device).reshape(1, 1, 1, 17))
        found = functional.conv2d(across, line.to(device).reshape(1, 1, 17, 1))
        return found[0, 0].cpu().numpy()

    return call


def _cupyx(filter_: str, device: str) -> Callable[[Image], Image]:
    import cupy
    from cupyx.scipy import ndimage

    cupy.cuda.Device(int(device.partition(":")[2] or 0)).use()
    if filter_ == "median":
        return lambda image: cupy.asnumpy(
            ndimage.median_filter(cupy.asarray(image), 5, mode="nearest")
        )
    return lambda image: cupy.asnumpy(
        ndimage.gaussian_filter(cupy.asarray(image), 2, mode="mirror")
    )


WAYS: dict[str, Way] = {
    "cupyx": _cupyx,
    "gpuconv": _gpuconv,
    "ndimage": _ndimage,
    "opencv": _opencv,
    "scikit-image": _scikit_image,
    "torch": _torch,
}


def main(way: str, filter_: str, device: str, source: str, target: str, spawned: str) -> None:
    """Do it, and print the seconds of each step as JSON."""
    begun = time.monotonic()
    import numpy as np

    image = np.load(source)
    ready = time.monotonic()
    call = WAYS[way](filter_, device)
    imported = time.monotonic()
    call(image)
    first = time.monotonic()
    result = call(image)
    second = time.monotonic()
    np.save(target, result)
    steps = {
        "start": begun - float(spawned),
        "numpy": ready - begun,
        "import": imported - ready,
        "first": first - imported,
        "second": second - first,
        "seconds": first - float(spawned),
    }
    print(json.dumps(steps))


if __name__ == "__main__":
    main(*sys.argv[1:])
