"""Cases × peers: who is ahead, and how far everyone is from a copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...cases import CASES, chosen
from ..measure import ON_CPU, ON_GPU, Limits, measure
from ..place import Place
from ..section import Found, Options, Section, entered

__all__ = ["SECTION", "limits_for"]


def limits_for(place: Place, options: Options, cases: int) -> Limits:
    """Return the limits of a run of so many cases."""
    usual = ON_CPU if place.kind == "cpu" else ON_GPU
    case = usual.case if options.seconds is None else options.seconds / max(cases, 1)
    return replace(usual, case=case, rounds=options.rounds or usual.rounds)


def _run(place: Place, options: Options) -> Found:
    cases = [c for c in chosen(CASES, options.cases) if c.quick or not options.quick]
    limits, everyone = limits_for(place, options, len(cases)), entered(place.kind, options)
    for case in cases:
        yield [row.json() for row in measure(case, everyone, place, limits)]


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    ours = next((row["seconds"] for row in rows if row["seconds"]), None)
    yield rows[0]["case"]
    for row in rows:
        yield f"  {row['peer']:<22}{_said(row, ours)}"


def _said(row: dict[str, Any], ours: dict[str, float] | None) -> str:
    if row["left_out"]:
        return row["left_out"]
    spread = row["seconds"]
    milliseconds = "".join(f"{1e3 * spread[key]:>10.3f}" for key in ("median", "p10", "p90"))
    ratio = f"{spread['median'] / ours['median']:>8.2f}" if ours else ""
    about = "  ≈" if row["part"] < 1 else ""
    return milliseconds + ratio + about


SECTION = Section("table", "every case, every peer, and a copy of the same bytes", _run, _lines)
