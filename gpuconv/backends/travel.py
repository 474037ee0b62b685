"""What a plan takes for arrays in host memory: on a GPU, with the copies there and back."""

from __future__ import annotations

from math import prod

from gpuconv.cost import transfer
from gpuconv.task import Task, duration

__all__ = ["elsewhere", "seconds"]


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
