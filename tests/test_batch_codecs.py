"""Formats whose codecs let no other thread run: decoded and encoded in processes of their own."""

from __future__ import annotations

import io
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import features
from skimage import data

from gpuconv.batch import BatchOptions, codecs, plan_jobs, run_jobs
from gpuconv.batch.codecs import Codecs, Helper
from gpuconv.errors import ImageFileError

pytestmark = pytest.mark.skipif(not features.check("jpg_2000"), reason="Pillow without JPEG 2000")

CAT = data.chelsea()[60:108, 100:164]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(codecs, "_WORTH_A_HELPER", 0.0)
    return tmp_path


@pytest.fixture
def started(monkeypatch):
    """The helpers that were started."""
    helpers = []

    class Noted(Helper):
        def __init__(self):
            super().__init__()
            helpers.append(self)

    monkeypatch.setattr(codecs, "Helper", Noted)
    yield helpers
    for helper in helpers:
        helper.close()


def save(name, **options):
    Path("s").mkdir(exist_ok=True)
    Pillow.fromarray(CAT).save(f"s/{name}", **options)


def test_files_are_the_same_with_helpers_and_without(started):
    for n in range(4):
        save(f"{n}.jp2")
    save("4.png")
    Path("s/5.jp2").write_bytes(Path("s/0.jp2").read_bytes()[:200])
    made = []
    for name, jobs in (("alone", 1), ("helped", 2)):
        plan = plan_jobs("s", name)
        summary = run_jobs(plan, lambda pixels: 255 - pixels, BatchOptions(jobs=jobs))
        assert [result.status for result in summary.results] == ["done"] * 5 + ["failed"]
        assert "cannot read s/5.jp2" in summary.results[5].error
        made.append([job.output.read_bytes() for job in list(plan)[:5]])
        assert len(started) == (0 if jobs == 1 else len(started))
    assert made[0] == made[1]
    assert 1 <= len(started) <= 2
    assert all(helper._process.returncode == 0 for helper in started)


def test_no_helper_is_started_before_it_is_worth_it(monkeypatch, started):
    monkeypatch.setattr(codecs, "_WORTH_A_HELPER", 60.0)
    save("a.jp2")
    save("b.png")
    summary = run_jobs(plan_jobs("s", "out"), lambda pixels: pixels, BatchOptions(jobs=2))
    assert summary.counts["done"] == 2
    assert started == []


def test_a_helper_that_dies_fails_one_file_and_another_takes_over(started):
    save("a.jp2")
    path, data = Path("s/a.jp2"), Path("s/a.jp2").read_bytes()
    workshop = Codecs(2)
    assert np.array_equal(workshop.decode(path, data, BatchOptions())[0].pixels, pixels_of(path))
    os.kill(started[0]._process.pid, signal.SIGKILL)
    started[0]._process.wait()
    with pytest.raises(ImageFileError, match=r"cannot decode s/a.jp2: the process .* code -9"):
        workshop.decode(path, data, BatchOptions())
    assert np.array_equal(workshop.decode(path, data, BatchOptions())[0].pixels, pixels_of(path))
    assert len(started) == 2
    head = b"\xff\x4f\xff\x51"
    with pytest.raises(ImageFileError, match=r"cannot read s/x.jp2") as caught:
        workshop.decode(Path("s/x.jp2"), head, BatchOptions())
    assert type(caught.value) is ImageFileError
    workshop.close()


def test_an_answer_that_breaks_off_is_told_as_the_end_of_the_helper(started):
    save("a.jp2")
    helper = codecs.Helper()
    helper.ask("decode", Path("s/a.jp2"), Path("s/a.jp2").read_bytes(), BatchOptions())
    helper._process.stdout.close()
    whole = pickle.dumps(np.zeros(99999), protocol=5)
    helper._process.stdout = io.BytesIO(whole[: len(whole) // 2])
    with pytest.raises(ImageFileError, match=r"cannot decode s/a.jp2: the process .* ended"):
        helper.ask("decode", Path("s/a.jp2"), b"", BatchOptions())


def test_a_question_that_breaks_off_ends_a_helper_without_a_word():
    whole = pickle.dumps(("decode", (b"x" * 99999,)), protocol=5)
    command = [sys.executable, "-c", codecs._PROGRAM]
    ended = subprocess.run(command, input=whole[:5000], capture_output=True, check=True)
    assert (ended.stdout, ended.stderr) == (b"", b"")


def test_what_lies_in_the_folder_one_works_in_is_no_library_of_a_helper(started):
    Path("numpy.py").write_text("raise SystemExit(7)")
    save("a.jp2")
    path = Path("s/a.jp2")
    frames = Codecs(2).decode(path, path.read_bytes(), BatchOptions())
    assert np.array_equal(frames[0].pixels, pixels_of(path))


def pixels_of(path):
    with Pillow.open(path) as image:
        return np.asarray(image)
