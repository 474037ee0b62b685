"""Rank filters: equal to SciPy's and OpenCV's, by every algorithm, for all that an image may be."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
import scipy.ndimage as nd
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv import cost
from gpuconv.neighbourhood import Rank, Request, make_plan
from gpuconv.neighbourhood.algorithms.rank_host import steps_of
from gpuconv.reference import rank as defined

Array = NDArray[Any]

METHODS = ("network", "histogram", "sort")
DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int64", "float16", "float32", "float64")
BORDERS = ("reflect", "mirror", "nearest", "wrap", "constant")
DISK = np.hypot(*np.mgrid[-3:4, -3:4]) <= 3.2


def pixels(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Array:
    """Return pixels of the whole range of a dtype, many of them equal."""
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return (rng.integers(-300, 300, shape) / 8).astype(dtype)
    limits = np.iinfo(dtype)
    low, high = max(limits.min, -(2**52)), min(limits.max, 2**52)  # SciPy takes them as float64
    wide = rng.integers(low, high, shape, dtype, endpoint=True)
    return np.where(rng.random(shape) < 0.5, wide, np.array(rng.integers(0, 9, shape), dtype))


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_median_is_scipys(dtype: str, border: str) -> None:
    image = pixels((23, 31), dtype)
    exact = image.astype("float64") if dtype == "float16" else image
    for size in (3, 4, (5, 2), 9):
        expected = nd.median_filter(exact, size, mode=border, cval=7)
        found = gc.median(image, size, border=border, cval=7)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == image.dtype


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (4, 6), (1, 9), (11, 5), (17, 19)], ids=str)
def test_every_algorithm_gives_every_rank(method: str, dtype: str, size: tuple[int, int]) -> None:
    image, count = pixels((40, 45), dtype), size[0] * size[1]
    exact = image.astype("float64") if dtype == "float16" else image
    for wanted in {0, count // 3, count // 2, count - 1}:
        expected = nd.rank_filter(exact, wanted, size, mode="mirror")
        found = gc.rank(image, wanted, size, border="mirror", method=method)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("method", ["extreme", "network", "sort"])
@pytest.mark.parametrize("anchor", [None, (0, 0), (6, 1), (2, 5)], ids=str)
def test_footprints_of_any_shape_with_any_anchor(method: str, anchor: Any) -> None:
    image, rng = pixels((30, 40), "uint8"), np.random.default_rng(5)
    ragged = rng.random((7, 6)) < 0.4
    origin = (0, 0) if anchor is None else (anchor[0] - 3, anchor[1] - 3)
    for footprint in (DISK[:, :6], ragged, np.eye(7, 6)):
        kept = footprint.astype(bool)
        ranks = (0, -1) if method == "extreme" else (0, 3, int(kept.sum()) // 2)
        for wanted in ranks:
            expected = nd.rank_filter(image, wanted, footprint=kept, origin=origin, mode="wrap")
            found = gc.rank(
                image, wanted, footprint=footprint, anchor=anchor, border="wrap", method=method
            )
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("size", [1, 2, 3, 7, (4, 30), 33], ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_minimum_and_maximum_are_scipys(size: Any, dtype: str) -> None:
    image = pixels((25, 50), dtype)
    for border in BORDERS:
        lowest = nd.minimum_filter(image, size, mode=border, cval=3)
        largest = nd.maximum_filter(image, size, mode=border, cval=3)
        np.testing.assert_array_equal(gc.minimum(image, size, border=border, cval=3), lowest)
        np.testing.assert_array_equal(gc.maximum(image, size, border=border, cval=3), largest)


@pytest.mark.parametrize("share", [0, 7, 25, 50, 99.9, 100, -1, -30, 33.3])
def test_percentiles_are_scipys(share: float) -> None:
    image = pixels((20, 30), "uint16")
    for size in (3, (4, 5)):
        expected = nd.percentile_filter(image, share, size)
        np.testing.assert_array_equal(gc.percentile(image, share, size), expected)


@pytest.mark.parametrize("size", [3, 5, 7, 13, 31])
def test_the_median_of_bytes_is_opencvs(size: int) -> None:
    image = pixels((50, 60), "uint8")
    found = gc.median(image, size, border="nearest")
    np.testing.assert_array_equal(found, cv2.medianBlur(image, size))


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
@pytest.mark.parametrize("size", [3, 5])
def test_the_median_of_wider_pixels_is_opencvs(dtype: str, size: int) -> None:
    image = pixels((30, 41), dtype)
    found = gc.median(image, size, border="nearest")
    np.testing.assert_array_equal(found, cv2.medianBlur(image, size))


@pytest.mark.parametrize("method", METHODS)
def test_windows_may_be_larger_than_the_image(method: str) -> None:
    for shape in ((1, 1), (2, 5), (9, 1)):
        image = pixels(shape, "float32")
        for border in BORDERS:
            expected = defined(image, np.ones((12, 13)), 50, border=border, cval=2)
            found = gc.rank(image, 50, (12, 13), border=border, cval=2, method=method)
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("method", ["extreme", *METHODS])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_windows_with_a_nan_and_no_others_give_nan(method: str, dtype: str) -> None:
    image = pixels((40, 50), dtype)
    image[[3, 20, 20, 39], [4, 30, 31, 0]] = np.nan
    image[[10, 11], [10, 40]] = np.inf, -np.inf
    image.view(f"i{image.itemsize}")[30, 8] = -1  # a NaN whose sign is set
    for wanted in (0,) if method == "extreme" else (0, 17, 34):
        expected = defined(image, np.ones((5, 7)), wanted)
        np.testing.assert_array_equal(gc.rank(image, wanted, (5, 7), method=method), expected)
    assert 0 < np.isnan(expected).sum() < expected.size / 4


@pytest.mark.parametrize("method", ["extreme", "network", "sort"])
def test_nan_beside_a_footprint_counts_for_nothing(method: str) -> None:
    image = pixels((20, 20), "float32")
    image[8, 9] = np.nan
    found = gc.rank(image, -1, footprint=DISK, method=method)
    np.testing.assert_array_equal(found, defined(image, DISK, -1))


def test_a_border_of_nan_reaches_only_its_windows() -> None:
    found = gc.median(pixels((9, 9), "float64"), 3, border="constant", cval=np.nan)
    assert np.isnan(found).sum() == 9 * 9 - 7 * 7


@pytest.mark.parametrize("method", METHODS)
def test_large_integers_are_exact(method: str) -> None:
    image = 2**62 + np.random.default_rng(1).integers(0, 99, (20, 30))
    expected = defined(image, np.ones((3, 3)), 4)
    np.testing.assert_array_equal(gc.median(image, method=method), expected)


@pytest.mark.parametrize("method", ["network", "histogram"])
def test_tiles_meet_without_a_seam(method: str) -> None:
    image = pixels((300, 1100), "uint16")
    expected = nd.median_filter(image, 5)
    np.testing.assert_array_equal(gc.median(image, 5, method=method), expected)


def test_a_batch_and_colours_are_filtered_one_by_one() -> None:
    image = pixels((2, 3, 20, 25, 3), "uint8")
    expected = nd.median_filter(image, (1, 1, 3, 5, 1))
    np.testing.assert_array_equal(gc.median(image, (3, 5), channel_axis=-1), expected)


@pytest.mark.parametrize("method", ["extreme", *METHODS])
def test_nothing_is_left_of_the_last_image(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Rank.minimum((3, 5))
    images = [pixels((150, 600), "float32", seed) for seed in range(3)]
    images[0][70, 80] = np.nan
    for threads in ("1", "3", "1"):
        monkeypatch.setenv("GPUCONV_NUM_THREADS", threads)
        plan = gc.plan((150, 600), "float32", wanted, method=method)
        for image in images:
            np.testing.assert_array_equal(plan(image), defined(image, wanted.footprint, 0))


def test_the_image_may_be_the_output() -> None:
    image = pixels((33, 47), "float32")
    expected = nd.median_filter(image, 7)
    assert gc.median(image, 7, out=image) is image
    np.testing.assert_array_equal(image, expected)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_footprint_strides_dtype_and_border(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(DTYPES))
    shape = data.draw(st.tuples(st.integers(1, 14), st.integers(1, 14)))
    seed = data.draw(st.integers(0, 99))
    image = pixels((shape[0] * 2, shape[1] * 3), dtype, seed)[::2, ::-3]
    if data.draw(st.booleans()):
        image = np.asfortranarray(image)
    if data.draw(st.booleans()):
        image = image.astype(image.dtype.newbyteorder(">"))
    rows, columns = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    footprint = np.random.default_rng(seed).random((rows, columns)) < data.draw(
        st.sampled_from([0.3, 0.7, 1.1])
    )
    footprint[rows // 2, columns // 2] = True
    wanted = data.draw(st.integers(0, int(footprint.sum()) - 1))
    anchor = data.draw(st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1)))
    border = data.draw(st.tuples(*[st.sampled_from(BORDERS)] * 2))
    whole = footprint.all()
    method = data.draw(st.sampled_from(["auto", *(METHODS if whole else ("network", "sort"))]))
    expected = defined(image, footprint, wanted, anchor=anchor, border=border, cval=5)
    found = gc.rank(
        image, wanted, footprint=footprint, anchor=anchor, border=border, cval=5, method=method
    )
    np.testing.assert_array_equal(found, expected)


# ------------------------------------------------------------------------ plans


def planned(size: int, dtype: str, threads: int = 2, method: str = "auto", side: int = 2048) -> Any:
    kind = np.dtype(dtype)
    request = Request(
        Rank.median(size), (), None, side, side, ("reflect",) * 2, 0, kind, kind, kind, method
    )
    return make_plan(request, cost.Machine("host", "", threads, False, cost.cpu(1).rates))


def test_small_windows_take_a_network_and_large_ones_are_counted() -> None:
    for dtype in ("uint8", "uint16", "float32"):
        chosen = [planned(size, dtype).algorithm for size in (3, 5, 7, 9, 11, 31, 63)]
        assert chosen == ["network"] * 5 + ["histogram"] * 2


def test_small_images_do_not_wait_for_a_large_network() -> None:
    assert planned(9, "uint8", side=64).algorithm != "network"
    assert planned(9, "uint8", side=64, method="network").algorithm == "network"
    assert planned(7, "uint8", side=64).algorithm == "network"


def test_extremes_are_found_as_such() -> None:
    for wanted in (gc.Rank.minimum(3), gc.Rank.maximum(31), gc.Rank.maximum(footprint=DISK)):
        assert gc.plan((500, 500), "float32", wanted).algorithm == "extreme"


def test_time_grows_with_the_window_without_a_cliff() -> None:
    for dtype in ("uint8", "float32"):
        alone = {size: planned(size, dtype, threads=1) for size in range(3, 130, 4)}
        seconds = {size: plan.prediction.seconds for size, plan in alone.items()}
        assert all(seconds[b] / seconds[a] < 1.4 * (b / a) ** 2.5 for a, b in pairwise(seconds))
        # Counted, four times the side takes little more than twice as long.
        assert seconds[127] < 3 * seconds[31]


def test_threads_share_what_has_few_and_long_steps() -> None:
    assert not any(planned(size, "uint8").shared for size in (7, 11))
    assert [planned(size, "float32").shared for size in (3, 5, 7, 11)] == [True, True, False, False]
    assert planned(31, "uint8").shared
    assert [
        gc.plan((2048, 2048), dtype, gc.Rank.maximum(3)).shared for dtype in ("uint8", "float32")
    ] == [False, True]


def test_many_cores_do_not_make_short_steps_ever_faster() -> None:
    few, many = (planned(3, "uint8", threads=threads).prediction.seconds for threads in (8, 64))
    assert many > few


def test_threads_share_networks_only_where_that_saves_a_fifth() -> None:
    found = set()
    for side in range(600, 3001, 200):
        together, alone = (planned(3, "float32", threads=n, side=side) for n in (2, 1))
        ratio = together.prediction.seconds / alone.prediction.seconds
        assert ratio <= 0.8 if together.shared else ratio == 1
        found.add(together.shared)
    assert found == {False, True}


def test_scratch_is_bounded_whatever_the_image() -> None:
    for size in (3, 11, 31, 63):
        plan = planned(size, "float64", threads=4, side=2**14)
        scratch = plan.prediction.peak - plan.bytes_moved
        assert scratch < 4 * 40 * 2**20


def test_windows_far_larger_than_the_image_do_not_fill_the_memory() -> None:
    plan = gc.plan((1, 4096), "float32", Rank.median(2000), method="histogram")
    assert plan.prediction.peak < 2 * 2**30
    columns = Rank.minimum(2000).columns
    assert all(column is columns[0] for column in columns)


@pytest.mark.parametrize(
    ("method", "wanted", "reason"),
    [
        ("extreme", Rank.median(3), "neither the least nor the largest"),
        ("network", Rank.median(31), "a footprint of 961 pixels"),
        ("histogram", Rank.median(footprint=DISK), "no rectangle"),
    ],
)
def test_an_algorithm_says_why_it_cannot(method: str, wanted: Rank, reason: str) -> None:
    with pytest.raises(gc.ArgumentError, match=reason):
        gc.plan((50, 50), "uint8", wanted, method=method)
    told = gc.plan((50, 50), "uint8", wanted).explain()
    assert reason in told


def test_an_empty_image_has_a_plan() -> None:
    for shape in ((0, 5), (3, 0), (0, 4, 4)):
        assert gc.median(np.empty(shape, "uint8"), 5).shape == shape


def test_steps_are_those_of_the_algorithm() -> None:
    assert steps_of(Rank.minimum(9), "extreme").operations == 8
    assert steps_of(Rank.median(9), "network").phases > 1
