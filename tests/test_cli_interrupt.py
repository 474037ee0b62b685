"""Ctrl-C: what is at work is finished, nothing is left half-written, the same command goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

import gpuconv
from gpuconv.cli.interrupt import Interrupt

COMMAND = [sys.executable, "-m", "gpuconv", "batch"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(gpuconv.__file__).parent.parent)}
#: Files in flight take long enough to be caught, on any machine.
SLOW = ["--filter", "disk", "--radius", "25", "--jobs", "1"]


def contents(folder: Path) -> dict[str, bytes]:
    """Return every image below a folder; the journal tells times, which differ."""
    paths = (p for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".jsonl"))
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths}


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A folder with sixty photographs."""
    (tmp_path / "in").mkdir()
    for n in range(60):
        Image.fromarray(np.roll(data.camera(), 7 * n, axis=0)).save(
            tmp_path / f"in/{n:02}.png", compress_level=1
        )
    return tmp_path


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def exists(folder: Path, pattern: str) -> Callable[[], bool]:
    return lambda: any(folder.glob(pattern))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_batch_goes_on_and_ends_as_if_undisturbed(
    many: Path, number: signal.Signals
) -> None:
    command = ["in", "-o", "out", *SLOW]
    process = start(many, *command)
    wait_until(exists(many / "out", "*.png"))
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopping: files at work are finished first" in told
    assert "interrupted" in told
    finished = contents(many / "out")
    assert 0 < len(finished) < 60
    assert not any(".tmp" in name for name in finished)

    again = start(many, *command)
    assert f"{len(finished)} skipped" in again.communicate(timeout=60)[1]
    assert again.returncode == 0
    undisturbed = start(many, "in", "-o", "undisturbed", *SLOW)
    undisturbed.communicate(timeout=60)
    assert undisturbed.returncode == 0
    assert contents(many / "out") == contents(many / "undisturbed")


def test_a_second_ctrl_c_ends_at_once_and_leaves_no_half_file(tmp_path: Path) -> None:
    # Noise of this size takes zlib seconds, so the signal comes while the file is at work.
    noise = np.random.default_rng(1).integers(0, 256, (3000, 4000, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.tif")
    process = start(
        tmp_path, "noise.tif", "-o", "out", "--filter", "identity", "--name", "{stem}.png"
    )
    wait_until(exists(tmp_path / "out", ".gpuconv-journal.jsonl"))
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert "stopping" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert contents(tmp_path / "out") == {}


def test_the_flag_is_set_by_a_signal_and_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    said: list[str] = []
    with Interrupt(said.append, clean=said.clear) as interrupt:
        assert not interrupt.is_set()
        signal.raise_signal(signal.SIGINT)
        assert interrupt.is_set()
    assert signal.getsignal(signal.SIGINT) is before
    (line,) = said
    assert line.startswith("stopping: ")


def test_a_stream_that_is_busy_does_not_lose_the_signal() -> None:
    def busy(line: str) -> None:
        raise RuntimeError("reentrant call inside <_io.BufferedWriter name='<stderr>'>")

    with Interrupt(busy, clean=print) as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.is_set()


def test_threads_that_may_not_handle_signals_do_without() -> None:
    before = signal.getsignal(signal.SIGINT)
    inside: list[object] = []

    def work() -> None:
        with Interrupt(print, clean=print):
            inside.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert inside == [before]
