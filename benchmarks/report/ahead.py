"""Where a peer is ahead, and why: what a report owes its reader first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.report.reasons import UNKNOWN, Reason, reason
from benchmarks.report.record import Line, Section
from benchmarks.report.words import milliseconds, table, times
from benchmarks.suite.row import Row

__all__ = ["Behind", "behind", "lines", "summary"]


@dataclass(frozen=True)
class Behind:
    """A case in which a peer is ahead of gpuconv."""

    line: Line
    peer: Row
    reason: Reason

    @property
    def factor(self) -> float:
        """How many times as long as the peer gpuconv takes."""
        ratio = self.line.ratio(self.peer.peer)
        assert ratio is not None
        return 1 / ratio

    @property
    def clear(self) -> bool:
        """Whether it is more than noise."""
        return self.line.clear(self.peer)


def behind(section: Section) -> list[Behind]:
    """Return the cases in which a peer is ahead with the fastest of these, the furthest first."""
    device = section.device.partition(":")[0]
    found = [
        Behind(line, line.ahead[0], reason(line.ahead[0], device))
        for line in section.lines
        if line.ahead
    ]
    return sorted(found, key=lambda each: -each.factor)


def summary(section: Section) -> str:
    """Return in a sentence how many there are."""
    compared = [line for line in section.lines if line.ours and line.peers]
    found = behind(section)
    unclear = sum(not each.clear for each in found)
    if not found:
        return f"gpuconv is ahead of every peer in all {len(compared)} cases."
    noise = f" ({unclear} of them by no more than the times are spread)" if unclear else ""
    rest = "" if len(found) == len(compared) else "; gpuconv in the rest"
    return f"A peer is ahead in {len(found)} of {len(compared)} cases{noise}{rest}."


def lines(section: Section) -> Iterator[str]:
    """Yield the cases in which a peer is ahead, by the reason for it."""
    yield summary(section)
    found = behind(section)
    reasons = list(dict.fromkeys(each.reason for each in found))
    if found:
        yield (
            "× is how many times as long as the fastest peer gpuconv takes, with ~ where the times "
            "from the 10th to the 90th percentile overlap; in brackets, others that are ahead too."
        )
    yield ""
    for each in sorted(reasons, key=lambda reason: reason is UNKNOWN):
        yield f"**{each.title}.** {each.text}"
        yield ""
        rows = (_row(case) for case in found if case.reason == each)
        yield from table(["case", "gpuconv, ms", "fastest", "ms", "×"], rows)


def _row(each: Behind) -> list[str]:
    ours, theirs = each.line.ours, each.peer.seconds
    assert ours is not None
    assert ours.seconds is not None
    assert theirs is not None
    others = ", ".join(row.peer for row in each.line.ahead[1:])
    name = f"{each.peer.peer} ({others})" if others else each.peer.peer
    noise = "" if each.clear else "~ "
    seconds = milliseconds(ours.seconds.median), milliseconds(theirs.median)
    return [each.line.case, seconds[0], name, seconds[1], f"{noise}{times(each.factor)}"]
