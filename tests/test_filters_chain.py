"""Chains of filters, against SciPy on photographs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from skimage import data

import gpuconv as gc
from gpuconv import operations
from gpuconv.errors import ArgumentError, ArgumentTypeError, DeviceError
from gpuconv.filters import Chain, Filter, catalog

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


# Filters that are no convolutions


@pytest.mark.parametrize("pixels", [CAMERA, ASTRONAUT, COINS16], ids=["grey", "rgb", "16-bit"])
def test_one_operation_is_the_librarys_function_bit_for_bit(pixels: Pixels) -> None:
    axis = -1 if pixels.ndim == 3 else None
    part = pixels[100:160, 150:230]
    around: dict[str, Any] = {"border": "mirror", "channel_axis": axis}
    for spec, wanted in {
        "median:size=5": gc.median(part, 5, **around),
        "bilateral:diameter=5,sigma_color=25": gc.bilateral(part, 5, sigma_color=25, **around),
        "nl_means:patch_size=3,search_distance=2,h=9": gc.nl_means(part, 3, 2, h=9, **around),
        "sobel": gc.sobel(part, **around),
    }.items():
        found = Chain.parse([spec], border="mirror")(part)
        assert found.dtype == pixels.dtype
        assert np.array_equal(found, wanted)


def test_operations_stand_anywhere_in_a_chain_which_rounds_at_the_end() -> None:
    part = CAMERA[100:160, 150:230]
    chain = Chain.parse(["median:size=3", "gaussian:sigma=1", "sobel", "maximum:size=3"])
    values = gc.convolve(gc.median(part, 3), gc.kernels.gaussian(1), dtype="float32")
    edges = gc.maximum(gc.sobel(values), 3)
    assert levels_apart(chain(part), np.minimum(np.rint(edges), 255).astype(np.uint8)) == 0
    assert chain.name == "median_gaussian_sobel_maximum"


def test_gain_acts_on_operations_before_rounding() -> None:
    part = CAMERA[100:160, 150:230]
    strength = gc.sobel(part, dtype="float32")
    found = Chain.parse(["sobel"], gain=1 / 8)(part)
    assert np.array_equal(found, np.rint(strength / 8).astype(np.uint8))
    assert found.max() > 20
    ranked = Chain.parse(["median:size=3"], gain=0.5)(part)
    assert np.array_equal(ranked, np.rint(gc.median(part, 3) * 0.5).astype(np.uint8))


@pytest.mark.parametrize("negative", ["abs", "offset"])
def test_signs_are_asked_of_convolutions_alone(negative: str) -> None:
    message = f"negative='{negative}' is for convolutions.*the last filter is 'median'"
    with pytest.raises(ArgumentError, match=message):
        Chain.parse(["sobel_x", "median"], negative=negative)
    assert Chain.parse(["median", "sobel_x"], negative=negative)(CAMERA).dtype == np.uint8


def test_the_border_is_each_filters_own_where_none_is_asked_for() -> None:
    part = CAMERA[100:130, 150:180]
    assert Chain.parse(["median"]).spec == Chain.parse(["median"], border="reflect").spec
    assert np.array_equal(Chain.parse(["median"])(part), gc.median(part))
    wrapped = Chain.parse(["median:size=5"], border=("wrap", "constant"), cval=9)
    expected = gc.median(part, 5, border=("wrap", "constant"), cval=9)
    assert np.array_equal(wrapped(part), expected)
    blur = "motion_blur(length=5.0)"
    restored = Chain.parse([f"richardson_lucy:psf={blur},iterations=3"])
    assert restored.spec == f"richardson_lucy:psf={blur},iterations=3"
    psf = gc.kernels.motion_blur(5)
    assert np.array_equal(restored(part), gc.richardson_lucy(part, psf, 3))
    within = Chain.parse([restored.filters[0]], border="reflect")
    assert within.spec.endswith(" border=reflect")
    assert np.array_equal(within(part), gc.richardson_lucy(part, psf, 3, border="reflect"))


def yes_or_no(image: Any, level: float = 50, *, border: str = "reflect", out: Any = None) -> Any:
    """Tell where it becomes much brighter, or darker, to the right.

    Parameters
    ----------
    level : float
        How much.
    """
    return np.abs(np.diff(image.astype(float), axis=1, prepend=image[:, :1])) > level


def own_border(image: Any, *, out: Any = None) -> Any:
    """Leave the image as it is."""
    return np.asarray(image)


@pytest.fixture
def odd_ones(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A library with a filter that answers yes or no, and one that has no choice of border."""
    for function in (yes_or_no, own_border):
        monkeypatch.setattr(operations, function.__name__, function, raising=False)
    names = (*operations.FILTERS, "yes_or_no", "own_border")
    monkeypatch.setattr(operations, "FILTERS", names)
    catalog.cache_clear()
    yield
    monkeypatch.undo()
    catalog.cache_clear()


def test_answers_of_yes_or_no_come_last(odd_ones: None) -> None:
    answers = Chain.parse(["yes_or_no:level=30"])(CAMERA)
    assert answers.dtype == bool
    assert np.array_equal(answers, yes_or_no(CAMERA, 30))
    with pytest.raises(ArgumentError, match="'yes_or_no' answers yes or no: it must be the last"):
        Chain.parse(["yes_or_no", "box"])(CAMERA)
    with pytest.raises(ArgumentError, match="gain=2 is not for 'yes_or_no'"):
        Chain.parse(["yes_or_no"], gain=2)(CAMERA)


def test_answers_of_yes_or_no_are_drawn_black_and_white(odd_ones: None) -> None:
    chain = Chain.parse(["yes_or_no"])
    for pixels in (CAMERA, ASTRONAUT, COINS16):
        top = 255 if pixels.dtype == np.uint8 else 65535
        drawn = gc.Image.from_array(pixels).map(chain)
        assert np.array_equal(drawn.pixels, np.where(yes_or_no(pixels), top, 0))
    seen = np.dstack([CAMERA, np.full_like(CAMERA, 128)])
    drawn = gc.Image.from_array(seen).map(chain)
    assert set(np.unique(drawn.pixels[..., 0])) == {0, 255}
    assert np.array_equal(drawn.pixels[..., 1], seen[..., 1])


def test_a_border_that_a_filter_does_not_have_is_refused(odd_ones: None) -> None:
    assert np.array_equal(Chain.parse(["own_border"])(CAMERA), CAMERA)
    with pytest.raises(ArgumentError, match="border='wrap' is not for filter 'own_border'"):
        Chain.parse(["own_border"], border="wrap")(CAMERA)


def test_canny_answers_yes_or_no_and_must_know_what_is_white() -> None:
    part = CAMERA[100:160, 150:230]
    assert np.array_equal(Chain.parse(["canny:sigma=2"])(part), gc.canny(part, 2))
    message = "'canny' needs low_threshold and high_threshold for pixels of dtype float32"
    with pytest.raises(ArgumentTypeError, match=message):
        Chain.parse(["box", "canny"])(part)
    told = Chain.parse(["box", "canny:low_threshold=20,high_threshold=50"])
    blurred = gc.convolve(part, gc.kernels.box(), dtype="float32")
    assert np.array_equal(told(part), gc.canny(blurred, 1, 20, 50))
    assert Chain.parse(["box", "canny:use_quantiles=yes"])(part).any()


def test_lines_of_edges_are_drawn_with_the_alpha_that_was() -> None:
    part = np.dstack(
        [CAMERA[100:160, 150:230], np.tile(np.arange(80, dtype=np.uint8) * 3, (60, 1))]
    )
    image = gc.Image.from_array(part)
    with pytest.raises(ArgumentTypeError, match="those with transparency"):
        image.map(Chain.parse(["canny"]))
    drawn = image.map(Chain.parse(["canny:low_threshold=20,high_threshold=50"])).pixels
    assert set(np.unique(drawn[..., 0][part[..., 1] > 0])) == {0, 255}
    assert np.array_equal(drawn[..., 1], part[..., 1])
