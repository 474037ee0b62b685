"""The work of a stream done by a cluster: each tile is a task that reads its own halo.

Dask decides who does what, and does it again where a worker dies. This process keeps the account:
what has been written, so that an interrupted run goes on; and it puts the output in its place.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from math import ceil
from pathlib import Path
from typing import Any, Literal, cast

from gpuconv import backends
from gpuconv.dask.dealer import Dealer
from gpuconv.dask.library import cluster_library
from gpuconv.dask.sizes import task_bytes, tasks_sharing, usual_tile
from gpuconv.dask.worker import Recipe, Seat, look, seat
from gpuconv.errors import ArgumentError, ArgumentTypeError, ImageFileError
from gpuconv.filters.chain import Chain
from gpuconv.io.source import Layout, Source
from gpuconv.io.whole import WholeSource
from gpuconv.io.zarr_sink import ZarrSink, ZarrWriter
from gpuconv.streaming.colour import parts_of
from gpuconv.streaming.demand import Workers
from gpuconv.streaming.ends import created, key_of, opened, out_layout
from gpuconv.streaming.memory import parse_bytes
from gpuconv.streaming.parts import Making
from gpuconv.streaming.plan import StreamPlan, make_plan
from gpuconv.streaming.record import Record
from gpuconv.streaming.setup import FilterLike, chain_of
from gpuconv.streaming.summary import StreamSummary
from gpuconv.streaming.work import Stop, unbegun

__all__ = ["run"]

PathLike = str | os.PathLike[str]


def run(
    source: PathLike | Source,
    sink: PathLike,
    filter: FilterLike,
    *,
    client: Any = None,
    border: Any = None,
    cval: float = 0,
    negative: str = "clip",
    gain: float = 1,
    device: Literal["cpu", "cuda"] | None = None,
    memory: int | str | None = None,
    tile: int | tuple[int, int] | None = None,
    alpha: Literal["premultiply", "straight"] = "premultiply",
    linear: bool = False,
    grey: bool = False,
    compression: str | None = None,
    pyramid: bool = False,
    overwrite: bool = False,
    resume: bool = True,
    missing: Literal["error", "fill"] = "error",
    retries: int = 3,
    progress: Callable[[Record], None] | None = None,
    stop: Stop | None = None,
) -> StreamSummary:
    """Filter an image from file to Zarr store on a Dask cluster, tile by tile.

    The result is that of :func:`gpuconv.streaming`, to the bit. Workers may die and others may come
    while it runs; interrupted, the same call goes on where it stopped.

    Parameters
    ----------
    source : path-like or Source
        A TIFF file, a Zarr store, or another that is read by regions, where all workers see it.
    sink : path-like
        The Zarr store (``.zarr``) to be made, where all workers can write.
    filter : str, Filter, Kernel, Chain, or list of these
        As for :func:`gpuconv.streaming`.
    client : distributed.Client or str, optional
        The cluster, or the address of its scheduler (``"tcp://host:8786"``); by default the client
        that was made last.
    border, cval, negative, gain, alpha, linear, grey, compression, pyramid, overwrite, resume
        As for :func:`gpuconv.streaming`.
    device : {"cpu", "cuda"}, default "cpu"
        Where each worker filters; "cuda" is its own GPU, as ``dask_cuda.LocalCUDACluster`` deals
        them out. All GPUs should be of one kind: bits are the same on those.
    memory : int or str, optional
        Bytes that a task may take, or text like "512M"; by default half of a worker's share for
        each of its threads.
    tile : int or (int, int), optional
        Rows and columns of tiles, made up to whole chunks of the output. By default about 4096.
    missing : {"error", "fill"}
        As for :func:`gpuconv.open_image`.
    retries : int, default 3
        How many times more a tile is tried whose worker reports an error that may pass.
    progress : callable, optional
        Is given the :class:`~gpuconv.streaming.Record` about ten times a second.
    stop : optional
        Has ``is_set()``; once it is set no more tiles are handed out.

    Returns
    -------
    StreamSummary

    Raises
    ------
    StreamError
        Tiles could not be made (all others are done). The same call goes on with what is done.
    ArgumentError, ArgumentTypeError
        An argument is not allowed, the filter needs the whole image, or no tile fits into memory.
    ImageFileError
        The source cannot be opened, or the sink not be created; or a worker cannot see them.
    MissingExtraError
        Dask is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from distributed import Client
    >>> here = Client(processes=False, dashboard_address=":0")
    >>> with tempfile.TemporaryDirectory() as folder, here as client:
    ...     np.save(f"{folder}/in.npy", np.full((60, 80), 7, np.uint8))
    ...     summary = run(f"{folder}/in.npy", f"{folder}/out.zarr", "median:size=5", client=client)
    >>> summary.status, summary.pixels
    ('done', 4800)
    """
    chain = chain_of(filter, border=border, cval=cval, negative=negative, gain=gain)
    where = _checked(device, sink, retries)
    light: dict[str, Any] = {"alpha": alpha, "linear": linear, "grey": grey}
    with ExitStack() as stack:
        cluster = stack.enter_context(_connected(client))
        workers = _seats(cluster)
        image, again = _source(stack, source, missing)
        parts = _parts(cluster, chain, image.layout, where, light)
        layout = out_layout(image.layout, parts.result, parts.channels, parts.written)
        key = key_of(image, {"filter": chain.spec, "engine": where, **light, "missing": missing})
        stored = {"compression": compression, "pyramid": pyramid, "overwrite": overwrite}
        output = created(Path(sink).absolute(), layout, key, resume, **stored)
        stack.callback(output.close)
        assert isinstance(output, ZarrSink)
        with unbegun(output):
            plan = _planned(workers, image, output.layout, parts, memory, tile, chain, where)
            writer = cast(ZarrWriter, output.writer)
            recipe = Recipe(again, parts, writer, where, retries, tasks_sharing(workers))
            sent = pickle.dumps(recipe)
            _check_workers(cluster, sent)
        return Dealer(cluster, sent, plan, output, retries).carried_out(progress, stop)


def _checked(device: str | None, sink: PathLike, retries: int) -> str:
    if device not in (None, "cpu", "cuda"):
        raise ArgumentError(f"device={device!r} must be 'cpu' or 'cuda': each worker's own")
    if not isinstance(sink, str | os.PathLike):
        raise ArgumentTypeError(f"sink={sink!r} must be the path of a Zarr store")
    if Path(sink).suffix.lower() != ".zarr":
        raise ArgumentError(
            f"sink={os.fspath(sink)!r} is no Zarr store, whose chunks are files: many computers "
            "can write that alone; give a name that ends in .zarr"
        )
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise ArgumentError(f"retries={retries!r} must be an int from 0 on")
    return device or "cpu"


@contextmanager
def _connected(client: Any) -> Iterator[Any]:
    """Yield a client; one that is made here is closed."""
    distributed = cluster_library()
    if isinstance(client, str):
        try:
            made = distributed.Client(client)
        except (OSError, ValueError) as error:
            raise ArgumentError(f"client={client!r} is no scheduler: {error}") from error
        with made:
            yield made
        return
    try:
        found = distributed.default_client() if client is None else client
    except ValueError:
        raise ArgumentError(
            "client=None, and no client was made: give a distributed.Client, or the address of a "
            "scheduler"
        ) from None
    if not isinstance(found, distributed.Client) or found.asynchronous:
        raise ArgumentTypeError(f"client={client!r} must be a distributed.Client, not asynchronous")
    yield found


def _answers(cluster: Any, function: Callable[..., Any], *given: Any) -> dict[str, Any]:
    """Return what a function returns on each worker; one that dies meanwhile is one less."""
    found: dict[str, Any] = cluster.run(function, *given, on_error="return")
    for answer in found.values():
        if isinstance(answer, Exception) and not isinstance(answer, OSError):
            raise answer
    return {who: answer for who, answer in found.items() if not isinstance(answer, OSError)}


def _seats(cluster: Any) -> list[Seat]:
    """Return the workers of a cluster; raise if there are none, for whom all would wait."""
    found = list(_answers(cluster, seat).values())
    if not found:
        raise ArgumentError(
            f"the cluster of {cluster.scheduler.address} has no workers: start some first, or let "
            "the client's wait_for_workers(1) wait for them"
        )
    return found


def _source(stack: ExitStack, source: Any, missing: str) -> tuple[Source, Callable[[], Source]]:
    """Return a source, and what opens it elsewhere."""
    image, ours = opened(source, missing)
    if ours:
        stack.callback(image.close)
    if image.again is None or isinstance(image, WholeSource):
        raise ArgumentError(
            f"source={source!r} must be a file that each worker can read by regions: TIFF, Zarr, "
            "NumPy or raw"
        )
    return image, image.again


def _parts(
    cluster: Any, chain: Chain, layout: Layout, device: str, light: dict[str, Any]
) -> Making:
    """Return what makes parts, planned for the device: where there is none here, by a worker."""
    if device == "cpu" or not backends.cuda.lacking(None, None):
        return parts_of(chain, layout, device, **light)
    planned: Making = cluster.submit(parts_of, chain, layout, device, **light, pure=False).result()
    return planned


def _planned(
    workers: list[Seat],
    source: Source,
    sink: Layout,
    parts: Making,
    memory: int | str | None,
    tile: int | tuple[int, int] | None,
    chain: Chain,
    device: str,
) -> StreamPlan:
    """Return the plan with the largest usual tiles that fit; with those that are asked for."""
    threads = sum(seat.threads for seat in workers)
    bytes = task_bytes(workers) if memory is None else parse_bytes("memory", memory)
    who = f"{device} of {len(workers)} Dask workers"

    def plan(size: tuple[int, int]) -> StreamPlan:
        crew = Workers(1, 1)
        return make_plan(
            source.layout,
            sink,
            parts,
            crew,
            bytes,
            tile=size,
            cache=source.cache_bytes,
            filter=chain.spec,
            device=who,
        )

    if tile is not None:
        return plan(_pair(tile))
    sizes = usual_tile(sink, parts.grain, threads)
    while True:
        try:
            return plan(sizes)
        except ArgumentError:
            if sizes == (1, 1):
                raise
            high, wide = sizes
            sizes = (ceil(high / 2), wide) if high >= wide else (high, ceil(wide / 2))


def _pair(tile: Any) -> tuple[int, int]:
    pair = tile if isinstance(tile, tuple) else (tile, tile)
    if len(pair) != 2 or not all(type(n) is int and n > 0 for n in pair):
        raise ArgumentError(f"tile={tile!r} must be a number of pixels above 0, or (rows, columns)")
    return pair


def _check_workers(cluster: Any, recipe: bytes) -> None:
    """Raise if a worker cannot open what it is to read, or what it is to write."""
    for who, reason in _answers(cluster, look, recipe).items():
        if reason:
            raise ImageFileError(
                f"worker {who} cannot take part: {reason}; source and sink must lie where all "
                "workers see them under the same path"
            )
