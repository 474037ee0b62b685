"""What ``gpuconv tune`` measures, and the file that it is kept in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest

from gpuconv import cost
from gpuconv.backends.cuda import runtime
from gpuconv.backends.host.threads import VARIABLE
from gpuconv.cost import profile
from gpuconv.cost.profile import Profile
from gpuconv.cost.rates import CUDA, HOST, known, table_of
from gpuconv.tune import cpu as measuring
from gpuconv.tune import measure_cpu, measure_gpu, timing

KEPT = Profile("host", "A CPU", 4, {"call": 1e-3, "pass.10": 2e-9, "pass.20": 3e-9})


@pytest.fixture(autouse=True)
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A place for the profile that only this test knows."""
    path = tmp_path / "cache" / "profile.json"
    monkeypatch.setenv(profile.VARIABLE, str(path))
    cost.forget()
    yield path
    monkeypatch.undo()
    cost.forget()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measurements that take no time, and are worth nothing."""
    monkeypatch.setattr(timing, "_SECONDS", 0)
    monkeypatch.setattr(timing, "_TIMES", 1)
    monkeypatch.setattr(measuring, "_SHAPE", (40, 50))
    monkeypatch.setattr(measuring, "_LESS", (20, 30))
    monkeypatch.setattr(measuring, "_ROUNDS", 1)
    for sizes in ("_DENSE", "_PASSES", "_TRANSFORMS"):
        monkeypatch.setattr(measuring, sizes, (3, 15))


# ------------------------------------------------------------------------ the file


def test_what_is_kept_is_found_by_machines(file: Path) -> None:
    assert profile.keep(KEPT) == file
    cost.forget()
    machine = cost.cpu(4)
    assert (machine.name, machine.measured, machine.units) == ("A CPU", True, 4)
    assert machine.rate("call") == 1e-3
    assert machine.rate("thread") == HOST["thread"]
    assert profile.note() == "measured: A CPU"
    # A table is replaced as a whole: its sizes may be other ones.
    assert [name for name, _ in machine.rates if name.startswith("pass.")] == ["pass.10", "pass.20"]


def test_rates_of_a_cpu_serve_fewer_threads_but_not_more() -> None:
    profile.keep(KEPT)
    assert [cost.cpu(threads).measured for threads in (1, 4, 5)] == [True, True, False]


def test_rates_of_a_gpu_serve_gpus_of_its_size() -> None:
    profile.keep(KEPT, Profile("cuda", "A GPU", 20, {"byte": 1e-11}))
    assert (cost.gpu(20).name, cost.gpu(20).rate("byte")) == ("A GPU", 1e-11)
    assert not cost.gpu(132).measured


def test_the_file_is_read_once_and_only_when_it_is_needed(file: Path) -> None:
    profile.keep(KEPT)
    code = (
        "import gpuconv\n"
        "from gpuconv.cost import cpu, profile\n"
        "assert profile._read.cache_info().misses == 0\n"
        "assert cpu(2).measured\n"
        "assert profile._read.cache_info().misses == 1\n"
        "cpu(1)\n"
        "assert profile._read.cache_info().misses == 1\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "damaged"),
        ("[]", "damaged"),
        ("{}", "damaged"),
        ("[" * 100_000, "damaged"),
        ("\xff\xfe", "damaged"),
        ('{"version": -1, "processor": 0, "numpy": 0}', "made for version -1"),
    ],
)
def test_what_is_no_profile_is_not_used(text: str, said: str, file: Path) -> None:
    file.parent.mkdir()
    file.write_text(text, "utf-8")
    assert cost.cpu(1) == cost.Machine("host", "cpu", 1, False, tuple(sorted(HOST.items())))
    assert said in profile.note()
    assert "gpuconv tune" in profile.note()


@pytest.mark.parametrize(
    ("key", "value"), [("version", 0), ("processor", "another CPU"), ("numpy", "1.0")]
)
def test_a_profile_made_for_something_else_is_not_used(key: str, value: Any, file: Path) -> None:
    profile.keep(KEPT)
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {key: value}), "utf-8")
    cost.forget()
    assert not cost.cpu(1).measured
    assert profile.note().startswith(f"made for {key} {value!r}; not used")


@pytest.mark.parametrize(
    "device",
    [
        {"kind": "moon"},
        {"units": "many"},
        {"units": float("inf")},
        {"rates": {"call": -1.0}},
        {"rates": {"call": float("nan")}},
        {"rates": {"call": "1"}},
        {"rates": {"gravity": 1.0}},
        {"rates": [1]},
    ],
)
def test_a_profile_with_a_wrong_rate_is_not_used(device: dict[str, Any], file: Path) -> None:
    profile.keep(KEPT)
    found = json.loads(file.read_text("utf-8"))
    found["devices"][0] |= device
    file.write_text(json.dumps(found), "utf-8")
    cost.forget()
    assert not cost.cpu(1).measured
    assert "damaged" in profile.note()


def test_a_file_that_cannot_be_read_is_not_used(file: Path) -> None:
    file.mkdir(parents=True)
    assert not cost.cpu(1).measured
    assert profile.note().startswith("cannot be read")


def test_nothing_half_written_is_left(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile.keep(KEPT)
    before = file.read_text("utf-8")

    def full(*paths: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        profile.keep(Profile("host", "Another", 1, {"call": 1.0}))
    assert file.read_text("utf-8") == before
    assert list(file.parent.iterdir()) == [file]


def test_it_can_be_removed(file: Path) -> None:
    assert not profile.remove()
    profile.keep(KEPT)
    assert profile.remove()
    assert not file.exists()
    assert not cost.cpu(1).measured
    assert profile.note() == "not measured yet: gpuconv tune"


def test_its_place_is_the_users_cache_unless_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(profile.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert profile.place() == tmp_path / "gpuconv" / "profile.json"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert profile.place() == tmp_path / ".cache" / "gpuconv" / "profile.json"


def test_the_processor_has_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert profile.processor()
    told = tmp_path / "cpuinfo"
    told.write_text("processor : 0\nmodel name\t: Fast One\nflags: x\n")
    monkeypatch.setattr(profile, "_CPU", told)
    assert profile.processor() == "Fast One"
    monkeypatch.setattr(profile, "_CPU", tmp_path / "nothing")
    monkeypatch.setenv("PROCESSOR_IDENTIFIER", "Intel64 Family 6")
    assert profile.processor() == "Intel64 Family 6"


# ------------------------------------------------------------------------ measuring


@pytest.mark.parametrize("threads", [1, 2])
def test_every_rate_of_the_cpu_is_measured(threads: int, hurried: None) -> None:
    told = list[str]()
    found = measure_cpu(threads, told.append)
    assert (found.kind, found.name, found.units) == ("host", profile.processor(), threads)
    assert all(known("host", name) for name in found.rates)
    assert all(np.isfinite(rate) and rate > 0 for rate in found.rates.values())
    shared = {"thread", "gain.compute", "gain.memory"} if threads == 1 else set()
    plain = {name for name in HOST if not table_of(name)} - {"gain.most"} - shared
    assert plain <= set(found.rates)
    assert {table_of(name) for name in found.rates} == {table_of(name) for name in HOST}
    assert len(told) > 35
    profile.keep(found)
    cost.forget()
    assert cost.cpu(threads).measured


def test_measuring_leaves_the_number_of_threads_as_it_was(
    hurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(rate: str) -> None:
        assert os.environ[VARIABLE] == "1"
        raise KeyboardInterrupt

    for before in (None, "3"):
        if before:
            monkeypatch.setenv(VARIABLE, before)
        with pytest.raises(KeyboardInterrupt):
            measure_cpu(2, stop)
        assert os.environ.get(VARIABLE) == before


def test_the_fastest_run_counts() -> None:
    now = iter([0.0, 5.0, 10.0, 11.0, 20.0, 29.0, 30.0, 37.0])
    assert timing.fastest(lambda: None, lambda: next(now)) == 1.0


def test_every_rate_of_a_gpu_is_measured(hurried: None) -> None:
    if reason := cuda_on_cpu.missing():
        pytest.skip(reason)
    with runtime.use(cuda_on_cpu.CpuRuntime(mode="fast", orders=("forward",))):
        found = measure_gpu("A GPU", lambda rate: None, side=70)
    assert (found.kind, found.name, found.units) == ("cuda", "A GPU", 4)
    assert set(found.rates) == set(CUDA) - {"double"}
    assert all(np.isfinite(rate) and rate > 0 for rate in found.rates.values())
