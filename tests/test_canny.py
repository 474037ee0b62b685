"""Canny's edges: scikit-image's, pixel for pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from skimage import data, feature

import gpuconv as gc
from gpuconv import reference
from gpuconv.backends.host import canny as host
from gpuconv.errors import ArgumentError, ArgumentTypeError

Array = NDArray[Any]

theirs: Any = feature.canny
CAMERA: Array = data.camera()[:200, 150:360]  # type: ignore[no-untyped-call]
COINS: Array = data.coins()[:150]  # type: ignore[no-untyped-call]


# ------------------------------------------------------------------------ what scikit-image finds


@pytest.mark.parametrize("image", [CAMERA, COINS], ids=["camera", "coins"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sigma": 2.5},
        {"sigma": 0},
        {"sigma": 2, "low_threshold": 5, "high_threshold": 18},
        {"low_threshold": 40},
        {"low_threshold": 0, "high_threshold": 0},
        {"use_quantiles": True, "low_threshold": 0.7, "high_threshold": 0.93},
    ],
    ids=str,
)
def test_edges_are_scikit_images(image: Array, options: dict[str, Any]) -> None:
    expected = theirs(image, **options)
    found = gc.canny(image, **options)
    assert found.dtype == bool
    np.testing.assert_array_equal(found, expected)
    assert 0 < expected.sum() < expected.size / 2


@pytest.mark.parametrize("border", ["reflect", "nearest", "wrap", "mirror"])
def test_borders_are_scikit_images(border: str) -> None:
    expected = theirs(COINS, 3, mode=border)
    np.testing.assert_array_equal(gc.canny(COINS, 3, border=border), expected)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float64", "float32"])
def test_dtypes_are_scikit_images(dtype: str) -> None:
    full = 1 if dtype.startswith("f") else 120
    image = (COINS / 255 if full == 1 else COINS.astype(np.int32) * full).astype(dtype)
    expected, found = theirs(image, 1.5), gc.canny(image, 1.5)
    # Where rounding decides, in float32 it may do so otherwise.
    assert (found != expected).sum() <= (3 if dtype == "float32" else 0)


@pytest.mark.parametrize("border", ["constant", "reflect"])
def test_masks_are_scikit_images(border: str) -> None:
    mask = np.ones(COINS.shape, bool)
    mask[40:90, 100:180], mask[:, 300:310], mask[120, 50] = False, False, False
    expected = theirs(COINS, 1.5, mask=mask, mode=border)
    found = gc.canny(COINS, 1.5, mask=mask, border=border)
    np.testing.assert_array_equal(found, expected)
    assert not found[~mask].any()
    np.testing.assert_array_equal(gc.canny(COINS, 1.5, mask=1.0 * mask, border=border), expected)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.data())
def test_random_images(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    image = rng.random(data.draw(st.tuples(*[st.integers(1, 14)] * 2)))
    options: dict[str, Any] = {
        "sigma": data.draw(st.sampled_from([0, 0.6, 1.0])),
        "low_threshold": data.draw(st.sampled_from([0.0, 0.3, 1.0])),
        "high_threshold": data.draw(st.sampled_from([1.0, 1.7])),
    }
    np.testing.assert_array_equal(gc.canny(image, **options), theirs(image, **options))


@pytest.mark.parametrize("border", ["constant", "reflect"])
@pytest.mark.parametrize("sigma", [0.7, 1.5])
def test_edges_are_those_of_the_definition(engine: str, sigma: float, border: str) -> None:
    image = COINS[20:70, 60:120]
    expected = reference.canny(image, sigma, 20, 60, border=border)
    np.testing.assert_array_equal(theirs(image, sigma, 20, 60, mode=border), expected)
    found = gc.canny(image, sigma, 20, 60, border=border, device=engine)
    np.testing.assert_array_equal(found, expected)


# ------------------------------------------------------------------------ both engines


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sigma": 2, "border": "reflect", "low_threshold": 3, "high_threshold": 12},
        {"use_quantiles": True, "low_threshold": 0.6, "high_threshold": 0.9},
    ],
    ids=str,
)
def test_both_engines_find_the_same(engine: str, options: dict[str, Any]) -> None:
    image = COINS[20:100, 30:140]
    expected = theirs(image, **{{"border": "mode"}.get(k, k): v for k, v in options.items()})
    np.testing.assert_array_equal(gc.canny(image, device=engine, **options), expected)
    floats = (image / 255).astype(np.float32)
    if "low_threshold" not in options:
        found = gc.canny(floats, device=engine)
        assert (found != expected).sum() <= 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_quantile_that_is_a_magnitude_counts_it(engine: str, dtype: str) -> None:
    y, x = np.mgrid[-4:5, -4:5]
    hill = np.exp(-(y**2 + x**2) / 6)
    options: dict[str, Any] = {"sigma": 0.7, "use_quantiles": True, "border": "nearest"}
    for seed in range(30):
        image = (hill + np.random.default_rng(seed).random((9, 9)) / 5).astype(dtype)
        # Nothing is steeper than the steepest, which is not in the frame.
        steepest = gc.canny(image, low_threshold=1, high_threshold=1, device=engine, **options)
        assert steepest.sum() == 1


def test_masks_on_both_engines(engine: str) -> None:
    image, mask = COINS[20:70, 30:100], np.ones((50, 70), bool)
    mask[10:20, 30:34] = False
    expected = theirs(image, mask=mask)
    np.testing.assert_array_equal(gc.canny(image, mask=mask, device=engine), expected)
    colour = np.dstack([image, 255 - image])
    found = gc.canny(colour, mask=mask, channel_axis=-1, device=engine)
    np.testing.assert_array_equal(found[..., 0], expected)
    out = np.empty(image.shape, bool)
    assert gc.canny(image, mask=mask, out=out, device=engine) is out
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("shape", [(0, 4), (1, 1), (2, 5), (3, 3)])
def test_small_images_on_both_engines(engine: str, shape: tuple[int, int]) -> None:
    assert not gc.canny(np.ones(shape), device=engine).any()


# ------------------------------------------------------------------------ links


def labelled(places: Array, strong: Array, shape: tuple[int, int]) -> Array:
    """Return the places that are linked to strong ones, by SciPy's labels."""
    mask = np.zeros(shape, bool)
    mask.ravel()[places] = True
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    good = np.zeros(count + 1, bool)
    good[labels.ravel()[places[strong]]] = True
    good[0] = False
    kept: Array = good[labels]
    return kept


@pytest.mark.parametrize("density", [0.05, 0.3, 0.41, 0.6, 1.0])
def test_links_are_scipys_labels(density: float) -> None:
    rng = np.random.default_rng(3)
    mask = np.zeros((90, 110), bool)
    mask[1:-1, 1:-1] = rng.random((88, 108)) < density
    places = np.flatnonzero(mask)
    for share in (0.0, 0.01, 0.5):
        strong = rng.random(len(places)) < share
        found = host.linked(places, strong, mask.shape)
        np.testing.assert_array_equal(found, labelled(places, strong, mask.shape))


@pytest.mark.parametrize("end", [0, -1])
def test_an_edge_may_wind_through_the_whole_image(end: int) -> None:
    """Along a comb of 100 teeth, whose one end is strong, in a few rounds."""
    mask = np.zeros((201, 203), bool)
    mask[1:-1, 1:-1:2] = True
    mask[1, 2:-1:4] = mask[-2, 4:-1:4] = True
    places = np.flatnonzero(mask)
    strong = np.zeros(len(places), bool)
    strong[end] = True
    np.testing.assert_array_equal(host.linked(places, strong, mask.shape), mask)


def test_no_places_are_linked() -> None:
    none = np.empty(0, np.intp)
    assert not host.linked(none, none.astype(bool), (5, 6)).any()


# ------------------------------------------------------------------------ as all functions


def test_batches_colours_and_out() -> None:
    batch = np.stack([COINS, COINS[::-1], 255 - COINS])
    expected = np.stack([theirs(image) for image in batch])
    np.testing.assert_array_equal(gc.canny(batch), expected)
    colour = np.moveaxis(batch, 0, -1)
    out = np.empty(colour.shape, bool)
    assert gc.canny(colour, channel_axis=-1, out=out) is out
    np.testing.assert_array_equal(out, np.moveaxis(expected, 0, -1))
    mask = np.ones(COINS.shape, bool)
    mask[50:60] = False
    found = gc.canny(colour, channel_axis=-1, mask=mask)
    np.testing.assert_array_equal(found[..., 1], theirs(batch[1], mask=mask))


def test_views_and_byte_orders() -> None:
    expected = theirs(COINS)
    for image in (np.asfortranarray(COINS), np.repeat(COINS, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(gc.canny(image), expected)
    swapped = COINS.astype(">u2")
    np.testing.assert_array_equal(
        gc.canny(swapped, low_threshold=25.5, high_threshold=51), expected
    )


@pytest.mark.parametrize("threads", ["1", "3"])
def test_strips_and_threads(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPUCONV_NUM_THREADS", threads)
    monkeypatch.setattr(host, "_STRIP", 8 * 210 * 7)
    np.testing.assert_array_equal(gc.canny(CAMERA), theirs(CAMERA))


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 1), (2, 9), (0, 4, 4), (3, 3)])
def test_what_is_all_frame_has_no_edges(shape: tuple[int, ...]) -> None:
    found = gc.canny(np.ones(shape))
    assert found.shape == shape
    assert not found.any()


def test_nan_is_no_edge() -> None:
    image = COINS / 255
    image[70, 80] = np.nan
    found = gc.canny(image)
    assert not found[66:75, 76:85].any()
    assert found.sum() > 1000


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"low_threshold": 60}, ArgumentError, "low_threshold=60 is above high_threshold=51"),
        ({"low_threshold": -1}, ArgumentError, "low_threshold=-1 must be at least 0"),
        ({"low_threshold": "few"}, ArgumentTypeError, "low_threshold='few' must be a real number"),
        ({"high_threshold": np.nan}, ArgumentError, "high_threshold=nan must be at least 0"),
        ({"high_threshold": 2, "use_quantiles": True}, ArgumentError, "must be 0 … 1, as it is a"),
        ({"sigma": -1}, ArgumentError, "sigma=-1"),
        ({"border": "none"}, ArgumentError, "border='none' is not a border"),
        ({"mask": np.ones((3, 3), bool)}, ArgumentError, r"mask has shape \(3, 3\)"),
        ({"out": np.empty(COINS.shape, "u1")}, ArgumentTypeError, "out has dtype uint8; edges are"),
        ({"out": np.empty((3, 3), bool)}, ArgumentError, r"out has shape \(3, 3\)"),
        ({"channel_axis": 0}, ArgumentError, "must have"),
    ],
)
def test_refusals(options: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        gc.canny(COINS, **options)


@pytest.mark.parametrize("image", [COINS > 3, 1j * COINS, np.ma.masked_equal(COINS, 9)])
def test_images_that_are_refused(image: Array) -> None:
    with pytest.raises(ArgumentTypeError):
        gc.canny(image)
