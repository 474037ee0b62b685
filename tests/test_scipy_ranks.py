"""The rank filters that stand in for SciPy's: the same results, errors and habits."""

from __future__ import annotations

import inspect
import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.ndimage as theirs
from cuda_on_cpu.apart import ApartRuntime, OnDevice
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuconv import reference
from gpuconv.backends.cuda import runtime
from gpuconv.scipy import ndimage as ours
from gpuconv.scipy.ndimage import ranks, rows
from gpuconv.scipy.ndimage.rank_differences import DIFFERENCES
from gpuconv.scipy.ndimage.rank_reaches import extreme_reach, rank_reach

MODES = (
    *("reflect", "constant", "nearest", "mirror", "wrap"),
    *("grid-mirror", "grid-constant", "grid-wrap"),
)
DTYPES = (
    *("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "int64"),
    *("float32", "float64"),
)
RANKS = ("median_filter", "rank_filter", "percentile_filter")
BOXES = ("minimum_filter", "maximum_filter")


def noise(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Any:
    """Return an array with many equal elements, and negative ones where there are such."""
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.random(shape) < 0.5
    least = 0 if dtype.startswith("u") else -20
    values = rng.integers(least, 60, shape).astype(dtype)
    return values + rng.choice([0, 0.25], shape).astype(dtype) if "float" in dtype else values


@st.composite
def calls(draw: Any) -> tuple[str, Any, list[Any], dict[str, Any]]:
    """Return a function's name, an array, and other arguments."""
    name = draw(st.sampled_from([*RANKS, *BOXES]))
    ndim = draw(st.integers(1, 4))
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=ndim, max_size=ndim)))
    image = noise(shape, draw(st.sampled_from(DTYPES)), draw(st.integers(0, 99)))
    image = draw(st.sampled_from([image, image[::-1], image.T]))
    count = draw(st.integers(1, ndim))
    options: dict[str, Any] = {"mode": draw(st.sampled_from(MODES))}
    if count < ndim or draw(st.booleans()):
        options["axes"] = tuple(sorted(draw(st.permutations(range(ndim)))[:count]))
    sizes = tuple(draw(st.lists(st.integers(1, 4), min_size=count, max_size=count)))
    # SciPy does not heed the holes of a footprint of one axis.
    if image.ndim > 1 and draw(st.booleans()):
        footprint = np.random.default_rng(draw(st.integers(0, 99))).random(sizes) < 0.6
        footprint.flat[0] = True
        options["footprint"], many = footprint, int(footprint.sum())
    else:
        options["size"], many = sizes, int(np.prod(sizes))
        if name in BOXES:
            options["mode"] = draw(st.lists(st.sampled_from(MODES), min_size=count, max_size=count))
    options["origin"] = tuple(draw(st.integers(-(n // 2), (n - 1) // 2)) for n in sizes)
    options["cval"] = draw(st.sampled_from([0, 1] if image.dtype == bool else [0, 7, 0.5, -3.7]))
    if image.dtype != bool and image.ndim > 1:
        options["output"] = draw(st.sampled_from([None, np.uint8, "float32", np.float64]))
    rank = {"rank_filter": draw(st.integers(-many, many - 1)), "percentile_filter": 33.3}
    return name, image, [rank[name]] if name in rank else [], options


@settings(max_examples=250, deadline=None)
@given(call=calls())
def test_any_call_gives_what_scipy_gives(call: Any) -> None:
    name, image, given_, options = call
    if name in RANKS and image.ndim == 1 and image.size < options["size"][0]:
        return  # SciPy reads what lies beside short lines
    expected = getattr(theirs, name)(image, *given_, **options)
    made = getattr(ours, name)(image, *given_, **options)
    assert made.dtype == expected.dtype
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("name", ["minimum_filter1d", "maximum_filter1d"])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("mode", MODES)
def test_one_axis_gives_what_scipy_gives(name: str, axis: int, mode: str) -> None:
    image = noise((5, 6, 4), "int16")
    for size, origin in [(2, 0), (5, 1), (9, -4)]:
        given_ = (image, size, axis, np.float32, mode, 3.5, origin)
        np.testing.assert_array_equal(getattr(ours, name)(*given_), getattr(theirs, name)(*given_))


@pytest.mark.parametrize("cval", [-1, 300, 256.9, 0.5, -0.5, 1e10])
@pytest.mark.parametrize("name", ["median_filter", *BOXES])
@pytest.mark.parametrize("ndim", [1, 2])
def test_what_an_image_cannot_hold_may_lie_outside(name: str, cval: float, ndim: int) -> None:
    image = noise((6, 7), "uint8")[:ndim].squeeze() if ndim == 2 else noise((7,), "uint8")
    call = {"size": 3, "mode": "constant", "cval": cval}
    np.testing.assert_array_equal(
        getattr(ours, name)(image, **call), getattr(theirs, name)(image, **call)
    )


@pytest.mark.parametrize("name", ranks.__all__)
def test_signatures_are_scipys(name: str) -> None:
    mine, its = (inspect.signature(getattr(module, name)) for module in (ours, theirs))
    shown = [[(p.name, p.kind, p.default) for p in of.parameters.values()] for of in (mine, its)]
    assert shown[0] == shown[1]


IMAGE = np.arange(9.0).reshape(3, 3)
HOLES = [[1, 0, 1]]


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("median_filter", {}),
        ("maximum_filter", {}),
        ("median_filter", {"size": 3, "mode": "no"}),
        ("maximum_filter", {"size": 3, "mode": "no"}),
        ("median_filter", {"size": 3, "mode": ["wrap", "reflect"]}),
        ("median_filter", {"size": 3, "mode": ["wrap"]}),
        ("maximum_filter", {"footprint": HOLES, "mode": ["wrap", "reflect"]}),
        ("median_filter", {"size": 3, "origin": 2}),
        ("maximum_filter", {"size": 3, "origin": -2}),
        ("maximum_filter", {"footprint": HOLES, "origin": 2}),
        ("median_filter", {"size": 3, "origin": 0.5}),
        ("median_filter", {"size": 3, "origin": (1,)}),
        ("median_filter", {"size": 0}),
        ("median_filter", {"size": 2.5}),
        ("maximum_filter", {"size": (3,)}),
        ("median_filter", {"footprint": [1, 1, 1]}),
        ("maximum_filter", {"footprint": [1, 0, 1]}),
        ("maximum_filter", {"footprint": np.zeros((3, 3))}),
        ("median_filter", {"footprint": np.zeros((3, 3))}),
        ("median_filter", {"size": 3, "axes": (0, 0)}),
        ("maximum_filter", {"size": 3, "axes": (0, -4)}),
        ("rank_filter", {"rank": 9, "size": 3}),
        ("rank_filter", {"rank": 1.0, "size": 3}),
        ("percentile_filter", {"percentile": 101, "size": 3}),
        ("percentile_filter", {"percentile": -101, "size": 3}),
        ("maximum_filter", {"size": 3, "cval": 1j}),
        ("median_filter", {"size": 3, "cval": "a"}),
        ("median_filter", {"size": 3, "output": np.zeros((2, 2))}),
        ("median_filter", {"size": 3, "output": "complex64"}),
        ("maximum_filter1d", {"size": 0}),
        ("maximum_filter1d", {"size": 3, "axis": 2}),
        ("maximum_filter1d", {"size": 3, "origin": 2}),
        ("maximum_filter1d", {"size": 3.0}),
        ("maximum_filter1d", {"size": 3, "mode": ["wrap"]}),
        ("maximum_filter1d", {"size": 3, "output": "complex64"}),
        ("maximum_filter", {"size": 3, "output": "complex64"}),
    ],
)
def test_errors_are_scipys(name: str, call: dict[str, Any]) -> None:
    with pytest.raises(Exception) as its:  # noqa: PT011
        getattr(theirs, name)(IMAGE, **call)
    with pytest.raises(type(its.value)) as mine:
        getattr(ours, name)(IMAGE, **call)
    assert str(mine.value).startswith(str(its.value).partition("(")[0].strip().rstrip("."))


@pytest.mark.parametrize("name", ranks.__all__)
def test_values_without_an_order_are_refused(name: str) -> None:
    function = getattr(ours, name)
    given_ = [1, 3] if name in ("rank_filter", "percentile_filter") else [3]
    with pytest.raises(TypeError, match="Complex type not supported"):
        function(IMAGE * 1j, *given_)
    for dtype in ("O", "g", "M8[s]"):
        with pytest.raises(RuntimeError, match=r"array type .*not supported"):
            function(np.zeros((3, 3), dtype), *given_)


def test_a_size_beside_a_footprint_is_warned_of_where_it_stands() -> None:
    for function in (ours.median_filter, ours.maximum_filter):
        with pytest.warns(UserWarning, match="ignoring size because footprint is set") as caught:
            function(IMAGE, 3, np.ones((3, 3)))
        assert [each.filename for each in caught] == [__file__]


def test_the_output_is_what_is_given() -> None:
    image = noise((6, 7), "float32")
    room = np.empty_like(image)
    assert ours.median_filter(image, 3, output=room) is room
    np.testing.assert_array_equal(room, theirs.median_filter(image, 3))
    wide = np.empty((6, 14), np.int16)[:, ::2]
    assert ours.maximum_filter(image, 3, output=wide) is wide
    np.testing.assert_array_equal(wide, theirs.maximum_filter(image, 3, output=np.int16))


@pytest.mark.parametrize("shape", [(40,), (6, 7), (5, 6, 7), (3, 4, 5, 6)])
@pytest.mark.parametrize("name", ["median_filter", "maximum_filter"])
def test_the_output_may_be_the_image(name: str, shape: tuple[int, ...]) -> None:
    image = noise(shape, "int32")
    expected = getattr(theirs, name)(image.copy(), 3)
    assert getattr(ours, name)(image, 3, output=image) is image
    np.testing.assert_array_equal(image, expected)


def test_results_are_plain_arrays_of_the_machines_byte_order() -> None:
    swapped = noise((4, 5), "float32").astype(">f4")
    assert ours.median_filter(swapped, 3).dtype == np.float32
    assert type(ours.median_filter(np.ma.array(IMAGE), 3)) is np.ndarray


def test_nothing_to_filter_is_copied() -> None:
    for image in (np.array(3.0), IMAGE, np.zeros((0, 3))):
        for made in (ours.median_filter(image, 1), ours.maximum_filter(image, 1)):
            np.testing.assert_array_equal(made, image)
            assert not np.shares_memory(made, image)
    np.testing.assert_array_equal(ours.median_filter(IMAGE, 3, axes=()), IMAGE)
    for output in (complex, np.longdouble, object):
        made, expected = (m.median_filter(IMAGE, 1, output=output) for m in (ours, theirs))
        assert made.dtype == expected.dtype
        np.testing.assert_array_equal(made, expected)
    halves = np.array([0.5, -3.2, 256.0])
    assert ours.minimum_filter1d(halves, 1, output=bool).tolist() == [False, True, False]
    assert ours.minimum_filter(halves, 1, output=bool).all()
    assert ours.median_filter(np.zeros((0, 3, 4)), 3).shape == (0, 3, 4)


@pytest.mark.parametrize("mode", ["reflect", "mirror", "wrap", "constant", "nearest"])
@pytest.mark.parametrize("size", [5, 1500])
def test_long_lines_are_as_short_ones(mode: str, size: int) -> None:
    line = noise((60_001,), "int64")
    assert rows.is_long(line.shape, (size,)) or size == 1500
    for name in ("median_filter", "maximum_filter"):
        call = {"size": size, "mode": mode, "cval": 9, "origin": 1}
        np.testing.assert_array_equal(
            getattr(ours, name)(line, **call), getattr(theirs, name)(line, **call)
        )


@pytest.mark.parametrize("shape", [(19, 6, 7), (2, 3, 21, 4, 5)])
def test_volumes_are_laid_out_in_blocks(shape: tuple[int, ...]) -> None:
    image = noise(shape, "uint8")
    axes = tuple(range(len(shape) - 3, len(shape)))
    footprint = np.random.default_rng(3).random((4, 3, 2)) < 0.6
    for call in ({"size": 3}, {"footprint": footprint, "origin": (-1, 1, 0)}):
        made = ours.median_filter(image, axes=axes, mode="mirror", **call)
        expected = theirs.median_filter(image, axes=axes, mode="mirror", **call)
        np.testing.assert_array_equal(made, expected)


def test_volumes_take_memory_for_some_planes_only() -> None:
    def peak(planes: int) -> int:
        image = noise((planes, 96, 128), "float32")
        room = np.empty_like(image)
        tracemalloc.start()
        ours.median_filter(image, 3, output=room)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(16)  # engines keep some scratch for the next call
    assert peak(96) < 1.2 * peak(16)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("median_filter", {"size": 3, "mode": "constant", "cval": 0.5}),
        ("percentile_filter", {"percentile": 30, "footprint": [[1, 1, 0], [0, 1, 1]]}),
        ("maximum_filter", {"size": (2, 3), "mode": ["wrap", "mirror"]}),
        ("minimum_filter", {"size": 3, "axes": (0,), "output": np.float64}),
    ],
)
def test_planes_on_a_gpu(name: str, call: dict[str, Any]) -> None:
    check_on_gpu(name, noise((6, 7), "float32"), call)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("median_filter", {"size": 3}),
        ("rank_filter", {"rank": 2, "footprint": np.eye(3)[None] + np.eye(3)[:, :, None]}),
        ("maximum_filter", {"size": (3, 2, 3), "mode": "wrap", "cval": 300}),
    ],
)
def test_volumes_on_a_gpu(name: str, call: dict[str, Any]) -> None:
    check_on_gpu(name, noise((4, 5, 6), "uint8"), call)


def test_lines_on_a_gpu() -> None:
    check_on_gpu("median_filter", noise((40_000,), "float32"), {"size": 3, "mode": "wrap"})


def check_on_gpu(name: str, image: Any, call: dict[str, Any]) -> None:
    with runtime.use(ApartRuntime()):
        there = runtime.current().asarray(image)
        made = getattr(ours, name)(there, **call)
        assert isinstance(made, OnDevice)
        expected = getattr(theirs, name)(image, **call)
        assert made.dtype == expected.dtype
        np.testing.assert_array_equal(np.array(made), expected)


def test_reaches_say_what_is_read() -> None:
    image = noise((30, 31), "int16")
    footprint = np.random.default_rng(5).random((4, 5)) < 0.7
    for name, reaching, call in [
        ("median_filter", rank_reach, {"size": (3, 4), "origin": (1, -1)}),
        ("median_filter", rank_reach, {"footprint": footprint, "origin": -1}),
        ("maximum_filter", extreme_reach, {"size": (5, 1), "origin": (2, 0)}),
        ("maximum_filter", extreme_reach, {"size": (4, 2), "axes": (1, 0), "origin": (1, 0)}),
    ]:
        bound = inspect.signature(getattr(ours, name)).bind(image, **call)
        bound.apply_defaults()
        depth = reaching(bound.arguments).depth
        inner = tuple(slice(10 - before, 20 + after) for before, after in depth)
        own = tuple(slice(before, before + 10) for before, _ in depth)
        whole = getattr(ours, name)(image, **call)[10:20, 10:20]
        np.testing.assert_array_equal(getattr(ours, name)(image[inner], **call)[own], whole)


def test_differences_are_as_they_are_told() -> None:
    assert {each.name for each in DIFFERENCES} == set(ranks.__all__)
    holes = np.array([[1, np.nan, 3, 0, 5]])
    assert np.isnan(ours.median_filter(holes, (1, 3))[0, :3]).all()
    assert not np.isnan(theirs.median_filter(holes, (1, 3))[0, :3]).all()
    large = np.array([[2**53 + 1] * 3])
    assert (ours.median_filter(large, (1, 3)) == large).all()
    assert (theirs.median_filter(large, (1, 3)) != large).all()
    half = np.ones((3, 3), np.float16)
    assert ours.median_filter(half, 3).dtype == np.float16
    with pytest.raises(RuntimeError):
        theirs.median_filter(half, 3)
    with pytest.raises(ValueError, match="2\\*\\*15"):
        ours.maximum_filter(IMAGE, 2**15)
    line, footprint = np.array([5.0, 1, 3, 2, 4]), [1, 0, 1, 0, 1]
    assert (ours.median_filter(line, footprint=footprint) == [3, 2, 4, 2, 3]).all()
    assert (theirs.median_filter(line, footprint=footprint) != [3, 2, 4, 2, 3]).any()
    assert ours.median_filter(line, 3, output=np.uint8).tolist() == [5, 3, 2, 3, 4]
    short = reference.rank([[41, 10]], np.ones((1, 9)), 4, anchor=(0, 8))
    assert (ours.median_filter([41, 10], 9, origin=4) == short).all()


def test_no_warning_comes_of_casts() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours.maximum_filter(np.array([[-1e30, np.nan, np.inf]]), 3, output=np.uint8)
