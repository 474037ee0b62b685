"""What is installed: the wheel's content and metadata, and that it works from there."""

from __future__ import annotations

import email
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

import gpuconv as gc


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, without network: hatchling is among the packages that the tests need."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path, root: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    sources = {str(path.relative_to(root)) for path in (root / "gpuconv").rglob("*.py")}
    assert sources <= set(names)
    kernels = {f"gpuconv/kernels_cuda/{path.name}" for path in (root / "kernels_cuda").iterdir()}
    assert {"gpuconv/kernels_cuda/dense.cu", "gpuconv/kernels_cuda/tile.cuh"} <= kernels
    assert {"gpuconv/py.typed", *kernels} <= set(names)
    bench = {name for name in names if name.startswith("gpuconv/benchmarks/")}
    assert bench == {f"gpuconv/{name}" for name in what_the_bench_needs(root)}
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"gpuconv"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def what_the_bench_needs(root: Path) -> set[str]:
    """Return the sources of ``gpuconv bench``, and its photographs where it looks for them."""
    folder = root / "benchmarks"
    sources = [*folder.glob("*.py"), *folder.glob("peers/*.py"), *folder.glob("suite/**/*.py")]
    photographs = {f"benchmarks/samples/{name}" for name in ("astronaut.jpg", "camera.png")}
    return {path.relative_to(root).as_posix() for path in sources} | photographs


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Callable[[str], list[str]]:
    """Run code with the wheel's package, far from the sources; return the lines it prints."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)

    def run(code: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.splitlines()

    return run


def test_the_wheel_works_without_the_sources(
    installed: Callable[[str], list[str]], tmp_path: Path
) -> None:
    where, value = installed(
        "import gpuconv as gc, numpy as np; print(gc.__file__);"
        "print(gc.convolve(np.full((4, 4), 7, np.uint8), [[1, 1]])[0, 0])"
    )
    assert Path(where).is_relative_to(tmp_path)
    assert value == "14"


def test_the_wheel_finds_the_cuda_sources_in_itself(
    installed: Callable[[str], list[str]], tmp_path: Path
) -> None:
    where, *lengths = installed(
        "from gpuconv.backends.cuda import source, warmup; print(source.folder());"
        "[print(len(program.text)) for program in warmup.programs('blur')]"
    )
    assert Path(where) == tmp_path / "gpuconv" / "kernels_cuda"
    assert lengths
    assert all(int(length) > 10_000 for length in lengths)


def test_the_wheel_measures_without_the_sources(
    installed: Callable[[str], list[str]], tmp_path: Path
) -> None:
    words = "['bench', '--case', 'dense 3×3 u8 512', '--peer', 'copy', '--rounds', '1']"
    head, *rows, where, code = installed(
        f"import sys; from gpuconv.cli import main; code = main({words});"
        "print(sys.modules['gpuconv.benchmarks'].__file__); print(code)"
    )
    assert head.startswith("dense 3×3 u8 512²")
    assert [row.split()[0] for row in rows] == ["gpuconv", "copy"]
    assert Path(where).is_relative_to(tmp_path)
    assert code == "0"


def test_the_bench_in_the_wheel_knows_no_other_place(root: Path) -> None:
    """Its modules import each other by relative names: ``benchmarks`` is not there in a wheel."""
    absolute = [
        f"{name}: {line.strip()}"
        for name in what_the_bench_needs(root)
        if name.endswith(".py")
        for line in (root / name).read_text("utf-8").splitlines()
        if re.match(r"\s*(from|import) benchmarks\b", line)
    ]
    assert absolute == []


def test_info_lists_what_users_may_add_and_nothing_for_developers(
    installed: Callable[[str], list[str]],
) -> None:
    lines = installed("from gpuconv.cli import main; main(['info', '--json'])")
    extras = json.loads("".join(lines))["extras"]
    users = {"cuda12", "cuda13", "dask", "dask-image", "notebook", "plot", "tiff", "torch", "zarr"}
    assert set(extras) == users


def test_metadata_says_what_it_is(metadata: Message) -> None:
    assert metadata["Name"] == "gpuconv"
    assert metadata["Version"] == gc.__version__
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == ">=3.11"


def test_only_numpy_and_pillow_are_required(metadata: Message) -> None:
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra" not in line]
    assert sorted(line.partition(">")[0] for line in required) == ["numpy", "pillow"]


def test_the_makefile_asks_for_extras_that_exist(root: Path, project: dict[str, Any]) -> None:
    makefile = (root / "Makefile").read_text("utf-8")
    stamps = {part.split()[0] for part in makefile.split(".installed-")[1:]}
    asked = stamps - {"base", "%:", "%"} - {stamp for stamp in stamps if not stamp.isalpha()}
    assert asked == {"test", "dev", "bench", "notebook"}
    assert asked <= set(project["optional-dependencies"])


def test_the_licence_is_the_one_that_is_named(root: Path) -> None:
    text = (root / "LICENSE").read_text("utf-8")
    assert text.startswith("BSD 3-Clause License")
    assert "gpuconv contributors" in text


@pytest.mark.parametrize(
    ("version", "says"), [("echo Python 3.9.2", "is Python 3.9.2"), ("exit 1", "is not there")]
)
def test_a_python_that_is_too_old_is_said(
    root: Path, tmp_path: Path, version: str, says: str
) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n[ "$1" = --version ] || exit 1\n{version}\n')
    python.chmod(0o755)
    command = [root / ".ci" / "install", python, tmp_path / "venv", "."]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert says in done.stderr
    assert not (tmp_path / "venv").exists()


def test_make_lists_its_targets(root: Path) -> None:
    listed = subprocess.run(["make"], cwd=root, check=True, capture_output=True, text=True).stdout
    targets = {line.split()[1] for line in listed.splitlines() if line.startswith("  make ")}
    assert targets == {
        "help",
        "demo",
        "test",
        "lint",
        "bench",
        "report",
        "choice",
        "selection",
        "swap",
        "scipy",
        "skimage",
        "stream",
        "photos",
        "cluster",
        "static",
        "gpu",
        "notebooks",
        "clean",
    }


def test_what_is_made_is_not_seen_by_git(root: Path) -> None:
    made = (".venv/", "demo/", "dist/", "gpuconv/__pycache__/", ".hypothesis/", ".mypy_cache/")
    command = ["git", "check-ignore", *made]
    if subprocess.run(["git", "rev-parse"], cwd=root, capture_output=True).returncode:
        pytest.skip("these sources are not a git repository")
    ignored = subprocess.run(command, cwd=root, capture_output=True, text=True).stdout
    assert ignored.split() == list(made)
