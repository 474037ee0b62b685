"""Selection networks for windows that slide: minima and maxima, computed once for all they serve.

A network of minima and maxima selects without a branch, so that it runs on whole arrays, or on
registers. Here it is a flat list of steps over arrays of pixels: a step that two windows have in
common, one a shift of the other, is there once. In it the window's columns are sorted; columns are
merged to groups, whose outermost values are forgotten as soon as they can have no more the wanted
rank; and `phases` neighbouring windows begin as one, with the columns that they all hold, and part
by halves: A. Adams, "Fast median filters using separable sorting networks", ACM Transactions on
Graphics 40 (4), 2021. Merging is K. E. Batcher's, for lists of any lengths (D. E. Knuth, The Art of
Computer Programming 3, 5.3.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, reduce
from itertools import groupby
from typing import NamedTuple, TypeAlias, TypeVar

from gpuconv.neighbourhood.programs import Program, Step, Value, needed

__all__ = ["extreme", "merged", "nth_of_two", "phases_of", "program"]

_Item = TypeVar("_Item")
#: Takes two values to the lesser or to the larger.
Choose: TypeAlias = Callable[[_Item, _Item], _Item]


def merged(
    a: Sequence[_Item], b: Sequence[_Item], low: Choose[_Item], high: Choose[_Item]
) -> list[_Item]:
    """Return two sorted lists as one, by comparisons that do not depend on the values.

    Examples
    --------
    >>> merged([1, 5, 6], [2, 5], min, max)
    [1, 2, 5, 5, 6]
    """
    if not a or not b:
        return [*a, *b]
    if len(a) == len(b) == 1:
        return [low(a[0], b[0]), high(a[0], b[0])]
    even = merged(a[0::2], b[0::2], low, high)
    odd = merged(a[1::2], b[1::2], low, high)
    found = even[:1]
    for first, second in zip(odd, even[1:], strict=False):
        found += [low(first, second), high(first, second)]
    done = min(len(odd), len(even) - 1)
    return found + odd[done:] + even[1 + done :]


def nth_of_two(
    a: Sequence[_Item], b: Sequence[_Item], n: int, low: Choose[_Item], high: Choose[_Item]
) -> _Item:
    """Return number `n`, counted from 0, of two sorted lists together.

    It is the least of what can be the largest of n + 1 values, some the first of one list, the
    others the first of the other.

    Examples
    --------
    >>> nth_of_two([1, 5, 6], [2, 4], 2, min, max)
    4
    """
    found = list[_Item]()
    for first in range(max(0, n + 1 - len(b)), min(len(a), n + 1) + 1):
        last = [*a[first - 1 : first], *b[n - first : n - first + 1]] if first else [b[n]]
        if first == n + 1:
            last = [a[n]]
        found.append(last[0] if len(last) == 1 else high(*last))
    least = found[0]
    for other in found[1:]:
        least = low(least, other)
    return least


#: Phases of windows of up to so many columns (``gpuconv bench --case median`` after
#: editing).
_PHASES = ((4, 1), (8, 2), (float("inf"), 4))


class _Group(NamedTuple):
    """Pixels in ascending order, from number `least` on, of `size`."""

    values: list[Value]
    least: int
    size: int


class _Builder:
    """Minima and maxima of values, none made twice; and groups of columns, none merged twice."""

    def __init__(self, columns: Sequence[Sequence[int]], rank: int, phases: int) -> None:
        self.columns, self.rank, self.phases = columns, rank, phases
        self.count = sum(map(len, columns))
        self.steps = list[Step]()
        self._made = dict[Step, int]()
        self._groups = dict[tuple[int, int], _Group]()

    def low(self, a: Value, b: Value) -> Value:
        """Return the lesser of two values."""
        return self._step(False, a, b)

    def high(self, a: Value, b: Value) -> Value:
        """Return the larger of two values."""
        return self._step(True, a, b)

    def _step(self, larger: bool, a: Value, b: Value) -> Value:
        a, b = sorted((a, b))
        down, right = min(a.down, b.down), min(a.right, b.right)
        whole = self._whole(a) and self._whole(b) and (a.phase, a.right) == (b.phase, b.right)
        first, second = (
            Value(v.array, 0 if whole else v.phase, v.down - down, v.right - right) for v in (a, b)
        )
        step = Step(larger, first, second, whole)
        if step not in self._made:
            self.steps.append(step)
            self._made[step] = len(self.steps)
        return Value(self._made[step], a.phase if whole else 0, down, right)

    def _whole(self, value: Value) -> bool:
        return value.array == 0 or self.steps[value.array - 1].whole

    def _sorted(self, at: int, rows: Sequence[int]) -> list[Value]:
        """Return the pixels of some rows of a column in ascending order."""
        if len(rows) < 2:
            return [Value(0, at % self.phases, row, at // self.phases) for row in rows]
        half = _half(len(rows))
        return merged(
            self._sorted(at, rows[:half]), self._sorted(at, rows[half:]), self.low, self.high
        )

    def group(self, at: int, count: int) -> _Group:
        """Return the pixels of `count` columns that may have the rank."""
        if (at, count) not in self._groups:
            self._groups[at, count] = self._group(at, count)
        return self._groups[at, count]

    def _group(self, at: int, count: int) -> _Group:
        if count == 1:
            # Columns beyond the first window's are those of one further right: all are alike.
            rows = self.columns[min(at, len(self.columns) - 1)]
            return self._kept(_Group(self._sorted(at, rows), 0, len(rows)))
        half = _half(count)
        return self.joined(self.group(at, half), self.group(at + half, count - half))

    def joined(self, a: _Group, b: _Group) -> _Group:
        """Return the pixels of two groups that may have the rank."""
        least, size = a.least + b.least, a.size + b.size
        if size == self.count:
            wanted = nth_of_two(a.values, b.values, self.rank - least, self.low, self.high)
            return _Group([wanted], self.rank, size)
        return self._kept(_Group(merged(a.values, b.values, self.low, self.high), least, size))

    def _kept(self, group: _Group) -> _Group:
        """Return a group without those that cannot have the rank, whatever else is in the window.

        Forgotten ones count as lower or higher than all others.
        """
        least = max(group.least, self.rank - (self.count - group.size))
        end = min(group.least + len(group.values), self.rank + 1)
        return _Group(group.values[least - group.least : end - group.least], least, group.size)

    def windows(self, at: int, count: int, common: _Group) -> Iterable[Value]:
        """Yield the results for `count` windows side by side, the first at column `at`."""
        if count == 1:
            yield from common.values
            return
        half = count // 2
        left, right = self.group(at + half - 1, half), self.group(at + len(self.columns), half)
        yield from self.windows(at, half, self.joined(common, left))
        yield from self.windows(at + half, half, self.joined(common, right))

    def results(self) -> list[Value]:
        """Return the results for windows side by side, one of each phase."""
        common = self.group(self.phases - 1, len(self.columns) - self.phases + 1)
        return list(self.windows(0, self.phases, common))

    def middle_of_nine(self) -> list[Value]:
        """Return the median of 3×3 pixels in 18 operations.

        It is the middle one of three: the largest of the columns' least, the middle of their
        middle ones, and the least of their largest (J. L. Smith, "Implementing median filters in
        XC4000E FPGAs", Xcell 23, 1996).
        """
        columns = [self._sorted(at, rows) for at, rows in enumerate(self.columns)]
        least, middle, largest = zip(*columns, strict=True)
        low = self.high(self.high(least[0], least[1]), least[2])
        high = self.low(self.low(largest[0], largest[1]), largest[2])
        return [self._middle(low, self._middle(*middle), high)]

    def _middle(self, a: Value, b: Value, c: Value) -> Value:
        return self.high(self.low(a, b), self.low(self.high(a, b), c))


def phases_of(columns: Sequence[Sequence[int]]) -> int:
    """Return with how many phases a rectangle takes the least time on the CPU engine.

    More of them save operations, but those are then on shorter arrays, and there are more arrays.
    """
    return next(phases for most, phases in _PHASES if len(columns) <= most)


def _half(count: int) -> int:
    """Return where to part a list: after a power of two, so that other windows have that part."""
    return 1 << (count - 1).bit_length() - 1


@lru_cache(maxsize=32)
def program(columns: tuple[tuple[int, ...], ...], rank: int, phases: int = 1) -> Program:
    """Return the steps that find the pixel of a rank.

    Parameters
    ----------
    columns : tuple of tuples of int
        The rows that belong to the footprint, of each of its columns.
    rank : int
        From 0, the least.
    phases : int
        A power of two: so many windows side by side share what they have in common, and so many
        arrays hold every so manieth column of the pixels. More than 1 needs a footprint that is a
        whole rectangle, and of at least as many columns.

    Examples
    --------
    >>> square = ((0, 1, 2),) * 3
    >>> program(square, 4).operations, program(square, 0).operations
    (18.0, 4.0)
    """
    builder = _Builder(columns, rank, phases)
    nine = columns == ((0, 1, 2),) * 3 and rank == 4 and phases == 1
    return needed(phases, builder.steps, builder.middle_of_nine() if nine else builder.results())


@lru_cache(maxsize=32)
def extreme(columns: tuple[tuple[int, ...], ...], larger: bool) -> Program:
    """Return the steps that find the least pixel under a footprint, or the largest.

    A run of pixels is covered by two runs of a power of two, which may overlap: it does no harm to
    take a pixel twice. Columns that are alike are covered in the same way.

    Examples
    --------
    >>> extreme(((0, 1, 2, 3, 4, 5, 6),) * 7, larger=True).operations
    6.0
    """
    builder = _Builder(columns, 0, 1)
    choose = builder.high if larger else builder.low

    def run(value: Value, length: int, right: bool) -> Value:
        if length == 1:
            return value
        half = _half(length)
        part, step = run(value, half, right), length - half
        across, down = (step, 0) if right else (0, step)
        moved = part._replace(down=part.down + down, right=part.right + across)
        return choose(part, moved)

    parts = list[Value]()
    for at, count, rows in _alike(columns):
        tall = [run(Value(0, 0, top, at), length, False) for top, length in _runs(rows)]
        if tall:
            parts.append(run(reduce(choose, tall), count, True))
    return needed(1, builder.steps, [reduce(choose, parts)])


def _runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Return (first, length) of the runs of neighbours among some rows.

    Examples
    --------
    >>> _runs([1, 2, 3, 7])
    [(1, 3), (7, 1)]
    """
    found = list[tuple[int, int]]()
    for row in rows:
        if found and row == sum(found[-1]):
            found[-1] = found[-1][0], found[-1][1] + 1
        else:
            found.append((row, 1))
    return found


def _alike(columns: Sequence[Sequence[int]]) -> list[tuple[int, int, Sequence[int]]]:
    """Return (first, count, rows) of the runs of columns that are alike."""
    runs = ((rows, len(list(run))) for rows, run in groupby(columns))
    found, at = list[tuple[int, int, Sequence[int]]](), 0
    for rows, count in runs:
        found.append((at, count, rows))
        at += count
    return found
