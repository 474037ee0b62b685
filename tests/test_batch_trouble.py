"""Errors of disks: those that pass, a disk that is full, and files that do not fit into memory."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image as Pillow
from skimage import data

from gpuconv.batch import BatchOptions, plan_jobs, run_jobs, trouble, work
from gpuconv.batch.journal import JOURNAL_NAME
from gpuconv.batch.large import obstacle
from gpuconv.batch.need import need_of
from gpuconv.batch.trouble import patiently
from gpuconv.errors import ArgumentError, ImageFileError
from gpuconv.filters import Chain
from gpuconv.streaming.memory import BASELINE
from gpuconv.streaming.retry import disk_full

CAT = data.chelsea()[60:108, 100:164]
BLUR = Chain.parse(["gaussian:sigma=2"])


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    left = [path.name for path in tmp_path.rglob(".*") if path.name != JOURNAL_NAME]
    assert left == []


@pytest.fixture
def pauses(monkeypatch):
    """Nobody waits; how long they would have is noted."""
    noted = []
    monkeypatch.setattr(trouble, "time", SimpleNamespace(sleep=noted.append))
    return noted


def save_many(count):
    Path("s").mkdir()
    for n in range(count):
        Pillow.fromarray(np.roll(CAT, n, axis=0)).save(f"s/{n}.png")


def run(transform=BLUR, **options):
    options = BatchOptions(**{"spec": "blur", "jobs": 1, **options})
    return run_jobs(plan_jobs("s", "out"), transform, options)


def statuses(summary):
    return [result.status for result in summary.results]


def contents(folder):
    return {
        path.name: path.read_bytes() for path in Path(folder).glob("*.*") if path.name[0] != "."
    }


def error_of(number):
    return OSError(number, os.strerror(number))


class Flaky:
    """Opens files, but not the first times."""

    def __init__(self, *numbers):
        self.numbers = list(numbers)

    def __call__(self, path, *mode):
        if str(path).endswith("1.png") and self.numbers:
            raise error_of(self.numbers.pop(0))
        return open(path, *mode)


# Errors that pass


@pytest.mark.parametrize("name", ["EIO", "ESTALE", "ETIMEDOUT", "EAGAIN"])
def test_reading_is_tried_again(name, monkeypatch, pauses):
    save_many(3)
    number = getattr(errno, name)
    monkeypatch.setattr(work, "open", Flaky(number, number), raising=False)
    summary = run()
    assert statuses(summary) == ["done"] * 3
    assert pauses == [0.1, 0.2]
    assert summary.results[1].warning == "read at try 3, after errors of the file system"
    assert summary.results[0].warning is None


def test_it_is_not_tried_for_ever(monkeypatch, pauses):
    save_many(3)
    monkeypatch.setattr(work, "open", Flaky(*[errno.EIO] * 9), raising=False)
    summary = run(retries=2)
    assert statuses(summary) == ["done", "failed", "done"]
    assert summary.results[1].error == "cannot read s/1.png: Input/output error"
    assert len(pauses) == 2
    assert run(retries=0, exists="overwrite").counts["failed"] == 1


@pytest.mark.parametrize("name", ["ENOENT", "EACCES", "EISDIR"])
def test_an_answer_that_stays_is_taken(name, monkeypatch, pauses):
    save_many(2)
    monkeypatch.setattr(work, "open", Flaky(getattr(errno, name)), raising=False)
    assert statuses(run()) == ["done", "failed"]
    assert pauses == []


def failing_writes(monkeypatch, *numbers, name="1.png"):
    """Let writing to a name fail so many times, each time with half of the file written."""
    numbers, real = list(numbers), work.replacing

    @contextmanager
    def replacing(path):
        with real(path) as file:
            if path.name == name and numbers:
                file.write(b"half of it")
                raise error_of(numbers.pop(0))
            yield file

    monkeypatch.setattr(work, "replacing", replacing)


def test_writing_is_tried_again_and_comes_out_whole(monkeypatch, pauses):
    save_many(3)
    run()
    whole = contents("out")
    failing_writes(monkeypatch, errno.EIO, errno.ESTALE)
    summary = run(exists="overwrite")
    assert statuses(summary) == ["done"] * 3
    assert summary.results[1].warning == "written at try 3, after errors of the file system"
    assert contents("out") == whole


def test_patience_has_an_end_and_keeps_other_errors(pauses):
    notes = []
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        patiently(lambda: (_ for _ in ()).throw(error_of(errno.EIO)), 1, notes, "read")
    with pytest.raises(ZeroDivisionError):
        patiently(lambda: 1 / 0, 3, notes, "read")
    assert (notes, len(pauses)) == ([], 1)


@pytest.mark.parametrize("retries", [-1, 1.5, True])
def test_retries_are_counted(retries):
    with pytest.raises(ArgumentError, match=f"retries={retries}: an integer, 0 or more"):
        BatchOptions(retries=retries)


# A disk that is full


@pytest.mark.parametrize("name", ["ENOSPC", "EDQUOT"])
def test_a_full_disk_ends_the_batch_and_a_later_run_goes_on(name, monkeypatch, pauses):
    save_many(6)
    with monkeypatch.context() as patch:
        failing_writes(patch, *[getattr(errno, name)] * 9, name="2.png")
        summary = run()
    assert statuses(summary) == ["done", "done", "failed", *["not_run"] * 3]
    assert summary.exit_code == 5
    assert summary.as_dict()["stopped"] == "disk full"
    assert not summary.interrupted
    assert summary.notices == (
        "stopped as the disk is full: 3 files were not started; the same call goes on with them",
    )
    assert os.strerror(getattr(errno, name)) in summary.results[2].error
    assert sorted(contents("out")) == ["0.png", "1.png"]
    assert pauses == []
    again = run()
    assert statuses(again) == ["skipped", "skipped", *["done"] * 4]
    assert again.exit_code == 0


def test_files_at_work_are_finished_when_the_disk_is_full(monkeypatch):
    save_many(12)
    failing_writes(monkeypatch, *[errno.ENOSPC] * 9, name="3.png")
    summary = run(jobs=3)
    counts = summary.counts
    assert (counts["failed"], summary.exit_code) == (1, 5)
    assert counts["done"] + counts["not_run"] == 11
    assert len(contents("out")) == counts["done"]


def test_a_disk_that_is_full_at_the_last_file_is_told_too(monkeypatch):
    save_many(2)
    failing_writes(monkeypatch, errno.ENOSPC)
    assert run().exit_code == 5


def test_in_place_a_full_disk_loses_nothing(monkeypatch):
    save_many(2)
    before = contents("s")
    failing_writes(monkeypatch, errno.ENOSPC, name="0.png")
    summary = run_jobs(plan_jobs("s", in_place=True), BLUR, BatchOptions(jobs=1, spec="blur"))
    assert statuses(summary) == ["failed", "not_run"]
    assert contents("s") == before
    again = run_jobs(plan_jobs("s", in_place=True), BLUR, BatchOptions(jobs=1, spec="blur"))
    assert statuses(again) == ["done", "done"]


def test_a_journal_line_that_was_cut_short_does_no_harm(monkeypatch):
    save_many(3)
    from gpuconv.batch import journal

    class Short:
        def __init__(self, *told, **options):
            self.file = open(*told, **options)  # noqa: SIM115 — closed below

        def __enter__(self):
            return self

        def __exit__(self, *told):
            self.file.close()

        def write(self, line):
            return self.file.write(line[:20])

    with monkeypatch.context() as patch:
        patch.setattr(journal, "open", Short, raising=False)
        summary = run()
    assert statuses(summary) == ["done"] * 3
    assert any("journal.jsonl cannot be written: No space" in n for n in summary.notices)
    assert statuses(run(exists="overwrite")) == ["done"] * 3
    assert [result.outdated for result in run(spec="other").results] == [True] * 3


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "x"), True),
        (OSError("x"), False),
        (OSError(errno.EFBIG, "x"), False),
        (ValueError("x"), False),
    ],
)
def test_a_full_disk_is_told_from_other_errors(error, full):
    assert disk_full(error) is full
    wrapped = ImageFileError("cannot write")
    wrapped.__cause__ = error
    assert disk_full(wrapped) is full


# Files that do not fit


def save_large(name="s/large.tif", **options):
    Path("s").mkdir(exist_ok=True)
    pixels = np.tile(CAT, (42, 32, 1))
    Pillow.fromarray(pixels).save(name, **options)
    return pixels


#: With this, files of 12 MB of pixels do not fit, but tiles of them do.
SHORT = BASELINE + 24 * 2**20


@pytest.mark.parametrize("options", [{}, {"compression": "tiff_deflate"}])
def test_a_tiff_that_does_not_fit_is_filtered_in_parts_with_the_same_bits(options):
    pixels = save_large(**options)
    summary = run(memory=SHORT)
    (result,) = summary.results
    assert (result.status, result.pixels) == ("done", pixels.shape[0] * pixels.shape[1])
    assert "filter" in result.seconds
    assert "decode" not in result.seconds
    with Pillow.open("out/large.tif") as made:
        assert np.array_equal(np.asarray(made), BLUR(pixels))
        assert made.info.get("compression", "raw") in ("raw", "tiff_adobe_deflate")
    assert statuses(run(memory=SHORT)) == ["skipped"]


def test_what_cannot_be_filtered_in_parts_fails_and_says_what_it_needs():
    save_large()
    save_large("s/large.png")
    save_large("s/many.tif", save_all=True, append_images=[Pillow.fromarray(CAT)])
    summary = run(memory=SHORT, jobs=3)
    assert statuses(summary) == ["failed", "done", "failed"]
    assert "s/large.png needs about 6" in summary.results[0].error
    assert "MiB of memory, of which memory (--memory) leaves " in summary.results[0].error
    assert "only a TIFF file of one upright page" in summary.results[0].error
    assert sorted(contents("out")) == ["large.tif"]
    assert statuses(run(memory="1G")) == ["done", "skipped", "done"]


def test_a_filter_of_the_whole_image_needs_it_whole():
    save_large()
    summary = run(Chain.parse(["canny"]), memory=SHORT)
    assert "this filter needs the whole image" in summary.results[0].error
    assert "this filter needs the whole image" in run(lambda p: p, memory=SHORT).results[0].error


def test_without_a_limit_of_the_callers_nothing_is_refused(monkeypatch):
    from gpuconv.batch import run as module

    save_large("s/large.png")
    monkeypatch.setattr(module, "budget", lambda memory: SHORT)
    assert statuses(run()) == ["done"]


def test_a_stop_leaves_a_large_file_for_the_next_run():
    save_large()
    stop, plan = threading.Event(), plan_jobs("s", "out")
    stop.set()
    options = BatchOptions(memory=SHORT, jobs=1)
    assert statuses(run_jobs(plan, BLUR, options, stop=stop)) == ["not_run"]
    assert statuses(run_jobs(plan, BLUR, options)) == ["done"]


def test_obstacles():
    save_large()
    (job,) = plan_jobs("s", "out")
    need = need_of(job.input, BatchOptions(), BLUR)
    assert obstacle(job, need, BatchOptions(), BLUR) == ""
    assert "in place" in obstacle(job, need, BatchOptions(keep_metadata=False), BLUR)
    (to_png,) = plan_jobs("s", "out", name_template="{stem}.png")
    assert "only a TIFF" in obstacle(to_png, need, BatchOptions(), BLUR)
    (in_place,) = plan_jobs("s", in_place=True)
    assert "in place" in obstacle(in_place, need, BatchOptions(), BLUR)


@pytest.mark.parametrize("memory", ["much", 0, -5, True, 1.5])
def test_memory_is_bytes(memory):
    with pytest.raises((ArgumentError, TypeError), match=f"memory={memory!r} must be a number of"):
        BatchOptions(memory=memory)


@pytest.mark.parametrize(
    ("name", "frames"), [("a.png", 1), ("a.jpg", 1), ("a.tif", 3), ("a.webp", 3), ("a.ppm", 1)]
)
def test_a_need_counts_all_samples(name, frames):
    more = [Pillow.fromarray(np.roll(CAT, 5 * n, 1)) for n in range(1, frames)]
    options = {"save_all": True, "append_images": more} if more else {}
    Pillow.fromarray(np.roll(CAT, 9, 0)).save(name, **options)
    found = need_of(Path(name), BatchOptions(), BLUR)
    once = need_of(Path(name), BatchOptions(frames="first"), BLUR)
    size = Path(name).stat().st_size
    assert found.bytes - size == pytest.approx(frames * (once.bytes - size), rel=1e-3)
    assert 5 * CAT.size <= once.bytes - size < 8 * CAT.size
    assert found.divisible is False
    floats = need_of(Path(name), BatchOptions(linear=True), BLUR)
    assert floats.bytes > 3 * found.bytes


def test_a_need_of_a_file_that_is_no_image_is_its_size():
    Path("x.png").write_bytes(b"no image")
    assert need_of(Path("x.png"), BatchOptions(), BLUR).bytes == 8
    with pytest.raises(ImageFileError, match=r"cannot read gone.png: No such file"):
        need_of(Path("gone.png"), BatchOptions(), BLUR)
