"""Normalised convolution: masks, certainties, NaN that does not count. Oracles: astropy, SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy.convolution import convolve as astropy_convolve
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

import gpuconv as gc
from gpuconv import dtypes, reference
from gpuconv.algorithms import METHODS
from gpuconv.border import MODES
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.masks import VANISHING, least
from gpuconv.tiling import SIZES

Array = NDArray[Any]

#: As for all results (tests/test_contract.py): rounding errors in eps of the accumulator.
ROUNDING, LENGTH = 4, 32

RNG = np.random.default_rng(7)
PHOTO = RNG.normal(10, 3, (17, 21))
VALID = RNG.random(PHOTO.shape) < 0.6
CERTAIN = RNG.random(PHOTO.shape) * VALID
HOLES = np.where(VALID, PHOTO, np.nan)
BLUR = gc.Kernel([[1, 2, 1], [2, 4, 2], [1, 2, 1]], divisor=16)
UNEVEN = gc.Kernel([[0.5, -0.25, 1, 3], [0, 1.5, 2, -0.125]], anchor=(1, 0), divisor=1.5)

#: A kernel, and options, that each method can run.
RUNS: dict[str, tuple[Any, dict[str, Any]]] = {
    "auto": (BLUR, {}),
    "scale": (gc.Kernel([[0, 0], [3, 0]]), {}),
    "dense": (UNEVEN, {}),
    "separable": (gc.Kernel.separable([1, 2, 3, 2], [0.5, 1, -0.25]), {}),
    "box": (gc.kernels.box(5), {}),
    "fft": (gc.Kernel(RNG.random((9, 8))), {}),
    "recursive": (gc.kernels.gaussian(6), {"accuracy": "fast"}),
}


def check(engine: str, image: Any, kernel: Any, mask: Any = None, **options: Any) -> Array:
    """Compare a normalised convolution with the reference, and return it."""
    found: Array = gc.convolve(image, kernel, mask=mask, device=engine, **options)
    for name in ("method", "out", "accuracy"):
        options.pop(name, None)
    k, nan = gc.as_kernel(kernel), options.pop("nan", "propagate")
    wanted = np.dtype(options.pop("dtype", image.dtype))
    expected = reference.convolve(image, k, dtype=wanted, mask=mask, nan=nan, **options)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    exact = reference.convolve(image, k, dtype=float, mask=mask, nan=nan, **options)
    if wanted.kind in "iu":
        apart = found != expected
        assert np.abs(found[apart].astype(float) - expected[apart]).max(initial=0) <= 1
        assert np.abs(np.abs(exact - np.floor(exact))[apart] - 0.5).max(initial=0) < 0.05
        return found
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    apart = np.isfinite(expected)
    np.testing.assert_array_equal(found[~apart], expected[~apart])
    allowed = bound(image, k, mask, nan, wanted, exact, options)
    assert (np.abs(found[apart].astype(float) - expected[apart]) <= allowed[apart]).all()
    return found


def bound(
    image: Array, k: gc.Kernel, mask: Any, nan: str, wanted: Any, exact: Array, options: Any
) -> Array:
    """Return what a quotient of two sums, each within the contract, may be off."""
    weights = np.broadcast_to(1.0 if mask is None else np.asarray(mask, float), image.shape)
    if nan == "ignore":
        weights = np.where(np.isnan(image), 0, weights)
    options = options | {"cval": 1}
    weight = reference.convolve(weights, k, **options) * k.divisor
    sizes = np.abs(image[np.isfinite(image)]).astype(float)
    largest, gain = max(sizes.max(initial=0), 3), k.numerators.sum()
    summed = dtypes.accumulator(image.dtype, wanted, k.total, k.integer, k.divisor, 3)
    steps = (ROUNDING + k.numerators.size / LENGTH) * np.finfo(summed).eps
    with np.errstate(all="ignore"):
        of_sums = steps * k.total * max(weights.max(initial=0), 1) * np.abs(1 / weight)
        found: Array = of_sums * (np.abs(gain / k.divisor) * largest + np.abs(exact))
        found += 2 * np.finfo(wanted).eps * np.abs(exact)
    return found


# ------------------------------------------------------------------------ oracles


@pytest.mark.parametrize("border", ["constant", "wrap", "nearest"])
@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (1, 7), (9, 9)])
@pytest.mark.filterwarnings("ignore:nan_treatment='interpolate', however")
def test_it_is_astropys_interpolation(border: str, shape: tuple[int, int]) -> None:
    weights = RNG.random(shape)
    boundary = {"constant": "fill", "wrap": "wrap", "nearest": "extend"}[border]
    for image in (HOLES, np.where(RNG.random(PHOTO.shape) < 0.05, PHOTO, np.nan)):
        options: dict[str, Any] = {
            "boundary": boundary,
            "fill_value": 2.5,
            "nan_treatment": "interpolate",
        }
        expected = astropy_convolve(image, weights, normalize_kernel=True, **options)
        kernel = gc.Kernel(weights) / weights.sum()
        found = gc.convolve(image, kernel, border=border, cval=2.5, nan="ignore")
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        masked = gc.convolve(PHOTO, kernel, border=border, cval=2.5, mask=~np.isnan(image))
        np.testing.assert_allclose(masked, expected, rtol=1e-12)


@pytest.mark.parametrize("mode", ["nearest", "reflect", "mirror", "wrap"])
@pytest.mark.parametrize("mask", [VALID, CERTAIN, 7 * CERTAIN])
def test_it_is_the_quotient_of_two_convolutions(mode: str, mask: Array) -> None:
    weights = RNG.random((4, 5))
    sums = ndimage.convolve(PHOTO * mask, weights, mode=mode)
    expected = weights.sum() * sums / ndimage.convolve(mask.astype(float), weights, mode=mode)
    found = gc.convolve(PHOTO, weights, border=mode, mask=mask)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    by_definition = reference.convolve(PHOTO, weights, border=mode, mask=mask)
    np.testing.assert_allclose(by_definition, expected, rtol=1e-12)


def test_a_hole_takes_the_mean_of_its_neighbours(engine: str) -> None:
    image = np.array([[1.0, np.nan, 5.0, 9.0]])
    found = gc.convolve(image, gc.Kernel([[1, 1, 1]], divisor=3), nan="ignore", device=engine)
    np.testing.assert_allclose(found, [[1, 3, 7, 23 / 3]], rtol=1e-15)


# ------------------------------------------------------------------------ the contract


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float16", "float32", "float64"])
@pytest.mark.parametrize("border", MODES)
def test_dtypes_and_borders(engine: str, dtype: str, border: str, under_checker: bool) -> None:
    image = (10 * PHOTO).astype(dtype)
    for mask in (VALID, CERTAIN.astype(np.float32)):
        check(engine, image, BLUR, mask, border=border, cval=3)
        check(engine, image, UNEVEN, mask, border=border, cval=3)
    if not under_checker:
        for out in ("uint8", "int64", "float32"):
            check(engine, image, BLUR, VALID, border=border, cval=3, dtype=out)


def test_pixels_that_have_weights_are_not_summed_in_order(engine: str) -> None:
    with pytest.raises(ArgumentError, match=r"method='ordered' cannot run this: .* weight"):
        gc.convolve(PHOTO, BLUR, mask=VALID, method="ordered", device=engine)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "ordered"])
def test_every_method(engine: str, method: Any) -> None:
    kernel, options = RUNS[method]
    if engine == "cuda" and method not in ("auto", "dense", "separable"):
        with pytest.raises(ArgumentError, match="pixels that have weights are summed tap by tap"):
            gc.convolve(PHOTO, kernel, mask=VALID, method=method, device=engine, **options)
        return
    for dtype in ("uint8", "float32", "float64"):
        image = (10 * PHOTO).astype(dtype)
        if options.get("accuracy") == "fast":
            found = gc.convolve(image, kernel, mask=VALID, method=method, device=engine, **options)
            exact = reference.convolve(image, kernel, mask=VALID, dtype=float)
            assert np.abs(found - exact).max() <= 0.02 * image.max() + (dtype == "uint8")
        else:
            check(engine, image, kernel, VALID, method=method)
            check(engine, image, kernel, CERTAIN, method=method, border="constant", cval=3)
    if not options:
        check(engine, HOLES, kernel, method=method, nan="ignore", border="mirror")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [1, 2, (3, 1)])
@pytest.mark.parametrize("dilation", [1, (1, 3)])
def test_sizes_strides_and_dilations(engine: str, size: str, stride: Any, dilation: Any) -> None:
    options: dict[str, Any] = {
        "size": size,
        "stride": stride,
        "dilation": dilation,
        "border": ("wrap", "nearest"),
    }
    check(engine, HOLES, UNEVEN, nan="ignore", **options)
    check(engine, HOLES.astype("f4"), BLUR, CERTAIN, nan="ignore", **options)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
def test_where_every_pixel_counts_it_is_the_plain_convolution(
    engine: str, dtype: str, under_checker: bool
) -> None:
    image = (10 * PHOTO).astype(dtype)
    kernels = [BLUR, gc.kernels.gaussian(2), gc.Kernel([[3, -1], [2, 5]], divisor=7)]
    for kernel in kernels[:1] if under_checker else kernels:
        plain = gc.convolve(image, kernel, device=engine)
        for options in ({"mask": np.ones(1, bool)}, {"mask": np.ones_like(PHOTO)}):
            found = gc.convolve(image, kernel, device=engine, **options)
            if kernel.integer and image.dtype.kind in "iu":
                np.testing.assert_array_equal(found, plain)
            check(engine, image, kernel, **options)
        np.testing.assert_allclose(found, plain, rtol=1e-5)


def test_a_common_factor_of_all_weights_changes_nothing(engine: str) -> None:
    expected = gc.convolve(PHOTO, BLUR, mask=CERTAIN, device=engine)
    for mask in (4 * CERTAIN, 1024.0 * CERTAIN):
        found = gc.convolve(PHOTO, BLUR, mask=mask, device=engine)
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    bytes_ = gc.convolve(PHOTO, BLUR, mask=255 * VALID.astype(np.uint8), device=engine)
    np.testing.assert_allclose(bytes_, gc.convolve(PHOTO, BLUR, mask=VALID), rtol=1e-13)


def test_tiles_know_nothing_of_each_other() -> None:
    image = RNG.normal(10, 3, (150, 1100)).astype(np.float32)
    mask = ndimage.zoom(RNG.random((15, 22)), (10, 50), order=0) < 0.7
    for kernel in (gc.kernels.gaussian(4), gc.Kernel(RNG.random((5, 4)))):
        sums = ndimage.convolve(image * mask.astype(float), kernel.weights)
        weight = ndimage.convolve(mask.astype(float), kernel.weights)
        wide = weight > 1e-3 * kernel.weights.sum()
        expected = kernel.weights.sum() * sums[wide] / weight[wide]
        found = gc.convolve(image, kernel, mask=mask)
        np.testing.assert_allclose(found[wide], expected, rtol=1e-3)
        ignored = gc.convolve(np.where(mask, image, np.nan), kernel, nan="ignore")
        np.testing.assert_array_equal(ignored, found)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.data())
def test_random_images_masks_and_kernels(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    rows, columns = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    shape = data.draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    kernel = gc.Kernel(rng.random((rows, columns)))
    if data.draw(st.booleans()):
        kernel = gc.Kernel(rng.integers(0, 4, (rows, columns)) + np.eye(rows, columns, dtype=int))
    image = rng.normal(size=shape).astype(data.draw(st.sampled_from(["f4", "f8"])))
    image[rng.random(shape) < data.draw(st.sampled_from([0, 0.2, 0.9]))] = np.nan
    check(
        "cpu",
        image,
        kernel,
        data.draw(st.sampled_from([None, rng.random(shape) < 0.5, rng.random(shape)])),
        nan=data.draw(st.sampled_from(["propagate", "ignore"])),
        border=data.draw(st.sampled_from(sorted(MODES))),
        stride=data.draw(st.integers(1, 3)),
        dilation=data.draw(st.integers(1, 3)),
        size=data.draw(st.sampled_from(["same", "full"])),
    )


# ------------------------------------------------------------------------ what does not count


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_of_weight_0_may_hold_anything(engine: str, value: float) -> None:
    for dtype in ("float32", "float64"):
        image = np.where(VALID, PHOTO, value).astype(dtype)
        plain = gc.convolve(PHOTO.astype(dtype), BLUR, mask=VALID, device=engine)
        found = gc.convolve(image, BLUR, mask=VALID, device=engine)
        np.testing.assert_array_equal(found, plain)


def test_pixels_that_count_spread_nan_and_infinity_over_their_footprint(engine: str) -> None:
    image = np.ones((12, 12))
    image[2, 3], image[7, 8], image[11, 0] = np.nan, np.inf, np.nan
    mask = np.ones_like(image)
    mask[11, 0] = 0
    mask[5, 5] = 0.5
    found = check(engine, image, gc.Kernel([[0, 1], [1, 0]]), mask)
    assert np.isnan(found).sum() == 2
    assert np.isinf(found).sum() == 2


def test_nan_is_infinite_in_no_sense(engine: str) -> None:
    found = gc.convolve([[1.0, np.inf, np.nan, 2.0]], [[1, 1, 1]], nan="ignore", device=engine)
    np.testing.assert_allclose(found, [[np.inf, np.inf, np.inf, 6]], rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_where_no_pixel_counts_there_is_nan_and_in_integers_0(engine: str, dtype: str) -> None:
    image = np.arange(1, 10, dtype=dtype).reshape(1, 9)
    mask = np.array([[0, 0, 0, 0, 1, 0, 0, 0, 0]], bool)
    found = gc.convolve(image, [[1, 1, 1]], mask=mask, device=engine)
    np.testing.assert_allclose(found, [[np.nan] * 3 + [15] * 3 + [np.nan] * 3], rtol=1e-6)
    rounded = gc.convolve(image, [[1, 1, 1]], mask=mask, dtype="uint8", device=engine)
    assert rounded.tolist() == [[0, 0, 0, 15, 15, 15, 0, 0, 0]]
    nothing = gc.convolve(image, [[1, 1, 1]], mask=np.zeros(9, bool), device=engine)
    assert np.isnan(nothing).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sum_of_weights_vanishes_at_a_few_eps_of_what_it_might_be(
    engine: str, dtype: str
) -> None:
    image, eps = np.full((1, 3), 5, dtype), float(np.finfo(dtype).eps)
    mask = np.array([[4.0, 0.9 * VANISHING * 4 * eps, 1.1 * VANISHING * 4 * eps]])
    found = gc.convolve(image, gc.Kernel([[-2]], divisor=3), mask=mask, device=engine)
    np.testing.assert_allclose(found, [[-10 / 3, np.nan, -10 / 3]], rtol=4 * eps)
    assert least(2, 4, np.dtype(dtype)) == VANISHING * eps * 2 * 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_transforms_know_nothing_from_little(engine: str, dtype: str) -> None:
    rng = np.random.default_rng(5)
    image, mask = rng.normal(10, 3, (40, 45)).astype(dtype), np.zeros((40, 45), bool)
    mask[5, 7] = mask[30, 33] = mask[31, 38] = True
    kernel = gc.Kernel(rng.random((13, 12)) + 0.05)
    options: dict[str, Any] = {"border": "wrap", "mask": mask}
    expected = reference.convolve(image, kernel, **options)
    method: Any = "dense" if engine == "cuda" else "fft"
    found = gc.convolve(image, kernel, method=method, device=engine, **options)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=500 * np.finfo(dtype).eps)


def test_weights_that_cancel_leave_nothing(engine: str) -> None:
    kernel, mask = gc.Kernel([[1.0, 3.0, -1.0]]), np.array([[1, 0, 1, 1, 1]], float)
    found = check(engine, np.ones((1, 5), np.float32), kernel, mask, border="nearest")
    assert np.isnan(found).tolist() == [[False, True, False, False, False]]


# ------------------------------------------------------------------------ borders, axes, arrays


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_constant_border_counts_unless_it_is_nan(engine: str, dtype: str) -> None:
    image, mask = np.array([[6, 12]], dtype), np.array([[True, False]])
    options: dict[str, Any] = {
        "border": "constant",
        "mask": mask,
        "device": engine,
        "dtype": "float64",
    }
    box = gc.Kernel([[1, 1, 1]], divisor=3)
    found = gc.convolve(image, box, cval=2, **options)
    np.testing.assert_allclose(found, [[4, 4]], rtol=1e-15)
    ignored = gc.convolve(image, box, cval=np.nan, nan="ignore", **options)
    np.testing.assert_allclose(ignored, [[6, 6]], rtol=1e-15)
    assert np.isnan(gc.convolve(image, box, cval=np.nan, **options)).all()


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_a_mask_without_channels_is_for_all_of_them(engine: str, axis: int) -> None:
    image = RNG.normal(size=(3, 9, 11))
    mask = RNG.random((3, 9, 11)) < 0.7
    moved = np.moveaxis(image, 0, axis)
    parts: list[Any] = [mask, mask[0], mask[:1], mask[0, :1], np.float64(0.5)]
    for part in parts:
        planes = np.broadcast_to(part, image.shape)
        expected = np.stack(
            [reference.convolve(image[c], BLUR, mask=planes[c]) for c in range(3)], axis
        )
        whole = np.moveaxis(part, 0, axis) if np.ndim(part) == 3 else part
        found = gc.convolve(moved, BLUR, mask=whole, channel_axis=axis, device=engine)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_batch_may_share_a_mask(engine: str) -> None:
    batch = RNG.normal(size=(2, 3, 17, 21)).astype(np.float32)
    found = check(engine, batch, BLUR, VALID, method="dense")
    single = gc.convolve(batch[1, 2], BLUR, mask=VALID, method="dense", device=engine)
    np.testing.assert_array_equal(found[1, 2], single)


@pytest.mark.parametrize(
    "layout", [np.asfortranarray, lambda m: m[::-1], lambda m: m.astype(">f4")]
)
def test_masks_of_any_layout(engine: str, layout: Any) -> None:
    mask = layout(CERTAIN)
    expected = gc.convolve(PHOTO, BLUR, mask=np.array(mask, float), device=engine)
    found = gc.convolve(PHOTO, BLUR, mask=mask, device=engine)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_out_may_be_the_image_or_the_mask(engine: str) -> None:
    expected = gc.convolve(PHOTO, BLUR, mask=CERTAIN, device=engine)
    for which in (0, 1):
        arrays = [PHOTO.copy(), CERTAIN.copy()]
        out = arrays[which]
        assert gc.convolve(arrays[0], BLUR, mask=arrays[1], out=out, device=engine) is out
        np.testing.assert_array_equal(out, expected)


def test_images_without_pixels(engine: str) -> None:
    for shape in ((0, 5), (5, 0), (0, 4, 5)):
        found = gc.convolve(np.ones(shape), BLUR, mask=np.ones(shape[-1]), device=engine)
        assert found.shape == shape


def test_masked_arrays_bring_their_mask(engine: str) -> None:
    image = np.ma.masked_array(PHOTO, mask=~VALID)
    expected = gc.convolve(PHOTO, BLUR, mask=VALID, device=engine)
    found = gc.convolve(image, BLUR, device=engine)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, expected)
    both = gc.convolve(image, BLUR, mask=CERTAIN + 1, device=engine)
    product = gc.convolve(PHOTO, BLUR, mask=(CERTAIN + 1) * VALID, device=engine)
    np.testing.assert_array_equal(both, product)
    none = gc.convolve(np.ma.masked_array(PHOTO), BLUR, device=engine)
    np.testing.assert_array_equal(none, gc.convolve(PHOTO, BLUR, device=engine))


def test_masked_arrays_with_channels() -> None:
    colour: Any = np.ma.masked_greater(RNG.random((6, 7, 3)), 0.8)
    found = gc.convolve(colour, BLUR, mask=VALID[:6, :7], channel_axis=-1)
    for c in range(3):
        mask = ~colour.mask[..., c] & VALID[:6, :7]
        expected = gc.convolve(colour.data[..., c], BLUR, mask=mask)
        np.testing.assert_allclose(found[..., c], expected, rtol=1e-13)


# ------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("mask", "error", "said"),
    [
        (VALID[1:], ArgumentError, r"mask has shape \(16, 21\); it must be broadcastable .*17, 21"),
        ([[1, 0], [1]], ArgumentError, "mask is not a rectangular array: "),
        (VALID * 1j, ArgumentTypeError, "mask has dtype complex128; it must be bool or real"),
        (np.full(21, "a"), ArgumentTypeError, "mask has dtype <U1; it must be bool or real"),
        (CERTAIN - 0.1, ArgumentError, "mask has weights that are negative, infinite or NaN"),
        (-VALID.astype(int), ArgumentError, "mask has weights that are negative, infinite or NaN"),
        (HOLES, ArgumentError, "mask has weights that are negative, infinite or NaN; .* ≥ 0"),
        (CERTAIN + np.inf, ArgumentError, "mask has weights that are negative, infinite or NaN"),
    ],
)
def test_masks_that_are_none(mask: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        gc.convolve(PHOTO, BLUR, mask=mask)


def test_a_mask_for_planes_fits_them() -> None:
    with pytest.raises(ArgumentError, match=r"or without its channel axis to \(4, 5\)"):
        gc.convolve(np.ones((4, 5, 3)), BLUR, mask=np.ones((5, 3)), channel_axis=-1)


@pytest.mark.parametrize("kernel", [gc.kernels.laplacian(), gc.Kernel([[1.0, -1.0 + 1e-16]])])
def test_kernels_that_sum_to_nothing(kernel: gc.Kernel) -> None:
    said = "kernel has weights that sum to .*, by which results are normalised with mask="
    for options in ({"mask": VALID}, {"nan": "ignore"}):
        with pytest.raises(ArgumentError, match=said):
            gc.convolve(PHOTO, kernel, **options)
        with pytest.raises(ArgumentError, match=said):
            reference.convolve(PHOTO, kernel, **options)
    integers = gc.convolve(VALID.astype("u1"), kernel, nan="ignore")  # of which none is NaN
    np.testing.assert_array_equal(integers, gc.convolve(VALID.astype("u1"), kernel))


def test_complex_images_and_kernels() -> None:
    for image, kernel in ((PHOTO * 1j, BLUR), (PHOTO, gc.Kernel([[1j]]))):
        for options in ({"mask": VALID}, {"nan": "ignore"}):
            with pytest.raises(ArgumentError, match="mask, nan='ignore' and epilogue are for real"):
                gc.convolve(image, kernel, **options)


# ------------------------------------------------------------------------ plans


def test_plans_of_masked_calls() -> None:
    plan = gc.plan(PHOTO.shape, PHOTO.dtype, BLUR, masked=True)
    expected = gc.convolve(PHOTO, BLUR, mask=VALID)
    np.testing.assert_array_equal(plan(PHOTO, mask=VALID), expected)
    np.testing.assert_array_equal(plan(np.ma.masked_array(PHOTO, ~VALID)), expected)
    with pytest.raises(ArgumentError, match="this plan is for a call with a mask"):
        plan(PHOTO)
    unmasked = gc.plan(PHOTO.shape, PHOTO.dtype, BLUR)
    masked: Any = np.ma.masked_array(PHOTO, ~VALID)
    for arguments in ((PHOTO, None, VALID), (masked,)):
        with pytest.raises(ArgumentError, match="this plan has no mask"):
            unmasked(*arguments)
    ignoring = gc.plan(PHOTO.shape, PHOTO.dtype, BLUR, nan="ignore")
    np.testing.assert_array_equal(ignoring(HOLES), expected)
