"""Which engine is done first with arrays in host memory, the copies there and back included."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from types import ModuleType
from typing import Protocol, TypeVar

from gpuconv.cost import transfer
from gpuconv.task import Task, duration

__all__ = ["Planned", "elsewhere", "seconds", "soonest", "told"]


class Planned(Protocol):
    """What a call needs to know, its plan among it."""

    @property
    def plan(self) -> Task:
        """How the call runs."""


Ready = TypeVar("Ready", bound=Planned)


def soonest(
    engines: tuple[ModuleType, ...], prepare: Callable[[ModuleType], Ready]
) -> tuple[ModuleType, Ready]:
    """Return the engine that is done first with a call from host memory, and what it needs."""
    if len(engines) == 1:
        return engines[0], prepare(engines[0])
    ready = [(engine, prepare(engine)) for engine in engines]
    return min(ready, key=lambda one: seconds(one[1].plan))


def told(
    engines: tuple[ModuleType, ...], device: str | None, prepare: Callable[[ModuleType], Ready]
) -> tuple[Ready, tuple[str, ...]]:
    """Return what the soonest engine needs for a call, and what all engines say of its plan."""
    engine, ready = soonest(engines, prepare)
    with engine.place(None, device):
        words: tuple[str, ...] = engine.describe(ready.plan)
    others = (prepare(other).plan for other in engines if other is not engine)
    return ready, words + tuple(f"{'elsewhere':<12}{elsewhere(other)}" for other in others)


def seconds(plan: Task) -> float:
    """Return what a plan takes for arrays in host memory."""
    return plan.prediction.seconds + _copies(plan)


def elsewhere(plan: Task) -> str:
    """Return what a plan would take on a device that was not chosen."""
    took = f"{duration(seconds(plan))} predicted"
    if plan.machine.kind == "host":
        return f"{took} on the CPU, by {plan.algorithm}"
    copies = duration(_copies(plan))
    return f"{took} on the GPU, by {plan.algorithm}, of which copies take {copies}"


def _copies(plan: Task) -> float:
    if plan.machine.kind == "host":
        return 0.0
    written = prod(plan.shape) * plan.out_dtype.itemsize
    return transfer(plan.bytes_moved - written, written, plan.machine)
