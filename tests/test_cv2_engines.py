"""The stand-ins for OpenCV's functions: on each engine the same, and in parts as in the whole."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu.apart import ApartRuntime, OnDevice

from gpuconv import cv2
from gpuconv.backends.cuda import runtime
from gpuconv.cv2 import reach

Given = tuple[str, tuple[Any, ...], dict[str, Any]]

RNG = np.random.default_rng(5)
LINE = np.array([0.25, 0.5, 0.25])

#: A call of each function and of each of its ways to compute.
CALLS: list[Given] = [
    ("GaussianBlur", ((5, 3), 0), {}),
    ("GaussianBlur", ((0, 0), 1.2), {"borderType": cv2.BORDER_WRAP}),
    ("blur", ((3, 4),), {}),
    ("blur", ((4, 2),), {"anchor": (0, 1)}),
    ("blur", ((17, 16),), {"borderType": cv2.BORDER_REPLICATE}),
    ("boxFilter", (cv2.CV_16S, (3, 2)), {"normalize": False}),
    ("boxFilter", (cv2.CV_32S, (3, 2)), {}),
    ("boxFilter", (cv2.CV_32F, (3, 2)), {"borderType": cv2.BORDER_CONSTANT}),
    ("sqrBoxFilter", (-1, (3, 3)), {}),
    ("filter2D", (-1, RNG.integers(-3, 4, (3, 4))), {"anchor": (3, 0), "delta": 5.0}),
    ("filter2D", (cv2.CV_32F, RNG.normal(size=(3, 3))), {}),
    ("sepFilter2D", (cv2.CV_16S, np.array([1, 2, 1]), np.array([-1, 0, 1, 2])), {}),
    ("Sobel", (cv2.CV_16S, 1, 0), {}),
    ("Sobel", (-1, 1, 1), {"ksize": 5, "scale": 0.5, "delta": 100}),
    ("Scharr", (cv2.CV_32F, 0, 1), {}),
    ("Laplacian", (cv2.CV_16S,), {}),
    ("Laplacian", (cv2.CV_16S,), {"ksize": 5}),
    ("medianBlur", (3,), {}),
    ("bilateralFilter", (5, 20.0, 2.0), {}),
]
NAMES = [f"{name}-{number}" for number, (name, _, _) in enumerate(CALLS)]
calls = pytest.mark.parametrize("given", CALLS, ids=NAMES)


@pytest.fixture
def device() -> Iterator[ApartRuntime]:
    """A GPU with a memory of its own, which is the checker on the CPU."""
    if reason := cuda_on_cpu.missing():
        pytest.skip(reason)
    gpu = ApartRuntime()
    with runtime.use(gpu):
        yield gpu


def picture(*shape: int, dtype: Any = np.uint8) -> Any:
    return np.random.default_rng(1).integers(0, 256, shape).astype(dtype)


def alike(made: Any, wanted: Any) -> bool:
    if made.dtype.kind in "iu":
        return np.array_equal(made, wanted)
    return np.allclose(made, wanted, rtol=1e-6, atol=1e-4)


@calls
def test_an_array_on_a_gpu_gives_the_results_of_one_in_host_memory(
    given: Given, device: ApartRuntime
) -> None:
    name, rest, named = given
    image = picture(9, 11)
    made = getattr(cv2, name)(device.asarray(image), *rest, **named)
    wanted = getattr(cv2, name)(image, *rest, **named)
    assert isinstance(made, OnDevice)
    assert made.dtype == wanted.dtype
    assert alike(device.asnumpy(made), wanted)


@pytest.mark.parametrize(
    ("name", "rest", "dtype"),
    [
        ("GaussianBlur", ((3, 3), 0), np.uint8),
        ("GaussianBlur", ((5, 5), 1.1), np.uint16),
        ("medianBlur", (3,), np.int16),
        ("bilateralFilter", (3, 20.0, 2.0), np.float32),
        ("copyMakeBorder", (1, 2, 3, 1, cv2.BORDER_CONSTANT, None, (1, 2, 3)), np.uint8),
        ("copyMakeBorder", (1, 2, 9, 1, cv2.BORDER_WRAP), np.float64),
    ],
)
def test_colour_stays_where_it_is(
    name: str, rest: tuple[Any, ...], dtype: Any, device: ApartRuntime
) -> None:
    image = picture(6, 7, 3, dtype=dtype)
    made = getattr(cv2, name)(device.asarray(image), *rest)
    assert isinstance(made, OnDevice)
    assert alike(device.asnumpy(made), getattr(cv2, name)(image, *rest))


def test_results_on_a_gpu_are_written_there(device: ApartRuntime) -> None:
    image = device.asarray(picture(6, 7))
    room = device.empty((6, 7), np.uint8)
    assert cv2.GaussianBlur(image, (3, 3), 0, room) is room
    assert np.array_equal(room, cv2.GaussianBlur(device.asnumpy(image), (3, 3), 0))
    elsewhere = np.zeros((6, 7), np.uint8)
    with pytest.raises(cv2.error, match="lies where src does"):
        cv2.GaussianBlur(image, (3, 3), 0, elsewhere)


# In parts

REACHES = {
    "GaussianBlur": reach.of_gaussian,
    "Laplacian": reach.of_laplacian,
    "Scharr": reach.of_derivative,
    "Sobel": reach.of_derivative,
    "bilateralFilter": reach.of_bilateral,
    "blur": reach.of_box,
    "boxFilter": reach.of_box,
    "filter2D": reach.of_kernel,
    "medianBlur": reach.of_median,
    "sepFilter2D": reach.of_lines,
    "sqrBoxFilter": reach.of_box,
}


def found_reach(given: Given, image: Any) -> Any:
    name, rest, named = given
    bound = inspect.signature(getattr(cv2, name)).bind(image, *rest, **named)
    bound.apply_defaults()
    return REACHES[name](bound.arguments)


@calls
@pytest.mark.parametrize("colour", [(), (3,)])
def test_a_part_with_what_it_reads_around_it_gives_that_part(
    given: Given, colour: tuple[int, ...]
) -> None:
    name, rest, named = given
    image = picture(40, 41, *colour)
    told = found_reach(given, image)
    assert told is not None
    assert len(told.depth) == len(told.wraps) == image.ndim
    whole = getattr(cv2, name)(image, *rest, **named)
    (above, below), (left, right) = told.depth[:2]
    part = image[19 - above : 22 + below, 20 - left : 21 + right]
    made = getattr(cv2, name)(part, *rest, **named)
    assert alike(made[above : above + 3, left : left + 1], whole[19:22, 20:21])


def test_channels_that_count_together_are_not_cut() -> None:
    given = CALLS[-1]
    assert found_reach(given, picture(9, 9, 3)).whole == (2,)
    assert found_reach(given, picture(9, 9)).whole == ()


def test_what_changes_its_shape_is_filtered_as_a_whole() -> None:
    assert found_reach(CALLS[0], picture(9, 9, 1)) is None
    assert found_reach(CALLS[0], picture(9)) is None


def test_borders_that_wrap_are_told() -> None:
    assert found_reach(CALLS[1], picture(9, 9, 3)).wraps == (True, True, False)


@pytest.mark.parametrize("chunks", [(7, 9), (3, 30)])
def test_chunks_of_dask_give_the_result_of_the_whole(chunks: tuple[int, int]) -> None:
    arrays = pytest.importorskip("dask.array")
    image = picture(20, 30)
    lazy = arrays.from_array(image, chunks=chunks)
    for name, rest, named in (CALLS[0], CALLS[1], CALLS[9], CALLS[12], CALLS[17]):
        made = getattr(cv2, name)(lazy, *rest, **named)
        assert isinstance(made, arrays.Array)
        assert np.array_equal(made.compute(), getattr(cv2, name)(image, *rest, **named)), name
    for made, wanted in zip(cv2.spatialGradient(lazy), cv2.spatialGradient(image), strict=True):
        assert np.array_equal(made.compute(), wanted)
