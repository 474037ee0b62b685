"""Pixels with weights on the CUDA engine: normalised convolution in one pass, or in steps."""

from __future__ import annotations

from functools import cache
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest

import gpuconv as gc
from gpuconv import reference
from gpuconv.backends.cuda import execution, linear, runtime
from gpuconv.backends.cuda.launch import Layout, Mask, Work
from gpuconv.backends.cuda.protocol import Limits

H200 = Limits(132, 227 * 1024)
SMALL = Limits(multiprocessors=2, shared=48 * 1024, grid=2)
SHAPE = 40, 150

emulated = pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())
RNG = np.random.default_rng(8)
HOLES = RNG.random(SHAPE) < 0.7
HOLES[10:25, 30:70] = False
SMOOTH = gc.Kernel(RNG.integers(1, 9, (3, 5)), divisor=8)
LONG = gc.Kernel.separable(np.hanning(23)[1:-1], np.hanning(17)[1:-1])
LONG_2 = gc.Kernel.sum_of([(np.ones(19), np.arange(9.0)), (np.arange(19.0), np.ones(9))])
DTYPES = "float32", "uint8"
SPARSE = gc.Kernel([[2, 0, 1], [0, 4, 0]])


def noise(dtype: str = "float32", *shape: int) -> Any:
    """Return an image; of floats some are NaN, and one is infinite."""
    image = np.random.default_rng(5).integers(0, 250, shape or SHAPE).astype(dtype)
    if image.dtype.kind == "f":
        image[..., ::7, ::5] = np.nan
        image[..., 31, 100] = np.inf
    return image


@cache
def cpu() -> cuda_on_cpu.CpuRuntime:
    """Return the runtime that all tests here share, with the kernels it has compiled."""
    return cuda_on_cpu.CpuRuntime(limits=SMALL)


def check(image: Any, kernel: gc.Kernel, mask: Any = None, **options: Any) -> list[str]:
    """Compare a call with the definition, and return the kernels that it launched."""
    device = {"method": options.pop("method", "auto"), "device": "cuda"}
    axis = options.pop("channel_axis", None)
    current = cpu()
    with runtime.use(current):
        before = len(current.launches)
        found = gc.convolve(image, kernel, mask=mask, channel_axis=axis, **options, **device)
        entries = [each.program.entry for each in list(current.launches)[before:]]
    if axis is not None:
        image = np.moveaxis(image, axis, 0)
        mask = mask if mask is None or mask.ndim < image.ndim else np.moveaxis(mask, axis, 0)
    with np.errstate(all="ignore"):
        wanted = reference.convolve(image, kernel, mask=mask, **options)
    if axis is not None:
        wanted = np.moveaxis(wanted, 0, axis)
    assert found.dtype == wanted.dtype
    if wanted.dtype.kind == "f":
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-4)  # NaN where that has it
    else:
        # A quotient may fall on the other side of a tie.
        assert np.abs(found.astype(float) - wanted).max() <= 1
        assert (found != wanted).mean() < 0.001
    return entries


# What is computed


@emulated
@pytest.mark.parametrize("border", ["reflect", "constant", "wrap"])
@pytest.mark.parametrize("kernel", [SMOOTH, LONG], ids=["3×5", "long"])
def test_each_pixel_counts_as_its_mask_says(kernel: gc.Kernel, border: str) -> None:
    check(noise("uint8"), kernel, HOLES, border=border, cval=9)


@emulated
@pytest.mark.parametrize("kernel", [SPARSE, LONG_2], ids=["0", "2"])
def test_what_is_not_finite_reaches_as_far_as_by_definition(kernel: gc.Kernel) -> None:
    check(noise(), kernel, HOLES)


@emulated
@pytest.mark.parametrize("kernel", [SMOOTH, LONG], ids=["3×5", "long"])
def test_nan_is_filled_from_around_it_without_a_mask(kernel: gc.Kernel) -> None:
    check(noise(), kernel, nan="ignore")


@emulated
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_masks_of_every_kind(dtype: str) -> None:
    weights = np.random.default_rng(7).integers(0, 3, SHAPE).astype(dtype)
    check(noise(), SMOOTH, weights)


@emulated
@pytest.mark.parametrize("out", ["uint8", "float32"])
def test_where_no_pixel_counts_is_nan_or_0(out: str) -> None:
    image, mask = noise("uint8"), np.zeros(SHAPE, bool)
    mask[:, :20] = True
    check(image, gc.kernels.box(3), mask, dtype=out)
    with runtime.use(cpu()):
        found = gc.convolve(image, gc.kernels.box(3), mask=mask, dtype=out, device="cuda")
    beyond = found[:, 30:]
    assert np.isnan(beyond).all() if np.dtype(out).kind == "f" else not beyond.any()


@emulated
@pytest.mark.parametrize("kernel", [SMOOTH, gc.kernels.box(3)], ids=["3×5", "mean"])
def test_where_all_pixels_count_integers_are_those_without_a_mask(kernel: gc.Kernel) -> None:
    image = noise("uint8")
    with runtime.use(cpu()):
        found = gc.convolve(image, kernel, mask=np.ones(SHAPE, bool), device="cuda")
    np.testing.assert_array_equal(found, reference.convolve(image, kernel))


@emulated
def test_weights_that_cancel_count_as_none() -> None:
    # Under a 0 of the mask the rest of the weights sums to nothing but rounding.
    kernel = gc.Kernel([[0.3, 1, -0.1, -0.2]])
    mask = np.ones((1, 40), bool)
    mask[0, ::5] = False
    image = np.ones((1, 40), np.float32)
    check(image, kernel, mask, border="wrap", dtype="float32")


@emulated
@pytest.mark.parametrize("options", [{"stride": (2, 3)}, {"dilation": (3, 2)}, {"size": "full"}])
def test_steps_and_sizes(options: dict[str, Any]) -> None:
    check(noise(), SMOOTH, HOLES, border="mirror", **options)


@emulated
def test_strides_and_dilations_of_long_kernels() -> None:
    check(noise(), LONG, HOLES, border="mirror", stride=(2, 3), dilation=2)


@emulated
def test_kernels_in_several_pieces() -> None:
    kernel = gc.Kernel(np.random.default_rng(3).integers(1, 9, (41, 40)))
    check(noise("uint8"), kernel, HOLES, dtype="float64", method="dense")


@emulated
@pytest.mark.parametrize("method", ["dense", "separable"])
def test_infinities_under_terms_of_both_signs(method: str) -> None:
    terms = [(np.full(19, 3.0), np.ones(9)), (-np.linspace(1, 2, 19), np.ones(9))]
    image = np.ones(SHAPE, np.float32)
    image[20, 70] = np.inf
    assert "normalise" in check(image, gc.Kernel.sum_of(terms), HOLES, method=method)


# How arrays may lie


@emulated
def test_masks_and_images_lie_anyhow() -> None:
    image, mask = noise("float32", 60, 300), RNG.random((60, 300)) < 0.8
    check(image[5:45, 3:153], SMOOTH, HOLES)
    check(image[:40, :150], SMOOTH, mask[7:47, 5:155])
    check(noise(), SMOOTH, np.asfortranarray(HOLES))
    check(np.asfortranarray(noise()), SMOOTH, HOLES)
    check(image[::2, ::-2], SMOOTH, mask[::-2, 150:])
    check(image[:40, :150], SMOOTH, HOLES[0])  # the same for every row
    check(image[5:45, 3:153], LONG, np.asfortranarray(HOLES))


@emulated
def test_batches_and_channels() -> None:
    stack = noise("uint8", 2, 3, *SHAPE)
    check(stack, SMOOTH, np.broadcast_to(HOLES, stack.shape))
    check(stack, LONG, RNG.random(stack.shape) < 0.8)
    colour = noise("uint8", *SHAPE, 3)
    check(colour, SMOOTH, np.repeat(HOLES[..., None], 3, -1), channel_axis=-1)
    check(colour, SMOOTH, HOLES, channel_axis=-1)


@emulated
def test_a_call_in_parts_is_the_call() -> None:
    image, mask = noise(), RNG.random(SHAPE).astype(np.float32)
    tight = cuda_on_cpu.CpuRuntime(limits=SMALL, memory=60_000)
    with runtime.use(tight):
        found = gc.convolve(image, LONG, mask=mask, nan="ignore", device="cuda")
    with runtime.use(cpu()):
        whole = gc.convolve(image, LONG, mask=mask, nan="ignore", device="cuda")
    assert len(tight.launches) > 2
    np.testing.assert_array_equal(found, whole)


# What is launched


def work(kernel: gc.Kernel, dtype: str = "float32", **options: Any) -> Work:
    """Return what is launched for a large image with a mask."""
    plan = gc.plan((2048, 2048), dtype, kernel, masked=True, **options)
    layout = Layout.contiguous((2048, 2048))
    return linear.launches(plan, layout, Layout.contiguous(plan.shape), H200)


def test_small_kernels_take_one_pass_and_no_memory() -> None:
    found = work(gc.kernels.box(7))
    assert [each.program.entry for each in found.launches] == ["masked"]
    assert found.bytes == 0


def test_large_separable_kernels_are_run_on_products_and_on_weights() -> None:
    found = work(gc.kernels.gaussian(12))
    entries = [each.program.entry for each in found.launches]
    assert entries == ["weigh", "ring", "ring", "normalise"]
    assert found.bytes == 4 * 2048 * 2048 * 4
    products, weights = (each.parameters["geometry"][0] for each in found.launches[1:3])
    assert (products["cval"], weights["cval"]) == (0, 1)


def test_sums_that_must_be_finite_are_repaired_in_the_last_launch() -> None:
    guards = [dict(work(LONG_2, dtype).launches[-1].program.macros)["GUARD"] for dtype in DTYPES]
    assert guards == ["1", "0"]


def test_loads_are_as_wide_as_mask_and_image_allow() -> None:
    plan = gc.plan((64, 64), "float32", SMOOTH, masked=True)
    whole = Layout.contiguous((64, 64))

    def vector(mask: Mask) -> str:
        (launch,) = linear.launches(plan, whole, whole, H200, mask).launches
        return dict(launch.program.macros)["VECTOR"]

    boolean = np.dtype(bool)
    assert vector(Mask(whole, boolean)) == "4"
    assert vector(Mask(Layout((64, 64), (66, 1)), boolean)) == "2"
    assert vector(Mask(Layout((64, 64), (64, 1), phase=3), boolean)) == "1"
    assert vector(Mask(Layout((64, 64), (1, 64)), boolean)) == "0"


def test_a_sum_of_weights_counts_as_none_relative_to_the_largest() -> None:
    plan = gc.plan((64, 64), "float32", SMOOTH, masked=True)
    whole = Layout.contiguous((64, 64))
    least = []
    for largest in (1.0, 8.0):
        mask = Mask(whole, np.dtype("float32"), largest)
        (launch,) = linear.launches(plan, whole, whole, H200, mask).launches
        least.append(float(launch.parameters["geometry"]["least"][0]))
    assert least[1] == 8 * least[0] > 0


@pytest.mark.parametrize(
    ("kernel", "held"),
    [(SMOOTH, "image, mask and result"), (LONG, "image, mask, result and 4.2 MB between passes")],
)
def test_a_plan_counts_the_mask_and_what_lies_between_steps(kernel: gc.Kernel, held: str) -> None:
    with runtime.use(cpu()):
        plan = gc.plan((512, 512), "float32", kernel, masked=True, device="cuda")
        needed = execution.peak(plan, cpu().limits()) + 512 * 512
    assert needed * 0.99 < plan.prediction.peak < needed * 1.01
    assert f"{needed / 1e6:.1f} MB at most: {held}" in plan.explain()
