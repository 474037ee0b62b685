"""``gpuconv batch`` on a folder of all sorts: one bad file never stops the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage import data

import gpuconv

COMMAND = [sys.executable, "-m", "gpuconv", "batch"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(gpuconv.__file__).parent.parent)}


def batch(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Return every image below a folder; the journal tells times, which differ."""
    paths = (p for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".jsonl"))
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths}


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder with an image of every kind, and with files that are none."""
    folder = tmp_path / "in"
    folder.mkdir()
    astronaut = Image.fromarray(data.astronaut()[:128, :160])
    camera = data.camera()[:128, :160]
    astronaut.save(folder / "photo.jpg", quality=90)
    (folder / "broken.jpg").write_bytes((folder / "photo.jpg").read_bytes()[:3000])
    (folder / "empty.png").touch()
    (folder / "notes.txt").write_text("not an image")
    (folder / "text.png").write_text("not an image either")
    Image.fromarray(camera.astype(np.uint16) * 257).save(folder / "deep.png")
    astronaut.quantize(64).save(folder / "palette.gif")
    astronaut.convert("CMYK").save(folder / "ink.jpg", quality=95)
    frames = [Image.fromarray(np.roll(camera, 9 * n, axis=1)) for n in range(3)]
    frames[0].save(folder / "moving.png", save_all=True, append_images=frames[1:], duration=80)
    astronaut.save(folder / "target.png")
    return tmp_path


def test_one_bad_file_never_stops_the_others(mixed: Path) -> None:
    before = contents(mixed / "in")
    (mixed / "out").mkdir()
    (mixed / "out/target.png").write_bytes(b"precious")
    (mixed / "out/target.png").chmod(0o444)
    command = ["in", "-o", "out", "--filter", "box", "--exists", "overwrite", "--json"]
    done = batch(mixed, *command)
    results = {Path(r["input"]).name: r for r in json.loads(done.stdout)["results"]}
    assert done.returncode == 1
    assert contents(mixed / "in") == before

    failed = {name: r["error"] for name, r in results.items() if r["status"] == "failed"}
    assert set(failed) == {"broken.jpg", "empty.png", "text.png", "target.png"}
    for name, error in failed.items():
        assert name in error
        assert error in done.stderr
    assert "truncated" in failed["broken.jpg"]
    assert "read-only" in failed["target.png"]
    assert "notes.txt" not in results
    assert "left out: 1 " in done.stderr

    made = {Path(r["output"]).name for r in results.values() if r["status"] == "done"}
    assert made == {"photo.jpg", "deep.png", "palette.gif.png", "ink.jpg", "moving.png"}
    assert set(contents(mixed / "out")) == made | {"target.png"}
    assert (mixed / "out/target.png").read_bytes() == b"precious"


def test_images_keep_their_kind(mixed: Path) -> None:
    assert batch(mixed, "in", "-o", "out", "--filter", "box").returncode == 1
    kinds = {}
    for path in (mixed / "out").iterdir():
        if path.suffix in (".png", ".jpg"):
            with Image.open(path) as image:
                kinds[path.name] = image.mode, getattr(image, "n_frames", 1)
    assert kinds == {
        "photo.jpg": ("RGB", 1),
        "deep.png": ("I;16", 1),
        "palette.gif.png": ("RGB", 1),
        "ink.jpg": ("CMYK", 1),
        "moving.png": ("L", 3),
        "target.png": ("RGB", 1),
    }
    deep = np.asarray(Image.open(mixed / "out/deep.png"))
    expected = ndimage.uniform_filter(data.camera()[:128, :160] * 257.0, 3)
    assert np.abs(deep - expected).max() <= 1


def test_an_output_folder_that_cannot_be_is_exit_2(mixed: Path) -> None:
    (mixed / "out").write_text("a file")
    done = batch(mixed, "in", "-o", "out", "--filter", "box")
    assert done.returncode == 2
    assert done.stderr.startswith("gpuconv batch: error: ")
    assert done.stderr.count("\n") == 1


def test_a_batch_can_stop_at_failures_and_go_on_later(mixed: Path) -> None:
    command = ["in", "-o", "out", "--filter", "box", "--jobs", "1", "--json"]
    first = json.loads(batch(mixed, *command, "--fail-fast").stdout)["counts"]
    assert (first["failed"], first["not_run"]) == (1, 8)
    second = json.loads(batch(mixed, *command, "--max-errors", "2").stdout)["counts"]
    assert second["failed"] == 2
    last = json.loads(batch(mixed, *command).stdout)["counts"]
    assert last["not_run"] == 0
    assert last["skipped"] == first["done"] + second["done"] > 0
    assert last["skipped"] + last["done"] == 6


def test_salvage_takes_what_there_is(mixed: Path) -> None:
    done = batch(mixed, "in/broken.jpg", "-o", "out", "--filter", "box", "--salvage")
    assert done.returncode == 0
    assert done.stderr.startswith("warning: in/broken.jpg: ")
    assert np.asarray(Image.open(mixed / "out/broken.jpg")).shape == (128, 160, 3)


def test_an_image_too_large_is_refused_and_named(mixed: Path) -> None:
    done = batch(mixed, "in/photo.jpg", "-o", "out", "--filter", "box", "--max-pixels", "1k")
    assert done.returncode == 1
    assert "photo.jpg" in done.stderr
    allowed = batch(mixed, "in/photo.jpg", "-o", "out", "--filter", "box", "--max-pixels", "none")
    assert allowed.returncode == 0
