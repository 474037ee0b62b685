"""The demo as ``make demo`` runs it: every photograph through every filter, and a sheet of all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

FILTERS = ["emboss", "gaussian", "motion_blur", "outline", "sobel_x", "unsharp"]


@pytest.fixture(scope="module")
def demo(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the demo twice, because a second run must work as well; return its folder and words."""
    output = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "samples/demo.py", "--output", str(output)]
    for _ in range(2):
        done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return output, done.stdout


def original(path: Path) -> str:
    """Return the name of the photograph, also where its extension is kept: coins.gif.png."""
    return path.name.split(".")[0]


def test_every_photograph_goes_through_every_filter(
    demo: tuple[Path, str], photographs: list[Path]
) -> None:
    output, _ = demo
    kinds = {path.suffix for path in photographs}
    assert sorted(path.name for path in output.iterdir() if path.is_dir()) == FILTERS
    for name in FILTERS:
        results = [path for path in (output / name).iterdir() if path.suffix in kinds]
        assert sorted(map(original, results)) == [path.stem for path in photographs]


def grey(path: Path) -> NDArray[np.float64]:
    """Return the first frame, 0 … 1, colours averaged."""
    with Image.open(path) as opened:
        pixels = np.asarray(opened.convert("RGB") if opened.mode == "P" else opened)
    pixels = pixels[..., :3].mean(axis=-1) if pixels.ndim == 3 else pixels
    return pixels / (65535 if path.suffix == ".tif" else 255)


def test_results_are_pictures_that_changed(demo: tuple[Path, str], photographs: list[Path]) -> None:
    before = {path.stem: grey(path) for path in photographs}
    for name in FILTERS:
        for path in (demo[0] / name).glob("[!.]*.*"):
            after = grey(path)
            assert after.shape == before[original(path)].shape
            assert np.abs(after - before[original(path)]).mean() > 0.005, path


def test_the_sheet_shows_all_of_it(demo: tuple[Path, str], photographs: list[Path]) -> None:
    with Image.open(demo[0] / "contact_sheet.png") as opened:
        sheet = np.asarray(opened.convert("RGB"))
    columns, rows = len(FILTERS) + 1, len(photographs)
    assert sheet.shape[1] > columns * 250
    assert sheet.shape[0] > rows * 180
    cells = sheet[84 : 84 + rows * 194].reshape(rows, 194, -1, 3)
    assert (cells.std(axis=(1, 2, 3)) > 10).all()


def test_it_says_what_it_runs_and_where_everything_is(demo: tuple[Path, str]) -> None:
    output, said = demo
    commands = [line for line in said.splitlines() if line.startswith("$ gpuconv batch")]
    assert len(commands) == len(FILTERS)
    assert str(output / "contact_sheet.png") in said


def test_samples_are_small_and_of_many_kinds(photographs: list[Path]) -> None:
    assert sum(path.stat().st_size for path in photographs) < 1_500_000
    modes, frames = set(), []
    for path in photographs:
        with Image.open(path) as opened:
            modes.add(opened.mode)
            frames.append(getattr(opened, "n_frames", 1))
    assert {"L", "P", "RGB", "RGBA", "I;16"} <= modes
    assert max(frames) > 1


def test_every_sample_has_a_source_and_a_licence(root: Path, photographs: list[Path]) -> None:
    text = (root / "samples" / "README.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert sorted(row.split("`")[1] for row in rows) == [path.name for path in photographs]
    free = ("public domain", "CC0", "no known copyright restrictions")
    assert all(any(licence in row for licence in free) for row in rows)


def test_a_command_that_fails_ends_the_demo(root: Path, tmp_path: Path) -> None:
    (tmp_path / "gaussian").write_text("a file where a folder should be")
    command = [sys.executable, "samples/demo.py", "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "contact_sheet.png").exists()
