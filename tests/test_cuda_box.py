"""Windows that move on CUDA: which calls the kernel takes, and that it is right."""

from __future__ import annotations

from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuconv as gc
from benchmarks.static import nvrtc
from gpuconv import reference
from gpuconv.backends.cuda import linear, runtime
from gpuconv.backends.cuda.launch import Launch, Layout, Work
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.errors import ArgumentError

H200 = Limits(132, 227 * 1024)
#: Few enough multiprocessors for tall blocks, and grids that are walked in steps.
SMALL = Limits(multiprocessors=1, shared=48 * 1024, grid=2)

emulated = pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())
compiled = pytest.mark.skipif(bool(nvrtc.lacking()), reason=nvrtc.lacking())


def mean(rows: int, columns: int, anchor: tuple[int, int] | None = None) -> gc.Kernel:
    """Return a kernel of equal weights."""
    return gc.Kernel(np.ones((rows, columns)), anchor=anchor, divisor=rows * columns)


def plan(shape: tuple[int, ...], dtype: str, kernel: gc.Kernel, **options: Any) -> Any:
    """Return a plan of moving windows."""
    return gc.plan(shape, dtype, kernel, method="box", **options)


def work(kernel: gc.Kernel, dtype: str = "float32", limits: Limits = H200, **options: Any) -> Work:
    """Return what is launched for an image of 4096 × 4096 pixels."""
    layout = Layout.contiguous((4096, 4096))
    planned = plan(layout.shape, dtype, kernel, **options)
    return linear.launches(planned, layout, Layout.contiguous(planned.shape), limits)


def launch(*args: Any, **options: Any) -> Launch:
    """Return the launch of the kernel, in one pass."""
    launched = work(*args, **options).launches[-1]
    assert launched.program.family == "box"
    return launched


def macro(of: Launch, name: str) -> str:
    """Return the value of a macro."""
    return dict(of.program.macros)[name]


# Which calls it takes


def test_windows_of_any_size_share_a_program_but_for_where_loads_begin() -> None:
    programs = {launch(mean(n, n, (n // 2, n // 2 // 4 * 4))).program for n in (9, 33, 41)}
    assert len(programs) == 1


@pytest.mark.parametrize(
    ("dtype", "taps", "bits"),
    [("uint8", 31, 32), ("uint16", 181, 32), ("uint16", 182, 64), ("int16", 255, 32),
     ("int32", 301, 64), ("int64", 3, 0), ("float32", 31, 0)],
)  # fmt: skip
def test_integers_are_summed_in_as_many_bits_as_no_window_leaves(
    dtype: str, taps: int, bits: int
) -> None:
    assert macro(launch(mean(taps, taps), dtype), "BITS") == str(bits)


def test_what_stands_outside_counts_for_the_bits_and_must_be_an_integer() -> None:
    def bits(cval: float) -> str:
        return macro(launch(mean(31, 31), "uint8", border="constant", cval=cval), "BITS")

    assert [bits(cval) for cval in (-255, 2**22, 2**60, 0.5, float("nan"))] == [
        "32",
        "64",
        "0",
        "0",
        "0",
    ]


def test_windows_wider_than_a_block_are_summed_in_two_passes_for_a_reason() -> None:
    made = work(mean(1, 4001), "float32")
    assert dict(made.rejected)["box"] == "windows of 4001 pixels, which are too wide for a block"
    assert "box" not in {each.program.family for each in made.launches}
    assert launch(mean(3, 1501)).block == (256, 1, 1)


def test_weights_of_0_are_left_to_kernels_that_do_not_read_under_them() -> None:
    with pytest.raises(ArgumentError, match="method='box' cannot run this"):
        plan((9, 9), "float32", gc.Kernel([[1, 0, 1]]))


def test_a_block_is_tall_where_windows_are_many_and_no_lower_than_16_rows() -> None:
    rows = [int(launch(mean(9, 9)).parameters["geometry"]["segment"][0])]
    small = Layout.contiguous((64, 64))
    planned = plan(small.shape, "float32", mean(9, 9))
    only = linear.launches(planned, small, small, H200).launches[-1]
    rows.append(int(only.parameters["geometry"]["segment"][0]))
    assert rows[0] > 60
    assert rows[1] == 16


def test_strips_have_one_width() -> None:
    made = launch(mean(31, 31))
    reach = 4
    width = 8 * (made.block[0] - reach)
    assert made.grid[0] == -(-4096 // width)
    assert made.grid[0] * width < 4096 + made.grid[0] * 8 * 32


# That it is right


def check(image: Any, kernel: gc.Kernel, limits: Limits = SMALL, **options: Any) -> None:
    """Compare with the definition, under the checker."""
    cpu = cuda_on_cpu.CpuRuntime(limits=limits)
    with runtime.use(cpu):
        found = gc.correlate(image, kernel, device="cuda", method="box", **options)
    assert {record.program.family for record in cpu.launches} <= {"box", "deposit"}
    channels = options.pop("channel_axis", None)
    planes = image if channels is None else np.moveaxis(image, channels, 0)
    expected = reference.correlate(planes, kernel, **options)
    if channels is not None:
        expected = np.moveaxis(expected, 0, channels)
    if found.dtype.kind in "iu":
        np.testing.assert_array_equal(found, expected)
        return
    largest = np.abs(image[np.isfinite(image)].astype(float)).max(initial=0)
    allowed = (4 + kernel.numerators.size / 32) * np.finfo(found.dtype).eps * largest
    np.testing.assert_allclose(found, expected, rtol=0, atol=allowed * kernel.total)


def noise(*shape: int, dtype: str = "float32") -> Any:
    """Return random pixels over much of a dtype's range."""
    rng = np.random.default_rng(5)
    if np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        low, high = max(int(limits.min), -(10**6)), min(int(limits.max), 10**6)
        return rng.integers(low, high, shape).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


@emulated
@pytest.mark.parametrize("border", ["reflect", "mirror", "wrap", "nearest", "constant"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_borders(border: str, dtype: str) -> None:
    check(noise(20, 150, dtype=dtype), mean(9, 20), border=border, cval=7)


@emulated
@pytest.mark.parametrize("dtype", ["int8", "uint16", "int16", "uint32", "int32", "float64"])
def test_dtypes(dtype: str) -> None:
    check(noise(20, 77, dtype=dtype), mean(5, 9), border="constant", cval=-3)


@emulated
@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_channels(channels: int, dtype: str) -> None:
    check(noise(18, 30, channels, dtype=dtype), mean(5, 8), channel_axis=-1)


@emulated
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_shape_size_anchor_and_stride(data: st.DataObject) -> None:
    rows, columns = data.draw(st.tuples(st.integers(1, 12), st.integers(2, 40)))
    anchor = data.draw(st.tuples(st.integers(0, rows - 1), st.integers(0, columns // 8 * 7)))
    anchor = anchor[0], min(anchor[1] // 8 * 8, columns - 1)
    shape = data.draw(st.tuples(st.integers(12, 40), st.integers(40, 300)))
    check(
        noise(*shape, dtype="uint8"),
        mean(rows, columns, anchor),
        size=data.draw(st.sampled_from(["same", "valid", "full"])),
        stride=data.draw(st.tuples(st.integers(1, 20), st.integers(1, 3))),
        border="wrap",
    )


@emulated
def test_nan_and_infinities_stay_where_they_are_read() -> None:
    image = noise(60, 90)
    image[5, 7], image[20, 50], image[22, 52], image[40, 80:] = np.nan, np.inf, -np.inf, np.nan
    image[30, 20] = np.inf
    with runtime.use(cuda_on_cpu.CpuRuntime(limits=SMALL)):
        found = gc.correlate(image, mean(5, 9), device="cuda", method="box")
    expected = reference.correlate(image, mean(5, 9))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_array_equal(np.isposinf(found), np.isposinf(expected))
    np.testing.assert_array_equal(np.isneginf(found), np.isneginf(expected))
    right = np.isfinite(expected)
    np.testing.assert_allclose(found[right], expected[right], rtol=0, atol=1e-5)


@emulated
def test_a_thousand_rows_leave_no_trace_in_a_sum_of_floats() -> None:
    image = noise(1200, 64) * 100
    image[:1000] *= 10000
    with runtime.use(cuda_on_cpu.CpuRuntime("fast", limits=SMALL)):
        found = gc.correlate(image, mean(7, 9), device="cuda", method="box")
    expected = reference.correlate(image, mean(7, 9))
    np.testing.assert_allclose(found[1010:], expected[1010:], rtol=0, atol=2e-4)


@emulated
def test_a_batch_of_integers_whose_sums_wrap_is_exact() -> None:
    image = np.full((3, 60, 50), 65535, np.uint16)
    image[1] = noise(60, 50, dtype="uint16")
    check(image, gc.Kernel(np.ones((41, 45))), dtype="float64")


@compiled
@pytest.mark.parametrize("arch", [75, 90, 120])
def test_it_compiles_without_spills_where_a_border_is_filled(arch: int) -> None:
    program = launch(mean(15, 15), border="constant").program
    resources = nvrtc.build(program.text, program.entry, arch).resources
    assert (resources.spill_stores, resources.spill_loads, resources.stack) == (0, 0, 0)
