"""Gradients, Laplacians, sharpening: SciPy's, OpenCV's and scikit-image's, by stated factors."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from math import sqrt
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from skimage import data
from skimage import filters as untyped

import gpuconv as gc
from gpuconv import dtypes, reference
from gpuconv.border import MODES
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.operations.edges import PLANNERS

Array = NDArray[Any]
filters: Any = untyped

CAMERA: Array = data.camera()[90:210, 180:330]  # type: ignore[no-untyped-call]
FLOATS: Array = CAMERA / 255
SMALL = CAMERA[25:50, 20:51]

#: Function → what makes it of an image, with the parameters that it must have.
CALLS: dict[str, tuple[Any, ...]] = {
    "difference_of_gaussians": (1.0,),
    "emboss": (30.0, 0.8),
    "farid": (),
    "gradient_magnitude": (1.2,),
    "laplace": (8,),
    "laplacian_of_gaussian": (1.1,),
    "prewitt": (),
    "roberts": (),
    "scharr": (),
    "sobel": (),
    "unsharp_mask": (1.5, 0.7),
}
GRADIENTS = ("farid", "prewitt", "roberts", "scharr", "sobel")
SIGNED = ("difference_of_gaussians", "laplace", "laplacian_of_gaussian")
#: What scikit-image's gradients of floats are of ours.
OF_SKIMAGE = {"farid": 1.0, "prewitt": 3.0, "roberts": 1.0, "scharr": 16.0, "sobel": 4.0}


def call(name: str, image: Any, *given: Any, **options: Any) -> Array:
    """Return what a function of gpuconv makes of an image, with its usual parameters."""
    function: Callable[..., Array] = getattr(gc, name)
    return function(image, *(given or CALLS[name]), **options)


def by_definition(name: str, image: Array, **options: Any) -> Array:
    """Return it in float64, from the kernels that the function says it runs as."""
    responses = [
        reference.convolve(image, kernel, dtype=np.float64, **options)
        for kernel in PLANNERS[name](*CALLS[name])
    ]
    exact: Array = np.sqrt(np.square(responses).sum(axis=0)) if responses[1:] else responses[0]
    return exact


# ------------------------------------------------------------------------ what others compute


@pytest.mark.parametrize("border", sorted(MODES))
@pytest.mark.parametrize("name", ["prewitt", "sobel"])
def test_gradients_are_scipys(name: str, border: str) -> None:
    theirs = getattr(ndimage, name)
    # SciPy puts its cval between its two passes as well: only 0 means the same there.
    x, y = (theirs(FLOATS, axis, mode=border) for axis in (1, 0))
    found = call(name, FLOATS, "components", border=border)
    np.testing.assert_allclose(found, [x, y], atol=1e-14)
    strength = call(name, FLOATS, border=border)
    np.testing.assert_allclose(strength, np.hypot(x, y), atol=1e-14)
    angle = call(name, FLOATS, "direction", border=border)
    sure = np.hypot(x, y) > 1e-9
    turn = np.abs(np.exp(1j * angle) - np.exp(1j * np.arctan2(y, x)))
    assert turn[sure].max() < 1e-6


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_are_scikit_images_by_a_factor(name: str) -> None:
    expected = getattr(filters, name)(FLOATS)
    found = call(name, FLOATS, scale=1 / (OF_SKIMAGE[name] * sqrt(2)))
    np.testing.assert_allclose(found, expected, atol=1e-14)
    if name == "sobel":
        bytes_ = call(name, CAMERA, scale=1 / (255 * 4 * sqrt(2)), dtype="float64")
        np.testing.assert_allclose(bytes_, filters.sobel(CAMERA), atol=1e-14)


@pytest.mark.parametrize("name", ["Scharr", "Sobel"])
def test_components_are_opencvs(name: str) -> None:
    for i, order in enumerate(((1, 0), (0, 1))):
        expected = getattr(cv2, name)(CAMERA, cv2.CV_32F, *order)
        found = call(name.lower(), CAMERA, "components", border="reflect101")
        np.testing.assert_array_equal(found[i], expected)


@pytest.mark.parametrize("border", ["reflect", "nearest", "constant"])
@pytest.mark.parametrize("sigma", [0.8, 2.5])
def test_gradients_of_blurs_are_scipys(sigma: float, border: str) -> None:
    expected = ndimage.gaussian_gradient_magnitude(FLOATS, sigma, mode=border, truncate=4)
    found = gc.gradient_magnitude(FLOATS, sigma, border=border)
    np.testing.assert_allclose(found, expected, atol=1e-13)


@pytest.mark.parametrize("sigma", [1.0, 3.0])
def test_laplacians_of_gaussians_are_scipys(sigma: float) -> None:
    expected = ndimage.gaussian_laplace(FLOATS, sigma, truncate=6)
    found = gc.laplacian_of_gaussian(FLOATS, sigma, truncate=6)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    flat = gc.laplacian_of_gaussian(np.full((9, 9), 200, np.uint8), sigma)
    np.testing.assert_allclose(flat, 0, atol=1e-4)


def test_laplacians_are_everybodys() -> None:
    found = gc.laplace(FLOATS)
    np.testing.assert_allclose(found, ndimage.laplace(FLOATS), atol=1e-14)
    np.testing.assert_allclose(-found, filters.laplace(FLOATS), atol=1e-14)
    theirs = cv2.Laplacian(CAMERA, cv2.CV_32F)
    np.testing.assert_array_equal(gc.laplace(CAMERA, border="reflect101"), theirs)


@pytest.mark.parametrize("sigmas", [(1,), (1, 4), (0, 2)])
def test_differences_of_gaussians_are_scikit_images(sigmas: tuple[float, ...]) -> None:
    expected = filters.difference_of_gaussians(FLOATS, *sigmas)
    found = gc.difference_of_gaussians(FLOATS, *sigmas, border="nearest")
    np.testing.assert_allclose(found, expected, atol=1e-13)


@pytest.mark.parametrize("amount", [0.5, 2])
def test_unsharp_masks_are_scikit_images_before_they_clip(amount: float) -> None:
    found = gc.unsharp_mask(FLOATS, 2, amount)
    expected = filters.unsharp_mask(FLOATS, radius=2, amount=amount)
    np.testing.assert_allclose(np.clip(found, 0, 1), expected, atol=1e-13)
    assert found.max() > 1
    bytes_ = gc.unsharp_mask(CAMERA, 2, amount)
    assert np.abs(bytes_ - 255 * expected).max() < 0.5001


def test_an_emboss_is_its_kernels() -> None:
    np.testing.assert_array_equal(gc.emboss(CAMERA), gc.convolve(CAMERA, gc.kernels.emboss()))
    turned = gc.emboss(CAMERA, 60, 0.5)
    np.testing.assert_array_equal(turned, gc.convolve(CAMERA, gc.kernels.emboss(60, 0.5)))


# ------------------------------------------------------------------------ what they are for


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("degrees", [-180 + 1e-9, -135, -20, 0, 45, 90, 170, 180])
def test_directions_are_those_of_planes(engine: str, name: str, degrees: float) -> None:
    angle = np.radians(degrees)
    y, x = np.mgrid[:12, :13]
    plane = 3 * np.cos(angle) * x + 3 * np.sin(angle) * y
    found = call(name, plane, "direction", device=engine)[3:-3, 3:-3]
    assert np.abs(np.exp(1j * found) - np.exp(1j * angle)).max() < 1e-7


@pytest.mark.parametrize(
    ("name", "slope"), [("sobel", 8), ("scharr", 32), ("prewitt", 6), ("roberts", sqrt(2))]
)
def test_a_ramp_has_the_slope_that_is_documented(name: str, slope: float) -> None:
    ramp = np.tile(np.arange(9.0), (9, 1))
    np.testing.assert_allclose(call(name, ramp)[1:-1, 1:-1], slope, rtol=1e-15)
    np.testing.assert_allclose(call(name, ramp, scale=1 / slope)[1:-1, 1:-1], 1, rtol=1e-15)


def test_strong_edges_of_bytes_saturate_once(engine: str) -> None:
    image = np.zeros((6, 9), np.uint8)
    image[:, 3:], image[:, 6:] = 40, 255
    assert gc.sobel(image, device=engine)[2].tolist() == [0, 0, 160, 160, 0, 255, 255, 0, 0]
    wide = gc.sobel(image, dtype="uint16", device=engine)[2].tolist()
    assert wide == [0, 0, 160, 160, 0, 860, 860, 0, 0]


def test_noise_below_the_threshold_is_not_sharpened(engine: str) -> None:
    image = SMALL.astype(np.float32)
    blurred = reference.convolve(image, gc.kernels.gaussian(1.5), dtype=np.float64)
    detail = image - blurred
    expected = image + 0.8 * np.where(np.abs(detail) > 6, detail, 0)
    found = gc.unsharp_mask(image, 1.5, 0.8, 6, device=engine)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert (found == image).any()
    assert (found != image).any()
    bytes_ = gc.unsharp_mask(SMALL, 1.5, 0.8, 6, device=engine)
    np.testing.assert_allclose(bytes_, np.clip(np.rint(expected), 0, 255), atol=1)
    assert bytes_.dtype == np.uint8
    # An amount of 0 changes nothing, and a threshold that all reach is none.
    np.testing.assert_array_equal(gc.unsharp_mask(SMALL, 1.5, 0, 6, device=engine), SMALL)
    least = gc.unsharp_mask(image, 1.5, 0.8, 1e-30, device=engine)
    np.testing.assert_allclose(least, gc.unsharp_mask(image, 1.5, 0.8), atol=1e-3)


def test_nan_passes_a_threshold() -> None:
    image = FLOATS.copy()
    image[30, 40] = np.nan
    whole, some = gc.unsharp_mask(image, 1), gc.unsharp_mask(image, 1, threshold=0.1)
    np.testing.assert_array_equal(np.isnan(some), np.isnan(whole))


# ------------------------------------------------------------------------ what all of them do


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "float32", "float64"])
def test_results_have_the_dtype_that_is_documented(name: str, dtype: str) -> None:
    image = SMALL.astype(dtype)
    sums = dtypes.rule(dtype).accumulator if image.dtype.kind in "iu" else dtype
    found = call(name, image)
    assert found.dtype == (sums if name in SIGNED else dtype)
    assert call(name, image, dtype="int32").dtype == "int32"
    assert call(name, image, out=np.empty(image.shape, ">i2")).dtype == ">i2"
    if name in GRADIENTS:
        assert call(name, image, "direction").dtype == sums
        assert call(name, image, "components").dtype == sums
        assert call(name, image, "components", dtype="int32").dtype == "int32"


@pytest.mark.parametrize("name", CALLS)
def test_results_are_those_of_the_kernels(engine: str, name: str) -> None:
    for image in (SMALL, SMALL.astype(np.float32)):
        found = call(name, image, border=("wrap", "mirror"), device=engine)
        exact = by_definition(name, image, border=("wrap", "mirror"))
        if found.dtype == np.uint8:
            exact = np.clip(exact, 0, 255)
        allowed = 0.5001 if found.dtype == np.uint8 else 2e-3
        np.testing.assert_allclose(found, exact, rtol=0, atol=allowed)


@pytest.mark.parametrize("name", CALLS)
def test_images_of_every_layout(name: str) -> None:
    batch = np.stack([SMALL, SMALL[::-1], SMALL + 1])
    expected = np.stack([call(name, image) for image in batch])
    np.testing.assert_array_equal(call(name, batch), expected)
    colour = np.moveaxis(batch, 0, -1)
    found = call(name, colour, channel_axis=-1)
    np.testing.assert_array_equal(found, np.moveaxis(expected, 0, -1))
    out = np.empty(colour.shape, found.dtype)
    assert call(name, colour, channel_axis=2, out=out) is out
    np.testing.assert_array_equal(out, found)
    for layout in (np.asfortranarray(SMALL), SMALL.astype(">u2"), SMALL[::-1][::-1]):
        again = call(name, layout, dtype="float64")
        np.testing.assert_array_equal(again, call(name, SMALL, dtype="float64"))
    assert call(name, np.empty((0, 5), np.float32)).shape == (0, 5)
    assert call(name, np.ones((1, 1))).shape == (1, 1)
    assert call(name, SMALL.tolist()).shape == SMALL.shape


@pytest.mark.parametrize("name", CALLS)
def test_out_may_be_the_image(name: str) -> None:
    image = SMALL.astype(np.float32)
    expected = call(name, image)
    found = call(name, image, out=image)
    assert found is image
    np.testing.assert_array_equal(image, expected)


def test_a_read_only_image_in_place_of_its_threshold() -> None:
    image = SMALL.copy()
    expected = gc.unsharp_mask(image, threshold=3)
    image.flags.writeable = False
    np.testing.assert_array_equal(gc.unsharp_mask(image, threshold=3), expected)
    colour = np.dstack([SMALL] * 3)
    found = gc.unsharp_mask(colour, threshold=3, channel_axis=-1)
    np.testing.assert_array_equal(found, np.dstack([expected] * 3))


def test_components_of_colours_come_first() -> None:
    colour = np.dstack([SMALL[::-1], SMALL[:, ::-1], SMALL])
    found = gc.sobel(colour, "components", channel_axis=-1)
    assert found.shape == (2, *colour.shape)
    np.testing.assert_array_equal(found[1, ..., 2], gc.sobel(SMALL, "components")[1])


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.data())
def test_random_images(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(CALLS)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    image = rng.integers(0, 256, data.draw(st.tuples(*[st.integers(1, 12)] * 2))).astype("u1")
    border = data.draw(st.sampled_from(sorted(MODES)))
    found = call(name, image, border=border, cval=3, dtype="float64")
    exact = by_definition(name, image, border=border, cval=3)
    np.testing.assert_allclose(found, exact, rtol=1e-12, atol=1e-9)


# ------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("name", "image", "options", "error", "said"),
    [
        ("sobel", SMALL, {"output": "angle"}, ArgumentError, "output='angle' is not an output of"),
        ("sobel", SMALL, {"scale": 0}, ArgumentError, "scale=0 must be greater than 0"),
        ("farid", SMALL, {"scale": "big"}, ArgumentTypeError, "scale='big' must be a real number"),
        ("prewitt", SMALL > 3, {}, ArgumentTypeError, "image of dtype bool is not supported"),
        ("scharr", SMALL > 3, {"output": "direction"}, ArgumentTypeError, "dtype bool is not"),
        ("roberts", SMALL * 1j, {}, ArgumentTypeError, "is for real images and outputs"),
        ("sobel", SMALL[0], {}, ArgumentError, r"image has 1 dimension\(s\)"),
        ("gradient_magnitude", SMALL, {"sigma": 0}, ArgumentError, "sigma=0 must be above 0"),
        ("laplacian_of_gaussian", SMALL, {"sigma": -1}, ArgumentError, "sigma=-1"),
        ("difference_of_gaussians", SMALL, {"low_sigma": 2, "high_sigma": 1}, ArgumentError, "gr"),
        ("laplace", SMALL, {"neighbours": 6}, ArgumentError, "neighbours=6 must be 4 or 8"),
        ("unsharp_mask", SMALL, {"threshold": -1}, ArgumentError, "threshold=-1 must be at least"),
        ("unsharp_mask", SMALL, {"threshold": np.nan}, ArgumentError, "threshold=nan must be at"),
        ("unsharp_mask", SMALL, {"threshold": None}, ArgumentTypeError, "threshold=None must be"),
        ("unsharp_mask", SMALL, {"amount": -1, "threshold": 1}, ArgumentError, "amount=-1"),
        ("emboss", SMALL, {"strength": -1}, ArgumentError, "strength=-1"),
        ("emboss", SMALL, {"border": "miror"}, ArgumentError, "border='miror' is not a border"),
    ],
)  # fmt: skip
def test_refusals(name: str, image: Array, options: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        getattr(gc, name)(image, **options)


def test_shared_options_are_those_of_convolve() -> None:
    theirs = inspect.signature(gc.convolve).parameters
    shared = {"border", "cval", "channel_axis", "dtype", "out", "device"}
    for name in CALLS:
        ours = inspect.signature(getattr(gc, name)).parameters
        assert shared <= set(ours)
        for each in shared:
            assert (ours[each].default, ours[each].kind) == (theirs[each].default, 3)


def test_every_function_tells_its_kernels_by_its_own_parameters() -> None:
    assert set(CALLS) <= set(PLANNERS)
    shared = {"image", "border", "cval", "channel_axis", "dtype", "out", "device"}
    for name, needed in CALLS.items():
        own = inspect.signature(getattr(gc, name)).parameters
        defaults = {
            key: parameter.default
            for key, parameter in list(own.items())[1 + len(needed) :]
            if key not in shared
        }
        made = PLANNERS[name](*needed, **defaults)
        assert all(isinstance(kernel, gc.Kernel) for kernel in made)
