"""Weights written as a sum of separable terms, where they are one."""

from __future__ import annotations

import numpy as np

from gpuconv.weights import Array, Term

__all__ = ["cross_terms"]


def cross_terms(weights: Array, tolerance: float, most: int) -> tuple[Term, ...]:
    """Write `weights` as a sum of at most `most` separable terms, or return ().

    Cross approximation with full pivoting: each term is the column and the row through the largest
    remaining weight. The bound is checked, not assumed: Σ|weights − Σ terms| is at most
    `tolerance` × Σ|weights|. Integer weights are only ever written as integer terms, exactly.

    References
    ----------
    M. Bebendorf, "Approximation of boundary element matrices", Numer. Math. 86 (2000).

    Examples
    --------
    >>> [(column, row)] = cross_terms(np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]), 0, 1)
    >>> column.tolist(), row.tolist()
    ([1, 2, 1], [1, 0, -1])
    """
    total = np.abs(weights).sum()
    whole = weights.dtype.kind == "i"
    if total == 0:
        return ((weights[:, 0], weights[0]),)
    if _needs_more(weights, tolerance * total, most):
        return ()
    rest, terms = weights.copy(), list[Term]()
    for _ in range(most):
        y, x = np.unravel_index(np.argmax(np.abs(rest)), rest.shape)
        column, row = rest[:, x].copy(), rest[y].copy()
        if whole:
            column //= np.gcd.reduce(column)
            if (row % column[y]).any():
                return ()
            row //= column[y]
        else:
            row /= column[y]
        column.flags.writeable = row.flags.writeable = False
        terms.append((column, row))
        rest -= np.outer(column, row)
        if np.abs(rest).sum() <= (0 if whole else tolerance * total):
            return tuple(terms)
    return ()


#: Rows and columns of a large kernel that are looked at before all of it is.
_SAMPLED = 64


def _needs_more(weights: Array, error: float, most: int) -> bool:
    """Return whether some rows and columns show that `most` terms leave more than `error`.

    Singular values of a part are no larger than those of the whole, and the one after the first
    `most` is no larger than what any sum of `most` terms leaves over (Eckart and Young, 1936).
    """
    if max(weights.shape) <= _SAMPLED or min(*weights.shape, _SAMPLED) <= most:
        return False
    rows, columns = (np.linspace(0, n - 1, min(n, _SAMPLED)).astype(int) for n in weights.shape)
    values = np.linalg.svd(weights[rows[:, None], columns], compute_uv=False)
    rounding = _SAMPLED * float(np.finfo(np.float64).eps) * values[0]
    return bool(values[most] > error + rounding)
