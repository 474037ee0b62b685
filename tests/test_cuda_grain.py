"""Parts of a result on the CUDA engine: the bits of the whole, where its grain has them begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu import ApartRuntime, CpuRuntime

import gpuconv as gc
from gpuconv.backends import cuda
from gpuconv.backends.cuda import execution, kept, linear, runtime
from gpuconv.backends.cuda import fourier as cuda_fourier
from gpuconv.backends.cuda.launch import Layout
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.border import MODES
from gpuconv.task import Task
from gpuconv.verify import verify
from gpuconv.verify.parts import CASES as PARTS
from gpuconv.window import Window, gather, needs

pytestmark = pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())

Array = Any
H200 = Limits(multiprocessors=132, shared=232448)
SOBEL = gc.kernels.sobel_x(), gc.kernels.sobel_y()
RANDOM = np.random.default_rng(0).normal(size=(6, 5))
LONG = np.random.default_rng(1).normal(size=(9, 45))
TWO_TERMS = np.outer([1, 2, 1.5], [1, 0.3, 4, 1, 2]) + np.outer([3, -1, 0.7], [2, 0.1, 1, 5, 1])


@pytest.fixture(autouse=True)
def device() -> Iterator[CpuRuntime]:
    """A device that a few blocks keep busy: an image of 300 pixels does, a part of it does not."""
    with runtime.use(CpuRuntime("fast", orders=("forward",))) as used:
        yield used  # type: ignore[misc]
    kept.clear()


@pytest.fixture
def small_transforms(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have transforms of a few thousand points, four at once, so that small images have several."""
    module = import_module("gpuconv.algorithms.fourier")
    monkeypatch.setattr(module, "_MOST_POINTS", 64 * 64)
    monkeypatch.setattr(cuda_fourier, "_BATCH_BYTES", 4 * 64 * 64 * 4)
    linear.launches.cache_clear()
    yield
    linear.launches.cache_clear()


def pixels(*shape: int, dtype: str = "float32", seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    return (100 * rng.normal(size=shape)).astype(dtype)


def runs(n: int, grain: int, rng: Any) -> tuple[int, int]:
    """Return a run on a grid, a short one of half of them at the end."""
    starts = range(0, n, grain)
    start = int(rng.choice(starts))
    stops = [stop for stop in (*starts, n) if stop > start]
    return start, int(rng.choice(stops[:4]))


def window(plans: tuple[Task, ...], image: Array, rows: Any, columns: Any) -> Window:
    """Return what a part of the result reads, as streams do."""
    high = needs(tuple(plan.y for plan in plans), plans[0].border[0], *rows)
    wide = needs(tuple(plan.x for plan in plans), plans[0].border[1], *columns)
    read = gather(high, wide, lambda y, x: image[slice(*y), slice(*x)])
    return Window(
        np.ascontiguousarray(read), image.shape, rows, columns, (high.origin, wide.origin)
    )


def assert_parts_are_the_whole(
    call: Callable[[Any], Array], plans: tuple[Task, ...], image: Array, count: int = 8
) -> tuple[int, int]:
    """Hold parts on the grain to the whole's bits; return the grain."""
    rng = np.random.default_rng(7)
    with np.errstate(all="ignore"):
        whole = call(image)
    grain = cuda.grain(plans)
    height, width = plans[0].y.out, plans[0].x.out
    stacked = whole.ndim - image.ndim
    for _ in range(count):
        rows, columns = runs(height, grain[0], rng), runs(width, grain[1], rng)
        found = call(window(plans, image, rows, columns))
        index = (*[slice(None)] * stacked, slice(*rows), slice(*columns))
        assert found.tobytes() == np.ascontiguousarray(whole[index]).tobytes(), (rows, columns)
    return grain


def assert_linear(
    image: Array, kernel: Any, method: str, algorithm: str = "", **options: Any
) -> tuple[int, int]:
    if image.ndim == 3:
        options["channel_axis"] = -1
    if method == "recursive":
        options["accuracy"] = "fast"
    call = partial(gc.convolve, kernel=kernel, method=method, device="cuda", **options)
    masked = {"masked": True} if options.get("nan") == "ignore" else {}
    planned = partial(gc.plan, image.shape, image.dtype, kernel, method=method, device="cuda")
    plan = planned(**options, **masked)
    assert plan.algorithm == (algorithm or method)
    return assert_parts_are_the_whole(call, (plan,), image)


# ------------------------------------------------------------------------ sums


@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("kernel", [RANDOM, LONG, -np.eye(3)], ids=["small", "long", "negative"])
def test_dense(kernel: Array, border: str) -> None:
    assert assert_linear(pixels(150, 301), kernel, "dense", border=border) == (1, 1)


def test_dense_of_colour_of_float64_and_with_steps() -> None:
    assert_linear(pixels(90, 211, 3), RANDOM, "dense")
    assert_linear(pixels(90, 211, 4, dtype="float64"), LONG, "dense")
    assert_linear(pixels(190, 211), LONG, "dense", stride=2)
    assert_linear(pixels(90, 311), LONG, "dense", dilation=(2, 3))


def test_bytes() -> None:
    image = pixels(150, 303, dtype="uint8")
    assert_linear(image, gc.Kernel(np.arange(9).reshape(3, 3), divisor=36), "dense")
    assert_linear(image, RANDOM, "dense")


@pytest.mark.parametrize("border", ["reflect", "constant"])
@pytest.mark.parametrize("sigma", [1.0, 4.0, 12.0])
def test_separable_by_march_ring_and_two_passes(sigma: float, border: str) -> None:
    kernel = gc.kernels.gaussian(sigma)
    assert assert_linear(pixels(140, 303), kernel, "separable", border=border) == (1, 1)


def test_separable_of_two_terms_of_colour_and_with_a_dilation() -> None:
    assert_linear(pixels(120, 303), TWO_TERMS, "separable")
    assert_linear(pixels(90, 203, 3), TWO_TERMS, "separable")
    assert_linear(pixels(90, 203, 3, dtype="uint16"), gc.kernels.gaussian(2), "separable")
    assert_linear(pixels(120, 203), gc.kernels.gaussian(2), "separable", dilation=2)


def test_which_kernel_runs_several_terms_does_not_depend_on_where_rows_lie() -> None:
    """The ring adds them in another order than the march."""
    chosen = set()
    rng = np.random.default_rng(3)
    for size in range(3, 36, 4):
        terms = sum(np.outer(*rng.normal(size=(2, size))) for _ in range(2))
        plan = gc.plan((400, 512), "float32", terms, method="separable", device="cuda")
        odd = Layout((400, 512), (515, 1), 4)
        layouts = Layout.contiguous((400, 512)), odd
        first, second = (
            linear.launches(plan, image, odd, H200).launches[-1].program.entry for image in layouts
        )
        assert first == second
        chosen.add(first)
    assert chosen == {"march", "ring"}


@pytest.mark.parametrize("border", MODES)
def test_running_sums_of_floats(border: str) -> None:
    grain = assert_linear(pixels(160, 210), gc.kernels.box(9), "box", border=border)
    assert grain[0] >= 16
    assert grain[1] == 8


def test_running_sums_of_integers_begin_anywhere() -> None:
    image = pixels(160, 210, dtype="uint8")
    assert assert_linear(image, gc.kernels.box(9), "box") == (1, 1)


def test_running_sums_of_colour_with_a_stride_and_of_float64() -> None:
    assert assert_linear(pixels(90, 130, 3), gc.kernels.box(7), "box")[1] == 4
    assert assert_linear(pixels(90, 333), gc.kernels.box(7), "box", stride=(1, 4))[1] == 2
    assert assert_linear(pixels(90, 130, dtype="float64"), gc.kernels.box(7), "box")[1] == 4


def test_running_sums_beside_pixels_that_are_no_numbers() -> None:
    """A sum that is taken anew leaves its neighbours', which a part may lack, as they are."""
    image = pixels(160, 210)
    rng = np.random.default_rng(4)
    for bad in (np.nan, np.inf, -np.inf):
        image[rng.integers(0, 160, 6), rng.integers(0, 210, 6)] = bad
    assert_linear(image, gc.kernels.box(9), "box")


@pytest.mark.parametrize("border", MODES)
def test_recursion(border: str) -> None:
    grain = assert_linear(pixels(300, 410), gc.kernels.gaussian(6), "recursive", border=border)
    assert grain == (160, 160)


def test_recursion_of_bytes_of_colour_and_of_pixels_that_are_no_numbers() -> None:
    kernel = gc.kernels.gaussian(6)
    assert_linear(pixels(200, 300, 3, dtype="uint8"), kernel, "recursive")
    image = pixels(200, 300)
    image[[20, 150, 190], [200, 20, 290]] = np.nan, np.inf, -np.inf
    assert_linear(image, kernel, "recursive")


@pytest.mark.usefixtures("small_transforms")
@pytest.mark.parametrize("border", MODES)
def test_transforms(border: str) -> None:
    grain = assert_linear(pixels(130, 350), LONG, "fft", border=border)
    assert 1 < grain[0] <= 130
    assert 1 < grain[1] < 350


@pytest.mark.usefixtures("small_transforms")
def test_transforms_of_bytes_of_colour_with_steps_and_of_pixels_that_are_no_numbers() -> None:
    assert_linear(pixels(130, 150, dtype="uint8"), LONG, "fft")
    assert_linear(pixels(100, 120, 3), LONG, "fft")
    assert_linear(pixels(130, 250), RANDOM, "fft", stride=(1, 2), dilation=2)
    image = pixels(130, 150)
    image[[20, 60, 129], [100, 20, 149]] = np.nan, np.inf, -np.inf
    assert_linear(image, LONG, "fft")


@pytest.mark.parametrize("method", ["dense", "separable"])
@pytest.mark.parametrize("sigma", [1.0, 5.0])
def test_pixels_that_do_not_count(method: str, sigma: float) -> None:
    for dtype in ("float32", "float64"):
        image = pixels(120, 203, dtype=dtype)
        image[np.random.default_rng(5).random(image.shape) < 0.2] = np.nan
        assert_linear(image, gc.kernels.gaussian(sigma), method, nan="ignore")


def test_a_factor() -> None:
    assert_linear(pixels(60, 203), gc.Kernel([[-0.3]]), "auto", "scale")


# ------------------------------------------------------------------------ banks


def assert_bank(image: Array, kernels: Any, **options: Any) -> tuple[int, int]:
    call = partial(gc.filter_bank, kernels=kernels, device="cuda", **options)
    plans = tuple(gc.plan(image.shape, image.dtype, k, device="cuda") for k in kernels)
    if "method" in options:
        method = options["method"]
        plans = tuple(
            gc.plan(image.shape, image.dtype, k, device="cuda", method=method) for k in kernels
        )
    return assert_parts_are_the_whole(call, plans, image)


@pytest.mark.parametrize("reduce", [None, "magnitude", "direction"])
def test_a_bank_of_small_filters(reduce: str | None) -> None:
    assert assert_bank(pixels(120, 203), SOBEL, reduce=reduce) == (1, 1)
    assert_bank(pixels(120, 203), [RANDOM, LONG[:, :9]], reduce=reduce)


@pytest.mark.usefixtures("small_transforms")
def test_a_bank_of_filters_that_run_apart() -> None:
    image = pixels(130, 150)
    kernels = [LONG, np.random.default_rng(6).normal(size=(20, 30))]
    grain = assert_bank(image, kernels, method="fft")
    tiles = [
        gc.plan(image.shape, "float32", kernel, device="cuda", method="fft").tile
        for kernel in kernels
    ]
    assert grain == (min(t[0] for t in tiles), min(t[1] for t in tiles))
    assert_bank(image, kernels, method="fft", reduce="magnitude")
    assert_bank(
        pixels(150, 180), [gc.kernels.box(9), gc.kernels.box(35)], reduce="max", method="box"
    )


# ------------------------------------------------------------------------ neighbourhoods


def assert_neighbourhood(image: Array, wanted: Any, call: Any, method: str = "auto") -> Any:
    axis = {"channel_axis": -1} if image.ndim == 3 else {}
    plan = gc.plan(image.shape, image.dtype, wanted, method=method, device="cuda", **axis)
    run = partial(call, method=method, device="cuda", **axis)
    return assert_parts_are_the_whole(run, (plan,), image)


@pytest.mark.parametrize("method", ["network", "histogram", "sort"])
def test_medians(method: str) -> None:
    image = pixels(90, 203, dtype="uint8")
    call = partial(gc.median, size=5)
    assert assert_neighbourhood(image, gc.Rank.median(5), call, method) == (1, 1)


def test_extremes() -> None:
    call = partial(gc.maximum, size=9)
    assert assert_neighbourhood(pixels(90, 203), gc.Rank.maximum(9), call) == (1, 1)


@pytest.mark.parametrize("shape", [(80, 203), (60, 103, 3), (40, 50, 6)])
def test_bilateral(shape: tuple[int, ...]) -> None:
    wanted = gc.Bilateral.of(7, sigma_color=50)
    call = partial(gc.bilateral, diameter=7, sigma_color=50)
    assert assert_neighbourhood(pixels(*shape), wanted, call) == (1, 1)


@pytest.mark.parametrize("shape", [(100, 190), (70, 90, 3)])
def test_non_local_means(shape: tuple[int, ...]) -> None:
    wanted = gc.NonLocalMeans.of(5, 3, h=60.0)
    call = partial(gc.nl_means, patch_size=5, search_distance=3, h=60.0)
    grain = assert_neighbourhood(pixels(*shape), wanted, call)
    assert grain[0] == 32


# ------------------------------------------------------------------------ little memory


@pytest.mark.usefixtures("small_transforms")
@pytest.mark.parametrize(
    ("method", "kernel", "room"),
    [
        ("box", gc.kernels.box(9), 250_000),
        ("recursive", gc.kernels.gaussian(6), 800_000),
        ("fft", gc.Kernel(LONG), 500_000),
        ("dense", gc.Kernel(RANDOM), 250_000),
    ],
)
def test_a_call_in_parts_has_the_bits_of_one_that_is_whole(
    method: str, kernel: gc.Kernel, room: int
) -> None:
    image = pixels(400, 300)
    options: Any = {"method": method, "accuracy": "fast" if method == "recursive" else "exact"}
    with runtime.use(ApartRuntime("fast", orders=("forward",))):
        expected = gc.convolve(image, kernel, device="cuda", **options)
    with runtime.use(ApartRuntime("fast", orders=("forward",), memory=room)):
        found = gc.convolve(image, kernel, device="cuda", **options)
    plan = gc.plan(image.shape, "float32", kernel, **options)
    assert execution.peak(plan, runtime.current().limits()) > room
    assert found.tobytes() == expected.tobytes()


# ------------------------------------------------------------------------ there and back


def apart(room: int | None = None) -> ApartRuntime:
    return ApartRuntime("fast", orders=("forward",), memory=room)


COLOURED = [
    partial(gc.convolve, kernel=gc.kernels.box(9), method="box"),
    partial(gc.convolve, kernel=LONG, method="dense"),
    partial(gc.convolve, kernel=gc.kernels.gaussian(6), method="recursive", accuracy="fast"),
    partial(gc.filter_bank, kernels=[gc.kernels.box(9), gc.kernels.box(35)], method="box"),
]


@pytest.mark.parametrize("call", COLOURED, ids=["box", "dense", "recursive", "bank"])
@pytest.mark.parametrize("border", ["reflect", "wrap"])
def test_colour_of_the_host_has_the_bits_of_colour_that_is_there(call: Any, border: str) -> None:
    image = pixels(160, 210, 3)
    call = partial(call, channel_axis=-1, border=border, device="cuda")
    with runtime.use(apart()):
        expected = cuda.asnumpy(call(cuda.asarray(image)))
        found = call(image)
    assert found.tobytes() == expected.tobytes()
    with runtime.use(apart(image.nbytes + found.nbytes - 1)) as device:
        found = call(image)
    assert len(device.launches) > 1  # type: ignore[attr-defined]
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("call", COLOURED[:3], ids=["box", "dense", "recursive"])
@pytest.mark.parametrize("chunks", [(80, 70, 3), (160, 210, 1)])
def test_colour_in_chunks_has_the_bits_of_the_whole(call: Any, chunks: tuple[int, ...]) -> None:
    array = pytest.importorskip("dask.array")
    lazy = import_module("gpuconv.dask").convolve
    image, options = pixels(160, 210, 3), {"channel_axis": -1, "device": "cuda"}
    expected = call(image, **options)
    found = lazy(array.from_array(image, chunks=chunks), **call.keywords, **options)
    assert found.compute(scheduler="sync").tobytes() == expected.tobytes()


def test_channels_of_which_there_is_one_row_are_parts_at_last() -> None:
    """A row of an image whose width is all that there is room for, in one channel."""
    image = pixels(3, 400, 3)
    with runtime.use(apart()):
        expected = gc.convolve(image, LONG[:3], method="dense", channel_axis=-1, device="cuda")
    with runtime.use(apart(4 * 400 * 4 + 4000)):
        found = gc.convolve(image, LONG[:3], method="dense", channel_axis=-1, device="cuda")
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-2)


# ------------------------------------------------------------------------ verification


def test_parts_are_verified_on_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    (case,) = (case for case in PARTS if case.method == "recursive")
    assert verify("cuda", [case]).right
    monkeypatch.setattr(cuda, "grain", lambda plans: (7, 11))
    assert not verify("cuda", [case]).right
