"""Filter banks on the CUDA engine: one read of the image for all filters, where they are small."""

from __future__ import annotations

from functools import cache
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest

import gpuconv as gc
from gpuconv import reference
from gpuconv.backends.cuda import bank as banks
from gpuconv.backends.cuda import runtime
from gpuconv.backends.cuda.launch import Layout, Work
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.bank import Bank
from gpuconv.dtypes import store
from gpuconv.epilogue import NOTHING

H200 = Limits(132, 227 * 1024)
SMALL = Limits(multiprocessors=2, shared=48 * 1024, grid=2)
SHAPE = 41, 150

emulated = pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())
RNG = np.random.default_rng(6)
SOBEL = [gc.kernels.sobel_x(), gc.kernels.sobel_y()]
#: Of several sizes, anchors and divisors, and with weights of 0.
MIXED = [
    gc.Kernel([[1, 0, 3], [0, 2, 0]], divisor=3),
    gc.Kernel([[1, 2]], anchor=(0, 1)),
    gc.Kernel(RNG.integers(-3, 4, (5, 3))),
]
WIDE = [gc.Kernel(RNG.integers(-3, 4, (13, 11))) for _ in range(3)]
BLURS = [gc.kernels.gaussian(sigma) for sigma in (1, 2, 5)]


def noise(dtype: str, *shape: int) -> Any:
    """Return an image; of floats one pixel is NaN, and one infinite."""
    image = np.random.default_rng(5).integers(0, 250, shape or SHAPE).astype(dtype)
    if image.dtype.kind == "f":
        image[..., 7, 5], image[..., 31, 100] = np.nan, np.inf
    return image


@cache
def cpu() -> cuda_on_cpu.CpuRuntime:
    """Return the runtime that all tests here share, with the kernels it has compiled."""
    return cuda_on_cpu.CpuRuntime(limits=SMALL)


def expected(
    image: Any,
    kernels: list[gc.Kernel],
    reduce: Any,
    dtype: str,
    epilogue: gc.Epilogue = NOTHING,
    **options: Any,
) -> Any:
    """Return the result by definition."""
    options.pop("method", None)
    with np.errstate(all="ignore"):
        each = [reference.convolve(image, k, dtype=np.float64, **options) for k in kernels]
        made: Any = np.stack(each)
        if reduce == "magnitude":
            made = np.sqrt(np.square(made).sum(axis=0))
        elif reduce == "direction":
            made = np.arctan2(made[1], made[0])
        elif reduce:
            made = made.max(axis=0) if reduce == "max" else made.sum(axis=0)
        epilogue.apply(made)
        out = np.empty(made.shape, dtype)
        store(made, out)
    return out


def check(
    image: Any, kernels: list[gc.Kernel], reduce: Any, dtype: str = "", **options: Any
) -> set[str]:
    """Compare a call with the definition, and return the kernels that it launched."""
    stored = dtype or str(image.dtype)
    current = cpu()
    with runtime.use(current):
        before = len(current.launches)
        found = gc.filter_bank(
            image, kernels, reduce=reduce, dtype=stored, device="cuda", **options
        )
        entries = {each.program.entry for each in list(current.launches)[before:]}
    wanted = expected(image, kernels, reduce, stored, **options)
    assert found.dtype == wanted.dtype
    if wanted.dtype.kind == "f":
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-3)  # NaN where that has it
    else:
        np.testing.assert_array_equal(found, wanted)
    return entries


@emulated
@pytest.mark.parametrize("reduce", [None, "magnitude", "max", "sum", "direction"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_small_filters_run_at_once(dtype: str, reduce: Any) -> None:
    assert check(noise(dtype), SOBEL, reduce) == {"bank"}


@emulated
@pytest.mark.parametrize("border", ["reflect", "constant", "wrap"])
def test_filters_of_several_sizes_and_anchors(border: str) -> None:
    assert check(noise("float32"), MIXED, None, border=border, cval=np.inf) == {"bank"}
    assert check(noise("uint8"), MIXED, "max", "float32", border=border, cval=7) == {"bank"}


@emulated
def test_directions_of_filters_of_any_size() -> None:
    image = noise("uint8")
    assert check(image, WIDE[:2], "direction", "float32", method="dense") == {"bank"}
    apart = check(image, BLURS[:2], "direction", "float32", method="separable")
    assert "reduce" in apart
    assert "bank" not in apart


@emulated
@pytest.mark.parametrize("reduce", [None, "sum"])
def test_larger_filters_are_not_unrolled(reduce: Any) -> None:
    entries = check(noise("uint8"), WIDE, reduce, "int32", method="dense")
    assert entries - {"deposit"} == {"bank"}


@emulated
@pytest.mark.parametrize("reduce", [None, "magnitude", "max", "sum"])
def test_what_is_faster_apart_runs_apart(reduce: Any) -> None:
    entries = check(noise("float32"), BLURS, reduce, method="separable")
    assert "bank" not in entries
    assert ("reduce" in entries) == (reduce is not None)


@emulated
@pytest.mark.parametrize("reduce", [None, "max"])
def test_strides_and_dilations(reduce: Any) -> None:
    check(noise("uint8"), SOBEL, reduce, stride=(2, 3), dilation=2, border="mirror")


@emulated
@pytest.mark.parametrize("kernels", [SOBEL, BLURS], ids=["at once", "apart"])
@pytest.mark.parametrize("reduce", [None, "sum"])
def test_results_are_finished(kernels: list[gc.Kernel], reduce: Any) -> None:
    epilogue = gc.Epilogue(scale=0.5, offset=3, absolute=True, low=4, high=90)
    check(noise("float32"), kernels, reduce, epilogue=epilogue)


@emulated
@pytest.mark.parametrize("kernels", [SOBEL, BLURS], ids=["at once", "apart"])
def test_batches_channels_and_views(kernels: list[gc.Kernel]) -> None:
    check(noise("uint8", 2, 3, *SHAPE), kernels, None, "float32")
    check(noise("uint8", *SHAPE, 3).transpose(2, 0, 1), kernels, "max", "float32")
    check(noise("uint8", 90, 310)[3:44, 5:155], kernels, None, "float32")


@emulated
@pytest.mark.parametrize("kernels", [SOBEL, BLURS], ids=["at once", "apart"])
@pytest.mark.parametrize("reduce", [None, "magnitude"])
def test_a_call_in_parts_is_the_call(kernels: list[gc.Kernel], reduce: Any) -> None:
    image = noise("float32", 3, *SHAPE)
    tight = cuda_on_cpu.CpuRuntime(limits=SMALL, memory=220_000)
    options: dict[str, Any] = {"reduce": reduce, "method": "separable", "device": "cuda"}
    with runtime.use(cpu()):
        whole = gc.filter_bank(image, kernels, **options)
    out = np.empty_like(whole)
    with runtime.use(tight):
        gc.filter_bank(image, kernels, out=out, **options)
    np.testing.assert_array_equal(out, whole)


# What is launched


def work(kernels: list[gc.Kernel], reduce: Any = None, **options: Any) -> Work | str:
    """Return the launch for large float32 images, or why there is none."""
    plans: Any = [gc.plan((2048, 2048), "float32", kernel, **options) for kernel in kernels]
    bank = Bank(tuple(plans), reduce, NOTHING, np.dtype("float32"))
    image = Layout.contiguous((2048, 2048))
    return banks.launches(bank, image, Layout.contiguous(bank.shape), H200)


def test_one_launch_reads_the_image_once() -> None:
    found = work(SOBEL, "magnitude")
    assert isinstance(found, Work)
    (launch,) = found.launches
    assert launch.program.entry == "bank"
    assert found.bytes == 0


@pytest.mark.parametrize(
    ("kernels", "options", "reason"),
    [
        (SOBEL, {"stride": 2}, "strides or dilations"),
        ([gc.kernels.box(33)] * 2, {}, "together the filters cover 33×33 pixels, above 31"),
        (BLURS[1:2] * 3, {"method": "separable"}, "867 taps together, and apart the work of 180"),
        (BLURS[:1] * 2, {"masked": True}, "pixels have weights of their own"),
    ],
    ids=["strides", "size", "work", "mask"],
)
def test_what_does_not_run_at_once_has_a_reason(
    kernels: list[gc.Kernel], options: dict[str, Any], reason: str
) -> None:
    assert work(kernels, **options) == reason


def test_responses_that_are_not_aligned_are_not_stored_wide() -> None:
    plans: Any = tuple(gc.plan((8, 64), "float32", kernel) for kernel in SOBEL)
    bank = Bank(plans, None, NOTHING, np.dtype("float32"))
    image = Layout.contiguous((8, 64))
    stores = []
    for apart in (8 * 64, 8 * 64 + 1):
        found = banks.launches(bank, image, Layout((2, 8, 64), (apart, 64, 1)), H200)
        assert isinstance(found, Work)
        stores.append(dict(found.launches[0].program.macros)["STORE"])
    assert stores == ["2", "1"]


@pytest.mark.parametrize("dtype", ["int16", "uint16"])
def test_what_runs_apart_is_summed_as_wide_as_it_is_reduced(dtype: str) -> None:
    image = np.random.default_rng(3).integers(0, 9000, (40, 55)).astype(dtype)
    with runtime.use(cpu()):
        found = gc.gradient_magnitude(image, 1.1, device="cuda")
    slopes = gc.gradient_magnitude(image, 1.1, dtype="float64")
    np.testing.assert_array_equal(found, np.rint(slopes))
