"""What a device can do: measured once by ``gpuconv tune``, assumed before that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from itertools import pairwise
from math import exp, log

from gpuconv.cost import profile
from gpuconv.cost.rates import CUDA, HOST, scaled, table_of

__all__ = ["Machine", "cpu", "forget", "gpu", "planned_for", "planning_for"]


@dataclass(frozen=True)
class Machine:
    """A device as the cost model sees it. Hashable: plans are cached by it.

    Examples
    --------
    >>> made_up = Machine("host", "made up", 2, False, (("call", 1e-5), ("pass.3", 2e-9)))
    >>> made_up.rate("call"), made_up.at("pass", 100)
    (1e-05, 2e-09)
    """

    #: "host" or "cuda": the backend whose costs are meant.
    kind: str
    #: What it is called, for people.
    name: str
    #: Threads that share the work of a call (CPU); multiprocessors (GPU).
    units: int
    #: Whether the rates were measured here.
    measured: bool
    #: (name, value) of each rate, sorted by name; :mod:`gpuconv.cost.rates` says what they are.
    rates: tuple[tuple[str, float], ...]

    def rate(self, name: str) -> float:
        """Return the rate of that name."""
        return self._by_name[name]

    def at(self, name: str, size: float) -> float:
        """Return the rate at a size, from those named ``name.size``.

        Between two of them the logarithm of the rate is linear in that of the size; outside, it is
        that of the nearest.
        """
        knots = self._tables[name]
        if size <= knots[0][0]:
            return knots[0][1]
        for (below, low), (above, high) in pairwise(knots):
            if size <= above:
                share = log(size / below) / log(above / below)
                return exp(log(low) * (1 - share) + log(high) * share)
        return knots[-1][1]

    # A machine is part of the key of every call, and has some hundred rates.
    @cached_property
    def _hash(self) -> int:
        return hash((self.kind, self.name, self.units, self.measured, self.rates))

    def __hash__(self) -> int:
        return self._hash

    def __getstate__(self) -> dict[str, object]:
        # Hashes of text differ between processes.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def _by_name(self) -> dict[str, float]:
        return dict(self.rates)

    @cached_property
    def _tables(self) -> dict[str, list[tuple[float, float]]]:
        tables = dict[str, list[tuple[float, float]]]()
        for name, value in self.rates:
            if table := table_of(name):
                tables.setdefault(table, []).append((float(name.rpartition(".")[2]), value))
        return {name: sorted(knots) for name, knots in tables.items()}


@lru_cache(maxsize=16)
def cpu(threads: int) -> Machine:
    """Return this computer's CPU, of which a call uses that many threads."""
    return _machine("host", "cpu", threads, HOST)


@lru_cache(maxsize=16)
def gpu(multiprocessors: int) -> Machine:
    """Return a GPU of that many multiprocessors."""
    return _machine("cuda", "cuda", multiprocessors, scaled(CUDA, multiprocessors))


def _machine(kind: str, name: str, units: int, assumed: dict[str, float]) -> Machine:
    """Return a device at the rates that were measured, if any were."""
    found = profile.find(kind, units)
    if found is None:
        return Machine(kind, name, units, False, tuple(sorted(assumed.items())))
    tables = {table_of(rate) for rate in found.rates} - {""}
    rest = {rate: value for rate, value in assumed.items() if table_of(rate) not in tables}
    return Machine(kind, found.name, units, True, tuple(sorted((rest | found.rates).items())))


def forget() -> None:
    """Have the next machine read the profile anew."""
    profile.forget()
    cpu.cache_clear()
    gpu.cache_clear()


#: What plans are made for, where that is not what the thread runs on.
_PLANNED_FOR: ContextVar[Machine | None] = ContextVar("planned_for", default=None)


@contextmanager
def planning_for(machine: Machine) -> Iterator[None]:
    """Have this thread plan for another machine of its kind.

    Parts of one result may be made by threads, processes and computers that have more cores or
    fewer, and other rates: with plans of their own they would cut tiles elsewhere, sum in another
    order, and the parts would not be of one result.

    Examples
    --------
    >>> with planning_for(Machine("cuda", "made up", 132, False, ())):
    ...     planned_for("cuda").units, planned_for("host")
    (132, None)
    """
    before = _PLANNED_FOR.set(machine)
    try:
        yield
    finally:
        _PLANNED_FOR.reset(before)


def planned_for(kind: str) -> Machine | None:
    """Return the machine of a kind that this thread is to plan for, if it is not its own."""
    machine = _PLANNED_FOR.get()
    return machine if machine is not None and machine.kind == kind else None
