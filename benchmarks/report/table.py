"""The table of cases × peers: ratios to a copy and to each peer, and a page with everything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from benchmarks.peers import FLOOR, OURS
from benchmarks.report.record import Line, Record, Section
from benchmarks.report.words import brief, geometric_mean, milliseconds, percent, table, times
from benchmarks.suite.row import Row

__all__ = ["GROUPS", "full", "left_out", "means", "peers_of", "ratios", "short"]

#: Families of filters, by how their names begin: what is said of peers on average.
GROUPS = {
    "sums": ("dense", "rank", "integer", "Gaussian", "box"),
    "ranks": ("median", "minimum", "maximum", "percentile"),
    "others": ("",),
}


def peers_of(section: Section) -> list[str]:
    """Return the libraries that were timed in any case, in the order of the record."""
    names = dict.fromkeys(row.peer for line in section.lines for row in line.rows if row.seconds)
    return [name for name in names if not name.startswith((OURS, FLOOR))]


def ratios(section: Section, peer: str) -> dict[str, float]:
    """Return how many times as long as gpuconv a peer takes, by case."""
    found = ((line.case, line.ratio(peer)) for line in section.lines)
    return {case: ratio for case, ratio in found if ratio is not None}


def means(section: Section) -> Iterator[str]:
    """Yield a row for each peer: how many times as long it takes on average, at best, at worst."""
    head = ["peer", "cases", "geometric mean", *GROUPS, "least", "most", "gpuconv ahead in"]
    yield from table(head, (_mean(section, peer) for peer in peers_of(section)))


def _mean(section: Section, peer: str) -> list[str]:
    found = ratios(section, peer)
    families = {line.case: line.rows[0].family for line in section.lines}
    grouped: dict[str, list[float]] = defaultdict(list)
    for case, ratio in found.items():
        grouped[group(families[case])].append(ratio)
    means = [times(geometric_mean(grouped[name])) if grouped[name] else "–" for name in GROUPS]
    values = list(found.values())
    return [
        peer,
        str(len(values)),
        f"**{times(geometric_mean(values))}**",
        *means,
        times(min(values)),
        times(max(values)),
        f"{sum(ratio > 1 for ratio in values)}",
    ]


def group(family: str) -> str:
    """Return the group of a family of filters.

    Examples
    --------
    >>> group("rank 2"), group("median"), group("Canny")
    ('sums', 'ranks', 'others')
    """
    return next(name for name, begin in GROUPS.items() if family.startswith(begin))


def short(section: Section) -> Iterator[str]:
    """Yield a row for each case: a copy, gpuconv, and the fastest peer."""
    head = ["case", "copy, ms", "gpuconv, ms", "of a copy's speed", "fastest peer", "ms", "×"]
    yield from table(head, map(_short, section.lines))


def _short(line: Line) -> list[str]:
    copy, ours = line.copy, line.ours
    share = percent(line.share) if line.share else "–"
    best = line.peers[0] if line.peers else None
    ratio = line.ratio(best.peer) if best else None
    told = times(ratio) if ratio else "–"
    return [
        line.case,
        _time(copy),
        _time(ours),
        share,
        best.peer if best else "–",
        _time(best),
        told if ratio is None or ratio >= 1 else f"**{told}**",
    ]


def _time(row: Row | None) -> str:
    if row is None or row.seconds is None:
        return "–"
    return ("≈ " if row.part < 1 else "") + milliseconds(row.seconds.median)


# ------------------------------------------------------------------------ in full


def full(record: Record, section: Section) -> Iterator[str]:
    """Yield the page with everything that was measured of each case."""
    yield f"# Every case and every peer on {record.title}"
    yield ""
    yield (
        f"`{section.command}`, gpuconv {section.gpuconv}. Milliseconds for a call; × is how many "
        "times as long as gpuconv. ≈: measured on a part of the image's rows, and scaled. [How it "
        "is measured](../../METHOD.md)."
    )
    yield ""
    on_gpu = section.device != "cpu"
    if on_gpu:
        yield (
            "*Cold*: between events, image and result not in the caches; *warm*: right after the "
            "same call; *wall*: on the host's clock, calls back to back."
        )
        yield ""
    for line in section.lines:
        yield from _case(line, on_gpu)
    yield from left_out(section.lines)


def _case(line: Line, on_gpu: bool) -> Iterator[str]:
    yield f"## {line.case}"
    yield ""
    yield f"Border `{line.rows[0].border}`; a copy moves {brief(line.rows[0].bytes / 1e6)} MB."
    yield ""
    extra = ["warm", "wall"] if on_gpu else []
    head = ["", "median", "p10", "p90", "×", *extra, "rounds", "error", "allowed", "how"]
    timed = sorted(line.timed.values(), key=lambda row: row.seconds.median if row.seconds else 0)
    yield from table(head, (_entry(line, row, extra) for row in timed))


def _entry(line: Line, row: Row, extra: Sequence[str]) -> list[str]:
    spread, ratio = row.seconds, line.ratio(row.peer)
    assert spread is not None
    about = "≈ " if row.part < 1 else ""
    more = (getattr(row, name) for name in extra)
    name = f"**{row.peer}**" if row.peer == OURS else row.peer
    return [
        name,
        *(about + milliseconds(each) for each in (spread.median, spread.p10, spread.p90)),
        times(ratio) if ratio else "–",
        *(milliseconds(each.median) if each else "–" for each in more),
        str(row.rounds),
        *_errors(row),
        f"`{row.how}`" + (f"; {row.because}" if row.because else ""),
    ]


def _errors(row: Row) -> tuple[str, str]:
    if row.error is None:
        return "–", "–"
    kind = "" if row.measure == "largest" else f"{row.measure} "
    return f"{kind}{row.error:.2g}", f"{row.allowed:.2g}"


def left_out(lines: Sequence[Line]) -> Iterator[str]:
    """Yield who was not timed, and why, with the cases that it is said of."""
    why: dict[tuple[str, str], list[str]] = defaultdict(list)
    for line in lines:
        for row in line.rows:
            if row.left_out:
                why[row.peer, row.left_out].append(line.case)
    if not why:
        return
    yield "## Not timed"
    yield ""
    head = ["peer", "why", "cases"]
    rows = ([peer, reason, _some(cases, len(lines))] for (peer, reason), cases in why.items())
    yield from table(head, rows)


def _some(cases: Sequence[str], all_of_them: int) -> str:
    if len(cases) == all_of_them:
        return "all"
    return "; ".join(cases)
