"""The stand-ins for OpenCV's filters return what OpenCV returns: two hundred random calls of each.

Results of integers are compared to the bit, but for what the list of differences says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuconv import cv2 as ours
from gpuconv.cv2 import constants as c

theirs = pytest.importorskip("cv2")

Rng = np.random.Generator
Call = tuple[tuple[Any, ...], dict[str, Any]]

BORDERS = [c.BORDER_CONSTANT, c.BORDER_REPLICATE, c.BORDER_REFLECT, c.BORDER_REFLECT_101]
BYTES, WORDS, SHORTS, INTS = "uint8", "uint16", "int16", "int32"
SINGLE, DOUBLE = "float32", "float64"
FILTERED = [BYTES, WORDS, SHORTS, SINGLE, DOUBLE]
DEPTHS = {
    BYTES: c.CV_8U,
    WORDS: c.CV_16U,
    SHORTS: c.CV_16S,
    INTS: c.CV_32S,
    SINGLE: c.CV_32F,
    DOUBLE: c.CV_64F,
}

#: OpenCV 4 saturates sums of int16 before it adds delta.
OLD = int(theirs.__version__.split(".")[0]) < 5

CALLS = 200
#: Numbers of a row that OpenCV computes apart, at most, as they fill no vector.
TAIL = 16


@pytest.fixture(autouse=True)
def _their_own_code() -> Iterator[None]:
    """Let OpenCV run its own code, and not Intel's, as far as it can be told to."""
    had = theirs.ipp.useIPP()
    theirs.ipp.setUseIPP(False)
    yield
    theirs.ipp.setUseIPP(had)


def image(rng: Rng, dtypes: list[str], channels: tuple[int, ...] = (0, 1, 2, 3, 4)) -> Any:
    """Return a random image, of noise or of the two extremes."""
    dtype, count = np.dtype(str(rng.choice(dtypes))), int(rng.choice(channels))
    shape = (*rng.integers(1, 40, 2), *([count] if count else []))
    if dtype.kind == "f":
        return rng.normal(0, 100, shape).astype(dtype)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    if dtype.itemsize == 4:  # so that no sum overflows
        low, high = -(10**6), 10**6
    if rng.random() < 0.3:
        return np.where(rng.random(shape) < 0.5, low, high).astype(dtype)
    return rng.integers(low, high, shape, endpoint=True).astype(dtype)


def depth(rng: Rng, pixels: Any, allowed: str) -> int:
    """Return a depth that is made of such pixels: of those whose dtypes begin so, or -1."""
    names = [name for name in DEPTHS if name[0] in allowed and name != INTS]
    return int(rng.choice([-1, *(DEPTHS[name] for name in names)]))


def anchor(rng: Rng, width: int, height: int) -> tuple[int, int]:
    if rng.random() < 0.5:
        return -1, -1
    return int(rng.integers(width)), int(rng.integers(height))


def border(rng: Rng) -> int:
    return int(rng.choice(BORDERS)) | int(rng.choice([0, 0, c.BORDER_ISOLATED]))


def ending(rng: Rng) -> dict[str, Any]:
    return {
        "scale": float(rng.choice([1, 1, 0.5, 2])),
        "delta": float(rng.integers(-50, 50)),
        "borderType": border(rng),
    }


def dense_depth(rng: Rng, pixels: Any) -> int:
    own = DEPTHS[pixels.dtype.name]
    if pixels.dtype.kind == "f":
        return int(rng.choice([-1, own]))
    more = [c.CV_16U, c.CV_16S] if own == c.CV_8U else []
    return int(rng.choice([-1, own, c.CV_32F, c.CV_64F, *more]))


def filter2D(rng: Rng) -> Call:
    pixels, (height, width) = image(rng, FILTERED), rng.integers(1, 8, 2)
    kernel = rng.integers(-9, 10, (height, width)).astype(str(rng.choice(["f4", "f8", "i4"])))
    named = {"anchor": anchor(rng, width, height), "delta": float(rng.integers(-50, 50))}
    return (pixels, dense_depth(rng, pixels), kernel), named | {"borderType": border(rng)}


def separable_depth(rng: Rng, pixels: Any) -> int:
    double = pixels.dtype == DOUBLE
    return depth(rng, pixels, "ui" if double else "uif") if not double else -1


def sepFilter2D(rng: Rng) -> Call:
    pixels, (width, height) = image(rng, FILTERED), rng.integers(1, 10, 2)
    lines = [rng.integers(-9, 10, n).astype(float) for n in (width, height)]
    named = {"anchor": anchor(rng, width, height), "delta": float(rng.integers(-50, 50))}
    called = pixels, separable_depth(rng, pixels), *lines
    return called, named | {"borderType": border(rng)}


def GaussianBlur(rng: Rng) -> Call:
    pixels = image(rng, FILTERED)
    sigma = float(rng.choice([0, 0, 0.3, 0.8, 1.1, 2, 3.7]))
    sizes = [1, 3, 5, 7, 9, 11, 13, 21, 31] + [0] * 3 * (sigma > 0)
    ksize = int(rng.choice(sizes)), int(rng.choice(sizes))
    wrapped = [c.BORDER_WRAP] if pixels.dtype.kind == "u" else []
    named = {"sigmaY": float(rng.choice([0, 0, 0.5, 1.5, 4]))}
    return (pixels, ksize, sigma), named | {"borderType": int(rng.choice([*BORDERS, *wrapped]))}


def window(rng: Rng) -> tuple[int, int]:
    width, height = rng.integers(1, int(rng.choice([6, 24])), 2)
    # Of two bytes OpenCV takes the mean wrongly.
    return (int(width), int(height)) if width * height != 2 else (1, 1)


def blur(rng: Rng) -> Call:
    ksize = window(rng)
    named = {"anchor": anchor(rng, *ksize), "borderType": border(rng) & ~c.BORDER_ISOLATED}
    return (image(rng, [*FILTERED, INTS]), ksize), named


def boxFilter(rng: Rng) -> Call:
    (pixels, ksize), named = blur(rng)
    # Of what can be negative OpenCV makes the largest unsigned integer.
    kinds = "uif" if pixels.dtype.kind == "u" else "if"
    named |= {"normalize": bool(rng.random() < 0.5)}
    if pixels.dtype.kind in "ui" and rng.random() < 0.2:
        return (pixels, c.CV_32S, ksize), named
    return (pixels, depth(rng, pixels, kinds), ksize), named


def sqrBoxFilter(rng: Rng) -> Call:
    (_, ksize), named = blur(rng)
    pixels = image(rng, FILTERED)
    made = depth(rng, pixels, "uif" if pixels.dtype == np.uint8 else "f")
    named |= {"normalize": bool(rng.random() < 0.5), "anchor": (-1, -1)}
    return (pixels, made, ksize), named


def medianBlur(rng: Rng) -> Call:
    if rng.random() < 0.3:
        return (image(rng, [BYTES], (0, 1, 3, 4)), int(rng.choice([7, 9, 15]))), {}
    return (image(rng, FILTERED[:4]), int(rng.choice([1, 3, 5]))), {}


def bilateralFilter(rng: Rng) -> Call:
    pixels = image(rng, [BYTES, SINGLE], (0, 1, 3))
    spread = float(rng.uniform(1, 200)), float(rng.uniform(0.5, 6))
    return (pixels, int(rng.choice([0, 7, 9, 11])), *spread), {"borderType": border(rng)}


def Sobel(rng: Rng) -> Call:
    pixels, ksize = image(rng, FILTERED), int(rng.choice([c.FILTER_SCHARR, 1, 3, 5, 7]))
    orders = [(1, 0), (0, 1)] if ksize < 0 else [(1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, 1)]
    dx, dy = orders[rng.integers(len(orders))]
    called = pixels, separable_depth(rng, pixels), dx, dy
    return called, ending(rng) | {"ksize": ksize}


def Scharr(rng: Rng) -> Call:
    pixels, dx = image(rng, FILTERED), int(rng.integers(2))
    return (pixels, separable_depth(rng, pixels), dx, 1 - dx), ending(rng)


def Laplacian(rng: Rng) -> Call:
    pixels, ksize = image(rng, FILTERED), int(rng.choice([1, 3, 5]))
    made = dense_depth(rng, pixels) if ksize < 5 else depth(rng, pixels, "uif")
    return (pixels, made), ending(rng) | {"ksize": ksize}


def copyMakeBorder(rng: Rng) -> Call:
    pixels = image(rng, [*FILTERED, "int8", INTS])
    margins = map(int, rng.integers(0, 50, 4))
    colour = tuple(map(float, rng.integers(-300, 300, 4)))
    return (pixels, *margins, int(rng.integers(5))), {"value": colour}


def spatialGradient(rng: Rng) -> Call:
    return (image(rng, [BYTES], (0, 1)),), {}


MAKERS: list[Callable[[Rng], Call]] = [
    *(filter2D, sepFilter2D, GaussianBlur, blur, boxFilter, sqrBoxFilter, medianBlur),
    *(bilateralFilter, Sobel, Scharr, Laplacian, copyMakeBorder, spatialGradient),
]


def both(name: str, call: Call) -> tuple[Any, Any]:
    """Return our result and theirs, two images as one."""
    args, named = call
    made, wanted = (getattr(module, name)(*args, **named) for module in (ours, theirs))
    return np.asarray(made), np.asarray(wanted)


def trusted(name: str, call: Call, made: Any, wanted: Any) -> tuple[Any, Any]:
    """Return the parts of both results in which OpenCV's do not depend on the vector's width."""
    whole = made.reshape(*made.shape[:1], -1), wanted.reshape(*wanted.shape[:1], -1)
    if name not in ("blur", "boxFilter", "sqrBoxFilter"):
        return whole
    if name == "blur" and made.dtype == np.uint8 and np.prod(call[0][1]) <= 256:
        return whole
    full = whole[0].shape[1] // TAIL * TAIL
    assert np.abs(whole[0].astype(float) - whole[1]).max() <= 1
    return whole[0][:, :full], whole[1][:, :full]


#: Shares of pixels that may differ by 1, and what makes the last bit of a sum count in OpenCV.
NEAR = {"bilateralFilter": 1e-3, "GaussianBlur": 1e-3}


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_two_hundred_random_calls_return_what_opencv_returns(maker: Callable[[Rng], Call]) -> None:
    name, rng = maker.__name__, np.random.default_rng(2024)
    differing, compared = 0, 0
    for _ in range(CALLS):
        call = maker(rng)
        if OLD and call[0][0].dtype == np.int16 and "delta" in call[1]:
            call[1]["delta"] = 0
        if name == "bilateralFilter":  # one channel of bytes runs Intel's code, which cuts off
            theirs.setUseOptimized(False)
        made, wanted = both(name, call)
        theirs.setUseOptimized(True)
        assert (made.shape, made.dtype) == (wanted.shape, wanted.dtype), call
        if made.dtype.kind == "f":
            scale = max(np.abs(wanted).max(), 1e-30)
            assert np.abs(made.astype(float) - wanted).max() <= 1e-5 * scale, call
            continue
        made, wanted = trusted(name, call, made, wanted)
        apart = np.abs(made.astype(np.int64) - wanted)
        rounded = call[0][0].dtype.kind == "f" or (
            name in NEAR and call[0][0].dtype == (np.int16 if name == "GaussianBlur" else np.uint8)
        )
        assert apart.max(initial=0) <= rounded, call
        differing, compared = differing + np.count_nonzero(apart), compared + apart.size
    assert differing <= NEAR.get(name, 3e-4) * compared


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from([(), (1,), (2,), (3,), (5,)]),
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from(BORDERS),
    st.integers(0, 2**32 - 1),
)
def test_windows_larger_than_images_have_the_borders_of_opencv(
    height: int, width: int, colour: tuple[int, ...], k: int, n: int, number: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 255, (height, width, *colour), np.uint8)
    kernel = rng.integers(-3, 4, (k, n)).astype(np.float32)
    for name, rest in (
        ("filter2D", (c.CV_16S, kernel)),
        ("blur", ((n, k),)),
        ("GaussianBlur", ((2 * n - 1, 2 * k - 1), 1.2)),
    ):
        call = (pixels, *rest), {"borderType": number}
        made, wanted = both(name, call)
        assert np.array_equal(made, wanted), name
    made, wanted = both("medianBlur", ((pixels, 5), {}))
    assert np.array_equal(made, wanted)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.integers(1, 3), st.integers(1, 3))
def test_any_strides_are_taken(seed: int, turned: bool, y: int, x: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (21, 24, 3), np.uint8)[:: -y if turned else y, ::x, ::-1]
    pixels = pixels.transpose(1, 0, 2) if turned else pixels
    for name, rest in (
        ("GaussianBlur", ((5, 3), 0)),
        ("Sobel", (c.CV_16S, 1, 1)),
        ("blur", ((3, 4),)),
        ("medianBlur", (3,)),
    ):
        made, wanted = both(name, ((pixels, *rest), {}))
        assert np.array_equal(made, wanted), name


@pytest.mark.parametrize("first", range(1, 257, 32))
def test_means_of_bytes_are_rounded_as_opencv_rounds_them(first: int) -> None:
    """For all sums near the half of a level, in windows of up to 256 pixels."""
    for area in range(first, first + 32):
        near = np.arange(area // 2 - 2, area // 2 + 2)
        sums = np.clip(np.add.outer(np.arange(256) * area, near), 0, 255 * area).ravel()
        pixels = np.empty((sums.size, area), np.uint8)
        pixels[:] = (sums // area)[:, None]
        pixels += np.arange(area) < (sums % area)[:, None]
        call = (pixels, (area, 1)), {"anchor": (0, 0), "borderType": c.BORDER_REPLICATE}
        made, wanted = (result[:, 0] for result in both("blur", call))
        if area == 2:  # where it overflows: the mean of 255 and 255 is 0 there
            wanted = np.where((made == 255) & (wanted == 0), np.uint8(255), wanted)
        assert np.array_equal(made, wanted), area


def test_weights_that_are_no_integers_seldom_differ_by_one() -> None:
    rng = np.random.default_rng(3)
    for dtype, high in ((np.uint8, 256), (np.uint16, 2**16)):
        pixels = rng.integers(0, high, (300, 400)).astype(dtype)
        for kernel in (np.full((3, 3), 0.1), rng.normal(size=(3, 3)), np.full((3, 3), 1 / 9)):
            made, wanted = both("filter2D", ((pixels, -1, kernel), {}))
            apart = np.abs(made.astype(int) - wanted)
            assert apart.max() <= 1
            assert np.count_nonzero(apart) <= 0.03 * apart.size
        made, wanted = both("Sobel", ((pixels, c.CV_32F, 1, 0), {"scale": 0.1}))
        assert np.allclose(made, wanted, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("ksize", range(1, 40, 3))
@pytest.mark.parametrize("sigma", [-1, 0, 0.2, 1, 7.5])
def test_gaussian_weights_are_those_of_opencv(ksize: int, sigma: float) -> None:
    for ktype, bound in ((c.CV_64F, 1e-15), (c.CV_32F, 6e-8)):
        made, wanted = both("getGaussianKernel", ((ksize, sigma, ktype), {}))
        assert (made.shape, made.dtype) == (wanted.shape, wanted.dtype)
        assert np.abs(made - wanted).max() <= bound


@pytest.mark.parametrize("ksize", [c.FILTER_SCHARR, 1, 3, 5, 7, 15, 31])
def test_weights_of_derivatives_are_those_of_opencv(ksize: int) -> None:
    orders = [(1, 0), (0, 1)] if ksize < 0 else [(1, 0), (0, 1), (2, 0), (1, 1), (1, 2)]
    for dx, dy in orders:
        for normalize in (False, True):
            named = {"normalize": normalize, "ktype": c.CV_64F}
            pairs = (m.getDerivKernels(dx, dy, ksize, **named) for m in (ours, theirs))
            for made, wanted in zip(*pairs, strict=True):
                assert made.dtype == wanted.dtype
                assert np.array_equal(made, wanted)


@pytest.mark.parametrize("ksize", [(0, 0), (3, 3), (4, 6), (9, 5)])
def test_gabor_weights_are_those_of_opencv(ksize: tuple[int, int]) -> None:
    made, wanted = both("getGaborKernel", ((ksize, 2, 0.3, 2.5, 0.5), {}))
    assert made.shape == wanted.shape
    assert np.abs(made - wanted).max() < 1e-12


def test_positions_outside_are_those_of_opencv() -> None:
    for number in range(5):
        for at in range(-20, 20):
            assert ours.borderInterpolate(at, 5, number) == theirs.borderInterpolate(at, 5, number)
