from __future__ import annotations

import errno
import os
import resource
import tempfile
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from skimage import data

from gpuconv.batch import BatchOptions, plan_jobs, preview_jobs, run_jobs, work
from gpuconv.batch.codecs import Codecs
from gpuconv.batch.work import Stopwatch, reason_of
from gpuconv.errors import ArgumentError, GpuconvError

CAT = data.chelsea()[60:108, 100:164]
FILMED = [np.roll(CAT, n, axis=1) for n in (0, 9, 20)]


def same(pixels):
    return pixels


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(name, pixels=CAT, **options):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(pixels).save(name, **options)


def run_one(transform=same, **options):
    """Run over the only input, and return its result and the pixels of its output."""
    result = run_jobs(plan_jobs("s", "out"), transform, BatchOptions(**options)).results[0]
    if result.status != "done":
        return result, None
    with Pillow.open(result.output) as image:
        return result, np.asarray(image)


def test_pixels_are_let_go_of_as_soon_as_nothing_needs_them(monkeypatch):
    save("s/cat.png")
    before, after, alive = [], [], []

    def inverted(pixels):
        before.append(weakref.ref(pixels))
        result = 255 - pixels
        after.append(weakref.ref(result))
        return result

    def note(stage, refs, function):
        def noting(*arguments, **options):
            alive.append((stage, [ref() is not None for ref in refs]))
            return function(*arguments, **options)

        return noting

    monkeypatch.setattr(Codecs, "encode", note("encode", before, Codecs.encode))
    monkeypatch.setattr(work, "_put", note("write", after, work._put))
    run_one(inverted)
    assert alive == [("encode", [False]), ("write", [False])]


def test_grey_comes_before_the_filter():
    save("s/cat.png")
    seen = []
    _, made = run_one(lambda pixels: seen.append(pixels.shape) or pixels, grey=True)
    assert seen == [CAT.shape[:2]]
    assert np.array_equal(made, np.asarray(Pillow.fromarray(CAT).convert("L")))


def test_grey_that_the_suffix_cannot_hold_gets_another():
    save("s/cat.ppm")
    plan = plan_jobs("s", "out")
    options = BatchOptions(grey=True)
    foreseen = preview_jobs(plan, options).results[0]
    made = run_jobs(plan, same, options).results[0]
    assert (made.status, made.output) == ("done", Path("out/cat.ppm.png"))
    assert (foreseen.output, foreseen.warning) == (made.output, made.warning)


def test_linear_light():
    save("s/cat.png")
    seen = []
    _, made = run_one(lambda pixels: seen.append(pixels.dtype.kind) or pixels, linear=True)
    assert seen == ["f"]
    assert np.abs(made.astype(int) - CAT).max() <= 1


@pytest.mark.parametrize("alpha", ["premultiply", "straight"])
def test_alpha(alpha):
    cover = np.zeros((*CAT.shape[:2], 1), np.uint8)
    cover[:, 20:] = 255
    save("s/cut.png", np.concatenate([CAT, cover], axis=2))
    seen = []
    run_one(lambda pixels: seen.append(pixels) or pixels, alpha=alpha)
    hidden = seen[0][:, :20, :3]
    assert np.any(hidden) == (alpha == "straight")


def film():
    first, *more = map(Pillow.fromarray, FILMED)
    Path("s").mkdir()
    first.save("s/film.webp", save_all=True, append_images=more, lossless=True, duration=70)


def test_all_frames_or_the_first():
    film()
    result, _ = run_one()
    with Pillow.open("out/film.webp") as made:
        assert made.n_frames == 3
    assert result.pixels == 3 * CAT.shape[0] * CAT.shape[1]
    result, made = run_one(frames="first", exists="overwrite")
    with Pillow.open("out/film.webp") as image:
        assert image.n_frames == 1
    assert result.pixels == CAT.shape[0] * CAT.shape[1]
    assert np.array_equal(made, CAT)


def test_metadata_are_kept_or_not():
    exif = Pillow.Exif()
    exif[0x013B] = "An artist"
    save("s/cat.png", exif=exif)
    run_one()
    with Pillow.open("out/cat.png") as made:
        assert made.getexif()[0x013B] == "An artist"
    run_one(keep_metadata=False, exists="overwrite")
    with Pillow.open("out/cat.png") as made:
        assert not made.getexif()


def test_orientation_is_applied_or_kept():
    exif = Pillow.Exif()
    exif[0x0112] = 6
    save("s/cat.png", exif=exif)
    _, made = run_one()
    assert np.array_equal(made, np.rot90(CAT, -1))
    _, made = run_one(orient="keep", exists="overwrite")
    assert np.array_equal(made, CAT)


def test_a_size_limit():
    save("s/cat.png")
    result, _ = run_one(max_pixels=1000)
    assert result.status == "failed"
    assert "over the limit of max_pixels=1000" in result.error
    assert run_one(max_pixels=None)[0].status == "done"


def test_a_truncated_image_is_salvaged_on_demand_and_marked():
    save("s/cat.jpg", np.tile(CAT, (4, 4, 1)))
    whole = Path("s/cat.jpg").read_bytes()
    Path("s/cat.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    result, _ = run_one()
    assert result.status == "failed"
    assert not Path("out/cat.jpg").exists()
    result, made = run_one(salvage=True)
    assert result.status == "done"
    assert "truncated" in result.warning
    assert made.shape == (4 * CAT.shape[0], 4 * CAT.shape[1], 3)


def test_a_file_that_takes_too_long():
    save("s/cat.png")
    result, _ = run_one(lambda pixels: time.sleep(0.3) or pixels, timeout=0.2)
    assert result.error == "took longer than timeout=0.2 s"
    assert result.seconds["filter"] > 0.2
    assert not Path("out/cat.png").exists()
    assert run_one(timeout=60)[0].status == "done"


def test_a_stopwatch_adds_up():
    watch = Stopwatch()
    for name in ("read", "filter", "filter"):
        with watch.stage(name):
            time.sleep(0.002)
    assert list(watch.seconds) == ["read", "filter"]
    assert watch.seconds["filter"] >= 0.004
    with pytest.raises(ZeroDivisionError), watch.stage("write"):
        _ = 1 / 0
    assert "write" in watch.seconds
    watch.limit = 0.001
    with pytest.raises(GpuconvError, match=r"took longer than timeout=0.001 s"), watch.stage("x"):
        pytest.fail("the stage was started")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError("x"), "not enough memory"),
        (GpuconvError("as it is"), "as it is"),
        (OSError(28, "No space left", "a.png"), "[Errno 28] No space left: 'a.png'"),
        (OSError(), "OSError"),
        (IndexError("list index\nout of range"), "IndexError: list index out of range"),
    ],
)
def test_reasons_are_one_line(error, reason):
    assert reason_of(error) == reason


def test_a_full_disk_fails_the_files_that_do_not_fit():
    save("s/big.png", np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8))
    save("s/small.png", CAT[:4, :4])
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))
    try:
        summary = run_jobs(plan_jobs("s", "out"), same)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert [result.status for result in summary.results] == ["failed", "done"]
    assert "out/big.png" in summary.results[0].error
    assert "File too large" in summary.results[0].error
    assert sorted(name for name in os.listdir("out") if name[0] != ".") == ["small.png"]


def test_an_output_folder_that_cannot_be_made():
    save("s/cat.png")
    Path("file").write_text("x")
    calls = []
    for target, reason in (("file", "it is a file"), ("file/out", "Not a directory")):
        said = rf"output_dir='{target}' cannot be written to: {reason}"
        with pytest.raises(ArgumentError, match=said):
            run_jobs(plan_jobs("s", target), calls.append)
    assert calls == []


def test_an_output_folder_that_is_read_only(monkeypatch):
    save("s/cat.png")

    def refuse(**options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), options["dir"])

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(ArgumentError, match=r"output_dir='out' cannot be written to: Read-only"):
        run_jobs(plan_jobs("s", "out"), same)


def test_a_subfolder_that_cannot_be_made():
    save("s/cat.png")
    save("s/sub/cat.png")
    Path("out").mkdir()
    Path("out/sub").write_text("in the way")
    summary = run_jobs(plan_jobs("s", "out", recursive=True), same)
    assert [result.status for result in summary.results] == ["done", "failed"]
    assert "out/sub" in summary.results[1].error
