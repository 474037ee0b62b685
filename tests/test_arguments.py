"""What the public calls accept and refuse, and what they say then."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv.arrays import channel_index, channels_first, channels_restored, check_out, component
from gpuconv.errors import ArgumentError, ArgumentTypeError

IMAGE = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize("call", [gc.convolve, gc.correlate])
@pytest.mark.parametrize(
    ("image", "error", "said"),
    [
        (
            np.ones((3, 3), bool),
            ArgumentTypeError,
            r"image of dtype bool is not supported; a filtered mask is not a mask: convert it "
            r"first, e\.g\. image\.astype\(np\.uint8\) \(one of uint8, .*, complex128\)",
        ),
        ([[True, False]], ArgumentTypeError, "image of dtype bool"),
        ([["a"]], ArgumentTypeError, "image of dtype str32 is not supported"),
        (None, ArgumentTypeError, "image of dtype object is not supported"),
        ([[2**70]], ArgumentTypeError, "image of dtype object is not supported"),
        (IMAGE.astype("longdouble"), ArgumentTypeError, "image of dtype (long|float)"),
        (np.zeros((2, 2), "u1,u1"), ArgumentTypeError, "image of dtype void16"),
        ([[1, 2], [3]], ArgumentError, "image is not a rectangular array: "),
        (np.ma.masked_equal([["a"]], "b"), ArgumentTypeError, "image of dtype str32"),
        (3.0, ArgumentError, r"image has 0 dimension\(s\); it must have \(…, H, W\)"),
        ([1, 2, 3], ArgumentError, r"image has 1 dimension\(s\); it must have \(…, H, W\)"),
    ],
)
def test_images(call: Any, image: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call(image, [[1, 2]])


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"border": "mirorr"}, ArgumentError, "border='mirorr' .*; did you mean 'mirror'"),
        ({"border": 3}, ArgumentTypeError, "border=3 must be the name of a border mode"),
        ({"border": ("wrap",)}, ArgumentError, "has 1 entries"),
        ({"border": "zero", "cval": 1}, ArgumentError, "fills with 0, but cval=1"),
        ({"cval": "1"}, ArgumentTypeError, "cval='1' must be a number"),
        ({"cval": None}, ArgumentTypeError, "cval=None must be a number"),
        ({"cval": 1j}, ArgumentError, "cval=1j is complex, but the image is float64"),
        ({"size": "sam"}, ArgumentError, "size='sam' is not a size mode; did you mean 'same'"),
        ({"size": None}, ArgumentError, r"size=None is not a size mode \(one of 'same', 'valid'"),
        ({"method": "ftt"}, ArgumentError, "method='ftt' is not a method; did you mean 'fft'"),
        ({"method": "scale"}, ArgumentError, "method=.scale. cannot run this: .*auto"),
        ({"accuracy": "high"}, ArgumentError, r"accuracy='high' is not an accuracy \(one of"),
        ({"nan": "omit"}, ArgumentError, r"nan='omit' is not a way to treat NaN \(one of 'propag"),
        ({"epilogue": "abs"}, ArgumentTypeError, r"epilogue='abs' must be a gpuconv\.Epilogue, or"),
        ({"mask": "all"}, ArgumentTypeError, "mask has dtype <U3; it must be bool or real"),
        ({"dtype": "bool"}, ArgumentTypeError, "dtype=bool is not supported"),
        ({"dtype": "flaot"}, ArgumentTypeError, "dtype='flaot' is not supported"),
        ({"dtype": object}, ArgumentTypeError, "dtype=object is not supported"),
        (
            {"dtype": "u1", "out": np.zeros((3, 4))},
            ArgumentError,
            "dtype=uint8 differs from the dtype of out, float64; give one",
        ),
        (
            {"size": "valid", "dilation": (3, 1)},
            ArgumentError,
            "size='valid' needs .* covers 4 pixels and the image has 3; use size='same' or 'full'",
        ),
        ({"channel_axis": 2}, ArgumentError, "channel_axis=2 is no axis .* allowed are -2 … 1"),
        ({"channel_axis": -3}, ArgumentError, "channel_axis=-3 is no axis of an image of 2 dim"),
        ({"channel_axis": 1}, ArgumentError, r"it must have \(…, H, W\) beside its channel axis"),
        ({"channel_axis": "last"}, ArgumentTypeError, "channel_axis='last' must be an integer or"),
        ({"channel_axis": 1.0}, ArgumentTypeError, "channel_axis=1.0 must be an integer or None"),
    ],
)
def test_options(options: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        gc.convolve(IMAGE, [[1, 2], [3, 4]], **options)


@pytest.mark.parametrize("argument", ["stride", "dilation"])
@pytest.mark.parametrize(
    "value", [0, -1, 1.0, "2", None, (1,), (1, 2, 3), (1, 0), (1, 1.5), [], np.array([2, 2]), 2**31]
)
def test_steps(argument: str, value: Any) -> None:
    said = rf"^{argument}=.* must be a positive integer, or a pair .* \(along y, along x\), below"
    with pytest.raises(ArgumentError, match=said):
        gc.convolve(IMAGE, [[1]], **{argument: value})


@pytest.mark.parametrize("value", [2, np.int8(2), (2, 2), [2, 2], (np.uint64(2), 2)])
def test_steps_of_any_integers(value: Any) -> None:
    found = gc.convolve(IMAGE, [[1]], stride=value, dilation=value)
    np.testing.assert_array_equal(found, IMAGE[::2, ::2])


@pytest.mark.parametrize("cval", [3, 3.0, np.float32(3), np.int8(3), True + 2, 3 + 0j])
def test_fills_of_any_number(cval: Any) -> None:
    found = gc.convolve([[1]], [[1, 1, 1]], border="constant", cval=cval)
    assert found.tolist() == [[7]]


@pytest.mark.parametrize(
    ("image", "kernel", "dtype"),
    [
        (np.ones((2, 2)), [[1j]], "float64"),
        (np.ones((2, 2), "c8"), [[1]], "float32"),
        (np.ones((2, 2), "c8"), [[1]], "uint8"),
        (np.ones((2, 2), "u1"), [[1j]], "int32"),
    ],
)
def test_complex_results_are_not_cut(image: Any, kernel: Any, dtype: str) -> None:
    said = f"dtype={dtype} cannot hold the complex result; use complex64 or complex128"
    with pytest.raises(ArgumentError, match=said):
        gc.convolve(image, kernel, dtype=dtype)
    with pytest.raises(ArgumentError, match=said):
        gc.convolve(image, kernel, out=np.empty((2, 2), dtype))


@pytest.mark.parametrize(
    ("image", "kernel", "dtype", "expected"),
    [
        ("uint8", [[1]], None, "uint8"),
        (">u2", [[1]], None, "uint16"),
        ("uint8", [[1.5]], "float32", "float32"),
        ("uint8", [[1j]], None, "complex64"),
        ("float32", [[1j]], None, "complex64"),
        ("int32", [[1j]], None, "complex128"),
        ("float64", [[1j]], None, "complex128"),
        ("float64", [[1j]], "complex64", "complex64"),
        ("complex64", [[1]], None, "complex64"),
        (">c16", [[1j]], None, "complex128"),
        ("float32", [[1]], "complex128", "complex128"),
    ],
)
def test_the_dtype_of_the_result(image: str, kernel: Any, dtype: str | None, expected: str) -> None:
    found = gc.convolve(np.ones((2, 2), image), kernel, dtype=dtype)
    assert found.dtype == expected
    assert found.dtype.isnative


@pytest.mark.parametrize("ndim", [3, 4, 5])
def test_channels_go_to_the_front_and_back(ndim: int) -> None:
    shape = tuple(range(2, 2 + ndim))
    for axis in range(-ndim, ndim):
        channel = channel_index(ndim, axis)
        front = channels_first(shape, channel)
        assert front == np.moveaxis(np.empty(shape), axis, 0).shape
        assert channels_restored(front, channel) == shape
    assert channel_index(ndim, None) is None
    assert channels_first(shape, None) == channels_restored(shape, None) == shape


@pytest.mark.parametrize(
    ("dtype", "part"), [("c8", "f4"), (">c16", "f8"), ("u1", "u1"), (">u2", "u2"), ("f2", "f2")]
)
def test_component(dtype: str, part: str) -> None:
    assert component(np.dtype(dtype)) == np.dtype(part)
    assert component(np.dtype(dtype)).isnative


def test_options_are_named_only() -> None:
    for call in (gc.convolve, gc.correlate):
        parameters = list(inspect.signature(call).parameters.values())
        assert [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY] == ["image", "kernel"]
        assert [p.name for p in parameters[2:]] == [
            "border", "cval", "size", "stride", "dilation", "channel_axis", "dtype", "out",
            "device", "method", "accuracy", "mask", "nan", "epilogue",
        ]  # fmt: skip
    assert inspect.signature(gc.convolve) == inspect.signature(gc.correlate)


def test_an_out_that_could_only_be_copied_is_refused() -> None:
    """As CuPy's arrays are whose elements are not aligned: a copy would take the result away."""
    out = np.zeros((2, 3), np.float32)
    copies = SimpleNamespace(owns=lambda array: True, asarray=lambda array: array.copy())
    with pytest.raises(ArgumentError, match=r"out cannot be written in place: .* size, 4 bytes"):
        check_out(out, (2, 3), copies)  # type: ignore[arg-type]
