"""The CPU engine: NumPy alone, in tiles that stay in cache, on all cores.

What filters is imported by the first call, to keep the import of gpuconv light.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.device import Device
from gpuconv.backends.host.threads import thread_count
from gpuconv.backends.transfer import Transfer
from gpuconv.bank import Bank
from gpuconv.cost import Machine, cpu, planned_for
from gpuconv.cost.blocks import WORTH_SHARING
from gpuconv.plan import Plan
from gpuconv.task import Task

if TYPE_CHECKING:
    from gpuconv.backends.host.lanes import HostLane
    from gpuconv.neighbourhood import NeighbourhoodPlan

__all__ = [
    "NAME",
    "again",
    "asarray",
    "asnumpy",
    "beside",
    "compare",
    "correct",
    "describe",
    "devices",
    "empty",
    "grain",
    "lacking",
    "lane",
    "machine",
    "ordinal_of",
    "overlap",
    "owns",
    "place",
    "run",
    "run_bank",
    "run_circular",
    "settled",
    "stack",
]

NAME = "host"

_HERE = nullcontext()


def owns(array: Any) -> bool:
    """Return whether `array` is in host memory as NumPy sees it."""
    return isinstance(array, np.ndarray)


def again(plan: Any, image: NDArray[Any], out: NDArray[Any], channel: int | None) -> bool:
    """Filter `image` into `out`, of the right shape, as before; return False if that is not all."""
    if channel is not None or not out.flags.writeable or np.may_share_memory(out, image):
        return False
    run(plan, image, out)
    return True


def asarray(image: Any) -> NDArray[Any]:
    """Return `image` as a plain array in host memory, without a copy where it is one."""
    return np.asarray(image)


def asnumpy(array: NDArray[Any]) -> NDArray[Any]:
    """Return `array`, which is in host memory."""
    return array


def run_circular(images: NDArray[Any], transfer: Transfer) -> None:
    """Multiply images (…, rows, columns), contiguous and periodic, in their spectra, in place."""
    from gpuconv.backends.host import circular

    circular.run(images, transfer)


def compare(observed: NDArray[Any], blurred: NDArray[Any], least: float) -> None:
    """Make observed / blurred of `blurred`, contiguous, and 0 where it is not above `least`."""
    from gpuconv.backends.host import lucy

    lucy.compare(observed, blurred, least)


def correct(
    estimate: NDArray[Any], votes: NDArray[Any], shares: NDArray[Any] | None = None
) -> None:
    """Multiply an estimate (…, H, W), contiguous, with votes ≥ 0 and with shares (H, W) of them.

    The votes are used as scratch; those below 0 count as 0.
    """
    from gpuconv.backends.host import lucy

    lucy.correct(estimate, votes, shares)


def describe(plan: Any) -> tuple[str, ...]:
    """Return nothing: what a plan says of itself is all that the CPU does."""
    return ()


def devices() -> list[Device]:
    """Return the CPU."""
    import platform

    count = thread_count()
    threads = "1 thread" if count == 1 else f"{count} threads"
    return [Device("cpu", f"{platform.machine() or 'CPU'}, {threads}", available=True)]


def empty(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Return an uninitialised array in host memory."""
    return np.empty(shape, dtype)


def grain(plans: tuple[Task, ...]) -> tuple[int, int]:
    """Return the grid of outputs that `plans`, of a filter or of a bank, compute as one.

    A part of a result that begins on it, and ends on it or with the image, has the whole's bits.
    """
    linear = [plan for plan in plans if isinstance(plan, Plan)]
    if not linear:
        return plans[0].tile
    from gpuconv.backends.host import bank, pieces

    return pieces.grain(linear[0]) if len(linear) == 1 else bank.tile_of(linear)


def stack(plans: tuple[Task, ...]) -> int:
    """Return how many planes of a batch `plans`, of a filter or of a bank, compute as one.

    A part that begins with every so manieth, of the batch axes as one where they lie so in memory,
    has the whole's bits.
    """
    if len(plans) != 1 or not isinstance(plans[0], Plan) or plans[0].weighed:
        return 1
    from gpuconv.backends.host import linear

    return linear.stack(plans[0])


def beside(channels: int) -> int:
    """Return how many channels that lie side by side are computed as one: each is a plane here."""
    return 1


def lacking(image: Any, device: str | None) -> str:
    """Return that nothing is: a CPU is always there."""
    return ""


def ordinal_of(image: NDArray[Any]) -> int:
    """Return the number of the device that holds `image`: there is one host."""
    return 0


def settled(seconds: float) -> bool:
    """Return whether a call that takes so long has one thread, however many there could be."""
    return seconds <= WORTH_SHARING


def overlap(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Return whether two arrays may share memory, by their first and last bytes."""
    return np.may_share_memory(a, b)


def place(image: Any, device: str | None) -> AbstractContextManager[Any]:
    """Return a context that changes nothing: there is one host memory."""
    return _HERE


def run(
    plan: Plan | NeighbourhoodPlan, image: NDArray[Any], out: NDArray[Any], mask: Any = None
) -> None:
    """Filter `image` (…, H, W) into `out` as `plan` says; they must not overlap.

    `mask`, of the image's shape, are the weights of its pixels, for a plan that is masked.
    """
    if 0 in out.shape:
        return
    if not isinstance(plan, Plan):
        _running("neighbourhood")(plan, image, out)
    elif plan.weighed:
        _running("masked")(plan, image, out, mask)
    else:
        _running("linear")(plan, image, out)


@cache
def _running(kind: str) -> Callable[..., None]:
    """Return what runs plans of a kind. To import it in each call would take a microsecond."""
    run: Callable[..., None] = import_module(f"gpuconv.backends.host.{kind}").run
    return run


def run_bank(bank: Bank, image: NDArray[Any], out: NDArray[Any]) -> None:
    """Filter `image` (…, H, W) into `out` as all filters of `bank` say; they must not overlap."""
    from gpuconv.backends.host import bank as banks

    if 0 not in out.shape:
        banks.run(bank, image, out)


def lane(device: str | None = None) -> HostLane:
    """Return what filters the tiles of a stream on the CPU."""
    from gpuconv.backends.host.lanes import HostLane

    return HostLane()


def machine() -> Machine:
    """Return what this computer can do, for plans."""
    return planned_for(NAME) or cpu(thread_count())
