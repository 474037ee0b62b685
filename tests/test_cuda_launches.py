"""What is launched for which call: kernels, grids, shared memory and constants, as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv import dtypes
from gpuconv.backends.cuda.launch import Launch, Layout, Work
from gpuconv.backends.cuda.linear import launches
from gpuconv.backends.cuda.protocol import Limits

H200 = Limits(multiprocessors=132, shared=227 * 1024)
T4 = Limits(multiprocessors=40, shared=64 * 1024)
UNASKED = 48 * 1024  # bytes of shared memory that every device gives

RNG = np.random.default_rng(3)


def work_for(
    shape: tuple[int, ...],
    kernel: Any,
    dtype: str = "float32",
    limits: Limits = H200,
    image: Layout | None = None,
    **options: Any,
) -> Work:
    """Return what is launched for contiguous arrays, or for an image of another layout."""
    plan = gc.plan(shape, dtype, kernel, **options)
    return launches(plan, image or Layout.contiguous(shape), Layout.contiguous(plan.shape), limits)


def entries(work: Work) -> list[str]:
    return [launch.program.entry for launch in work.launches]


def macros(launch: Launch) -> dict[str, str]:
    return dict(launch.program.macros)


def dense(rows: int, columns: int) -> gc.Kernel:
    return gc.Kernel(RNG.uniform(0.5, 1.5, (rows, columns)))


def separable(rows: int, columns: int) -> gc.Kernel:
    return gc.Kernel.separable(RNG.uniform(0.5, 1.5, rows), RNG.uniform(0.5, 1.5, columns))


@pytest.mark.parametrize(
    ("kernel", "options", "expected"),
    [
        (dense(3, 3), {}, ["dense"]),
        (dense(7, 6), {}, ["dense"]),
        (dense(31, 9), {"method": "dense"}, ["dense"]),
        (dense(3, 3), {"stride": 2}, ["dense"]),
        (dense(3, 3), {"dilation": (1, 9)}, ["dense"]),
        (separable(5, 5), {}, ["march"]),
        (separable(1, 9), {}, ["march"]),
        (separable(9, 1), {}, ["dense"]),
        (separable(15, 21), {}, ["march"]),
        (separable(5, 5) + separable(5, 5), {"method": "separable"}, ["march"]),
        (separable(101, 33), {}, ["ring"]),
        (separable(33, 301), {}, ["ring"]),
        (separable(5, 5), {"stride": 2, "method": "separable"}, ["dense", "dense"]),
        (separable(9, 9), {"dilation": 2}, ["dense", "dense"]),
        (separable(999, 9), {"method": "separable"}, ["dense", "dense"]),
    ],
)
def test_the_kernel_follows_from_the_call(
    kernel: gc.Kernel, options: dict[str, Any], expected: list[str]
) -> None:
    work = work_for((2048, 2048), kernel, **options)
    assert [entry for entry in entries(work) if entry != "deposit"] == expected


def test_reasons_are_given_for_the_kernels_before() -> None:
    work = work_for((2048, 2048), separable(999, 9), method="separable")
    assert [name for name, _ in work.rejected] == ["march", "ring"]
    assert "999×9 taps, 1 apart, do not fit into registers" in work.rejected[0][1]
    assert "bytes of shared memory, of which the device has 232448" in work.rejected[1][1]


def test_a_device_with_less_shared_memory_takes_two_passes_sooner() -> None:
    assert entries(work_for((2048, 2048), separable(101, 33), limits=H200, method="separable")) == [
        "ring"
    ]
    assert (
        entries(work_for((2048, 2048), separable(101, 33), limits=T4, method="separable"))[-1]
        == "dense"
    )


@pytest.mark.parametrize("dtype", [name for name in dtypes.TABLE if not name.startswith("complex")])
@pytest.mark.parametrize("taps", [(1, 1), (2, 3), (7, 7), (8, 8), (63, 3), (3, 63), (120, 130)])
@pytest.mark.parametrize("steps", [(1, 1), (1, 2), (1, 50), (7, 3), (64, 64)])
def test_tiles_fit_into_the_shared_memory_of_every_device(
    dtype: str, taps: tuple[int, int], steps: tuple[int, int]
) -> None:
    stride, dilation = steps
    kernel = gc.Kernel(RNG.normal(size=taps))
    work = work_for(
        (9000, 9000), kernel, dtype, T4, method="dense", stride=stride, dilation=dilation
    )
    assert entries(work)[-1] == "dense"
    assert 0 < work.launches[-1].shared <= UNASKED


@pytest.mark.parametrize("taps", [1, 3, 8, 31, 200])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_grids_cover_every_output_once(dtype: str, taps: int) -> None:
    for method, kernel in (("dense", dense(taps, taps)), ("separable", separable(taps, taps))):
        for shape in ((1, 1), (3, 777, 1030), (5000, 70)):
            launch = work_for(shape, kernel, dtype, method=method).launches[-1]
            width, height = covered(launch)
            *batch, rows, columns = shape
            assert (launch.grid[0] - 1) * width < columns <= launch.grid[0] * width
            assert (launch.grid[1] - 1) * height < rows <= launch.grid[1] * height
            assert launch.grid[2] == (batch[0] if batch else 1)


def covered(launch: Launch) -> tuple[int, int]:
    """Return output columns and rows of a block, from what the kernel is told."""
    told, segment = macros(launch), int(launch.parameters["geometry"]["segment"][0])
    if launch.program.entry == "march":
        return launch.block[0] * int(told["X"]), segment
    return launch.block[0] * 4, segment or launch.block[1] * int(told["Y"])


def test_large_grids_are_walked() -> None:
    grid = work_for((70000, 2_000_000, 40), dense(3, 3), "uint8").launches[0].grid
    assert grid == (1, 31250, 65535)
    assert work_for((5_000_000, 40), dense(3, 3), "uint8").launches[0].grid[1] == 65535


def test_a_small_image_gets_short_threads_and_segments() -> None:
    """So that more blocks have something to do."""
    rows = {n: macros(work_for((n, n), dense(3, 3)).launches[0])["Y"] for n in (256, 4096)}
    assert rows == {256: "2", 4096: "16"}
    small, large = (work_for((n, n), separable(5, 5)).launches[0] for n in (512, 16384))
    assert int(small.parameters["geometry"]["segment"][0]) == 8
    assert int(large.parameters["geometry"]["segment"][0]) > 256


def test_segments_make_whole_waves() -> None:
    """No last wave of blocks is nearly empty."""
    launch = work_for((16384, 16384), separable(5, 5)).launches[0]
    blocks = launch.grid[0] * launch.grid[1]
    resident = 5 * 132  # of 128 threads with 85 registers (make static)
    waves = blocks / resident
    assert 0.95 < waves / -(-blocks // resident) <= 1


@pytest.mark.parametrize(
    ("shape", "strides", "phase", "vector", "lead"),
    [
        ((4096, 4096), (4096, 1), 0, "4", "2"),
        ((4096, 4096), (4098, 1), 0, "2", "0"),
        ((4096, 4095), (4095, 1), 0, "1", "0"),
        ((4096, 4096), (4096, 1), 4, "1", "0"),
        ((4096, 4096), (1, 4096), 0, "0", "0"),
        ((4096, 4096), (-4096, -1), 0, "0", "0"),
    ],
)
@pytest.mark.parametrize("kernel", [dense(5, 5), separable(5, 5)], ids=["dense", "separable"])
def test_loads_are_as_wide_as_the_layout_allows(
    kernel: gc.Kernel,
    shape: tuple[int, int],
    strides: tuple[int, int],
    phase: int,
    vector: str,
    lead: str,
) -> None:
    layout = Layout(shape, strides, phase)
    told = macros(work_for(shape, kernel, image=layout).launches[0])
    assert (told["VECTOR"], told["LEAD"]) == (vector, lead)


@pytest.mark.parametrize(
    ("kernel", "dtype", "cval", "border", "guard"),
    [
        (gc.kernels.sobel_x(), "float32", 0, "reflect", "1"),
        (gc.kernels.sobel_x(), "uint8", 0, "constant", "0"),
        (gc.kernels.sobel_x(), "uint8", np.inf, "constant", "1"),
        (gc.kernels.sobel_x(), "uint8", np.inf, "reflect", "0"),
        (gc.kernels.gaussian(1), "float32", 0, "reflect", "0"),
        (dense(3, 3), "float32", np.nan, "constant", "0"),
        (gc.Kernel.sum_of([([1, 2], [3, 4]), ([5, 6], [1, 1])]), "float32", 0, "wrap", "1"),
    ],
)
def test_sums_are_guarded_where_a_zero_could_meet_a_nan(
    kernel: gc.Kernel, dtype: str, cval: float, border: str, guard: str
) -> None:
    method = "separable" if kernel.terms else "dense"
    work = work_for((64, 64), kernel, dtype, cval=cval, border=border, method=method)
    assert macros(work.launches[-1])["GUARD"] == guard


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("taps", [3, 7, 9, 18, 19, 26, 27, 64, 301])
def test_arguments_stay_within_what_every_driver_takes(dtype: str, taps: int) -> None:
    """4 KiB: longer constants are laid down in device memory first."""
    work = work_for((999, 999), dense(taps, taps), dtype, method="dense")
    for launch in work.launches:
        pointers = 8 * len(launch.operands)
        assert launch.parameters.nbytes + pointers <= 4096
    names = set(work.scratch)
    assert names == ({"weights", "edges"} if "deposit" in entries(work) else set())
    assert ("deposit" in entries(work)) == (taps > (26 if dtype == "float32" else 18))


def test_laid_down_constants_arrive_whole_and_in_order() -> None:
    kernel = dense(40, 41)
    work = work_for((999, 999), kernel, method="dense")
    laid = [launch.parameters for launch in work.launches if launch.operands == ("weights",)]
    found = np.concatenate([chunk["values"][0][: chunk["count"][0]] for chunk in laid])
    np.testing.assert_array_equal(found, kernel.flip().weights.astype(np.float32).ravel())
    assert [int(chunk["first"][0]) for chunk in laid] == [448 * i for i in range(len(laid))]


def test_launches_are_found_again() -> None:
    plan = gc.plan((64, 64), "float32", dense(3, 3))
    layout = Layout.contiguous((64, 64))
    assert launches(plan, layout, layout, H200) is launches(plan, layout, layout, H200)
