"""As much of CuPy as gpuconv uses, on NumPy. It keeps a log of what it is asked for.

Tests install it under the name ``cupy``. The variables of ``state`` make it fail.
"""

from __future__ import annotations

import ctypes
import os
from types import SimpleNamespace
from typing import Any

import numpy as np

__version__ = os.environ.get("FAKE_CUPY_VERSION", "14.2.0")

#: The current device, how many there are, the bytes each can still give, and what happened.
state = SimpleNamespace(current=0, devices=2, room=1 << 30, pooled=0, limit=0, stream=0, log=[])


class OutOfMemoryError(MemoryError):
    """Raised where an array finds no room."""


class CompileException(Exception):  # noqa: N818 — its name in CuPy
    """Raised where a source is wrong."""


class Device:
    """A device, which is a context."""

    def __init__(self, index: int) -> None:
        self.id = index

    def __enter__(self) -> Device:
        self._before, state.current = state.current, self.id
        return self

    def __exit__(self, *_: object) -> None:
        state.current = self._before

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self) -> int:
        return self.id


class Event:
    """A moment, counted by all that were recorded."""

    done = True

    def __init__(self) -> None:
        state.moments = getattr(state, "moments", 0) + 1
        self.moment = state.moments

    def synchronize(self) -> None:
        """Wait for nothing."""


class Stream:
    """A stream, which is a context."""

    def __init__(self, non_blocking: bool = False) -> None:
        state.streams = getattr(state, "streams", 0) + 1
        self.ptr, self.device_id = 100 + state.streams, state.current
        state.log.append(("stream", self.ptr, non_blocking, state.current))

    @staticmethod
    def from_external(theirs: Any) -> ForeignStream:
        """Return another library's stream as one of CuPy's."""
        return ForeignStream(theirs)

    def __enter__(self) -> Stream:
        self._before, state.stream = state.stream, self.ptr
        return self

    def __exit__(self, *_: object) -> None:
        state.stream = self._before

    def record(self) -> Event:
        """Return now."""
        return Event()

    def wait_event(self, event: Event) -> None:
        """Take note."""
        state.log.append(("wait", self.ptr))

    def synchronize(self) -> None:
        """Wait for nothing."""


class ForeignStream(Stream):
    """A stream that another library has made."""

    def __init__(self, theirs: Any) -> None:
        version, self.ptr = theirs.__cuda_stream__()
        assert version == 0
        self.device_id = state.current

    def __del__(self) -> None:
        state.log.append(("destroyed", self.ptr))  # CuPy 14 does so, though it is not its own

    def __enter__(self) -> Stream:
        assert self.device_id == state.current
        return super().__enter__()


class CUDARuntimeError(RuntimeError):
    """Raised where CUDA cannot do it."""


class Pointer:
    """Where an array begins."""

    def __init__(self, ptr: int, keep: Any) -> None:
        self.ptr, self.keep = ptr, keep


class ndarray:  # noqa: N801 — its name in CuPy
    """A NumPy array that says it is on a device, and refuses to become NumPy's unasked."""

    def __init__(
        self, shape: Any, dtype: Any = float, memptr: Any = None, strides: Any = None
    ) -> None:
        self.device = Device(state.current)
        if memptr is None:
            self.host = np.empty(shape, dtype)
        else:
            memory = (ctypes.c_char * 4096).from_address(memptr.ptr)
            self.host = np.ndarray(shape, dtype, memory, strides=strides)
            self.keep = memptr

    @classmethod
    def of(cls, host: Any, device: int | None = None) -> ndarray:
        """Return `host` as an array on a device."""
        self = cls.__new__(cls)
        self.host = host
        self.device = Device(state.current if device is None else device)
        return self

    def __getattr__(self, name: str) -> Any:
        if name in ("shape", "dtype", "strides", "ndim", "size", "nbytes", "flags"):
            return getattr(self.host, name)
        raise AttributeError(name)

    def __getitem__(self, key: Any) -> ndarray:
        return ndarray.of(self.host[key], self.device.id)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    @property
    def data(self) -> Pointer:
        """Return where the array begins."""
        return Pointer(self.host.__array_interface__["data"][0], self.host)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {**self.host.__array_interface__, "version": 3}

    def copy(self, order: str = "C") -> ndarray:
        """Return a copy on the same device."""
        return ndarray.of(self.host.copy(order), self.device.id)

    def view(self, dtype: Any) -> ndarray:
        """Return the same bytes as another dtype."""
        return ndarray.of(self.host.view(dtype), self.device.id)

    def reshape(self, *shape: Any) -> ndarray:
        """Return the same elements in another shape."""
        return ndarray.of(self.host.reshape(*shape), self.device.id)

    def set(self, host: Any) -> None:
        """Copy from host memory, on the current stream."""
        assert host.dtype == self.dtype
        assert host.flags.c_contiguous
        state.log.append(("set", host.nbytes, state.stream))
        self.host[...] = host

    def get(self, out: Any = None, blocking: bool = True) -> Any:
        """Return a copy in host memory, or make it in `out`."""
        if out is None:
            return self.host.copy()
        assert out.dtype == self.dtype
        assert out.shape == self.shape
        state.log.append(("get", out.nbytes, state.stream, blocking))
        out[...] = self.host
        return out


def _allocate(size: int) -> None:
    state.log.append(("allocate", size, state.current))
    if size > state.room:
        raise OutOfMemoryError(f"Out of memory allocating {size:,} bytes")


def empty(shape: Any, dtype: Any = float) -> ndarray:
    """Return an array on the current device."""
    array = ndarray.of(np.full(shape, 99, dtype))
    _allocate(array.host.nbytes)
    return array


def zeros(shape: Any, dtype: Any = float) -> ndarray:
    """Return an array of zeros on the current device."""
    return ndarray.of(np.zeros(shape, dtype))


def asarray(image: Any) -> ndarray:
    """Return an array on the current device."""
    if isinstance(image, ndarray):
        return image if image.device.id == state.current else ndarray.of(image.host.copy())
    if hasattr(image, "__cuda_array_interface__"):
        state.log.append(("wrap", state.current))
        return ndarray.of(image.host)
    if not image.dtype.isnative:
        raise ValueError("not native")
    _allocate(image.nbytes)
    return ndarray.of(image.copy())


def from_dlpack(array: Any) -> ndarray:
    """Return another library's array, in the order of the current stream."""
    kind, number = array.__dlpack_device__()
    assert kind == 2
    return ndarray.of(array.__dlpack__(stream=state.stream), number)


def asnumpy(array: ndarray) -> Any:
    """Return a copy in host memory."""
    state.log.append(("asnumpy", state.current))
    return array.get()


class CuFFTError(RuntimeError):
    """Raised where cuFFT cannot do it."""

    def __init__(self, result: int) -> None:
        super().__init__(f"cuFFT's error {result}")
        self.result = result


#: What cuFFT calls transforms.
_KINDS = {"CUFFT_R2C": 0x2A, "CUFFT_C2R": 0x2C, "CUFFT_D2Z": 0x6A, "CUFFT_Z2D": 0x6C}


class PlanNd:
    """cuFFT's plan, whose work area is as large as what is transformed.

    The variable FAKE_CUPY_FFT is an error of cuFFT's to fail with.
    """

    def __init__(
        self,
        shape: Any,
        inembed: Any,
        istride: int,
        idist: int,
        onembed: Any,
        ostride: int,
        odist: int,
        fft_type: int,
        batch: int,
        order: str,
        last_axis: int,
        last_size: int,
    ) -> None:
        self.kind = next(name for name, number in _KINDS.items() if number == fft_type)
        lies = (inembed, istride, idist), (onembed, ostride, odist)
        state.log.append(("plan", self.kind, batch, shape, *lies, order, last_axis, last_size))
        if os.environ.get("FAKE_CUPY_FFT"):
            raise CuFFTError(int(os.environ["FAKE_CUPY_FFT"]))
        self.lies = [((batch, *embed), distance) for embed, _, distance in lies]
        _allocate(8 * batch * int(np.prod(shape)))

    def fft(self, source: ndarray, target: ndarray, direction: int) -> None:
        """Transform, if the arrays are such as were planned for."""
        state.log.append(("fft", self.kind, direction))
        for array, (shape, distance) in zip((source, target), self.lies, strict=True):
            assert array.shape == shape
            assert array.strides[0] == distance * array.dtype.itemsize
        assert source.dtype.char == {"R2C": "f", "C2R": "F", "D2Z": "d", "Z2D": "D"}[self.kind[6:]]
        if direction > 0:
            target.host[...] = np.fft.irfft2(source.host, target.shape[1:], norm="forward")
            source.host[...] = np.nan  # cuFFT uses it up
        else:
            target.host[...] = np.fft.rfft2(source.host)


class _Pool:
    """The memory pool: emptying it gives its bytes back."""

    def free_bytes(self) -> int:
        return int(state.pooled)

    def used_bytes(self) -> int:
        return 1000

    def get_limit(self) -> int:
        return int(state.limit)

    def free_all_blocks(self) -> None:
        state.log.append(("emptied",))
        state.room, state.pooled = state.room + state.pooled, 0


def get_default_memory_pool() -> _Pool:
    """Return the pool."""
    return _Pool()


class RawModule:
    """A source that is compiled when a kernel of it is wanted."""

    def __init__(self, code: str, backend: str = "nvrtc", options: tuple[str, ...] = ()) -> None:
        self.code, self.how = code, (backend, options)

    def get_function(self, name: str) -> RawKernel:
        """Return a kernel that is not compiled yet."""
        return RawKernel(self, name)


class RawKernel:
    """A kernel: its attribute `kernel` compiles it for the current device."""

    def __init__(self, module: RawModule, name: str) -> None:
        object.__setattr__(self, "module", module)
        object.__setattr__(self, "name", name)

    @property
    def kernel(self) -> Any:
        """Return what launches."""
        state.log.append(("compile", self.name, state.current, *self.module.how))
        if "#error" in self.module.code:
            raise CompileException(f'{self.name}.cu(1): error: #error directive: "not this"')
        if "#unloadable" in self.module.code:
            raise RuntimeError("CUDA_ERROR_UNSUPPORTED_PTX_VERSION")
        return self._launch

    def __setattr__(self, name: str, value: int) -> None:
        state.log.append((name, value))

    def __call__(self, grid: Any, block: Any, args: Any) -> None:
        self.kernel(grid, block, args)

    def _launch(self, grid: Any, block: Any, args: Any, shared_mem: int = 0) -> None:
        state.log.append(("launch", self.name, grid, block, args, shared_mem, state.current))
        if os.environ.get("FAKE_CUPY_KERNEL") == "fails":
            raise RuntimeError("CuPy failed to load libnvrtc.so.13: OSError")
        if self.name == "seven":
            factor = 8 if os.environ.get("FAKE_CUPY_KERNEL") == "wrong" else 7
            args[0].host[:] = factor * np.arange(32)


def attribute(name: str, device: int) -> int:
    """Return a limit, of which each device has its own."""
    state.log.append((name, device))
    return {
        "MultiProcessorCount": 100 + device,
        "MaxSharedMemoryPerBlockOptin": 227 << 10,
        "MaxGridDimY": 65535,
        "MaxGridDimZ": 65535,
    }[name]


cuda = SimpleNamespace(
    Device=Device,
    Stream=Stream,
    get_elapsed_time=lambda start, stop: 1000.0 * (stop.moment - start.moment),
    memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
    compiler=SimpleNamespace(CompileException=CompileException),
    cufft=SimpleNamespace(CuFFTError=CuFFTError, PlanNd=PlanNd, **_KINDS),
    get_current_stream=lambda: SimpleNamespace(ptr=state.stream),
    runtime=SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        streamPerThread=2,
        getDevice=lambda: state.current,
        getDeviceCount=lambda: state.devices,
        memGetInfo=lambda: (state.room, 1 << 31),
        cudaDevAttrMultiProcessorCount="MultiProcessorCount",
        cudaDevAttrMaxSharedMemoryPerBlockOptin="MaxSharedMemoryPerBlockOptin",
        cudaDevAttrMaxGridDimY="MaxGridDimY",
        cudaDevAttrMaxGridDimZ="MaxGridDimZ",
        deviceGetAttribute=attribute,
        pointerGetAttributes=lambda address: SimpleNamespace(device=1),  # of foreign arrays
        runtimeGetVersion=lambda: int(os.environ.get("FAKE_CUPY_CUDA", "13020")),
    ),
)
