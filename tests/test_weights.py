"""The numbers of kernels: what is accepted, exactness, and separable terms that are found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.separation import _needs_more, cross_terms
from gpuconv.weights import Weights, check_anchor, check_divisor


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        ([[1, 2]], np.int64),
        ([[1.0, 2.0]], np.int64),
        ([[True, False]], np.int64),
        (np.array([[200]], np.uint8), np.int64),
        (np.array([[2, 3]], ">i2"), np.int64),
        ([[0.5, 2]], np.float64),
        (np.array([[0.5]], np.float16), np.float64),
        ([[2.0**53 - 1]], np.int64),
        ([[2.0**53]], np.float64),
        (np.array([[2**64 - 1]], np.uint64), np.float64),
        ([[1j]], np.complex128),
        (np.array([[1 + 0j]], np.complex64), np.complex128),
    ],
)
def test_weights_are_kept_as_integers_where_they_are(given: Any, dtype: type) -> None:
    array = Weights.of(given).array
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, np.asarray(given).astype(dtype))


def test_weights_are_a_read_only_copy() -> None:
    given = np.array([[1, 2], [3, 4]])
    weights = Weights.of(given)
    given[:] = 0
    assert weights.array.tolist() == [[1, 2], [3, 4]]
    for part in (*weights.parts, *Weights.sum_of([([1, 2], [3])]).parts):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 9
    with pytest.raises(ValueError, match="read-only"):
        Weights.sum_of([([1, 2], [3])]).array[0] = 9


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([[1], [2, 3]], "kernel is not a rectangular array: setting an array element"),
        ([1, 2], r"kernel has 1 dimensions \(shape \(2,\)\); it must have 2"),
        (5, r"kernel has 0 dimensions \(shape \(\)\); it must have 2"),
        (np.ones((2, 2, 2)), "kernel has 3 dimensions"),
        ([[]], r"kernel has shape \(1, 0\); it must have at least one weight"),
        ([[np.nan]], "kernel has weights that are not finite"),
        ([[1, -np.inf]], "kernel has weights that are not finite"),
        ([[complex(0, np.inf)]], "kernel has weights that are not finite"),
    ],
)
def test_weights_of_no_use(given: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        Weights.of(given)


@pytest.mark.parametrize("given", [[["a"]], [[None]], [[object()]], np.zeros((1, 1), "M8[s]")])
def test_weights_that_are_no_numbers(given: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=r"kernel has dtype .*; it must hold numbers"):
        Weights.of(given)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ([([[1]], [1])], "kernel column has 2 dimensions"),
        ([([1], 1)], "kernel row has 0 dimensions"),
        ([([1], [])], "kernel row has shape"),
        ([([1, 2], [1]), ([1], [1])], r"the sizes \[\(1, 1\), \(2, 1\)\]; give terms of one size"),
        ([], r"kernel terms have the sizes \[\]; give terms of one size"),
    ],
)
def test_terms_of_no_use(terms: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        Weights.sum_of(terms)


def test_terms_that_are_zero_are_left_out() -> None:
    nothing = ([0, 0], [1, 2])
    assert len(Weights.sum_of([nothing, ([1, 1], [1, 2]), nothing]).terms) == 1
    zero = Weights.sum_of([nothing, nothing])
    assert len(zero.terms) == 1
    assert zero.array.tolist() == [[0, 0], [0, 0]]


def test_the_sum_of_terms_stays_exact() -> None:
    weights = Weights.sum_of([([1, 2], [3, 4]), ([5, 6], [7, 8])])
    assert weights.array.dtype == np.int64
    assert weights.array.tolist() == [[38, 44], [48, 56]]
    assert weights.total == 3 * 7 + 11 * 15
    assert Weights.of([[1, -2], [0, 3]]).total == 6
    assert Weights.sum_of([([1], [2**40, 1]), ([1], [0, -1])]).array.tolist() == [[2**40, 0]]


def test_the_total_of_terms_bounds_the_sum() -> None:
    cancelling = Weights.sum_of([([1, 1], [1, 1]), ([1, 0], [-1, 0])])
    assert np.abs(cancelling.array).sum() == 3
    assert cancelling.total == 5


def test_scaling_beyond_int64_does_not_wrap() -> None:
    scaled = Weights.of([[2**50]]).scale(2**20)
    assert scaled.array.tolist() == [[2.0**70]]
    assert Weights.sum_of([([2**40], [2**40])]).array.tolist() == [[2.0**80]]
    large = Weights.of([[2**52]])
    twice, _ = large.add(large, (0, 0), (0, 0))
    thrice, _ = twice.add(large, (0, 0), (0, 0))
    assert thrice.array.tolist() == [[3.0 * 2**52]]


def test_complex_terms_have_real_and_imaginary_parts() -> None:
    rng = np.random.default_rng(1)
    column, row = (rng.normal(size=n) + 1j * rng.normal(size=n) for n in (3, 4))
    weights, product = Weights.sum_of([(column, row)]), np.outer(column, row)
    np.testing.assert_allclose(weights.real().array, product.real, atol=1e-15)
    np.testing.assert_allclose(weights.imag().array, product.imag, atol=1e-15)
    assert weights.real().terms
    assert Weights.sum_of([([1j, 2], [1])]).imag().array.tolist() == [[1], [0]]


@pytest.mark.parametrize("anchor", [(1,), 1, (0.0, 1), "ab", (0, 1, 2), (None, 0), np.zeros(2)])
def test_anchors_are_pairs_of_integers(anchor: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=r"must be a pair of integers \(y, x\)"):
        check_anchor(anchor, (9, 9))


@pytest.mark.parametrize("anchor", [(-1, 0), (0, -1), (2, 0), (0, 3)])
def test_anchors_lie_inside(anchor: tuple[int, int]) -> None:
    with pytest.raises(ArgumentError, match=r"lies outside the kernel; .* \(0, 0\) … \(1, 2\)"):
        check_anchor(anchor, (2, 3))
    assert check_anchor([np.int8(1), 2], (2, 3)) == (1, 2)


@pytest.mark.parametrize("divisor", [0, 0.0, np.inf, -np.inf, np.nan, 10**400])
def test_divisors_are_finite_and_not_0(divisor: float) -> None:
    with pytest.raises(ArgumentError, match=r"divisor=.* must be finite and not 0"):
        check_divisor(divisor)


@pytest.mark.parametrize("divisor", [1j, "3", None, [2], np.ones(2)])
def test_divisors_are_real_numbers(divisor: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=r"divisor=.* must be a real number"):
        check_divisor(divisor)


@pytest.mark.parametrize("divisor", [3, 3.0, np.int8(3), np.float32(3)])
def test_whole_divisors_are_integers(divisor: float) -> None:
    assert check_divisor(divisor) == 3
    assert type(check_divisor(divisor)) is int
    assert type(check_divisor(2.5)) is float


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (9, 4)])
def test_terms_are_found_for_every_rank(rank: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(rank)
    weights = rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))
    terms = cross_terms(weights, 1e-13, rank)
    assert len(terms) == rank
    rest = weights - sum(np.outer(c, r) for c, r in terms)
    assert np.abs(rest).sum() <= 1e-13 * np.abs(weights).sum()
    assert cross_terms(weights, 1e-13, rank - 1) == ()


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6])
def test_the_bound_is_kept_and_used(tolerance: float) -> None:
    y, x = np.mgrid[-8:9, -8:9]
    weights = 1 / (1 + y**2 + x**2 + 0.3 * y * x)
    terms = cross_terms(weights, tolerance, 17)
    rest = weights - sum(np.outer(c, r) for c, r in terms)
    assert np.abs(rest).sum() <= tolerance * np.abs(weights).sum()
    assert 1 < len(terms) < 17
    assert cross_terms(weights, tolerance, len(terms) - 1) == ()


@pytest.mark.parametrize(
    "weights",
    [
        [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
        [[0, 1, 0], [1, 1, 1], [0, 1, 0]],
        [[6, 10], [9, 15]],
        [[-3]],
        [[0, 0, 7]],
        np.outer([2**26, 3], [5, 2**26]),
    ],
)
def test_integer_weights_are_written_exactly(weights: Any) -> None:
    given = np.array(weights)
    terms = cross_terms(given, 1e-3, 3)
    assert terms
    assert all(part.dtype == np.int64 for term in terms for part in term)
    np.testing.assert_array_equal(sum(np.outer(c, r) for c, r in terms), given)


def test_integer_weights_are_never_written_roughly() -> None:
    nearly = np.full((5, 5), 6)
    nearly[1, 1] -= 1
    assert cross_terms(nearly, 1e-2, 1) == ()
    assert cross_terms(1.0 * nearly, 1e-2, 1) != ()
    assert cross_terms(np.array([[3, 2], [2, 3]]), 1e-3, 2) == ()  # terms, but not integer ones


def test_a_kernel_of_zeros_is_one_term_of_zeros() -> None:
    [(column, row)] = cross_terms(np.zeros((3, 2)), 0, 1)
    assert (column.shape, row.shape, column.any(), row.any()) == ((3,), (2,), False, False)


def test_finding_terms_leaves_the_weights_alone() -> None:
    weights = np.array([[1.0, 2.0], [3.0, 4.0]])
    cross_terms(weights, 0, 2)
    assert weights.tolist() == [[1, 2], [3, 4]]


def test_totals_beyond_int64_do_not_wrap() -> None:
    large = Weights.sum_of([(np.full(3, 2**40), np.full(2, 2**40))])
    assert large.total == 6 * 2.0**80


@pytest.mark.parametrize("rank", [1, 3, 12])
def test_a_look_at_a_part_never_hides_terms(rank: int) -> None:
    rng = np.random.default_rng(rank)
    weights = rng.normal(size=(200, rank)) @ rng.normal(size=(rank, 150))
    assert len(cross_terms(weights, 1e-12, 12)) == rank


def test_large_weights_of_full_rank_are_seen_by_a_part() -> None:
    weights = np.random.default_rng(0).normal(size=(300, 200))
    assert cross_terms(weights, 1e-7, 12) == ()
    assert _needs_more(weights, 1e-7 * np.abs(weights).sum(), 12)
    assert not _needs_more(weights, 0.1 * np.abs(weights).sum(), 12)
    assert not _needs_more(weights[:64, :64], 0.0, 12)


def test_integers_of_low_rank_are_found_in_large_kernels() -> None:
    rng = np.random.default_rng(1)
    weights = np.outer(rng.integers(1, 9, 100), rng.integers(1, 9, 120))
    assert len(cross_terms(weights, 0, 12)) == 1


def test_only_small_products_of_terms_are_kept() -> None:
    small, large = (Weights.sum_of([(np.ones(n), np.ones(n))]) for n in (100, 1001))
    assert small.array is small.array
    assert large.array is not large.array
    assert small.nbytes == 8 * (2 * 100 + 100 * 100)
    assert large.nbytes == 8 * 2 * 1001
    assert Weights.of(large.array).nbytes == large.array.nbytes
