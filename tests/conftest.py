"""What tests of several parts share: where things are, and the command line run as a user would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import cuda_on_cpu
import pytest

import gpuconv as gc
from gpuconv.backends.cuda import runtime
from gpuconv.verify import ledger

# Before anything imports pyplot: no test opens a window.
os.environ["MPLBACKEND"] = "Agg"
# No test depends on what was measured on the machine it runs on.
os.environ["GPUCONV_PROFILE"] = os.path.join(os.devnull, "profile.json")

ROOT = Path(__file__).parent.parent
KINDS = {".gif", ".jpg", ".png", ".tif"}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


#: The engines that the contract is for: those of this machine's devices, and the CUDA kernels on
#: the CPU, under the checker.
ON_CPU = "cuda on the cpu"
ENGINES = [device.name for device in gc.devices() if device.available] + [ON_CPU]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """What ``device=`` takes to run on each engine in turn."""
    if request.param != ON_CPU:
        yield request.param
        return
    if reason := cuda_on_cpu.missing():
        pytest.skip(reason)
    with runtime.use(checked_cpu()):
        yield "cuda"


@cache
def checked_cpu() -> cuda_on_cpu.CpuRuntime:
    """Return the runtime that all tests of a process share, with the kernels it has compiled.

    It runs each launch with the threads in forward and in reverse order, and compares.
    """
    return cuda_on_cpu.CpuRuntime()


@pytest.fixture
def under_checker(request: pytest.FixtureRequest) -> bool:
    """Whether `engine` is the CUDA kernels on the CPU: a thousand times slower than a GPU."""
    return request.node.callspec.params["engine"] == ON_CPU


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def photographs() -> list[Path]:
    """The photographs that the repository ships; read-only."""
    return sorted(path for path in (ROOT / "samples").iterdir() if path.suffix in KINDS)


@pytest.fixture
def workplace(tmp_path: Path, photographs: list[Path]) -> Path:
    """A fresh folder that holds a copy of ``samples/``, as a reader of the README has it."""
    folder = tmp_path / "samples"
    folder.mkdir()
    for path in photographs:
        shutil.copy(path, folder)
    return tmp_path


@pytest.fixture(scope="session")
def shell() -> Run:
    """Run a command line in a shell that finds this environment's ``gpuconv`` first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

    def run(line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line],
            cwd=cwd,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which kernels no GPU has verified since they changed: nothing here can prove them."""
    for family, words in ledger.status(ROOT / "benchmarks" / "results").items():
        terminalreporter.write_line(f"{family}: {words}")
