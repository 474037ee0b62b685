"""The bilateral filter on the CPU engine, against its definition, OpenCV and scikit-image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.restoration import denoise_bilateral

import gpuconv as gc
from gpuconv import reference
from gpuconv.backends.host import bilateral as host
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.neighbourhood import Bilateral

SAMPLES = Path(__file__).parent.parent / "samples"
BORDERS = "reflect", "mirror", "nearest", "wrap", "constant"
INTEGERS = "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"
FLOATS = "float16", "float32", "float64"


def noise(*shape: int, dtype: str = "float32", seed: int = 1) -> Any:
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 100, shape).astype(dtype)
    return rng.random(shape).astype(dtype)


def photograph(name: str) -> Any:
    """A part of a photograph, with edges and with flat regions."""
    picture = Image.open(SAMPLES / name)
    pixels = np.asarray(picture if picture.mode == "L" else picture.convert("RGB"))
    return np.ascontiguousarray(pixels[60:220, 90:300])


def defined(image: Any, wanted: Bilateral, joint: bool = False, **options: Any) -> Any:
    return reference.bilateral(
        image, wanted.radius, wanted.sigma_color, wanted.sigma_space, joint=joint, **options
    )


# ---------------------------------------------------------------------------- the definition


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("diameter", [1, 3, 4, 9, 17])
def test_it_is_the_definition_to_a_few_units_in_the_last_place(diameter: int, border: str) -> None:
    image = noise(31, 47)
    wanted = Bilateral.of(diameter, sigma_color=0.3)
    expected = defined(image.astype(np.float64), wanted, border=border, cval=0.5)
    found = gc.bilateral(image, diameter, sigma_color=0.3, border=border, cval=0.5)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_both_borders_can_differ() -> None:
    image, borders = noise(9, 11), ("wrap", "nearest")
    expected = defined(image, Bilateral.of(7, sigma_color=0.2), border=borders)
    found = gc.bilateral(image, 7, sigma_color=0.2, border=borders)
    np.testing.assert_allclose(found, expected, atol=4e-7)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_within_a_level_of_the_definition(dtype: str) -> None:
    image = noise(25, 40, dtype=dtype)
    wanted = Bilateral.of(7, sigma_color=30.0)
    found = gc.bilateral(image, 7, sigma_color=30.0)
    assert found.dtype == image.dtype
    difference = np.abs(found.astype(np.float64) - defined(image, wanted).astype(np.float64))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01  # ties that fall to the other side


@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_are_as_good_as_their_dtype(dtype: str) -> None:
    image = noise(25, 40, dtype=dtype)
    expected = defined(image.astype(np.float64), Bilateral.of(7, sigma_color=0.3))
    found = gc.bilateral(image, 7, sigma_color=0.3)
    assert found.dtype == image.dtype
    limit = 4 * np.finfo(dtype).eps
    assert np.abs(found.astype(np.float64) - expected).max() <= limit


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 9])
def test_the_distance_of_colours_is_the_sum_over_their_channels(channels: int) -> None:
    image = noise(channels, 20, 33)
    wanted = Bilateral.of(5, sigma_color=0.4)
    expected = defined(image, wanted, joint=True)
    for axis in (0, 1, 2, -1):
        moved = np.moveaxis(image, 0, axis)
        found = gc.bilateral(moved, 5, sigma_color=0.4, channel_axis=axis)
        np.testing.assert_allclose(np.moveaxis(found, axis, 0), expected, atol=4e-7)


def test_images_of_a_batch_are_filtered_apart() -> None:
    batch = noise(2, 3, 14, 15, 3)
    found = gc.bilateral(batch, 5, sigma_color=0.4, channel_axis=-1)
    for index in np.ndindex(2, 3):
        alone = gc.bilateral(batch[index], 5, sigma_color=0.4, channel_axis=-1)
        np.testing.assert_array_equal(found[index], alone)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (0, 5), (5, 0), (3, 0, 4)])
def test_images_smaller_than_the_window(shape: tuple[int, ...]) -> None:
    image = noise(*shape)
    found = gc.bilateral(image, 11, sigma_color=0.3, border="mirror")
    assert found.shape == shape
    if image.size:
        expected = defined(image, Bilateral.of(11, sigma_color=0.3), border="mirror")
        np.testing.assert_allclose(found, expected, atol=4e-7)


def test_tiles_and_chunks_meet_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    image = noise(150, 560)
    expected = defined(image, Bilateral.of(9, sigma_color=0.2))
    np.testing.assert_allclose(gc.bilateral(image, 9, sigma_color=0.2), expected, atol=4e-7)
    # Chunks that begin in the middle of rows, and views that are made anew for each tile.
    monkeypatch.setattr(host, "chunk", lambda channels: 1000)
    monkeypatch.setattr(host, "_KEPT", 10)
    np.testing.assert_allclose(gc.bilateral(image, 9, sigma_color=0.2), expected, atol=4e-7)


def test_a_window_of_a_hundred_pixels() -> None:
    image = noise(40, 50)
    expected = defined(image, Bilateral.of(101, sigma_color=0.2))
    found = gc.bilateral(image, 101, sigma_color=0.2)
    np.testing.assert_allclose(found, expected, atol=2e-6)
    large = gc.plan((4096, 4096), "float32", Bilateral.of(101, sigma_color=0.2)).prediction
    assert large.peak - large.bytes < 64 * 2**20


# ---------------------------------------------------------------------------- sigmas and pixels


def test_what_differs_much_has_no_weight() -> None:
    step = np.repeat(np.array([[0, 1]], np.float32), 8, axis=1)
    for tiny in (1e-3, 1e-30, 1e-300):
        np.testing.assert_array_equal(gc.bilateral(step, 5, sigma_color=tiny), step)


@pytest.mark.parametrize("sigma", [1e6, 1e30, 1e300])
def test_with_a_large_sigma_of_colours_it_is_a_gaussian_blur_in_a_disk(sigma: float) -> None:
    image, reach = noise(20, 30, dtype="float64"), np.arange(-3, 4)
    squares = reach[:, None] ** 2 + reach**2
    weights = np.where(squares <= 9, np.exp(-squares / 2 / 1.7**2), 0)
    blurred = gc.convolve(image, gc.Kernel(weights, divisor=weights.sum()))
    found = gc.bilateral(image, 7, sigma_color=sigma, sigma_space=1.7)
    np.testing.assert_allclose(found, blurred, atol=1e-9)


def test_a_small_sigma_of_space_leaves_the_image() -> None:
    image = noise(9, 9)
    for tiny in (1e-2, 1e-200):
        found = gc.bilateral(image, 5, sigma_color=1.0, sigma_space=tiny)
        np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_window_that_has_a_pixel_which_is_not_finite_becomes_nan(bad: float) -> None:
    image = noise(13, 15)
    image[6, 7] = bad
    found = gc.bilateral(image, 5, sigma_color=0.5)
    y, x = np.mgrid[-6:7, -7:8]
    np.testing.assert_array_equal(np.isnan(found), y * y + x * x <= 4)
    with np.errstate(invalid="ignore"):
        expected = defined(image, Bilateral.of(5, sigma_color=0.5))
    np.testing.assert_allclose(found, expected, atol=4e-7)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_colour_that_is_not_finite_is_what_the_formula_makes_of_it(bad: float) -> None:
    image = noise(3, 13, 15)
    image[1, 6, 7] = bad
    found = gc.bilateral(image, 5, sigma_color=0.5, channel_axis=0)
    with np.errstate(invalid="ignore"):
        expected = defined(image, Bilateral.of(5, sigma_color=0.5), joint=True)
    np.testing.assert_allclose(found, expected, atol=4e-7)
    assert np.isnan(found[:, 6, 7]).all()


def test_a_marker_for_missing_pixels_does_not_spoil_its_neighbours() -> None:
    image = noise(13, 15)
    marked = image.copy()
    marked[6, 7] = -3e38
    found = gc.bilateral(marked, 3, sigma_color=0.5)
    expected = defined(marked.astype(np.float64), Bilateral.of(3, sigma_color=0.5))
    np.testing.assert_allclose(found, expected, rtol=4e-7)


# ---------------------------------------------------------------------------- arrays


def test_out_may_be_the_image() -> None:
    image = noise(30, 31)
    expected = gc.bilateral(image, 9, sigma_color=0.2)
    assert gc.bilateral(image, 9, sigma_color=0.2, out=image) is image
    np.testing.assert_array_equal(image, expected)


def test_strides_byte_orders_and_read_only_images() -> None:
    image = noise(40, 44)
    for view in (image.T, image[::2, ::-3], np.asfortranarray(image), image.astype(">f4")):
        view.flags.writeable = False
        found = gc.bilateral(view, 5, sigma_color=0.3)
        expected = gc.bilateral(np.ascontiguousarray(view, np.float32), 5, sigma_color=0.3)
        np.testing.assert_array_equal(found, expected)


def test_results_of_another_dtype() -> None:
    image = noise(20, 20, dtype="uint8")
    wanted = Bilateral.of(5, sigma_color=20.0)
    found = gc.bilateral(image, 5, sigma_color=20.0, dtype="float64")
    np.testing.assert_allclose(found, defined(image, wanted, dtype="float64"), rtol=1e-12)
    out = np.empty(image.shape, np.int16)
    gc.bilateral(image, 5, sigma_color=20.0, out=out)
    np.testing.assert_array_equal(out, np.rint(found))


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    diameter=st.integers(1, 9),
    color=st.floats(0.01, 100),
    space=st.floats(0.1, 20),
    border=st.tuples(st.sampled_from(BORDERS), st.sampled_from(BORDERS)),
    dtype=st.sampled_from(["uint8", "int16", "float32", "float64"]),
    seed=st.integers(0, 99),
)
def test_any_image(
    shape: tuple[int, int],
    diameter: int,
    color: float,
    space: float,
    border: tuple[str, str],
    dtype: str,
    seed: int,
) -> None:
    image = noise(*shape, dtype=dtype, seed=seed)
    wanted = Bilateral.of(diameter, sigma_color=color, sigma_space=space)
    options: dict[str, Any] = {"border": border, "cval": 3}
    expected = defined(image, wanted, dtype="float64", **options)
    found = gc.bilateral(image, diameter, sigma_color=color, sigma_space=space, **options)
    limit = 0.51 if image.dtype.kind in "iu" else 2e-6
    assert np.abs(found - expected).max() <= limit


# ---------------------------------------------------------------------------- other libraries


@pytest.mark.parametrize("diameter", [5, 9, 15])
@pytest.mark.parametrize("name", ["camera.png", "chelsea.png", "noise", "noise in colour"])
def test_bytes_are_within_a_level_of_opencv(name: str, diameter: int) -> None:
    shape = (90, 120, 3) if name == "noise in colour" else (90, 120)
    image = noise(*shape, dtype="uint8") if "noise" in name else photograph(name)
    axis = -1 if image.ndim == 3 else None
    for sigma_color in (8.0, 40.0):
        theirs = cv2.bilateralFilter(
            image, diameter, sigma_color, 3.0, borderType=cv2.BORDER_REFLECT_101
        )
        ours = gc.bilateral(
            image,
            diameter,
            sigma_color=sigma_color,
            sigma_space=3.0,
            border="mirror",
            channel_axis=axis,
        )
        assert np.abs(ours.astype(int) - theirs).max() <= 1


@pytest.mark.parametrize("name", ["camera.png", "chelsea.png"])
def test_floats_are_as_near_opencv_as_its_table_is_fine(name: str) -> None:
    # OpenCV takes weights from a table of 4096 entries a channel between the least and the largest
    # pixel, and interpolates.
    image = photograph(name).astype(np.float32) / 255
    axis = -1 if image.ndim == 3 else None
    theirs = cv2.bilateralFilter(image, 9, 0.1, 3.0, borderType=cv2.BORDER_REFLECT_101)
    ours = gc.bilateral(
        image, 9, sigma_color=0.1, sigma_space=3.0, border="mirror", channel_axis=axis
    )
    assert np.abs(ours - theirs).max() < 1e-5


def test_the_window_of_a_sigma_of_space_is_opencvs() -> None:
    image = photograph("camera.png")
    for sigma in (0.4, 1.0, 1.7, 3.0):
        theirs = cv2.bilateralFilter(image, 0, 30.0, sigma, borderType=cv2.BORDER_REFLECT_101)
        ours = gc.bilateral(image, sigma_color=30.0, sigma_space=sigma, border="mirror")
        assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_scikit_image_weighs_by_another_distance_in_space() -> None:
    # Its table of weights in space is read with a wrong stride, so that they are not symmetric;
    # where sigma_spatial is large they hardly matter, and a square window is what is left.
    image = photograph("camera.png")[:50, :60] / 255
    theirs = denoise_bilateral(image, 5, sigma_color=0.1, sigma_spatial=1e3, bins=10**6)
    total, weight = np.zeros_like(image), np.zeros_like(image)
    padded = np.pad(image, 2)  # its border is constant, too
    for y, x in np.ndindex(5, 5):
        there = padded[y : y + 50, x : x + 60]
        w = np.exp(-((there - image) ** 2) / 2 / 0.1**2)
        total, weight = total + w * there, weight + w
    np.testing.assert_allclose(theirs, total / weight, atol=1e-4)


# ---------------------------------------------------------------------------- plans and errors


def test_a_plan_says_what_it_does_and_runs() -> None:
    image = noise(60, 70, 3)
    wanted = Bilateral.of(9, sigma_color=0.2)
    plan = gc.plan(image.shape, "float32", wanted, channel_axis=-1)
    assert "bilateral, 9 pixels across" in plan.explain()
    assert "3 channels together" in plan.explain()
    expected = gc.bilateral(image, 9, sigma_color=0.2, channel_axis=-1)
    np.testing.assert_array_equal(plan(image), expected)


def test_a_larger_window_and_more_channels_are_predicted_to_take_longer() -> None:
    def seconds(diameter: int, *shape: int) -> float:
        axis = 2 if len(shape) == 3 else None
        wanted = Bilateral.of(diameter, sigma_color=1)
        return gc.plan(shape, "float32", wanted, channel_axis=axis).prediction.seconds

    assert seconds(9, 500, 600) < seconds(15, 500, 600) < seconds(15, 500, 600, 3)
    assert seconds(9, 500, 600) < seconds(9, 1000, 600)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sigma_color": 1}, "give diameter or sigma_space"),
        ({"diameter": 0, "sigma_color": 1}, "diameter=0 must be in 1"),
        ({"diameter": 5, "sigma_color": 0}, "sigma_color=0 must be finite and above 0"),
        ({"diameter": 5, "sigma_color": np.nan}, "sigma_color=nan"),
        ({"diameter": 5, "sigma_color": 10**400}, "must be finite and above 0"),
        ({"diameter": 5, "sigma_color": 1, "sigma_space": -2}, "sigma_space=-2"),
        ({"sigma_color": 1, "sigma_space": 1e9}, "sigma_space=1000000000.0 must be below"),
        ({"diameter": 5, "sigma_color": 1, "method": "fft"}, "method='fft'"),
    ],
)
def test_what_is_not_allowed_is_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        gc.bilateral(np.zeros((4, 4), np.float32), **options)


def test_what_is_no_number_is_named() -> None:
    image = np.zeros((4, 4), np.float32)
    with pytest.raises(ArgumentTypeError, match=r"diameter=2\.5 must be an integer"):
        gc.bilateral(image, 2.5, sigma_color=1)  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="sigma_color='1' must be a real number"):
        gc.bilateral(image, 5, sigma_color="1")  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="sigma_space=1j must be a real number"):
        gc.bilateral(image, 5, sigma_color=1, sigma_space=1j)  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="complex64"):
        gc.bilateral(image.astype(np.complex64), 5, sigma_color=1)
