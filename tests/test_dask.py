"""Filters over dask arrays: the pixels of one call for the whole image, to the bit."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
from cuda_on_cpu import CpuRuntime
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import gpuconv as gc
import gpuconv.dask
from gpuconv.backends.cuda import runtime
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.filters import Chain

BORDERS = ("reflect", "mirror", "nearest", "wrap", "constant", ("wrap", "zero"))
SOBEL = (gc.kernels.sobel_x(), gc.kernels.sobel_y())
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])

#: Name → arguments.
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("bilateral", {"diameter": 5, "sigma_color": 30.0}),
    ("convolve", {"kernel": gc.kernels.gaussian(1.5)}),
    ("convolve", {"kernel": gc.kernels.gaussian(6.0), "method": "fft"}),
    ("convolve", {"kernel": gc.kernels.gaussian(3.0), "accuracy": "fast", "method": "recursive"}),
    ("convolve", {"kernel": gc.kernels.box(7)}),
    ("convolve", {"kernel": [[1, 2, 3], [0, 0, 9]], "dilation": (2, 3), "dtype": "float64"}),
    ("convolve", {"kernel": [[0, 0, 0, 0, 1]], "epilogue": gc.Epilogue(scale=0.5, offset=3)}),
    ("convolve", {"kernel": gc.kernels.gabor(0.2, part="complex")}),
    ("correlate", {"kernel": [[1, -2, 3], [4, 5, -6]], "dtype": "int32"}),
    ("difference_of_gaussians", {"low_sigma": 1.0}),
    ("emboss", {"angle": 30.0}),
    ("farid", {}),
    ("filter_bank", {"kernels": SOBEL, "reduce": "direction"}),
    ("filter_bank", {"kernels": [gc.kernels.gaussian(s) for s in (1, 2)], "flip": False}),
    ("gradient_magnitude", {"sigma": 2.0}),
    ("laplace", {"neighbours": 8}),
    ("laplacian_of_gaussian", {"sigma": 1.0}),
    ("maximum", {"size": 6}),
    ("median", {"size": 3}),
    ("median", {"footprint": CROSS}),
    ("minimum", {"size": (3, 4)}),
    ("nl_means", {"h": 9.0, "patch_size": 3, "search_distance": 2}),
    ("percentile", {"percentile": 30.0, "size": 5}),
    ("prewitt", {}),
    ("rank", {"rank": 2, "size": 3}),
    ("roberts", {"output": "components"}),
    ("scharr", {"output": "direction"}),
    ("sobel", {"scale": 0.25}),
    ("unsharp_mask", {"sigma": 2.0}),
    ("unsharp_mask", {"sigma": 1.0, "threshold": 4.0}),
)


def pixels(shape: tuple[int, ...], dtype: Any = np.uint8, seed: int = 0) -> NDArray[Any]:
    made = np.random.default_rng(seed).random(shape) * 255
    return made.astype(dtype)


def computed(array: Any) -> NDArray[Any]:
    """Return the pixels of a dask array, having checked what it says of itself."""
    made: NDArray[Any] = array.compute(scheduler="synchronous")
    assert made.shape == array.shape
    assert made.dtype == array.dtype == array._meta.dtype
    assert type(made) is type(array._meta)
    return made


def some_chunks(draw: Callable[..., Any], n: int) -> tuple[int, ...]:
    """Return sizes that add up to n: equal ones, or any."""
    if draw(st.booleans()):
        size = draw(st.integers(max(1, n // 3), n))
        return da.core.normalize_chunks(size, (n,))[0]  # type: ignore[no-any-return]
    cuts = draw(st.sets(st.integers(1, n), max_size=2)) | {n}
    return tuple(np.diff([0, *sorted(cuts)]).tolist())


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_chunks_give_the_bits_of_one_call(data: Any) -> None:
    name, arguments = data.draw(st.sampled_from(CALLS))
    lead = data.draw(st.sampled_from([(), (3,), (2, 3)]))
    size = data.draw(st.tuples(st.integers(1, 50), st.integers(1, 70)))
    channel = data.draw(st.sampled_from([None, 0, -1, -3]))
    shape = [*lead, *size]
    if channel is not None:
        shape.insert(channel % (len(shape) + 1), 3)
    dtype = data.draw(st.sampled_from(["uint8", "uint16", "float32", "float64"]))
    image = pixels(tuple(shape), dtype, data.draw(st.integers(0, 9)))
    options: Any = {"border": data.draw(st.sampled_from(BORDERS)), "channel_axis": channel}
    chunks = tuple(some_chunks(data.draw, n) for n in image.shape)
    lazily = getattr(gpuconv.dask, name)(da.from_array(image, chunks), **arguments, **options)
    whole = getattr(gc, name)(image, **arguments, **options)
    np.testing.assert_array_equal(computed(lazily), whole)


@pytest.mark.parametrize("size", ["same", "valid", "full"])
@pytest.mark.parametrize("stride", [1, 3])
def test_results_of_another_size_have_chunks_over_those_of_the_image(
    size: Any, stride: int
) -> None:
    image = pixels((200, 330), np.float32)
    options: Any = {"size": size, "stride": stride, "border": "mirror"}
    kernel = gc.kernels.gaussian(2)
    made = gpuconv.dask.convolve(da.from_array(image, (64, 100)), kernel, **options)
    np.testing.assert_array_equal(computed(made), gc.convolve(image, kernel, **options))
    # The last rows of the image are too few for a result where all taps must lie in it.
    assert made.numblocks == (3 if size == "valid" else 4, 4)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_chains_are_applied_picture_by_picture(data: Any) -> None:
    filters = data.draw(
        st.sampled_from(
            [
                ["gaussian:sigma=2"],
                ["median:size=5", "sobel"],
                ["gaussian:sigma=1", "box:size=9", "unsharp_mask:sigma=1,amount=0.5"],
                ["bilateral:diameter=5,sigma_color=20", "sharpen"],
            ]
        )
    )
    border = data.draw(st.sampled_from([None, *BORDERS]))
    colour = data.draw(st.booleans())
    shape = (2, data.draw(st.integers(1, 60)), data.draw(st.integers(1, 60)), *[3] * colour)
    image = pixels(shape)
    chunks = tuple(some_chunks(data.draw, n) for n in shape)
    made = gpuconv.dask.apply(
        filters, da.from_array(image, chunks), border=border, channel_axis=-1 if colour else None
    )
    chain = Chain.parse(filters, border=border)
    np.testing.assert_array_equal(computed(made), np.stack([chain(each) for each in image]))


def test_large_chunks_off_the_grain_have_the_bits_too() -> None:
    image = pixels((700, 2500), np.float32)
    array = da.from_array(image, ((100, 333, 267), (1100, 1400)))
    for name, arguments in CALLS[1:5]:
        made = computed(getattr(gpuconv.dask, name)(array, **arguments, border="wrap"))
        whole = getattr(gc, name)(image, **arguments, border="wrap")
        np.testing.assert_array_equal(made, whole)


def test_truth_and_complex_numbers_are_filtered_too() -> None:
    mask = pixels((50, 60)) > 128
    chunked = da.from_array(mask, 20)
    np.testing.assert_array_equal(computed(gpuconv.dask.median(chunked)), gc.median(mask))
    wave = pixels((50, 60), np.complex64) * (1 + 2j)
    kernel = gc.kernels.gabor(0.2, part="complex")
    made = gpuconv.dask.convolve(da.from_array(wave, 20), kernel)
    np.testing.assert_array_equal(computed(made), gc.convolve(wave, kernel))


def test_holes_are_left_out_in_every_chunk() -> None:
    image = pixels((130, 90), np.float32)
    image[image < 40] = np.nan
    kernel = gc.kernels.gaussian(2)
    made = gpuconv.dask.convolve(da.from_array(image, 50), kernel, nan="ignore")
    np.testing.assert_array_equal(computed(made), gc.convolve(image, kernel, nan="ignore"))


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 4, 5)])
def test_images_without_pixels_have_results_without(shape: tuple[int, ...]) -> None:
    image = np.zeros(shape, np.uint8)
    made = gpuconv.dask.sobel(da.from_array(image), output="components")
    np.testing.assert_array_equal(computed(made), gc.sobel(image, output="components"))
    assert gpuconv.dask.apply("median", da.from_array(image)).shape == shape


def test_chunks_may_be_empty() -> None:
    image = pixels((3, 20, 30))
    chunked = da.from_array(image, ((0, 2, 1), (20,), (0, 13, 0, 17)))
    made = gpuconv.dask.median(chunked, 3)
    np.testing.assert_array_equal(computed(made), gc.median(image, 3))
    chain = Chain.parse(["median:size=3", "sobel"])
    made = gpuconv.dask.apply(chain, chunked)
    np.testing.assert_array_equal(computed(made), np.stack([chain(each) for each in image]))


def test_a_chunk_is_one_task_and_takes_only_what_it_reads() -> None:
    image = da.zeros((4000, 4000), chunks=1024, dtype=np.uint8)
    made = gpuconv.dask.convolve(image, gc.kernels.gaussian(5))
    layer = made.dask.layers[made.name]
    # And what all of them do, which is sent once, however large the kernel is.
    assert len(layer) == 16 + 1
    assert len(pickle.dumps(layer[made.name, 1, 1])) < 2000
    graph = dict(made.dask)
    read = {
        place: dask.core.get_dependencies(graph, (made.name, *place)) - {f"work-of-{made.name}"}
        for place in np.ndindex(4, 4)
    }
    counts = {place: len(chunks) for place, chunks in read.items()}
    # The grain is 128 × 1024.
    assert (counts[0, 0], counts[1, 1], counts[0, 1]) == (4, 9, 6)


def test_nothing_is_computed_before_it_is_asked_for() -> None:
    def fail(block: Any) -> Any:
        raise AssertionError("computed")

    image = da.zeros((100, 100), chunks=50, dtype=np.uint8).map_blocks(
        fail, dtype=np.uint8, meta=np.zeros((0, 0), np.uint8)
    )
    made = gpuconv.dask.apply(["median", "sobel"], gpuconv.dask.gradient_magnitude(image, 2))
    assert made.shape == (100, 100)


def test_numpy_chunks_are_taken_to_the_gpu_and_back() -> None:
    image = pixels((2, 20, 24), np.float32)
    kernel = gc.kernels.gaussian(1)
    with runtime.use(CpuRuntime("fast", orders=("forward",))):
        made = gpuconv.dask.convolve(da.from_array(image, (1, 7, 24)), kernel, device="cuda")
        whole = gc.convolve(image, kernel, device="cuda")
        np.testing.assert_array_equal(computed(made), whole)


def test_names_tell_what_is_computed() -> None:
    image = da.zeros((100, 100), chunks=50, dtype=np.uint8)
    first, again = (gpuconv.dask.median(image, 3) for _ in range(2))
    assert first.name == again.name
    assert first.name.startswith("median-")
    others = (
        gpuconv.dask.median(image, 5),
        gpuconv.dask.median(image, 3, border="wrap"),
        gpuconv.dask.minimum(image, 3),
        gpuconv.dask.median(image.rechunk(30), 3),
    )
    assert len({first.name, *(other.name for other in others)}) == 5
    blur = [gpuconv.dask.convolve(image, gc.kernels.gaussian(s)).name for s in (1, 1, 2)]
    assert blur[0] == blur[1] != blur[2]
    assert len({gpuconv.dask.apply(f, image).name for f in ("median", "median", "sobel")}) == 2


def test_workers_with_other_processors_make_the_same_plan() -> None:
    image = pixels((90, 100), np.float32)
    made = gpuconv.dask.convolve(da.from_array(image, 40), gc.kernels.gaussian(3))
    sent = pickle.loads(pickle.dumps(dict(made.dask)))
    found = dask.get(sent, [(made.name, *place) for place in np.ndindex(3, 3)])
    np.testing.assert_array_equal(
        np.block([list(found[i : i + 3]) for i in (0, 3, 6)]),
        gc.convolve(image, gc.kernels.gaussian(3)),
    )


def test_what_cannot_be_done_is_said_at_once() -> None:
    image = da.zeros((100, 100), chunks=50, dtype=np.uint8)
    with pytest.raises(ArgumentTypeError, match="ndarray; gpuconv"):
        gpuconv.dask.median(np.zeros((5, 5)))
    with pytest.raises(ArgumentError, match=r"unknown sizes: call its compute_chunk_sizes"):
        gpuconv.dask.median(image[image[:, 0] > 0])
    with pytest.raises(ArgumentTypeError, match=r"masked arrays.*nan='ignore'"):
        gpuconv.dask.median(da.ma.masked_greater(image, 3))
    with pytest.raises(ArgumentError, match="size=0"):
        gpuconv.dask.median(image, 0)
    with pytest.raises(ArgumentError, match="dimension"):
        gpuconv.dask.median(image[0])
    with pytest.raises(ArgumentError, match="device='auto' is for single calls"):
        gpuconv.dask.median(image, device="auto")
    with pytest.raises(ArgumentError, match="given h"):
        gpuconv.dask.nl_means(image)
    with pytest.raises(ArgumentError, match="needs the whole image"):
        gpuconv.dask.apply("canny", image)
    with pytest.raises(TypeError, match="out"):
        gpuconv.dask.median(image, out=np.zeros((100, 100), np.uint8))


def test_functions_say_what_they_take() -> None:
    import inspect

    signature = inspect.signature(gpuconv.dask.convolve)
    assert list(signature.parameters)[:4] == ["image", "kernel", "border", "cval"]
    assert {"out", "mask"}.isdisjoint(signature.parameters)
    for name in {*gpuconv.dask.__all__} - {"register", "unregister"}:
        doc = getattr(gpuconv.dask, name).__doc__
        assert "Parameters\n" in doc
        assert "\nout :" not in doc
        assert "mask :" not in doc


def test_without_dask_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask.array", None)
    with pytest.raises(gc.MissingExtraError, match=r"pip install 'gpuconv\[dask\]'"):
        gpuconv.dask.median(np.zeros((5, 5)))
