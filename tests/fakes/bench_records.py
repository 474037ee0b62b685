"""Made-up records of the bench, and what a page that is made of them has."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.cases import Case
from benchmarks.filters import Dense, Gaussian, Median
from benchmarks.peers import FLOOR, OURS
from benchmarks.report import page
from benchmarks.report.record import Record, records
from benchmarks.suite.contract import Peer, Prepared
from benchmarks.suite.row import Row
from benchmarks.suite.timing import Spread

MEDIAN = Case(Median(3), "uint8", (64, 64), "nearest")
DENSE = Case(Dense(3), "float32", (64, 64))
GAUSSIAN = Case(Gaussian(2), "float32", (64, 64))
OPENCV, SCIPY = "OpenCV, all threads", "SciPy ndimage"


def prepared(*_: object) -> Prepared:
    return Prepared(lambda _: None, "")


def row(case: Case, peer: str, ms: float | None, **more: Any) -> dict[str, Any]:
    """Return a row as JSON has it: from 10 % below the median to 10 % above."""
    made = Row.of(case, Peer(peer, ("numpy",), "cpu", prepared))
    made.how, made.rounds, made.error = "library.function", 15, 0.5 * case.allowed
    if ms is not None:
        made.seconds = spread_of(ms)
    for name, value in more.items():
        setattr(made, name, value)
    return json.loads(json.dumps(made.json()))  # type: ignore[no-any-return]


def spread_of(ms: float) -> Spread:
    return Spread(ms / 1e3, 0.9 * ms / 1e3, 1.1 * ms / 1e3, 0.8 * ms / 1e3)


def rows(case: Case, **ms: float | None) -> list[dict[str, Any]]:
    names = {"ours": OURS, "copy": FLOOR, "opencv": OPENCV, "scipy": SCIPY}
    return [row(case, names[each], took) for each, took in ms.items()]


def section(name: str, found: Iterable[dict[str, Any]], **more: Any) -> dict[str, Any]:
    machine = {
        "name": "Abacus 9, 2 cores",
        "folder": "abacus-9-2-cores",
        "system": "Linux x86_64",
        "python": "3.12.1",
        "versions": {"gpuconv": "0.1", "scipy": "1.17"},
    }
    head = {"machine": machine, "device": "cpu", "date": "", "gpuconv": "0.1", "options": {}}
    command = f"gpuconv bench --section {name}"
    return {**head, "command": command, "complete": True, "rows": list(found), **more}


def kept(folder: Path, **sections: dict[str, Any]) -> Record:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"schema": 1, "sections": sections})
    (folder / "bench.json").write_text(text, "utf-8")
    return next(each for each in records(folder.parent) if each.folder == folder)


def grown() -> list[dict[str, Any]]:
    where = {"across": "σ, pixels", "last": False}
    sweeps = ("Gaussian f32", "median u8", "image, Gaussian σ=2 f32")
    return [
        {**row(GAUSSIAN, peer, ms * at), **where, "sweep": sweep, "at": at}
        for sweep in sweeps
        for at in (1, 2, 4)
        for peer, ms in ((OURS, 1.0), (OPENCV, 3.0), (FLOOR, 0.1))
    ]


def first(peer: str, seconds: float, cache: str = "") -> dict[str, Any]:
    steps = {"seconds": seconds, "import": 0.05, "first": 0.02, "second": 0.001}
    spreads = {name: {"median": took} for name, took in steps.items()}
    rest = {"rounds": 7, "left_out": "", "error": 0.0, "cache": cache}
    return {"case": GAUSSIAN.name, "peer": peer, **spreads, **rest}


def memory(peer: str, peak: int | None, left_out: str = "") -> dict[str, Any]:
    return {"case": GAUSSIAN.name, "peer": peer, "peak": peak, "left_out": left_out}


def tables(text: str) -> list[list[str]]:
    """Return the cells of all lines of tables."""
    lines = (line for line in text.splitlines() if line.startswith("| "))
    return [line.strip("| ").split(" | ") for line in lines]


def table_row(text: str, *begin: str) -> list[str]:
    found = [cells for cells in tables(text) if cells[: len(begin)] == list(begin)]
    assert len(found) == 1, (begin, found)
    return found[0]


def written(record: Record) -> str:
    return page.page([record], record.folder.parent)


def compared_in(results: Path) -> Record:
    """Two cases: gpuconv is behind OpenCV in one, ahead of everyone in the other."""
    found = [
        *rows(MEDIAN, ours=8.0, copy=1.0, opencv=2.0, scipy=400.0),
        *rows(DENSE, ours=4.0, copy=1.0, opencv=6.0, scipy=16.0),
    ]
    return kept(results / "abacus-9-2-cores", table=section("table", found))


def complete_in(results: Path) -> Record:
    """Every section, small."""
    small = [row(MEDIAN, OURS, 0.02), row(MEDIAN, OPENCV, 0.01), row(MEDIAN, FLOOR, 0.001)]
    frames = [{**each, "per_second": 50.0 * (n + 1)} for n, each in enumerate(small)]
    return kept(
        results / "abacus-9-2-cores",
        table=section("table", rows(MEDIAN, ours=8.0, copy=1.0, opencv=2.0)),
        growth=section("growth", grown()),
        small=section("small", small),
        first=section("first", [first(OURS, 0.15), first(SCIPY, 0.3)]),
        memory=section("memory", [memory(OURS, 3 << 20), memory(SCIPY, 100 << 20)]),
        throughput=section("throughput", frames),
    )
