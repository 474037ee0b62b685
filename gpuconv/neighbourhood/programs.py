"""Lists of minima and maxima over arrays of pixels, each done once for all windows it serves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

__all__ = ["Program", "Step", "Value", "lengths", "needed"]


class Value(NamedTuple):
    """An array of values, one for each window of a phase, seen from some windows further."""

    #: The number of the array; 0 holds the pixels.
    array: int
    #: Windows whose column, modulo the phases, is that; pixels and sorted columns have all phases.
    phase: int
    #: Windows (down, right) from there, right in units of all phases.
    down: int
    right: int


class Step(NamedTuple):
    """The lesser or the larger of two values; number `i` of a program makes array i + 1."""

    #: Whether the larger.
    larger: bool
    first: Value
    second: Value
    #: Whether it is made for all phases at once.
    whole: bool


@dataclass(frozen=True)
class Program:
    """Steps to make the pixel of a rank under windows side by side."""

    phases: int
    steps: tuple[Step, ...]
    #: Where the result for the windows of each phase is.
    results: tuple[Value, ...]

    @property
    def operations(self) -> float:
        """Minima and maxima for each output."""
        return sum(1 if step.whole else 1 / self.phases for step in self.steps)

    def uses(self) -> list[int]:
        """Return how often each array is read, the pixels and results once more."""
        found = [1] + [0] * len(self.steps)
        reads = (value for step in self.steps for value in (step.first, step.second))
        for value in (*reads, *self.results):
            found[value.array] += 1
        return found

    @cached_property
    def room(self) -> float:
        """Values for each output that are kept at a time, at most, each array on its own."""
        left, kept, most = self.uses(), 1.0, 1.0
        sizes = [1.0, *(1.0 if step.whole else 1 / self.phases for step in self.steps)]
        for number, step in enumerate(self.steps, 1):
            kept += sizes[number]
            most = max(most, kept)
            for array in (step.first.array, step.second.array):
                left[array] -= 1
                kept -= 0 if left[array] else sizes[array]
        return most


def needed(phases: int, steps: list[Step], results: list[Value]) -> Program:
    """Return the steps that the results depend on, each just before it is used first."""
    order, number = list[Step](), {0: 0}
    waiting = [value.array for value in reversed(results)]
    while waiting:
        array = waiting[-1]
        if array in number:
            waiting.pop()
            continue
        step = steps[array - 1]
        missing = [v.array for v in (step.second, step.first) if v.array not in number]
        if missing:
            waiting += missing
            continue
        first, second = (v._replace(array=number[v.array]) for v in (step.first, step.second))
        order.append(step._replace(first=first, second=second))
        number[array] = len(order)
        waiting.pop()
    found = (value._replace(array=number[value.array]) for value in results)
    return Program(phases, tuple(order), tuple(found))


def lengths(network: Program, pitch: int, span: int) -> list[int]:
    """Return how many values of each array a run of `span` results needs, rows `pitch` apart."""
    needed = [0] * (len(network.steps) + 1)

    def use(value: Value, length: int) -> None:
        end = value.down * pitch + value.right + length
        needed[value.array] = max(needed[value.array], end)

    for result in network.results:
        use(result, span)
    for number, step in reversed(list(enumerate(network.steps, 1))):
        use(step.first, needed[number])
        use(step.second, needed[number])
    return needed
