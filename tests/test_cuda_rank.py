"""Rank filters on CUDA: which kernel takes what, and that each is right, under the checker."""

from __future__ import annotations

from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu import CpuRuntime
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import gpuconv as gc
from benchmarks.static import nvrtc
from gpuconv import reference
from gpuconv.backends.cuda import neighbourhood, runtime
from gpuconv.backends.cuda.launch import Launch, Layout, Work
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.rank_table import runs_of
from gpuconv.backends.cuda.warmup import planned
from gpuconv.errors import ArgumentError
from gpuconv.neighbourhood import Rank

Array = NDArray[Any]

H200 = Limits(132, 227 * 1024)
#: Grids that are walked in steps, and the least shared memory that any GPU has.
SMALL = Limits(multiprocessors=1, shared=48 * 1024, grid=2)

emulated = pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())
compiled = pytest.mark.skipif(bool(nvrtc.lacking()), reason=nvrtc.lacking())

#: Of any shape, with holes, with margins that are cut away, and anchored beside its middle.
DISK = np.hypot(*np.mgrid[-4:5, -4:5]) < 4.3
HOLES = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [0, 1, 1, 0]])


def pixels(*shape: int, dtype: str = "float32", nan: bool = False) -> Array:
    """Return random pixels, of all values that small integers have."""
    rng = np.random.default_rng(sum(shape))
    if np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    image = rng.standard_normal(shape).astype(dtype)
    image[..., ::3, ::5] = -0.0
    image[..., 1, ::7] = np.inf
    if nan:
        image[..., shape[-2] // 2, shape[-1] // 2] = -np.nan
    return image


def work(wanted: Rank, dtype: str, method: str, *shape: int, limits: Limits = H200) -> Work:
    """Return what is launched for an image of a shape, of 4096 × 4096 pixels if none is given."""
    layout = Layout.contiguous(shape or (4096, 4096))
    plan = planned(wanted, layout.shape, dtype, method, limits)
    return neighbourhood.launches(plan, layout, layout, limits)


def launch(*args: Any, **options: Any) -> Launch:
    """Return the last launch."""
    return work(*args, **options).launches[-1]


def macro(of: Launch, name: str) -> int:
    """Return the value of a macro."""
    return int(dict(of.program.macros)[name])


# Which kernel takes what


def chosen(wanted: Rank, dtype: str) -> str:
    """Return the algorithm of a plan for a large image."""
    return planned(wanted, (4096, 4096), dtype, "auto", H200).algorithm


@pytest.mark.parametrize(
    ("size", "dtype", "algorithm"),
    [(3, "float32", "network"), (3, "uint8", "network"), (11, "uint16", "network"),
     (31, "uint8", "histogram"), (31, "int16", "histogram"), (31, "float32", "sort"),
     (31, "int32", "sort"), ((1, 5), "float64", "network"), (9, "int64", "sort")],
)  # fmt: skip
def test_small_windows_are_sorted_by_networks_and_large_ones_of_bytes_are_counted(
    size: Any, dtype: str, algorithm: str
) -> None:
    assert chosen(Rank.median(size), dtype) == algorithm


def test_extremes_of_large_rectangles_have_a_kernel_of_their_own() -> None:
    assert chosen(Rank.minimum(31), "uint8") == "extreme"
    assert chosen(Rank.maximum((3, 101)), "float32") == "extreme"
    assert chosen(Rank.minimum(3), "float32") == "network"
    assert chosen(Rank.of(1, 31), "uint8") == "histogram"


def test_footprints_of_any_shape_are_selected_from_or_counted() -> None:
    assert chosen(Rank.median(footprint=DISK), "float32") == "sort"
    assert chosen(Rank.minimum(footprint=np.eye(31)), "float32") == "sort"
    assert chosen(Rank.median(footprint=np.tri(41)), "uint8") == "histogram"


@pytest.mark.parametrize(
    ("wanted", "dtype", "method", "reason"),
    [
        (Rank.median(footprint=HOLES), "uint8", "network", "a footprint that is no rectangle"),
        (Rank.median((3, 13)), "uint8", "network", "windows of 3×13; 11 pixels a side at most"),
        (Rank.median(5), "uint8", "extreme", "rank 12 of 25 is neither the least nor the largest"),
        (Rank.minimum(footprint=HOLES), "uint8", "extreme", "a footprint that is no rectangle"),
        (Rank.median(5), "float32", "histogram", "pixels of float32, which have too many values"),
    ],
)
def test_what_an_algorithm_cannot_do_is_said(
    wanted: Rank, dtype: str, method: str, reason: str
) -> None:
    with pytest.raises(ArgumentError, match=reason):
        planned(wanted, (64, 64), dtype, method, H200)


# Geometry


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("size", [1, 3, 5, (1, 5), (4, 2)])
def test_a_network_s_tile_holds_the_rows_of_all_lanes(dtype: str, size: Any) -> None:
    made = launch(Rank.median(size), dtype, "network")
    height = 8 * macro(made, "Y") * macro(made, "TALL") * macro(made, "LANES")
    row = made.shared // (height + macro(made, "ROWS") - 1)
    assert made.grid == (4096 // 128, -(-4096 // height), 1)
    assert macro(made, "LANES") == (2 if np.dtype(dtype).itemsize <= 2 else 1)
    assert row >= (128 + macro(made, "COLUMNS") - 1) * np.dtype(dtype).itemsize
    assert made.shared <= 48 * 1024
    assert macro(made, "TALL") <= macro(made, "ROWS")
    assert macro(made, "WIDE") <= macro(made, "COLUMNS")


def test_a_small_image_has_low_blocks() -> None:
    large, small = (launch(Rank.median(3), "uint8", "network", n, n) for n in (4096, 256))
    assert macro(large, "Y") > macro(small, "Y") == 1


def test_extremes_take_one_pass_where_a_tile_is_mostly_outputs_and_two_where_it_is_not() -> None:
    once = work(Rank.minimum(61), "float32", "extreme")
    twice = work(Rank.minimum(61), "float32", "extreme", limits=SMALL)
    assert [len(each.launches) for each in (once, twice)] == [1, 2]
    assert twice.scratch["between"].shape == (4096 + 60, 4096)
    assert all(each.shared <= SMALL.shared for each in twice.launches)


def test_what_fits_into_no_shared_memory_is_selected_by_reading_the_image() -> None:
    wide = Rank.of(7, (1, 30001))
    for method, dtype in (("histogram", "uint8"), ("sort", "float64")):
        made = launch(wide, dtype, method, limits=SMALL)
        assert made.program.family == "select"
        assert (macro(made, "TILED"), made.shared) == (0, 0)
    assert launch(Rank.minimum((1, 30001)), "float64", "extreme").program.family == "select"


def test_a_warp_counts_long_segments_where_there_are_enough_of_them() -> None:
    segments = [
        macro(launch(Rank.median(31), "uint8", "histogram", n, n), "SEGMENT") for n in (8192, 256)
    ]
    assert segments == [256, 32]


def test_footprints_share_a_program_whatever_their_shape_and_rank() -> None:
    wanted = Rank.median(footprint=DISK), Rank.of(1, 31), Rank.median(footprint=np.eye(9))
    assert len({launch(each, "float32", "sort").program for each in wanted}) == 1


def test_a_footprint_is_laid_down_once_and_kept() -> None:
    made = work(Rank.median(footprint=HOLES), "float32", "sort")
    assert len(made.launches) == 1
    runs = made.scratch["runs"]
    assert runs.values().tolist() == [[0, 0, 1], [0, 2, 4], [2, 1, 3]]  # type: ignore[attr-defined]
    other = work(Rank.median(footprint=HOLES[::-1]), "float32", "sort").scratch["runs"]
    assert runs != other


@given(st.integers(1, 9), st.integers(1, 9), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_runs_are_the_footprint(rows: int, columns: int, random: Any) -> None:
    members = np.array([[random.random() < 0.5 for _ in range(columns)] for _ in range(rows)])
    members[0, 0] = members[-1, -1] = True
    painted = np.zeros_like(members)
    for row, first, stop in runs_of(Rank.median(footprint=members)):
        assert not painted[row, first:stop].any()
        painted[row, first:stop] = True
    assert np.array_equal(painted, members)


# That it is right


def expected(image: Array, wanted: Rank, border: str, cval: float) -> Array:
    """Return the definition's result."""
    return reference.rank(
        image, wanted.footprint, wanted.index, anchor=wanted.anchor, border=border, cval=cval
    )


def check(
    image: Array,
    wanted: Rank,
    method: str,
    border: str = "reflect",
    cval: float = 0,
    limits: Limits = SMALL,
    channel_axis: int | None = None,
    out: Array | None = None,
) -> list[str]:
    """Compare a call with the definition; return the families of the kernels that ran."""
    cpu = CpuRuntime(limits=limits)
    with runtime.use(cpu):
        got = gc.rank(
            image,
            wanted.index,
            footprint=wanted.footprint,
            anchor=wanted.anchor,
            border=border,  # type: ignore[arg-type]
            cval=cval,
            method=method,
            channel_axis=channel_axis,
            out=out,
            device="cuda",
        )
    planes = image if channel_axis is None else np.moveaxis(image, channel_axis, 0)
    found = got if channel_axis is None else np.moveaxis(got, channel_axis, 0)
    np.testing.assert_array_equal(found, expected(planes, wanted, border, cval))
    return [record.program.family for record in cpu.launches]


def named(argument: Any) -> str:
    """Return the name of an argument in that of a test."""
    return str(argument.dtype) if isinstance(argument, np.ndarray) else str(argument)


NETWORKS = [
    (pixels(70, 261, nan=True), Rank.median(3), "reflect"),
    (pixels(3, 33, 256, dtype="uint8"), Rank.median(3), "wrap"),
    (pixels(37, 140, dtype="int8"), Rank.median((5, 4)), "mirror"),
    (pixels(2, 40, 130, dtype="uint16"), Rank.of(2, (2, 4)), "constant"),
    (pixels(21, 35, dtype="int16"), Rank.of(9, (2, 7)), "nearest"),
    (pixels(20, 70, dtype="float16", nan=True), Rank.maximum((4, 3)), "reflect"),
    (pixels(40, 70, dtype="uint32"), Rank.median((1, 5)), "wrap"),
    (pixels(9, 30, dtype="int64"), Rank.median((5, 1)), "constant"),
    (pixels(9, 30, dtype="float64", nan=True), Rank.of(3, (3, 2)), "reflect"),
    (pixels(1, 1, dtype="uint64"), Rank.minimum(2), "reflect"),
]


@emulated
@pytest.mark.parametrize(("image", "wanted", "border"), NETWORKS, ids=named)
def test_a_network_is_right(image: Array, wanted: Rank, border: str) -> None:
    assert check(image, wanted, "network", border, cval=7) == ["network"]


OTHERS = [
    (pixels(40, 70, nan=True), Rank.median(footprint=DISK), "sort", "reflect"),
    (pixels(3, 20, 40, dtype="uint8"), Rank.median(footprint=HOLES), "sort", "wrap"),
    (pixels(20, 40, dtype="int64"), Rank.of(5, (3, 4)), "sort", "constant"),
    (pixels(20, 40, dtype="uint64"), Rank.of(-2, (3, 4)), "sort", "mirror"),
    (pixels(20, 40, dtype="uint32"), Rank.median((3, 4)), "sort", "reflect"),
    (pixels(20, 40, dtype="float64", nan=True), Rank.median((3, 4)), "sort", "nearest"),
    (pixels(20, 40, dtype="float16", nan=True), Rank.of(2, footprint=HOLES), "sort", "constant"),
    (pixels(40, 300, dtype="uint8"), Rank.median(13), "histogram", "reflect"),
    (pixels(2, 20, 70, dtype="int8"), Rank.of(9, footprint=DISK), "histogram", "constant"),
    (pixels(20, 70, dtype="uint16") // 97, Rank.median((41, 3)), "histogram", "wrap"),
    (pixels(20, 70, dtype="int16") // 200, Rank.of(3, (9, 14)), "histogram", "mirror"),
    (pixels(70, 300, nan=True), Rank.maximum((9, 14)), "extreme", "reflect"),
    (pixels(3, 20, 70, dtype="uint8"), Rank.minimum((1, 17)), "extreme", "constant"),
    (pixels(20, 40, dtype="int64"), Rank.minimum((8, 1)), "extreme", "wrap"),
]


@emulated
@pytest.mark.parametrize(("image", "wanted", "method", "border"), OTHERS, ids=named)
def test_windows_of_any_size_are_right(
    image: Array, wanted: Rank, method: str, border: str
) -> None:
    family = "select" if method == "sort" else method
    assert check(image, wanted, method, border, cval=3)[-1] == family


@emulated
def test_extremes_in_two_passes_are_right() -> None:
    image, little = pixels(20, 60, dtype="float16", nan=True), Limits(1, 8 * 1024, 2)
    for wanted in (Rank.minimum((20, 22)), Rank.maximum((25, 17))):
        ran = check(image, wanted, "extreme", "constant", 1.5, limits=little)
        assert ran == ["extreme", "extreme"]


@emulated
def test_windows_that_no_shared_memory_holds_are_right() -> None:
    none = Limits(multiprocessors=1, shared=8 * 1024, grid=2)
    image = pixels(9, 40)
    assert check(image, Rank.of(7, (20, 60)), "sort", "wrap", limits=none)[-1] == "select"
    assert check(image, Rank.maximum((1, 1200)), "extreme", limits=none)[-1] == "select"


@emulated
@pytest.mark.parametrize(
    ("wanted", "method", "dtype", "channels"),
    [
        (Rank.median(3), "network", "uint8", 3),
        (Rank.median(3), "network", "float32", 3),
        (Rank.of(3, (2, 3)), "network", "uint16", 2),
        (Rank.median(footprint=DISK), "sort", "float32", 3),
        (Rank.median(13), "histogram", "uint8", 4),
        (Rank.maximum((5, 9)), "extreme", "float32", 3),
    ],
)
def test_interleaved_channels_are_filtered_where_they_lie(
    wanted: Rank, method: str, dtype: str, channels: int
) -> None:
    image = pixels(37, 50, channels, dtype=dtype)
    families = check(image, wanted, method, channel_axis=-1, limits=H200)
    assert families == ["select" if method == "sort" else method]


@emulated
@pytest.mark.parametrize("method", ["network", "sort", "histogram"])
@given(st.data())
@settings(max_examples=6, deadline=None)
def test_any_view_into_any_view(method: str, data: st.DataObject) -> None:
    rows, columns, top, left = (data.draw(st.integers(0, most)) for most in (40, 150, 3, 9))
    flip, apart, transposed = data.draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    whole = pixels(44, 320, dtype="uint8")
    view = whole[top : top + rows + 1, left : left + columns + 1]
    if apart:
        view = whole[top : top + rows + 1, left : left + 2 * columns + 1 : 2]
    view = view[::-1, ::-1] if flip else view
    view = view.T if transposed else view
    out = np.zeros((view.shape[0] + 2, view.shape[1] + 5), np.uint8)[1:-1, 4:-1]
    border = data.draw(st.sampled_from(["reflect", "nearest", "mirror", "wrap", "constant"]))
    check(view, Rank.median((2, 1)), method, border, 9, out=out)


@emulated
def test_a_tall_image_is_walked_by_a_small_grid() -> None:
    image = pixels(300, 20, dtype="uint8")
    for method in ("network", "sort", "histogram"):
        check(image, Rank.median(3), method)
    check(image, Rank.minimum(3), "extreme")


@emulated
@pytest.mark.parametrize("method", ["network", "extreme", "sort"])
def test_little_memory_makes_parts(method: str) -> None:
    image = pixels(2, 40, 150, nan=True)
    whole, parts = CpuRuntime(limits=SMALL), CpuRuntime(limits=SMALL, memory=20_000)
    with runtime.use(whole):
        whole_image = gc.maximum(image, (7, 3), method=method, border="wrap", device="cuda")
    with runtime.use(parts):
        got = gc.maximum(image, (7, 3), method=method, border="wrap", device="cuda")
    np.testing.assert_array_equal(got, whole_image)
    assert len(parts.launches) >= len(whole.launches)


# What it takes


@compiled
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("method", ["network", "sort", "extreme"])
def test_old_devices_can_run_it(dtype: str, method: str) -> None:
    program = launch(Rank.minimum(5), dtype, method).program
    took = nvrtc.build(program.text, program.entry, 75).resources
    assert took.spill_stores == took.spill_loads == 0
