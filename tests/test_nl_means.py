"""Non-local means on the CPU engine, against their definition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import gpuconv as gc
from gpuconv import reference
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.neighbourhood import NonLocalMeans

SAMPLES = Path(__file__).parent.parent / "samples"
BORDERS = "reflect", "mirror", "nearest", "wrap", "constant"
INTEGERS = "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"
FLOATS = "float16", "float32", "float64"


def noise(*shape: int, dtype: str = "float32", seed: int = 1) -> Any:
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 100, shape).astype(dtype)
    return rng.random(shape).astype(dtype)


def photograph(name: str, noisy: float = 0.0) -> Any:
    """A part of a photograph from 0 to 1, with edges and with flat regions, and with noise."""
    picture = Image.open(SAMPLES / name)
    pixels = np.asarray(picture if picture.mode == "L" else picture.convert("RGB"))[60:140, 90:190]
    return pixels / 255 + np.random.default_rng(0).normal(0, noisy, pixels.shape)


def defined(image: Any, patch: int, search: int, h: float, sigma: float = 0.0, **more: Any) -> Any:
    return reference.nl_means(image, patch, search, h, sigma, **more)


# ---------------------------------------------------------------------------- the definition


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize(("patch", "search"), [(1, 1), (2, 3), (5, 4), (7, 2), (8, 1)])
def test_it_is_the_definition_to_a_few_units_in_the_last_place(
    patch: int, search: int, border: str
) -> None:
    image = noise(19, 31)
    options: Any = {"border": border, "cval": 0.5}
    for sigma in (0.0, 0.1):
        found = gc.nl_means(image, patch, search, h=0.2, sigma=sigma, **options)
        expected = defined(image.astype(np.float64), patch, search, 0.2, sigma, **options)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_both_borders_can_differ() -> None:
    image, borders = noise(9, 11), ("wrap", "nearest")
    found = gc.nl_means(image, 3, 3, h=0.2, border=borders)
    np.testing.assert_allclose(found, defined(image, 3, 3, 0.2, border=borders), atol=1e-6)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_within_a_level_of_the_definition(dtype: str) -> None:
    image = noise(20, 30, dtype=dtype)
    found = gc.nl_means(image, 3, 3, h=20.0, sigma=5.0)
    assert found.dtype == image.dtype
    difference = found.astype(np.float64) - defined(image, 3, 3, 20.0, 5.0).astype(np.float64)
    assert np.abs(difference).max() <= 1
    assert (difference != 0).mean() < 0.01  # ties that fall to the other side


@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_are_as_good_as_their_dtype(dtype: str) -> None:
    image = noise(20, 30, dtype=dtype)
    found = gc.nl_means(image, 5, 3, h=0.2)
    assert found.dtype == image.dtype
    few = 8 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(found, defined(image, 5, 3, 0.2), rtol=0, atol=few)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_colours_have_their_weights_in_common(axis: int) -> None:
    image = np.moveaxis(noise(3, 15, 21), 0, axis)
    found = gc.nl_means(image, 3, 3, h=0.2, sigma=0.05, channel_axis=axis)
    expected = defined(np.moveaxis(image, axis, 0), 3, 3, 0.2, 0.05, joint=True)
    np.testing.assert_allclose(np.moveaxis(found, axis, 0), expected, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_there_may_be_any_number_of_channels(channels: int) -> None:
    image = noise(channels, 12, 14)
    found = gc.nl_means(image, 3, 2, h=0.2, channel_axis=0)
    np.testing.assert_allclose(found, defined(image, 3, 2, 0.2, joint=True), atol=1e-6)


def test_leading_axes_are_a_batch() -> None:
    images = noise(2, 3, 12, 14)
    found = gc.nl_means(images, 3, 2, h=0.2)
    for index in np.ndindex(2, 3):
        np.testing.assert_array_equal(found[index], gc.nl_means(images[index], 3, 2, h=0.2))


def test_tiles_do_not_show() -> None:
    image = noise(150, 1100)
    found = gc.nl_means(image, 3, 2, h=0.2)
    np.testing.assert_allclose(found, defined(image, 3, 2, 0.2), atol=1e-6)


def test_a_window_may_be_larger_than_the_image() -> None:
    image = noise(5, 3)
    found = gc.nl_means(image, 9, 12, h=0.2, border="wrap")
    np.testing.assert_allclose(found, defined(image, 9, 12, 0.2, border="wrap"), atol=4e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1)])
def test_images_may_be_as_small_as_a_pixel(shape: tuple[int, int]) -> None:
    image = noise(*shape)
    np.testing.assert_allclose(
        gc.nl_means(image, 3, 2, h=0.2), defined(image, 3, 2, 0.2), atol=1e-6
    )


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (0, 5, 6)])
def test_images_may_be_empty(shape: tuple[int, ...]) -> None:
    assert gc.nl_means(np.zeros(shape, np.float32)).shape == shape
    assert gc.nl_means(np.zeros((*shape, 0), np.float32), channel_axis=-1).shape == (*shape, 0)


def test_any_layout_will_do() -> None:
    image = noise(17, 23)
    expected = gc.nl_means(image, 3, 2, h=0.2)
    frozen = image.copy()
    frozen.flags.writeable = False
    for same in (np.asfortranarray(image), image[::-1][::-1], image.astype(">f4"), frozen):
        np.testing.assert_array_equal(gc.nl_means(same, 3, 2, h=0.2), expected)


def test_the_image_may_be_its_own_output() -> None:
    image = noise(80, 90, dtype="uint8")
    expected = gc.nl_means(image, 3, 2, h=20)
    assert gc.nl_means(image, 3, 2, h=20, out=image) is image
    np.testing.assert_array_equal(image, expected)


def test_the_output_may_be_of_another_dtype() -> None:
    image = noise(9, 12, dtype="uint8")
    found = gc.nl_means(image, 3, 2, h=20, dtype="float32")
    expected = defined(image, 3, 2, 20.0, dtype="float64")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_plan_says_what_runs() -> None:
    plan = gc.plan((512, 512, 3), "uint8", NonLocalMeans.of(h=10, sigma=3), channel_axis=-1)
    assert plan.algorithm == "shifts"
    assert "patches of 7×7 in windows of 23×23, h=10, sigma=3, 3 channels" in plan.explain()
    grey = gc.plan((512, 512), "uint8", NonLocalMeans.of(21, h=10))
    small = gc.plan((512, 512), "uint8", NonLocalMeans.of(7, h=10))
    assert grey.prediction.seconds < 1.5 * small.prediction.seconds


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 12),
    width=st.integers(1, 14),
    patch=st.integers(1, 6),
    search=st.integers(1, 4),
    h=st.floats(0.01, 2),
    sigma=st.sampled_from([0.0, 0.05, 0.5]),
    border=st.sampled_from(BORDERS),
    seed=st.integers(0, 9),
)
def test_it_is_the_definition_whatever_it_is_asked(
    height: int,
    width: int,
    patch: int,
    search: int,
    h: float,
    sigma: float,
    border: str,
    seed: int,
) -> None:
    image = noise(height, width, seed=seed)
    found = gc.nl_means(image, patch, search, h=h, sigma=sigma, border=border)
    # An exponent of n, rounded, is off by n units in the last place: where weights are all small,
    # these are relative to a weight of 1, a pixel's own.
    expected = defined(image.astype(np.float64), patch, search, h, sigma, border=border)
    np.testing.assert_allclose(found, expected, rtol=0, atol=4e-6)


# ---------------------------------------------------------------------------- what it is for


@pytest.mark.parametrize(("name", "gained"), [("camera.png", 5.5), ("coffee.jpg", 5.5)])
def test_a_photograph_is_nearer_to_itself_without_noise(name: str, gained: float) -> None:
    clean, noisy = photograph(name), photograph(name, 0.08)
    axis = -1 if clean.ndim == 3 else None
    # Without a word on the noise.
    found = gc.nl_means(noisy, channel_axis=axis)
    before, after = (gc.psnr(each, clean, data_range=1) for each in (noisy, found))
    assert after > before + gained


def test_an_image_without_noise_stays_as_it_is() -> None:
    image = np.add.outer(noise(27, dtype="uint8"), noise(36, dtype="uint8"))
    np.testing.assert_array_equal(gc.nl_means(image), image)
    np.testing.assert_allclose(gc.nl_means(np.full((9, 9), 0.25)), 0.25)


def test_h_and_sigma_may_be_extreme() -> None:
    image = noise(12, 14)
    mean = gc.nl_means(image, 3, 2, h=1e-300, sigma=1e300)
    np.testing.assert_allclose(mean, gc.convolve(image, gc.kernels.box(5)), rtol=1e-5)
    np.testing.assert_allclose(gc.nl_means(image, 3, 2, h=1e300), mean, rtol=1e-5)
    np.testing.assert_array_equal(gc.nl_means(image, 3, 2, h=1e-300), image)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("unit", [1e-18, 1e18, 1e30])
def test_units_of_pixels_do_not_matter(unit: float, dtype: str) -> None:
    image = noise(12, 14, dtype="float64")
    found = gc.nl_means((image * unit).astype(dtype), 3, 2, h=0.3 * unit, sigma=0.1 * unit)
    np.testing.assert_allclose(found / unit, defined(image, 3, 2, 0.3, 0.1), rtol=1e-6)
    alone = gc.nl_means(image * unit, 3, 2) / unit
    np.testing.assert_allclose(alone, gc.nl_means(image, 3, 2), rtol=1e-12)


def test_noise_may_be_any_number_of_times_as_large_as_h() -> None:
    image = noise(12, 14, dtype="float64") * 90
    expected = defined(image, 3, 2, 1e-10, 20.0)
    np.testing.assert_allclose(gc.nl_means(image, 3, 2, h=1e-16, sigma=20.0), expected)


@pytest.mark.parametrize(("dtype", "value"), [("uint16", 65500), ("uint8", 201), ("float32", 0.1)])
def test_the_mean_of_any_number_of_equal_pixels_is_their_value(dtype: str, value: float) -> None:
    image = np.full((5, 6), value, dtype)
    np.testing.assert_array_equal(gc.nl_means(image, 3, 40, h=1.0), image)


def test_what_is_not_said_of_the_noise_is_estimated() -> None:
    image = photograph("camera.png", 0.1)
    found = gc.estimate_noise(image)
    for said, h, sigma in (
        ({}, 0.8 * found, found),
        ({"sigma": 0.05}, 0.04, 0.05),
        ({"sigma": 0}, 0.8 * found, 0.0),
        ({"h": 0.3}, 0.3, 0.0),
    ):
        expected = gc.nl_means(image, 5, 3, h=h, sigma=sigma)
        np.testing.assert_allclose(gc.nl_means(image, 5, 3, **said), expected, atol=1e-9)


def test_not_a_number_is_what_reads_one_and_nothing_else() -> None:
    image = noise(40, 50)
    image[20, 25] = np.nan
    found = gc.nl_means(image, 5, 3, h=0.2, sigma=0.1)
    rows, columns = np.nonzero(np.isnan(found))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (15, 25, 20, 30)
    assert rows.size == 11 * 11
    with np.errstate(invalid="ignore"):
        expected = defined(image, 5, 3, 0.2, 0.1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_infinity_is_what_the_formula_makes_of_it() -> None:
    image = noise(30, 40)
    image[15, 20], image[3, 4] = np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        expected = defined(image, 5, 3, 0.2)
    np.testing.assert_allclose(gc.nl_means(image, 5, 3, h=0.2), expected, atol=1e-6)
    assert np.isnan(expected).any()
    assert np.isfinite(expected[15, 25])  # some patches of this one's window hold infinity


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"patch_size": 0}, "patch_size=0"),
        ({"patch_size": 128}, "1 … 127"),
        ({"search_distance": 1024}, "1 … 1023"),
        ({"h": 0}, "h=0 must be finite and above 0"),
        ({"sigma": -1.0}, "sigma=-1.0"),
        ({"method": "direct"}, "method='direct'"),
    ],
)
def test_wrong_values_are_named(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        gc.nl_means(noise(4, 4), **({"h": 1.0} | arguments))


def test_wrong_kinds_are_named() -> None:
    with pytest.raises(ArgumentTypeError, match=r"patch_size=2\.5 must be an integer"):
        gc.nl_means(noise(4, 4), 2.5, h=1)  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="complex64"):
        gc.nl_means(noise(4, 4).astype(np.complex64), h=1)
    with pytest.raises(ArgumentTypeError, match="image has dtype complex64; noise is estimated"):
        gc.nl_means(noise(4, 4).astype(np.complex64))
    for wrong in ("x", 1j, np.ones(2)):
        with pytest.raises(ArgumentTypeError, match=r"sigma=.* must be a real number"):
            gc.nl_means(noise(4, 4), sigma=wrong)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="sigma=nan must be finite and at least 0"):
        gc.nl_means(noise(4, 4), sigma=np.nan)
