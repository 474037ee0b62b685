"""The CUDA engine: hand-written kernels, run by CuPy.

Importing it imports no CuPy. An array on a GPU proves by itself that a GPU works; only a host
array that is to go there needs the probe.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuconv import dtypes
from gpuconv.backends.cuda import runtime
from gpuconv.backends.cuda.extent import extent
from gpuconv.backends.device import Device, ordinal
from gpuconv.backends.transfer import Transfer
from gpuconv.cost import Machine, gpu, planned_for
from gpuconv.errors import DeviceError
from gpuconv.task import Task

if TYPE_CHECKING:
    from gpuconv.backends.cuda.lanes import CudaLane

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
    "edges",
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

NAME = "cuda"


def owns(array: Any) -> bool:
    """Return whether `array` lies on a CUDA device, by its interface and not by its library."""
    # CuPy takes microseconds to describe an array, and this is asked several times in each call.
    if isinstance(array, getattr(sys.modules.get("cupy"), "ndarray", ())):
        return True
    if runtime.substituted():
        return runtime.current().owns(array)
    # torch's CPU tensors have the attribute too, and raise when it is read.
    try:
        found = hasattr(type(array), "__cuda_array_interface__")
        return found and array.__cuda_array_interface__ is not None
    except (AttributeError, TypeError, RuntimeError):
        return False


def devices() -> list[Device]:
    """Return a row for each GPU, or one that says why there is none; about a second at first."""
    if runtime.substituted():
        stands_in = type(runtime.current()).__name__
        return [Device("cuda:0", stands_in, available=True, library=stands_in)]
    return list(_probed())


def lacking(image: Any, device: str | None) -> str:
    """Return why `image` cannot be filtered on the GPU that `device` names; "" if it can."""
    index = ordinal(device)
    if not (owns(image) or runtime.started()):
        return _missing(_probed(), index)
    try:
        return _elsewhere(runtime.current(), image, index)
    except DeviceError as error:
        return str(error)


def _elsewhere(current: runtime.Runtime, image: Any, index: int | None) -> str:
    """Return that device number `index` does not hold `image`, where another device does."""
    if index is None:
        return ""
    there = current.on_device(index)
    if runtime.substituted() or not owns(image) or there == current.on_device_of(image):
        return ""
    return "the image lies on another GPU; leave device= out to filter it there"


def _probed() -> tuple[Device, ...]:
    from gpuconv.backends.cuda import probe  # brings modules that most processes never need

    return probe.devices()


def _missing(rows: tuple[Device, ...], index: int | None) -> str:
    """Return why device number `index`, or the first one, cannot be used."""
    if rows[0].name == NAME:  # the row that says why there is none
        return rows[0].reason
    if index is not None and index >= len(rows):
        return runtime.beyond(index, len(rows))
    return rows[index or 0].reason


def place(image: Any, device: str | None) -> AbstractContextManager[Any]:
    """Return a context in which arrays are made on the device that is to filter `image`.

    That is the one that `device` names, else the one that holds the image, else the current one.
    """
    index = ordinal(device)
    if index is not None:
        return runtime.current().on_device(index)
    return runtime.current().on_device_of(image) if owns(image) else nullcontext()


def again(plan: Any, image: Any, out: Any, channel: int | None) -> bool:
    """Launch what filters `image` into `out`, of the right shape, if all of it is known by now.

    `channel` is the axis of colours, which the plan has in front.
    """
    from gpuconv.backends.cuda import ready

    return ready.again(runtime.current(), plan, image, out, channel)


def asarray(image: Any) -> Any:
    """Return `image` on the device; without a copy where it is there already."""
    if not owns(image):
        image = np.asarray(image)
        dtypes.rule(image.dtype, "image")  # CuPy has no words for what it cannot hold
    return runtime.current().asarray(image)


def asnumpy(array: Any) -> Any:
    """Return an array of this engine in host memory, when it is finished."""
    return runtime.current().asnumpy(array)


def empty(shape: tuple[int, ...], dtype: Any) -> Any:
    """Return an uninitialised array on the current device."""
    return runtime.current().empty(shape, dtype)


def grain(plans: tuple[Task, ...]) -> tuple[int, int]:
    """Return the grid of outputs that `plans`, of a filter or of a bank, compute as one.

    A part of a result that begins on it, and ends on it or with the image, has the whole's bits, if
    the elements of both lie in the same order.
    """
    from gpuconv.backends.cuda import grains

    return grains.common(plans, runtime.current().limits())


def stack(plans: tuple[Task, ...]) -> int:
    """Return how many planes of a batch `plans` compute as one: a part of any has the whole's bits.

    A plane that is a call of its own may have others: sums that run on begin elsewhere.
    """
    return 1


def beside(channels: int) -> int:
    """Return how many of the channels that lie side by side in a pixel are computed as one."""
    from gpuconv.backends.cuda.launch import MOST_CHANNELS

    return channels if channels <= MOST_CHANNELS else 1


def ordinal_of(image: Any) -> int:
    """Return the number of the device that holds `image`, an array of CuPy's."""
    return getattr(image.device, "id", 0)


def settled(seconds: float) -> bool:
    """Return that any call is the same for as long as its image lies on the same device."""
    return True


def overlap(a: Any, b: Any) -> bool:
    """Return whether two arrays may share memory, by their first and last bytes."""
    (start, stop), (other_start, other_stop) = _extent(a), _extent(b)
    return start < other_stop and other_start < stop


def _extent(array: Any) -> tuple[int, int]:
    """Return the address of an array's lowest byte and the one after its highest."""
    address = runtime.current().address(array)
    low, high = extent(tuple(array.shape), array.strides, int(array.dtype.itemsize))
    return address + low, address + high


def run_circular(images: Any, transfer: Transfer) -> None:
    """Multiply images (…, rows, columns), contiguous and periodic, in their spectra, in place."""
    from gpuconv.backends.cuda import circular

    circular.run(images, transfer)


def compare(observed: Any, blurred: Any, least: float) -> None:
    """Make observed / blurred of `blurred`, contiguous, and 0 where it is not above `least`."""
    from gpuconv.backends.cuda import lucy

    lucy.compare(observed, blurred, least)


def correct(estimate: Any, votes: Any, shares: Any = None) -> None:
    """Multiply an estimate (…, H, W), contiguous, with votes ≥ 0 and with shares (H, W) of them.

    The votes may be used as scratch; those below 0 count as 0.
    """
    from gpuconv.backends.cuda import lucy

    lucy.correct(estimate, votes, shares)


def edges(x: Any, y: Any, counts: Any, low: float, high: float) -> Any:
    """Return Canny's edges of slopes (H, W), contiguous, among pixels that count, if not all do."""
    from gpuconv.backends.cuda import canny

    return canny.edges(x, y, counts, low, high)


def describe(plan: Any) -> tuple[str, ...]:
    """Return what `plan` means on the current device: kernels, grids, memory."""
    from gpuconv.backends.cuda import explain

    return explain.lines(plan, runtime.current().limits())


def run(plan: Any, image: Any, out: Any, mask: Any = None) -> None:
    """Filter `image` into `out`, both on one device, as `plan` has it. Nothing waits for it."""
    from gpuconv.backends.cuda import execution

    execution.run(plan, image, out, mask)


def run_bank(bank: Any, image: Any, out: Any) -> None:
    """Filter `image` with several kernels into `out`, both on one device. Nothing waits for it."""
    from gpuconv.backends.cuda import bank as banks

    banks.run(bank, image, out)


def lane(device: str | None = None) -> CudaLane:
    """Return what filters the tiles of a stream on a GPU, while others are copied."""
    from gpuconv.backends.cuda.lanes import CudaLane

    return CudaLane(device)


def machine() -> Machine:
    """Return what the current device can do, for plans."""
    return planned_for(NAME) or gpu(runtime.current().limits().multiprocessors)
