"""Chains of filters, against SciPy on photographs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from skimage import data

import gpuconv as gc
from gpuconv.errors import ArgumentError, ArgumentTypeError, DeviceError
from gpuconv.filters import Chain, Filter

CAMERA = data.camera()
ASTRONAUT = data.astronaut()
COINS16 = data.coins().astype(np.uint16) * 257

Pixels = NDArray[Any]


def scipy_chain(pixels: Pixels, chain: list[Filter], mode: str, cval: float = 0) -> Pixels:
    """Return what the definition gives: float64 throughout, each channel for itself."""
    values = pixels.astype(np.float64)
    for each in chain:
        weights = each.kernel.weights.astype(float)
        weights = weights[..., np.newaxis] if pixels.ndim == 3 else weights
        values = ndimage.convolve(values, weights, mode=mode, cval=cval)
    if pixels.dtype.kind == "f":
        return values.astype(pixels.dtype)
    limits = np.iinfo(pixels.dtype)
    return np.clip(np.rint(values), limits.min, limits.max).astype(pixels.dtype)


def levels_apart(a: Pixels, b: Pixels) -> int:
    """Return the largest difference of two images."""
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    return int(np.abs(a.astype(float) - b.astype(float)).max())


@pytest.mark.parametrize("name", ["gaussian:sigma=3", "sobel_x", "unsharp", "box:size=5"])
@pytest.mark.parametrize("pixels", [CAMERA, ASTRONAUT, COINS16], ids=["grey", "rgb", "16-bit"])
def test_one_filter_is_convolve_bit_for_bit(name: str, pixels: Pixels) -> None:
    chain = Chain.parse([name], border="mirror")
    axis = -1 if pixels.ndim == 3 else None
    kernel = chain.filters[0].kernel
    assert np.array_equal(
        chain(pixels), gc.convolve(pixels, kernel, border="mirror", channel_axis=axis)
    )


@pytest.mark.parametrize("mode", ["reflect", "mirror", "nearest", "wrap", "constant"])
@pytest.mark.parametrize("pixels", [CAMERA, ASTRONAUT, COINS16], ids=["grey", "rgb", "16-bit"])
def test_a_chain_is_scipys_filters_one_after_the_other(mode: str, pixels: Pixels) -> None:
    chain = Chain.parse(
        ["gaussian:sigma=2", "sharpen", "motion_blur:length=5"], border=mode, cval=9
    )
    assert levels_apart(chain(pixels), scipy_chain(pixels, list(chain.filters), mode, 9)) <= 1


def test_a_chain_rounds_and_saturates_only_at_the_end() -> None:
    up, down = Filter.of_kernel([[4]]), Filter.of_kernel(gc.Kernel([[1]], divisor=4))
    assert np.array_equal(Chain((up, down))(CAMERA), CAMERA)
    assert np.array_equal(Chain((down, up))(CAMERA), CAMERA)


@given(
    st.lists(
        st.sampled_from(["identity", "box", "sobel_x", "sharpen", "binomial:size=5", "emboss"]),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(["uint8", "uint16", "int16", "float32", "float64", "int32"]),
)
@settings(max_examples=25, derandomize=True, deadline=None)
def test_any_chain_keeps_shape_and_dtype_and_equals_scipy(names: list[str], dtype: str) -> None:
    pixels = CAMERA[100:140, 200:237].astype(dtype)
    chain = Chain.parse(names)
    expected = scipy_chain(pixels, list(chain.filters), "reflect")
    assert levels_apart(chain(pixels), expected) <= 1


def test_wide_pixels_are_kept_in_float64_between_filters() -> None:
    pixels = CAMERA.astype(np.int32) * 2**20 + 1
    assert np.array_equal(Chain.parse(["identity", "identity"])(pixels), pixels)


# Negative results, gain, complex kernels


def test_negative_results_are_clipped_as_the_library_does() -> None:
    assert np.array_equal(
        Chain.parse(["sobel_x"])(CAMERA), gc.convolve(CAMERA, gc.kernels.sobel_x())
    )


def test_negative_results_can_lose_their_sign() -> None:
    slope = ndimage.convolve(CAMERA.astype(float), [[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    result = Chain.parse(["sobel_x"], negative="abs")(CAMERA)
    assert np.array_equal(result, np.minimum(np.abs(slope), 255))
    floats = Chain.parse(["sobel_x"], negative="abs")(CAMERA.astype(np.float32))
    assert np.array_equal(floats, np.abs(slope))


@pytest.mark.parametrize(("pixels", "middle"), [(CAMERA, 128), (COINS16, 32768)])
def test_zero_can_be_drawn_as_mid_grey(pixels: Pixels, middle: int) -> None:
    slope = ndimage.convolve(pixels.astype(float), [[1, 0, -1], [2, 0, -2], [1, 0, -1]]) / 8
    result = Chain.parse(["sobel_x"], negative="offset", gain=1 / 8)(pixels)
    assert levels_apart(result, np.rint(slope + middle).astype(pixels.dtype)) == 0


def test_mid_grey_is_refused_where_nothing_says_what_is_white() -> None:
    chain = Chain.parse(["sobel_x"], negative="offset")
    with pytest.raises(ArgumentTypeError, match=r"negative='offset' has no mid-grey .* float32"):
        chain(CAMERA.astype(np.float32))


def test_gain_acts_before_rounding() -> None:
    assert np.array_equal(Chain.parse(["box"], gain=9)(CAMERA // 9), scipy_sum(CAMERA // 9))


def scipy_sum(pixels: Pixels) -> Pixels:
    return np.minimum(ndimage.convolve(pixels.astype(int), np.ones((3, 3), int)), 255).astype("u1")


@pytest.mark.parametrize("negative", ["clip", "abs"])
def test_a_complex_kernel_gives_the_magnitude(negative: str) -> None:
    gabor = Filter("gabor", frequency=0.1, part="complex")
    real, imaginary = (
        ndimage.convolve(CAMERA.astype(float), part)
        for part in (gabor.kernel.weights.real, gabor.kernel.weights.imag)
    )
    result = Chain((gabor,), negative=negative)(CAMERA)
    magnitude = np.minimum(np.rint(np.hypot(real, imaginary)), 255).astype(np.uint8)
    assert levels_apart(result, magnitude) <= 1
    assert result.max() > 20


# What it is called, what it refuses


def test_name_and_spec() -> None:
    chain = Chain.parse(["gaussian:sigma=2", Filter("sharpen")])
    assert chain.name == "gaussian_sharpen"
    assert chain.spec == "gaussian:sigma=2.0|sharpen"
    told = Chain.parse(["box"], border=("wrap", "zero"), negative="abs", gain=2)
    assert told.spec == "box border=wrap,constant negative=abs gain=2.0"
    assert Chain.parse(["box"], border="edge", cval=3).spec == "box border=nearest"
    assert Chain.parse(["box"], border="constant", cval=3).spec == "box border=constant cval=3.0"


def test_equal_chains_have_equal_specs() -> None:
    a = Chain.parse(["box:size=5"], gain=2, device="cpu")
    b = Chain((Filter("box", size=5),), gain=2.0)
    assert a.spec == b.spec


@pytest.mark.parametrize(
    ("filters", "options", "error", "message"),
    [
        ([], {}, ArgumentError, r"filters=\(\) is empty"),
        ("box", {}, ArgumentTypeError, "filters='box' must be a list of filters"),
        (["box"], {"border": "mirorr"}, ArgumentError, "did you mean 'mirror'"),
        (["box"], {"border": "zero", "cval": 1}, ArgumentError, "fills with 0"),
        (["box"], {"negative": "flip"}, ArgumentError, "negative='flip' is not a way"),
        (["box"], {"gain": 0}, ArgumentError, "gain=0 must be finite and not 0"),
        (["box"], {"gain": float("nan")}, ArgumentError, "gain=nan must be finite"),
    ],
)
def test_what_a_chain_refuses(
    filters: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Chain.parse(filters, **options)


def test_members_of_a_chain_are_filters() -> None:
    with pytest.raises(ArgumentTypeError, match="filters has the member"):
        Chain((gc.kernels.box(),))  # type: ignore[arg-type]


def test_the_device_is_asked_when_work_begins() -> None:
    if any(device.name.startswith("cuda") and device.available for device in gc.devices()):
        pytest.skip("there is a GPU here")
    with pytest.raises(DeviceError, match="cuda:0"):
        Chain.parse(["box"], device="cuda:0")(CAMERA)
