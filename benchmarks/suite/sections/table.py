"""Cases × peers: who is ahead, and how far everyone is from a copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...cases import CASES, Case, chosen
from ...peers import OURS
from ..measure import ON_CPU, ON_GPU, measure
from ..place import Place
from ..section import Found, Options, Section, entered
from .pace import paced

__all__ = ["SECTION"]


def _run(place: Place, options: Options) -> Found:
    everyone, usual = entered(place.kind, options), ON_CPU if place.kind == "cpu" else ON_GPU
    for case, limits, watch in paced(_cases(options), place, options, usual):
        yield [row.json() for row in measure(case, everyone, place, limits, watch)]


def _cases(options: Options) -> list[Case]:
    """Return the cases to measure; where time is limited, those that tell most come first."""
    cases = [each for each in chosen(CASES, options.cases) if each.quick or not options.quick]
    return cases if options.seconds is None else sorted(cases, key=lambda each: not each.quick)


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    ours = next((row["seconds"] for row in rows if row["peer"] == OURS), None)
    yield f"{rows[0]['case']:<41}{'ms':>10}{'p10':>10}{'p90':>10}{'times':>8}"
    for row in rows:
        yield f"  {row['peer']:<39}{_said(row, ours)}"


def _said(row: dict[str, Any], ours: dict[str, float] | None) -> str:
    if row["left_out"]:
        return str(row["left_out"])
    spread = row["seconds"]
    milliseconds = "".join(f"{1e3 * spread[key]:>10.3f}" for key in ("median", "p10", "p90"))
    ratio = f"{spread['median'] / ours['median']:>8.2f}" if ours else ""
    about = "  ≈" if row["part"] < 1 else ""
    return milliseconds + ratio + about


SECTION = Section(
    "table", "every case, every peer, and a copy of the same bytes", _run, _lines, share=4.0
)
