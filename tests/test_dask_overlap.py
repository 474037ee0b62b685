"""Functions over dask arrays by how far they read: the result is that of one call for the whole."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

import gpuconv as gc
from gpuconv.dask.overlap import over_dask
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.exchange import Reach

Array = NDArray[Any]
MODES = ("reflect", "mirror", "nearest", "wrap", "constant", "grid-wrap")


# SciPy's results do not depend on where a tile begins: what is wrong here is wrong in a halo.
def footprint_reach(arguments: Mapping[str, Any]) -> Reach:
    """Return how far a filter of SciPy's with ``size`` and ``origin`` reads."""
    ndim = arguments["input"].ndim
    sizes, origins = (np.broadcast_to(arguments[k], ndim).tolist() for k in ("size", "origin"))
    modes = np.broadcast_to(arguments["mode"], ndim).tolist()
    depth = tuple(
        (size // 2 + origin, size - 1 - size // 2 - origin)
        for size, origin in zip(sizes, origins, strict=True)
    )
    return Reach(depth, tuple("wrap" in mode for mode in modes))


def gaussian_reach(arguments: Mapping[str, Any]) -> Reach:
    ndim = arguments["input"].ndim
    sigmas = np.broadcast_to(arguments["sigma"], ndim).tolist()
    depth = tuple((int(4 * sigma + 0.5),) * 2 for sigma in sigmas)
    return Reach(depth, ("wrap" in arguments["mode"],) * ndim)


def pixels(shape: tuple[int, ...], dtype: Any = np.uint8, seed: int = 0) -> Array:
    made = np.random.default_rng(seed).random(shape) * 255
    return made.astype(dtype)


def computed(array: Any) -> Array:
    """Return the pixels of a dask array, having checked what it says of itself."""
    made: Array = array.compute(scheduler="synchronous")
    assert made.shape == array.shape
    assert made.dtype == array.dtype == array._meta.dtype
    return made


def some_chunks(draw: Any, n: int) -> tuple[int, ...]:
    """Return sizes that add up to n, which may be 0."""
    cuts = draw(st.lists(st.integers(0, n), max_size=6))
    return tuple(np.diff([0, *sorted(cuts), n]).tolist())


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_chunks_and_any_window_give_the_pixels_of_one_call(data: Any) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 14), min_size=1, max_size=3)))
    sizes = [data.draw(st.integers(1, 9)) for _ in shape]
    origins = [data.draw(st.integers(-(n // 2), (n - 1) // 2)) for n in sizes]
    modes = [data.draw(st.sampled_from(MODES)) for _ in shape]
    image = pixels(shape, data.draw(st.sampled_from(["uint8", "float32", "int16"])))
    chunks = tuple(some_chunks(data.draw, n) for n in shape)
    function = data.draw(st.sampled_from([ndimage.uniform_filter, ndimage.maximum_filter]))
    options = {"size": sizes, "origin": origins, "mode": modes, "cval": 7}
    array = da.from_array(image, chunks)
    made = over_dask(function, footprint_reach, {"input": array, **options})
    np.testing.assert_array_equal(computed(made), function(image, **options))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_passes_after_each_other_are_exact_at_edges_too(data: Any) -> None:
    shape = (data.draw(st.integers(1, 40)), data.draw(st.integers(1, 20)))
    image = pixels(shape, data.draw(st.sampled_from(["uint8", "float64"])))
    chunks = tuple(some_chunks(data.draw, n) for n in shape)
    mode = data.draw(st.sampled_from(MODES))
    sigma = (data.draw(st.sampled_from([0.4, 1, 3])), 0.7)
    arguments = {"sigma": sigma, "mode": mode}
    array = da.from_array(image, chunks)
    made = over_dask(ndimage.gaussian_filter, gaussian_reach, {"input": array, **arguments})
    np.testing.assert_array_equal(computed(made), ndimage.gaussian_filter(image, **arguments))


def twice(input: Array, mode: str) -> Array:
    """Read ahead, then back: at an edge the second pass turns around, to where the first did."""
    taps = [1, 0, 0, 0, 0, 0, 0, 0, 2]
    ahead = ndimage.correlate1d(input, taps, 0, mode=mode, origin=-4)
    return np.asarray(ndimage.correlate1d(ahead, taps, 0, mode=mode, origin=4))


@pytest.mark.parametrize("mode", ["reflect", "mirror", "nearest", "wrap"])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_what_a_second_pass_reads_beyond_an_edge_is_there(mode: str, size: int) -> None:
    image = pixels((40,), np.float64)

    def reach(arguments: Mapping[str, Any]) -> Reach:
        return Reach(((8, 8),), (mode == "wrap",))

    for pixels_of in (image, image[::-1].copy()):
        array = da.from_array(pixels_of, size)
        made = over_dask(twice, reach, {"input": array, "mode": mode})
        np.testing.assert_array_equal(computed(made), twice(pixels_of, mode))


def test_a_chunk_is_one_task_and_reads_its_neighbours_alone() -> None:
    image = da.zeros((400, 400), chunks=100, dtype=np.uint8)
    arguments = {"input": image, "size": 9, "origin": 0, "mode": "reflect"}
    made = over_dask(ndimage.uniform_filter, footprint_reach, arguments)
    assert made.chunks == image.chunks
    assert made.name.startswith("uniform_filter-")
    graph = dict(made.dask)
    work = f"work-of-{made.name}"
    counts = {
        place: len(dask.core.get_dependencies(graph, (made.name, *place)) - {work})
        for place in np.ndindex(4, 4)
    }
    assert (counts[0, 0], counts[1, 1], counts[0, 1]) == (4, 9, 6)
    sent = pickle.loads(pickle.dumps(graph))
    assert dask.get(sent, (made.name, 0, 0)).shape == (100, 100)


def test_an_axis_shorter_than_what_is_read_becomes_one_chunk() -> None:
    image = pixels((40, 6))
    arguments = {"input": da.from_array(image, (10, 2)), "size": (3, 9), "mode": "mirror"}
    made = over_dask(ndimage.uniform_filter, footprint_reach, {**arguments, "origin": 0})
    assert made.chunks == ((10,) * 4, (6,))
    want = ndimage.uniform_filter(image, (3, 9), mode="mirror")
    np.testing.assert_array_equal(computed(made), want)


def fail(block: Any) -> Any:
    raise AssertionError("computed")


def test_nothing_is_computed_before_it_is_asked_for() -> None:
    image = da.zeros((100, 100), chunks=50, dtype=np.uint8)
    image = image.map_blocks(fail, dtype=np.uint8, meta=np.zeros((0, 0), np.uint8))
    arguments = {"input": image, "size": 3, "origin": 0, "mode": "reflect", "output": "float32"}
    for reach in (footprint_reach, lambda arguments: None, None):
        made = over_dask(ndimage.uniform_filter, reach, arguments)
        assert (made.shape, made.dtype, made.chunks) == ((100, 100), np.float32, image.chunks)


def test_a_call_that_needs_all_has_all() -> None:
    image = pixels((50, 60), np.float64)
    array = da.from_array(image, 16)
    made = over_dask(ndimage.gaussian_filter, None, {"input": array, "sigma": 2})
    np.testing.assert_array_equal(computed(made), ndimage.gaussian_filter(image, 2))
    assert made.chunks == array.chunks


def test_several_results_are_several_arrays() -> None:
    image = pixels((30, 40), np.float32)
    array = da.from_array(image, 7)

    def reach(arguments: Mapping[str, Any]) -> Reach:
        return Reach(((1, 1), (1, 1)), (False, False))

    for reaching in (reach, None):
        low, high = over_dask(extremes, reaching, {"image": array})
        np.testing.assert_array_equal(computed(low), ndimage.minimum_filter(image, 3))
        np.testing.assert_array_equal(computed(high), ndimage.maximum_filter(image, 3) > 9)
        assert high.chunks == array.chunks


def extremes(image: Array) -> tuple[Array, Array]:
    return ndimage.minimum_filter(image, 3), ndimage.maximum_filter(image, 3) > 9


@pytest.mark.parametrize("size", ["same", "full", "valid"])
def test_results_of_other_sizes_are_known_before(size: Any) -> None:
    image, kernel = pixels((70, 50), np.float32), pixels((5, 34), np.float32)
    want = gc.convolve(image, kernel, size=size)
    blocks, small = da.from_array(image, 16), da.from_array(kernel, 3)
    for arguments in ((blocks, kernel), (blocks, small), (image, small)):
        made = over_dask(
            gc.convolve,
            None,
            {**dict(zip(("image", "kernel"), arguments, strict=True)), "size": size},
        )
        np.testing.assert_array_equal(computed(made), want)


def test_numbers_are_arrays_without_axes() -> None:
    image, other = pixels((70, 80)), pixels((70, 80), seed=1)
    lazy, beside = (da.from_array(each, 32) for each in (image, other))
    for reference in (other, beside):
        made = over_dask(gc.ssim, None, {"image": lazy, "reference": reference})
        assert made.shape == ()
        assert float(made) == pytest.approx(gc.ssim(image, other), rel=1e-12)


def test_functions_of_the_library_are_those_of_its_rooms_for_dask() -> None:
    image = pixels((90, 70))
    array = da.from_array(image, 32)
    made = over_dask(gc.median, None, {"image": array, "size": 5, "out": None, "mask": None})
    assert made.name == gc.dask.median(array, 5).name
    np.testing.assert_array_equal(computed(made), gc.median(image, 5))


def test_a_mask_makes_one_task_of_it() -> None:
    image = pixels((60, 70), np.float32)
    mask = image > 100
    arguments = {"image": da.from_array(image, 25), "kernel": gc.kernels.gaussian(2)}
    for given_mask in (mask, da.from_array(mask, 25)):
        made = over_dask(gc.convolve, None, {**arguments, "mask": given_mask})
        want = gc.convolve(image, gc.kernels.gaussian(2), mask=mask)
        np.testing.assert_array_equal(computed(made), want)


def test_arrays_without_elements_have_results_without() -> None:
    array = da.zeros((0, 7), chunks=3)
    made = over_dask(ndimage.uniform_filter, footprint_reach, {"input": array, "size": 3})
    assert computed(made).shape == (0, 7)


@pytest.mark.parametrize("room", [np.zeros((4, 4)), da.zeros((4, 4))])
@pytest.mark.parametrize("name", ["output", "out", "dst"])
def test_a_room_for_the_result_is_refused(room: Any, name: str) -> None:
    with pytest.raises(ArgumentTypeError, match=rf"{name} is of type .* leave {name} away"):
        over_dask(ndimage.gaussian_filter, None, {"input": da.zeros((4, 4)), name: room})


def test_unknown_chunks_and_masked_ones_are_refused_by_name() -> None:
    array = da.zeros((9, 9), chunks=3)
    with pytest.raises(ArgumentError, match="input has shape"):
        over_dask(ndimage.gaussian_filter, None, {"input": array[array[:, 0] == 0], "sigma": 1})
    with pytest.raises(ArgumentTypeError, match="masks would be lost"):
        over_dask(
            ndimage.gaussian_filter, None, {"input": da.ma.masked_equal(array, 0), "sigma": 1}
        )


def test_what_is_wrong_with_arguments_is_told_at_once_and_in_the_words_of_the_function() -> None:
    array = da.zeros((9, 9), chunks=3)
    arguments = {"input": array, "size": (3, 3, 3), "origin": 0, "mode": "reflect"}
    with pytest.raises(RuntimeError, match="sequence argument must have length"):
        over_dask(ndimage.uniform_filter, footprint_reach, arguments)


def test_what_is_no_array_of_numbers_cannot_be_lazy() -> None:
    with pytest.raises(ArgumentError, match="returns str"):
        over_dask(named, None, {"image": da.zeros((4, 4))})


def named(image: Array) -> str:
    return "an image"


def promised(image: Array) -> Array:
    return image[: len(image) // 2]


def test_a_shape_that_was_not_foreseen_is_told_when_it_is_made() -> None:
    made = over_dask(promised, None, {"image": da.zeros((100, 4))})
    with pytest.raises(ArgumentError, match="call it for an array of NumPy"):
        made.compute()


def stretched(image: Array) -> Array:
    return image if image.min() == image.max() else image / image.max()


def test_the_dtype_is_that_of_images_that_are_not_flat() -> None:
    for flat in (da.ones((40, 40), dtype=np.uint8), da.from_array(pixels((40, 40)))):
        made = over_dask(stretched, None, {"image": flat})
        assert computed(made).dtype == np.float64


def test_warnings_are_given_by_tasks_and_not_by_the_trial() -> None:
    array = da.from_array(np.full((4, 4), 2.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = over_dask(outspoken, None, {"image": array})
    with pytest.warns(UserWarning, match="so it is"):
        made.compute(scheduler="synchronous")


def outspoken(image: Array) -> Array:
    warnings.warn("so it is", stacklevel=1)
    return image
