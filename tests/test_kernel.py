"""Kernels as values: their algebra against dense arithmetic, equality, and what they show."""

from __future__ import annotations

import pickle
from copy import copy, deepcopy
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

import gpuconv as gc
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.kernel import Kernel, as_kernel

#: One of each form: dense and separable, integer, float and complex, odd and even, divided.
KERNELS = [
    Kernel([[1, 2, 3], [4, 5, 6]], divisor=21),
    Kernel([[0.5, -1.25]], anchor=(0, 0)),
    Kernel([[3], [1], [2]], anchor=(2, 0), divisor=-4),
    Kernel([[1 + 2j, 3], [0, -1j]], divisor=2),
    Kernel.separable([1, 2, 1], [1, 0, -1, 5], anchor=(0, 3), divisor=8),
    Kernel.separable([0.1, 0.7], [1.5, 2.5, 0.25], divisor=0.3),
    Kernel.sum_of([([1, 2], [3, 4]), ([-1, 1], [2, 2])], divisor=6, name="two"),
    Kernel.separable([1j, 2], [1, 1 - 1j]),
]
#: A canvas on which any sum or product of two of them fits, anchors at its centre.
CENTRE = 12


def laid(kernel: Kernel) -> NDArray[np.complex128]:
    """Return the weights on a canvas, the anchor at its centre."""
    canvas = np.zeros((2 * CENTRE + 1, 2 * CENTRE + 1), complex)
    (top, left), (rows, columns) = kernel.anchor, kernel.shape
    top, left = CENTRE - top, CENTRE - left
    canvas[top : top + rows, left : left + columns] = kernel.weights
    return canvas


def same(kernel: Kernel, expected: NDArray[Any]) -> None:
    np.testing.assert_allclose(laid(kernel), expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("a", KERNELS)
@pytest.mark.parametrize("b", KERNELS)
def test_sums_and_differences(a: Kernel, b: Kernel) -> None:
    same(a + b, laid(a) + laid(b))
    same(a - b, laid(a) - laid(b))
    exact = all(k.integer and isinstance(k.divisor, int) for k in (a, b))
    assert (a + b).integer >= exact


@pytest.mark.parametrize("a", KERNELS)
@pytest.mark.parametrize("b", KERNELS)
def test_products_are_full_convolutions(a: Kernel, b: Kernel) -> None:
    same(a @ b, signal.convolve2d(laid(a), laid(b), "same"))
    same(b @ a, laid(a @ b))
    assert (a @ b).integer == (a.integer and b.integer)
    assert bool((a @ b).terms) == stay_separable(a, b)


def stay_separable(a: Kernel, b: Kernel) -> bool:
    """Whether terms are known of one, and of the other or it is a single row or column."""
    known = [bool(k.terms) for k in (a, b)]
    return any(known) and all(
        k or min(kernel.shape) == 1 for k, kernel in zip(known, (a, b), strict=True)
    )


@pytest.mark.parametrize("a", KERNELS)
def test_factors_and_divisors(a: Kernel) -> None:
    for factor in (3, -0.5, 2j, np.float32(0.25), np.int8(7)):
        same(factor * a, laid(a) * factor)
        same(a * factor, laid(a) * factor)
    for divisor in (3, -0.5, np.float32(0.25), np.int64(7)):
        same(a / divisor, laid(a) / divisor)
        np.testing.assert_array_equal((a / divisor).numerators, a.numerators)
    same(-a, -laid(a))
    same(0 * a, np.zeros_like(laid(a)))


@pytest.mark.parametrize("a", KERNELS)
def test_turning(a: Kernel) -> None:
    same(a.flip(), laid(a)[::-1, ::-1])
    same(a.T, laid(a).T)
    same(a.real, laid(a).real)
    same(a.imag, laid(a).imag)
    assert a.flip().flip() == a
    assert a == a.T.T
    assert bool(a.T.terms) == bool(a.flip().terms) == bool(a.terms)


@pytest.mark.parametrize("a", KERNELS)
def test_anchors_can_be_moved(a: Kernel) -> None:
    y, x = a.shape[0] - 1, 0
    moved = a.anchored(y, x)
    assert moved.anchor == (y, x)
    np.testing.assert_array_equal(moved.weights, a.weights)
    with pytest.raises(ArgumentError, match=r"anchor=\(9, 0\) lies outside the kernel"):
        a.anchored(9, 0)


@pytest.mark.parametrize("a", KERNELS)
def test_composition_does_both(a: Kernel) -> None:
    image = np.random.default_rng(0).normal(size=(9, 11)).astype(complex)
    b = Kernel([[1, -2], [3, 0.5]], anchor=(1, 0))
    both = gc.convolve(image, a @ b, border="wrap")
    after = gc.convolve(gc.convolve(image, b, border="wrap"), a, border="wrap")
    np.testing.assert_allclose(both, after, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (3, 3), (4, 6), (5, 2)])
def test_the_default_anchor_is_scipys(shape: tuple[int, int]) -> None:
    assert Kernel(np.ones(shape)).anchor == (shape[0] // 2, shape[1] // 2)


def test_integers_stay_integers_beside_a_divisor() -> None:
    mean = Kernel(np.ones((3, 3)), divisor=9)
    assert mean.integer
    assert mean.numerators.dtype == np.int64
    assert mean.weights.dtype == np.float64
    assert (mean + Kernel([[1]], divisor=6)).divisor == 18
    assert (mean / 2 / 0.5).divisor == 9
    assert not (mean / 2.5 + mean).integer
    assert not (0.1 * mean).integer
    assert Kernel([[1j, 2]]).complex
    assert not mean.complex


def test_numpys_scalars_do_not_narrow_a_divisor() -> None:
    assert (Kernel([[1]], divisor=21) / np.int8(7)).divisor == 147
    assert (Kernel([[1]], divisor=3) / np.float32(0.1)).divisor == 3 * float(np.float32(0.1))


def test_arithmetic_is_with_kernels_and_numbers_only() -> None:
    kernel: Any = Kernel([[1, 2]])
    for other in (np.ones((1, 2)), [[1, 2]], "a", None):
        for operation in ("__add__", "__sub__", "__mul__", "__truediv__", "__matmul__"):
            assert getattr(kernel, operation)(other) is NotImplemented
    with pytest.raises(TypeError):
        np.ones((1, 2)) * kernel
    with pytest.raises(TypeError):
        kernel / 2j
    with pytest.raises(TypeError):
        1 / kernel
    for factor in (np.nan, np.inf):
        with pytest.raises(ArgumentError, match="not finite"):
            kernel * factor
        with pytest.raises(ArgumentError, match="must be finite and not 0"):
            kernel / factor


def test_kernels_are_values() -> None:
    a, b = Kernel([[1, 2]], name="a"), Kernel(np.array([[1.0, 2.0]]))
    assert a == b
    assert hash(a) == hash(b)
    assert a != Kernel([[1], [2]])
    assert a != Kernel([[1, 2]], anchor=(0, 0))
    assert a != Kernel([[1, 2]], divisor=2)
    assert a != Kernel.separable([1], [1, 2])  # the same weights, but another way to run them
    assert a != [[1, 2]]
    assert len({*KERNELS, *KERNELS}) == len(KERNELS)
    for twin in (copy(a), deepcopy(a), pickle.loads(pickle.dumps(a))):
        assert twin == a
    with pytest.raises(AttributeError):
        a.anchor = (0, 0)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("weights", "rank"),
    [(np.eye(3), 3), (np.ones((3, 9)), 1), ([[0, 1, 0], [1, -4, 1], [0, 1, 0]], 2), ([[0, 0]], 0)],
)
def test_rank(weights: Any, rank: int) -> None:
    assert Kernel(weights).rank() == rank
    assert Kernel([[1, 0], [0, 1e-9]]).rank(1e-6) == 1


def test_as_kernel() -> None:
    kernel = Kernel([[1]])
    assert as_kernel(kernel) is kernel
    assert as_kernel(([1, 2], [3, 4, 5])) == Kernel.separable([1, 2], [3, 4, 5])
    assert as_kernel([[1, 2], [3, 4]]) == Kernel([[1, 2], [3, 4]])
    assert as_kernel((np.ones(2), (1, 2))).terms != ()


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ("abc", ArgumentTypeError, "it must hold numbers"),
        (None, ArgumentTypeError, "kernel has dtype object; it must hold numbers"),
        ([1, 2, 3], ArgumentError, r"kernel has 1 dimensions \(shape \(3,\)\); it must have 2"),
        (([1, [2, 3]], [1, 2]), ArgumentError, "kernel is not a rectangular array"),
        (([1, 2], []), ArgumentError, "kernel row has shape"),
        (([1, np.nan], [1]), ArgumentError, "kernel column has weights that are not finite"),
        ((Kernel([[1]]), Kernel([[1]])), ArgumentTypeError, "it must hold numbers"),
    ],
)
def test_what_is_no_kernel(given: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        as_kernel(given)


@pytest.mark.parametrize(
    ("kernel", "shown"),
    [
        (Kernel([[1, 2]], divisor=3), "<Kernel 1×2, anchor (0, 1)>\n[[1 2]] / 3"),
        (Kernel([[1]], name="dot"), "<Kernel dot 1×1, anchor (0, 0)>\n[[1]]"),
        (
            Kernel.sum_of([([1], [2]), ([1], [3])], divisor=0.5),
            "<Kernel 1×1, 2 separable terms, anchor (0, 0)>\n[[5]] / 0.5",
        ),
        (
            Kernel.separable(np.ones(10), np.ones(10)),
            "<Kernel 10×10, 1 separable term, anchor (5, 5)>",
        ),
    ],
)
def test_repr(kernel: Kernel, shown: str) -> None:
    assert repr(kernel) == shown


@pytest.mark.parametrize("kernel", KERNELS)
def test_names_are_kept_where_the_kernel_is(kernel: Kernel) -> None:
    named = Kernel(kernel._weights, name="me")
    assert named.flip().name == named.anchored(0, 0).name == "me"
    assert (named + named).name == ""


def test_pictures() -> None:
    assert gc.kernels.gaussian(1)._repr_png_().startswith(b"\x89PNG")
    axes = Kernel([[1, 2]], name="two").plot()
    assert axes.get_title() == "two"
