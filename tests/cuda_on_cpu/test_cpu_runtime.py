"""The CPU's runtime: which arrays kernels get, what of them they may touch, what is remembered."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cuda_on_cpu import ApartRuntime, BuildError, CheckError, CpuRuntime, build, missing
from cuda_on_cpu.memory import Fresh, Operand, locate
from cuda_on_cpu.samples import Sample
from cuda_on_cpu.trace import requests
from gpuconv import backends
from gpuconv.backends.cuda import runtime

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

#: Doubles x into out, both of any strides (of elements): a 5 × 6 image.
_DOUBLE = Sample(
    """struct Steps { long long y, x, out_y, out_x; };
    extern "C" __global__ void twice(const float *x, float *out, const __grid_constant__ Steps s) {
        if (threadIdx.x < 6 && threadIdx.y < 5)
            out[threadIdx.y * s.out_y + threadIdx.x * s.out_x] =
                2 * x[threadIdx.y * s.y + threadIdx.x * s.x];
    }""",
    "twice",
)
_STEPS = np.dtype([(name, np.int64) for name in ("y", "x", "out_y", "out_x")])


def _twice(runtime: CpuRuntime, x: Any, out: Any) -> None:
    steps = np.zeros(1, _STEPS)
    steps[0] = tuple(step // 4 for step in (*x.strides, *out.strides))
    runtime.compile(_DOUBLE)((1, 1, 1), (8, 8, 1), (x, out, steps), 0)


def _image() -> Any:
    return np.arange(400, dtype=np.float32).reshape(20, 20)


VIEWS: dict[str, Callable[[Any], Any]] = {
    "crop": lambda a: a[2:7, 3:9],
    "reversed": lambda a: a[6:1:-1, 8:2:-1],
    "transposed": lambda a: a[2:8, 3:8].T,
    "every other": lambda a: a[0:10:2, 0:12:2],
    "broadcast": lambda a: np.broadcast_to(a[3, :6], (5, 6)),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=list(VIEWS))
def test_a_view_is_read_where_its_elements_are(view: Callable[[Any], Any]) -> None:
    runtime = CpuRuntime()
    x, out = view(_image()), runtime.empty((5, 6), np.float32)
    _twice(runtime, x, out)
    np.testing.assert_array_equal(out, 2 * x)


@pytest.mark.parametrize("name", ["crop", "reversed", "transposed", "every other"])
def test_a_view_is_written_and_its_gaps_are_not(name: str) -> None:
    home, x = np.zeros((20, 20), np.float32), np.ones((5, 6), np.float32)
    _twice(CpuRuntime(), x, VIEWS[name](home))
    expected = np.zeros_like(home)
    VIEWS[name](expected)[...] = 2
    np.testing.assert_array_equal(home, expected)


def test_an_image_may_lie_between_the_elements_of_the_output() -> None:
    home = np.ones((5, 12), np.float32)
    _twice(CpuRuntime(), home[:, ::2], home[:, 1::2])
    assert home.tolist() == [[1, 2] * 6] * 5


def test_an_array_may_be_filtered_in_place_element_by_element() -> None:
    x = np.ones((5, 6), np.float32)
    _twice(CpuRuntime(), x, x)
    assert (x == 2).all()


def test_an_output_that_overlaps_the_image_is_a_race() -> None:
    home = np.ones((6, 6), np.float32)
    with pytest.raises(CheckError, match="race: "):
        _twice(CpuRuntime(), home[:5], home[1:])


def test_what_one_launch_writes_the_next_may_read() -> None:
    runtime = CpuRuntime()
    between, out = runtime.empty((5, 6), np.float32), runtime.empty((5, 6), np.float32)
    _twice(runtime, np.ones((5, 6), np.float32), between)
    _twice(runtime, between, out)
    assert (out == 4).all()


def test_scratch_that_nobody_wrote_may_not_be_read() -> None:
    runtime = CpuRuntime()
    with pytest.raises(CheckError, match=r"uninitialised: nothing wrote what is read.*x\[0, 0\]"):
        _twice(runtime, runtime.empty((5, 6), np.float32), np.zeros((5, 6), np.float32))


def test_scratch_that_was_partly_written_may_be_read_there() -> None:
    runtime = CpuRuntime()
    scratch = runtime.empty((10, 6), np.float32)
    _twice(runtime, np.ones((5, 6), np.float32), scratch[:5])
    _twice(runtime, scratch[:5], np.zeros((5, 6), np.float32))
    with pytest.raises(CheckError, match=r"uninitialised.*x\[4, 0\]"):
        _twice(runtime, scratch[1:6], np.zeros((5, 6), np.float32))


def test_what_the_host_wrote_to_scratch_may_be_read() -> None:
    runtime = CpuRuntime()
    x, out = runtime.empty((5, 6), np.float32), runtime.empty((5, 6), np.float32)
    x[...] = 3
    _twice(runtime, x, out)
    assert (out == 6).all()


def test_memory_is_counted_and_given_back() -> None:
    runtime = CpuRuntime(memory=1000)
    first = runtime.empty((200,), np.float32)
    assert runtime.free_memory() == 200
    with pytest.raises(MemoryError, match="204 bytes are more than the 200 that are free"):
        runtime.empty((51,), np.float32)
    view = first[3:]
    del first
    assert runtime.free_memory() == 200
    del view
    gc.collect()
    assert runtime.free_memory() == 1000


def test_only_native_aligned_arrays_are_taken_as_they_are() -> None:
    runtime = CpuRuntime()
    plain = _image()
    assert runtime.asarray(plain) is plain
    assert runtime.owns(plain[::2, ::-1])
    swapped = plain.astype(">f4")
    odd = np.frombuffer(b"\0" * 41, np.uint8)[1:].view(np.float32)
    record = np.zeros(4, [("a", "u1"), ("b", "f4")])["b"]
    for array in (swapped, odd, record, [1, 2]):
        assert not runtime.owns(array)
        copy = runtime.asarray(array)
        assert runtime.owns(copy)
        np.testing.assert_array_equal(copy, array)


def test_arrays_of_a_device_that_lies_apart_are_not_the_hosts() -> None:
    with runtime.use(ApartRuntime()) as device:
        there = device.asarray(np.zeros((3, 4), np.float32))
        assert backends.owner(there) is backends.owner(there[1:, ::2]) is backends.cuda
        assert backends.owner(device.asnumpy(there)) is backends.host


def test_both_modes_give_the_same() -> None:
    x = _image()[2:7, 3:9]
    outs = [np.zeros((5, 6), np.float32) for _ in range(2)]
    for mode, out in zip(("check", "fast"), outs, strict=True):
        _twice(CpuRuntime(mode), x, out)
    np.testing.assert_array_equal(*outs)


def test_a_launch_is_remembered() -> None:
    runtime = CpuRuntime()
    _twice(runtime, _image()[:5, :6], runtime.empty((5, 6), np.float32))
    record = runtime.launches[-1]
    assert record.program is _DOUBLE
    assert (record.grid, record.block, record.accesses) == ((1, 1, 1), (8, 8, 1), 60)
    assert [row.label for row in runtime.compiled()] == ["twice"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"mode": "slow"}, "mode='slow'"),
        ({"orders": ("random",)}, r"orders=\('random',\)"),
        ({"orders": ()}, r"orders=\(\)"),
    ],
)
def test_an_option_that_there_is_not_is_refused(options: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        CpuRuntime(**options)


def test_the_compilers_message_names_the_kernels_line() -> None:
    text = '#line 40 "wrong.cu"\nextern "C" __global__ void wrong() { undeclared = 1; }'
    with pytest.raises(BuildError, match=r"wrong\.cu:40"):
        CpuRuntime().compile(Sample(text, "wrong"))


def test_a_shared_declaration_that_cannot_be_read_is_refused() -> None:
    text = 'extern "C" __global__ void k() { __shared__ int a = 1; }'
    with pytest.raises(BuildError, match=r"not understood: .*__shared__ int a = 1"):
        CpuRuntime().compile(Sample(text, "k"))


@pytest.mark.parametrize(
    "declaration",
    [
        "__shared__ float tile[8][4 * (2 + sizeof(int))];",
        "__shared__ alignas(16) float tile[32];",
        "__shared__ __align__(16) const float *tile[32];",
        "static __shared__ Pair<float, 2> tile[2];",
        "__shared__ float\n tile[3]; // the __shared__ tile",
        "extern __shared__ float tile[];",
    ],
)
def test_shared_declarations_are_rewritten_on_their_line(declaration: str) -> None:
    text = build.rewritten(f"void k() {{ {declaration}\n }}")
    assert "__shared__" not in text
    assert "_SHARED(tile, " in text
    assert text.count("\n") == declaration.count("\n") + 1


def test_an_address_is_named_by_its_element() -> None:
    home = _image()
    for view in (home, home[3:9, 2:5], home[::-1, ::-2], home.T):
        operand = Operand("x", view, writable=False)
        for index in np.ndindex(view.shape):
            assert locate(view[index[0] :, index[1] :].ctypes.data, [operand]) == f"x{list(index)}"


def test_a_host_write_of_the_very_pattern_is_the_only_one_unseen() -> None:
    fresh, array = Fresh(), np.empty(8, np.uint8)
    fresh.add(array)
    assert array.tolist() == [0xAD, 0xDE, 0xFF, 0x7F] * 2


def _conflicts(stride: int, item: str) -> Any:
    text = f"""extern "C" __global__ void read(const float *x, float *out) {{
        extern __shared__ __align__(16) unsigned char shared[];
        {item} *tile = reinterpret_cast<{item} *>(shared);
        for (int i = threadIdx.x; i < 1024; i += 32) reinterpret_cast<float *>(shared)[i] = x[i];
        __syncthreads();
        const {item} v = tile[threadIdx.x * {stride}];
        out[threadIdx.x] = *reinterpret_cast<const float *>(&v);
    }}"""
    runtime = CpuRuntime(orders=("forward",))
    runtime.rules.trace = True
    args = np.zeros(1024, np.float32), np.zeros(32, np.float32)
    runtime.compile(Sample(text, "read"))((1, 1, 1), (32, 1, 1), args, 4096)
    return requests(runtime.launches[-1])


@pytest.mark.parametrize(
    ("stride", "item", "ways"),
    [
        (0, "float", 1),
        (1, "float", 1),
        (2, "float", 2),
        (3, "float", 1),
        (8, "float", 8),
        (32, "float", 32),
        (1, "float2", 1),
        (2, "float2", 2),
        (1, "float4", 1),
        (2, "float4", 2),
    ],
)
def test_bank_conflicts_are_counted_by_phases(stride: int, item: str, ways: int) -> None:
    (read,) = [row for row in _conflicts(stride, item) if row.space == "shared" and not row.write]
    assert read.ways == ways
    assert read.count == 1


@pytest.mark.parametrize(
    ("step", "offset", "sectors"), [(1, 0, 4), (1, 1, 5), (2, 0, 8), (0, 0, 1)]
)
def test_sectors_are_counted_per_request(step: int, offset: int, sectors: int) -> None:
    text = f"""extern "C" __global__ void read(const float *x, float *out) {{
        out[threadIdx.x] = x[threadIdx.x * {step} + {offset}]; }}"""
    runtime = CpuRuntime(orders=("forward",))
    runtime.rules.trace = True
    x = np.zeros(80, np.float32)
    start = -x.ctypes.data % 32 // 4
    args = x[start : start + 72], np.zeros(32, np.float32)
    runtime.compile(Sample(text, "read"))((1, 1, 1), (32, 1, 1), args, 0)
    (read,) = [row for row in requests(runtime.launches[-1]) if not row.write]
    assert (read.sectors, read.bytes) == (sectors, 128)


def test_a_launch_that_was_not_traced_has_no_requests() -> None:
    runtime = CpuRuntime()
    _twice(runtime, _image()[:5, :6], runtime.empty((5, 6), np.float32))
    with pytest.raises(ValueError, match="not traced"):
        requests(runtime.launches[-1])


def test_libraries_are_kept_where_the_environment_says(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPUCONV_CPU_CACHE", str(tmp_path))
    script = (
        "from cuda_on_cpu import CpuRuntime; from cuda_on_cpu.samples import Sample\n"
        "CpuRuntime().compile(Sample('extern \"C\" __global__ void k() {}', 'k'))"
        "((1, 1, 1), (1, 1, 1), (), 0)"
    )
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            cwd=build.__file__[: -len("cuda_on_cpu/build.py")],
        )
    assert sorted(path.name.partition("-")[0] for path in tmp_path.iterdir()) == ["k", "runtime"]
