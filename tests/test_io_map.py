"""Filtering through `Image.map`: alpha without fringes, linear light by the standard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.color
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFilter
from scipy import ndimage

import gpuconv as gc
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.io import Image, Metadata
from gpuconv.io.colour import divide_alpha, from_linear, to_linear

PHOTO = skimage.data.astronaut()[100:164, 180:230]
RAMP = np.linspace(0, 255, 50).astype(np.uint8) * np.ones((64, 1), np.uint8)


def gaussian(pixels: NDArray[Any]) -> NDArray[Any]:
    sigma = (2, 2, 0)[: pixels.ndim]
    return ndimage.gaussian_filter(pixels, sigma, output=np.float32)


def sobel(pixels: NDArray[Any]) -> NDArray[Any]:
    return np.abs(ndimage.sobel(pixels.astype(np.float32), axis=1))


def same(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels


def test_the_function_gets_the_pixels_as_they_are() -> None:
    for array in (PHOTO, PHOTO[..., 0], PHOTO.astype(np.int32), PHOTO.astype(np.float32)):
        seen: list[Any] = []
        Image.from_array(array).map(lambda pixels, seen=seen: seen.append(pixels) or pixels)
        assert len(seen) == 1
        assert seen[0].dtype == array.dtype
        np.testing.assert_array_equal(seen[0], array)


def test_rounding_is_half_to_even_once_and_saturates() -> None:
    image = Image.from_array(np.array([[1, 3, 200]], np.uint8))
    assert image.map(lambda p: p.astype(np.float32) * 1.5).pixels.tolist() == [[2, 4, 255]]
    assert image.map(lambda p: p.astype(np.int64) - 2).pixels.tolist() == [[0, 1, 198]]


def test_metadata_and_shape() -> None:
    image = Image(PHOTO, "RGB", Metadata(format="PNG"))
    cut = image.map(lambda pixels: pixels[3:-3, 3:-3])
    assert cut.pixels.shape == (58, 44, 3)
    assert cut.metadata is image.metadata


def test_edge_of_a_transparent_region_does_not_darken_or_bleed() -> None:
    # Green beside fully transparent magenta: blurring all channels alike mixes them.
    pixels = np.zeros((20, 40, 4), np.uint8)
    pixels[:, :20] = (0, 122, 0, 255)
    pixels[:, 20:] = (255, 255, 255, 0)
    image = Image(pixels, "RGBA")
    ours = image.map(gaussian).pixels
    shown = ours[..., 3] > 0
    assert set(map(tuple, ours[..., :3][shown])) == {(0, 122, 0)}
    np.testing.assert_array_equal(ours[..., 3], np.rint(gaussian(pixels[..., 3])))
    straight = image.map(gaussian, alpha="straight").pixels
    assert straight[10, 19, 1] > 170
    np.testing.assert_array_equal(straight, np.rint(gaussian(pixels)).astype(np.uint8))


def test_pillow_agrees_on_premultiplied_blur() -> None:
    pixels = np.dstack([PHOTO, RAMP])
    theirs = Pillow.fromarray(pixels).convert("RGBa").filter(ImageFilter.BoxBlur(1))
    box = Image(pixels, "RGBA").map(lambda p: ndimage.uniform_filter(p, (3, 3, 1)[: p.ndim]))
    inside = np.s_[2:-2, 16:-2]
    wanted = np.asarray(theirs.convert("RGBA"))[inside].astype(int)
    # Pillow premultiplies in 8 bits, which is off by up to 255 / alpha.
    np.testing.assert_allclose(box.pixels[inside], wanted, atol=4)


def test_by_the_formula() -> None:
    pixels = np.dstack([PHOTO, np.maximum(RAMP, 1)])
    alpha = pixels[..., 3:] / 255
    blurred = ndimage.gaussian_filter(pixels[..., :3] * alpha, (2, 2, 0))
    cover = ndimage.gaussian_filter(alpha, (2, 2, 0))
    ours = Image(pixels, "RGBA").map(gaussian).pixels
    np.testing.assert_allclose(ours[..., :3], blurred / cover, atol=0.51)
    np.testing.assert_allclose(ours[..., 3], cover[..., 0] * 255, atol=0.51)


@pytest.mark.parametrize("channels", ["LA", "RGBA"])
@pytest.mark.parametrize("filter_", [gaussian, sobel, lambda p: ndimage.laplace(p * 1.0)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_opaque_gives_what_it_gives_without_alpha(channels: str, filter_: Any, dtype: Any) -> None:
    colour = (PHOTO if channels == "RGBA" else PHOTO[..., :1]).astype(dtype)
    top = np.iinfo(dtype).max if dtype != np.float32 else 1
    pixels = np.concatenate([colour, np.full_like(colour[..., :1], top)], axis=2)
    ours = Image(pixels, channels).map(filter_).pixels
    plain = Image(colour if channels == "RGBA" else colour[..., 0], channels[:-1]).map(filter_)
    np.testing.assert_array_equal(ours[..., :-1].reshape(plain.pixels.shape), plain.pixels)
    assert (ours[..., -1] == top).all()


def test_nearly_opaque_is_nearly_the_same() -> None:
    # No step between "all opaque", which takes a short cut, and "one pixel is not".
    pixels = np.dstack([PHOTO, np.full(PHOTO.shape[:2], 255, np.uint8)])
    dark = {"mode": "constant", "cval": 0.0}

    def box(p: NDArray[Any]) -> NDArray[Any]:
        return ndimage.uniform_filter(p.astype(np.float32), (5, 5, 1)[: p.ndim], **dark) * 3

    whole = Image(pixels, "RGBA").map(box).pixels
    pixels[32, 25, 3] = 254
    ours = Image(pixels, "RGBA").map(box).pixels
    np.testing.assert_allclose(ours.astype(int), whole, atol=1)
    assert (whole[..., 3] == 255).all()


def test_filters_that_take_differences_keep_alpha() -> None:
    pixels = np.dstack([PHOTO, RAMP])
    ours = Image(pixels, "RGBA").map(sobel).pixels
    np.testing.assert_array_equal(ours[..., 3], RAMP)
    assert ours[..., :3].max() > 100
    with pytest.raises(ArgumentError, match=r"zero gain changes the size .* use alpha='straight'"):
        Image(pixels, "RGBA").map(lambda p: np.diff(p, axis=1))


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_identity_changes_nothing(dtype: Any, linear: bool) -> None:
    top = np.iinfo(dtype).max
    values = np.random.default_rng(1).integers(0, top + 1, (40, 50, 4)).astype(dtype)
    values[:5, ..., 3] = 0
    values[5:10, ..., 3] = top
    ours = Image(values, "RGBA").map(same, linear=linear).pixels
    np.testing.assert_array_equal(ours, values)
    every = np.arange(top + 1).astype(dtype).reshape(2, -1)
    np.testing.assert_array_equal(Image(every, "L").map(same, linear=linear).pixels, every)


def test_size_may_change_with_alpha() -> None:
    pixels = np.dstack([PHOTO, RAMP])
    ours = Image(pixels, "RGBA").map(lambda p: p[1:-1, 1:-1]).pixels
    shown = RAMP[1:-1, 1:-1] > 0
    np.testing.assert_array_equal(ours[shown], pixels[1:-1, 1:-1][shown])
    assert (ours[~shown] == 0).all()
    opaque = Image(np.dstack([PHOTO, RAMP * 0 + 255]), "RGBA").map(lambda p: p[1:-1, 1:-1])
    assert opaque.pixels.shape == (62, 48, 4)


def test_overshoot_does_not_colour_edges() -> None:
    pixels = np.zeros((20, 40, 4), np.uint8)
    pixels[:, :20] = (10, 122, 200, 255)
    sharp = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], np.float32)

    def sharpen(p: NDArray[Any]) -> NDArray[Any]:
        weights = sharp if p.ndim == 2 else sharp[..., np.newaxis]
        return ndimage.convolve(p, weights)

    ours = Image(pixels, "RGBA").map(sharpen).pixels
    np.testing.assert_array_equal(ours, pixels)


def test_transfer_function_is_that_of_the_standard() -> None:
    codes = np.arange(256, dtype=np.uint8)
    # Of grey, skimage's luminance is the decoded value.
    grey = np.repeat((codes / 255)[:, np.newaxis, np.newaxis], 3, axis=2)
    luminance = skimage.color.rgb2xyz(grey)[:, 0, 1]
    np.testing.assert_allclose(to_linear(codes) / 255, luminance / luminance[-1], atol=2e-6)
    back = from_linear(to_linear(codes), 255.0)
    np.testing.assert_allclose(back, codes, atol=1e-4)
    # Beyond black and white the curve goes on, mirrored below 0.
    beyond = np.array([-0.5, 1.5])
    np.testing.assert_allclose(from_linear(to_linear(beyond), 1.0), beyond)
    assert to_linear(beyond)[0] == -to_linear(-beyond)[0]


@settings(derandomize=True, max_examples=50, deadline=None)
@given(hnp.arrays(np.float32, 20, elements=st.floats(0, 1, width=32)))
def test_transfer_function_is_inverted(values: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(from_linear(to_linear(values), 1.0), values, atol=1e-6)


def test_linear_light() -> None:
    # A fine chequerboard of black and white seen from afar: half the light is code 188, not 128.
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)

    def mean(pixels: NDArray[Any]) -> NDArray[Any]:
        return ndimage.uniform_filter(pixels.astype(np.float32), 8)

    assert Image(board, "L").map(mean, linear=True).pixels[30, 30] == 188
    assert Image(board, "L").map(mean).pixels[30, 30] == 128
    half = Image(board.astype(np.float32) / 255, "L").map(mean, linear=True).pixels
    assert half[30, 30] == pytest.approx(0.7353569830524495)


def test_alpha_is_linear_already() -> None:
    pixels = np.dstack([PHOTO, RAMP])
    for alpha in ("premultiply", "straight"):
        ours = Image(pixels, "RGBA").map(gaussian, linear=True, alpha=alpha).pixels
        np.testing.assert_array_equal(ours[..., 3], np.rint(gaussian(RAMP)))


def test_refusals() -> None:
    image = Image(np.zeros((4, 4, 4), np.uint8), "CMYK")
    with pytest.raises(ArgumentError, match="linear=True is for sRGB light, not for CMYK ink"):
        image.map(same, linear=True)
    np.testing.assert_array_equal(image.map(same).pixels, image.pixels)
    with pytest.raises(ArgumentError, match="no white point for pixels of dtype int32"):
        Image(np.zeros((4, 4), np.int32), "L").map(same, linear=True)
    with pytest.raises(ArgumentError, match="alpha='premul' is not a way to treat alpha"):
        image.map(same, alpha="premul")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"\(4, 4, 4\) into \(4, 4\); it must keep"):
        image.map(lambda pixels: pixels[..., 0])
    with pytest.raises(ArgumentError, match=r"pixels of shape \(4, 4\) are not 'RGB', which is"):
        Image(np.zeros((4, 4), np.uint8), "RGB")
    with pytest.raises(ArgumentError, match="channels='BGR' is not a kind of image"):
        Image(np.zeros((4, 4, 3), np.uint8), "BGR")
    with pytest.raises(ArgumentTypeError, match="pixels of dtype bool is not supported"):
        Image(np.zeros((4, 4), bool), "L")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "L", "CMYK"])
def test_grey_is_pillows(mode: str) -> None:
    source = Pillow.fromarray(np.dstack([PHOTO, RAMP])).convert(mode if mode != "CMYK" else "RGB")
    if mode == "CMYK":
        inks = np.random.default_rng(1).integers(0, 256, (30, 31, 4), np.uint8)
        source = Pillow.frombytes("CMYK", (31, 30), inks.tobytes())
    grey = Image(np.asarray(source), mode).grey()
    wanted = "LA" if mode.endswith("A") else "L"
    assert grey.channels == wanted
    if mode == "RGBA":
        np.testing.assert_array_equal(grey.pixels[..., 0], np.asarray(source.convert("L")))
        np.testing.assert_array_equal(grey.pixels[..., 1], RAMP)
    else:
        np.testing.assert_array_equal(grey.pixels, np.asarray(source.convert(wanted)))


def test_grey_keeps_the_depth() -> None:
    deep = np.random.default_rng(2).integers(0, 65536, (9, 8, 3)).astype(np.uint16)
    weights = np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(Image(deep, "RGB").grey().pixels, deep @ weights, atol=1.01)
    white = np.full((1, 1, 3), 65535, np.uint16)
    assert Image(white, "RGB").grey().pixels.tolist() == [[65535]]
    real = deep.astype(np.float32) / 65535
    ours = Image(real, "RGB").grey().pixels
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, real @ weights, rtol=1e-6)


def test_image_is_an_array(tmp_path: Path) -> None:
    image = Image.from_array(PHOTO)
    assert np.asarray(image) is image.pixels
    assert np.asarray(image, dtype=np.float32).dtype == np.float32
    copied = np.array(image)
    assert not np.shares_memory(copied, image.pixels)
    np.testing.assert_array_equal(copied, PHOTO)
    with pytest.raises(ValueError, match="copy"):
        np.array(image, dtype=np.float32, copy=False)


@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 3), (9, 8, 4)])
def test_an_image_tells_convolve_where_its_channels_are(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, shape).astype(np.uint8)
    axis = -1 if len(shape) == 3 else None
    found = gc.convolve(Image.from_array(pixels), gc.kernels.box(3))
    np.testing.assert_array_equal(found, gc.convolve(pixels, gc.kernels.box(3), channel_axis=axis))
    moved = gc.correlate(Image.from_array(pixels), [[1, 0, 0]], channel_axis=None)
    np.testing.assert_array_equal(moved[:, 1:], pixels[:, :-1])


def test_alpha_that_is_all_but_nothing_divides_nothing() -> None:
    subnormal = np.array([[1e-40, 0.5]], np.float32)
    assert divide_alpha(np.array([[0, 3]], np.float32), subnormal).tolist() == [[0.0, 6.0]]


# Filters that are no convolutions, over images with alpha

OPERATIONS = {
    "median": "median:size=5",
    "minimum": "minimum:size=3",
    "maximum": "maximum:size=3",
    "bilateral": "bilateral:diameter=5,sigma_color=40",
    "nl_means": "nl_means:patch_size=3,search_distance=2,h=20",
    "sobel": "sobel",
    "unsharp_mask": "unsharp_mask:sigma=1,amount=0.5",
    "richardson_lucy": "richardson_lucy:psf=disk(radius=1),iterations=3",
}
#: Opaque at the left, transparent at the right, with all between.
FADING = np.dstack([PHOTO, np.clip(2 * RAMP.astype(int)[:, ::-1] - 90, 0, 255).astype(np.uint8)])


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("linear", [False, True])
def test_hidden_colour_stays_hidden(name: str, linear: bool) -> None:
    chain = gc.Chain.parse([OPERATIONS[name]])
    other = FADING.copy()
    hidden = FADING[..., 3] == 0
    assert 100 < hidden.sum() < hidden.size / 2
    other[hidden] = (255, 0, 255, 0)
    ours, theirs = (Image(p, "RGBA").map(chain, linear=linear).pixels for p in (FADING, other))
    np.testing.assert_array_equal(ours[..., 3], theirs[..., 3])
    seen = ours[..., 3] > 0
    np.testing.assert_array_equal(ours[seen], theirs[seen])
    assert seen.any()


@pytest.mark.parametrize("name", OPERATIONS)
def test_far_from_transparency_all_is_as_without_alpha(name: str) -> None:
    chain = gc.Chain.parse([OPERATIONS[name]])
    ours = Image(FADING, "RGBA").map(chain).pixels
    plain = Image(PHOTO, "RGB").map(chain).pixels
    deep = np.s_[:, :9]  # opaque up to column 15
    assert (FADING[:, :15, 3] == 255).all()
    assert (ours[deep][..., 3] == 255).all()
    # Patches are alike in opacity, too: a channel more, in which there is no difference.
    off = 12 if name == "nl_means" else 1
    np.testing.assert_allclose(ours[deep][..., :3].astype(int), plain[deep], atol=off)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "sobel"])
def test_one_colour_stays_that_colour_at_edges_of_opacity(name: str) -> None:
    pixels = np.zeros((20, 40, 4), np.uint8)
    pixels[:, :20] = (10, 122, 200, 255)
    pixels[:, 20:30] = (10, 122, 200, 90)
    pixels[:, 30:] = (255, 255, 255, 0)
    ours = Image(pixels, "RGBA").map(gc.Chain.parse([OPERATIONS[name]])).pixels
    shown = ours[..., 3] > 3
    np.testing.assert_allclose(ours[..., :3][shown].astype(int) - (10, 122, 200), 0, atol=1)
    assert (ours[:, 5, 3] == 255).all()
    assert (ours[:, 36, 3] == 0).all()


def test_ranks_of_light_and_of_coverage() -> None:
    ours = Image(FADING, "RGBA").map(gc.Chain.parse(["median:size=5"])).pixels
    cover = ndimage.median_filter(FADING[..., 3], 5)
    np.testing.assert_array_equal(ours[..., 3], cover)
    light = FADING[..., :3] * (FADING[..., 3:] / 255.0)
    ranked = ndimage.median_filter(light, (5, 5, 1))
    seen = cover > 0
    wanted = ranked[seen] / (cover[seen] / 255.0)[:, None]
    np.testing.assert_allclose(ours[..., :3][seen], wanted, atol=0.51)


def test_edges_are_drawn_with_the_alpha_that_was() -> None:
    ours = Image(FADING, "RGBA").map(gc.Chain.parse(["sobel"])).pixels
    np.testing.assert_array_equal(ours[..., 3], FADING[..., 3])
    straight = Image(FADING, "RGBA").map(gc.Chain.parse(["sobel"]), alpha="straight").pixels
    np.testing.assert_array_equal(straight, gc.sobel(FADING, channel_axis=-1))
