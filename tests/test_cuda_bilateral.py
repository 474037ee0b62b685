"""The bilateral filter on the CUDA engine: its kernels on the CPU, under the checker."""

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
from gpuconv.neighbourhood import Bilateral

H200 = Limits(132, 227 * 1024)
SMALL = Limits(multiprocessors=2, shared=48 * 1024, grid=2)
BORDERS = "reflect", "mirror", "nearest", "wrap", "constant"
DTYPES = "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"

emulated = pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())


@cache
def cpu() -> cuda_on_cpu.CpuRuntime:
    """Return the runtime that all tests here share, with the kernels it has compiled."""
    return cuda_on_cpu.CpuRuntime(limits=SMALL)


def noise(*shape: int, dtype: str = "float32") -> Any:
    rng = np.random.default_rng(3)
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 100, shape).astype(dtype)
    return rng.random(shape).astype(dtype)


def check(image: Any, wanted: Bilateral, channel_axis: int | None = None, **options: Any) -> None:
    """Compare a call with the definition in float64."""
    given: dict[str, Any] = {"sigma_color": wanted.sigma_color, "sigma_space": wanted.sigma_space}
    with runtime.use(cpu()):
        found = gc.bilateral(
            image,
            2 * wanted.radius + 1,
            channel_axis=channel_axis,
            device="cuda",
            **given,
            **options,
        )
    assert found.shape == image.shape
    assert found.dtype == image.dtype
    joint = channel_axis is not None
    if channel_axis is not None:
        image, found = (np.moveaxis(array, channel_axis, -3) for array in (image, found))
    with np.errstate(all="ignore"):
        expected = reference.bilateral(
            image, wanted.radius, *given.values(), joint=joint, dtype="float64", **options
        )
    limit = 0.501 if image.dtype.kind in "iu" else 2e-3 if image.dtype == np.float16 else 1e-6
    np.testing.assert_allclose(found.astype(np.float64), expected, rtol=0, atol=limit)


# ---------------------------------------------------------------------------- what is computed


@emulated
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("diameter", [3, 9, 19])
def test_every_border(diameter: int, border: str) -> None:
    check(noise(33, 141), Bilateral.of(diameter, sigma_color=0.3), border=border, cval=0.5)


@emulated
@pytest.mark.parametrize("dtype", [*DTYPES, "float16", "float64"])
def test_every_dtype(dtype: str) -> None:
    color = 30.0 if np.dtype(dtype).kind in "iu" else 0.3
    check(noise(18, 132, dtype=dtype), Bilateral.of(5, sigma_color=color))


@emulated
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_channels_together_wherever_they_lie(channels: int, axis: int) -> None:
    image = np.ascontiguousarray(np.moveaxis(noise(channels, 20, 37), 0, axis))
    check(image, Bilateral.of(5, sigma_color=0.5), channel_axis=axis)


@emulated
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (7, 129), (0, 4)])
def test_images_smaller_than_the_window(shape: tuple[int, int]) -> None:
    if 0 in shape:
        with runtime.use(cpu()):
            found = gc.bilateral(np.zeros(shape, np.float32), 9, sigma_color=1.0, device="cuda")
        assert found.shape == shape
    else:
        check(noise(*shape), Bilateral.of(11, sigma_color=0.3), border="mirror")


@emulated
def test_batches_of_colour() -> None:
    check(noise(2, 3, 9, 34, 3), Bilateral.of(5, sigma_color=0.5), channel_axis=-1)
    check(noise(3, 2, 3, 9, 34), Bilateral.of(5, sigma_color=0.5), channel_axis=2)


@emulated
def test_any_strides() -> None:
    image = noise(80, 300)
    for view in (image[::2, ::-2], image[:40, 5:160], np.asfortranarray(image[:40, :150])):
        check(view, Bilateral.of(7, sigma_color=0.3))
    # Rows that are aligned, of channels that are not.
    apart = as_strided(noise(3000), (3, 16, 36), (4 * 721, 4 * 40, 4))
    check(apart, Bilateral.of(5, sigma_color=0.5), channel_axis=0)


@emulated
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("diameter", [5, 19])
def test_what_is_not_finite_reaches_as_far_as_on_the_cpu(diameter: int, bad: float) -> None:
    image = noise(25, 140)
    image[11, 70] = bad
    check(image, Bilateral.of(diameter, sigma_color=0.3))


@emulated
@pytest.mark.parametrize(("channels", "diameter"), [(3, 5), (3, 19), (5, 5)])
def test_a_colour_that_is_not_finite_is_what_the_formula_makes_of_it(
    channels: int, diameter: int
) -> None:
    image = noise(channels, 25, 40)
    image[1, 11, 20] = np.inf
    check(image, Bilateral.of(diameter, sigma_color=0.3), channel_axis=0)


@emulated
@pytest.mark.parametrize("sigma", [1e-300, 1e-3, 1e30, 1e300])
def test_sigmas_of_any_size(sigma: float) -> None:
    check(noise(12, 40), Bilateral.of(5, sigma_color=sigma))
    check(noise(12, 40), Bilateral.of(5, sigma_color=1.0, sigma_space=sigma))
    check(noise(12, 40, dtype="float64"), Bilateral.of(5, sigma_color=sigma, sigma_space=sigma))


@emulated
def test_a_window_of_many_pieces() -> None:
    check(noise(4, 10, 20), Bilateral.of(61, sigma_color=0.5), channel_axis=0)


@emulated
def test_bytes_are_those_of_the_cpu_engine_but_for_ties() -> None:
    image = noise(60, 200, 3, dtype="uint8")
    with runtime.use(cpu()):
        there = gc.bilateral(image, 9, sigma_color=25.0, channel_axis=-1, device="cuda")
    here = gc.bilateral(image, 9, sigma_color=25.0, channel_axis=-1, device="cpu")
    difference = np.abs(there.astype(int) - here)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3


# ---------------------------------------------------------------------------- how it is done


@emulated
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("axis", [None, 0])
def test_what_is_larger_than_the_device_is_done_in_parts(axis: int | None, border: str) -> None:
    image = noise(2, 61, 83, dtype="uint8")
    options: dict[str, Any] = {"sigma_color": 30.0, "channel_axis": axis, "border": border}
    expected = gc.bilateral(image, 7, device="cpu", **options)
    used = cuda_on_cpu.ApartRuntime(memory=7000, mode="fast")
    with runtime.use(used):
        found = gc.bilateral(image, 7, device="cuda", **options)
    assert len(used.launches) > 2
    assert np.abs(found.astype(int) - expected).max() <= 1


@emulated
def test_rows_and_channels_may_lie_more_than_2_31_elements_apart(tmp_path: Any) -> None:
    """Seven gigabytes of zeros, of which only what is touched exists."""
    desert = np.memmap(tmp_path / "zeros", np.uint8, "w+", shape=7 * 2**30)
    near = noise(3, 3, 40, dtype="uint8")
    for steps in ((64, 2**31 + 2**20, 1), (2**31 + 2**20, 512, 1)):
        image, out = (as_strided(desert[at:], near.shape, steps) for at in (0, 2**15))
        image[...] = near
        with runtime.use(cuda_on_cpu.CpuRuntime(mode="fast")):
            gc.bilateral(image, 5, sigma_color=30.0, channel_axis=0, out=out, device="cuda")
        expected = gc.bilateral(near, 5, sigma_color=30.0, channel_axis=0, device="cpu")
        assert np.abs(out.astype(int) - expected).max() <= 1


def launch_of(shape: tuple[int, ...], dtype: str, diameter: int, limits: Limits = H200) -> Launch:
    """Return the last launch for an image (H, W) or (C, H, W)."""
    plan = planned(Bilateral.of(diameter, sigma_color=1.0), shape, dtype, "auto", limits)
    layout = Layout.contiguous(shape)
    return neighbourhood.launches(plan, layout, layout, limits).launches[-1]


@pytest.mark.parametrize(
    ("shape", "dtype", "diameter", "macros"),
    [
        ((4096, 4096), "uint8", 9, {"RADIUS": "4", "CHANNELS": "1", "Y": "4", "VECTOR": "4"}),
        ((3, 2048, 2048), "uint8", 9, {"RADIUS": "4", "CHANNELS": "3", "Y": "2"}),
        ((4096, 4095), "float32", 15, {"RADIUS": "7", "VECTOR": "1", "STORE": "1"}),
        ((4096, 4096), "float32", 17, {"RADIUS": "0", "CHANNELS": "1"}),
        ((3, 2048, 2048), "float32", 11, {"RADIUS": "0", "CHANNELS": "3"}),
        ((4096, 4096), "float64", 5, {"RADIUS": "0", "SUM": "double"}),
        ((256, 256), "float32", 9, {"RADIUS": "4", "Y": "1"}),
    ],
)
def test_the_form_of_the_kernel(
    shape: tuple[int, ...], dtype: str, diameter: int, macros: dict[str, str]
) -> None:
    launch = launch_of(shape, dtype, diameter)
    assert launch.program.entry == "bilateral"
    assert macros.items() <= dict(launch.program.macros).items()


def test_more_channels_than_four_have_a_kernel_of_their_own() -> None:
    assert launch_of((5, 200, 200), "uint8", 9).program.entry == "bilateral_many"


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("diameter", [3, 9, 15, 101, 1001])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_tile_fits_into_what_every_device_has(channels: int, diameter: int, dtype: str) -> None:
    launch = launch_of((channels, 100, 100), dtype, diameter)
    assert 0 < launch.shared <= 48 * 1024
