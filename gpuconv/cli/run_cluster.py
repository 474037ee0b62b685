"""``gpuconv run --dask``: the same work, done by a cluster."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Literal

from gpuconv.cli.interrupt import deaf
from gpuconv.errors import ArgumentError
from gpuconv.filters import Chain
from gpuconv.io.source import Source
from gpuconv.streaming.summary import StreamSummary

__all__ = ["run_on_cluster"]

#: What each worker filters on, by what is asked for.
_DEVICES: dict[str, Literal["cpu", "cuda"] | None] = {"auto": None, "cpu": "cpu", "cuda": "cuda"}
#: The address that stands for a cluster on this machine.
_LOCAL = "local"


def run_on_cluster(
    source: Source, chain: Chain, options: argparse.Namespace, **watched: Any
) -> StreamSummary:
    """Filter an image on the cluster that is asked for; return what became of it.

    Parameters
    ----------
    source : Source
    chain : Chain
    options : Namespace
        Of the command line.
    **watched
        What shows the progress, and what stops the work.
    """
    import gpuconv.dask

    device = _device(options)
    with _address(options.dask, device) as address:
        return gpuconv.dask.run(
            source,
            options.output,
            chain,
            client=address,
            device=device,
            memory=options.memory,
            tile=options.tile,
            alpha=options.alpha,
            linear=options.linear,
            grey=options.grey,
            missing=options.missing,
            compression=options.compression,
            pyramid=options.pyramid,
            overwrite=options.exists == "overwrite",
            resume=not options.restart,
            **watched,
        )


def _device(options: argparse.Namespace) -> Literal["cpu", "cuda"] | None:
    """Return the device of each worker; raise if something is asked for that clusters have not."""
    for flag in ("salvage", "gpu_memory"):
        if getattr(options, flag):
            raise ArgumentError(f"--{flag.replace('_', '-')} is not for --dask: leave it out")
    device = ",".join(options.devices or ["auto"])
    if device not in _DEVICES:
        raise ArgumentError(
            f"--device {device} is not for --dask, whose workers have a device each: cpu, or cuda "
            "for its own GPU"
        )
    return _DEVICES[device]


@contextmanager
def _address(asked: str, device: str | None) -> Iterator[str]:
    """Yield the address of a scheduler; that of a cluster of this machine, made for as long."""
    if asked != _LOCAL:
        yield asked
        return
    with deaf():
        made = _local(device)
    with made as cluster:
        yield cluster.scheduler_address


def _local(device: str | None) -> Any:
    """Return a cluster of this machine: a worker for each GPU, or for its cores."""
    from gpuconv.dask.library import cluster_library

    distributed = cluster_library()
    # Its page of charts takes any port that is free: the usual one may be another cluster's.
    settings = {"dashboard_address": ":0"}
    if device != "cuda":
        return distributed.LocalCluster(**settings)
    try:
        return import_module("dask_cuda").LocalCUDACluster(**settings)
    except ImportError:
        raise ArgumentError(
            "--dask local --device cuda needs dask-cuda, which deals out the GPUs: "
            "pip install dask-cuda"
        ) from None
