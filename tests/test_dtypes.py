"""The table of dtypes: accumulators, rounding half to even, saturation."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from gpuconv import Kernel, convolve, dtypes
from gpuconv.errors import ArgumentTypeError

INTEGERS = [name for name in dtypes.TABLE if np.dtype(name).kind in "iu"]
FLOATS = ["float16", "float32", "float64"]


@pytest.mark.parametrize("name", dtypes.TABLE)
def test_every_row(name: str) -> None:
    row = dtypes.rule(name)
    assert row.accumulator in ("float32", "float64")
    assert row.real == (np.dtype(name).kind != "c")
    assert dtypes.rule(np.dtype(name).newbyteorder()) is row
    assert dtypes.rule(np.dtype(name).type) is row
    if np.dtype(name).kind in "fc":
        assert np.dtype(row.accumulator).itemsize >= np.zeros(1, name).real.itemsize


def test_the_table_has_every_numeric_dtype_of_its_sizes() -> None:
    sizes = {f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
    assert set(dtypes.TABLE) == sizes | {*FLOATS, "complex64", "complex128"}


@pytest.mark.parametrize("given", [">u2", "<u2", "uint16", np.uint16, np.dtype(">u2")])
def test_native(given: object) -> None:
    found = dtypes.native(given, "dtype")
    assert found == np.dtype("uint16")
    assert found.isnative


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (bool, r"of dtype bool is not supported; a filtered mask is not a mask: convert it first"),
        ("longdouble", r"of dtype (float128|float96|longdouble) is not supported \(one of uint8,"),
        (object, r"of dtype object is not supported"),
        ("U3", r"of dtype str96 is not supported"),
        ("datetime64[s]", r"of dtype datetime64\[s\] is not supported"),
        ("f4,f4", r"of dtype void64 is not supported"),
        ("flaot", r"of dtype 'flaot' is not supported \(one of uint8, int8, .*complex128\)"),
        ((2, 3), r"of dtype \(2, 3\) is not supported"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_other_dtypes_are_refused_by_name(given: object, said: str) -> None:
    if given == "longdouble" and np.dtype("longdouble") == np.float64:
        pytest.skip("longdouble is float64 here")
    for call in (dtypes.rule, dtypes.native):
        with pytest.raises(ArgumentTypeError, match=f"image {said}"):
            call(given, "image")


def test_float64_is_used_for_32_bits_and_more() -> None:
    wide = {name for name in dtypes.TABLE if dtypes.rule(name).accumulator == "float64"}
    assert wide == {"uint32", "int32", "uint64", "int64", "float64", "complex128"}


@pytest.mark.parametrize(
    ("image", "out", "expected"),
    [
        ("float32", "float32", "float32"),
        ("float32", "uint8", "float32"),
        ("float32", "float64", "float64"),
        ("float64", "float32", "float64"),
        ("uint8", "int32", "float64"),
        ("float16", "float16", "float32"),
    ],
)
def test_the_wider_accumulator_is_taken(image: str, out: str, expected: str) -> None:
    for integer in (True, False):
        assert dtypes.accumulator(image, out, 1, integer) == expected


@pytest.mark.parametrize("name", ["uint8", "int8", "uint16", "int16"])
@pytest.mark.parametrize("divisor", [1, 9])
def test_integer_sums_are_exact_in_their_accumulator(name: str, divisor: int) -> None:
    limits = np.iinfo(name)
    largest = max(-int(limits.min), int(limits.max))
    most = 2**24 // largest // (1 if divisor == 1 else 2)
    assert dtypes.accumulator(name, name, most, True, divisor) == "float32"
    assert dtypes.accumulator(name, name, most + 1, True, divisor) == "float64"
    assert np.float32(most * largest) == most * largest


def test_what_stands_outside_counts_among_the_pixels() -> None:
    assert dtypes.accumulator("uint8", "uint8", 9, True, fill=2.0**21) == "float64"
    assert dtypes.accumulator("uint8", "uint8", 9, True, fill=-(2.0**21)) == "float64"
    assert dtypes.accumulator("uint8", "uint8", 9, True, fill=float("inf")) == "float64"
    assert dtypes.accumulator("uint8", "uint8", 9, True, fill=300) == "float32"


def test_large_float_gains_over_integers_are_summed_in_float64() -> None:
    assert dtypes.accumulator("uint16", "uint16", 1.0, False) == "float32"
    assert dtypes.accumulator("uint16", "uint16", 2000.5, False) == "float64"
    assert dtypes.accumulator("uint16", "uint16", 2000.5, False, divisor=-2000) == "float32"
    assert dtypes.accumulator("uint16", "float32", 2000.5, False) == "float32"


def test_one_more_bit_keeps_float32_quotients_off_ties() -> None:
    divisor = 3
    sums = np.arange(2**23 - 3000, 2**23)
    quotients = (sums.astype(np.float32) / np.float32(divisor)).astype(np.float64)
    for total, quotient in zip(sums.tolist(), np.rint(quotients).tolist(), strict=True):
        assert quotient == round(Fraction(total, divisor))


@pytest.mark.parametrize("divisor", [1.2, 2.4, 2**24 + 1, 1e300])
def test_divisors_that_float32_does_not_hold_divide_in_float64(divisor: float) -> None:
    assert dtypes.accumulator("uint8", "uint8", 1, True, divisor) == "float64"
    # 9 / 1.2 is a tie, of which 9 / float32(1.2) falls short.
    assert np.rint(np.float32(9) / np.float32(1.2)) == 7
    assert convolve(np.array([[9]], np.uint8), Kernel([[1]], divisor=1.2)) == 8


def test_complex_of() -> None:
    assert dtypes.complex_of("uint8") == np.complex64
    assert dtypes.complex_of("float64") == np.complex128
    assert dtypes.complex_of("int32") == np.complex128


def stored(values: list[float], out: str, accumulator: str = "float64") -> list[int]:
    target = np.empty(len(values), out)
    dtypes.store(np.array(values, accumulator), target)
    return [int(v) for v in target]


@pytest.mark.parametrize("accumulator", ["float32", "float64"])
@pytest.mark.parametrize("name", INTEGERS[:4])
def test_integers_are_rounded_half_to_even_and_saturated(name: str, accumulator: str) -> None:
    low, high = int(np.iinfo(name).min), int(np.iinfo(name).max)
    values = [0.5, 1.5, 2.5, 3.49, low - 0.5, low - 1, low - 1e9, high + 0.5, high + 1, 1e30, -1e30]
    expected = [0, 2, 2, 3, low, low, low, high, high, high, low]
    assert stored(values, name, accumulator) == expected


@pytest.mark.parametrize("name", INTEGERS)
def test_nan_is_0_and_infinity_saturates(name: str) -> None:
    limits = np.iinfo(name)
    expected = [0, int(limits.max), int(limits.min), 0, 7]
    assert stored([np.nan, np.inf, -np.inf, -0.0, 7], name) == expected


@pytest.mark.parametrize("name", INTEGERS)
def test_limits_are_reached_and_not_passed(name: str) -> None:
    low, high = int(np.iinfo(name).min), int(np.iinfo(name).max)
    values = [float(high), np.nextafter(float(high), 0), float(low), 2.0 * high, 2.0 * low - 1]
    expected = [min(max(round(v), low), high) for v in values]
    assert stored(values, name) == expected


@pytest.mark.parametrize("name", ["uint16", "int64", "float16"])
def test_store_writes_any_byte_order_and_stride(name: str) -> None:
    base = np.zeros(8, np.dtype(name).newbyteorder(">"))
    dtypes.store(np.array([1.0, 2, 3, 70000])[::-1], base[::-2])
    expected = [1, 2, 3, min(70000, np.iinfo(name).max)] if name != "float16" else [1, 2, 3, np.inf]
    assert base[1::2].tolist() == expected
    assert not base[::2].any()


def test_floats_are_cast_without_a_warning() -> None:
    out = np.empty(3, np.float16)
    dtypes.store(np.array([np.nan, 1e9, 0.1]), out)
    np.testing.assert_array_equal(out, np.array([np.nan, np.inf, 0.1], np.float16))


@pytest.mark.parametrize("name", INTEGERS)
def test_nothing_is_stored_for_nothing(name: str) -> None:
    assert stored([], name) == []
