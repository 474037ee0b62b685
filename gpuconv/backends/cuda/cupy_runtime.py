"""CuPy's answers to what the engine asks of a runtime."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import prod
from threading import Lock, get_ident
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.cuda.protocol import Event, Kernel, Limits, Stream, beyond
from gpuconv.backends.cuda.source import Program
from gpuconv.bounded import Bounded
from gpuconv.errors import DeviceError

__all__ = ["Compiled", "CupyRuntime"]

#: Bytes of dynamic shared memory that a kernel has unasked, on every GPU (CUDA Programming Guide,
#: "Technical Specifications per Compute Capability").
_SHARED_UNASKED = 48 << 10

#: Bytes of cuFFT's work areas that plans keep, as far as they can be told beforehand.
_PLANS_BYTES = 256 << 20

#: cuFFT's CUFFT_ALLOC_FAILED.
_NO_ROOM = 2
#: Its names for transforms, by the type that is read.
_KINDS = {"f": "CUFFT_R2C", "d": "CUFFT_D2Z", "F": "CUFFT_C2R", "D": "CUFFT_Z2D"}


@dataclass(frozen=True)
class Compiled:
    """A program that was compiled, or read from CuPy's cache on disk, in this process."""

    label: str
    #: Number of the device.
    device: int
    milliseconds: float


class CupyRuntime:
    """CuPy: arrays are ``cupy.ndarray``, and kernels run on its current stream."""

    def __init__(self) -> None:
        import cupy

        self._cupy = cupy
        self._kernels: dict[tuple[int, Program], Kernel] = {}
        self._locks: dict[tuple[int, Program], Lock] = {}
        # What could not be compiled, and why: it takes as long to fail again.
        self._failed: dict[tuple[int, Program], str] = {}
        self._limits: dict[int, Limits] = {}
        self._compiled: list[Compiled] = []
        self._plans: Bounded[Any] = Bounded(_PLANS_BYTES)
        self._transforming = Lock()

    def owns(self, array: Any) -> bool:
        """Return whether `array` is CuPy's, with its elements at multiples of their size."""
        if not isinstance(array, self._cupy.ndarray):
            return False
        size = array.dtype.itemsize
        return not any(place % size for place in (array.data.ptr, *array.strides))

    def asarray(self, image: Any) -> Any:
        """Return `image` as CuPy's array, native and aligned.

        An array that lies on a GPU stays on that GPU, whichever is the current one.
        """
        if self.owns(image):
            return image
        if hasattr(type(image), "__cuda_array_interface__"):
            with self.on_device_of(image):
                array = self._cupy.asarray(image)
                return array if self.owns(array) else self._aligned(array)
        host = np.asarray(image)
        native = host.astype(host.dtype.newbyteorder("="), copy=False)
        return self._with_room(lambda: self._cupy.asarray(native))

    def _aligned(self, array: Any) -> Any:
        """Return an aligned copy. No kernel could load the elements, so it moves their bytes."""
        shape, strides = (*array.shape, array.dtype.itemsize), (*array.strides, 1)
        raw = self._cupy.ndarray(shape, np.uint8, memptr=array.data, strides=strides)
        return raw.copy(order="C").view(array.dtype)[..., 0]

    def asnumpy(self, array: Any) -> Any:
        """Return a copy in host memory, after all work that the current stream has for it."""
        with self.on_device_of(array):
            return self._cupy.asnumpy(array)

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return an uninitialised array on the current device, from CuPy's memory pool."""
        return self._with_room(lambda: self._cupy.empty(shape, dtype))

    def _with_room(self, make: Callable[[], Any]) -> Any:
        """Make an array; where there is no room for it, once more when the pool is emptied."""
        try:
            return make()
        except self._cupy.cuda.memory.OutOfMemoryError:
            self._plans.clear()
            self._cupy.get_default_memory_pool().free_all_blocks()
        try:
            return make()
        except self._cupy.cuda.memory.OutOfMemoryError as error:
            raise MemoryError(f"the GPU has no room: {error}") from error

    def address(self, array: Any) -> int:
        """Return the address of the array's first element."""
        return int(array.data.ptr)

    def limits(self) -> Limits:
        """Return the limits of the current device."""
        device = self._cupy.cuda.runtime.getDevice()
        if device not in self._limits:
            asked = self._cupy.cuda.runtime

            def found(name: str) -> int:
                return int(asked.deviceGetAttribute(getattr(asked, f"cudaDevAttr{name}"), device))

            self._limits[device] = Limits(
                multiprocessors=found("MultiProcessorCount"),
                shared=found("MaxSharedMemoryPerBlockOptin"),
                grid=min(found("MaxGridDimY"), found("MaxGridDimZ")),
            )
        return self._limits[device]

    def free_memory(self) -> int:
        """Return the bytes that are free on the current device, and unused in CuPy's pool."""
        pool = self._cupy.get_default_memory_pool()
        free: int = self._cupy.cuda.runtime.memGetInfo()[0] + pool.free_bytes()
        limit = pool.get_limit()
        return min(free, limit - pool.used_bytes()) if limit else free

    def on_device_of(self, array: Any) -> AbstractContextManager[Any]:
        """Return a context in which the device that holds `array` is the current one."""
        if isinstance(array, self._cupy.ndarray):
            return array.device  # type: ignore[no-any-return]
        address = array.__cuda_array_interface__["data"][0]
        if not address:  # an array without elements is nowhere
            return self.on_device(self._cupy.cuda.runtime.getDevice())
        return self.on_device(self._cupy.cuda.runtime.pointerGetAttributes(address).device)

    def here(self, *arrays: Any) -> bool:
        """Return whether the current device holds `arrays`."""
        current = self._cupy.cuda.runtime.getDevice()
        return [array.device.id for array in arrays] == [current] * len(arrays)

    def on_device(self, index: int) -> AbstractContextManager[Any]:
        """Return CuPy's device number `index`, which is a context."""
        count = self._cupy.cuda.runtime.getDeviceCount()
        if index >= count:
            raise DeviceError(beyond(index, count))
        return self._cupy.cuda.Device(index)  # type: ignore[no-any-return]

    def compile(self, program: Program) -> Kernel:
        """Return `program` compiled for the current device; the same one when asked again."""
        key = self._cupy.cuda.runtime.getDevice(), program
        if key in self._kernels:
            return self._kernels[key]
        if key in self._failed:
            raise DeviceError(self._failed[key])
        # One thread compiles a program while others may compile others.
        with self._locks.setdefault(key, Lock()):
            if key not in self._kernels:
                start = perf_counter()
                try:
                    self._kernels[key] = self._load(program)
                except DeviceError as error:
                    self._failed[key] = str(error)
                    raise
                took = (perf_counter() - start) * 1e3
                self._compiled.append(Compiled(program.label, key[0], took))
        return self._kernels[key]

    def _load(self, program: Program) -> Kernel:
        options = ("--std=c++17",)
        # A cubin for a driver too old for it fails as RuntimeError, an absent compiler as either.
        failures = self._cupy.cuda.compiler.CompileException, RuntimeError, ImportError
        try:
            module = self._cupy.RawModule(code=program.text, backend="nvrtc", options=options)
            return _CupyKernel(module.get_function(program.entry), self._cupy.cuda.runtime)
        except failures as error:
            raise DeviceError(
                f"the CUDA program {program.label!r} cannot be compiled:\n{error}"
            ) from error

    def transform(self, source: Any, target: Any) -> Callable[[], None]:
        """Return what transforms images on the current stream, by cuFFT, when it is called."""
        inverse = source.dtype.kind == "c"
        shape = (target if inverse else source).shape
        # A plan has a work area, so it serves one stream; and CuPy's own cache stays the caller's.
        key = self.queue(), shape, source.dtype
        plan = self._plans.get(key, lambda: self._planned(source, shape), bytes=target.nbytes)

        def transform() -> None:
            # cuFFT allows a plan one thread at a time.
            with self._transforming:
                plan.fft(source, target, 1 if inverse else -1)  # CUFFT_INVERSE, CUFFT_FORWARD

        return transform

    def _planned(self, source: Any, shape: tuple[int, ...]) -> Any:
        """Return cuFFT's plan for images of `shape`, with a work area from CuPy's pool.

        ``get_fft_plan`` might return one that the caller's transforms use, on another stream, and
        gives it the callbacks that the caller has set.
        """
        try:
            from cupy.cuda import cufft
        except (ImportError, RuntimeError) as error:
            raise DeviceError(
                f"method='fft' needs cuFFT, which cannot be loaded: {error}; use another method, "
                "or install CuPy with its libraries: pip install 'gpuconv[cuda13]'"
            ) from error
        kind, inverse = _KINDS[source.dtype.char], source.dtype.kind == "c"
        count, rows, columns = shape
        real, spectrum = (rows, columns), (rows, columns // 2 + 1)
        read, written = (spectrum, real) if inverse else (real, spectrum)
        # Sizes, strides and distances of what is read, then of what is written.
        lies = (read, 1, prod(read), written, 1, prod(written))
        try:
            return self._with_room(
                lambda: cufft.PlanNd(real, *lies, getattr(cufft, kind), count, "C", 2, written[-1])
            )
        except cufft.CuFFTError as error:
            if error.result == _NO_ROOM:
                raise MemoryError(f"cuFFT has no room on the GPU: {error}") from error
            raise DeviceError(f"cuFFT cannot transform images of {real}: {error}") from error

    def queue(self) -> Hashable:
        """Return what tells the current device and its current stream from others."""
        cuda = self._cupy.cuda
        stream = cuda.get_current_stream().ptr
        # One name for as many streams as there are threads.
        thread = get_ident() if stream == cuda.runtime.streamPerThread else 0
        return cuda.runtime.getDevice(), stream, thread

    def stream(self) -> Stream:
        """Return a new stream of the current device, which does not wait for the default one."""
        return self._cupy.cuda.Stream(non_blocking=True)  # type: ignore[no-any-return]

    def pinned(self, size: int) -> NDArray[np.uint8]:
        """Return page-locked host memory, from CuPy's pool of it."""
        import cupyx

        try:
            return cupyx.empty_pinned((size,), np.uint8)  # type: ignore[no-any-return]
        except self._cupy.cuda.runtime.CUDARuntimeError as error:
            raise MemoryError(f"{size} bytes of host memory cannot be pinned: {error}") from error

    def upload(self, host: NDArray[Any], there: Any) -> None:
        """Copy into a contiguous device array, on the current stream."""
        there.set(host)

    def download(self, there: Any, host: NDArray[Any]) -> None:
        """Copy a contiguous device array, on the current stream, which nobody waits for."""
        there.get(out=host, blocking=False)

    def elapsed(self, start: Event, stop: Event) -> float:
        """Return the seconds between two events that have come."""
        return float(self._cupy.cuda.get_elapsed_time(start, stop)) / 1e3

    def compiled(self) -> list[Compiled]:
        """Return what was compiled so far, oldest first."""
        return list(self._compiled)


class _CupyKernel:
    """A kernel of CuPy's on one device."""

    def __init__(self, kernel: Any, driver: Any) -> None:
        self._kernel, self._driver = kernel, driver
        # This compiles. CuPy's own call would look it up for the current device each time.
        self._launch = kernel.kernel
        self._shared = _SHARED_UNASKED
        self._asking = Lock()

    def __call__(
        self,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        arguments: Sequence[Any],
        shared: int,
    ) -> None:
        if shared > self._shared:
            self._ask_for(shared)
        self._launch(grid, block, arguments, shared)

    def _ask_for(self, shared: int) -> None:
        # Never for less than another thread has just asked for.
        with self._asking:
            if shared > self._shared:
                # A thread that has not called CUDA yet has no context, and this makes one.
                self._driver.memGetInfo()
                self._kernel.max_dynamic_shared_size_bytes = shared
                self._shared = shared
