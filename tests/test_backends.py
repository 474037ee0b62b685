"""The choice of a device: by the array, by name, and why one cannot be used."""

from __future__ import annotations

import ctypes.util
import importlib.util
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv import backends
from gpuconv.backends import cuda, host
from gpuconv.errors import ArgumentError, ArgumentTypeError, DeviceError

CALLS = ["NAME", "asarray", "device", "empty", "owns", "run"]


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


@pytest.mark.parametrize("backend", backends.BACKENDS)
def test_every_engine_has_the_same_door(backend: Any) -> None:
    assert backend.__all__ == CALLS
    assert isinstance(backend.device(), gc.Device)


def test_devices_tells_of_both() -> None:
    cpu, gpu = gc.devices()
    assert (cpu.name, cpu.available, cpu.reason) == ("cpu", True, "")
    assert (gpu.name, gpu.available) == ("cuda", False)
    assert "no CUDA engine yet" in gpu.reason


@pytest.mark.parametrize("device", [None, "auto", "cpu"])
@pytest.mark.parametrize("image", [np.zeros((2, 2)), [[1, 2]], TorchOnHost()])
def test_host_arrays_are_filtered_on_the_host(image: Any, device: str | None) -> None:
    assert backends.select(image, device) is host


@pytest.mark.parametrize("error", [AttributeError, TypeError, RuntimeError])
def test_tensors_in_host_memory_are_not_on_the_device(error: type[Exception]) -> None:
    tensor = TorchOnHost()
    tensor.error = error
    assert not cuda.owns(tensor)
    assert gc.convolve(tensor, [[2]]).tolist() == [[2, 4]]


def test_device_arrays_are_recognised_without_their_library() -> None:
    assert cuda.owns(OnDevice())
    assert not host.owns(OnDevice())
    assert not cuda.owns(OnDevice)


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:17"])
@pytest.mark.parametrize("image", [np.zeros((2, 2)), OnDevice()])
def test_cuda_says_why_not(image: Any, device: str) -> None:
    said = rf"device='{device}' cannot be used: this version of gpuconv has no CUDA engine yet"
    with pytest.raises(DeviceError, match=said):
        gc.convolve(image, [[1]], device=device)


@pytest.mark.parametrize("device", [None, "auto"])
def test_a_device_array_is_not_copied_unasked(device: str | None) -> None:
    with pytest.raises(DeviceError, match=r"device='auto' cannot be used: .*no CUDA engine"):
        gc.correlate(OnDevice(), [[1]], device=device)


def test_a_device_array_is_not_filtered_on_the_host() -> None:
    said = r"device='cpu' was asked for an array on a GPU; copy it first: array.get\(\)"
    with pytest.raises(DeviceError, match=said):
        gc.convolve(OnDevice(), [[1]], device="cpu")


@pytest.mark.parametrize("device", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU", "cpu:0"])
def test_what_is_no_device(device: str) -> None:
    said = rf"device={device!r} is not a device \(one of 'auto', 'cpu', 'cuda\[:N\]'\)"
    with pytest.raises(ArgumentError, match=said):
        gc.convolve([[1]], [[1]], device=device)


@pytest.mark.parametrize("device", [0, b"cpu", ["cpu"], object()])
def test_what_is_no_name(device: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="must be None or one of 'auto', 'cpu', 'cuda"):
        gc.convolve([[1]], [[1]], device=device)


@pytest.mark.parametrize("value", ["", " ", "-1"])
def test_the_reason_names_what_hides_the_gpus(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    reason = cuda.device().reason
    assert "(besides, CUDA_VISIBLE_DEVICES hides every GPU)" in reason


@pytest.mark.parametrize(
    ("driver", "cupy", "said"),
    [
        (None, None, "(besides, no NVIDIA driver (libcuda) is installed on this machine)"),
        ("libcuda.so.1", None, "CuPy is not installed: pip install 'gpuconv[cuda13]')"),
        ("libcuda.so.1", "there", "has no CUDA engine yet"),
    ],
)
def test_the_reason_names_what_the_machine_lacks(
    driver: str | None, cupy: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: driver)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: cupy)
    assert cuda.device().reason.endswith(said)


def test_the_closed_room_refuses_everything() -> None:
    for call in (lambda: cuda.empty((2,), "u1"), lambda: cuda.asarray(1)):
        with pytest.raises(DeviceError, match="no CUDA engine"):
            call()
    with pytest.raises(DeviceError, match="no CUDA engine"):
        cuda.run(None, None, None)


def test_looking_for_devices_loads_nothing() -> None:
    code = (
        "import sys, gpuconv; gpuconv.devices(); gpuconv.convolve([[1]], [[1]]);"
        "print(*sorted({'cupy', 'torch', 'numba'} & {n.partition('.')[0] for n in sys.modules}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
