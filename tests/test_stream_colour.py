"""Parts of images with alpha, in linear light, in grey: the bits of the whole image's."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gpuconv.batch.stacking import Stacker
from gpuconv.errors import ArgumentError
from gpuconv.filters import Chain, Filter
from gpuconv.io import Image
from gpuconv.io.source import Layout
from gpuconv.streaming.colour import parts_of
from gpuconv.streaming.parts import Making

COUNT = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}
#: A kernel that reads pixels on one side alone, not the one that it lies over.
ASIDE = Filter.of_kernel([[0, 0, 0, 0, 0, 1, 2]])
FILTERS = (
    [ASIDE],
    [ASIDE, "box:size=3"],
    ["gaussian:sigma=1.5"],
    ["gaussian:sigma=6"],
    ["median:size=5"],
    ["bilateral:diameter=5,sigma_color=30"],
    ["nl_means:h=9,patch_size=3,search_distance=2"],
    ["sobel"],
    ["laplacian"],
    ["sharpen", "median:size=3"],
    ["gaussian:sigma=1", "box:size=7", "unsharp_mask:sigma=1,amount=0.5"],
    ["motion_blur:length=9,angle=30", "sobel"],
)


def picture(channels: str, dtype: Any, size: tuple[int, int], cover: str, seed: int) -> Image:
    """Return noise with alpha that is whole, nowhere whole, or whole but for holes."""
    rng = np.random.default_rng(seed)
    count = COUNT[channels]
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    pixels = (rng.random((*size, count)) * top).astype(dtype)
    if channels.endswith("A") and cover != "noise":
        pixels[..., -1] = top
    if channels.endswith("A") and cover == "holes":
        y, x = rng.integers(0, size[0]), rng.integers(0, size[1])
        pixels[y : y + 20, x : x + 20, -1] = rng.integers(0, 2) * (pixels[0, 0, 0] // 2)
    return Image(pixels if count > 1 else pixels[..., 0], channels)


def layout_of(image: Image) -> Layout:
    return Layout(image.pixels.shape, image.pixels.dtype, (64, 64), image.channels)


def part(parts: Making, image: Image, rows: tuple[int, int], columns: tuple[int, int]) -> Any:
    job = parts.job(rows, columns)
    windows = [parts.read(leaf, image.pixels) for leaf in job.leaves]
    return parts.make(job, rows, columns, windows)


def some(draw: Any, n: int) -> tuple[int, int]:
    start = draw(st.integers(0, n - 1))
    return start, draw(st.integers(start + 1, n))


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_any_part_has_the_bits_of_the_whole(data: Any) -> None:
    channels = data.draw(st.sampled_from(list(COUNT)))
    dtype = data.draw(st.sampled_from(["uint8", "uint16", "float32"]))
    dtype = "uint8" if channels == "CMYK" else dtype
    size = data.draw(st.tuples(st.integers(1, 150), st.integers(1, 200)))
    cover = data.draw(st.sampled_from(["whole", "noise", "holes"]))
    image = picture(channels, dtype, size, cover, data.draw(st.integers(0, 99)))
    border = data.draw(st.sampled_from([None, "wrap", "mirror", "zero", ("nearest", "constant")]))
    chain = Chain.parse(data.draw(st.sampled_from(FILTERS)), border=border)
    grey = data.draw(st.booleans())
    options: Any = {
        "alpha": data.draw(st.sampled_from(["premultiply", "straight"])),
        "linear": channels != "CMYK" and data.draw(st.booleans()),
    }
    with np.errstate(all="ignore"):
        whole = (image.grey() if grey else image).map(chain, **options)
        parts = parts_of(chain, layout_of(image), grey=grey, **options)
        rows, columns = some(data.draw, size[0]), some(data.draw, size[1])
        made = part(parts, image, rows, columns)
    assert (parts.result, parts.channels) == (whole.pixels.shape, whole.channels)
    assert made.dtype == parts.written == whole.pixels.dtype
    np.testing.assert_array_equal(made, whole.pixels[slice(*rows), slice(*columns)])


@pytest.mark.parametrize("spec", FILTERS, ids=str)
def test_what_is_made_of_opaque_pixels_alone_is_what_it_is_without_alpha(spec: list[Any]) -> None:
    image = picture("RGBA", np.uint8, (90, 120), "holes", 3)
    chain = Chain.parse(spec)
    alone = chain.where_all(image.pixels[..., 3] == 255)
    assert alone.any()
    assert not alone.all()
    colour = chain(image.pixels[..., :3])
    made = image.map(chain).pixels
    np.testing.assert_array_equal(made[alone][:, :3], colour[alone])
    assert (made[alone][:, 3] == 255).all()


def reads(chain: Chain, size: tuple[int, int], y: int, x: int) -> NDArray[np.bool_]:
    """Return which results change when one pixel does, found out by changing it."""
    rng = np.random.default_rng(0)
    image = rng.random(size)
    other = image.copy()
    other[y, x] = 50
    changed: NDArray[np.bool_] = chain(image) != chain(other)
    return changed


@pytest.mark.parametrize("border", ["reflect", "wrap", "mirror", "nearest", "zero"])
@pytest.mark.parametrize("spec", [["box:size=5"], ["sobel"], ["roberts", "box:size=4"]])
def test_what_is_not_made_of_a_pixel_does_not_mind_it(spec: list[str], border: str) -> None:
    chain = Chain.parse(spec, border=border)
    for y, x in ((0, 0), (5, 11), (9, 13), (3, 0)):
        mask = np.ones((10, 14), bool)
        mask[y, x] = False
        assert not (chain.where_all(mask) & reads(chain, (10, 14), y, x)).any()


def test_batches_treat_alpha_as_streams_do() -> None:
    image = picture("RGBA", np.uint8, (90, 120), "holes", 5)
    chain = Chain.parse(["gaussian:sigma=2", "sharpen"])
    np.testing.assert_array_equal(image.map(Stacker(chain)).pixels, image.map(chain).pixels)


def test_filters_of_the_whole_image_ask_whether_all_is_opaque() -> None:
    mask = np.ones((5, 6), bool)
    chain = Chain.parse(["canny"])
    assert chain.where_all(mask).all()
    mask[0, 0] = False
    assert not chain.where_all(mask).any()


def test_opaque_parts_are_filtered_as_they_are_stored() -> None:
    image = picture("RGBA", np.uint8, (200, 200), "whole", 0)
    seen = list[Any]()
    parts: Any = parts_of(Chain.parse(["median:size=3"]), layout_of(image))
    parts._with_alpha = lambda *_: seen.append("weighted")
    part(parts, image, (10, 20), (0, 200))
    assert seen == []


def test_a_window_is_read_once_though_two_ways_need_it() -> None:
    image = picture("RGBA", np.uint8, (300, 300), "noise", 0)
    parts = parts_of(Chain.parse(["gaussian:sigma=2"]), layout_of(image))
    assert len(parts.job((0, 10), (0, 10)).leaves) == 1


@pytest.mark.parametrize("channels", ["LA", "RGB", "RGBA"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("grey", [False, True])
def test_no_more_memory_is_taken_than_is_predicted(
    channels: str, dtype: str, linear: bool, grey: bool
) -> None:
    image = picture(channels, dtype, (700, 700), "holes", 0)
    image.pixels[:300, :300, -1] //= 2
    chain = Chain.parse(["gaussian:sigma=2"])
    parts = parts_of(chain, layout_of(image), linear=linear, grey=grey)
    rows, columns = (0, 512), (0, 700)
    job = parts.job(rows, columns)
    windows = [parts.read(leaf, image.pixels) for leaf in job.leaves]
    parts.make(job, rows, columns, windows)  # what engines keep is theirs
    tracemalloc.start()
    try:
        parts.make(job, rows, columns, windows)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken + sum(window.nbytes for window in windows) <= parts.peak(job)


def test_what_cannot_be_done_is_refused_at_once() -> None:
    chain = Chain.parse(["box:size=3"])
    five = Layout((8, 8, 5), np.dtype(np.uint8), (8, 8), "")
    with pytest.raises(ArgumentError, match="nothing tells what the 5 channels"):
        parts_of(chain, five, grey=True)
    with pytest.raises(ArgumentError, match="CMYK"):
        parts_of(chain, Layout((8, 8, 4), np.dtype(np.uint8), (8, 8), "CMYK"), linear=True)
    with pytest.raises(ArgumentError, match="alpha='no'"):
        parts_of(chain, five, alpha="no")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="canny"):
        parts_of(Chain.parse(["canny"]), Layout((8, 8), np.dtype(np.uint8), (8, 8)))
