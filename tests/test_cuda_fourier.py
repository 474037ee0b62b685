"""Correlation by Fourier transforms on the CUDA engine, its kernels run on the CPU by a checker.

Transforms are smaller here than a plan would have them, so that small images have several tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Thread
from typing import Any

import numpy as np
import pytest
from cuda_on_cpu import CpuRuntime, missing
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuconv as gc
from gpuconv import reference
from gpuconv.backends.cuda import execution, explain, fourier, kept, linear, runtime
from gpuconv.backends.cuda.launch import Layout, Transform
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.border import MODES
from gpuconv.epilogue import Epilogue
from gpuconv.plan import Plan

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

Array = Any
Options = dict[str, Any]

F32, F64 = np.dtype("float32"), np.dtype("float64")
KERNEL = gc.Kernel(np.random.default_rng(1).integers(-9, 10, (5, 4)) * 0.5)
INTEGERS = gc.Kernel(np.random.default_rng(2).integers(-9, 10, (4, 7)), divisor=9)
#: The least that any GPU has, so that grids are walked in steps.
SMALL = Limits(multiprocessors=2, shared=48 * 1024, grid=2)


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    yield
    kept.clear()


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have batches of two tiles of 16 × 16 float32 pixels."""
    monkeypatch.setattr(fourier, "_BATCH_BYTES", 2 * 16 * 16 * 4)
    linear.launches.cache_clear()
    yield
    linear.launches.cache_clear()


def planned(
    image: Array,
    kernel: gc.Kernel,
    transform: tuple[int, int],
    dtype: Any = None,
    channel_axis: int | None = None,
    **options: Any,
) -> Plan:
    plan = gc.plan(
        image.shape,
        image.dtype,
        kernel,
        method="dense",
        out_dtype=dtype,
        channel_axis=channel_axis,
        **options,
    )
    summed = F32 if image.dtype in (np.float16, np.float32) else F64
    tile = tuple(
        (size - axis.footprint) // axis.stride + 1
        for size, axis in zip(transform, (plan.y, plan.x), strict=True)
    )
    return replace(plan, algorithm="fft", tile=tile, transform=transform, accumulator=summed)


def computed(
    image: Array,
    kernel: gc.Kernel,
    transform: tuple[int, int],
    limits: Limits = SMALL,
    **options: Any,
) -> Array:
    """Return the convolution, in planes, under the checker, in both orders of threads."""
    plan = planned(image, kernel, transform, **options)
    axis = options.get("channel_axis")
    with runtime.use(CpuRuntime(limits=limits)):
        out = np.full(plan.shape, 77, plan.out_dtype)
        execution.run(plan, image if axis is None else np.moveaxis(image, axis, 0), out)
    return out


def defined(image: Array, kernel: gc.Kernel, **options: Any) -> Array:
    axis = options.pop("channel_axis", None)
    planes = image if axis is None else np.moveaxis(image, axis, 0)
    with np.errstate(all="ignore"):
        return reference.convolve(planes, kernel, **options)


def noise(*shape: int, dtype: Any = "float32", seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    return rng.standard_normal(shape).astype(dtype)


def assert_near(found: Array, expected: Array, image: Array, kernel: gc.Kernel) -> None:
    """Hold it to the accuracy that ``method="dense"`` is held to."""
    eps = np.finfo(found.dtype if found.dtype.kind == "f" else F64).eps
    size = kernel.total * np.abs(image[np.isfinite(image)]).max(initial=1)
    bound = (4 + kernel.numerators.size / 32) * eps * size / abs(kernel.divisor)
    np.testing.assert_allclose(found, expected, rtol=0, atol=bound, equal_nan=True)


# ------------------------------------------------------------------------ the contract


@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("size", ["same", "valid", "full"])
def test_floats_are_as_near_as_those_of_sums(border: str, size: str) -> None:
    image = noise(41, 67)
    options: Options = {"border": border, "cval": 2.5, "size": size}
    found = computed(image, KERNEL, (16, 24), **options)
    assert_near(found, defined(image, KERNEL, **options), image, KERNEL)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32"])
@pytest.mark.parametrize("border", ["constant", "mirror"])
def test_integers_have_the_bits_of_the_definition(dtype: str, border: str) -> None:
    image = noise(2, 30, 45, dtype=dtype)
    options: Options = {"border": border, "cval": -4, "dtype": "int32"}
    found = computed(image, INTEGERS, (16, 16), **options)
    assert np.array_equal(found, defined(image, INTEGERS, **options))


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_any_shape_stride_dilation_and_border(data: st.DataObject) -> None:
    def draw(least: int, most: int) -> int:
        return data.draw(st.integers(least, most))

    kernel = gc.Kernel(noise(draw(1, 6), draw(1, 6), dtype="int8").astype(float) + 0.0)
    options: Options = {
        "border": (data.draw(st.sampled_from([*MODES])), data.draw(st.sampled_from([*MODES]))),
        "cval": 3,
        "stride": (draw(1, 4), draw(1, 4)),
        "dilation": (draw(1, 3), draw(1, 3)),
        "size": data.draw(st.sampled_from(["same", "full"])),
        "dtype": "int64",
    }
    image = noise(*(draw(1, 3) for _ in range(draw(0, 2))), draw(1, 40), draw(1, 40), dtype="int16")
    found = computed(image, kernel, (draw(16, 30), 2 * draw(8, 15)), **options)
    assert np.array_equal(found, defined(image, kernel, **options))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_every_float_dtype(dtype: str) -> None:
    image = noise(20, 33, dtype=dtype)
    found = computed(image, KERNEL, (16, 16))
    expected = defined(image, KERNEL)
    assert found.dtype == dtype
    assert_near(found, expected, image, KERNEL)


def test_results_go_into_another_dtype() -> None:
    image = noise(20, 33) * 60
    found = computed(image, KERNEL, (16, 16), dtype="uint8").astype(int)
    assert np.abs(found - defined(image, KERNEL, dtype="uint8")).max() <= 1


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "transposed": lambda a: a.T,
    "backwards": lambda a: a[::-1, ::-1],
    "every second": lambda a: a[::2, ::2],
    "crop": lambda a: a[1:-2, 3:-1],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_may_lie_as_they_like(layout: str) -> None:
    image, room = (LAYOUTS[layout](noise(60, 70, dtype="int16")) for _ in range(2))
    plan = planned(image, INTEGERS, (16, 16))
    with runtime.use(CpuRuntime()):
        execution.run(plan, image, room)
    assert np.array_equal(room, defined(image, INTEGERS))


@pytest.mark.parametrize("channels", [2, 3, 5])
def test_colours_are_planes(channels: int) -> None:
    image = noise(2, 20, 30, channels, dtype="uint8")
    options: Options = {"channel_axis": -1, "stride": 2}
    found = computed(image, INTEGERS, (16, 16), **options)
    assert np.array_equal(found, defined(image, INTEGERS, **options))


def test_an_epilogue_is_done_to_each_result() -> None:
    image, wanted = noise(20, 33, dtype="uint8"), Epilogue(0.5, 100, absolute=True, high=180)
    plan = planned(image, INTEGERS, (16, 16), dtype="float64")
    out = np.empty(plan.shape)
    with runtime.use(CpuRuntime()):
        execution.run(replace(plan, epilogue=wanted), image, out)
    expected = defined(image, INTEGERS, dtype="float64")
    wanted.apply(expected)
    assert np.allclose(out, expected, rtol=1e-14)


# ------------------------------------------------------------------------ NaN and infinity


@pytest.mark.parametrize("options", [{}, {"stride": (2, 3)}, {"dilation": (3, 2)}])
@pytest.mark.parametrize("border", ["wrap", "constant"])
def test_what_is_not_finite_stays_in_its_footprint(border: str, options: Options) -> None:
    image = noise(41, 67)
    image[20:24, 30:34], image[-2:, -2:] = np.nan, -np.inf
    image[3, 3] = image[28, 31] = np.inf
    kernel = gc.Kernel(np.where(np.indices((5, 4)).sum(0) % 2, KERNEL.numerators, 0))
    options = options | {"border": border}
    found = computed(image, kernel, (16, 16), **options)
    expected = defined(image, kernel, **options)
    for kind in (np.isnan, np.isposinf, np.isneginf):
        assert np.array_equal(kind(found), kind(expected))
    assert np.isnan(expected).any()
    within = np.isfinite(expected)
    assert_near(found[within], expected[within], image, kernel)


def test_a_border_may_be_filled_with_nan() -> None:
    image = noise(20, 33, dtype="uint8")
    options: Options = {"border": "constant", "cval": np.nan, "dtype": "float32"}
    found = computed(image, INTEGERS, (16, 16), **options)
    expected = defined(image, INTEGERS, **options)
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    assert np.array_equal(found[5:-5, 8:-8], expected[5:-5, 8:-8])


def test_pixels_near_the_largest_float_spoil_no_others() -> None:
    image = noise(30, 30)
    image[7, 9] = 3e38
    found, expected = computed(image, KERNEL, (16, 16)), defined(image, KERNEL)
    assert np.isinf(expected).any()
    assert np.array_equal(np.isinf(found), np.isinf(expected))
    assert not np.isnan(found).any()


# ------------------------------------------------------------------------ batches and memory


@pytest.mark.usefixtures("small_batches")
def test_tiles_are_transformed_in_batches_of_about_the_same_size() -> None:
    image = noise(3, 30, 40)
    plan, layout = planned(image, KERNEL, (16, 16)), Layout.contiguous(image.shape)
    work = linear.launches(plan, layout, layout, SMALL)
    there = [step for step in work.steps if isinstance(step, Transform) and step.source == "tiles"]
    assert [step.count for step in there] == [2] * 18
    assert_near(computed(image, KERNEL, (16, 16)), defined(image, KERNEL), image, KERNEL)


@pytest.mark.usefixtures("small_batches")
def test_a_last_batch_that_is_not_full_is_transformed_as_all_others_are() -> None:
    image = noise(30, 33, dtype="float32")
    plan, layout = planned(image, KERNEL, (16, 16)), Layout.contiguous(image.shape)
    work = linear.launches(plan, layout, layout, SMALL)
    counts = [step.count for step in work.steps if isinstance(step, Transform)]
    assert counts == [2] * 10
    scattered = [e for e in work.launches if e.program.entry == "scatter"]
    assert [int(e.parameters["tiles"]["count"][0]) for e in scattered] == [2] * 4 + [1]
    assert_near(computed(image, KERNEL, (16, 16)), defined(image, KERNEL), image, KERNEL)


def test_the_workspace_does_not_grow_with_the_image() -> None:
    def room(side: int) -> int:
        plan = replace(
            gc.plan((side, side), "float32", KERNEL, method="dense"),
            algorithm="fft",
            tile=(1020, 1021),
            transform=(1024, 1024),
        )
        return execution.peak(plan, SMALL) - plan.bytes_moved

    batch = fourier._BATCH_BYTES
    assert 4 * batch < room(16384) < 7 * batch
    assert room(32768) <= 7 * batch


def test_what_is_kept_and_what_the_library_takes_are_counted() -> None:
    image = noise(16, 16)
    plan, layout = planned(image, KERNEL, (20, 20)), Layout.contiguous(image.shape)
    work = linear.launches(plan, layout, layout, SMALL)
    tile, spectrum = 20 * 20 * 4, 20 * 11 * 8
    cells = 2 * 1
    arrays = tile + 2 * spectrum + 4 * (20 + 4 + 3) + cells
    assert work.bytes == arrays + 2 * spectrum


@pytest.mark.usefixtures("small_batches")
def test_a_device_with_too_little_memory_does_it_in_parts() -> None:
    image = noise(6, 20, 12, dtype="float32")
    plan = planned(image, KERNEL, (16, 16))
    out = np.empty(plan.shape, np.float32)
    tile, spectrum = 16 * 16 * 4, 16 * 9 * 8
    # Not enough for a batch of two.
    cpu = CpuRuntime(memory=2 * tile + 2 * spectrum)
    with runtime.use(cpu):
        execution.run(plan, image, out)
    assert_near(out, defined(image, KERNEL), image, KERNEL)
    assert {record.grid[2] for record in cpu.launches} == {1}


# ------------------------------------------------------------------------ what is kept


class Counting(CpuRuntime):
    """Counts transforms, and has several streams."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.transforms = 0
        self.stream = 0

    def transform(self, source: Any, target: Any) -> Callable[[], None]:
        self.transforms += 1
        return super().transform(source, target)

    def queue(self) -> Any:
        return self, self.stream


def test_the_spectrum_of_a_kernel_is_made_once_for_each_stream() -> None:
    image = noise(16, 16)
    plan, out = planned(image, KERNEL, (20, 20)), np.empty_like(image)
    counts, cpu = [], Counting()
    with runtime.use(cpu):
        for stream in (0, 0, 1, 1, 0):
            cpu.stream, before = stream, cpu.transforms
            execution.run(plan, image, out)
            counts.append(cpu.transforms - before)
    assert counts == [3, 2, 3, 2, 2]


def test_other_kernels_and_other_transforms_have_spectra_of_their_own() -> None:
    image, out = noise(16, 16), np.empty((16, 16), np.float32)
    other = gc.Kernel(KERNEL.numerators * 2)
    with runtime.use(CpuRuntime()):
        for kernel, size in ((KERNEL, 20), (other, 20), (KERNEL, 24)):
            execution.run(planned(image, kernel, (size, size)), image, out)
            assert_near(out, defined(image, kernel), image, kernel)


def test_threads_may_call_at_once() -> None:
    image = noise(16, 16)
    plan, outs = planned(image, KERNEL, (20, 20)), [np.empty_like(image) for _ in range(4)]
    with runtime.use(CpuRuntime()):
        threads = [Thread(target=execution.run, args=(plan, image, out)) for out in outs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for out in outs:
        assert_near(out, defined(image, KERNEL), image, KERNEL)


# ------------------------------------------------------------------------ in words


def test_steps_that_come_again_and_again_are_said_once() -> None:
    plan = replace(
        gc.plan((8192, 8192), "float32", gc.Kernel(np.ones((65, 65))), method="dense"),
        algorithm="fft",
        tile=(960, 960),
        transform=(1024, 1024),
    )
    words = explain.lines(plan, Limits(multiprocessors=132, shared=232448))
    assert words[0] == (
        "kernels     21 × gather 32×8×4 blocks, 21 × tiles → spectra 4×1024×1024, "
        "21 × multiply 2052×1×1 blocks, 21 × spectra → tiles 4×1024×1024, "
        "20 × scatter 30×8×4 blocks, scatter 30×8×1 blocks"
    )
    assert "between passes" in words[1]


def test_batches_share_a_transform(small_batches: None) -> None:
    """Each has a work area, which may be too large to be kept from one to the next."""
    prepared, done = [], []

    class Counting(CpuRuntime):
        def transform(self, source: Any, target: Any) -> Callable[[], None]:
            prepared.append(source.shape)
            go = super().transform(source, target)
            return lambda: (done.append(source.shape), go())[1]

    image = noise(60, 60)
    plan = planned(image, KERNEL, (16, 16))
    with runtime.use(Counting(limits=SMALL)):
        execution.run(plan, image, np.empty(plan.shape, np.float32))
    assert len(done) > 20
    assert len(prepared) == 1 + 2  # the kernel's; there, and back
