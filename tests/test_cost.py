"""The cost model: bills of work, what they come to, and that they rank algorithms as they are."""

from __future__ import annotations

import pickle
import tracemalloc
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv.algorithms import ALGORITHMS
from gpuconv.arguments import Options
from gpuconv.backends.host.threads import thread_count
from gpuconv.cost import Machine, cpu, gpu, host, predict, transfer
from gpuconv.cost.host import Item
from gpuconv.cost.rates import CUDA, HOST, known, scaled, table_of
from gpuconv.kernel import as_kernel
from gpuconv.request import Candidate, Request

RNG = np.random.default_rng(5)
NOISE = RNG.normal(size=(31, 31))
CPU, H200 = cpu(2), gpu(132)


def asked(
    kernel: Any, shape: tuple[int, ...] = (1024, 1024), dtype: str = "float32", **more: Any
) -> Request:
    """Return the request of a correlation."""
    given: dict[str, Any] = {
        "flip": False, "border": "reflect", "cval": 0, "size": "same", "stride": 1, "dilation": 1,
        "method": "auto", "accuracy": "exact", "nan": "propagate", "epilogue": None,
    } | more  # fmt: skip
    kind = np.dtype(dtype)
    return Options.of(**given).request(shape, kind, as_kernel(kernel), 0.0, kind)


def answer(request: Request, method: str, machine: Machine = CPU) -> Candidate:
    """Return how an algorithm would run a request."""
    found = ALGORITHMS[method](replace(request, method=method), machine)
    assert isinstance(found, Candidate), found
    return found


def seconds(request: Request, method: str, machine: Machine = CPU) -> float:
    return predict(answer(request, method, machine), request, machine).seconds


def fastest(request: Request, machine: Machine) -> str:
    """Return the algorithm that is predicted to be done first."""
    times = dict[str, float]()
    for name, algorithm in ALGORITHMS.items():
        found = algorithm(request, machine)
        if isinstance(found, Candidate):
            times[name] = predict(found, request, machine).seconds
    return min(times, key=lambda name: times[name])


def grown(size: int) -> np.ndarray[Any, Any]:
    """Return a kernel of two separable terms."""
    return RNG.normal(size=(size, 2)) @ RNG.normal(size=(2, size))


# ------------------------------------------------------------------------ machines


def test_a_rate_between_two_sizes_lies_between_theirs() -> None:
    machine = Machine("host", "", 1, False, (("pass.10", 2.0), ("pass.1000", 8.0)))
    found = [machine.at("pass", size) for size in (1, 10, 1000, 5000)]
    assert found == pytest.approx([2, 2, 8, 8])
    assert machine.at("pass", 100) == pytest.approx(4)
    assert machine.rate("pass.10") == 2


@pytest.mark.parametrize("machine", [CPU, H200])
def test_a_machine_is_a_value(machine: Machine) -> None:
    again = pickle.loads(pickle.dumps(machine))
    assert again == machine
    assert hash(again) == hash(machine)
    assert "_hash" not in machine.__getstate__()
    assert machine != replace(machine, measured=True)


def test_machines_are_assumed_until_they_are_measured() -> None:
    assert (CPU.kind, CPU.name, CPU.units, CPU.measured) == ("host", "cpu", 2, False)
    assert (H200.kind, H200.name, H200.units, H200.measured) == ("cuda", "cuda", 132, False)
    assert dict(CPU.rates) == HOST
    assert dict(H200.rates) == CUDA


def test_a_small_gpu_has_its_share_of_what_a_large_one_has() -> None:
    rates = scaled(CUDA, 33)
    assert rates["byte"] == pytest.approx(4 * CUDA["byte"])
    assert rates["instruction"] == pytest.approx(4 * CUDA["instruction"])
    assert rates["launch"] == CUDA["launch"]


def test_every_rate_is_positive_and_known_by_its_name() -> None:
    for kind, rates in (("host", HOST), ("cuda", CUDA)):
        assert all(rate > 0 for rate in rates.values())
        assert all(known(kind, name) for name in rates)
    assert known("host", "pass.99")
    assert not known("host", "pass.x")
    assert not known("host", "upload")
    assert not known("moon", "call")
    assert table_of("double.pass") == ""


# ------------------------------------------------------------------------ the CPU


def test_a_bill_lists_all_work_of_a_call() -> None:
    request = asked(NOISE[:3, :3], shape=(300, 400), dtype="uint8")
    items = host.bill(answer(request, "dense"), request)
    assert items[Item("call")] == 1
    assert items[Item("store.uint8")] == 300 * 400
    # Tiles read their halos, too.
    assert 302 * 402 <= items[Item("load.uint8")] < 1.1 * 302 * 402
    assert items[Item("dense", 3)] == 300 * 400 * (3 + 3) * 3


@pytest.mark.parametrize("method", ["dense", "separable"])
def test_twice_the_planes_are_twice_the_work(method: str) -> None:
    kernel = gc.kernels.gaussian(1)
    one, two = (asked(kernel, shape=(planes, 500, 700)) for planes in (1, 2))
    once, twice = (host.bill(answer(request, method), request) for request in (one, two))
    for items in (once, twice):
        del items[Item("call")]
    assert {item: 2 * n for item, n in once.items()} == twice


@pytest.mark.parametrize("method", list(ALGORITHMS))
@pytest.mark.parametrize("machine", [CPU, H200])
def test_larger_images_take_longer(method: str, machine: Machine) -> None:
    kernel = {"scale": [[2.0]], "box": np.ones((5, 5))}.get(method, gc.kernels.gaussian(8))
    shapes = [(64, 64), (512, 512), (1024, 1024), (1024, 4096), (3, 2048, 4096)]
    requests = [asked(kernel, shape, accuracy="fast") for shape in shapes]
    times = [seconds(request, method, machine) for request in requests]
    assert all(a < b for a, b in pairwise(times))


def test_small_planes_go_through_a_block_together() -> None:
    one, many = (asked(NOISE[:3, :3], shape=(planes, 16, 16)) for planes in (1, 1000))
    once, all_ = (host.bill(answer(request, "dense"), request) for request in (one, many))
    assert all_[Item("load.float32")] == 1000 * once[Item("load.float32")]
    assert all_[Item("tile")] < 20 * once[Item("tile")]
    # Each plane has a halo of its own in the stack, of which sums are taken too.
    assert 1000 < all_[Item("dense", 3)] / once[Item("dense", 3)] <= 1000 * 18 / 16


@pytest.mark.parametrize("method", ["dense", "separable"])
@pytest.mark.parametrize("machine", [CPU, H200])
def test_larger_kernels_take_longer(method: str, machine: Machine) -> None:
    requests = [asked(gc.kernels.gaussian(sigma)) for sigma in (0.5, 1, 2, 4, 8, 16, 30)]
    times = [seconds(request, method, machine) for request in requests]
    assert all(a < b for a, b in pairwise(times))


@pytest.mark.parametrize("method", ["dense", "separable"])
@pytest.mark.parametrize("machine", [CPU, H200])
def test_float64_takes_longer_than_float32(method: str, machine: Machine) -> None:
    kernel = gc.kernels.gaussian(2)
    narrow, wide = (asked(kernel, dtype=dtype) for dtype in ("float32", "float64"))
    assert seconds(narrow, method, machine) < seconds(wide, method, machine)


def test_more_threads_take_less_but_not_for_small_images() -> None:
    large, small = asked(NOISE, shape=(2048, 2048)), asked(NOISE[:3, :3], shape=(32, 32))
    alone, both = (seconds(large, "dense", cpu(threads)) for threads in (1, 2))
    assert alone / 2 <= both < alone
    assert seconds(small, "dense", cpu(1)) == seconds(small, "dense", cpu(2))


def test_a_rate_is_found_from_a_measured_time() -> None:
    request = asked(NOISE[:7, :7])
    items = host.bill(answer(request, "dense"), request)
    alone = cpu(1)
    took = seconds(request, "dense", alone)
    assert host.solved(items, alone, "dense", took) == pytest.approx(alone.at("dense", 7))
    assert host.solved(items, alone, "call", took + 1) == pytest.approx(alone.rate("call") + 1)


@pytest.mark.parametrize("size", [15, 31])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("machine", [cpu(1), CPU, cpu(16)])
def test_separable_kernels_are_not_filtered_densely(
    size: int, dtype: str, machine: Machine
) -> None:
    request = asked(np.outer(NOISE[0, :size], NOISE[1, :size]), shape=(2048, 2048), dtype=dtype)
    assert seconds(request, "separable", machine) < seconds(request, "dense", machine)


def test_masked_pixels_are_filtered_twice() -> None:
    request = asked(NOISE[:5, :5])
    assert seconds(replace(request, masked=True), "dense") > 1.5 * seconds(request, "dense")


# ------------------------------------------------------------------------ the GPU


@pytest.mark.parametrize("kernel", [gc.kernels.box(3), gc.kernels.sobel_x()])
@pytest.mark.parametrize("units", [20, 132])
def test_small_integer_kernels_over_bytes_are_dense_on_a_gpu(kernel: Any, units: int) -> None:
    assert fastest(asked(kernel, shape=(2160, 3840), dtype="uint8"), gpu(units)) == "dense"


@pytest.mark.parametrize("sigma", [1, 3, 8])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_gaussians_are_separable_on_a_gpu(sigma: float, dtype: str) -> None:
    request = asked(gc.kernels.gaussian(sigma), shape=(4096, 4096), dtype=dtype)
    assert fastest(request, H200) == "separable"


def test_small_float_kernels_are_bound_by_memory_on_a_gpu() -> None:
    request = asked(gc.kernels.gaussian(1), shape=(8192, 8192))
    least = request.bytes * H200.rate("byte")
    assert least < seconds(request, "separable", H200) < 1.25 * least


def test_a_separable_kernel_beyond_the_ring_takes_two_passes_and_memory_between() -> None:
    request = asked(np.ones((501, 501)) * 0.1, shape=(4096, 4096))
    found = predict(answer(request, "separable", H200), request, H200)
    assert found.bytes == 2 * request.bytes
    assert found.peak == request.bytes + 4 * request.outputs


def test_transfers_take_longer_than_most_filters() -> None:
    request = asked(gc.kernels.gaussian(2), shape=(4096, 4096))
    copies = transfer(request.bytes // 2, request.bytes // 2, H200)
    assert copies > 100 * seconds(request, "separable", H200)


@pytest.mark.parametrize("machine", [CPU, H200])
def test_the_peak_counts_image_output_and_workspace(machine: Machine) -> None:
    request = asked(NOISE[:5, :5], shape=(512, 512), dtype="uint8")
    how = replace(answer(request, "dense"), tile=(64, 64), workspace=1000)
    found = predict(how, request, machine)
    assert found.bytes == 2 * 512 * 512
    assert found.peak == found.bytes + (2000 if machine is CPU else 0)


@pytest.mark.parametrize("method", ["box", "dense", "fft", "recursive", "separable"])
def test_the_workspace_is_about_what_a_call_takes(method: Any) -> None:
    kernel = gc.kernels.box(31) if method == "box" else gc.kernels.gaussian(5)
    request = asked(kernel, (1500, 1500), accuracy="fast")
    found = predict(answer(request, method), request, cpu(thread_count()))
    image = RNG.random((1500, 1500), np.float32)
    out = np.empty_like(image)
    tracemalloc.start()
    gc.convolve(image, kernel, out=out, method=method, accuracy="fast")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.3 < peak / (found.peak - found.bytes) < 2
