"""What tests of the bench run: a clock whose time is made up, and rows of made-up times."""

from __future__ import annotations

from typing import Any

from scipy import ndimage

from benchmarks.cases import Case
from benchmarks.filters import Median
from benchmarks.suite import machine, record
from benchmarks.suite.contract import Buffers, Peer, Prepared
from benchmarks.suite.measure import Limits, measure
from benchmarks.suite.place import Place, place
from benchmarks.suite.row import Row
from benchmarks.suite.section import Options, Section
from benchmarks.suite.sections import SECTIONS
from benchmarks.suite.timing import Host

Rows = list[dict[str, Any]]
CPU = Place("cpu", Host())
CASE = Case(Median(3), "uint8", (96, 130), "nearest")
FEW = Limits(rounds=3)


class Clock(Host):
    """The host's clock, whose time is made up: a call lasts as long as it says."""

    def __init__(self) -> None:
        self.time = 0.0
        super().__init__(self._tick)

    def _tick(self) -> float:
        self.time += 1e-3  # no call is so short that it is timed a thousand times at once
        return self.time


def measured(*peers: Peer, case: Case = CASE, limits: Limits = FEW) -> list[Row]:
    return measure(case, peers, Place("cpu", Clock()), limits)


def entry_of(*rows: dict[str, Any], complete: bool = False, date: str = "2") -> dict[str, Any]:
    with place("cpu") as found:
        made = record.entry(machine.described(found), "cpu", "gpuconv bench", Options())
    return {**made, "complete": complete, "date": date, "rows": list(rows)}


def time_of(
    peer: str, median: float, case: str = "a", noise: float = 0.02, **other: Any
) -> dict[str, Any]:
    low, high = median * (1 - noise), median * (1 + noise)
    spread = {"median": median, "p10": low, "p90": high, "shortest": low}
    told = {"case": case, "peer": peer, "version": "1", "part": 1.0, "rounds": 15}
    return {**told, "seconds": spread, **other}


TABLE = Section("table", "", lambda place, options: iter(()), lambda rows: iter(()))


def refusing(error: Exception) -> Peer:
    def prepare(case: Case, buffers: Buffers) -> Prepared:
        raise error

    return Peer("other", ("no-such-package",), "cpu", prepare)


def run(name: str, options: Options, where: Place = CPU) -> Rows:
    return [row for rows in SECTIONS[name].run(where, options) for row in rows]


def box_of(case: Case, image: Any, out: Any) -> None:
    ndimage.uniform_filter(image, case.filter.side, mode=case.border, output=out)


def right(case: Case, buffers: Buffers) -> Prepared:
    return Prepared(lambda i: box_of(case, buffers.images[i], buffers.outs[i]), "right")


def peer(name: str, prepare: Any, device: str = "cpu") -> Peer:
    return Peer(name, ("numpy",), device, prepare)
