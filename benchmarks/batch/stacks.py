"""What a stack of images of equal size gains on the CPU, in processor time of one thread.

python benchmarks/batch/stacks.py
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
from skimage import data

from gpuconv.filters import Chain

COUNT, TRIES = 8, 15
FILTERS = ("gaussian:sigma=2", "median:size=3")


def fastest(work: Callable[[], object]) -> float:
    """Return the milliseconds an image that `work` takes for COUNT of them."""
    work()
    times = []
    for _ in range(TRIES):
        started = time.thread_time()
        work()
        times.append(time.thread_time() - started)
    return min(times) / COUNT * 1e3


def main() -> None:
    """Print a row for each size and filter."""
    os.environ["GPUCONV_NUM_THREADS"] = "1"
    for size in (64, 128, 256, 512):
        images = [np.roll(data.astronaut()[:size, :size], n, 0) for n in range(COUNT)]
        for name in FILTERS:
            chain = Chain.parse([name])
            alone = fastest(lambda: [chain(image) for image in images])  # noqa: B023 — called here
            together = fastest(lambda: list(chain(np.stack(images), stacked=True)))  # noqa: B023
            print(f"{size}² {name:18} alone {alone:.3f} ms, stacked {together:.3f} ms an image")


if __name__ == "__main__":
    main()
