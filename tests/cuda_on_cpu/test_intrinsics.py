"""CUDA's functions on the CPU give what CUDA documents, by Python's arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cuda_on_cpu import CpuRuntime, missing
from cuda_on_cpu.samples import Sample, element

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

_C = {
    "f4": "float",
    "f8": "double",
    "i4": "int",
    "u4": "unsigned",
    "i8": "long long",
    "u8": "unsigned long long",
    "u2": "unsigned short",
}


def _map(expression: str, x: Any, dtype: str) -> Any:
    """Return `expression` of each element x, computed by a kernel."""
    given, made = _C[x.dtype.str[1:]], _C[dtype]
    text = f"""extern "C" __global__ void map(const {given} *in, {made} *out, int n) {{
        const int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < n) {{ const auto x = in[i]; out[i] = {expression}; }}
    }}"""
    out = np.zeros(x.shape, dtype)
    kernel = CpuRuntime().compile(Sample(text, "map"))
    kernel((-(-x.size // 64), 1, 1), (64, 1, 1), (x, out, element(x.size, np.int32)), 0)
    return out


_REALS = np.array(
    [
        0.5,
        1.5,
        2.5,
        -0.5,
        -1.5,
        3.7,
        -3.7,
        0,
        1e6 + 0.5,
        2**31 - 1,
        2**31,
        -(2**31),
        -(2**31) - 1,
        2**32,
        2**40,
        -(2**40),
        2**63,
        -(2**63),
        2**64,
        1e30,
        -1e30,
        np.inf,
        -np.inf,
    ]
)


def _saturated(x: float, low: int, high: int) -> int:
    if abs(x) == np.inf:
        return high if x > 0 else low
    return min(max(round(x), low), high)


@pytest.mark.parametrize("source", ["float", "double"])
@pytest.mark.parametrize(
    ("to", "dtype", "nan"),
    [("int", "i4", 0), ("uint", "u4", 0), ("ll", "i8", -(2**63)), ("ull", "u8", 2**63)],
)
def test_conversions_round_half_to_even_and_saturate(
    source: str, to: str, dtype: str, nan: int
) -> None:
    """And make NaN 0 only from float to 32 bits, else the top bit alone (PTX ISA, cvt)."""
    if source == "double" and to in ("int", "uint"):
        nan = -(2**31) if to == "int" else 2**31
    x = _REALS.astype("f4" if source == "float" else "f8")
    info = np.iinfo(dtype)
    expected = [_saturated(float(v), info.min, info.max) for v in x]
    found = _map(f"__{source}2{to}_rn(x)", np.append(x, x.dtype.type(np.nan)), dtype)
    assert found.tolist() == [*expected, nan]


def test_float16_widens_and_narrows_as_numpy_does() -> None:
    bits = np.arange(2**16, dtype=np.uint16)
    wide = _map("cpu_widened(x)", bits, "f4")
    expected = bits.view(np.float16).astype(np.float32)
    np.testing.assert_array_equal(wide, expected)
    assert (np.signbit(wide) == np.signbit(expected))[~np.isnan(expected)].all()
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(_map("cpu_narrowed(x)", wide, "u2")[number], bits[number])
    assert set(_map("cpu_narrowed(x)", wide, "u2")[~number]) == {0x7FFF}


def test_float16_is_narrowed_half_to_even() -> None:
    steps = np.arange(0, 2**16 - 1, dtype=np.uint16).view(np.float16)
    steps = steps[np.isfinite(steps)].astype(np.float64)
    middle = (steps[:-1] + steps[1:]) / 2
    x = np.concatenate(
        [
            middle,
            np.nextafter(middle, np.inf),
            np.nextafter(middle, -np.inf),
            [65519.99, 65520, 1e-8, 2**-25, 2**-24 * 0.75],
        ]
    )
    with np.errstate(over="ignore"):
        expected = x.astype(np.float16).view(np.uint16)
    np.testing.assert_array_equal(_map("cpu_narrowed(x)", x, "u2"), expected)


def test_byte_perm_selects_bytes_and_signs() -> None:
    x = np.array([0x3210, 0x7654, 0x0123, 0x4040, 0xBA98], np.uint32)
    found = _map("__byte_perm(0x83828180u, 0x07060504u, x)", x, "u4")
    assert [hex(v) for v in found] == [
        "0x83828180",
        "0x7060504",
        "0x80818283",
        "0x4800480",
        "0xffffffff",
    ]


def test_dp4a_multiplies_bytes_and_wraps() -> None:
    a = np.random.default_rng(0).integers(0, 2**32, 200, dtype=np.uint32)
    unsigned = (a.view(np.uint8).reshape(-1, 4).astype(np.int64) * [1, 2, 254, 255]).sum(1) + 7
    assert _map("__dp4a(x, 0xfffe0201u, 7u)", a, "u4").tolist() == unsigned.tolist()
    signed = (a.view(np.int8).reshape(-1, 4).astype(np.int64) * [1, 2, -2, -1]).sum(1) - 7
    found = _map("__dp4a((int)x, (int)0xfffe0201u, -7)", a, "i4")
    assert found.tolist() == signed.tolist()


@pytest.mark.parametrize(
    ("expression", "dtype", "expected"),
    [
        ("min(x, -1)", "i4", [-3, -1, -1]),
        ("max(x, 0)", "i4", [0, 0, 5]),
        ("max(x, 0u)", "u4", [2**32 - 3, 0, 5]),
        ("min((float)x, __uint_as_float(0x7fc00000u))", "f4", [-3, 0, 5]),
        ("max((double)x, 0.5)", "f8", [0.5, 0.5, 5]),
        ("min((long long)x, -(1ll << 40))", "i8", [-(2**40)] * 3),
        ("abs(x)", "i4", [3, 0, 5]),
        ("fmaf((float)x, 2.0f, 1.0f)", "f4", [-5, 1, 11]),
        ("isnan((float)x / 0.0f) + 2 * isfinite((float)x)", "i4", [2, 3, 2]),
        ("__float_as_int((float)x) == __float_as_uint((float)x)", "i4", [1, 1, 1]),
        ("__popc(x) + 100 * __clz(x)", "i4", [31, 3200, 2902]),
        ("__ldg(in + i)", "i4", [-3, 0, 5]),
        ("__mulhi(x, 1 << 30)", "i4", [-1, 0, 1]),
    ],
)
def test_a_function_gives_what_cuda_gives(expression: str, dtype: str, expected: list[Any]) -> None:
    assert _map(expression, np.array([-3, 0, 5], np.int32), dtype).tolist() == expected


_LANES = np.arange(64, dtype=np.int32)


@pytest.mark.parametrize(
    ("expression", "source"),
    [
        ("__shfl_sync(0xffffffffu, x, 5)", lambda n: n // 32 * 32 + 5),
        ("__shfl_sync(0xffffffffu, x, 5, 8)", lambda n: n // 8 * 8 + 5),
        ("__shfl_down_sync(0xffffffffu, x, 3)", lambda n: n + 3 if n % 32 < 29 else n),
        ("__shfl_up_sync(0xffffffffu, x, 3)", lambda n: n - 3 if n % 32 > 2 else n),
        ("__shfl_xor_sync(0xffffffffu, x, 6)", lambda n: n ^ 6),
        ("(int)__ballot_sync(0xffffffffu, x % 32 < 4)", lambda n: 15),
        ("__any_sync(0xffffffffu, x == 40)", lambda n: n >= 32),
        ("__all_sync(0xffffffffu, x < 40)", lambda n: n < 32),
        ("__syncthreads_count(x % 3 == 0)", lambda n: 22),
    ],
)
def test_a_warp_function_exchanges_lanes(expression: str, source: Any) -> None:
    assert _map(expression, _LANES, "i4").tolist() == [int(source(n)) for n in range(64)]


def test_atomics_of_all_threads_and_blocks_add_up() -> None:
    text = """extern "C" __global__ void total(const int *x, int *out) {
        __shared__ int sum;
        if (threadIdx.x == 0) sum = 0;
        __syncthreads();
        atomicAdd(&sum, x[blockIdx.x * 64 + threadIdx.x]);
        __syncthreads();
        if (threadIdx.x == 0) { atomicAdd(out, sum); atomicMax(out + 1, sum); }
    }"""
    x, out = np.arange(256, dtype=np.int32), np.zeros(2, np.int32)
    CpuRuntime().compile(Sample(text, "total"))((4, 1, 1), (64, 1, 1), (x, out), 0)
    assert out.tolist() == [x.sum(), x[192:].sum()]


def test_addresses_are_computed_in_64_bits() -> None:
    x = np.array([2**31 + 5, 7], np.int64)
    assert _map("x * 4 + (long long)sizeof(void *)", x, "i8").tolist() == [2**33 + 28, 36]
