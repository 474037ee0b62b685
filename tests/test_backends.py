"""The choice of a device: by the array, by name, and why one cannot be used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv import backends
from gpuconv.backends import cuda, host
from gpuconv.backends.cuda import probe, runtime
from gpuconv.errors import ArgumentError, ArgumentTypeError, DeviceError

DOOR = [
    "NAME",
    "again",
    "asarray",
    "asnumpy",
    "beside",
    "compare",
    "correct",
    "describe",
    "devices",
    "empty",
    "grain",
    "lacking",
    "lane",
    "machine",
    "ordinal_of",
    "overlap",
    "owns",
    "place",
    "run",
    "run_bank",
    "run_circular",
    "settled",
    "stack",
]

IMAGE = np.zeros((2, 2))
WORKING = tuple(gc.Device(f"cuda:{i}", "GPU", True, memory=1 << 30) for i in range(2))
BROKEN = gc.Device("cuda:0", "GPU", False, "it is out of order; mend it")
NONE = gc.Device("cuda", "NVIDIA GPU", False, "there is no driver; install it")


class OnDevice:
    """An array on a GPU, as far as its interface tells."""

    shape, dtype = (2, 2), np.dtype(np.float32)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {"shape": (2, 2), "typestr": "<f4", "data": (1 << 20, False), "version": 3}


class TorchOnHost:
    """A tensor of torch's in host memory: it has the attribute, and raises when it is read."""

    error: type[Exception] = AttributeError

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        raise self.error("Can't get __cuda_array_interface__ on non-CUDA tensor")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array([[1.0, 2.0]])


@dataclass
class Place(nullcontext):  # type: ignore[type-arg]
    """A context that is known by what it is of."""

    enter_result: Any


class InHostMemory:
    """A runtime whose device arrays are NumPy's, for as much of it as the door needs."""

    def __init__(self, count: int = 1) -> None:
        self.count, self.current = count, "the current one"

    def owns(self, array: Any) -> bool:
        return isinstance(array, np.ndarray)

    def asarray(self, image: Any) -> Any:
        return np.array(image)

    def asnumpy(self, array: Any) -> Any:
        return array.copy()

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return np.empty(shape, dtype)

    def address(self, array: Any) -> int:
        return int(array.__array_interface__["data"][0])

    def on_device_of(self, array: Any) -> Any:
        return Place("the array's" if self.owns(array) else 0)

    def on_device(self, index: int) -> Any:
        if index >= self.count:
            raise DeviceError(runtime.beyond(index, self.count))
        return Place(index)


@pytest.fixture
def stands_in() -> Iterator[InHostMemory]:
    """Have another runtime take CuPy's place."""
    with runtime.use(InHostMemory()) as used:  # type: ignore[arg-type]
        yield used  # type: ignore[misc]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets the rows that a probe finds; at first there may be none."""

    def rows(*found: gc.Device) -> None:
        def devices() -> tuple[gc.Device, ...]:
            assert found, "no probe was to be made"
            return found

        monkeypatch.setattr(probe, "devices", devices)

    monkeypatch.setattr(runtime, "_cupy", None)
    rows()
    return rows


@pytest.fixture
def no_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_cupy", None)
    monkeypatch.setitem(sys.modules, "cupy", None)


# Engines


@pytest.mark.parametrize("backend", backends.BACKENDS)
def test_every_engine_has_the_same_door(backend: Any) -> None:
    # The CPU finds edges tile by tile with their slopes, a GPU when it has all slopes.
    assert [name for name in backend.__all__ if name != "edges"] == DOOR


def test_devices_tells_of_the_cpu_and_of_each_gpu(machine: Any) -> None:
    machine(*WORKING)
    cpu, *gpus = gc.devices()
    assert (cpu.name, cpu.available, cpu.reason) == ("cpu", True, "")
    assert (cpu.memory, cpu.capability, cpu.driver, cpu.library) == (None, "", "", "")
    assert gpus == list(WORKING)


def test_a_machine_without_a_gpu_has_a_row_with_the_reason(machine: Any) -> None:
    machine(NONE)
    assert gc.devices()[1:] == [NONE]


def test_looking_for_devices_loads_nothing() -> None:
    code = (
        "import sys, gpuconv; gpuconv.devices(); gpuconv.convolve([[1]], [[1]]);"
        "print(*sorted({'cupy', 'torch', 'numba'} & {n.partition('.')[0] for n in sys.modules}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


# Host arrays


@pytest.mark.parametrize("device", [None, "auto", "cpu"])
@pytest.mark.parametrize("image", [IMAGE, [[1, 2]], TorchOnHost()])
def test_host_arrays_are_filtered_on_the_host_without_a_probe(
    image: Any, device: str | None, machine: Any
) -> None:
    assert backends.select(image, device) is host


@pytest.mark.parametrize("error", [AttributeError, TypeError, RuntimeError])
def test_tensors_in_host_memory_are_not_on_the_device(error: type[Exception]) -> None:
    tensor = TorchOnHost()
    tensor.error = error
    assert not cuda.owns(tensor)
    assert gc.convolve(tensor, [[2]]).tolist() == [[2, 4]]


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:1"])
@pytest.mark.parametrize("image", [IMAGE, [[1, 2]], TorchOnHost()])
def test_host_arrays_go_to_a_gpu_that_works(image: Any, device: str, machine: Any) -> None:
    machine(*WORKING)
    assert backends.select(image, device) is cuda


@pytest.mark.parametrize("row", [NONE, BROKEN])
@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_a_gpu_that_does_not_work_says_why(device: str, row: gc.Device, machine: Any) -> None:
    machine(row)
    with pytest.raises(DeviceError) as caught:
        gc.convolve(IMAGE, [[1]], device=device)
    said = f"device={device!r} cannot be used: {row.reason}; or use device='cpu'"
    assert str(caught.value) == said


def test_no_gpu_is_no_gpu_of_any_number(machine: Any) -> None:
    machine(NONE)
    with pytest.raises(DeviceError, match="cannot be used: there is no driver; install it; or"):
        gc.convolve(IMAGE, [[1]], device="cuda:17")


@pytest.mark.parametrize("index", [2, 17])
def test_a_number_beyond_the_last_gpu_names_those_that_are_there(index: int, machine: Any) -> None:
    machine(*WORKING)
    said = f"'cuda:{index}' cannot be used: there is no GPU number {index}, only cuda:0 and cuda:1;"
    with pytest.raises(DeviceError, match=said):
        backends.select(IMAGE, f"cuda:{index}")


def test_each_gpu_is_judged_by_itself(machine: Any) -> None:
    machine(WORKING[0], BROKEN)
    assert backends.select(IMAGE, "cuda") is cuda
    with pytest.raises(DeviceError, match="it is out of order"):
        backends.select(IMAGE, "cuda:1")


def test_an_engine_that_has_worked_needs_no_probe(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "_cupy", InHostMemory(2))
    assert backends.select(IMAGE, "cuda") is cuda
    assert backends.select(IMAGE, "cuda:1") is cuda
    with pytest.raises(DeviceError, match="no GPU number 2, only cuda:0 and cuda:1"):
        backends.select(IMAGE, "cuda:2")


# Device arrays


def test_device_arrays_are_recognised_without_their_library() -> None:
    assert cuda.owns(OnDevice())
    assert not host.owns(OnDevice())
    assert not cuda.owns(OnDevice)


def test_cupys_arrays_are_recognised_without_being_described(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Described:
        @property
        def __cuda_array_interface__(self) -> dict[str, Any]:
            raise AssertionError("this takes long")

    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(ndarray=Described))
    assert cuda.owns(Described())


@pytest.mark.parametrize("device", [None, "auto", "cuda", "cuda:0"])
def test_a_device_array_proves_that_its_gpu_works(
    device: str | None, machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpuconv.backends.cuda.runtime.CupyRuntime", InHostMemory)
    assert backends.select(OnDevice(), device) is cuda


def test_a_device_array_is_not_moved_to_another_gpu(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "_cupy", InHostMemory(2))
    assert backends.select(OnDevice(), "cuda:0") is cuda
    with pytest.raises(DeviceError, match="'cuda:1' cannot be used: the image lies on another GPU"):
        backends.select(OnDevice(), "cuda:1")
    with pytest.raises(DeviceError, match="no GPU number 2, only cuda:0 and cuda:1"):
        backends.select(OnDevice(), "cuda:2")


@pytest.mark.usefixtures("no_cupy")
@pytest.mark.parametrize("device", [None, "auto", "cuda"])
def test_a_device_array_is_not_copied_unasked(device: str | None) -> None:
    with pytest.raises(DeviceError) as caught:
        gc.correlate(OnDevice(), [[1]], device=device)
    said = str(caught.value)
    assert said.startswith(
        f"device={device or 'auto'!r} cannot be used: CuPy is not installed: pip install "
    )
    assert said.endswith("; or copy the image to the host")


def test_a_device_array_is_not_filtered_on_the_host() -> None:
    said = r"device='cpu' was asked for an array on a GPU; copy it first: array.get\(\)"
    with pytest.raises(DeviceError, match=said):
        gc.convolve(OnDevice(), [[1]], device="cpu")


# Names


@pytest.mark.parametrize("device", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU", "cpu:0"])
def test_what_is_no_device(device: str) -> None:
    said = rf"device={device!r} is not a device \(one of 'auto', 'cpu', 'cuda\[:N\]'\)"
    with pytest.raises(ArgumentError, match=said):
        gc.convolve([[1]], [[1]], device=device)


@pytest.mark.parametrize("device", [0, b"cpu", ["cpu"], object()])
def test_what_is_no_name(device: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="must be None or one of 'auto', 'cpu', 'cuda"):
        gc.convolve([[1]], [[1]], device=device)


# Another runtime in CuPy's place


@pytest.mark.parametrize("device", [None, "auto", "cpu"])
def test_numpys_arrays_stay_on_the_host_unless_asked(device: str | None, stands_in: Any) -> None:
    assert backends.select(IMAGE, device) is host


@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_another_runtime_needs_no_probe(device: str, stands_in: Any, machine: Any) -> None:
    assert backends.select(IMAGE, device) is cuda


def test_another_runtime_has_its_own_devices(stands_in: Any) -> None:
    with pytest.raises(DeviceError, match="there is no GPU number 1, only cuda:0; or use"):
        backends.select(IMAGE, "cuda:1")
    assert [device.name for device in cuda.devices()] == ["cuda:0"]
    assert cuda.devices()[0].description == "InHostMemory"


def test_the_door_hands_arrays_to_the_runtime(stands_in: Any) -> None:
    array = cuda.asarray([[1, 2]])
    assert cuda.owns(array)
    assert cuda.asnumpy(array).tolist() == [[1, 2]]
    assert cuda.empty((2, 3), "u2").dtype == np.uint16


@pytest.mark.parametrize("image", [[["a"]], [[True]], np.zeros((2, 2), object)])
def test_what_has_no_dtype_for_it_is_refused_before_it_goes_to_the_device(
    image: Any, machine: Any
) -> None:
    machine(*WORKING)
    with pytest.raises(ArgumentTypeError, match=r"^image"):
        cuda.asarray(image)


def test_arrays_are_made_on_the_named_device_else_the_images(stands_in: Any) -> None:
    with cuda.place(IMAGE, "cuda:0") as place:
        assert place == 0
    with cuda.place(IMAGE, "cuda") as place:
        assert place == "the array's"
    with cuda.place([[1]], "cuda") as place:
        assert place is None


# Overlap

BASE = np.zeros((8, 10), np.int32)


@pytest.mark.parametrize("backend", [host, cuda])
@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (BASE, BASE, True),
        (BASE, BASE.copy(), False),
        (BASE[:4], BASE[4:], False),
        (BASE[:5], BASE[4:], True),
        (BASE[::-1], BASE[:1], True),
        (BASE[3::-1], BASE[4:], False),
        (BASE[3::-1], BASE[3], True),
        (BASE[:, ::-1][:, :6], BASE[0, :5], True),
        (BASE[0, ::-1][:5], BASE[0, :5], False),
        (BASE[0, ::-1][:6], BASE[0, :5], True),
        (BASE[0, :5], BASE[0, 5:], False),
        (BASE[0:0], BASE, False),
        (BASE[:, 0:0], BASE, False),
        (BASE.T[2:], BASE[0, :2], False),
        (np.broadcast_to(BASE[0, :1], (5, 5)), BASE[0, 1:], False),
        (BASE[0, 0, ...], BASE, True),
        (BASE.view(np.int8)[0, 4:5], BASE[0, 1:2], True),
        (BASE.view(np.int8)[0, 3:4], BASE[0, 1:2], False),
    ],
)
def test_overlap_is_by_first_and_last_byte(
    backend: Any, a: Any, b: Any, expected: bool, stands_in: Any
) -> None:
    assert backend.overlap(a, b) is expected
    assert backend.overlap(b, a) is expected
