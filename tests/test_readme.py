"""What the README says can be done, done: its command lines, its Python, its files."""

from __future__ import annotations

import doctest
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cuda_on_cpu
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageSequence
from scipy import ndimage, signal
from skimage import feature, filters

import gpuconv as gc
from gpuconv.backends.cuda import runtime

Pixels = NDArray[Any]
Filter = Callable[[Pixels], Pixels]

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
BLOCKS = {
    language: re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    for language in ("console", "pycon", "python")
}
COMMANDS, RUNS = ([line[2:] for line in block.splitlines()] for block in BLOCKS["console"])
FIRST, LARGE, LAZY, AT_ONCE, BEYOND, SWAPPED, UNTOUCHED, ON_A_GPU = BLOCKS["python"]


def gaussian(pixels: Pixels, sigma: float) -> Pixels:
    return ndimage.gaussian_filter(pixels, sigma, truncate=4, mode="reflect")


def unsharp(pixels: Pixels, sigma: float, amount: float) -> Pixels:
    return (1 + amount) * pixels - amount * gaussian(pixels, sigma)


def sharpen(pixels: Pixels) -> Pixels:
    return ndimage.convolve(pixels, np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]), mode="mirror")


def difference_of_gaussians(pixels: Pixels) -> Pixels:
    return 32768 + gaussian(pixels, 1) - gaussian(pixels, 3)


#: SciPy's way to do what each command line of the README does, on float64 pixels of one channel.
SCIPY: dict[str, Filter] = {
    "out": lambda p: gaussian(p, 3),
    "edges": lambda p: np.abs(ndimage.sobel(p, axis=1, mode="reflect")),
    "sharp": lambda p: unsharp(gaussian(p, 1), 4, 0.8),
    "kernel": sharpen,
    "soft": lambda p: ndimage.uniform_filter(p, 9, mode="reflect"),
    "stars": difference_of_gaussians,
    "calm": lambda p: ndimage.median_filter(p, 5, mode="reflect"),
    "strength": lambda p: (
        np.hypot(*(ndimage.sobel(p, axis, mode="reflect") for axis in (0, 1))) / 4
    ),
}


def frames(path: Path) -> list[Pixels]:
    """Return the frames of a file as Pillow sees them; a palette of greys counts as grey."""
    with Image.open(path) as opened:
        every = [frame.copy() for frame in ImageSequence.Iterator(opened)]
    return [np.asarray(f.convert("L") if f.mode in ("P", "RGB") and grey(f) else f) for f in every]


def grey(picture: Image.Image) -> bool:
    red, green, blue = np.moveaxis(np.asarray(picture.convert("RGB")), -1, 0)
    return bool((red == green).all() and (green == blue).all())


def filtered(pixels: Pixels, filter_: Filter) -> Pixels:
    """Return what SciPy gives for all channels, not rounded; colour is weighted by its alpha."""
    if pixels.ndim == 2:
        return filter_(pixels.astype(float))
    channels = np.moveaxis(weighted(pixels), -1, 0)
    result = np.dstack([filter_(channel) for channel in channels])
    if result.shape[-1] == 4:
        result[..., :3] *= 255 / np.maximum(result[..., 3:], 1e-9)
    return result


def weighted(pixels: Pixels) -> Pixels:
    """Return pixels with their colour weighted by alpha, where hidden colour does not count."""
    pixels = pixels.astype(float)
    if pixels.ndim == 3 and pixels.shape[-1] == 4:
        pixels[..., :3] *= pixels[..., 3:] / 255
    return pixels


def as_stored(want: Pixels, path: Path) -> Pixels:
    """Return what a file of that kind holds: rounded, in range, and for JPEG coded like it."""
    top = 65535 if path.suffix == ".tif" else 255
    whole = np.rint(want).clip(0, top)
    if path.suffix != ".jpg":
        return whole
    copy = path.with_name("scipy.jpeg")
    with Image.open(path) as opened:
        tables = opened.quantization
    Image.fromarray(whole.astype(np.uint8)).save(copy, qtables=tables, subsampling=sampling(path))
    return pixels_of(copy, "RGB")


def pixels_of(path: Path, mode: str) -> Pixels:
    with Image.open(path) as opened:
        return np.asarray(opened.convert(mode), float)


def sampling(path: Path) -> int:
    from PIL import JpegImagePlugin

    with Image.open(path) as opened:
        return JpegImagePlugin.get_sampling(opened)


def test_eight_command_lines_are_shown() -> None:
    assert len(COMMANDS) == 8
    assert [re.search(r"-o (\w+)/", line).group(1) for line in COMMANDS] == list(SCIPY)  # type: ignore[union-attr]


@pytest.mark.parametrize("line", COMMANDS)
def test_command_lines_give_what_scipy_gives(line: str, workplace: Path, shell: Any) -> None:
    done = shell(line, workplace)
    assert done.returncode == 0, done.stderr
    name = re.search(r"-o (\w+)/", line).group(1)  # type: ignore[union-attr]
    outputs = [path for path in sorted((workplace / name).rglob("*")) if path.suffix in KINDS]
    assert outputs
    for output in outputs:
        source = next((workplace / "samples").glob(re.split("[_.]", output.name)[0] + ".*"))
        inputs = frames(source)
        if "--grey" in line:
            inputs = [pixels_of(source, "L")]
        compare(inputs, output, SCIPY[name])


KINDS = {".gif", ".jpg", ".png", ".tif"}


def compare(inputs: list[Pixels], output: Path, filter_: Filter) -> None:
    """Compare every frame; a JPEG's own rounding can make one level two."""
    results = frames(output)
    assert len(results) == len(inputs)
    for pixels, result in zip(inputs, results, strict=True):
        want = as_stored(filtered(pixels, filter_), output)
        difference = np.abs(weighted(result) - weighted(want))
        assert difference.max() <= (2 if output.suffix == ".jpg" else 1), output
        assert difference.mean() < 0.3


def test_the_summary_of_the_third_is_written(workplace: Path, shell: Any) -> None:
    assert shell(COMMANDS[2], workplace).returncode == 0
    assert json.loads((workplace / "sharp.json").read_text("utf-8"))


def test_the_same_command_again_does_nothing_new(workplace: Path, shell: Any) -> None:
    assert shell(COMMANDS[0], workplace).returncode == 0
    before = {path: path.stat().st_mtime_ns for path in (workplace / "out").glob("*.*g")}
    assert shell(COMMANDS[0], workplace).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in (workplace / "out").glob("*.*g")} == before


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("gpuconv filters", "gaussian"),
        ("gpuconv show gaussian --sigma 2", ""),
        ("gpuconv plan --shape 4096x4096 --filter gaussian --sigma 3", "separable"),
        ("gpuconv info", "cuda"),
        ("gpuconv batch --help", "--exists"),
    ],
)
def test_the_other_commands_work(line: str, says: str, workplace: Path, shell: Any) -> None:
    assert f"`{line}`" in " ".join(README.split())
    done = shell(line, workplace)
    assert done.returncode == 0, done.stderr
    assert says in done.stdout


def test_a_device_that_is_not_there_is_said(workplace: Path, shell: Any) -> None:
    done = shell("GPUCONV_NO_GPU=1 " + COMMANDS[3] + " --device cuda:0", workplace)
    assert done.returncode == 4
    assert "cuda" in done.stderr


def test_the_python_runs(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_python(workplace, monkeypatch, [FIRST])
    coffee = pixels_of(Path("samples/coffee.jpg"), "RGB")
    written = pixels_of(Path("coffee_blurred.png"), "RGB")
    assert np.abs(written - gaussian_of_colour(coffee)).max() <= 1
    assert np.abs(names["sharp"] - sharpen(names["grey"].astype(float))).max() < 1e-2
    assert names["edges"].shape == coffee.shape[:2]


def test_what_is_done_in_one_pass(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_python(workplace, monkeypatch, [FIRST, AT_ONCE])
    grey = names["grey"]
    sobel = [ndimage.sobel(names["photo"].grey().pixels.astype(float), axis) for axis in (0, 1)]
    assert np.abs(names["strength"] - np.hypot(*sobel).clip(0, 255)).max() <= 1
    assert names["features"].shape == (4, *grey.shape)
    assert abs(float(names["relief"].mean()) - 128) < 2
    assert np.isnan(names["holes"]).any()
    assert np.isfinite(names["filled"]).all()
    counted = (grey < 250).astype(float)
    over = ndimage.uniform_filter(counted, 9)
    wanted = ndimage.uniform_filter(counted * grey, 9)[over > 0.01] / over[over > 0.01]
    np.testing.assert_allclose(names["inside"][over > 0.01], wanted, rtol=1e-4)


def test_what_is_more_than_sums(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_python(workplace, monkeypatch, [FIRST, BEYOND])
    coffee = pixels_of(Path("samples/coffee.jpg"), "RGB")
    assert (names["calm"] == ndimage.median_filter(coffee, (5, 5, 1))).all()
    sobel = [ndimage.sobel(names["grey"].astype(float), axis) for axis in (0, 1)]
    np.testing.assert_allclose(names["steepness"], np.hypot(*sobel), rtol=1e-5, atol=1e-2)
    assert names["smooth"].shape == coffee.shape
    assert names["lines"].dtype == bool
    assert names["gain"] > 3


def test_the_restored_photograph_is_as_good_as_shown(root: Path, tmp_path: Path) -> None:
    script, picture = root / "samples" / "restore.py", tmp_path / "restored.png"
    done = subprocess.run(
        [sys.executable, script, "--output", picture], capture_output=True, text=True, check=True
    )
    printed = re.findall(r"([\d.]+) dB, SSIM ([\d.]+) +band +(\d+)", done.stdout)
    shown = re.findall(r"\| ([\d.]+) dB \| ([\d.]+) \| ([\d,]+) \|", README)
    assert len(printed) == len(shown) == 5
    found = np.array(printed, float)
    told = np.array([[part.replace(",", "") for part in row] for row in shown], float)
    np.testing.assert_allclose(found[:, :2], told[:, :2], atol=0.11)
    np.testing.assert_allclose(found[:, 2], told[:, 2], rtol=0.05)
    with Image.open(picture) as made, Image.open(root / "notebooks" / "restored.png") as kept:
        assert made.size == kept.size


def test_five_plans_are_explained_as_they_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPUCONV_NUM_THREADS", "2")
    [block] = BLOCKS["pycon"]
    shown = doctest.DocTestParser().get_doctest(block, {}, "README", "README.md", 0)
    assert sum("explain()" in example.source for example in shown.examples) == 5
    report = list[str]()
    doctest.DocTestRunner(verbose=False).run(shown, out=report.append)
    assert report == []


def run_python(workplace: Path, monkeypatch: Any, blocks: list[str]) -> dict[str, Any]:
    monkeypatch.chdir(workplace)
    names: dict[str, Any] = {}
    for source in blocks:
        exec(source, names)
    return names


def test_large_images_are_filtered_as_a_whole_would_be(workplace: Path, shell: Any) -> None:
    for line in RUNS:
        done = shell(line, workplace)
        assert done.returncode == 0, done.stderr
    image = frames(workplace / "samples" / "hubble.tif")[0]
    soft = np.asarray(gc.open_image(workplace / "soft.tif"))
    assert np.abs(soft - gaussian(image.astype(float), 8)).max() <= 0.51
    calm = np.asarray(gc.open_image(workplace / "calm.zarr"))
    between = gaussian(image.astype(np.float32), 2)
    assert np.abs(calm - ndimage.median_filter(between, 5)).max() <= 0.6
    assert json.loads((workplace / "steep.json").read_text("utf-8"))
    assert (workplace / "steep.png").exists()
    assert "Mpixel" in done.stdout or "tiles" in done.stdout
    assert not (workplace / "smooth.tif").exists()


def test_the_python_for_large_images_runs(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_python(workplace, monkeypatch, [FIRST, LARGE, LAZY])
    assert names["summary"].status == "done"
    whole = gc.Chain.parse(["gaussian:sigma=8", "median:size=5"])(
        gc.read_image("samples/hubble.tif").pixels
    )
    assert (names["corner"] == whole[:64, -64:]).all()
    calm = gc.median(names["grey"], 5, border="wrap")
    assert (names["edges_of_calm"].compute() == gc.sobel(calm)).all()
    assert names["both"].compute().shape == names["grey"].shape


def test_code_for_other_libraries_runs(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_python(workplace, monkeypatch, [FIRST, SWAPPED, UNTOUCHED])
    grey = names["grey"]
    smooth = ndimage.gaussian_filter(grey, 2)
    np.testing.assert_allclose(names["smooth"], smooth, rtol=1e-6)
    assert names["spots"] == ndimage.label(names["smooth"] > 200)[1]
    mean = signal.fftconvolve(grey, np.ones((9, 9)) / 81, mode="same")
    np.testing.assert_allclose(names["echo"], mean, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(names["edges"], filters.sobel(grey / 255), rtol=1e-5, atol=1e-6)
    assert (names["bytes_"] == cv2.GaussianBlur(grey.astype(np.uint8), (5, 5), 0)).all()
    assert (names["lines"] == feature.canny(grey, sigma=2)).mean() > 0.9999
    corners = feature.corner_harris(grey)
    np.testing.assert_allclose(names["corners"], corners, rtol=1e-4, atol=1e-4 * corners.max())


@pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())
def test_the_python_for_a_gpu_runs(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NumPy in CuPy's place, and the kernels on the CPU."""
    monkeypatch.setitem(sys.modules, "cupy", np)
    with runtime.use(cuda_on_cpu.CpuRuntime(mode="fast")) as cpu:
        names = run_python(workplace, monkeypatch, [FIRST, AT_ONCE, BEYOND, ON_A_GPU])
    assert cpu.launches
    np.testing.assert_allclose(
        names["edges"], gc.convolve(names["grey"], gc.kernels.sobel_x()), rtol=1e-4, atol=1e-2
    )


def gaussian_of_colour(pixels: Pixels) -> Pixels:
    return np.dstack([gaussian(channel, 3) for channel in np.moveaxis(pixels, -1, 0)])


def test_files_that_are_named_exist(root: Path) -> None:
    links = re.findall(r"\]\(([\w/.]+)\)", README)
    assert len(links) > 4
    assert [link for link in links if not (root / link).exists()] == []


def test_the_two_commands_come_first() -> None:
    first = README[: README.index("## ")]
    assert "make demo" in first
    assert "make test" in first
