"""``gpuconv batch`` as a user runs it: a subprocess, real photographs, SciPy as the judge."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage import data

import gpuconv

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder to work in, with photographs in ``in/``."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    Image.fromarray(data.camera()).save(tmp_path / "in" / "camera.png")
    Image.fromarray(data.astronaut()[::2, ::2]).save(tmp_path / "in" / "astronaut.png")
    Image.fromarray(data.coins()).save(tmp_path / "in" / "deep" / "coins.tif")
    return tmp_path


def batch(folder: Path, *arguments: str, stdin: str = "") -> Done:
    """Run ``gpuconv batch`` in `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "gpuconv", "batch", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(gpuconv.__file__).parent.parent)},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def files(folder: Path) -> list[str]:
    """Return all files below a folder that are not hidden."""
    found = (p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    return sorted(p.relative_to(folder).as_posix() for p in found)


def rounded(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255)


# What comes out


def test_a_filter_with_its_parameter_as_a_flag(photos: Path) -> None:
    done = batch(photos, "in", "-r", "-o", "out", "--filter", "gaussian", "--sigma", "3")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "3 done" in done.stderr
    assert files(photos / "out") == ["astronaut.png", "camera.png", "deep/coins.tif"]
    for name in files(photos / "out"):
        source = pixels(photos / "in" / name).astype(float)
        sigma = (3, 3, 0)[: source.ndim]
        expected = ndimage.gaussian_filter(source, sigma)
        assert np.abs(pixels(photos / "out" / name) - expected).max() <= 1


def test_a_chain_and_a_name(photos: Path) -> None:
    chain = ["--filter", "gaussian:sigma=2", "--filter", "sharpen"]
    name = ["--name", "{stem}_{filter}{ext}"]
    done = batch(photos, "in/camera.png", "-o", "out", *chain, *name)
    assert done.returncode == 0, done.stderr
    blurred = ndimage.gaussian_filter(data.camera().astype(float), 2)
    expected = rounded(ndimage.convolve(blurred, [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]))
    assert np.abs(pixels(photos / "out/camera_gaussian_sharpen.png") - expected).max() <= 1


@pytest.mark.parametrize("correlate", [False, True])
def test_a_kernel_typed_in(photos: Path, correlate: bool) -> None:
    flags = ["--kernel", "-1 0 2; 0 1/2 1", *["--correlate"] * correlate, "--border", "edge"]
    done = batch(photos, "in/camera.png", "-o", "out", *flags)
    assert done.returncode == 0, done.stderr
    apply = ndimage.correlate if correlate else ndimage.convolve
    expected = apply(data.camera().astype(float), [[-1, 0, 2], [0, 0.5, 1]], mode="nearest")
    assert np.abs(pixels(photos / "out/camera.png") - rounded(expected)).max() <= 1


def test_kernels_in_files_chain_with_filters_in_order(photos: Path) -> None:
    np.save(photos / "k.npy", np.array([[1, 2, 1]]))
    np.savetxt(photos / "edge.csv", [[1, 0, -1]], fmt="%d", delimiter=",")
    flags = ["--kernel", "k.npy", "--filter", "box", "--kernel", "edge.csv", "--negative", "abs"]
    done = batch(photos, "in/camera.png", "-o", "out", *flags, "--name", "{filter}.png")
    assert done.returncode == 0, done.stderr
    values = ndimage.convolve(data.camera().astype(float), [[1, 2, 1]])
    values = ndimage.convolve(ndimage.uniform_filter(values, 3), [[1, 0, -1]])
    assert np.abs(pixels(photos / "out/k_box_edge.png") - rounded(np.abs(values))).max() <= 1


def test_a_median_a_bilateral_filter_and_the_strength_of_edges(photos: Path) -> None:
    camera, name = data.camera(), ["in/camera.png", "--name", "{filter}.png", "-o", "out"]
    for flags in (
        ["--filter", "median", "--size", "5"],
        ["--filter", "bilateral", "--diameter", "5", "--sigma-color", "25"],
        ["--filter", "sobel", "--gain", "0.25"],
    ):
        done = batch(photos, *name, *flags)
        assert done.returncode == 0, done.stderr
    assert np.array_equal(pixels(photos / "out/median.png"), ndimage.median_filter(camera, 5))
    smooth = pixels(photos / "out/bilateral.png")
    assert np.array_equal(smooth, gpuconv.bilateral(camera, 5, sigma_color=25))
    values = camera.astype(float)
    strength = np.hypot(ndimage.sobel(values, 0), ndimage.sobel(values, 1)) / 4
    assert np.abs(pixels(photos / "out/sobel.png") - rounded(strength)).max() <= 1


def test_a_filter_may_be_written_with_parentheses(photos: Path) -> None:
    flags = ["--filter", "unsharp_mask(sigma=2)", "--amount", "3"]
    done = batch(photos, "in/camera.png", "-o", "out", *flags)
    assert done.returncode == 0, done.stderr
    expected = gpuconv.unsharp_mask(data.camera(), 2, 3)
    assert np.array_equal(pixels(photos / "out/camera.png"), expected)


def test_a_footprint_with_its_anchor(photos: Path) -> None:
    flags = ["--filter", "maximum", "--footprint", "1 0 0; 1 1 1", "--anchor", "0x2"]
    done = batch(photos, "in/camera.png", "-o", "out", *flags, "--border", "wrap")
    assert done.returncode == 0, done.stderr
    shape = np.array([[1, 0, 0], [1, 1, 1]])
    # SciPy's origin is how far the middle of the footprint is moved.
    expected = ndimage.maximum_filter(data.camera(), footprint=shape, origin=(-1, 1), mode="wrap")
    assert np.array_equal(pixels(photos / "out/camera.png"), expected)


def test_a_blur_is_undone(photos: Path) -> None:
    blur = gpuconv.kernels.motion_blur(9, 30)
    Image.fromarray(gpuconv.convolve(data.camera(), blur)).save(photos / "in/blurred.png")
    np.savetxt(photos / "psf.txt", blur.weights)
    told = ["--psf", "motion_blur(length=9, angle=30)"]
    for psf, where in ((told, "a"), (["--psf", "psf.txt"], "b")):
        flags = ["--filter", "richardson_lucy", "--iterations", "5", *psf]
        done = batch(photos, "in/blurred.png", "-o", where, *flags)
        assert done.returncode == 0, done.stderr
    restored = pixels(photos / "a/blurred.png")
    assert np.abs(restored.astype(int) - pixels(photos / "b/blurred.png")).max() <= 1
    off = [np.square(data.camera() - p.astype(float)).mean() for p in (
        pixels(photos / "in/blurred.png"), restored)]  # fmt: skip
    assert off[1] < 0.75 * off[0]


def test_signs_are_not_asked_of_what_has_none(photos: Path) -> None:
    done = batch(photos, "in", "-o", "out", "--filter", "median", "--negative", "offset")
    assert done.returncode == 2
    assert "negative='offset' is for convolutions" in done.stderr
    assert not (photos / "out").exists()


def test_normalize_divides_a_kernel_by_its_sum(photos: Path) -> None:
    flags = ["--kernel", "1 1 1; 1 1 1; 1 1 1", "--normalize"]
    assert batch(photos, "in/camera.png", "-o", "out", *flags).returncode == 0
    expected = ndimage.uniform_filter(data.camera().astype(float), 3)
    assert np.abs(pixels(photos / "out/camera.png") - expected).max() <= 1
    refused = batch(photos, "in", "-o", "out2", "--kernel", "1 0 -1", "--normalize")
    assert refused.returncode == 2
    assert "sums to 0" in refused.stderr


def test_grey_and_border(photos: Path) -> None:
    flags = ["--grey", "--border", "constant", "--cval", "100", "--filter", "box", "--size", "9"]
    assert batch(photos, "in/astronaut.png", "-o", "out", *flags).returncode == 0
    grey = np.asarray(Image.open(photos / "in/astronaut.png").convert("L"), float)
    expected = ndimage.uniform_filter(grey, 9, mode="constant", cval=100)
    assert np.abs(pixels(photos / "out/astronaut.png") - expected).max() <= 1


def test_borders_of_their_own_along_y_and_x(photos: Path) -> None:
    flags = ["--border", "wrap,nearest", "--filter", "box", "--size", "9"]
    assert batch(photos, "in/camera.png", "-o", "out", *flags).returncode == 0
    expected = ndimage.uniform_filter(data.camera().astype(float), 9, mode=["wrap", "nearest"])
    assert np.abs(pixels(photos / "out/camera.png") - expected).max() <= 1


# Inputs, outputs, streams


def test_patterns_and_lists_of_inputs(photos: Path) -> None:
    assert batch(photos, "in/*.png", "-o", "a", "--filter", "box").returncode == 0
    assert files(photos / "a") == ["astronaut.png", "camera.png"]
    listed = ["--files-from", "-", "--null", "-o", "b", "--filter", "box"]
    assert batch(photos, *listed, stdin="in/camera.png\0in/deep/coins.tif\0").returncode == 0
    assert files(photos / "b") == ["in/camera.png", "in/deep/coins.tif"]
    chosen = ["-r", "--include", "*.tif", "--include", "c*", "--exclude", "deep"]
    assert batch(photos, "in", "-o", "c", *chosen, "--filter", "box").returncode == 0
    assert files(photos / "c") == ["camera.png"]


def test_files_stand_anywhere_and_may_begin_with_a_minus(photos: Path) -> None:
    shutil.copy(photos / "in/camera.png", photos / "-k.png")
    flags = ["-o", "out", "in/camera.png", "--filter=box", "in/astronaut.png", "--size=5"]
    assert batch(photos, *flags, "--", "-k.png").returncode == 0
    assert files(photos / "out") == ["-k.png", "astronaut.png", "camera.png"]


def test_nothing_matched_is_exit_3(photos: Path) -> None:
    done = batch(photos, "in", "-o", "out", "--include", "*.bmp", "--filter", "box", "--json")
    assert done.returncode == 3
    assert "no image to work on" in done.stderr
    assert json.loads(done.stdout)["results"] == []
    assert not (photos / "out").exists()


def test_a_collision_is_refused_before_any_work(photos: Path) -> None:
    done = batch(photos, "in", "-r", "-o", "out", "--filter", "box", "--name", "same.png")
    assert done.returncode == 2
    assert "same.png" in done.stderr
    assert not (photos / "out").exists()


def test_an_input_is_never_overwritten_by_accident(photos: Path) -> None:
    before = (photos / "in/camera.png").read_bytes()
    done = batch(photos, "in", "-o", "in", "--filter", "box", "--exists", "overwrite")
    assert done.returncode == 2
    assert (photos / "in/camera.png").read_bytes() == before


def test_in_place_replaces_inputs_once(photos: Path) -> None:
    for said in ("1 done", "1 skipped"):
        done = batch(photos, "in/camera.png", "--in-place", "--filter", "box")
        assert done.returncode == 0
        assert said in done.stderr
    expected = ndimage.uniform_filter(data.camera().astype(float), 3)
    assert np.abs(pixels(photos / "in/camera.png") - expected).max() <= 1


def test_what_exists_is_skipped_and_other_parameters_are_told(photos: Path) -> None:
    command = ["in", "-o", "out", "--filter", "box"]
    assert "2 done" in batch(photos, *command).stderr
    again = batch(photos, *command)
    assert again.returncode == 0
    assert "2 skipped" in again.stderr
    assert "other parameters" not in again.stderr
    other = batch(photos, *command, "--size", "5")
    assert "2 of the outputs, made with other parameters" in other.stderr
    refused = batch(photos, *command, "--exists", "error")
    assert refused.returncode == 1
    assert refused.stderr.count("failed: ") == 2
    assert "2 done" in batch(photos, *command, "--exists", "overwrite").stderr


def test_a_dry_run_lists_on_stdout_and_touches_nothing(photos: Path) -> None:
    done = batch(photos, "in", "-r", "-o", "out", "--filter", "box", "--dry-run")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "would write: in/astronaut.png -> out/astronaut.png",
        "would write: in/camera.png -> out/camera.png",
        "would write: in/deep/coins.tif -> out/deep/coins.tif",
    ]
    assert not (photos / "out").exists()


def test_json_and_summary_say_the_same(photos: Path) -> None:
    done = batch(
        photos, "in", "-o", "out", "--filter", "box", "--json", "--summary", "run.json", "-q"
    )
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report == json.loads((photos / "run.json").read_text())
    assert [Path(r["output"]).name for r in report["results"]] == ["astronaut.png", "camera.png"]
    for result in report["results"]:
        assert result["status"] == "done"
        assert set(result["seconds"]) == {"read", "decode", "filter", "encode", "write"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("in/camera.png", "is one of the images"),
        ("out/.gpuconv-journal.jsonl", "is the journal of a batch"),
        ("out/camera.png", "is one of the images"),
        ("absent/run.json", "to exist"),
        ("in", "is a folder"),
        (os.devnull, "is not a regular file"),
    ],
)
def test_a_summary_that_cannot_be_is_refused_before_any_work(
    photos: Path, name: str, message: str
) -> None:
    done = batch(photos, "in", "-o", "out", "--filter", "box", "--summary", name)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (photos / "out").exists()


def test_help_of_a_filter_and_of_none(photos: Path) -> None:
    plain = batch(photos, "--help").stdout
    assert "exit codes: 0 all done" in plain
    assert "--sigma" not in plain.partition("examples:")[0]
    chosen = batch(photos, "--filter", "gaussian", "--help").stdout
    assert "parameters of gaussian:" in chosen
    assert "--sigma X" in chosen


def test_verbose_tells_each_file_and_quiet_nothing(photos: Path) -> None:
    shutil.copy(photos / "in/camera.png", photos / "in/broken.png")
    os.truncate(photos / "in/broken.png", 9000)
    command = ["in", "-o", "out", "--filter", "box", "--exists", "overwrite"]
    told = batch(photos, *command, "-v").stderr
    assert "done: in/camera.png -> out/camera.png" in told
    assert "failed: cannot read in/broken.png: " in told
    quiet = batch(photos, *command, "-q")
    assert quiet.returncode == 1
    (line,) = quiet.stderr.splitlines()
    assert line.startswith("failed: ")
    assert "broken.png" in line


def test_update_makes_anew_what_has_changed(photos: Path) -> None:
    command = ["in", "-o", "out", "--filter", "box", "--exists", "update", "-v"]
    assert "2 done" in batch(photos, *command).stderr
    Image.fromarray(data.coins()).save(photos / "in/camera.png")
    done = batch(photos, *command)
    assert done.returncode == 0
    assert "1 done, 1 skipped" in done.stderr
    assert "time by stage: read " in done.stderr
    expected = rounded(ndimage.uniform_filter(data.coins().astype(float), 3))
    assert np.abs(pixels(photos / "out/camera.png") - expected).max() <= 1


def test_a_file_that_does_not_fit_is_named_with_what_it_needs(photos: Path) -> None:
    command = ["in", "-o", "out", "--filter", "box", "--memory", "2M"]
    done = batch(photos, *command)
    assert done.returncode == 1
    assert "in/camera.png needs about 1." in done.stderr
    assert "leaves 0.5 MiB" in done.stderr
    assert batch(photos, *command[:-1], "1G").returncode == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--memory", "much"], "memory='much' must be a number of bytes above 0"),
        (["--retries", "-1"], "must be an integer from 0"),
        (["--device", "cpu,cuda:0"], "cuda:0"),
    ],
)
def test_options_of_a_run_are_checked_before_any_work(
    photos: Path, flags: list[str], message: str
) -> None:
    done = batch(photos, "in", "-o", "out", "--filter", "box", *flags)
    assert done.returncode in (2, 4)
    assert message in done.stderr
    assert not (photos / "out").exists()
