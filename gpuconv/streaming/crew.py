"""Which devices filter a stream's tiles, and how many threads read and write."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from types import ModuleType

from gpuconv import backends
from gpuconv.backends.host.threads import usable_cores
from gpuconv.errors import ArgumentError
from gpuconv.streaming.demand import Workers
from gpuconv.streaming.lane import Lane
from gpuconv.streaming.memory import SHARE, parse_bytes

__all__ = ["Devices", "engine_of", "gpu_budget", "hired", "workers_of"]

Devices = str | Sequence[str] | None

#: Tiles that are read at the same time, and that are written, beside a CPU and beside a GPU. One
#: keeps a device busy, as all threads share in it; a GPU that makes tiles faster than one thread
#: puts them together needs another.
_BESIDE_CPU, _BESIDE_GPU = 1, 2
#: Threads that read a tile, and as many that write: one for each core, since compression may take
#: longer than the filter; not more than this, for a disk has no use for dozens. A guess.
_MOST_HANDS = 8


def _names_of(device: Devices) -> list[str | None]:
    """Return the devices that are asked for, one by one."""
    if device is None or isinstance(device, str):
        return [device]
    if not device:
        raise ArgumentError("device=[] names no device")
    return list(device)


def engine_of(device: Devices) -> tuple[ModuleType, list[str | None]]:
    """Return the engine that filters, and the devices of its that are asked for.

    Raises
    ------
    ArgumentError
        Devices of several kinds, whose results differ in the last bit; or one twice.
    DeviceError
        One cannot be used.
    """
    names = _names_of(device)
    engines = [_engine(name) for name in names]
    if len(set(names)) < len(names) or len({engine.NAME for engine in engines}) > 1:
        raise ArgumentError(
            f"device={device!r} must be one device, or several GPUs, each once: the CPU's results "
            "differ from a GPU's in the last bit, which would show at seams"
        )
    return engines[0], names


def _engine(name: str | None) -> ModuleType:
    # A stream that may choose takes the GPU: files are read and written on cores that are free.
    return backends.choices(None, name)[-1]


def hired(engine: ModuleType, names: Sequence[str | None], stack: ExitStack) -> list[Lane]:
    """Return a lane for each device; the stack closes them."""
    lanes = list[Lane]()
    for name in names:
        lane: Lane = engine.lane(None if name in ("auto", "cuda", "cpu") else name)
        stack.callback(lane.close)
        lanes.append(lane)
    return lanes


def workers_of(lanes: Sequence[Lane], engine: ModuleType) -> Workers:
    """Return how many threads read and write beside some lanes."""
    host = engine is backends.host
    tiles = _BESIDE_CPU if host else _BESIDE_GPU
    hands = min(usable_cores(), _MOST_HANDS)
    return Workers(tiles, tiles, hands, len(lanes), max(lane.depth for lane in lanes), host)


def gpu_budget(
    lanes: Sequence[Lane], engine: ModuleType, gpu_memory: int | str | None
) -> int | None:
    """Return the bytes of each device that tiles may take; None where the CPU filters."""
    if engine is backends.host:
        return None
    if gpu_memory is not None:
        return parse_bytes("gpu_memory", gpu_memory)
    return int(SHARE * min(lane.free_memory() for lane in lanes))
