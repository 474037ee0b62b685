from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import features
from skimage import data

import gpuconv
from gpuconv.backends.host.threads import thread_count
from gpuconv.batch import BatchOptions, plan_jobs, preview_jobs, run_jobs, work
from gpuconv.batch.journal import JOURNAL_NAME
from gpuconv.errors import ArgumentError

CAT = data.chelsea()[60:108, 100:164]
GREY = data.camera()[:40, :56]
STAGES = ["read", "decode", "filter", "encode", "write"]


def negative(pixels):
    white = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    return (white - pixels).astype(pixels.dtype)


def is_temporary(path):
    return path.name.startswith(".") and path.name != JOURNAL_NAME


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GPUCONV_NUM_THREADS", raising=False)
    yield tmp_path
    assert not [path for path in tmp_path.rglob("*") if is_temporary(path)]


def save(name, pixels=CAT, **options):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(pixels).save(name, **options)


def save_many(count, folder="s"):
    for n in range(count):
        save(f"{folder}/{n}.png", np.roll(GREY, n, axis=0))


def pixels(name):
    with Pillow.open(name) as image:
        return np.asarray(image)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in Path(folder).rglob("*.*")
        if path.is_file() and path.name != JOURNAL_NAME
    }


def statuses(summary):
    return [result.status for result in summary.results]


def run(inputs="s", output="out", transform=negative, *, recursive=True, **options):
    plan = plan_jobs(inputs, output, recursive=recursive)
    return run_jobs(plan, transform, BatchOptions(**{"spec": "negative", **options}))


def mixed_folder():
    save("s/cat.png")
    save("s/deep.png", GREY.astype(np.uint16) * 257)
    save("s/sub/cat.tif", CAT)
    Pillow.fromarray(CAT).quantize(16).save("s/palette.gif")
    Pillow.fromarray(CAT).convert("CMYK").save("s/ink.jpg", quality=100, subsampling=0)
    frames = [Pillow.fromarray(np.roll(GREY, n, axis=1)) for n in (0, 9, 20)]
    frames[0].save("s/film.webp", save_all=True, append_images=frames[1:], lossless=True)
    whole = Path("s/cat.png").read_bytes()
    Path("s/broken.png").write_bytes(whole[: len(whole) // 2])
    Path("s/empty.png").write_bytes(b"")
    Path("s/readme.txt").write_text("no image")
    Path("s/text.png").write_text("no image either")


def test_a_mixed_folder():
    mixed_folder()
    summary = run()
    found = {result.input.name + str(len(result.input.parts)): result for result in summary.results}
    assert {name: result.status for name, result in found.items()} == {
        "broken.png2": "failed",
        "cat.png2": "done",
        "cat.tif3": "done",
        "deep.png2": "done",
        "empty.png2": "failed",
        "film.webp2": "done",
        "ink.jpg2": "done",
        "palette.gif2": "done",
        "text.png2": "failed",
    }
    assert summary.ignored == {"not an image": 1}
    assert summary.exit_code == 1
    assert "s/broken.png" in found["broken.png2"].error
    assert "truncated" in found["broken.png2"].error
    assert "s/empty.png: the file is empty" in found["empty.png2"].error
    assert "s/text.png: it is no image" in found["text.png2"].error
    assert not Path("out/broken.png").exists()
    assert np.array_equal(pixels("out/cat.png"), 255 - CAT)
    assert np.array_equal(pixels("out/deep.png"), 65535 - GREY.astype(np.uint16) * 257)
    assert np.array_equal(pixels("out/sub/cat.tif"), 255 - CAT)
    with Pillow.open("out/film.webp") as film:
        assert film.n_frames == 3
        film.seek(2)
        assert np.array_equal(np.asarray(film)[..., 0], 255 - np.roll(GREY, 20, axis=1))
    with Pillow.open("out/ink.jpg") as ink, Pillow.open("s/ink.jpg") as source:
        assert ink.mode == "CMYK"
        assert np.abs(255 - np.asarray(source) - np.asarray(ink).astype(int)).mean() < 3
    assert found["film.webp2"].pixels == 3 * GREY.size
    assert summary.pixels == sum(result.pixels for result in summary.results) > 0


def test_a_named_text_file_fails_and_says_why():
    Path("notes.txt").write_text("no image")
    summary = run(["notes.txt", "gone.png"])
    assert statuses(summary) == ["failed", "failed"]
    assert "notes.txt: it is no image" in summary.results[0].error
    assert summary.results[1].error == "gone.png: cannot be opened: No such file or directory"


def test_order_stages_and_progress():
    save_many(12)
    seen = []
    plan = plan_jobs("s", "out")
    summary = run_jobs(
        plan,
        negative,
        BatchOptions(jobs=4),
        progress=lambda *told: seen.append((threading.current_thread(), *told)),
    )
    assert [result.input.name for result in summary.results] == [f"{n}.png" for n in range(12)]
    assert statuses(summary) == ["done"] * 12
    assert all(list(result.seconds) == STAGES for result in summary.results)
    assert all(spent > 0 for result in summary.results for spent in result.seconds.values())
    assert {thread for thread, _, _ in seen} == {threading.current_thread()}
    assert sorted(result.input.name for _, result, _ in seen) == sorted(os.listdir("s"))
    last = seen[-1][2]
    assert [progress.done for _, _, progress in seen] == list(range(1, 13))
    assert (last.total, last.failed, last.pixels) == (12, 0, 12 * GREY.size)
    assert 0 < last.elapsed <= summary.seconds
    assert summary.exit_code == 0
    assert json.loads(summary.to_json())["counts"]["done"] == 12


def test_no_more_images_are_in_memory_than_there_are_workers():
    save_many(20)
    lock, now, most = threading.Lock(), 0, 0

    def slow(image):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return image

    assert run(transform=slow, jobs=3).counts["done"] == 20
    assert most == 3


def test_the_cores_are_shared(monkeypatch):
    save_many(3)
    seen = set()

    def look(image):
        seen.add(thread_count())
        return image

    cores = thread_count()
    run(transform=look, jobs=3)
    run(transform=look, jobs=1, exists="overwrite")
    assert seen == {max(1, cores // 3), cores}
    assert thread_count() == cores
    monkeypatch.setenv("GPUCONV_NUM_THREADS", "7")
    seen.clear()
    run(transform=look, jobs=3, exists="overwrite")
    assert seen == {7}


def test_skip_is_resume_and_other_parameters_are_said():
    save_many(4)
    assert statuses(run()) == ["done"] * 4
    Path("out/2.png").unlink()
    first = contents("out")
    again = run()
    assert statuses(again) == ["skipped", "skipped", "done", "skipped"]
    assert (again.notices, again.counts["outdated"], again.exit_code) == ((), 0, 0)
    save("s/3.png", CAT)
    other = run(spec="blur")
    assert statuses(other) == ["skipped"] * 4
    assert other.counts["outdated"] == 4
    assert other.results[0].warning == "the output was made with other parameters (negative)"
    assert other.notices[0].startswith(
        "4 of the outputs, made with other parameters or inputs, left alone"
    )
    changed = run()
    assert [result.outdated for result in changed.results] == [False, False, False, True]
    assert changed.results[3].warning == "the input has changed since the output was made"
    assert {name: contents("out")[name] for name in first} == first
    anew = run(exists="overwrite")
    assert statuses(anew) == ["done"] * 4
    assert np.array_equal(pixels("out/3.png"), 255 - CAT)


def test_exists_error_fails_those_that_exist():
    save_many(3)
    run(["s/1.png"])
    summary = run(exists="error")
    assert statuses(summary) == ["done", "failed", "done"]
    assert summary.results[1].error == "out/1.png: the output exists already (exists='error')"


def test_a_second_run_takes_no_outputs_for_inputs():
    save_many(2)
    for _ in range(2):
        plan = plan_jobs("s", "s", name_template="{stem}_{filter}{ext}", filter_name="neg")
        summary = run_jobs(plan, negative, BatchOptions(spec="negative"))
        assert [result.output.name for result in summary.results] == ["0_neg.png", "1_neg.png"]
    assert statuses(summary) == ["skipped", "skipped"]
    assert summary.ignored["made by an earlier run"] == 2


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["failed", "done", "failed", "done", "failed", "done"]),
        ({"fail_fast": True}, ["failed", *["not_run"] * 5]),
        ({"max_errors": 2}, ["failed", "done", "failed", *["not_run"] * 3]),
        ({"max_errors": 3}, ["failed", "done", "failed", "done", "failed", "not_run"]),
    ],
)
def test_failures_and_when_to_give_up(options, expected):
    save_many(6)
    for n in (0, 2, 4):
        Path(f"s/{n}.png").write_bytes(b"broken")
    summary = run(jobs=1, **options)
    assert statuses(summary) == expected
    assert summary.exit_code == 1
    assert not summary.interrupted
    left = expected.count("not_run")
    assert any(f"too many failures: {left} files" in n for n in summary.notices) is (left > 0)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "not enough memory"),
        (ZeroDivisionError("division\n by zero"), "ZeroDivisionError: division by zero"),
        (KeyError("x"), "KeyError: 'x'"),
        (AssertionError(), "AssertionError"),
        (ArgumentError("sigma=0 is not allowed"), "sigma=0 is not allowed"),
    ],
)
def test_an_error_of_the_filter_stops_one_file(error, reason):
    save_many(3)
    save("s/1.png", CAT)

    def picky(image):
        if image.ndim == 3:
            raise error
        return image

    summary = run(transform=picky)
    assert statuses(summary) == ["done", "failed", "done"]
    assert summary.results[1].error == reason
    assert sorted(contents("out")) == ["0.png", "2.png"]


def test_stopped_and_run_again_equals_an_undisturbed_run():
    save_many(12)
    run(output="whole")
    stop, calls = threading.Event(), itertools.count(1)
    plan = plan_jobs("s", "out")

    def waiting(pixels):
        """Filter; from the seventh file on, not before the stop has come."""
        return negative(pixels) if next(calls) < 7 or stop.wait(60) else None

    summary = run_jobs(
        plan,
        waiting,
        BatchOptions(jobs=2, spec="negative"),
        progress=lambda result, progress: progress.done >= 4 and stop.set(),
        stop=stop,
    )
    assert summary.interrupted
    assert summary.exit_code == 130
    done = summary.counts["done"]
    assert 4 <= done < 12
    assert summary.counts["not_run"] == 12 - done
    assert f"interrupted: {12 - done} files were not started" in summary.notices[0]
    assert len(contents("out")) == done
    again = run()
    assert again.counts["skipped"] == done
    assert again.counts["done"] == 12 - done
    assert contents("out") == contents("whole")


def test_a_stop_that_comes_too_late_is_no_interruption():
    save_many(2)
    stop = threading.Event()
    summary = run_jobs(
        plan_jobs("s", "out"),
        negative,
        progress=lambda result, progress: progress.done == 2 and stop.set(),
        stop=stop,
    )
    assert (summary.interrupted, summary.exit_code) == (False, 0)


def test_a_stop_before_the_start_starts_nothing():
    save_many(2)
    stop = threading.Event()
    stop.set()
    summary = run_jobs(plan_jobs("s", "out"), negative, stop=stop)
    assert statuses(summary) == ["not_run", "not_run"]
    assert summary.exit_code == 130


def test_an_exception_of_the_caller_leaves_whole_files_only():
    save_many(12)
    before = threading.active_count()

    def interrupt(result, progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        run_jobs(plan_jobs("s", "out"), negative, BatchOptions(jobs=2), progress=interrupt)
    assert threading.active_count() == before
    # Its traceback holds the frames of the call, so nothing was left to the garbage collector.
    assert caught.tb is not None
    made = contents("out")
    assert 1 <= len(made) < 12
    run(output="whole")
    assert made.items() <= contents("whole").items()


SLOW = """
import sys, time
from gpuconv.batch import *
def slow(pixels):
    time.sleep(0.05)
    return 255 - pixels
options = BatchOptions(spec="negative", jobs=2)
tell = lambda result, progress: print(progress.done, flush=True)
run_jobs(plan_jobs("s", "out"), slow, options, progress=tell)
"""


def test_a_killed_process_leaves_whole_files_only():
    save_many(12)
    run(output="whole")
    env = os.environ | {"PYTHONPATH": str(Path(gpuconv.__file__).parent.parent)}
    process = subprocess.Popen([sys.executable, "-c", SLOW], stdout=subprocess.PIPE, env=env)
    assert [process.stdout.readline() for _ in range(3)] == [b"1\n", b"2\n", b"3\n"]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    made = {name: held for name, held in contents("out").items() if name[0] != "."}
    assert 3 <= len(made) < 12
    assert made.items() <= contents("whole").items()
    again = run()
    assert again.counts["skipped"] == len(made)
    assert contents("out") == contents("whole")


def test_in_place_replaces_once():
    save_many(3)
    original = contents("s")
    options = BatchOptions(spec="negative")
    assert statuses(run_jobs(plan_jobs("s", in_place=True), negative, options)) == ["done"] * 3
    assert np.array_equal(pixels("s/1.png"), 255 - np.roll(GREY, 1, axis=0))
    once = contents("s")
    assert once != original
    again = run_jobs(plan_jobs("s", in_place=True), negative, options)
    assert statuses(again) == ["skipped"] * 3
    assert contents("s") == once
    forced = BatchOptions(spec="negative", exists="overwrite")
    run_jobs(plan_jobs("s", in_place=True), negative, forced)
    assert np.array_equal(pixels("s/1.png"), np.roll(GREY, 1, axis=0))


def test_the_preview_touches_nothing_and_tells_what_comes():
    save_many(4)
    run(["s/1.png"])
    run(["s/2.png"], spec="blur")
    Path("out/3.png").mkdir()
    Path("s/4.png").write_text("no image")
    before = contents(".")
    plan = plan_jobs(["s", "gone.png"], "out")
    summary = preview_jobs(plan, BatchOptions(spec="negative"))
    assert statuses(summary) == [
        "would_write",
        "would_skip",
        "would_skip",
        "would_fail",
        "would_fail",
        "would_fail",
    ]
    assert "s/4.png: it is no image" in summary.results[4].error
    assert summary.dry_run
    assert summary.as_dict()["dry_run"] is True
    assert [result.outdated for result in summary.results] == [
        False,
        False,
        True,
        False,
        False,
        False,
    ]
    assert "1 of the outputs, made with other parameters" in summary.notices[0]
    assert "a folder stands where the output goes" in summary.results[3].error
    overwrite = preview_jobs(plan, BatchOptions(exists="overwrite"))
    assert statuses(overwrite)[:3] == ["would_write", "would_overwrite", "would_overwrite"]
    fresh = preview_jobs(plan_jobs("s", "new/folder"))
    assert statuses(fresh) == ["would_write"] * 4 + ["would_fail"]
    assert not Path("new").exists()
    assert contents(".") == before


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
class TestAnotherExtension:
    """AVIF is read but not written: the output gets another extension, known only then."""

    def test_it_is_said_and_found_again(self):
        save("s/cat.avif")
        foreseen = preview_jobs(plan_jobs("s", "out")).results[0]
        first = run()
        assert (foreseen.status, first.results[0].status) == ("would_write", "done")
        assert foreseen.output == first.results[0].output == Path("out/cat.avif.png")
        assert foreseen.warning == first.results[0].warning
        assert first.results[0].warning == (
            "written as cat.avif.png: its kind cannot be kept under .avif"
        )
        assert sorted(contents("out")) == ["cat.avif.png"]
        assert statuses(run()) == ["skipped"]
        assert run(spec="blur").results[0].outdated
        Path("out", JOURNAL_NAME).unlink()
        again = run()
        assert statuses(again) == ["skipped"]
        assert again.results[0].output == Path("out/cat.avif.png")
        assert statuses(run(exists="error")) == ["failed"]
        assert statuses(run(exists="overwrite")) == ["done"]

    def test_it_overwrites_no_other_output(self):
        save("s/cat.avif")
        save("s/cat.avif.png", GREY)
        summary = run(jobs=1)
        assert statuses(summary) == ["failed", "done"]
        assert summary.results[0].error == (
            "s/cat.avif: its kind cannot be kept under .avif;"
            " out/cat.avif.png is the output of s/cat.avif.png"
        )
        assert np.array_equal(pixels("out/cat.avif.png"), 255 - GREY)

    def test_it_overwrites_no_input(self):
        save("s/cat.avif")
        save("out/cat_n.avif.png", GREY)
        inputs = ["s/cat.avif", "out/cat_n.avif.png"]
        plan = plan_jobs(inputs, "out", name_template="{stem}_n{ext}")
        summary = run_jobs(plan, negative, BatchOptions(exists="overwrite"))
        assert statuses(summary) == ["failed", "done"]
        assert "out/cat_n.avif.png is the input out/cat_n.avif.png" in summary.results[0].error
        assert np.array_equal(pixels("out/cat_n.avif.png"), GREY)

    def test_it_is_refused_in_place(self):
        save("s/cat.avif")
        summary = run_jobs(plan_jobs("s", in_place=True), negative)
        assert summary.results[0].error == (
            "s/cat.avif: its kind cannot be kept under .avif, in place"
        )
        assert sorted(contents("s")) == ["cat.avif"]

    def test_a_template_may_name_the_format(self):
        save("s/cat.avif")
        plan = plan_jobs("s", "out", name_template="{stem}.png")
        assert run_jobs(plan, negative).results[0].output == Path("out/cat.png")


def test_update_makes_anew_what_is_out_of_date_and_nothing_else():
    save_many(4)
    run()
    first = contents("out")
    save("s/2.png", CAT)
    foreseen = preview_jobs(plan_jobs("s", "out"), BatchOptions(spec="negative", exists="update"))
    assert statuses(foreseen) == ["would_skip", "would_skip", "would_overwrite", "would_skip"]
    again = run(exists="update")
    assert statuses(again) == ["skipped", "skipped", "done", "skipped"]
    assert np.array_equal(pixels("out/2.png"), 255 - CAT)
    assert {**contents("out"), "2.png": b""} == {**first, "2.png": b""}
    assert statuses(run(exists="update", spec="other")) == ["done"] * 4


def test_memory_holds_files_back_and_all_are_done():
    save_many(12)
    plan = plan_jobs("s", "out")
    now, most, lock = 0, 0, threading.Lock()

    def look(image):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1
        return image

    tight = BatchOptions(jobs=4, memory=4 * GREY.nbytes)
    assert run_jobs(plan, look, BatchOptions(jobs=4, memory="1G")).counts["done"] == 12
    assert most > 1
    failed = run_jobs(plan, look, replace(tight, exists="overwrite"))
    assert failed.counts["failed"] == 12
    most = 0
    # One fits, two do not.
    one = replace(tight, exists="overwrite", memory=4 * 9 * GREY.nbytes)
    assert run_jobs(plan, look, one).counts["done"] == 12
    assert most == 1


def test_files_are_read_while_others_are_filtered(monkeypatch):
    save_many(8)
    read, filtering, real = [], threading.Event(), work._contents

    def note(path):
        read.append(path)
        return real(path)

    def wait(image):
        deadline = time.monotonic() + 30
        while len(read) < 4 and not filtering.is_set():
            assert time.monotonic() < deadline
            time.sleep(0.001)
        filtering.set()
        return image

    monkeypatch.setattr(work, "_contents", note)
    assert run(transform=wait, jobs=2).counts["done"] == 8


def test_the_time_by_stage_is_summed():
    save_many(3)
    summary = run()
    assert list(summary.stages) == STAGES
    for stage, spent in summary.stages.items():
        assert spent == pytest.approx(sum(result.seconds[stage] for result in summary.results))
    assert summary.lines()[1].startswith("time by stage: read ")
    assert list(json.loads(summary.to_json())["stages"]) == STAGES
