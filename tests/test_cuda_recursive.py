"""Recursive Gaussians on CUDA: near the kernel, at a cost that σ does not change."""

from __future__ import annotations

from typing import Any

import cuda_on_cpu
import numpy as np
import pytest

import gpuconv as gc
from gpuconv import reference
from gpuconv.backends.cuda import linear, runtime
from gpuconv.backends.cuda.launch import Layout, Work
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.kernels import gaussian

H200 = Limits(132, 227 * 1024)
#: Grids that are walked in steps.
SMALL = Limits(multiprocessors=2, shared=48 * 1024, grid=2)
FAST: dict[str, Any] = {"method": "recursive", "accuracy": "fast"}

emulated = pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())


def work(sigma: float, dtype: str = "float32", **options: Any) -> Work:
    """Return what is launched for an image of 4096 × 4096 pixels."""
    layout = Layout.contiguous((4096, 4096))
    plan = gc.plan(layout.shape, dtype, gaussian(sigma), **FAST, **options)
    return linear.launches(plan, layout, Layout.contiguous(plan.shape), H200)


def filters(of: Work) -> list[str]:
    """Return the families of the launches that filter."""
    families = [launch.program.family for launch in of.launches]
    return [family for family in families if family != "deposit"]


def near(image: Any, kernel: gc.Kernel, **options: Any) -> None:
    """Require what accuracy="fast" promises, under the checker."""
    cpu = cuda_on_cpu.CpuRuntime(limits=SMALL)
    with runtime.use(cpu):
        found = gc.correlate(image, kernel, device="cuda", **FAST, **options)
    assert "recursive" in {record.program.family for record in cpu.launches}
    expected = reference.correlate(image, kernel, **options)
    largest = np.abs(image.astype(float)).max(initial=abs(options.get("cval", 0)))
    rounding = 1 if found.dtype.kind in "iu" else 0
    apart = np.abs(found.astype(float) - expected)
    assert apart.max() <= 1e-3 * largest * kernel.total / kernel.divisor + rounding


def noise(*shape: int, dtype: str = "float32") -> Any:
    """Return random pixels."""
    rng = np.random.default_rng(6)
    return (rng.standard_normal(shape) * 30 + 100).clip(0, 255).astype(dtype)


def test_sigma_is_data_to_a_program() -> None:
    first, second = ({launch.program for launch in work(s).launches} for s in (20, 40))
    assert {p for p in first if p.family == "recursive"} == {
        p for p in second if p.family == "recursive"
    }


def test_pixels_that_may_not_be_finite_are_found_in_a_pass_of_their_own() -> None:
    assert filters(work(20)) == ["box", "recursive", "recursive"]
    assert filters(work(20, "uint8")) == ["recursive", "recursive"]
    assert filters(work(20, "uint8", border="constant", cval=float("inf"))) == [
        "box",
        "recursive",
        "recursive",
    ]


def test_strides_are_left_to_sums_over_taps_for_a_reason() -> None:
    made = work(20, stride=2)
    assert dict(made.rejected)["recursive"] == "strides, or a dilation"
    assert "recursive" not in filters(made)


@emulated
@pytest.mark.parametrize("border", ["reflect", "mirror", "wrap", "nearest", "constant"])
def test_borders(border: str) -> None:
    near(noise(40, 90, dtype="uint8"), gaussian(5), border=border, cval=7)


@emulated
@pytest.mark.parametrize("size", ["same", "valid", "full"])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_sizes_and_dtypes(dtype: str, size: str) -> None:
    near(noise(50, 70, dtype=dtype), gaussian(4), size=size)


@emulated
def test_segments_take_up_what_is_before_and_behind_them() -> None:
    near(noise(300, 34), gaussian(8), border="mirror")
    near(noise(34, 300), gaussian(8), border="mirror")


@emulated
def test_batches_and_views() -> None:
    near(noise(3, 20, 40), gaussian(2))
    near(noise(60, 100)[::-2, 5:90], gaussian(2))


@emulated
def test_nan_and_infinities_reach_as_far_as_the_kernel() -> None:
    image = noise(60, 90)
    image[5, 7], image[20, 50], image[22, 52], image[40, 80:] = np.nan, np.inf, -np.inf, np.inf
    kernel = gaussian(3)
    with runtime.use(cuda_on_cpu.CpuRuntime(limits=SMALL)):
        found = gc.correlate(image, kernel, device="cuda", **FAST)
    expected = reference.correlate(image, kernel)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_array_equal(np.isposinf(found), np.isposinf(expected))
    right = np.isfinite(expected)
    np.testing.assert_allclose(found[right], expected[right], rtol=0, atol=0.2)


@emulated
def test_infinities_take_the_sign_of_weights_over_their_divisor() -> None:
    column, row = gaussian(2).terms[0]
    image = noise(30, 40)
    image[9, 11], image[20, 30] = np.inf, -np.inf
    for kernel in (gc.Kernel.separable(column, row, divisor=-2), -1 * gaussian(2)):
        with runtime.use(cuda_on_cpu.CpuRuntime(limits=SMALL)):
            found = gc.correlate(image, kernel, device="cuda", **FAST)
        expected = reference.correlate(image, kernel)
        for where in (np.isposinf, np.isneginf):
            np.testing.assert_array_equal(where(found), where(expected))
