"""The stand-ins over dask arrays: each function of each, with the results of one call."""

from __future__ import annotations

import inspect
import pickle
import re
import warnings
from importlib import import_module
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
from cuda_on_cpu.apart import ApartRuntime, OnDevice
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv import operations
from gpuconv.backends.cuda import runtime

Array = NDArray[Any]

RNG = np.random.default_rng(4)
WEIGHTS, WHOLE = RNG.random((4, 5)), np.array([[1, 2, 0], [0, -3, 1]])
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
TAPS, PSF = [1, 2, 3, 0, 0, 0], np.full((5, 5), 1 / 25)


def derivative(image: Array, axis: int, output: Any, mode: str, cval: float) -> Array:
    from gpuconv.scipy.ndimage import correlate1d

    return correlate1d(image, [1, -2, 1], axis, output, mode, cval)


#: Module → function → (arguments after the image, arguments by name).
CALLS: dict[str, dict[str, tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "scipy.ndimage": {
        "convolve": ((WHOLE,), {"origin": (0, -1)}),
        "convolve1d": ((TAPS,), {"axis": 0}),
        "correlate": ((WEIGHTS,), {"origin": (1, 0)}),
        "correlate1d": ((TAPS,), {"origin": -3, "output": "float32"}),
        "gaussian_filter": (((1, 2),), {"order": (0, 1)}),
        "gaussian_filter1d": ((2,), {"axis": 0}),
        "gaussian_gradient_magnitude": ((1.5,), {"truncate": 3.0}),
        "gaussian_laplace": ((1,), {}),
        "generic_gradient_magnitude": ((derivative,), {}),
        "generic_laplace": ((derivative,), {}),
        "laplace": ((), {}),
        "maximum_filter": ((7,), {"origin": 2}),
        "maximum_filter1d": ((4,), {}),
        "median_filter": ((5,), {}),
        "minimum_filter": ((), {"footprint": CROSS}),
        "minimum_filter1d": ((9,), {"axis": 0}),
        "percentile_filter": ((20, (4, 3)), {}),
        "prewitt": ((0,), {}),
        "rank_filter": ((2,), {"footprint": CROSS}),
        "sobel": ((), {}),
        "uniform_filter": (((3, 8),), {"origin": (1, -2)}),
        "uniform_filter1d": ((7,), {}),
    },
    "scipy.signal": {
        "convolve": ((WEIGHTS, "valid"), {}),
        "convolve2d": ((WEIGHTS, "same"), {}),
        "correlate": ((WEIGHTS,), {}),
        "correlate2d": ((WEIGHTS, "same"), {}),
        "fftconvolve": ((WEIGHTS, "same"), {}),
        "medfilt": ((3,), {}),
        "medfilt2d": (((5, 3),), {}),
        "oaconvolve": ((WEIGHTS,), {}),
        "order_filter": ((CROSS, 1), {}),
        "sepfir2d": ((np.array([1.0, 2, 1]), np.array([1.0, 0, 3])), {}),
        "wiener": (((3, 5), 0.5), {}),
    },
    "skimage.filters": {
        "difference_of_gaussians": ((1, 2), {}),
        "farid": ((), {}),
        "farid_h": ((), {}),
        "farid_v": ((), {}),
        "gabor": ((0.3,), {}),
        "gaussian": ((2,), {}),
        "laplace": ((), {}),
        "median": ((), {}),
        "prewitt": ((), {"axis": 0}),
        "prewitt_h": ((), {}),
        "prewitt_v": ((), {}),
        "roberts": ((), {}),
        "roberts_neg_diag": ((), {}),
        "roberts_pos_diag": ((), {}),
        "scharr": ((), {}),
        "scharr_h": ((), {}),
        "scharr_v": ((), {}),
        "sobel": ((), {}),
        "sobel_h": ((), {}),
        "sobel_v": ((), {}),
        "unsharp_mask": ((), {}),
    },
    "skimage.restoration": {
        "denoise_bilateral": ((5, 0.2, 3.0), {}),
        "denoise_nl_means": ((3, 4, 0.1), {}),
        "estimate_sigma": ((), {}),
        "richardson_lucy": ((PSF, 3), {}),
        "wiener": ((PSF, 0.1), {}),
    },
    "skimage.metrics": {
        "mean_squared_error": ((RNG.random((41, 37)),), {}),
        "normalized_root_mse": ((RNG.random((41, 37)),), {}),
    },
    "cv2": {
        "GaussianBlur": (((5, 7), 1.5), {}),
        "Laplacian": ((-1,), {"ksize": 3}),
        "Scharr": ((5, 0, 1), {}),
        "Sobel": ((-1, 1, 0), {}),
        "bilateralFilter": ((5, 20.0, 3.0), {}),
        "blur": (((3, 4),), {}),
        "boxFilter": ((5, (5, 3)), {"normalize": False}),
        "copyMakeBorder": ((1, 2, 3, 4, 2), {}),
        "filter2D": ((-1, WEIGHTS), {"anchor": (0, 2)}),
        "medianBlur": ((5,), {}),
        "sepFilter2D": ((-1, np.array([1.0, 2, 3]), np.array([1.0, 0, 2])), {}),
        "spatialGradient": ((), {}),
        "sqrBoxFilter": ((-1, (3, 3)), {}),
    },
}

every = pytest.mark.parametrize(
    ("library", "name"), [(library, name) for library, names in CALLS.items() for name in names]
)


def function_of(library: str, name: str) -> Any:
    return getattr(import_module(f"gpuconv.{library}"), name)


def image_of(dtype: str, shape: tuple[int, ...] = (41, 37)) -> Array:
    pixels = np.random.default_rng(9).random(shape) * (255 if dtype == "uint8" else 1)
    return pixels.astype(dtype)


def alike(found: Any, want: Any, single: bool) -> None:
    """Check arrays: integers for equality, floats but for the order of sums."""
    want = np.asarray(want)
    assert found.shape == want.shape
    assert found.dtype == want.dtype
    if want.dtype.kind in "biu":
        np.testing.assert_array_equal(found, want)
    else:
        digits = 1e-5 if single else 1e-10
        np.testing.assert_allclose(found, want, rtol=digits, atol=digits * np.abs(want).max())


def result_of(function: Any, image: Any, given: Any, named: Any) -> Any:
    """Return what a call returns, or what it raises in words, but for the image's shape.

    Where a function says that, it says of a dask array the shape of the few numbers it was tried
    with.
    """
    try:
        return function(image, *given, **named)
    except (TypeError, ValueError) as error:
        return re.sub(r"shape \(.*?\)", "shape", repr(error))


def compared(function: Any, image: Array, chunks: Any, given: Any, named: Any) -> None:
    """Compare a call for a dask array with one for an array; errors, too."""
    array = da.from_array(image, chunks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = result_of(function, image, given, named)
        lazy = result_of(function, array, given, named)
        if isinstance(want, str):
            assert lazy == want
            return
        several = zip(lazy, want, strict=True) if isinstance(want, tuple) else [(lazy, want)]
        for one, expected in several:
            found = one.compute(scheduler="synchronous")
            assert (one.shape, one.dtype) == (found.shape, found.dtype)
            alike(found, expected, image.dtype == np.float32)


@every
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_small_chunks_give_what_one_call_gives(library: str, name: str, dtype: str) -> None:
    function = function_of(library, name)
    given, named = CALLS[library][name]
    chunks = {"uint8": (5, 4), "float32": ((1, 30, 10), (2, 3, 32))}[dtype]
    compared(function, image_of(dtype), chunks, given, named)


@every
def test_an_image_that_goes_on_with_its_other_end_does_so_over_chunks(
    library: str, name: str
) -> None:
    function = function_of(library, name)
    given, named = CALLS[library][name]
    # The mode of a convolution is the size of its result.
    border = "boundary" if "2d" in name else "mode"
    signature = inspect.signature(function)
    if border in signature.parameters and border not in signature.bind(0, *given).arguments:
        for dtype in ("uint8", "float32"):
            compared(function, image_of(dtype), (9, 11), given, {**named, border: "wrap"})


OUT_OF_ORDER: list[tuple[str, dict[str, Any]]] = [
    ("convolve", {"weights": WEIGHTS}),
    ("maximum_filter", {"size": (2, 5)}),
    ("maximum_filter", {"footprint": WEIGHTS > 0}),
    ("maximum_filter", {"footprint": CROSS[:2] > 0}),
    ("median_filter", {"size": (2, 5)}),
    ("uniform_filter", {"size": (2, 5)}),
]


@pytest.mark.parametrize(("shape", "axes"), [((19, 17), (1, 0)), ((19, 9, 17), (2, 0))])
@pytest.mark.parametrize(("name", "named"), OUT_OF_ORDER)
def test_axes_may_be_named_in_any_order(
    name: str, named: dict[str, Any], shape: tuple[int, ...], axes: tuple[int, ...]
) -> None:
    where = {"axes": axes, "origin": (-1, 0), "mode": "nearest"}
    function = function_of("scipy.ndimage", name)
    compared(function, image_of("uint8", shape), 3, (), {**named, **where})


@pytest.mark.parametrize("library", CALLS)
def test_all_functions_that_take_images_are_tried(library: str) -> None:
    module = import_module(f"gpuconv.{library}")
    # What takes images has the decorator for arrays of other libraries.
    taking = {name for name in module.__all__ if hasattr(getattr(module, name), "__wrapped__")}
    assert taking - {"choose_conv_method"} == set(CALLS[library])


def test_a_choice_by_the_numbers_themselves_is_not_for_arrays_yet_to_be_made() -> None:
    with pytest.raises(gc.ArgumentError, match="returns str, which cannot be computed lazily"):
        function_of("scipy.signal", "choose_conv_method")(da.zeros((9, 9)), WEIGHTS)


@pytest.mark.parametrize("chunks", [(9, 11, 1), (7, 20, 3)])
@pytest.mark.parametrize("name", CALLS["cv2"])
def test_colours_are_filtered_apart_or_together_as_in_one_call(name: str, chunks: Any) -> None:
    given, named = CALLS["cv2"][name]
    compared(function_of("cv2", name), image_of("uint8", (30, 25, 3)), chunks, given, named)


@pytest.mark.parametrize("name", ["gaussian", "median", "sobel", "unsharp_mask"])
def test_volumes_are_cut_along_all_axes(name: str) -> None:
    given, named = CALLS["skimage.filters"][name]
    volume = image_of("uint8", (9, 11, 13))
    compared(function_of("skimage.filters", name), volume, (4, 5, 6), given, named)


@pytest.mark.parametrize("name", ["gaussian_filter1d", "uniform_filter1d", "maximum_filter1d"])
def test_a_single_axis_is_cut_too(name: str) -> None:
    compared(function_of("scipy.ndimage", name), image_of("float32", (90,)), 11, (3,), {})


@pytest.mark.parametrize(
    ("library", "name"),
    [("scipy.ndimage", "gaussian_filter"), ("scipy.ndimage", "maximum_filter"), ("cv2", "blur")],
)
def test_chunks_on_a_gpu_stay_there(library: str, name: str) -> None:
    function, (given, named) = function_of(library, name), CALLS[library][name]
    image = image_of("uint8", (14, 12))
    with runtime.use(ApartRuntime("fast", orders=("forward",))):
        array = da.from_array(image.view(OnDevice), (5, 12), asarray=False)
        lazy = function(array, *given, **named)
        assert type(lazy._meta) is OnDevice
        blocks = [block.compute(scheduler="synchronous") for block in lazy.to_delayed().flat]
    assert {type(block) for block in blocks} == {OnDevice}
    alike(np.concatenate(blocks), function(image, *given, **named), single=False)


def test_numbers_of_chunks_on_a_gpu_are_in_host_memory() -> None:
    image = image_of("uint8", (14, 12))
    with runtime.use(ApartRuntime("fast", orders=("forward",))):
        array = da.from_array(image.view(OnDevice), chunks=-1, asarray=False)
        lazy = gc.psnr(array, array - 1, data_range=255)
        assert type(lazy._meta) is np.ndarray
        assert lazy.compute(scheduler="synchronous") > 40


#: Functions of the library itself: what they need beside the image.
OWN: dict[str, tuple[Any, ...]] = {
    "bilateral": (5,),
    "canny": (),
    "convolve": (WHOLE,),
    "correlate": (WEIGHTS,),
    "difference_of_gaussians": (1.0,),
    "emboss": (),
    "estimate_noise": (),
    "farid": (),
    "filter_bank": ([WHOLE, WHOLE.T],),
    "gradient_magnitude": (1.0,),
    "laplace": (),
    "laplacian_of_gaussian": (1.0,),
    "maximum": (3,),
    "median": (5,),
    "minimum": (3,),
    "nl_means": (3, 2),
    "percentile": (30.0,),
    "prewitt": (),
    "psnr": (image_of("uint8") + 1,),
    "rank": (2,),
    "richardson_lucy": (PSF, 2),
    "roberts": (),
    "scharr": (),
    "sobel": (),
    "ssim": (image_of("uint8") + 1,),
    "unsharp_mask": (),
    "wiener": (PSF, 0.1),
}


@pytest.mark.parametrize("name", OWN)
def test_functions_of_the_library_take_dask_arrays_too(name: str) -> None:
    named = {"bilateral": {"sigma_color": 20.0}, "nl_means": {"h": 9.0}}.get(name, {})
    compared(getattr(gc, name), image_of("uint8"), (17, 16), OWN[name], named)


def test_all_functions_of_the_library_are_tried() -> None:
    functions = {*operations.__all__} - {"FILTERS"}
    assert functions | {"convolve", "correlate", "filter_bank"} == set(OWN)


def test_graphs_are_sent_by_the_names_of_functions() -> None:
    array = da.from_array(image_of("float32"), 15)
    made = function_of("scipy.ndimage", "gaussian_filter")(array, 2)
    sent = pickle.loads(pickle.dumps(dict(made.dask)))
    found = dask.get(sent, (made.name, 1, 1))
    assert np.array_equal(found, made.blocks[1, 1].compute(scheduler="synchronous"))


def test_a_list_of_dask_arrays_is_refused_with_what_to_do() -> None:
    with pytest.raises(gc.ArgumentTypeError, match="input is a sequence of dask arrays"):
        function_of("scipy.ndimage", "gaussian_filter")([da.zeros((4, 4))] * 2, 1)
