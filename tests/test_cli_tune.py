"""``gpuconv tune``: measured once, shown, and deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuconv import Device, cost, tune
from gpuconv.backends import cuda
from gpuconv.cli import main
from gpuconv.cost import profile
from gpuconv.cost.profile import Profile
from gpuconv.tune import Progress


@pytest.fixture(autouse=True)
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A place for the profile, and measurements that are made up, on a machine without a GPU."""

    def measured(threads: int, progress: Progress) -> Profile:
        progress("call")
        return Profile("host", "A CPU", 64, {"call": 1e-3})

    path = tmp_path / "profile.json"
    monkeypatch.setenv(profile.VARIABLE, str(path))
    monkeypatch.setattr(tune, "measure_cpu", measured)
    monkeypatch.setattr(cuda, "devices", list)
    cost.forget()
    yield path
    monkeypatch.undo()
    cost.forget()


def said(capsys: pytest.CaptureFixture[str], *options: str, code: int = 0) -> str:
    """Return what the command prints."""
    assert main(["tune", *options]) == code
    out, err = capsys.readouterr()
    return err if code else out


def test_what_is_measured_is_written_and_used(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not cost.cpu(2).measured
    assert said(capsys) == f"A CPU: 1 rates\nwritten to {file} in 0 s\n"
    assert json.loads(file.read_text("utf-8"))["devices"][0]["rates"] == {"call": 1e-3}
    assert cost.cpu(2).rate("call") == 1e-3


def test_rates_are_shown_with_their_source(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assumed = said(capsys, "--show")
    assert assumed.startswith(f"{file}: not measured yet: gpuconv tune\n\ncpu, ")
    assert "rates assumed" in assumed
    assert assumed.index("  pass.3 ") < assumed.index("  pass.15 ")
    said(capsys)
    measured = said(capsys, "--show")
    assert measured.startswith(f"{file}: measured: A CPU\n\nA CPU, ")
    assert "rates measured" in measured
    assert "  call               1e+06 ns\n" in measured


def test_what_was_measured_can_be_deleted(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--reset") == f"there was no {file}\n"
    said(capsys)
    assert said(capsys, "--reset") == f"deleted {file}\n"
    assert not file.exists()


def test_a_gpu_is_measured_too(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(name: str, progress: Progress) -> Profile:
        return Profile("cuda", name, 132, {"byte": 1e-12, "launch": 1e-6})

    monkeypatch.setattr(tune, "measure_gpu", measured)
    monkeypatch.setattr(cuda, "devices", lambda: [Device("cuda:0", "A GPU", available=True)])
    assert "A GPU: 2 rates" in said(capsys)
    assert cost.gpu(132).rate("byte") == 1e-12


def test_an_interrupt_writes_nothing(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(threads: int, progress: Progress) -> Profile:
        raise KeyboardInterrupt

    monkeypatch.setattr(tune, "measure_cpu", interrupted)
    assert said(capsys, code=130) == ""
    assert not file.exists()


def test_a_place_that_cannot_be_written_to_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(tune, "measure_cpu", None)  # nobody waits for nothing
    for place in ("file/profile.json", "folder"):
        monkeypatch.setenv(profile.VARIABLE, str(tmp_path / place))
        error = said(capsys, code=2)
        assert error.startswith("gpuconv tune: error: the rates could not be written: ")
        assert str(tmp_path / place.partition("/")[0]) in error


def test_what_cannot_be_deleted_is_named(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file.mkdir()
    error = said(capsys, "--reset", code=2)
    assert error.startswith("gpuconv tune: error: the rates could not be deleted: ")
    assert str(file) in error


def test_progress_is_shown_on_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["tune"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["tune"]) == 0
    assert capsys.readouterr().err == "\r\x1b[Kmeasuring call\r\x1b[K"


def test_show_and_reset_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert "not allowed with" in said(capsys, "--show", "--reset", code=2)
