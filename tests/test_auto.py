"""``device="auto"``: an image in host memory goes where it is done first, copies included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest

import gpuconv as gc
from gpuconv.backends import choices, cuda, host
from gpuconv.backends.cuda import runtime
from gpuconv.cost import Machine, cpu, gpu

RNG = np.random.default_rng(3)
IMAGE = RNG.integers(0, 256, (60, 80), np.uint8)
KERNEL = gc.kernels.box(3)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[cuda_on_cpu.CpuRuntime]:
    """A GPU on the CPU, which counts its launches."""
    if reason := cuda_on_cpu.missing():
        pytest.skip(reason)
    current = cuda_on_cpu.CpuRuntime(mode="fast", orders=("forward",))
    with runtime.use(current):
        yield current


def with_calls_of(seconds: float, machine: Machine, **rates: float) -> Machine:
    """Return a machine on which a call takes at least so long."""
    return replace(
        machine, rates=tuple(sorted((dict(machine.rates) | {"call": seconds} | rates).items()))
    )


def meet(monkeypatch: pytest.MonkeyPatch, here: Machine, there: Machine) -> None:
    """Have plans made for these machines."""
    monkeypatch.setattr(host, "machine", lambda: here)
    monkeypatch.setattr(cuda, "machine", lambda: there)


@pytest.mark.parametrize(("here", "there", "launches"), [(1.0, 1e-6, True), (1e-6, 1.0, False)])
def test_an_image_goes_where_it_is_done_first(
    here: float, there: float, launches: bool, device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet(monkeypatch, with_calls_of(here, cpu(2)), with_calls_of(there, gpu(4)))
    expected = gc.convolve(IMAGE, KERNEL)
    assert not device.launches
    found = gc.convolve(IMAGE, KERNEL, device="auto")
    assert bool(device.launches) == launches
    np.testing.assert_array_equal(found, expected)
    plan = gc.plan(IMAGE.shape, "uint8", KERNEL, device="auto")
    assert plan.machine.kind == ("cuda" if launches else "host")
    np.testing.assert_array_equal(plan(IMAGE), expected)


def test_copies_count(device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = gpu(4)
    meet(monkeypatch, with_calls_of(0.1, cpu(2)), with_calls_of(1e-6, quick, upload=1.0))
    assert gc.plan(IMAGE.shape, "uint8", KERNEL, device="auto").machine.kind == "host"
    meet(monkeypatch, with_calls_of(0.1, cpu(2)), with_calls_of(1e-6, quick))
    assert gc.plan(IMAGE.shape, "uint8", KERNEL, device="auto").machine.kind == "cuda"


def test_nothing_moves_unless_it_is_asked_for(device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    meet(monkeypatch, with_calls_of(1.0, cpu(2)), with_calls_of(1e-6, gpu(4)))
    gc.convolve(IMAGE, KERNEL)
    gc.convolve(IMAGE, KERNEL, device="cpu")
    assert not device.launches


def test_the_plan_says_what_the_other_device_would_take(
    device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet(monkeypatch, with_calls_of(1.0, cpu(2)), with_calls_of(1e-6, gpu(4)))
    text = gc.plan(IMAGE.shape, "uint8", KERNEL, device="auto").explain()
    assert "1 s predicted on the CPU, by " in text
    meet(monkeypatch, with_calls_of(1e-6, cpu(2)), with_calls_of(1.0, gpu(4)))
    text = gc.plan(IMAGE.shape, "uint8", KERNEL, device="auto").explain()
    assert "1 s predicted on the GPU, by dense, of which copies take 41.6 µs" in text
    assert "elsewhere" not in gc.plan(IMAGE.shape, "uint8", KERNEL).explain()


def test_without_a_gpu_there_is_no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "lacking", lambda image, device: "there is none")
    assert choices(IMAGE, "auto") == (host,)
    assert choices(IMAGE, None) == (host,)
    plan = gc.plan(IMAGE.shape, "uint8", KERNEL, device="auto")
    assert "elsewhere" not in plan.explain()
    np.testing.assert_array_equal(
        gc.convolve(IMAGE, KERNEL, device="auto"), gc.convolve(IMAGE, KERNEL)
    )
