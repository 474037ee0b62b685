"""A row of the table: results compared first, then times taken in turns."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cpu.beyond.case import OURS, Case, Peer
from benchmarks.cpu.timing import elapsed

__all__ = ["Entry", "Limits", "Row", "race"]

Array = NDArray[Any]

#: Rows of the image on which results are compared, and the time of all rows is guessed.
_PROBE = 128


@dataclass(frozen=True)
class Limits:
    """How long things may take, in seconds."""

    #: A call: what takes longer is timed on fewer rows of the image.
    call: float = 12.0
    #: All calls of a contender, but for the first.
    contender: float = 4.0
    rounds: int = 5
    #: Calls of a turn: after the first, what others left in the caches does not matter.
    turn: int = 3


@dataclass
class Entry:
    """What came of a contender."""

    how: str
    #: Difference from gpuconv's result, what was measured of it, and how much is allowed.
    off: float = 0.0
    measure: str = ""
    limit: float = 0.0
    #: Why it was not timed, if it was not.
    left_out: str = ""
    #: Of the whole image; for `part` of its rows they were measured.
    seconds: list[float] = field(default_factory=list)
    part: float = 1.0

    @property
    def shortest(self) -> float | None:
        """The shortest time."""
        return min(self.seconds) if self.seconds else None

    @property
    def median(self) -> float | None:
        """The median time."""
        return median(self.seconds) if self.seconds else None


@dataclass(frozen=True)
class Row:
    """What was measured of a case; entries by the name of the contender."""

    name: str
    dtype: str
    entries: dict[str, Entry]

    @property
    def right(self) -> bool:
        """Whether all results agree, gpuconv's being there."""
        return not any(entry.left_out for entry in self.entries.values())

    def ratio(self, library: str, what: str = "shortest") -> float | None:
        """Return the time of a library as a multiple of gpuconv's."""
        theirs = getattr(self.entries[library], what) if library in self.entries else None
        ours = getattr(self.entries[OURS], what)
        return theirs / ours if theirs and ours else None


def race(case: Case, size: int, limits: Limits, without: frozenset[str] = frozenset()) -> Row:
    """Compare all results on a part of an image of `size`², then time who is right.

    Those in `without` take no part.
    """
    image = case.image(size)
    probe = image[:_PROBE]
    row = Row(case.name, case.dtype, {})
    runners = dict[str, _Runner]()
    ours: Array | None = None
    for peer in case.contenders:
        if peer.library in without:
            continue
        entry = Entry(peer.how, measure=peer.measure, limit=peer.limit)
        row.entries[peer.library] = entry
        try:
            runner = _Runner(peer, image, entry)
            result = runner.tried(probe, limits)
        except Exception as error:  # one that breaks is no reason not to time the others
            entry.left_out = f"failed: {type(error).__name__}: {str(error)[:200]}"
            continue
        if peer.library == OURS:
            ours = case.inner(peer.alike(result))
        elif ours is not None:
            _judge(entry, peer.off(case.inner(result), ours))
        if not entry.left_out:
            runners[peer.library] = runner
    _in_turns(runners, limits)
    return row


def _judge(entry: Entry, off: float) -> None:
    entry.off = off
    if not off <= entry.limit:
        entry.left_out = f"differs: {entry.measure} {off:.3g}, {entry.limit:g} allowed"


class _Runner:
    """A contender on the whole image, or on as many rows as there is time for."""

    def __init__(self, peer: Peer, image: Array, entry: Entry) -> None:
        self._call, self._image, self._entry = peer.call, image, entry
        self._out = np.empty_like(image)
        #: How long a call is expected to take, and how long all have taken.
        self.expected = self.spent = 0.0

    def tried(self, probe: Array, limits: Limits) -> Array:
        """Return the result on a part of the image; from its time, decide on how much to time."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of many bins, of values out of range: as anyone sees
            start = time.perf_counter()
            out = self._out[: len(probe)]
            # A copy: the next call may write to the same array.
            result: Array = np.array(self._call(probe, out))
            self.expected = time.perf_counter() - start
            if self.expected < 1:  # the first call plans, and imports
                self.expected = elapsed(lambda part: self._call(part, out), probe)
        every = len(self._image)
        rows = int(limits.call / max(self.expected, 1e-9) * len(probe))
        rows = every if rows >= every else max(rows, len(probe))
        self.expected *= rows / len(probe)
        self._entry.part = rows / every
        self._image, self._out = self._image[:rows], self._out[:rows]
        return result

    def run(self) -> None:
        """Time it once."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            seconds = elapsed(lambda image: self._call(image, self._out), self._image)
        self.spent += seconds
        self.expected = seconds
        self._entry.seconds.append(seconds / self._entry.part)


def _in_turns(runners: Mapping[str, _Runner], limits: Limits) -> None:
    """Time all, each as often as its seconds allow, once at least."""
    for round_ in range(limits.rounds):
        for runner in runners.values():
            for again in range(limits.turn):
                first = not round_ and not again
                if first or runner.spent + runner.expected <= limits.contender:
                    runner.run()
