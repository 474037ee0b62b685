"""The laws of convolution, for kernels as values and for images filtered with them.

For integers they hold to the bit, for floats within the accuracy that is promised of each result.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal

import gpuconv as gc
from gpuconv.border import MODES
from gpuconv.kernel import Kernel

Array = NDArray[Any]

LAW = settings(derandomize=True, deadline=None, max_examples=30)

#: As for all results (tests/test_contract.py): rounding errors in eps of the accumulator.
ROUNDING, LENGTH = 4, 32

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.tuples(st.integers(1, 6), st.integers(1, 6))
SHAPES = st.tuples(st.integers(1, 20), st.integers(1, 24))
BORDERS = st.sampled_from(sorted(MODES))


@st.composite
def kernels(draw: st.DrawFn, whole: bool | None = True) -> Kernel:
    """Return kernels of any form and anchor, with zeros among their weights."""
    rng, (rows, columns) = np.random.default_rng(draw(SEEDS)), draw(SIZES)
    terms = [(rng.integers(-5, 6, rows), rng.integers(-5, 6, columns)) for _ in range(2)]
    count = draw(st.integers(0, 2))
    kernel = Kernel.sum_of(terms[:count]) if count else Kernel(rng.integers(-5, 6, (rows, columns)))
    if not whole and (whole is False or draw(st.booleans())):
        kernel = float(rng.normal()) * kernel
    else:
        kernel = kernel / draw(st.sampled_from([1, 2, -3]))
    return kernel.anchored(*(int(rng.integers(n)) for n in kernel.shape))


@st.composite
def images(draw: st.DrawFn, dtype: str) -> Array:
    rng, shape = np.random.default_rng(draw(SEEDS)), draw(SHAPES)
    if np.dtype(dtype).kind == "f":
        return rng.normal(size=shape).astype(dtype)
    return rng.integers(-100, 101, shape).astype(dtype)


def same(a: Kernel, b: Kernel) -> None:
    """Assert that two kernels do the same: equal weights at equal places."""
    difference = a - b
    # What cancels leaves the rounding of what it was: totals of terms count all of it.
    bound = 1e-13 * (a.total / abs(a.divisor) + b.total / abs(b.divisor)) + 1e-12
    assert np.abs(difference.weights).max() <= (0 if difference.integer else bound)


def allowance(image: Array, *chain: Kernel) -> float:
    """Return how far results of filtering with a chain of kernels may be from exact ones."""
    gains = [float(np.abs(kernel.weights).sum()) for kernel in chain]
    steps = sum(ROUNDING + kernel.numerators.size / LENGTH for kernel in chain)
    largest = float(np.abs(image).max(initial=0)) * float(np.prod([max(g, 1) for g in gains]))
    return (steps + 2) * float(np.finfo(image.dtype).eps) * largest


# ------------------------------------------------------------------------ kernels


@LAW
@given(kernels(None), kernels(None))
def test_composition_commutes(a: Kernel, b: Kernel) -> None:
    same(a @ b, b @ a)
    assert (a @ b).anchor == (b @ a).anchor


@LAW
@given(kernels(None), kernels(None), kernels(None))
def test_composition_is_associative(a: Kernel, b: Kernel, c: Kernel) -> None:
    same((a @ b) @ c, a @ (b @ c))


@LAW
@given(kernels(None), kernels(None), kernels(None))
def test_composition_distributes_over_sums(a: Kernel, b: Kernel, c: Kernel) -> None:
    same(a @ (b + c), a @ b + a @ c)
    same(a @ (b - c), a @ b - a @ c)


@LAW
@given(kernels(None), kernels(None), st.sampled_from([2, -3, 0.5]))
def test_sums_and_factors(a: Kernel, b: Kernel, factor: float) -> None:
    same(a + b, b + a)
    same(factor * (a + b), factor * a + factor * b)
    same((factor * a) @ b, factor * (a @ b))
    same(a - a + b, b)


@LAW
@given(kernels(None))
def test_a_single_1_is_neutral_and_moves_what_it_is_not_under(a: Kernel) -> None:
    same(a @ Kernel([[1]]), a)
    moved = a @ Kernel([[0, 0, 1], [0, 0, 0]], anchor=(0, 0))
    np.testing.assert_array_equal(moved.weights[: a.shape[0], 2:], a.weights)
    assert moved.anchor == a.anchor


@LAW
@given(kernels(None), kernels(None))
def test_turning(a: Kernel, b: Kernel) -> None:
    same(a.flip().flip(), a)
    same(a.T.T, a)
    same(a.T.flip(), a.flip().T)
    same((a @ b).flip(), a.flip() @ b.flip())
    same((a @ b).T, a.T @ b.T)
    same((a + b).flip(), a.flip() + b.flip())
    same((a + b).T, a.T + b.T)
    assert a.T.shape == a.shape[::-1]
    assert a.T.anchor == a.anchor[::-1]


@LAW
@given(kernels(None), st.tuples(*[st.integers(0, 3)] * 4))
def test_trimming_takes_away_zeros_and_nothing_else(a: Kernel, widths: Any) -> None:
    top, bottom, left, right = widths
    y, x = a.anchor
    padded = Kernel(
        np.pad(a.numerators, ((top, bottom), (left, right))),
        anchor=(y + top, x + left),
        divisor=a.divisor,
    )
    trimmed = padded.trim()
    same(trimmed, a)
    assert all(n <= m for n, m in zip(trimmed.shape, a.shape, strict=True))
    assert trimmed.trim() == trimmed
    rim = [trimmed.weights[i] for i in (0, -1)] + [trimmed.weights[:, i] for i in (0, -1)]
    lies = [trimmed.anchor[i // 2] in (0, trimmed.shape[i // 2] - 1) for i in range(4)]
    assert all(line.any() or at for line, at in zip(rim, lies, strict=True))


@LAW
@given(kernels(None), kernels(None))
def test_rank(a: Kernel, b: Kernel) -> None:
    def rank(k: Kernel) -> int:
        return int(np.linalg.matrix_rank(k.weights, rtol=1e-12)) if k.weights.any() else 0

    assert a.rank() == rank(a) == a.T.rank() == a.flip().rank() == a.trim().rank()
    assert (a + b).rank() <= a.rank() + b.rank()
    assert (a @ b).rank() <= a.rank() * b.rank()
    if a.terms:
        assert a.rank() <= len(a.terms)


@LAW
@given(kernels(), kernels())
def test_composition_is_scipys_convolution(a: Kernel, b: Kernel) -> None:
    found = (a @ b).numerators
    np.testing.assert_array_equal(found, signal.convolve2d(a.numerators, b.numerators))


# ------------------------------------------------------------------------ images


@LAW
@given(images("int32"), kernels(), kernels(), st.sampled_from(["full", "wrap", "zero full"]))
def test_one_pass_of_two_integer_kernels(image: Array, a: Kernel, b: Kernel, where: str) -> None:
    """All of the result, or an image without borders: else the second pass sees the first's."""
    a, b = Kernel(a.numerators, anchor=a.anchor), Kernel(b.numerators, anchor=b.anchor)
    options: dict[str, Any] = {"border": "wrap"} if where == "wrap" else {"border": "constant"}
    options |= {} if where == "wrap" else {"size": "full"}
    one = gc.convolve(image, a @ b, **options)
    np.testing.assert_array_equal(one, gc.convolve(gc.convolve(image, a, **options), b, **options))
    np.testing.assert_array_equal(one, gc.convolve(gc.convolve(image, b, **options), a, **options))


@LAW
@given(images("float64"), kernels(False), kernels(False))
def test_one_pass_of_two_float_kernels(image: Array, a: Kernel, b: Kernel) -> None:
    one = gc.convolve(image, a @ b, border="wrap")
    two = gc.convolve(gc.convolve(image, a, border="wrap"), b, border="wrap")
    assert np.abs(one - two).max() <= allowance(image, a, b) + allowance(image, a @ b)


@LAW
@given(images("int32"), kernels(), kernels(), BORDERS)
def test_filtering_is_linear_in_the_kernel(image: Array, a: Kernel, b: Kernel, border: str) -> None:
    a, b = Kernel(a.numerators, anchor=a.anchor), Kernel(b.numerators, anchor=b.anchor)
    options: dict[str, Any] = {"border": border, "cval": 3}
    parts = [gc.convolve(image, k, **options) for k in (a, b, b)]
    np.testing.assert_array_equal(gc.convolve(image, a + 2 * b, **options), reduce(add, parts))
    np.testing.assert_array_equal(gc.convolve(image, a - b, **options), parts[0] - parts[1])


@LAW
@given(images("int32"), SEEDS, kernels(), BORDERS, st.integers(-3, 3))
def test_filtering_is_linear_in_the_image(
    image: Array, seed: int, kernel: Kernel, border: str, factor: int
) -> None:
    other = np.random.default_rng(seed).integers(-100, 101, image.shape).astype("i4")
    kernel = Kernel(kernel.numerators, anchor=kernel.anchor)
    one = gc.convolve(image + factor * other, kernel, border=border)
    two = gc.convolve(image, kernel, border=border) + factor * gc.convolve(
        other, kernel, border=border
    )
    np.testing.assert_array_equal(one, two)


@LAW
@given(images("float32"), SEEDS, kernels(False), BORDERS, st.floats(-2, 2, width=32))
def test_filtering_is_linear_for_floats(
    image: Array, seed: int, kernel: Kernel, border: str, factor: float
) -> None:
    other = np.random.default_rng(seed).normal(size=image.shape).astype("f4")
    one = gc.convolve(image + np.float32(factor) * other, kernel, border=border)
    two = gc.convolve(image, kernel, border=border) + np.float32(factor) * gc.convolve(
        other, kernel, border=border
    )
    both = np.abs(image).max() + abs(factor) * np.abs(other).max()
    assert np.abs(one - two).max() <= 3 * allowance(np.array([both], np.float32), kernel)


@LAW
@given(images("int32"), kernels(), st.integers(-40, 40), st.integers(-40, 40))
def test_filtering_an_image_that_wraps_and_is_moved(
    image: Array, kernel: Kernel, down: int, right: int
) -> None:
    moved = gc.convolve(np.roll(image, (down, right), (0, 1)), kernel, border="wrap")
    expected = np.roll(gc.convolve(image, kernel, border="wrap"), (down, right), (0, 1))
    np.testing.assert_array_equal(moved, expected)


@LAW
@given(images("float32"), kernels(False), st.integers(0, 9), st.integers(0, 9))
def test_filtering_a_moved_image_far_from_its_border(
    image: Array, kernel: Kernel, down: int, right: int
) -> None:
    framed = np.pad(image, ((down, 0), (right, 0)))
    moved = gc.convolve(framed, kernel, border="constant", size="full")
    expected = gc.convolve(image, kernel, border="constant", size="full")
    padded = np.pad(expected, ((down, 0), (right, 0)))
    assert np.abs(moved - padded).max() <= 2 * allowance(image, kernel)


@LAW
@given(images("int32"), kernels(), BORDERS)
def test_turned_images_and_turned_kernels(image: Array, kernel: Kernel, border: str) -> None:
    found = gc.convolve(image, kernel, border=border)
    np.testing.assert_array_equal(gc.convolve(image.T, kernel.T, border=border), found.T)
    turned = gc.convolve(image[::-1, ::-1], kernel.flip(), border=border)
    np.testing.assert_array_equal(turned, found[::-1, ::-1])
    np.testing.assert_array_equal(gc.correlate(image, kernel.flip(), border=border), found)
    np.testing.assert_array_equal(gc.convolve(image, kernel.trim(), border=border), found)


@LAW
@given(images("int32"), kernels())
def test_image_and_kernel_change_places(image: Array, kernel: Kernel) -> None:
    kernel = Kernel(kernel.numerators, anchor=kernel.anchor)
    found = gc.convolve(image, kernel, border="constant", size="full", dtype="int64")
    other = gc.convolve(kernel.numerators, Kernel(image), border="constant", size="full")
    np.testing.assert_array_equal(found, other)


@LAW
@given(kernels(), BORDERS)
def test_the_image_of_a_point_is_the_kernel(kernel: Kernel, border: str) -> None:
    kernel = Kernel(kernel.numerators, anchor=kernel.anchor)
    point = np.zeros((21, 23), np.int32)
    point[9, 11] = 1
    found = gc.convolve(point, kernel, border=border)
    y, x = 9 - kernel.anchor[0], 11 - kernel.anchor[1]
    expected = np.zeros_like(point)
    expected[y : y + kernel.shape[0], x : x + kernel.shape[1]] = kernel.numerators
    np.testing.assert_array_equal(found, expected)


@LAW
@given(st.integers(-50, 50), kernels(), st.sampled_from(sorted(set(MODES) - {"constant"})))
def test_a_constant_image_stays_constant(value: int, kernel: Kernel, border: str) -> None:
    found = gc.convolve(np.full((5, 6), value, np.int64), kernel, border=border, dtype="float64")
    expected = value * int(kernel.numerators.sum()) / kernel.divisor
    np.testing.assert_array_equal(found, expected)
