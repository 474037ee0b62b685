"""Filters that need the whole image: all of it at once, as large as predicted, with its bits."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from gpuconv.filters import Chain
from gpuconv.io import Image
from gpuconv.io.source import Layout
from gpuconv.streaming.whole import Whole, is_local

CHAINS = (
    "canny:sigma=2,low_threshold=10,high_threshold=30",
    "wiener(psf=gaussian(sigma=2), noise=0.01)",
    "richardson_lucy(psf=gaussian(sigma=2), iterations=2)",
    "nl_means:search_distance=3,patch_size=3",
)


def picture(channels: str, size: tuple[int, int] = (96, 80)) -> np.ndarray:
    shape = size if channels == "L" else (*size, len(channels))
    return np.random.default_rng(3).integers(0, 256, shape, np.uint8)


def whole_of(chain: Chain, pixels: np.ndarray, channels: str, **options: object) -> Whole:
    layout = Layout(pixels.shape, pixels.dtype, (16, 16), channels)
    return Whole(chain, layout, **options)  # type: ignore[arg-type]


def made(whole: Whole, pixels: np.ndarray, rows: tuple[int, int], columns: tuple[int, int]):
    job = whole.job(rows, columns)
    return whole.make(job, rows, columns, [whole.read(leaf, pixels) for leaf in job.leaves])


@pytest.mark.parametrize("spec", CHAINS)
@pytest.mark.parametrize("channels", ["L", "RGB", "RGBA"])
def test_a_part_is_that_of_the_mapped_image(spec: str, channels: str) -> None:
    chain, pixels = Chain.parse([spec]), picture(channels)
    expected = Image(pixels, channels).map(chain).pixels
    part = made(whole_of(chain, pixels, channels), pixels, (16, 48), (0, 80))
    assert part.dtype == pixels.dtype
    assert np.array_equal(part, expected[16:48])


def test_colour_can_be_made_grey_and_light_linear() -> None:
    chain, pixels = Chain.parse([CHAINS[1]]), picture("RGBA")
    whole = whole_of(chain, pixels, "RGBA", grey=True, linear=True)
    assert (whole.result, whole.channels, whole.written) == ((96, 80, 2), "LA", np.uint8)
    expected = Image(pixels, "RGBA").grey().map(chain, linear=True).pixels
    assert np.array_equal(made(whole, pixels, (0, 96), (0, 80)), expected)


def test_what_is_local_is_told() -> None:
    assert not any(is_local(Chain.parse([spec])) for spec in CHAINS)
    assert not is_local(Chain.parse(["box:size=3", CHAINS[1]]))
    assert is_local(Chain.parse(["box:size=3", "median:size=3"]))


@pytest.mark.parametrize("spec", CHAINS)
@pytest.mark.parametrize(
    ("channels", "size", "linear"), [("L", (1600, 1280), False), ("RGBA", (800, 640), True)]
)
def test_no_more_memory_is_taken_than_predicted(
    spec: str, channels: str, size: tuple[int, int], linear: bool
) -> None:
    chain, pixels = Chain.parse([spec]), picture(channels, size)
    whole = whole_of(chain, pixels, channels, linear=linear)
    rows, columns = (0, size[0]), (0, size[1])
    made(whole, pixels[:64, :64], (0, 64), (0, 64))  # plans and spectra are kept from now on
    tracemalloc.start()
    try:
        made(whole, pixels, rows, columns)
        peak = tracemalloc.get_traced_memory()[1] + pixels.nbytes
    finally:
        tracemalloc.stop()
    assert peak <= whole.peak(whole.job(rows, columns))
