"""The names of ``skimage.filters``: what scikit-image computes, on gpuconv's engines."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
import skimage.filters as theirs
from cuda_on_cpu.apart import ApartRuntime, OnDevice
from dask import array
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage import restoration, util

from gpuconv.backends.cuda import runtime
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.skimage import filters, metrics, pixels
from gpuconv.skimage import restoration as restored
from gpuconv.skimage.differences import DIFFERENCES
from gpuconv.skimage.errors import NotCoveredError

Array = Any

GRADIENTS = ("farid", "prewitt", "scharr", "sobel")
#: Calls of one image each, of two axes.
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "gaussian": ("gaussian", {}),
    "gaussian of its own range": ("gaussian", {"sigma": (2, 0.5), "preserve_range": True}),
    "gaussian wrapped": ("gaussian", {"sigma": 3, "mode": "wrap", "truncate": 2}),
    "gaussian in the dark": ("gaussian", {"mode": "constant", "cval": 0.5}),
    "difference": ("difference_of_gaussians", {"low_sigma": 1}),
    "difference of two": ("difference_of_gaussians", {"low_sigma": (1, 2), "high_sigma": 4}),
    "unsharp": ("unsharp_mask", {"radius": 2, "amount": 1.5}),
    "unsharp of its own range": ("unsharp_mask", {"preserve_range": True, "amount": -0.5}),
    "laplace": ("laplace", {}),
    "roberts": ("roberts", {}),
    "roberts, falling": ("roberts_pos_diag", {}),
    "roberts, rising": ("roberts_neg_diag", {}),
    **{name: (name, {}) for name in GRADIENTS},
    **{f"{name} along one axis": (name, {"axis": 1}) for name in GRADIENTS},
    **{f"{name}_{way}": (f"{name}_{way}", {}) for name in GRADIENTS for way in "hv"},
    "sobel along each": ("sobel", {"axis": (1, 0), "mode": "grid-mirror"}),
    "sobel in the dark": ("sobel", {"mode": "constant", "cval": 0.25}),
}
DTYPES = ("bool", "uint8", "int8", "uint16", "int32", "float16", "float32", "float64")


def picture(dtype: str, shape: tuple[int, ...] = (19, 23)) -> Array:
    """Pixels over all of a dtype's range, or of −1 … 1."""
    parts = np.random.default_rng(0).random(shape)
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return parts > 0.5
    if kind.kind == "f":
        return (2 * parts - 1).astype(dtype)
    limits = np.iinfo(kind)
    return (limits.min + parts * (float(limits.max) - limits.min)).astype(dtype)


def same(ours: Array, expected: Array) -> None:
    """Check for equal dtypes and shapes, and for values that are equal but for rounding."""
    assert ours.dtype == expected.dtype
    assert ours.shape == expected.shape
    scale = max(float(np.abs(expected).max(initial=0)), 1e-30)
    eps = np.finfo(expected.dtype).eps if expected.dtype.kind in "fc" else 0
    np.testing.assert_allclose(ours, expected, rtol=0, atol=16 * eps * max(scale, 1))


@pytest.fixture
def apart() -> Iterator[None]:
    """A device with a memory of its own, which nothing but the engine for CUDA may compute in."""
    if reason := cuda_on_cpu.missing():
        pytest.skip(reason)
    with runtime.use(ApartRuntime()):
        yield


def there(image: Array) -> Array:
    """Return an image in the memory of that device."""
    return runtime.current().asarray(image)


# ------------------------------------------------------------------------ values


@pytest.mark.parametrize("call", CALLS)
def test_a_filter_gives_what_scikit_images_gives_for_every_dtype(call: str) -> None:
    name, options = CALLS[call]
    for dtype in DTYPES:
        image = picture(dtype)
        kept = image.copy()
        same(getattr(filters, name)(image, **options), getattr(theirs, name)(image, **options))
        np.testing.assert_array_equal(image, kept)


@pytest.mark.parametrize("name", [*GRADIENTS, "gaussian", "laplace", "median", "unsharp_mask"])
@pytest.mark.parametrize("shape", [(17,), (5, 7, 6), (3, 4, 5, 3)])
def test_a_filter_takes_any_number_of_axes(name: str, shape: tuple[int, ...]) -> None:
    image = picture("float64", shape)
    same(getattr(filters, name)(image), getattr(theirs, name)(image))


@pytest.mark.parametrize("name", ["gaussian", "difference_of_gaussians", "unsharp_mask"])
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_channels_are_filtered_one_by_one(name: str, channel: int) -> None:
    image = np.moveaxis(picture("uint8", (16, 18, 3)), -1, channel)
    same(
        getattr(filters, name)(image, 1.5, channel_axis=channel),
        getattr(theirs, name)(image, 1.5, channel_axis=channel),
    )


@given(
    hnp.arrays(
        np.float64, hnp.array_shapes(min_dims=1, max_dims=3, max_side=9), elements=st.floats(-1, 1)
    ),
    st.sampled_from(["reflect", "nearest", "mirror", "wrap", "constant"]),
    st.sampled_from(["gaussian", *GRADIENTS]),
)
@settings(max_examples=40, deadline=None)
def test_any_border_of_any_shape(image: Array, mode: str, name: str) -> None:
    ours = getattr(filters, name)(image, mode=mode, cval=0.5)
    same(ours, getattr(theirs, name)(image, mode=mode, cval=0.5))


@pytest.mark.parametrize("name", [*GRADIENTS, "laplace", "roberts", "sobel_h", "roberts_neg_diag"])
def test_edges_outside_a_mask_and_beside_it_are_0(name: str) -> None:
    image, mask = picture("float64"), np.random.default_rng(1).random((19, 23)) > 0.05
    ours = getattr(filters, name)(image, mask=mask)
    same(ours, getattr(theirs, name)(image, mask=mask))
    assert (ours == 0).any()
    assert (ours != 0).any()


def test_a_median_has_the_footprint_mode_and_dtype_that_are_asked_for() -> None:
    footprint = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    for dtype in ("uint8", "int16", "float32"):
        image = picture(dtype)
        for options in ({}, {"footprint": footprint}, {"mode": "constant", "cval": 7}):
            same(filters.median(image, **options), theirs.median(image, **options))
        room = np.empty_like(image)
        assert filters.median(image, out=room) is room
        np.testing.assert_array_equal(room, theirs.median(image))


def test_gabors_filter_and_its_kernel() -> None:
    for options in ({}, {"theta": 0.7, "offset": 0.4}, {"sigma_x": 2, "sigma_y": 1, "n_stds": 2}):
        np.testing.assert_allclose(
            filters.gabor_kernel(0.2, **options), theirs.gabor_kernel(0.2, **options), atol=1e-15
        )
        for dtype in ("uint8", "float32", "float64"):
            image = picture(dtype)
            for ours, expected in zip(
                filters.gabor(image, 0.2, **options),
                theirs.gabor(image, 0.2, **options),
                strict=True,
            ):
                same(ours, expected)


def test_a_blur_goes_where_it_is_asked_to() -> None:
    image = picture("float64")
    expected = theirs.gaussian(image, 2)
    assert filters.gaussian(image, 2, out=image) is image
    same(image, expected)
    room = np.empty(image.shape, np.float32)
    same(filters.gaussian(expected, 2, out=room), theirs.gaussian(expected, 2, out=room.copy()))


def test_floats_are_what_scikit_image_makes_of_pixels() -> None:
    for dtype in (*DTYPES, "int16", "uint32", "int64", "uint64"):
        image = picture(dtype)
        np.testing.assert_array_equal(pixels.unit_floats(image), util.img_as_float(image))


# ------------------------------------------------------------------------ what differs


def test_a_negative_axis_is_counted_from_the_last() -> None:
    image = picture("float64")
    for name in GRADIENTS:
        ours = getattr(filters, name)
        np.testing.assert_array_equal(ours(image, axis=-1), ours(image, axis=1))
        upstream = getattr(theirs, name)(image, axis=-1)
        part = {"prewitt": 1 / 3, "scharr": 3 / 16, "sobel": 1 / 4}.get(name)
        if part is None:
            assert not np.allclose(upstream, ours(image, axis=-1))
        else:
            np.testing.assert_allclose(upstream, part * ours(image, axis=-1), atol=1e-14)


def test_a_negative_channel_axis_is_counted_from_the_last() -> None:
    image = picture("uint8", (16, 18, 3))
    ours = filters.unsharp_mask(image, channel_axis=-1)
    same(ours, theirs.unsharp_mask(image, channel_axis=2))
    assert not np.allclose(ours, theirs.unsharp_mask(image, channel_axis=-1))


def test_a_median_by_ranks_is_left_to_scikit_image() -> None:
    with pytest.raises(NotCoveredError, match=r"skimage\.filters\.rank\.median"):
        filters.median(picture("uint8"), behavior="rank")


def test_differences_are_of_functions_that_there_are() -> None:
    known = {*filters.__all__, *restored.__all__, *metrics.__all__}
    assert {difference.name for difference in DIFFERENCES} <= known
    assert all(each.how.endswith(".") and each.why.endswith(".") for each in DIFFERENCES)


# ------------------------------------------------------------------------ arguments


@pytest.mark.parametrize("name", filters.__all__)
def test_parameters_are_scikit_images(name: str) -> None:
    assert_signature(getattr(filters, name), getattr(theirs, name))


@pytest.mark.parametrize("name", restored.__all__)
def test_parameters_of_restoration_are_scikit_images(name: str) -> None:
    assert_signature(getattr(restored, name), getattr(restoration, name))


def assert_signature(ours: Callable[..., Any], expected: Callable[..., Any]) -> None:
    """Check names, kinds, order and defaults of parameters."""
    found, wanted = (
        [(p.name, p.kind, p.default) for p in inspect.signature(each).parameters.values()]
        for each in (ours, expected)
    )
    assert found == wanted


def bad_calls() -> list[tuple[str, tuple[Any, ...], dict[str, Any], str]]:
    """Return calls that scikit-image refuses, and how its message begins."""
    image, volume = picture("float64"), picture("float64", (3, 4, 5))
    return [
        ("gaussian", (image, -1), {}, "Sigma values less than zero are not valid"),
        ("gaussian", (image,), {"out": np.empty((19, 23), int)}, "dtype of `out` must be float"),
        ("unsharp_mask", (image, -1), {}, "Sigma values less than zero are not valid"),
        ("sobel_h", (volume,), {}, "The parameter `image` must be a 2-dimensional array"),
        ("roberts", (volume,), {}, "The parameter `image` must be a 2-dimensional array"),
        ("gabor", (volume, 1), {}, "The parameter `image` must be a 2-dimensional array"),
        ("sobel_v", (image[:0],), {}, "The parameter `image` cannot be an empty array"),
        ("gabor_kernel", (1,), {"dtype": float}, "dtype must be complex"),
        ("difference_of_gaussians", (image, -1), {}, "Sigma values less than zero|high_sigma must"),
        ("difference_of_gaussians", (image, -1, 1), {}, "Sigma values less than zero"),
        ("difference_of_gaussians", (image, (1, 2, 3)), {}, "low_sigma must have length equal to"),
        ("difference_of_gaussians", (image, 1, (2, 2, 2)), {}, "high_sigma must have length equal"),
        (
            "difference_of_gaussians",
            (image, 5, 4),
            {},
            "high_sigma must be equal to or larger than",
        ),
        ("gaussian", (image + 1j,), {}, "Cannot convert from complex128 to float64"),
    ]


@pytest.mark.parametrize(
    ("name", "given", "named", "message"), bad_calls(), ids=map(str, range(len(bad_calls())))
)
def test_a_message_begins_as_scikit_images(
    name: str, given: tuple[Any, ...], named: dict[str, Any], message: str
) -> None:
    for module in (theirs, filters):
        with pytest.raises(ValueError, match=f"^{message}"):
            getattr(module, name)(*given, **named)


@pytest.mark.parametrize(
    ("name", "named"),
    [*((name, {"axis": 2}) for name in GRADIENTS), ("unsharp_mask", {"channel_axis": 2})],
)
def test_an_axis_is_one_of_the_images(name: str, named: dict[str, int]) -> None:
    for module in (theirs, filters):
        with pytest.raises(IndexError):
            getattr(module, name)(picture("float64"), **named)


@pytest.mark.parametrize("name", GRADIENTS)
def test_a_mode_is_one_for_all_axes(name: str) -> None:
    for module in (theirs, filters):
        for axis in (None, 0):
            with pytest.raises(RuntimeError):
                getattr(module, name)(picture("float64"), axis=axis, mode=("wrap", "nearest"))


def test_what_scikit_image_does_not_tell_is_told() -> None:
    image = picture("float64")
    with pytest.raises(ArgumentError, match="axis 2 is out of bounds for array of dimension 2"):
        filters.sobel(image, axis=2)
    with pytest.raises(ArgumentError, match="ksize=1 must be at least 3"):
        filters.laplace(image, 1)
    with pytest.raises(ArgumentTypeError, match="image is not a rectangular array"):
        filters.sobel_h([[1, 2], [3]])


# ------------------------------------------------------------------------ on a GPU


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gaussian", {"sigma": 0.5}),
        ("sobel", {}),
        ("sobel", {"axis": 0}),
        ("roberts", {}),
        ("laplace", {}),
        ("unsharp_mask", {"radius": 0.5}),
        ("difference_of_gaussians", {"low_sigma": 0.4}),
        ("median", {}),
    ],
)
def test_a_device_gives_the_same(name: str, options: dict[str, Any]) -> None:
    for dtype in ("uint8", "float32"):
        image = picture(dtype, (9, 11))
        ours = getattr(filters, name)(there(image), **options)
        assert isinstance(ours, OnDevice)
        same(runtime.current().asnumpy(ours), getattr(theirs, name)(image, **options))


@pytest.mark.usefixtures("apart")
def test_a_mask_lies_where_the_image_does() -> None:
    image, mask = picture("float32", (9, 11)), np.ones((9, 11), bool)
    mask[4, 5] = False
    ours = filters.sobel(there(image), there(mask))
    assert isinstance(ours, OnDevice)
    same(runtime.current().asnumpy(ours), theirs.sobel(image, mask))


# ------------------------------------------------------------------------ in parts


#: Calls whose reach is known, with an image in colour where they say so.
PARTS: list[tuple[str, dict[str, Any]]] = [
    ("gaussian", {"sigma": 1.5, "mode": "wrap"}),
    ("gaussian", {"sigma": (2, 0.5), "mode": ("mirror", "constant"), "cval": 0.3}),
    ("gaussian", {"sigma": 2, "channel_axis": -1}),
    ("difference_of_gaussians", {"low_sigma": 1, "mode": "wrap"}),
    ("difference_of_gaussians", {"low_sigma": 1, "high_sigma": (1, 2), "channel_axis": 2}),
    ("unsharp_mask", {"radius": 2, "preserve_range": True, "channel_axis": 2}),
    ("median", {"footprint": np.ones((5, 3)), "mode": "wrap"}),
    ("median", {}),
    ("farid", {"mode": "wrap"}),
    ("sobel", {"axis": 1, "mode": "constant", "cval": 0.5}),
    ("roberts", {}),
    ("laplace", {}),
    ("scharr_h", {}),
    ("farid_v", {}),
]


@pytest.mark.parametrize(("name", "options"), PARTS)
def test_parts_make_up_the_whole(name: str, options: dict[str, Any]) -> None:
    colour = "channel_axis" in options
    image = picture("float64", (20, 26, 3) if colour else (20, 26))
    function = getattr(filters, name)
    found = function(array.from_array(image, chunks=(7, 9, 2)[: image.ndim]), **options)
    assert isinstance(found, array.Array)
    assert len(found.chunks[0]) > 1
    same(found.compute(), function(image, **options))


@pytest.mark.parametrize(
    ("name", "options"),
    [("unsharp_mask", {"radius": 1}), ("sobel", {"mask": np.ones((20, 26), bool)})],
)
def test_what_needs_the_whole_image_gets_it(name: str, options: dict[str, Any]) -> None:
    image = picture("float64", (20, 26))
    function = getattr(filters, name)
    found = function(array.from_array(image, chunks=(7, 9)), **options)
    same(np.asarray(found), function(image, **options))
