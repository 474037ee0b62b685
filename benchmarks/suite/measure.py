"""A row of the table: every peer is checked against the definition, then all are timed in turns."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from ..cases import Case
from . import check
from .contract import Buffers, Peer, Prepared, Unable
from .place import Place
from .row import FAILED, WRONG, Row
from .section import Lost, Watch, unseen
from .timing import Spread, take_turns

__all__ = ["ON_CPU", "ON_GPU", "Limits", "measure"]


@dataclass(frozen=True)
class Limits:
    """How long things may take, in seconds."""

    #: Times that each is timed.
    rounds: int = 15
    #: A call: what takes longer is timed on fewer rows of the image, or left out on a GPU, where
    #: a part of an image says little about the whole.
    call: float = 2.0
    #: All timed calls of a peer.
    each: float = 4.0
    #: All timed calls of a case.
    case: float = 40.0
    #: Everything for a case, its checks as well, about; each peer is timed once at least.
    whole: float = inf


ON_CPU = Limits()
#: The slowest peers take a thousand times as long as the fastest.
ON_GPU = Limits(rounds=50, call=0.05, each=1.0, case=3.0)

#: Rows on which the time of a call is guessed, and of the image, and its columns, on which filters
#: that know no limit are compared.
_PROBE, _SMALL = 64, (160, 224)
#: How much larger the part is that tells what grows with the image.
_LARGER = 4


def measure(
    case: Case, peers: Sequence[Peer], place: Place, limits: Limits, watch: Watch = unseen
) -> list[Row]:
    """Return a row for each peer; gpuconv is the first.

    A peer that breaks is no reason not to time the others.

    Raises
    ------
    Lost
        One broke the device.
    """
    rows = {peer.name: Row.of(case, peer) for peer in peers}
    clock, start = place.clock, place.clock.now()
    bench = _Bench(case, place, limits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of many bins, of values out of range: as anyone sees
        ready = dict[str, Prepared]()
        for peer in peers:
            row = rows[peer.name]
            watch(f"{case.name}: {peer.name}")
            try:
                ready[peer.name] = bench.ready(peer, row)
            except Unable as reason:
                row.left_out = str(reason)
            except Exception as error:
                _failed(place, row, error)
        watch(f"{case.name}: {len(ready)} in turns")
        now, sets = clock.now(), len(bench.buffers(1.0).images)
        seconds, each = _shared(limits, now - start, len(ready))
        times = take_turns(
            {name: prepared.call for name, prepared in ready.items()},
            clock,
            sets,
            limits.rounds,
            now + seconds,
            each,
            {name: prepared.settle for name, prepared in ready.items()},
            lambda name, error: _failed(place, rows[name], error),
        )
    for name, samples in times.items():
        row, kinds = rows[name], samples[0]
        row.rounds = len(samples)
        for kind in kinds:
            setattr(row, kind, Spread.of([each[kind] / row.part for each in samples]))
    return list(rows.values())


def _failed(place: Place, row: Row, error: Exception) -> None:
    row.left_out = f"{FAILED}{type(error).__name__}: {str(error)[:200]}"
    if not place.answers():  # what comes after would be recorded as the failure of everyone
        raise Lost(f"{place.device} is lost: {row.case}, {row.peer} {row.left_out}") from error


def _shared(limits: Limits, spent: float, calls: int) -> tuple[float, float]:
    """Return the seconds for all turns, and for those of each call, where checks took some.

    Where time is short a third of it is for turns all the same, and a slow call has no more than
    twice its share of that: else the fast ones would be timed as seldom as it.
    """
    seconds = min(limits.case, max(limits.whole - spent, limits.whole / 3))
    return seconds, min(limits.each, 2 * seconds / max(calls, 1))


class _Bench:
    """The image of a case and parts of it, each with what must come out, made once."""

    def __init__(self, case: Case, place: Place, limits: Limits) -> None:
        self._case, self._place, self._limits = case, place, limits
        self._image = case.image
        self._buffers = dict[float, Buffers]()
        self._parts = dict[float, list[check.Part]]()

    def ready(self, peer: Peer, row: Row) -> Prepared:
        """Return what is to be timed, its result having been compared."""
        part = row.part = self._affordable(peer)
        case, buffers = self._of(part), self.buffers(part)
        prepared = peer.prepare(case, buffers)
        row.how, row.because = prepared.how, prepared.because
        row.measure = prepared.measure or row.measure
        row.allowed = case.allowed if prepared.allowed is None else prepared.allowed
        row.error = self._error(peer, prepared, part)
        if not row.error <= row.allowed:
            raise Unable(f"{WRONG}{row.measure} error {row.error:.3g}, {row.allowed:.3g} allowed")
        return prepared

    def buffers(self, part: float) -> Buffers:
        """Return buffers for a part of the rows."""
        if part not in self._buffers:
            rows = self._of(part).rows
            y = self._case.axes.index("y")
            image = self._image[(slice(None),) * y + (slice(rows),)]
            whole = image if part == 1 else image.copy()
            self._buffers[part] = self._place.buffers(whole)
        return self._buffers[part]

    def _of(self, part: float) -> Case:
        rows = self._case.rows
        return self._case if part == 1 else self._case.of_rows(max(round(rows * part), 1))

    def _affordable(self, peer: Peer) -> float:
        """Return which part of the rows a call can be timed on."""
        rows, most = self._case.rows, self._limits.call
        if rows <= _PROBE:
            return 1.0
        part = _PROBE / rows
        prepared = peer.prepare(self._of(part), self.buffers(part))
        prepared.call(0)  # compiles, plans, imports
        seconds = self._once(prepared, part) / part
        on_cpu = self._place.kind == "cpu"
        if seconds > most and seconds * part <= (most / _LARGER if on_cpu else most):
            seconds = self._grown(peer, part, seconds * part)
        if seconds <= most:
            return 1.0
        if on_cpu:
            return max(part, 2.0 ** -_halvings(seconds / most))
        raise Unable(f"about {1e3 * seconds:.3g} ms, too long to be timed")

    def _grown(self, peer: Peer, part: float, seconds: float) -> float:
        """Return about how long a call takes on all rows, whose seconds on a part are known.

        From a larger part: what enqueueing costs does not grow with the image, nor do the pixels
        around it, of which a wide kernel needs more than a small part has.
        """
        larger = min(_LARGER * part, 1.0)
        prepared = peer.prepare(self._of(larger), self.buffers(larger))
        prepared.call(0)
        more = self._once(prepared, larger)
        return more + max(more - seconds, 0.0) * (1 - larger) / (larger - part)

    def _once(self, prepared: Prepared, part: float) -> float:
        now = self._place.clock.now
        start = now()
        result = prepared.call(0)
        if self._place.kind != "cpu":  # wait for it
            self._place.numpy(self.buffers(part).outs[0] if result is None else result)
        return now() - start

    def _error(self, peer: Peer, prepared: Prepared, part: float) -> float:
        case, buffers = self._of(part), self.buffers(part)
        if prepared.copies:
            prepared.call(0)
            image, out = (self._place.numpy(each[0]) for each in (buffers.images, buffers.outs))
            return 0.0 if np.array_equal(image, out) else inf
        if case.filter.everywhere:
            case = replace(case, shape=_SMALL)
            buffers = self._place.buffers(case.image)
            prepared, part = peer.prepare(case, buffers), 0.0
        if part not in self._parts:
            image = self._place.numpy(buffers.images[0])
            self._parts[part] = check.wanted(case, image)
        buffers.spoil()
        worst = 0.0
        for number in {0, len(buffers.outs) - 1}:
            result = prepared.call(number)
            found = self._place.numpy(buffers.outs[number] if result is None else result)
            worst = max(worst, check.apart(prepared, case, found, self._parts[part]))
        return worst


def _halvings(times: float) -> int:
    """Return how often something must be halved to be so many times smaller."""
    return max(0, int(times - 1e-9).bit_length())
