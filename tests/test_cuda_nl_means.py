"""Non-local means on the CUDA engine: the kernel on the CPU, under the checker."""

from __future__ import annotations

from functools import cache
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import gpuconv as gc
from gpuconv import reference
from gpuconv.backends.cuda import neighbourhood, runtime
from gpuconv.backends.cuda.launch import Launch, Layout
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.warmup import planned
from gpuconv.neighbourhood import NonLocalMeans

H200 = Limits(132, 227 * 1024)
#: The least that any GPU has.
SMALL = Limits(multiprocessors=2, shared=48 * 1024, grid=2)
#: So few multiprocessors that blocks are wide.
ONE = Limits(multiprocessors=1, shared=227 * 1024)
BORDERS = "reflect", "mirror", "nearest", "wrap", "constant"
DTYPES = "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"
FLOATS = "float16", "float32", "float64"

emulated = pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())


@cache
def cpu(limits: Limits = SMALL) -> cuda_on_cpu.CpuRuntime:
    """Return the runtime that tests here share, with the kernels it has compiled."""
    return cuda_on_cpu.CpuRuntime(limits=limits)


def noise(*shape: int, dtype: str = "float32") -> Any:
    rng = np.random.default_rng(3)
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 100, shape).astype(dtype)
    return rng.random(shape).astype(dtype)


def check(
    image: Any,
    wanted: NonLocalMeans,
    channel_axis: int | None = None,
    limits: Limits = SMALL,
    **options: Any,
) -> None:
    """Compare a call with the definition in float64."""
    given = wanted.patch_size, wanted.search_distance
    with runtime.use(cpu(limits)):
        found = gc.nl_means(
            image,
            *given,
            h=wanted.h,
            sigma=wanted.sigma,
            channel_axis=channel_axis,
            device="cuda",
            **options,
        )
    assert found.shape == image.shape
    assert found.dtype == image.dtype
    joint = channel_axis is not None
    if channel_axis is not None:
        image, found = (np.moveaxis(array, channel_axis, -3) for array in (image, found))
    with np.errstate(all="ignore"):
        expected = reference.nl_means(
            image, *given, wanted.h, wanted.sigma, joint=joint, dtype="float64", **options
        )
    # Rounding errors of sums grow with their number.
    limit = 2e-6 + 3e-9 * (2 * wanted.search_distance + 1) ** 2
    if image.dtype.kind in "iu" or image.dtype == np.float16:
        limit = 2e-3 if image.dtype == np.float16 else 0.501
    np.testing.assert_allclose(found.astype(np.float64), expected, rtol=0, atol=limit)


# ---------------------------------------------------------------------------- what is computed


@emulated
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize(("patch", "search"), [(3, 2), (4, 1), (19, 1)])
def test_every_border(patch: int, search: int, border: str) -> None:
    wanted = NonLocalMeans.of(patch, search, h=0.2, sigma=0.1)
    check(noise(33, 71), wanted, border=border, cval=0.5)


@emulated
@pytest.mark.parametrize("dtype", DTYPES + FLOATS)
def test_every_dtype(dtype: str) -> None:
    check(noise(20, 40, dtype=dtype), NonLocalMeans.of(3, 1, h=20 if dtype[0] in "iu" else 0.2))


@emulated
@pytest.mark.parametrize("patch", [1, 2, 5, 7, 8, 11, 15, 16, 31, 32, 50])
@pytest.mark.parametrize("limits", [SMALL, ONE], ids=["small", "large"])
def test_every_size_of_patch(patch: int, limits: Limits) -> None:
    check(noise(33, 130), NonLocalMeans.of(patch, 1, h=0.2), limits=limits)


@emulated
def test_the_largest_patch() -> None:
    check(noise(5, 9), NonLocalMeans.of(127, 1, h=0.2))


@emulated
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("limits", [SMALL, ONE], ids=["small", "large"])
def test_channels_have_their_weights_in_common(channels: int, limits: Limits) -> None:
    wanted = NonLocalMeans.of(3, 2, h=0.2, sigma=0.05)
    check(noise(20, 40, channels), wanted, -1, limits)
    check(noise(channels, 20, 40), wanted, 0, limits)


@emulated
@pytest.mark.parametrize(("channels", "search"), [(1, 12), (3, 12)])
def test_the_mean_of_any_number_of_equal_pixels_is_their_value(channels: int, search: int) -> None:
    image = np.full((channels, 3, 4), 0.1, np.float32)
    with runtime.use(cpu()):
        found = gc.nl_means(image, 3, search, h=1, channel_axis=0, device="cuda")
    np.testing.assert_array_equal(found, image)


@emulated
def test_channels_may_lie_anywhere_in_a_batch() -> None:
    wanted = NonLocalMeans.of(3, 1, h=0.2)
    check(noise(2, 3, 2, 9, 12), wanted, 1)
    check(np.asfortranarray(noise(2, 9, 3, 12)), wanted, 2)


@emulated
@pytest.mark.parametrize("search", [7, 30])
def test_what_does_not_fit_into_shared_memory_is_read_from_the_image(search: int) -> None:
    check(noise(4, 5), NonLocalMeans.of(2, search, h=0.2), border="wrap")


@emulated
def test_rows_need_not_lie_in_order() -> None:
    wanted = NonLocalMeans.of(3, 1, h=0.2)
    image = noise(34, 70)
    check(image[::-1, ::-1], wanted)
    check(image.T, wanted)
    check(as_strided(image, (20, 20), (4 * 70, 0)), wanted)


@emulated
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (3, 1, 1)])
def test_images_may_be_as_small_as_a_pixel(shape: tuple[int, ...]) -> None:
    check(noise(*shape), NonLocalMeans.of(5, 3, h=0.2))


@emulated
def test_what_is_not_finite_stays_where_the_formula_has_it() -> None:
    image = noise(40, 70)
    image[5, 9], image[30, 60] = np.nan, np.inf
    for patch, sigma, limits in ((3, 0.1, SMALL), (3, 0.0, ONE), (16, 0.1, ONE), (33, 0.0, ONE)):
        check(image, NonLocalMeans.of(patch, 2, h=0.2, sigma=sigma), limits=limits)


@emulated
def test_both_engines_find_the_same_to_rounding() -> None:
    for image, few in ((noise(40, 80, dtype="uint8"), 0), (noise(40, 80), 2e-6)):
        h = 20.0 if few == 0 else 0.2
        with runtime.use(cpu(ONE)):
            found = gc.nl_means(image, 7, 3, h=h, device="cuda")
            assert gc.estimate_noise(image, device="cuda") == pytest.approx(
                gc.estimate_noise(image), rel=1e-5
            )
        expected = gc.nl_means(image, 7, 3, h=h)
        np.testing.assert_allclose(found, expected, rtol=0, atol=few)


@emulated
def test_results_are_the_same_each_time_and_may_replace_the_image() -> None:
    image = noise(33, 70)
    with runtime.use(cpu()):
        once = gc.nl_means(image, 5, 2, h=0.2, device="cuda")
        again = gc.nl_means(image, 5, 2, h=0.2, device="cuda", out=image)
    assert again is image
    np.testing.assert_array_equal(once, again)


# ---------------------------------------------------------------------------- how it is launched


def launch(wanted: NonLocalMeans, shape: tuple[int, ...] = (4096, 4096), **given: Any) -> Launch:
    """Return the launch for a contiguous image."""
    limits, dtype = given.get("limits", H200), given.get("dtype", "float32")
    plan = planned(wanted, shape, dtype, "auto", limits)
    layout = Layout.contiguous(plan.shape)
    return neighbourhood.launches(plan, layout, layout, limits).launches[-1]


def macro(of: Launch, name: str) -> int:
    """Return the value of a macro."""
    return int(dict(of.program.macros)[name])


def test_large_grey_images_have_wide_blocks_that_share_a_multiprocessor() -> None:
    large, small = (launch(NonLocalMeans.of(h=1), shape) for shape in ((4096, 4096), (256, 256)))
    assert (macro(large, "X"), macro(small, "X")) == (16, 8)
    assert large.grid == (-(-4096 // (128 - 6)), 128, 1)
    assert 2 * large.shared < H200.shared


def test_search_distances_share_programs() -> None:
    programs = {launch(NonLocalMeans.of(7, search, h=1)).program for search in range(8, 14)}
    assert len(programs) == 1


def test_shared_memory_is_never_more_than_there_is() -> None:
    for limits in (SMALL, H200):
        for patch in (1, 8, 9, 31, 32, 127):
            for search in (1, 11, 60, 1023):
                for shape in ((2048, 2048), (3, 512, 512), (40, 64, 64)):
                    for dtype in ("uint8", "float64"):
                        wanted = NonLocalMeans.of(patch, search, h=1)
                        found = launch(wanted, shape, limits=limits, dtype=dtype)
                        assert found.shared <= limits.shared
                        if macro(found, "PATCH") == 0:
                            assert patch >= macro(found, "X")


def test_a_plan_for_a_gpu_says_what_runs() -> None:
    wanted = NonLocalMeans.of(7, 11, h=1)
    grey = planned(wanted, (4096, 4096), "float32", "auto", H200).prediction.seconds
    colour = planned(wanted, (3, 4096, 4096), "float32", "auto", H200).prediction.seconds
    assert 2 * grey < colour < 3 * grey
