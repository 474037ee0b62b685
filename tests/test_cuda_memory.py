"""Large offsets and little memory: 64-bit addresses, and calls done in parts."""

from __future__ import annotations

from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu import ApartRuntime, CpuRuntime
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv import reference
from gpuconv.backends.cuda import execution, runtime
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.errors import DeviceError

pytestmark = pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())

Array = NDArray[Any]
RNG = np.random.default_rng(11)
DENSE = gc.Kernel(RNG.integers(-9, 9, (5, 4)), divisor=3)
LARGE = gc.Kernel(RNG.integers(-9, 9, (12, 33)))
SEPARABLE = gc.Kernel.separable([1, 4, 6, 4, 1], [1, 0, 2, -1])
KERNELS = {"dense": DENSE, "large": LARGE, "separable": SEPARABLE}


# ------------------------------------------------------------------------ 64-bit addresses


@pytest.fixture(scope="module")
def desert(tmp_path_factory: pytest.TempPathFactory) -> Array:
    """Seven gigabytes of zeros, of which only what is touched exists."""
    return np.memmap(tmp_path_factory.mktemp("desert") / "zeros", np.uint8, "w+", shape=7 * 2**30)


@pytest.mark.parametrize("stride", [2**30, 2**31 + 2**20])
@pytest.mark.parametrize("name", KERNELS)
def test_rows_may_lie_more_than_2_31_elements_apart(desert: Array, name: str, stride: int) -> None:
    """Three rows far apart: what a 50000 × 50000 image has at its end, without the image."""
    kernel = KERNELS[name]
    near = RNG.integers(0, 256, (3, 150), np.uint8)
    image, out = (as_strided(desert[at:], near.shape, (stride, 1)) for at in (0, 1024))
    image[...] = near
    with runtime.use(CpuRuntime(mode="fast")):
        gc.convolve(image, kernel, out=out, device="cuda")
    np.testing.assert_array_equal(out, reference.convolve(near, kernel))


@pytest.mark.parametrize("name", KERNELS)
def test_planes_and_columns_may_too(desert: Array, name: str) -> None:
    near = RNG.integers(0, 256, (3, 9, 3), np.uint8)
    steps = 3 * 2**29, 2048, 3 * 2**29 + 7
    image, out = (as_strided(desert[at:], near.shape, steps) for at in (0, 1024))
    image[...] = near
    with runtime.use(CpuRuntime(mode="fast")):
        gc.convolve(image, KERNELS[name], out=out, device="cuda")
    np.testing.assert_array_equal(out, reference.convolve(near, KERNELS[name]))


@pytest.mark.parametrize("name", KERNELS)
def test_a_grid_smaller_than_the_image_walks_it(name: str) -> None:
    """No image is too tall and no batch too long for a grid of 65535 blocks: here it has two."""
    image = RNG.integers(0, 256, (5, 700, 40), np.uint8)
    limits = Limits(multiprocessors=4, shared=227 * 1024, grid=2)
    with runtime.use(CpuRuntime(limits=limits)) as cpu:
        found = gc.convolve(image, KERNELS[name], device="cuda")
    assert cpu.launches[-1].grid[1:] == (2, 2)
    np.testing.assert_array_equal(found, reference.convolve(image, KERNELS[name]))


# ------------------------------------------------------------------------ little memory


IMAGE = RNG.integers(0, 256, (2, 61, 83), np.uint8)


@pytest.mark.parametrize("border", ["constant", "nearest", "reflect", "mirror", "wrap"])
@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("size", ["same", "valid", "full"])
def test_an_image_larger_than_the_device_is_filtered_in_parts(
    name: str, border: str, size: Any
) -> None:
    options: dict[str, Any] = {"border": border, "size": size, "cval": 3.5}
    with runtime.use(ApartRuntime(memory=7000, mode="fast")) as cpu:
        found = gc.convolve(IMAGE, KERNELS[name], device="cuda", **options)
    entries = [launch.program.entry for launch in cpu.launches]
    assert sum(map(entries.count, ("dense", "dense_bytes", "march"))) > 3
    np.testing.assert_array_equal(found, reference.convolve(IMAGE, KERNELS[name], **options))
    assert type(found) is np.ndarray


@pytest.mark.parametrize("stride", [2, 3])
def test_parts_keep_strides_and_dilations(stride: int) -> None:
    options: dict[str, Any] = {"stride": stride, "dilation": 2, "border": "wrap"}
    with runtime.use(ApartRuntime(memory=7000, mode="fast")):
        found = gc.convolve(IMAGE, SEPARABLE, device="cuda", **options)
    np.testing.assert_array_equal(found, reference.convolve(IMAGE, SEPARABLE, **options))


def test_what_fits_goes_in_one_piece() -> None:
    with runtime.use(ApartRuntime(memory=2 * IMAGE.nbytes, mode="fast")) as cpu:
        gc.convolve(IMAGE, DENSE, device="cuda")
    assert len(cpu.launches) == 1


def test_a_device_without_memory_for_a_row_says_so() -> None:
    with (
        runtime.use(ApartRuntime(memory=100, mode="fast")),
        pytest.raises(DeviceError, match=r"too little free memory for one row .*\d+ bytes"),
    ):
        gc.convolve(IMAGE, DENSE, device="cuda")


def test_scratch_that_does_not_fit_is_halved() -> None:
    """The image and the output are there; the rows between two passes are made band by band."""
    options: dict[str, Any] = {"stride": 2, "method": "separable"}
    expected = reference.convolve(IMAGE, SEPARABLE, stride=2)
    cpu = CpuRuntime(mode="fast")
    with runtime.use(cpu):
        image, out = cpu.asarray(IMAGE), cpu.empty(expected.shape, np.uint8)
        cpu.memory = out.nbytes + 4000
        gc.convolve(image, SEPARABLE, out=out, device="cuda", **options)
    assert len(cpu.launches) > 2
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("name", KERNELS)
def test_the_predicted_peak_is_what_is_allocated(name: str) -> None:
    plan = gc.plan(IMAGE.shape, "uint8", KERNELS[name])
    device = ApartRuntime(mode="fast")
    predicted = execution.peak(plan, device.limits())
    for memory, launches in ((predicted, 1), (predicted - 1, 2)):
        with runtime.use(ApartRuntime(memory=memory, mode="fast")) as used:
            gc.convolve(IMAGE, KERNELS[name], device="cuda")
        entries = [launch.program.entry for launch in used.launches]
        assert len([entry for entry in entries if entry != "deposit"]) == launches


@pytest.mark.parametrize("memory", [3000, 9000])
def test_a_mask_larger_than_the_device_goes_there_in_parts(memory: int) -> None:
    mask = RNG.integers(0, 3, IMAGE.shape).astype(float)
    weights = gc.kernels.box(3)
    with runtime.use(ApartRuntime(memory=memory, mode="fast")) as cpu:
        found = gc.convolve(IMAGE, weights, mask=mask, border="wrap", device="cuda")
    assert len(cpu.launches) > 2
    expected = reference.convolve(IMAGE, weights, mask=mask, border="wrap")
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("reduce", [None, "sum"])
def test_a_bank_whose_result_leaves_no_room_between_passes_goes_in_parts(reduce: Any) -> None:
    image, kernels = IMAGE[0].astype(np.float32), [gc.kernels.gaussian(sigma) for sigma in (4, 6)]
    options: dict[str, Any] = {"reduce": reduce, "method": "separable", "stride": 2}
    expected = gc.filter_bank(image, kernels, device="cpu", **options)
    room = image.nbytes + expected.nbytes + (2 * expected.nbytes if reduce else 0)
    with runtime.use(ApartRuntime(memory=room + 1000, mode="fast")) as cpu:
        found = gc.filter_bank(image, kernels, device="cuda", **options)
    assert len(cpu.launches) > 5
    np.testing.assert_allclose(found, expected, rtol=1e-5)
