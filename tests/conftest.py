"""What tests of several parts share: where things are, and the command line run as a user would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# Before anything imports pyplot: no test opens a window.
os.environ["MPLBACKEND"] = "Agg"

ROOT = Path(__file__).parent.parent
KINDS = {".gif", ".jpg", ".png", ".tif"}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


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
