"""What the engine asks of a runtime, and how CuPy is asked for it: with a CuPy that keeps a log."""

from __future__ import annotations

import importlib.util
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gpuconv.backends.cuda import execution, runtime
from gpuconv.backends.cuda.cupy_runtime import CupyRuntime
from gpuconv.backends.cuda.lanes import CudaLane
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.source import Program
from gpuconv.errors import ArgumentError, DeviceError

GRID, BLOCK = (2, 3, 4), (32, 1, 1)


class Source(Program):
    """A program whose text is its first macro."""

    @property
    def text(self) -> str:  # type: ignore[override]
        return self.macros[0][0]


def program(text: str = "fine", entry: str = "dense") -> Program:
    return Source("dense", entry, ((text, "1"),))


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install a CuPy that runs nowhere and keeps a log."""
    path = Path(__file__).parent / "fakes" / "cupy_like.py"
    spec = importlib.util.spec_from_file_location("cupy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setattr(runtime, "_cupy", None)
    return module


@pytest.fixture
def engine(cupy: Any) -> CupyRuntime:
    return CupyRuntime()


class Foreign:
    """Another library's array on device 1."""

    def __init__(self, host: Any, empty: bool = False) -> None:
        self.host, self.empty = host, empty

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {"data": (0 if self.empty else 1 << 20, False)}


# Arrays


def test_it_owns_cupys_arrays(cupy: Any, engine: CupyRuntime) -> None:
    assert engine.owns(cupy.zeros((2, 2)))
    assert not engine.owns(np.zeros((2, 2)))
    assert not engine.owns(Foreign(np.zeros((2, 2))))


@pytest.mark.parametrize("dtype", [">f4", "<f4", ">i2", "u1", ">c16", "f2"])
def test_host_arrays_arrive_in_native_order(dtype: str, engine: CupyRuntime) -> None:
    image = np.arange(12).reshape(3, 4).astype(dtype)[::-1, ::2]
    found = engine.asarray(image)
    assert engine.owns(found)
    assert found.dtype.isnative
    np.testing.assert_array_equal(found.get(), image)


def test_lists_arrive(engine: CupyRuntime) -> None:
    assert engine.asarray([[1, 2], [3, 4]]).get().tolist() == [[1, 2], [3, 4]]


def test_an_array_on_a_device_is_taken_as_it_is(cupy: Any, engine: CupyRuntime) -> None:
    array = cupy.ndarray.of(np.zeros((4, 6), np.float32)[::-1, ::2], 1)
    assert engine.asarray(array) is array
    assert cupy.state.log == []


def test_another_librarys_array_stays_on_its_device(cupy: Any, engine: CupyRuntime) -> None:
    found = engine.asarray(Foreign(np.ones((2, 2))))
    assert cupy.state.log == [("wrap", 1)]
    assert found.device.id == 1
    assert cupy.state.current == 0


def test_another_librarys_empty_array_is_on_the_current_device(
    cupy: Any, engine: CupyRuntime
) -> None:
    assert engine.asarray(Foreign(np.ones((0, 2)), empty=True)).device.id == 0


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_misaligned_elements_are_moved(dtype: str, cupy: Any, engine: CupyRuntime) -> None:
    raw = np.arange(200, dtype=np.uint8)
    view = np.ndarray((3, 2), dtype, raw, offset=1, strides=(40, 16))
    assert not engine.owns(cupy.ndarray.of(view))
    found = engine.asarray(cupy.ndarray.of(view))
    assert engine.owns(found)
    assert found.data.ptr % found.dtype.itemsize == 0
    np.testing.assert_array_equal(found.get(), view)


def test_misaligned_rows_are_moved(cupy: Any, engine: CupyRuntime) -> None:
    raw = np.zeros(100, np.uint8)
    view = np.ndarray((3, 2), "f4", raw, strides=(9, 4))
    found = engine.asarray(cupy.ndarray.of(view))
    assert [stride % 4 for stride in found.strides] == [0, 0]


def test_copying_to_the_host_happens_on_the_arrays_device(cupy: Any, engine: CupyRuntime) -> None:
    array = cupy.ndarray.of(np.ones((2, 2)), 1)
    np.testing.assert_array_equal(engine.asnumpy(array), np.ones((2, 2)))
    assert cupy.state.log == [("asnumpy", 1)]


def test_the_address_is_the_first_elements(cupy: Any, engine: CupyRuntime) -> None:
    host = np.zeros((4, 4), np.int16)
    assert engine.address(cupy.ndarray.of(host[::-1])) == host.ctypes.data + 24


# Memory


def test_an_empty_array_is_as_asked(engine: CupyRuntime) -> None:
    array = engine.empty((2, 3), np.dtype("u2"))
    assert (array.shape, array.dtype) == ((2, 3), np.uint16)


@pytest.mark.parametrize("make", ["empty", "asarray"])
def test_the_pool_is_emptied_before_memory_counts_as_full(
    make: str, cupy: Any, engine: CupyRuntime
) -> None:
    cupy.state.room, cupy.state.pooled = 100, 200
    array = engine.empty((250,), "u1") if make == "empty" else engine.asarray(np.zeros(250, "u1"))
    assert array.shape == (250,)
    assert cupy.state.log == [("allocate", 250, 0), ("emptied",), ("allocate", 250, 0)]


@pytest.mark.parametrize("make", ["empty", "asarray"])
def test_full_memory_is_a_memory_error(make: str, cupy: Any, engine: CupyRuntime) -> None:
    cupy.state.room = 100
    said = "the GPU has no room: Out of memory allocating 250 bytes"
    with pytest.raises(MemoryError, match=said) as caught:
        _ = engine.empty((250,), "u1") if make == "empty" else engine.asarray(np.zeros(250, "u1"))
    assert type(caught.value) is MemoryError
    assert cupy.state.log.count(("emptied",)) == 1


@pytest.mark.parametrize(("limit", "free"), [(0, 700), (1400, 400), (9999, 700)])
def test_free_memory_counts_the_pool_and_its_limit(
    limit: int, free: int, cupy: Any, engine: CupyRuntime
) -> None:
    cupy.state.room, cupy.state.pooled, cupy.state.limit = 500, 200, limit
    assert engine.free_memory() == free


# Devices


def test_limits_are_asked_once_for_each_device(cupy: Any, engine: CupyRuntime) -> None:
    for _ in range(2):
        assert engine.limits() == Limits(100, 227 << 10, 65535)
        with engine.on_device(1):
            assert engine.limits() == Limits(101, 227 << 10, 65535)
    assert len(cupy.state.log) == len(set(cupy.state.log)) == 8


def test_contexts_change_the_current_device(cupy: Any, engine: CupyRuntime) -> None:
    for context in (
        engine.on_device(1),
        engine.on_device_of(cupy.ndarray.of(np.ones(2), 1)),
        engine.on_device_of(Foreign(np.ones(2))),
    ):
        with context:
            assert cupy.state.current == 1
        assert cupy.state.current == 0


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "no GPU number 3, only cuda:0$"), (3, "no GPU number 3, only cuda:0, cuda:1 and cuda:2$")],
)
def test_a_device_beyond_the_last(count: int, said: str, cupy: Any, engine: CupyRuntime) -> None:
    cupy.state.devices = count
    with pytest.raises(DeviceError, match=said):
        engine.on_device(3)


# Kernels


def test_a_program_is_compiled_once_for_each_device(cupy: Any, engine: CupyRuntime) -> None:
    first = engine.compile(program())
    assert engine.compile(program()) is first
    with engine.on_device(1):
        other = engine.compile(program())
        assert other is not first
        assert engine.compile(program()) is other
    how = "nvrtc", ("--std=c++17",)
    assert cupy.state.log == [("compile", "dense", 0, *how), ("compile", "dense", 1, *how)]


def test_programs_are_told_apart_by_all_of_them(cupy: Any, engine: CupyRuntime) -> None:
    kernels = {engine.compile(program(t, e)) for t in ("a", "b") for e in ("dense", "other")}
    assert len(kernels) == 4


def test_the_real_text_is_compiled(cupy: Any, engine: CupyRuntime) -> None:
    texts = []
    original = cupy.RawModule

    def module(code: str, **options: Any) -> Any:
        texts.append(code)
        return original(code, **options)

    cupy.RawModule = module
    real = Program("dense", "dense", (("ANYTHING", "17"),))
    engine.compile(real)
    assert texts == [real.text]
    assert "#define ANYTHING 17\n" in texts[0]


def test_what_cannot_be_compiled_fails_again_at_once(cupy: Any, engine: CupyRuntime) -> None:
    for _ in range(2):
        with pytest.raises(DeviceError, match="cannot be compiled"):
            engine.compile(program("#error"))
    assert [entry[0] for entry in cupy.state.log].count("compile") == 1


def test_threads_compile_a_program_once(cupy: Any, engine: CupyRuntime) -> None:
    gate = threading.Barrier(8)
    found = []

    def work() -> None:
        gate.wait()
        found.append(engine.compile(program()))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [entry[0] for entry in cupy.state.log] == ["compile"]


def test_what_was_compiled_is_listed(cupy: Any, engine: CupyRuntime) -> None:
    engine.compile(program("a"))
    with engine.on_device(1):
        engine.compile(program("b"))
    listed = engine.compiled()
    assert [(one.label, one.device) for one in listed] == [("dense a=1", 0), ("dense b=1", 1)]
    assert all(0 < one.milliseconds < 10_000 for one in listed)


def test_a_launch_hands_everything_over_on_the_current_device(
    cupy: Any, engine: CupyRuntime
) -> None:
    parameters = np.zeros(1, [("weights", "f4", 9), ("rows", "i4")])
    arguments = [cupy.zeros((2, 2)), None, parameters]
    with engine.on_device(1):
        engine.compile(program())(GRID, BLOCK, arguments, 1000)
    launch = cupy.state.log[-1]
    assert launch == ("launch", "dense", GRID, BLOCK, arguments, 1000, 1)
    assert launch[4][2] is parameters


def test_much_shared_memory_is_asked_for_once_and_never_lowered(
    cupy: Any, engine: CupyRuntime
) -> None:
    kernel = engine.compile(program())
    for shared in (49152, 49153, 49153, 100_000, 60_000):
        kernel(GRID, BLOCK, [], shared)
    asked = [entry for entry in cupy.state.log if entry[0] == "max_dynamic_shared_size_bytes"]
    assert [entry[1] for entry in asked] == [49153, 100_000]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#error", r"'dense #error=1' cannot be compiled:\n.*error: #error directive"),
        ("#unloadable", r"cannot be compiled:\nCUDA_ERROR_UNSUPPORTED_PTX_VERSION"),
    ],
)
def test_a_program_that_cannot_be_compiled_shows_the_log(
    text: str, said: str, cupy: Any, engine: CupyRuntime
) -> None:
    for _ in range(2):
        with pytest.raises(DeviceError, match=said):
            engine.compile(program(text))
    assert engine.compiled() == []


# Which runtime


def test_the_current_runtime_is_cupys_and_one(cupy: Any) -> None:
    assert not runtime.started()
    assert runtime.compiled() == []
    assert isinstance(runtime.current(), CupyRuntime)
    assert runtime.current() is runtime.current()
    assert runtime.started()
    assert not runtime.substituted()
    runtime.current().compile(program())
    assert [one.label for one in runtime.compiled()] == ["dense fine=1"]


def test_another_runtime_takes_its_place_for_a_while(cupy: Any) -> None:
    one, two = CupyRuntime(), CupyRuntime()
    with runtime.use(one) as used:
        assert used is one is runtime.current()
        assert runtime.substituted()
        with runtime.use(two):
            assert runtime.current() is two
        assert runtime.current() is one
    assert not runtime.substituted()
    assert runtime.current() not in (one, two)


# Streams


def test_a_lane_copies_on_streams_of_its_own(cupy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def pinned(shape: Any, dtype: Any) -> Any:
        cupy.state.log.append(("pinned", shape))
        return np.empty(shape, dtype)

    def make(windows: Any) -> Any:
        assert cupy.state.stream == compute
        return cupy.ndarray.of(2 * windows[0].host)

    monkeypatch.setitem(sys.modules, "cupyx", SimpleNamespace(empty_pinned=pinned))
    with runtime.use(CupyRuntime()):
        lane = CudaLane("cuda:1")
        window = lane.room((3, 5), np.float32)
        window[...] = np.arange(15).reshape(3, 5)
        log = cupy.state.log
        streams = [entry for entry in log if entry[0] == "stream"]
        assert [entry[2:] for entry in streams] == [(True, 1)] * 3
        upload, compute, download = (entry[1] for entry in streams)
        pixels, spans = lane.start(make, [window]).result()
        lane.close()
    np.testing.assert_array_equal(pixels, 2 * window)
    assert ("set", 60, upload) in log
    assert ("get", 60, download, False) in log
    waits = [entry[1] for entry in log if entry[0] == "wait"]
    assert waits == [upload, compute, download]
    assert [stage for stage, _, _ in spans] == ["upload", "compute", "download"]
    assert ("pinned", (2**20,)) in log
    assert cupy.state.stream == 0


def test_memory_that_cannot_be_pinned_is_ordinary(
    cupy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pinned(shape: Any, dtype: Any) -> Any:
        raise cupy.CUDARuntimeError("cudaErrorMemoryAllocation")

    monkeypatch.setitem(sys.modules, "cupyx", SimpleNamespace(empty_pinned=pinned))
    with runtime.use(CupyRuntime()):
        assert CudaLane().room((3, 5), np.float32).shape == (3, 5)


def test_an_error_ends_the_use_of_another_runtime(cupy: Any) -> None:
    with pytest.raises(ZeroDivisionError), runtime.use(CupyRuntime()):
        raise ZeroDivisionError
    assert not runtime.substituted()


def test_another_runtime_is_used_by_all_threads(cupy: Any) -> None:
    seen = []
    with runtime.use(CupyRuntime()) as used:
        thread = threading.Thread(target=lambda: seen.append(runtime.current()))
        thread.start()
        thread.join()
    assert seen == [used]


def test_no_cupy_is_a_device_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_cupy", None)
    monkeypatch.setitem(sys.modules, "cupy", None)
    for _ in range(2):
        with pytest.raises(DeviceError, match=r"CuPy is not installed: pip install 'gpuconv\["):
            runtime.current()
    assert not runtime.started()


def test_a_broken_cupy_is_a_device_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cupy.py").write_text("raise ImportError('libcublas.so.13 is missing')")
    monkeypatch.setattr(runtime, "_cupy", None)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DeviceError, match=r"CuPy cannot be imported: libcublas.so.13 is missing"):
        runtime.current()


def test_arrays_on_two_gpus_are_refused(cupy: Any, engine: CupyRuntime) -> None:
    """A kernel on one GPU that touches another's memory leaves neither usable."""
    image, here, there = (cupy.ndarray.of(np.zeros((2, 2)), device) for device in (1, 1, 0))
    with execution.together(engine, image, out=here, mask=None):
        assert cupy.state.current == 1
    for name in ("out", "mask"):
        with pytest.raises(ArgumentError, match=f"^{name} lies on another GPU than the image; "):
            execution.together(engine, image, **{name: there})
