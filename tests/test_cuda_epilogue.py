"""What the CUDA kernels do to results on their way out: the same as the CPU engine."""

from __future__ import annotations

from functools import cache
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest

import gpuconv as gc
from gpuconv import reference
from gpuconv.backends.cuda import linear, runtime
from gpuconv.backends.cuda.launch import Layout, Work
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.dtypes import store

H200 = Limits(132, 227 * 1024)
SMALL = Limits(multiprocessors=2, shared=227 * 1024, grid=2)
EVERYTHING = gc.Epilogue(scale=0.375, offset=-9.5, absolute=True, low=4, high=90)
RANK_2 = gc.Kernel.sum_of([([1, 2, 1], [1, 0, -1]), ([1, 0, -1], [1, 2, 1])])

emulated = pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())


def long(taps: int) -> gc.Kernel:
    """Return a separable kernel."""
    return gc.Kernel.separable(np.arange(1, taps + 1), np.ones(taps), divisor=taps**3)


#: A call for each kernel that writes results: what is filtered, and the entry that ends it.
ENDS: dict[str, tuple[str, gc.Kernel, dict[str, Any], str]] = {
    "bytes": ("uint8", gc.kernels.laplacian(), {"method": "dense"}, "dense_bytes"),
    "divided bytes": ("uint8", gc.kernels.box(3), {"method": "dense"}, "dense_bytes"),
    "unrolled": ("float32", gc.kernels.laplacian(), {"method": "dense"}, "dense"),
    "any size": ("uint8", gc.Kernel(np.eye(9), divisor=7), {"method": "dense"}, "dense"),
    "march": ("float32", gc.kernels.gaussian(1), {"method": "separable"}, "march"),
    "two terms": ("float32", RANK_2, {"method": "separable"}, "march"),
    "ring": ("uint8", long(41), {"method": "separable"}, "ring"),
    "two passes": ("int32", long(5), {"method": "separable", "stride": 2}, "dense"),
    "repair": ("float32", RANK_2, {"method": "separable", "stride": 2}, "repair"),
}


def noise(dtype: str) -> Any:
    """Return an image, with NaN and infinity where it may have them."""
    rng = np.random.default_rng(4)
    image = rng.integers(0, 250, (37, 150)).astype(dtype)
    if image.dtype.kind == "f":
        image[5, 6], image[20, 100], image[30, 149] = np.nan, np.inf, -np.inf
    return image


def expected(image: Any, kernel: gc.Kernel, epilogue: gc.Epilogue, **options: Any) -> Any:
    """Return the result by definition."""
    options.pop("method", None)
    with np.errstate(all="ignore"):
        sums = reference.convolve(image, kernel, **options | {"dtype": np.float64})
        epilogue.apply(sums)
        out = np.empty(sums.shape, options.get("dtype", image.dtype))
        store(sums, out)
    return out


@cache
def cpu() -> cuda_on_cpu.CpuRuntime:
    """Return the runtime that all tests here share, with the kernels it has compiled."""
    return cuda_on_cpu.CpuRuntime(limits=SMALL)


@emulated
@pytest.mark.parametrize("name", ENDS)
def test_every_kernel_finishes_results_before_they_are_stored(name: str) -> None:
    dtype, kernel, options, entry = ENDS[name]
    image = noise(dtype)
    current = cpu()
    with runtime.use(current):
        found = gc.convolve(image, kernel, device="cuda", epilogue=EVERYTHING, **options)
    assert current.launches[-1].program.entry == entry
    wanted = expected(image, kernel, EVERYTHING, **options)
    assert found.dtype == wanted.dtype
    if wanted.dtype.kind == "f":
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-4)  # NaN where that has it
    else:
        np.testing.assert_array_equal(found, wanted)


@emulated
@pytest.mark.parametrize(
    "epilogue",
    [
        gc.Epilogue(scale=-0.5),
        gc.Epilogue(offset=-7),
        gc.Epilogue(absolute=True),
        gc.Epilogue(low=100),
        gc.Epilogue(high=-3),
        gc.Epilogue(low=-np.inf, high=np.inf),
        gc.Epilogue(scale=0.1, offset=0.05, low=3, high=3),
    ],
    ids=repr,
)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_integers_are_those_of_the_cpu_engine(epilogue: gc.Epilogue, dtype: str) -> None:
    image, kernel = noise("uint8"), gc.kernels.laplacian()
    options: dict[str, Any] = {"method": "dense", "dtype": dtype, "epilogue": epilogue}
    with runtime.use(cpu()):
        found = gc.convolve(image, kernel, device="cuda", **options)
    np.testing.assert_array_equal(found, gc.convolve(image, kernel, device="cpu", **options))


@emulated
def test_what_is_scaled_and_moved_is_rounded_twice_as_on_the_cpu() -> None:
    # 0.1 · 3 + 0.2 is a tie of float32 sums only if the product is rounded first.
    image = np.arange(256, dtype=np.uint8).reshape(1, -1)
    epilogue = gc.Epilogue(scale=0.1, offset=0.2)
    options: dict[str, Any] = {"dtype": "float32", "epilogue": epilogue, "method": "dense"}
    with runtime.use(cpu()):
        found = gc.convolve(image, gc.Kernel([[1, 2]]), device="cuda", **options)
    wanted = gc.convolve(image, gc.Kernel([[1, 2]]), device="cpu", **options)
    np.testing.assert_array_equal(found, wanted)


def work(kernel: gc.Kernel, epilogue: gc.Epilogue | None, **options: Any) -> Work:
    """Return what is launched for float32 pixels."""
    plan = gc.plan((512, 512), "float32", kernel, epilogue=epilogue, **options)
    layout = Layout.contiguous((512, 512))
    return linear.launches(plan, layout, Layout.contiguous(plan.shape), H200)


def test_a_kernel_without_an_epilogue_knows_of_none() -> None:
    (plain,) = work(gc.kernels.laplacian(), None, method="dense").launches
    (finishing,) = work(gc.kernels.laplacian(), EVERYTHING, method="dense").launches
    assert "EPILOGUE" not in dict(plain.program.macros)
    assert dict(finishing.program.macros)["EPILOGUE"] == "1"
    assert "epilogue" not in (plain.parameters["geometry"].dtype.names or ())


def test_no_limits_are_infinite_ones() -> None:
    found = work(gc.kernels.laplacian(), gc.Epilogue(scale=2), method="dense").launches[0]
    assert found.parameters["geometry"]["epilogue"].tolist() == [(2, 0, -np.inf, np.inf, 0)]


def test_of_two_passes_only_the_last_finishes() -> None:
    found = work(gc.kernels.gaussian(2), EVERYTHING, method="separable", stride=2)
    ends = [dict(each.program.macros).get("EPILOGUE") for each in found.launches]
    assert ends == [None, "1"]


def test_registers_that_an_epilogue_takes_are_not_left_to_the_march() -> None:
    kernel = gc.Kernel.separable(np.arange(1.0, 32), np.arange(1.0, 32))
    ends = [work(kernel, e, method="separable").launches[-1] for e in (None, EVERYTHING)]
    assert [each.program.entry for each in ends] == ["march", "ring"]
