"""``gpuconv run --dask``: what a cluster is given, and what it is not."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pytest

import gpuconv.dask
from gpuconv.cli import main
from gpuconv.dask import library
from gpuconv.streaming import stream


class Cluster:
    """A cluster that is somewhere."""

    scheduler_address = "tcp://local:1"
    given: dict[str, Any]
    closed = False

    def __init__(self, **given: Any) -> None:
        type(self).given = given

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        type(self).closed = True


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A folder to work in, with an image; what a cluster is given is put into the result."""
    monkeypatch.chdir(tmp_path)
    np.save("in.npy", np.arange(64 * 80, dtype=np.uint16).reshape(64, 80))
    taken: dict[str, Any] = {}

    def run(source: Any, sink: str, chain: Any, **options: Any) -> Any:
        taken.update(options, sink=sink, chain=chain.spec)
        watched = {name: options[name] for name in ("progress", "stop")}
        return stream(source, sink, chain, **watched)

    monkeypatch.setattr(gpuconv.dask, "run", run)
    distributed = SimpleNamespace(LocalCluster=Cluster)
    monkeypatch.setattr(library, "cluster_library", lambda: distributed)
    return taken


def test_a_cluster_is_given_what_is_asked_for(
    given: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    flags = "--filter box --size 5 --dask tcp://host:8786 --device cuda --memory 2G --tile 32x64"
    flags += " --alpha straight --grey --linear --missing fill --compression zstd --pyramid"
    command = ["run", "in.npy", "out.npy", *flags.split(), "--exists", "overwrite", "--restart"]
    assert main(command) == 0
    expected = {
        "client": "tcp://host:8786",
        "device": "cuda",
        "memory": "2G",
        "tile": (32, 64),
        "alpha": "straight",
        "grey": True,
        "linear": True,
        "missing": "fill",
        "compression": "zstd",
        "pyramid": True,
        "overwrite": True,
        "resume": False,
        "chain": "box:size=5",
        "sink": "out.npy",
    }
    assert {name: given[name] for name in expected} == expected
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("done: in.npy -> out.npy")
    assert told[2].endswith(" MiB predicted at the peak")


def test_local_is_a_cluster_of_this_machine_for_as_long_as_it_is_needed(
    given: dict[str, Any],
) -> None:
    assert main(["run", "in.npy", "out.npy", "--filter", "box", "--dask", "local", "-q"]) == 0
    assert given["client"] == Cluster.scheduler_address
    assert given["device"] is None
    assert Cluster.closed


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--salvage"], "--salvage is not for --dask"),
        (["--gpu-memory", "1G"], "--gpu-memory is not for --dask"),
        (["--device", "cuda:0,cuda:1"], "whose workers have a device each"),
        (["--device", "cuda:1"], "whose workers have a device each"),
    ],
)
def test_what_a_cluster_cannot_do_is_refused(
    given: dict[str, Any], flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "in.npy", "out.npy", "--filter", "box", "--dask", "tcp://host:8786", *flags]
    assert main(command) == 2
    assert message in capsys.readouterr().err
    assert given == {}


def test_gpus_of_this_machine_need_dask_cuda(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "dask_cuda", None)
    flags = ["--filter", "box", "--dask", "local", "--device", "cuda"]
    assert main(["run", "in.npy", "out.npy", *flags]) == 2
    assert "pip install dask-cuda" in capsys.readouterr().err
    clusters = SimpleNamespace(LocalCUDACluster=Cluster)
    monkeypatch.setitem(sys.modules, "dask_cuda", clusters)
    assert main(["run", "in.npy", "out.npy", *flags, "-q"]) == 0
    assert given["device"] == "cuda"
