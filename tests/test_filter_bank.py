"""Filter banks: the same as filtering with each kernel, or what the definition reduces these to."""

from __future__ import annotations

import inspect
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from skimage import data

import gpuconv as gc
from gpuconv import dtypes, reference
from gpuconv.backends.host import bank as host_bank
from gpuconv.bank import REDUCTIONS as NAMES
from gpuconv.border import MODES
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.tiling import SIZES

Array = NDArray[Any]

#: Those of any number of responses; the direction is of two.
REDUCTIONS: tuple[Any, ...] = tuple(name for name in NAMES if name != "direction")

#: As for all results (tests/test_contract.py): rounding errors in eps of the accumulator.
ROUNDING, LENGTH = 4, 32

RNG = np.random.default_rng(11)
CAMERA: Array = data.camera()[:300, :400]  # type: ignore[no-untyped-call]
SOBEL = (gc.kernels.sobel_x(), gc.kernels.sobel_y())
#: Each by another algorithm, of other sizes and anchors, one with margins of zeros.
MIXED = (
    gc.Kernel([[2]]),
    gc.Kernel([[1, -2, 3], [4, 5, -6]], anchor=(1, 0), divisor=3),
    gc.Kernel.separable([1, 4, 6, 4, 1], [1, 0, -1], anchor=(4, 2)),
    gc.Kernel(np.pad([[1, 2], [3, 5]], ((0, 3), (2, 0)))),
    gc.kernels.box(7),
    gc.Kernel(np.zeros((1, 2))),
)


def image_of(dtype: str, shape: tuple[int, ...] = (19, 23)) -> Array:
    if np.dtype(dtype).kind == "f":
        return RNG.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return RNG.integers(max(limits.min, -(2**30)), min(limits.max, 2**30), shape, dtype)


def by_definition(image: Array, kernels: Any, reduce: str | None, **options: Any) -> Array:
    """Return the bank in float64: reduced responses, or all of them."""
    responses = np.array([reference.convolve(image, k, dtype=float, **options) for k in kernels])
    if reduce == "magnitude":
        found: Array = np.sqrt(np.square(responses).sum(axis=0))
        return found
    if reduce is None:
        return responses
    reduced: Array = responses.max(axis=0) if reduce == "max" else responses.sum(axis=0)
    return reduced


def check(engine: str, image: Array, kernels: Any, reduce: Any = None, **options: Any) -> Array:
    """Compare a bank with the definition, and return it."""
    found = gc.filter_bank(image, kernels, reduce=reduce, device=engine, **options)
    wanted = np.dtype(options.pop("dtype", image.dtype))
    options.pop("method", None)
    exact = by_definition(image, kernels, reduce, **options)
    assert (found.shape, found.dtype) == (exact.shape, wanted)
    if wanted.kind in "iu":
        expected = np.empty(exact.shape, wanted)
        dtypes.store(exact.copy(), expected)
        apart = found != expected
        assert np.abs(found[apart].astype(float) - expected[apart]).max(initial=0) <= 1
        assert np.abs(np.abs(exact - np.floor(exact))[apart] - 0.5).max(initial=0) < 0.05
        return found
    summed = max(dtypes.rule(image.dtype).accumulator, dtypes.rule(wanted).accumulator)
    largest = max(float(np.abs(image).max(initial=0)), abs(options.get("cval", 0)))
    bound = sum(
        (ROUNDING + k.weights.size / LENGTH) * np.abs(k.weights).sum() * largest for k in kernels
    )
    allowed = bound * np.finfo(summed).eps + np.finfo(wanted).eps * np.abs(exact)
    assert (np.abs(found - exact) <= allowed).all()
    return found


# ------------------------------------------------------------------------ the contract


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float16", "float32", "float64"])
@pytest.mark.parametrize("reduce", [None, *REDUCTIONS])
def test_dtypes(engine: str, dtype: str, reduce: Any, under_checker: bool) -> None:
    image = image_of(dtype)
    if dtype == "float16":
        image = image / 64  # sums of six filters in its range
    check(engine, image, MIXED, reduce, border="mirror")
    for out in () if under_checker else ("uint8", "uint16", "int64", "float32"):
        check(engine, image, MIXED[:3], reduce, dtype=out)


@pytest.mark.parametrize("border", [*MODES, ("wrap", "constant")])
def test_borders(engine: str, border: Any) -> None:
    for dtype, reduce in (("int16", None), ("float32", "max")):
        check(engine, image_of(dtype, (5, 6)), MIXED, reduce, border=border, cval=3)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [1, (2, 3)])
@pytest.mark.parametrize("dilation", [1, (3, 1)])
def test_sizes_strides_and_dilations(engine: str, size: str, stride: Any, dilation: Any) -> None:
    options: dict[str, Any] = {"size": size, "stride": stride, "dilation": dilation}
    shapes = [k for k in MIXED if k.shape == (2, 3)] + [gc.Kernel([[0, 0, 1], [0, 0, 0]])]
    kernels = MIXED if size == "same" else shapes
    check(engine, image_of("float32"), kernels, "magnitude", **options)
    check(engine, image_of("uint8"), kernels, **options)


def test_methods(engine: str) -> None:
    kernels = [gc.kernels.gaussian(1.5), gc.kernels.box(5), gc.kernels.box(9)]
    for method in ("dense", "separable"):
        check(engine, image_of("float32"), kernels, "sum", method=method)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_channels_keep_their_axis(engine: str, axis: int) -> None:
    image = image_of("uint8", (3, 11, 13))
    moved = np.moveaxis(image, 0, axis)
    for reduce in (None, "magnitude"):
        expected = gc.filter_bank(image, SOBEL, reduce=reduce, device=engine)
        found = gc.filter_bank(moved, SOBEL, reduce=reduce, channel_axis=axis, device=engine)
        first = 0 if reduce else 1
        assert found.shape == ((2,) if reduce is None else ()) + moved.shape
        np.testing.assert_array_equal(np.moveaxis(found, axis + first, first), expected)


def test_batches_and_layouts(engine: str) -> None:
    batch = image_of("float32", (2, 2, 9, 10))
    found = check(engine, batch, MIXED)
    turned = np.asfortranarray(batch)[:, :, ::-1, ::-1]
    again = gc.filter_bank(turned[:, :, ::-1, ::-1], MIXED, device=engine)
    np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize("reduce", [None, "max"])
def test_out(engine: str, reduce: Any) -> None:
    image = image_of("float32")
    expected = gc.filter_bank(image, SOBEL, reduce=reduce, device=engine)
    room = np.full((2, *expected.shape), 77, np.float32)
    for out in (room[0], room[1, ..., ::-1]):
        assert gc.filter_bank(image, SOBEL, reduce=reduce, out=out, device=engine) is out
        np.testing.assert_array_equal(out, expected)
    stack = np.stack([image, image])
    over = stack if reduce is None else stack[0]
    gc.filter_bank(stack[0], SOBEL, reduce=reduce, out=over, device=engine)
    np.testing.assert_array_equal(over, expected)


def test_images_without_pixels(engine: str) -> None:
    for shape in ((0, 5), (5, 0), (0, 4, 5)):
        image = np.ones(shape, np.float32)
        assert gc.filter_bank(image, MIXED, device=engine).shape == (6, *shape)
        assert gc.filter_bank(image, MIXED, reduce="max", device=engine).shape == shape


def test_nan_and_infinity_stay_in_their_footprints(engine: str) -> None:
    image = np.ones((15, 16), np.float32)
    image[3, 4], image[9, 11] = np.nan, np.inf
    kernels = [gc.Kernel([[0, 1, 0], [1, 0, 1]]), gc.Kernel.separable([1, 0, 2], [1, 2, 0, 1])]
    found = gc.filter_bank(image, kernels, device=engine)
    for response, kernel in zip(found, kernels, strict=True):
        expected = reference.convolve(image, kernel)
        np.testing.assert_array_equal(np.isnan(response), np.isnan(expected))
        np.testing.assert_array_equal(np.isinf(response), np.isinf(expected))
    for reduce in REDUCTIONS:
        reduced = gc.filter_bank(image, kernels, reduce=reduce, device=engine)
        np.testing.assert_array_equal(np.isnan(reduced), np.isnan(found).any(axis=0))


def test_an_epilogue_comes_after_the_reduction(engine: str) -> None:
    epilogue = gc.Epilogue(scale=0.25, offset=-3, absolute=True, high=100)
    for reduce in (None, *REDUCTIONS):
        exact = by_definition(CAMERA[:20, :30], SOBEL, reduce)
        expected = np.rint(np.minimum(np.abs(0.25 * exact - 3), 100))
        found = gc.filter_bank(
            CAMERA[:20, :30],
            SOBEL,
            reduce=reduce,
            epilogue=epilogue,
            device=engine,
        )
        np.testing.assert_array_equal(found, expected)


# ------------------------------------------------------------------------ directions

#: CUDA's atan2f is good to 3 ulp, its atan2 to 2; of angles up to π these are such parts of 2.
ANGLES = {"float32": 6 * 2**-23, "float64": 4 * 2**-52}


def angles(image: Array, kernels: Any = SOBEL, **options: Any) -> Array:
    """Return the directions in float64, in which responses of integers are exact."""
    x, y = by_definition(image, kernels, None, **options)
    exact: Array = np.arctan2(y + 0.0, x + 0.0)
    return exact


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("border", ["reflect", ("wrap", "constant")])
def test_directions(engine: str, dtype: str, border: Any) -> None:
    image = (RNG.integers(0, 4, (2, 19, 23)) * 30).astype(dtype)
    found = gc.filter_bank(image, SOBEL, reduce="direction", border=border, cval=7, device=engine)
    assert found.dtype == dtypes.rule(dtype).accumulator
    expected = angles(image, border=border, cval=7)
    np.testing.assert_allclose(found, expected, rtol=0, atol=ANGLES[found.dtype.name])
    assert np.abs(found).max() <= found.dtype.type(np.pi)


#: Slopes over so many pixels that the CUDA engine takes them one by one.
LONG = gc.kernels.gaussian(3, order_x=1), gc.kernels.gaussian(3, order=1, order_x=0)


@pytest.mark.parametrize("kernels", [SOBEL, LONG], ids=["at once", "apart"])
def test_to_the_left_is_pi_and_nowhere_is_0(engine: str, kernels: Any) -> None:
    image = np.tile(np.arange(60, 0, -1).astype(np.float32), (20, 1))
    found = gc.filter_bank(image, kernels, reduce="direction", device=engine)[:, 15:45]
    np.testing.assert_allclose(np.abs(found), np.pi, atol=1e-5)
    if kernels is SOBEL:  # whose response down is exactly 0, and of either sign
        assert (found > 0).all()
    flat = gc.filter_bank(-0.0 * image, kernels, reduce="direction", device=engine)
    np.testing.assert_array_equal(flat, 0)


def test_directions_of_nan_are_nan(engine: str) -> None:
    image = np.random.default_rng(1).random((12, 14), np.float32)
    image[5, 6] = np.nan
    found = gc.filter_bank(image, SOBEL, reduce="direction", device=engine)
    near = np.zeros(image.shape, bool)
    near[4:7, 5:8] = True
    near[5, 6] = False  # neither kernel has a weight in the middle
    x_or_y = np.isnan(reference.convolve(image, SOBEL[0]) + reference.convolve(image, SOBEL[1]))
    np.testing.assert_array_equal(np.isnan(found), x_or_y)
    np.testing.assert_array_equal(np.isnan(found), near)


def test_directions_may_become_hues(engine: str) -> None:
    hue = gc.Epilogue(scale=128 / np.pi, offset=128, high=255)
    image = CAMERA[:20, :30]
    found = gc.filter_bank(
        image, SOBEL, reduce="direction", epilogue=hue, dtype="uint8", device=engine
    )
    exact = np.minimum(angles(image) * 128 / np.pi + 128, 255)
    assert np.abs(found - exact).max() <= 0.5001


def test_directions_are_opencvs_phase() -> None:
    x, y = (cv2.Sobel(CAMERA, cv2.CV_64F, *d) for d in ((1, 0), (0, 1)))
    found = gc.filter_bank(CAMERA, SOBEL, reduce="direction", border="mirror", dtype="float64")
    # OpenCV's angles are in [0, 2π), and approximate: cv2.fastAtan2 is good to 0.3 degrees.
    apart = np.abs(np.exp(1j * found) - np.exp(1j * cv2.phase(x, y)))
    assert apart.max() < np.radians(0.3)


# ------------------------------------------------------------------------ what it is for


def test_a_sobel_magnitude_of_bytes_is_exact(engine: str, under_checker: bool) -> None:
    image = CAMERA[:40, :50] if under_checker else CAMERA
    dx, dy = (
        cv2.Sobel(image, cv2.CV_64F, *d, borderType=cv2.BORDER_REFLECT) for d in ((1, 0), (0, 1))
    )
    exact = np.sqrt(dx**2 + dy**2)
    found = gc.filter_bank(image, SOBEL, reduce="magnitude", border="reflect", device=engine)
    np.testing.assert_array_equal(found, np.minimum(np.rint(exact), 255))
    wide = gc.filter_bank(image, SOBEL, reduce="magnitude", dtype="uint16", device=engine)
    np.testing.assert_array_equal(wide, np.rint(exact))


def test_a_sobel_magnitude_is_scipys() -> None:
    image = CAMERA.astype(np.float64)
    found = gc.filter_bank(image, SOBEL, reduce="magnitude")
    expected = ndimage.generic_gradient_magnitude(image, ndimage.sobel)
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_a_gabor_bank_responds_to_the_orientation_that_is_there() -> None:
    rows = np.arange(120)[:, None] * np.ones((1, 130))
    stripes = np.sin(2 * np.pi * rows / 8).astype(np.float32)
    angles = np.arange(0, 180, 30)
    bank = [gc.kernels.gabor(frequency=1 / 8, angle=float(angle)).real for angle in angles]
    found = gc.filter_bank(stripes, bank)
    energy = np.square(found[:, 30:-30, 30:-30]).mean(axis=(1, 2))
    assert angles[energy.argmax()] == 90
    strongest = gc.filter_bank(stripes, bank, reduce="max")
    np.testing.assert_array_equal(strongest, found.max(axis=0))


def test_sums_are_the_filter_of_the_summed_kernel(engine: str) -> None:
    image = image_of("uint8")
    summed = sum(SOBEL[1:], SOBEL[0])
    found = gc.filter_bank(image, SOBEL, reduce="sum", dtype="int32", device=engine)
    np.testing.assert_array_equal(found, gc.convolve(image, summed, dtype="int32"))


def test_correlation(engine: str) -> None:
    image = image_of("int16")
    found = gc.filter_bank(image, MIXED, flip=False, device=engine)
    for response, kernel in zip(found, MIXED, strict=True):
        np.testing.assert_array_equal(response, gc.correlate(image, kernel))


# ------------------------------------------------------------------------ the CPU engine


@pytest.mark.parametrize("shape", [(260, 2100), (700, 90)])
def test_tiles_and_threads(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPUCONV_NUM_THREADS", "3")
    image = image_of("uint8", shape)
    found = gc.filter_bank(image, MIXED, dtype="int32")
    for response, kernel in zip(found, MIXED, strict=True):
        np.testing.assert_array_equal(response, gc.convolve(image, kernel, dtype="int32"))
    total = gc.filter_bank(image, MIXED[2:], reduce="sum", dtype="int64")
    np.testing.assert_array_equal(total, found[2:].sum(axis=0))


def test_blocks_that_find_no_room_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    image = image_of("int16", (300, 1100))
    expected = gc.filter_bank(image, MIXED)
    monkeypatch.setattr(host_bank, "_KEPT", 1)
    np.testing.assert_array_equal(gc.filter_bank(image, MIXED), expected)


def test_calls_at_the_same_time_do_not_share_scratch() -> None:
    images = [image_of("uint8", (150, 1100)) for _ in range(6)]
    expected = [gc.filter_bank(image, SOBEL, reduce="magnitude") for image in images]
    with ThreadPoolExecutor(6) as pool:
        for _ in range(3):
            found = pool.map(lambda image: gc.filter_bank(image, SOBEL, reduce="magnitude"), images)
            np.testing.assert_array_equal(list(found), expected)


def test_scratch_left_behind_is_bounded() -> None:
    for width in range(1000, 1012):
        gc.filter_bank(image_of("uint8", (150, width)), SOBEL, reduce="magnitude")
    assert 0 < host_bank._IDLE.bytes <= 24 * 2**20


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.data())
def test_random_banks(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    sizes = data.draw(st.lists(st.tuples(*[st.integers(1, 6)] * 2), min_size=1, max_size=4))
    kernels = [gc.Kernel(rng.integers(-4, 5, size)) for size in sizes]
    kernels = [k.anchored(*rng.integers(0, k.shape)) for k in kernels]
    image = rng.integers(0, 256, data.draw(st.tuples(*[st.integers(1, 20)] * 2))).astype("u1")
    check(
        "cpu",
        image,
        kernels,
        data.draw(st.sampled_from([None, *REDUCTIONS])),
        border=data.draw(st.sampled_from(sorted(MODES))),
        stride=data.draw(st.integers(1, 3)),
        dilation=data.draw(st.integers(1, 3)),
        dtype=data.draw(st.sampled_from(["u1", "i2", "f4", "f8"])),
    )


# ------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("image", "kernels", "options", "error", "said"),
    [
        (CAMERA, [], {}, ArgumentError, "kernels is empty; give at least one"),
        (CAMERA, SOBEL[0], {}, ArgumentTypeError, "kernels is of type Kernel; it must be an iter"),
        (CAMERA, 3, {}, ArgumentTypeError, "kernels is of type int; it must be an iterable"),
        (CAMERA, [SOBEL[0], [1, 2]], {}, ArgumentError, "kernel has 1 dimensions"),
        (CAMERA, [[[1]], [[1j]]], {}, ArgumentTypeError, r"kernels\[1\] is complex; give its"),
        (CAMERA * 1j, SOBEL, {}, ArgumentTypeError, "for real images and outputs; .* complex128"),
        (CAMERA, SOBEL, {"dtype": "c8"}, ArgumentTypeError, "are uint8 and complex64"),
        (CAMERA, MIXED[:3], {"reduce": "direction"}, ArgumentError, "for 2 kernels, x and y"),
        (CAMERA, SOBEL, {"reduce": "maximum"}, ArgumentError, "reduce='maximum' .* mean 'max'"),
        (CAMERA, SOBEL, {"border": "miror"}, ArgumentError, "border='miror' is not a border"),
        (CAMERA, SOBEL, {"epilogue": 2}, ArgumentTypeError, "epilogue=2 must be a gpuconv.Epil"),
        (CAMERA, SOBEL, {"out": np.empty((3, 3), "u1")}, ArgumentError, r"shape \(2, 300, 400\)"),
        (np.ma.masked_equal(CAMERA, 3), SOBEL, {}, ArgumentTypeError, "image is a masked array"),
        (
            CAMERA,
            [[[1]], [[1, 2]]],
            {"size": "full"},
            ArgumentError,
            r"size='full' gives outputs of different shapes, \(300, 400\) for kernels\[0\] and "
            r"\(300, 401\) for kernels\[1\]; use size='same', or kernels of one size",
        ),
        (CAMERA, [SOBEL[0], np.ones((5, 5))], {"size": "valid"}, ArgumentError, "size='valid' giv"),
    ],
)  # fmt: skip
def test_refusals(
    image: Any, kernels: Any, options: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        gc.filter_bank(image, kernels, **options)


def test_kernels_of_any_kind() -> None:
    expected = gc.filter_bank(CAMERA, [gc.Kernel([[1, 2], [2, 4]]), gc.Kernel([[1, 2], [3, 4]])])
    mixed = iter([([1, 2], [1, 2]), [[1, 2], [3, 4]]])
    np.testing.assert_array_equal(gc.filter_bank(CAMERA, mixed), expected)
    stacked = np.array([[[1, 2], [2, 4]], [[1, 2], [3, 4]]])
    np.testing.assert_array_equal(gc.filter_bank(CAMERA, stacked), expected)


def test_options_are_those_of_convolve() -> None:
    ours = inspect.signature(gc.filter_bank).parameters
    theirs = inspect.signature(gc.convolve).parameters
    assert set(ours) - set(theirs) == {"kernels", "reduce", "flip"}
    assert set(theirs) - set(ours) == {"kernel", "mask", "nan"}
    for name in set(ours) & set(theirs):
        assert ours[name].default == theirs[name].default
        assert ours[name].kind == theirs[name].kind
