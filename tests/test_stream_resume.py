"""Streams that are cut off at any moment, and gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.flaky import noise

from gpuconv.errors import ImageFileError
from gpuconv.filters import Chain
from gpuconv.io import npy
from gpuconv.io.open import open_image
from gpuconv.io.sink import Sink
from gpuconv.streaming import StreamError, stream

BLUR = "gaussian:sigma=2"

#: A stream of 128 tiles that takes a second and a half: each read waits a little.
CHILD = """
import sys, time
import tifffile
from gpuconv.io.tiff_sink import TiffSink
from gpuconv.io.tiff_source import TiffSource
from gpuconv.streaming import stream
read = TiffSource._read
def slowly(*arguments):
    time.sleep(0.01)
    return read(*arguments)
TiffSource._read = slowly
print("ready", flush=True)
stream(sys.argv[1], sys.argv[2], "gaussian:sigma=2", tile=128)
"""


def started(source: Path, target: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(source), str(target)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def wait_for_a_tile(target: Path) -> None:
    """Wait until a stream has written one more tile than when it was looked at first."""
    journal = target.with_name(f".gpuconv-{target.name}.partial") / "journal.jsonl"
    before, deadline = None, time.perf_counter() + 20
    while time.perf_counter() < deadline and not target.exists():
        size = journal.stat().st_size if journal.exists() else None
        if before is not None and size is not None and size > before:
            return
        before = size if before is None else before
        time.sleep(0.005)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no signal that kills")
def test_killed_ten_times_and_resumed_it_is_as_if_undisturbed(tmp_path: Path) -> None:
    tifffile, rng = pytest.importorskip("tifffile"), np.random.default_rng(4)
    source, target = tmp_path / "in.tif", tmp_path / "out.tif"
    tifffile.imwrite(source, noise(2048, 1024), tile=(128, 128))
    killed = 0
    for turn in range(10):
        child = started(source, target)
        if turn % 2:
            wait_for_a_tile(target)
        time.sleep(rng.uniform(0, 0.1))
        child.kill()
        killed += child.wait() == -signal.SIGKILL
        child.stdout.close()  # type: ignore[union-attr]
        assert not target.exists() or child.returncode == 0
    assert killed >= 5
    if not target.exists():
        summary = stream(source, target, BLUR, tile=128)
        assert summary.record.tiles_before > 0
    stream(source, tmp_path / "undisturbed.tif", BLUR)
    assert target.read_bytes() == (tmp_path / "undisturbed.tif").read_bytes()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["in.tif", "out.tif", "undisturbed.tif"]


def stopped(source: Any, target: Path, **options: Any) -> int:
    """Stop a stream after its first tiles; return how many it has made."""
    stop = threading.Event()

    def watch(record: Any) -> None:
        if any(event.stage == "write" for event in record.events):
            stop.set()

    settings: dict[str, Any] = {"tile": 64, **options}
    summary = stream(source, target, BLUR, progress=watch, stop=stop, **settings)
    assert summary.status == "stopped"
    assert not target.exists()
    return len({event.tile for event in summary.record.events if event.stage == "write"})


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is read slowly."""
    read = npy.NpySource._read

    def slowly(*arguments: Any) -> Any:
        time.sleep(0.01)
        return read(*arguments)

    monkeypatch.setattr(npy.NpySource, "_read", slowly)
    np.save(tmp_path / "in.npy", noise(2048, 256))
    return tmp_path / "in.npy"


def test_a_second_run_makes_only_what_the_first_has_not(source: Path) -> None:
    target = source.with_name("out.npy")
    done = stopped(source, target)
    summary = stream(source, target, BLUR, tile=64)
    assert summary.record.tiles_before == done
    made = {event.tile for event in summary.record.events if event.stage == "write"}
    assert len(made) == summary.record.tiles - done
    assert np.array_equal(np.load(target), Chain.parse([BLUR])(np.load(source)))


def test_other_tiles_go_on_as_well(source: Path) -> None:
    target = source.with_name("out.npy")
    stopped(source, target)
    summary = stream(source, target, BLUR, tile=128)
    assert summary.status == "done"
    assert np.array_equal(np.load(target), Chain.parse([BLUR])(np.load(source)))


def test_beginning_anew_forgets_what_was_done(source: Path) -> None:
    target = source.with_name("out.npy")
    stopped(source, target)
    summary = stream(source, target, BLUR, resume=False)
    assert summary.record.tiles_before == 0
    assert np.array_equal(np.load(target), Chain.parse([BLUR])(np.load(source)))


@pytest.mark.parametrize("change", ["source", "filter", "option"])
def test_what_decides_the_result_decides_what_is_gone_on_with(source: Path, change: str) -> None:
    target = source.with_name("out.npy")
    stopped(source, target)
    wish, options = BLUR, {}
    if change == "source":
        np.save(source, noise(2048, 256, seed=1))
    elif change == "filter":
        wish = "gaussian:sigma=3"
    else:
        options = {"border": "wrap"}
    summary = stream(source, target, wish, **options)  # type: ignore[arg-type]
    assert summary.record.tiles_before == 0
    assert np.array_equal(np.load(target), Chain.parse([wish], **options)(np.load(source)))


def test_another_page_of_the_same_file_is_another_source(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    pages = noise(2, 600, 300)
    tifffile.imwrite(tmp_path / "in.tif", pages, tile=(128, 128), photometric="minisblack")
    for page in range(2):
        with open_image(tmp_path / "in.tif", page=page) as source:
            stop = threading.Event()
            if page == 0:
                source._read = _then(source._read, stop.set)  # type: ignore[method-assign]
            summary = stream(source, tmp_path / "out.tif", BLUR, tile=128, stop=stop)
    assert summary.record.tiles_before == 0
    with open_image(tmp_path / "out.tif") as result:
        assert np.array_equal(result[...], Chain.parse([BLUR])(pages[1]))


def _then(call: Any, after: Any) -> Any:
    def called(*arguments: Any) -> Any:
        found = call(*arguments)
        after()
        time.sleep(0.1)
        return found

    return called


def test_arrays_are_never_gone_on_with(tmp_path: Path) -> None:
    target = tmp_path / "out.npy"
    with pytest.MonkeyPatch.context() as patch:
        write = npy.NpySink._write

        def slowly(*arguments: Any) -> None:
            time.sleep(0.02)
            write(*arguments)

        patch.setattr(npy.NpySink, "_write", slowly)
        stopped(noise(2048, 256), target)
    assert stream(noise(2048, 256, seed=1), target, BLUR).record.tiles_before == 0


def test_a_full_disk_leaves_nothing_in_place_and_can_be_gone_on_with(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, count, write = source.with_name("out.npy"), [0], Sink.write

    def full(self: Sink, *arguments: Any) -> None:
        count[0] += 1
        if count[0] > 5:
            cause = OSError(28, os.strerror(28))
            raise ImageFileError(f"cannot write {self.path}: {cause.strerror}") from cause
        write(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Sink, "write", full)
        with pytest.raises(StreamError, match=r"disk is full.*the same call goes on"):
            stream(source, target, BLUR, tile=64)
    assert not target.exists()
    summary = stream(source, target, BLUR, tile=64)
    assert summary.record.tiles_before >= 1
    assert np.array_equal(np.load(target), Chain.parse([BLUR])(np.load(source)))
    assert sorted(path.name for path in source.parent.iterdir()) == ["in.npy", "out.npy"]


def test_what_could_not_be_read_is_tried_again_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = noise(1024, 1024)
    np.save(tmp_path / "in.npy", image)
    source, target, read = tmp_path / "in.npy", tmp_path / "out.npy", npy.NpySource._read

    def broken(self: Any, rows: Any, columns: Any, plane: Any) -> Any:
        if rows[0] <= 500 < rows[1]:
            raise ImageFileError(f"cannot read {self.path}: row 500 is broken")
        return read(self, rows, columns, plane)

    with monkeypatch.context() as patch:
        patch.setattr(npy.NpySource, "_read", broken)
        with pytest.raises(StreamError, match="row 500 is broken") as failure:
            stream(source, target, BLUR, tile=(128, 1024))
    assert len(failure.value.summary.gaps) == 1
    assert not target.exists()
    summary = stream(source, target, BLUR, tile=(128, 1024))
    assert summary.record.tiles - summary.record.tiles_before == 1
    assert np.array_equal(np.load(target), Chain.parse([BLUR])(image))
