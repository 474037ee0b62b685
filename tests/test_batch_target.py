from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

import gpuconv.io.write as writing
from gpuconv.batch import plan_jobs
from gpuconv.batch.target import occupied, prepare, sweep
from gpuconv.io.replacing import TEMPORARY

OURS = ".gpuconv-0123456789abcdef.tmp"
OTHERS = ["a.png", ".gpuconv-journal.jsonl", ".gpuconv-0123.tmp", "x.tmp", ".gpuconv-x.tmp"]


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("s/sub", "out/sub"):
        Path(folder).mkdir(parents=True)
    for path in ("s/a.png", "s/sub/b.png"):
        Path(path).touch()
    return plan_jobs("s", "out", recursive=True)


def leave(folder, age=0.0):
    path = Path(folder, OURS)
    path.write_bytes(b"half a picture")
    changed = time.time() - age
    os.utime(path, (changed, changed))
    return path


def test_leftovers_are_called_as_the_writer_calls_its_files(plan, monkeypatch):
    names = []
    monkeypatch.setattr(writing, "encode", lambda *args: names.extend(os.listdir("out")))
    writing.write_image("out/a.png", np.zeros((2, 2), np.uint8))
    assert [bool(TEMPORARY.fullmatch(name)) for name in sorted(names)] == [True, False]


def test_leftovers_are_swept_and_nothing_else(plan):
    for name in OTHERS:
        Path("out", name).touch()
    left = [leave("out"), leave("out/sub"), leave("s")]
    with occupied(plan):
        assert [path.exists() for path in left] == [False, False, True]
    assert sorted(path.name for path in Path("out").iterdir()) == sorted([*OTHERS, "sub"])


def test_the_files_of_another_run_are_let_be(plan):
    with occupied(plan):
        fresh, old = leave("out"), leave("out/sub", age=4000)
        with occupied(plan):
            assert fresh.exists()
            assert not old.exists()
    with occupied(plan):
        assert not fresh.exists()


def test_in_place_only_old_leftovers_are_swept(plan):
    in_place = plan_jobs("s", in_place=True, recursive=True)
    fresh, old = leave("s"), leave("s/sub", age=4000)
    with occupied(in_place):
        assert fresh.exists()
        assert not old.exists()
    assert not list(Path("s").glob("*.jsonl"))


def test_a_leftover_that_cannot_be_deleted_is_let_be(plan, monkeypatch):
    left = leave("out")

    def refuse(path, missing_ok=False):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    sweep(plan, alone=True)
    assert left.exists()


def test_a_folder_without_a_journal_can_be_worked_in(plan):
    Path("out/.gpuconv-journal.jsonl").mkdir()
    entered = False
    with occupied(plan):
        entered = True
    assert entered


def test_the_output_folder_is_made(plan):
    prepare(plan_jobs("s", "new/deep/out"))
    assert os.listdir("new/deep/out") == []
    prepare(plan_jobs("s", in_place=True))
