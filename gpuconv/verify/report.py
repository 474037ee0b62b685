"""What a verification found: an outcome for each case, and their sums by family."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

from gpuconv.border import MODES

__all__ = ["NUMPY", "Outcome", "Report", "Row", "number"]

#: Stands for the kernel families where the CPU engine is verified, which has none.
NUMPY = "NumPy"


@dataclass(frozen=True)
class Outcome:
    """What came of a case."""

    label: str
    #: Kernel families that took part.
    families: tuple[str, ...]
    dtype: str
    #: A border mode, or "pairs".
    border: str
    #: Largest error in units of what is allowed, and in the output's own.
    units: float
    absolute: float
    #: What went wrong beside numbers; "" if nothing did.
    problem: str = ""

    @property
    def right(self) -> bool:
        """Whether the result is what it must be."""
        return not self.problem and self.units <= 1

    @property
    def miss(self) -> str:
        """The case and what is wrong with it, on one line."""
        return f"{self.label}: {self.problem or f'{_times(self.units)} the allowed error'}"


def _times(units: float) -> str:
    return f"{units:.3g} ×" if isfinite(units) else "not the definition's values: beyond"


@dataclass(frozen=True)
class Row:
    """A line of the table: cases of one family and dtype, at one border or at all."""

    family: str
    dtype: str
    border: str
    cases: int
    misses: int
    units: float
    absolute: float

    def json(self) -> dict[str, Any]:
        """Return it as plain values."""
        values = vars(self) | {"units": number(self.units), "absolute": number(self.absolute)}
        return values | {"verdict": "miss" if self.misses else "right"}


@dataclass
class Report:
    """The outcomes so far."""

    device: str
    #: How many cases were to be verified.
    total: int
    outcomes: list[Outcome] = field(default_factory=list)
    #: Why it ended before all were; "" if it did not.
    stopped: str = ""
    #: Cases for which there is no room, each with what it lacks; they are not among the total.
    left_out: list[str] = field(default_factory=list)

    @property
    def misses(self) -> list[Outcome]:
        """The cases with a wrong result, or none."""
        return [outcome for outcome in self.outcomes if not outcome.right]

    @property
    def complete(self) -> bool:
        """Whether all cases were verified."""
        return len(self.outcomes) == self.total and not self.stopped

    @property
    def right(self) -> bool:
        """Whether all cases were verified and every result is right."""
        return self.complete and bool(self.outcomes) and not self.misses

    @property
    def families(self) -> list[str]:
        """The families that took part, in order."""
        return sorted({family for outcome in self.outcomes for family in outcome.families})

    def of(self, family: str, dtype: str = "", border: str = "") -> Row:
        """Return the sum of the outcomes of a family, and of a dtype, and of a border."""
        some = [
            each
            for each in self.outcomes
            if family in each.families and dtype in ("", each.dtype) and border in ("", each.border)
        ]
        worst = max((each.units for each in some), default=0.0)
        absolute = max((each.absolute for each in some), default=0.0)
        misses = sum(not each.right for each in some)
        # A case without a result has no error that could be told.
        worst = inf if any(each.problem for each in some) else worst
        return Row(family, dtype, border, len(some), misses, worst, absolute)

    def rows(self) -> Iterator[Row]:
        """Yield a row for each family, dtype and border that there are cases of."""
        dtypes = list(dict.fromkeys(outcome.dtype for outcome in self.outcomes))
        for family in self.families:
            for dtype in dtypes:
                for border in (*MODES, "pairs"):
                    row = self.of(family, dtype, border)
                    if row.cases:
                        yield row

    def json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "device": self.device,
            "cases": len(self.outcomes),
            "of": self.total,
            "right": self.right,
            "stopped": self.stopped,
            "left_out": self.left_out,
            "rows": [row.json() for row in self.rows()],
            "misses": [outcome.miss for outcome in self.misses],
        }


def number(value: float) -> float | str:
    """Return a float that JSON can hold; it has no infinity.

    Examples
    --------
    >>> number(0.25), number(inf)
    (0.25, 'infinite')
    """
    return float(f"{value:.4g}") if isfinite(value) else "infinite"
