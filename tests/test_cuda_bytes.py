"""Bytes with integer weights: which calls the kernel for them takes, and that it is exact."""

from __future__ import annotations

from functools import cache
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest

import gpuconv as gc
from benchmarks.static import nvrtc
from benchmarks.static.budget import ARCHES
from gpuconv import reference
from gpuconv.backends.cuda import linear, runtime
from gpuconv.backends.cuda.launch import Launch, Layout, Work
from gpuconv.backends.cuda.protocol import Limits

H200 = Limits(132, 227 * 1024)
#: Few enough multiprocessors for tall tiles, and grids that are walked in steps.
SMALL = Limits(multiprocessors=1, shared=48 * 1024, grid=2)
SHAPE = 512, 512
LAPLACIAN = gc.kernels.laplacian()

emulated = pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())
compiled = pytest.mark.skipif(bool(nvrtc.lacking()), reason=nvrtc.lacking())


def work(
    kernel: gc.Kernel = LAPLACIAN,
    dtype: str = "uint8",
    image: Layout | None = None,
    limits: Limits = H200,
    **options: Any,
) -> Work:
    """Return what is launched for a dense convolution."""
    layout = image or Layout.contiguous(SHAPE)
    options = {"method": "dense"} | options
    plan = gc.plan(layout.shape, dtype, kernel, **options)
    out = layout if plan.shape == layout.shape else Layout.contiguous(plan.shape)
    return linear.launches(plan, layout, out, limits)


def launch(*args: Any, **options: Any) -> Launch:
    """Return the launch of a call that the kernel takes."""
    (only,) = work(*args, **options).launches
    assert only.program.family == "dense_bytes"
    return only


def macro(of: Launch, name: str) -> str:
    """Return the value of a macro."""
    return dict(of.program.macros)[name]


# Which calls it takes


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize(
    "kernel",
    [LAPLACIAN, gc.kernels.sharpen(), gc.kernels.box(3), gc.Kernel([[-128, 127]])],
    ids=["laplacian", "sharpen", "mean", "extremes"],
)
def test_bytes_with_small_integer_weights_are_summed_as_integers(
    dtype: str, kernel: gc.Kernel
) -> None:
    assert macro(launch(kernel, dtype), "RESULT") == macro(launch(kernel, dtype), "PIXEL")


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ({"dtype": "uint16"}, "uint16 pixels are no bytes"),
        ({"kernel": gc.Kernel([[0.5, 1]])}, "the weights are not integers from -128 to 127"),
        ({"kernel": gc.Kernel([[1, 128]])}, "the weights are not integers from -128 to 127"),
        ({"kernel": gc.Kernel([[-129, 1]])}, "the weights are not integers from -128 to 127"),
        ({"out_dtype": "float64"}, "sums are asked for in float64"),
        ({"stride": 2}, "it takes no strides, nor a dilation along y"),
        ({"dilation": (2, 1)}, "it takes no strides, nor a dilation along y"),
        (
            {"kernel": gc.Kernel(np.ones((8, 3)))},
            "the kernel covers 8×3 bytes of more than 7×8",
        ),
        ({"dilation": (1, 4)}, "the kernel covers 3×9 bytes of more than 7×8"),
        ({"border": "constant", "cval": 256}, "cval=256 is no uint8"),
        ({"border": "constant", "cval": 0.5}, "cval=0.5 is no uint8"),
        ({"border": "constant", "cval": float("nan")}, "cval=nan is no uint8"),
        ({"image": Layout(SHAPE, (1, 512))}, "columns lie closer in memory than rows"),
    ],
    ids=str,
)
def test_other_calls_are_left_to_the_kernel_for_all_for_a_reason(
    call: dict[str, Any], reason: str
) -> None:
    found = work(**call)
    assert {each.program.family for each in found.launches} == {"dense"}
    assert found.rejected == (("dense_bytes", reason),)


def test_a_fill_value_that_no_border_uses_may_be_any() -> None:
    given = launch(border="wrap", cval=float("nan")).parameters["geometry"]["cval"]
    assert given.tolist() == [0]


# How a call is laid out


@pytest.mark.parametrize(
    ("row", "phase", "vector", "lead"),
    [(512, 0, 16, 15), (520, 0, 8, 7), (516, 0, 4, 3), (514, 0, 1, 0), (512, 8, 8, 7)],
)
def test_loads_are_as_wide_as_rows_are_aligned_and_begin_before_the_first_tap(
    row: int, phase: int, vector: int, lead: int
) -> None:
    found = launch(image=Layout(SHAPE, (row, 1), phase))
    assert (macro(found, "VECTOR"), macro(found, "LEAD")) == (str(vector), str(lead))


def test_weights_stand_under_each_byte_of_a_word_that_taps_begin_at() -> None:
    words = launch(gc.Kernel([[1, 2, 3], [-4, 5, -6]]).flip()).parameters["weights"]
    assert words.view(np.int8).reshape(2, 4, 4).tolist() == [
        [[1, 2, 3, 0], [0, 1, 2, 3], [0, 0, 1, 2], [0, 0, 0, 1]],
        [[-4, 5, -6, 0], [0, -4, 5, -6], [0, 0, -4, 5], [0, 0, 0, -4]],
    ]


def test_taps_of_interleaved_channels_have_weights_of_0_between_them() -> None:
    colour = Layout((3, *SHAPE), (1, 3 * 512, 3))
    words = launch(gc.Kernel([[1, 2, 3]]).flip(), image=colour).parameters["weights"]
    assert words.view(np.int8).reshape(4, 8)[0].tolist() == [1, 0, 0, 2, 0, 0, 3, 0]


def test_a_small_image_is_cut_into_lower_tiles_than_a_large_one() -> None:
    large = Layout.contiguous((4096, 4096))
    assert launch().grid == (2, 32, 1)
    assert launch(image=large).grid == (16, 64, 1)


def test_shared_memory_holds_the_tile_and_a_row_of_results_of_each_warp() -> None:
    # 16 + 2 rows of 15 + 256 + 2 bytes, rounded up to whole loads, and 8 rows of 256 float32.
    assert launch(out_dtype="float32").shared == 18 * 288 + 8 * 256 * 4


# How sums are divided


@pytest.mark.parametrize(
    ("divisor", "out", "product"),
    [
        (9, "uint8", "1"),
        (-9, "int16", "1"),
        (256, "float32", "1"),
        (0.5, "uint8", "0"),
        (9, "float32", "0"),
        (6, "uint8", "0"),
        (2.5, "uint8", "0"),
    ],
)
def test_a_product_replaces_a_quotient_only_where_the_result_is_the_same(
    divisor: float, out: str, product: str
) -> None:
    kernel = gc.Kernel([[1, 2], [3, 5]], divisor=divisor)
    assert macro(launch(kernel, out_dtype=out), "PRODUCT") == product


@pytest.mark.parametrize("divisor", [1, 3, 9, 25, 49, 81, 121, 441, 4095, 2**21 + 1])
def test_a_product_is_rounded_to_the_integer_that_the_quotient_by_an_odd_one_is(
    divisor: int,
) -> None:
    sums = np.arange(-(2**21), 2**21, dtype=np.int64)
    product = sums.astype(np.float32) * (np.float32(1) / np.float32(divisor))
    # Twice the sum and the divisor over twice the divisor: no quotient is a tie.
    exact = (2 * sums + divisor) // (2 * divisor)
    assert np.array_equal(np.rint(product).astype(np.int64), exact)


# That it is exact


@cache
def cpu() -> cuda_on_cpu.CpuRuntime:
    """Return the runtime that all tests here share, with the kernels it has compiled."""
    return cuda_on_cpu.CpuRuntime(limits=SMALL)


def check(image: Any, kernel: gc.Kernel, **options: Any) -> None:
    """Correlate on the emulated GPU and compare every bit."""
    with runtime.use(cpu()) as current:
        found = gc.correlate(image, kernel, device="cuda", method="dense", **options)
    assert current.launches[-1].program.entry == "dense_bytes"
    expected = reference.correlate(image, kernel, **options)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def noise(*shape: int, dtype: str = "uint8") -> Any:
    """Return bytes, all of them likely."""
    limits = np.iinfo(dtype)
    return np.random.default_rng(shape).integers(limits.min, limits.max + 1, shape).astype(dtype)


def weights(rows: int, columns: int, divisor: float = 1) -> gc.Kernel:
    """Return a kernel of any weights that the kernel takes."""
    rng = np.random.default_rng([rows, columns])
    return gc.Kernel(rng.integers(-128, 128, (rows, columns)), divisor=divisor)


@emulated
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "wrap", "constant"])
def test_borders(border: str, dtype: str) -> None:
    check(noise(30, 300, dtype=dtype), weights(3, 5, 30), border=border, cval=100)


@emulated
@pytest.mark.parametrize("size", ["same", "valid", "full"])
@pytest.mark.parametrize("taps", [(1, 1), (2, 3), (5, 5), (7, 7), (7, 8), (4, 2)])
def test_sizes(taps: tuple[int, int], size: str) -> None:
    check(noise(23, 288), weights(*taps, divisor=25), size=size, dtype="int16")


@emulated
@pytest.mark.parametrize("anchor", [0, 1, 2, 3, 4, 5, 6])
def test_anchors(anchor: int) -> None:
    kernel = gc.Kernel(weights(2, 7).weights, anchor=(0, anchor))
    check(noise(18, 320), kernel, dtype="int16")


@emulated
@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5, 6, 7, 8])
def test_numbers_of_columns(columns: int) -> None:
    check(noise(18, 272), weights(2, columns), dtype="int16", size="valid")


@emulated
@pytest.mark.parametrize("shape", [(1, 1), (1, 600), (130, 1), (65, 257), (66, 799), (140, 800)])
def test_ragged_shapes(shape: tuple[int, int]) -> None:
    check(noise(*shape), weights(3, 3, 8))


@emulated
@pytest.mark.parametrize("out", ["uint8", "int8", "uint16", "int16", "float16", "float32"])
@pytest.mark.parametrize("divisor", [1, 2, 9, 6, -3])
def test_dtypes_and_divisors(out: str, divisor: int) -> None:
    if out == "float16":
        kernel = gc.Kernel([[1, 2, -1], [0, 3, 1]], divisor=divisor)  # its sums are in range
    else:
        kernel = weights(2, 3, divisor)
    check(noise(17, 270), kernel, dtype=out)


@emulated
@pytest.mark.parametrize("divisor", [1, 2, 3])
@pytest.mark.parametrize("weight", [-128, 127])
@pytest.mark.parametrize(("dtype", "pixel"), [("uint8", 255), ("int8", -128), ("int8", 127)])
def test_the_largest_sums_are_exact(dtype: str, pixel: int, weight: int, divisor: int) -> None:
    kernel = gc.Kernel(np.full((7, 8), weight), divisor=divisor)
    check(np.full((18, 272), pixel, dtype), kernel, dtype="float32")


@emulated
@pytest.mark.parametrize("view", [np.s_[2:, 5:], np.s_[:, ::3], np.s_[::-1], np.s_[:, 4:-4]])
def test_views(view: Any) -> None:
    check(noise(40, 820)[view], weights(3, 4, 16))


@emulated
def test_batches_and_colour() -> None:
    check(noise(2, 3, 20, 270), weights(3, 3, 9))
    image, kernel = noise(20, 290, 3), weights(3, 3, 9)
    with runtime.use(cpu()) as current:
        found = gc.correlate(image, kernel, device="cuda", method="dense", channel_axis=-1)
    assert current.launches[-1].program.entry == "dense_bytes"
    planes = [reference.correlate(image[..., i], kernel) for i in range(3)]
    np.testing.assert_array_equal(found, np.stack(planes, -1))


# What it compiles to


@compiled
@pytest.mark.parametrize("arch", ARCHES)
def test_it_compiles_without_spills(arch: int) -> None:
    large = Layout.contiguous((4096, 4096))
    for kernel, out in ((weights(7, 7), "uint8"), (weights(5, 5, 6), "float32")):
        program = launch(kernel, image=large, out_dtype=out).program
        resources = nvrtc.build(program.text, program.entry, arch).resources
        assert (resources.spill_stores, resources.spill_loads, resources.stack) == (0, 0, 0)
