"""What every engine must compute: dtypes, borders, sizes, kernels, strides, against the reference.

Integer weights over integer pixels must give the reference's bits by every method. Floats must be
within (ROUNDING + taps / LENGTH) · eps(accumulator) · Σ|w| · max|x|, and the rounding of the store.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv import dtypes, reference
from gpuconv.border import MODES

SIZES = ["same", "valid", "full"]
INTEGERS = [name for name in dtypes.TABLE if np.dtype(name).kind in "iu"]
#: Rounding errors of a sum grow with its length: at worst by half an eps per tap.
ROUNDING, LENGTH = 4, 32

Array = NDArray[Any]


def image_of(dtype: str, shape: tuple[int, ...], seed: int = 0) -> Array:
    """Return random pixels that use all of the dtype (53 bits of it), extremes included."""
    rng, kind = np.random.default_rng(seed), np.dtype(dtype)
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        low, high = max(limits.min, -(2**40)), min(limits.max, 2**40)
        pixels = rng.integers(low, high, shape, kind, endpoint=True)
        pixels.flat[: 2 * pixels.size // 3 : 7] = high
        return pixels
    real = rng.normal(size=shape)
    return (real + 1j * rng.normal(size=shape) if kind.kind == "c" else real).astype(kind)


def check(engine: str, image: Array, kernel: Any, name: str = "convolve", **options: Any) -> Array:
    """Compare a filtered image with the reference, and return it."""
    found = getattr(gc, name)(image, kernel, device=engine, **options)
    options.pop("method", None)
    k = gc.as_kernel(kernel)
    wanted = np.dtype(options.pop("dtype", image.dtype))
    if k.complex and wanted.kind != "c":
        wanted = dtypes.complex_of(wanted)
    expected = getattr(reference, name)(image, k, dtype=wanted, **options)
    assert found.dtype == wanted
    assert found.shape == expected.shape
    if image.dtype.kind in "iu" and k.integer:
        np.testing.assert_array_equal(found, expected)
    elif wanted.kind in "iu":
        exact = getattr(reference, name)(image, k, dtype="float64", **options)
        assert_rounded(found, expected, exact)
    else:
        close(found, expected, image, k, options)
    return found


def assert_rounded(found: Array, expected: Array, exact: Array) -> None:
    """Assert equality but for sums so near to a tie that an accumulator may round either way."""
    apart = found != expected
    assert np.abs(found[apart].astype(float) - expected[apart]).max(initial=0) <= 1
    assert np.abs(np.abs(exact - np.floor(exact))[apart] - 0.5).max(initial=0) < 0.05


def close(found: Array, expected: Array, image: Array, k: gc.Kernel, options: Any) -> None:
    summed = max(dtypes.rule(image.dtype).accumulator, dtypes.rule(found.dtype).accumulator)
    largest = max(np.abs(image).max(initial=0), abs(options.get("cval", 0)))
    gain = np.abs(k.weights).sum()
    bound = (ROUNDING + k.weights.size / LENGTH) * np.finfo(summed).eps * gain * float(largest)
    apart = found != expected  # infinities, and most others, are equal
    error = np.abs(found[apart].astype(complex) - expected[apart])
    assert (error <= bound + np.finfo(found.dtype).eps * np.abs(expected[apart])).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("dtype", dtypes.TABLE)
def test_dtypes_borders_and_sizes(engine: str, dtype: str, border: str, size: str) -> None:
    image = image_of(dtype, (11, 13))
    kernel = gc.Kernel(np.outer([1, -2, 3], [2, 1, 0, 5]), anchor=(0, 3), divisor=7)
    for method in ("auto", "dense", "separable"):
        check(engine, image, kernel, method=method, border=border, size=size, cval=3)


RNG = np.random.default_rng(9)
KERNELS = {
    "1×1": gc.Kernel([[3]]),
    "1×1 float": gc.Kernel([[0.3]]),
    "odd": gc.Kernel(RNG.integers(-9, 9, (5, 3))),
    "even": gc.Kernel(RNG.integers(-9, 9, (4, 6)), divisor=5),
    "row": gc.Kernel(RNG.normal(size=(1, 9))),
    "column": gc.Kernel(RNG.normal(size=(8, 1))),
    "pair": gc.Kernel.separable(RNG.normal(size=7), RNG.normal(size=4), anchor=(6, 0)),
    "integer pair": gc.Kernel.separable([1, 4, 6, 4, 1], [1, 2, 0, -2, -1], divisor=-16),
    "larger than the image": gc.Kernel(RNG.integers(0, 3, (41, 37))),
    "301 taps": gc.Kernel.separable(RNG.normal(size=301), [1, 1]),
    "301 across": gc.Kernel(RNG.integers(-2, 3, (1, 301))),
    "rank 2": gc.Kernel.sum_of([([1, 2, 1], [1, 0, -1]), ([1, 0, -1], [1, 2, 1])]),
    "rank 2 float": gc.Kernel(RNG.normal(size=(9, 2)) @ RNG.normal(size=(2, 9))),
    "zero": gc.Kernel(np.zeros((3, 3))),
    "zero margins": gc.Kernel(np.pad([[1, 2], [3, 4]], 3)),
    "negative divisor": gc.Kernel(np.ones((3, 3)), divisor=-9.5),
    "complex": gc.Kernel(RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4))),
    "complex integer": gc.Kernel([[1, 2j], [-3j, 4]], divisor=2),
    "complex pair": gc.Kernel.separable([1, 2j], [1j, 0.5, 3]),
}


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64", "complex64"])
@pytest.mark.parametrize("name", KERNELS)
def test_kernels(engine: str, name: str, dtype: str) -> None:
    image = image_of(dtype, (23, 19))
    for call, border in [("convolve", "reflect"), ("correlate", "constant")]:
        check(engine, image, KERNELS[name], call, border=border, cval=2)
        check(engine, image, KERNELS[name], call, border=border, cval=2, method="dense")


SEPARABLE = [n for n in KERNELS if n not in ("odd", "even", "larger than the image")]


@pytest.mark.parametrize("dtype", ["uint8", "float32", "complex128"])
@pytest.mark.parametrize("name", [*SEPARABLE])
def test_kernels_by_the_separable_method(engine: str, name: str, dtype: str) -> None:
    kernel = KERNELS[name]
    if name == "complex integer":
        kernel = gc.Kernel([[1, 2j], [2, 4j]])
    if name == "zero margins":
        kernel = gc.Kernel(np.pad([[1, 2], [2, 4]], 3))
    check(engine, image_of(dtype, (9, 14)), kernel, method="separable", border="mirror")


SHAPES = [
    (1, 1), (1, 2), (2, 1), (1, 40), (40, 1), (3, 3), (4, 8), (5, 16), (7, 17), (8, 15), (9, 31),
    (16, 32), (17, 33), (31, 65), (64, 7),
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("border", MODES)
def test_ragged_shapes(engine: str, shape: tuple[int, int], border: str) -> None:
    kernels = [KERNELS["odd"], KERNELS["integer pair"], KERNELS["larger than the image"]]
    for kernel, dtype, size in product(kernels, ["uint8", "float32"], ["same", "full"]):
        check(engine, image_of(dtype, shape), kernel, border=border, cval=-4, size=size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [1, 2, 3, (1, 4), (5, 2), (100, 1), 40])
@pytest.mark.parametrize("dilation", [1, 2, (3, 1), (2, 5)])
def test_strides_and_dilations(engine: str, size: str, stride: Any, dilation: Any) -> None:
    options = {"size": size, "stride": stride, "dilation": dilation, "border": ("wrap", "mirror")}
    for name in ("odd", "integer pair", "even", "rank 2"):
        for dtype in ("int16", "float32"):
            check(engine, image_of(dtype, (37, 41)), KERNELS[name], **options)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", ["dense", "separable"])
def test_anchors_anywhere(engine: str, size: str, form: str) -> None:
    image = image_of("uint8", (10, 12))
    for y, x in product((0, 1, 3), (0, 2, 4)):
        kernel = gc.Kernel(np.outer([1, 2, 3, 4], [1, -2, 4, 2, 1]), anchor=(y, x))
        for call in ("convolve", "correlate"):
            check(engine, image, kernel, call, size=size, border="nearest", method=form, stride=2)


@pytest.mark.parametrize("border", list(product(MODES, MODES)))
def test_pairs_of_borders(engine: str, border: tuple[str, str]) -> None:
    image = image_of("float64", (5, 4))
    for kernel in (KERNELS["larger than the image"], KERNELS["integer pair"]):
        check(engine, image, kernel, border=border, cval=0.75)


@pytest.mark.parametrize("image", ["uint8", "int16", "uint32", "int64", "float16", "float64"])
@pytest.mark.parametrize("out", list(dtypes.TABLE))
def test_conversions(engine: str, under_checker: bool, image: str, out: str) -> None:
    pixels = image_of(image, (6, 7))
    kernels = [gc.Kernel([[1, 2, 1]], divisor=3), [[0.37, 1.21]], gc.Kernel([[-2], [3]])]
    # Each is a program to compile, for each pair of dtypes; the last has nothing new to convert.
    for kernel in kernels[:2] if under_checker else kernels:
        check(engine, pixels, kernel, dtype=out)


@pytest.mark.parametrize("out", INTEGERS)
def test_rounding_is_half_to_even_and_saturates(engine: str, out: str) -> None:
    low, high = int(np.iinfo(out).min), int(np.iinfo(out).max)
    values = [0.5, 1.5, 2.5, 3.49, np.nan, np.inf, -np.inf, 2.0 * high, 2.0 * low - 1, float(low)]
    expected = [0, 2, 2, 3, 0, high, low, high, low, low]
    found = gc.convolve(np.array([values]), [[1]], dtype=out, device=engine)
    assert [int(v) for v in found[0]] == expected
    if low < 0:
        found = gc.convolve([[-0.5, -1.5, -2.5]], [[1]], dtype=out, device=engine)
        assert found.tolist() == [[0, -2, -2]]


@pytest.mark.parametrize("gain", [1, 30, 1000, 30000])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_float_weights_that_cancel_over_bright_pixels(engine: str, dtype: str, gain: float) -> None:
    high = int(np.iinfo(dtype).max)
    image = (high - RNG.integers(0, 9, (40, 50))).astype(dtype)
    check(engine, image, gain * gc.Kernel([[0.3, 0.11, -0.41]]))
    check(engine, image, gc.Kernel([[0.3 * gain, 0.7 * gain]], divisor=gain))


@pytest.mark.parametrize("method", ["dense", "separable", "fft"])
def test_infinity_meets_weights_that_float32_does_not_hold(engine: str, method: str) -> None:
    image = np.ones((30, 33), np.float32)
    image[12, 15] = np.inf
    kernel = gc.kernels.gaussian(0.5, truncate=20)
    assert (kernel.weights.astype(np.float32) == 0).any()
    found = check(engine, image, kernel, method=method)
    assert np.isposinf(found).sum() == 21 * 21


@pytest.mark.parametrize("cval", [-5, 300, 0.5, 2.0**24 + 1, -(2.0**30) - 1])
@pytest.mark.parametrize("dtype", ["uint8", "int16"])
def test_fills_outside_the_range_of_the_dtype(engine: str, dtype: str, cval: float) -> None:
    kernel = gc.Kernel([[3, -2, -1, 7, -7, 11, -11]])
    for out in (dtype, "float64"):
        check(engine, image_of(dtype, (5, 6)), kernel, border="constant", cval=cval, dtype=out)


def test_complex_fill(engine: str) -> None:
    for dtype in ("complex64", "complex128"):
        for name in ("complex", "even", "complex pair"):
            image = image_of(dtype, (5, 6))
            check(engine, image, KERNELS[name], border="constant", cval=1.5 - 2j)
