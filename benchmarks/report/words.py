"""Numbers and tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import exp, floor, log, log10

__all__ = ["brief", "geometric_mean", "mebibytes", "milliseconds", "percent", "table", "times"]


def brief(number: float, digits: int = 3) -> str:
    """Return a number with so many digits, and no exponent.

    Examples
    --------
    >>> brief(0.004567), brief(12.34567), brief(98765.4), brief(5.0), brief(0)
    ('0.00457', '12.3', '98765', '5.00', '0')
    """
    if not number:
        return "0"
    behind = max(digits - 1 - floor(log10(abs(number))), 0)
    return f"{number:.{behind}f}"


def milliseconds(seconds: float) -> str:
    """Return a time in milliseconds, of three digits.

    Examples
    --------
    >>> milliseconds(0.0123456)
    '12.3'
    """
    return brief(1e3 * seconds)


def times(ratio: float) -> str:
    """Return a ratio of times, of two digits below a hundred.

    Examples
    --------
    >>> times(3.14159), times(31.4), times(314.2), times(0.0314)
    ('3.1', '31', '314', '0.031')
    """
    return brief(ratio, 2)


def percent(share: float) -> str:
    """Return a share in percent: none is 0 that is none.

    Examples
    --------
    >>> percent(0.931), percent(0.0042)
    ('93 %', '0.4 %')
    """
    return f"{100 * share:.0f} %" if share >= 0.0095 else f"{brief(100 * share, 1)} %"


def mebibytes(size: float) -> str:
    """Return a size in MiB.

    Examples
    --------
    >>> mebibytes(3 << 20), mebibytes(1536), mebibytes(-5)
    ('3', '0', '0')
    """
    return f"{max(size, 0) / 2**20:.0f}"


def geometric_mean(ratios: Iterable[float]) -> float:
    """Return the geometric mean, the right one for ratios.

    Examples
    --------
    >>> geometric_mean([0.5, 2.0])
    1.0
    """
    logs = [log(ratio) for ratio in ratios]
    return exp(sum(logs) / len(logs))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table; one without rows is none.

    Examples
    --------
    >>> list(table(["case", "ms"], [["median", "7"]]))
    ['| case | ms |', '|---|---|', '| median | 7 |', '']
    """
    kept = list(rows)
    if not kept:
        return
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    yield from (f"| {' | '.join(row)} |" for row in kept)
    yield ""
