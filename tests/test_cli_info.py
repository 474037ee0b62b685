"""``gpuconv info``: devices with all they have, kernels compiled and kept, versions of CuPy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpuconv import Device
from gpuconv.backends.cuda import probe, remember, runtime
from gpuconv.backends.cuda.cupy_runtime import Compiled
from gpuconv.cli import main

SAMPLES = Path(__file__).parent.parent / "samples"
H200 = Device("cuda:0", "NVIDIA H200", True, "", 150_000_000_000, "9.0", "CUDA 13.0", "CuPy 14.2.0")


class Busy:
    """CuPy's runtime after some work."""

    def compiled(self) -> list[Compiled]:
        return [Compiled("dense PIXEL=float", 0, 41.6), Compiled("march ROWS=3", 11, 0.2)]


@pytest.fixture
def info(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Any:
    """Return a function that prints the page for a machine with given GPUs."""
    monkeypatch.setenv("CUPY_CACHE_DIR", str(tmp_path / "kernels"))
    monkeypatch.setattr(runtime, "_cupy", None)

    def page(*rows: Device, options: tuple[str, ...] = ()) -> str:
        monkeypatch.setattr(probe, "devices", lambda: rows or (H200,))
        assert main(["info", *options]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return page


def lines_below(page: str, title: str) -> list[str]:
    """Return the lines of a part of the page."""
    return page.split(f"\n{title}\n")[1].split("\n\n")[0].splitlines()


def test_a_gpu_is_shown_with_all_it_has(info: Any) -> None:
    assert lines_below(info(), "devices")[1:] == [
        "  cuda:0    NVIDIA H200: available",
        "            139.7 GiB, compute capability 9.0, driver for CUDA 13.0, CuPy 14.2.0",
    ]


def test_a_gpu_that_cannot_be_used_is_shown_with_the_reason_below(info: Any) -> None:
    broken = Device("cuda:1", "NVIDIA T4", False, "it is broken; mend it", 2**34, "7.5")
    assert lines_below(info(H200, broken), "devices")[3:] == [
        "  cuda:1    NVIDIA T4: not available",
        "            16.0 GiB, compute capability 7.5",
        "            it is broken; mend it",
    ]


def test_no_gpu_is_a_line_and_the_reason(info: Any) -> None:
    none = Device("cuda", "NVIDIA GPU", False, "there is no driver; install one")
    assert lines_below(info(none), "devices")[1:] == [
        "  cuda      NVIDIA GPU: not available",
        "            there is no driver; install one",
    ]


def test_names_of_devices_do_nothing_to_a_terminal(info: Any) -> None:
    page = info(Device("cuda:0", "GPU\x1b[31m", False, "red\n\x07"))
    assert r"GPU\x1b[31m: not available" in page
    assert r"red\n\x07" in page


def test_nothing_is_compiled_at_first(info: Any, tmp_path: Path) -> None:
    assert lines_below(info(), "kernels") == [
        "  none compiled yet",
        f"  on disk   nothing in {tmp_path / 'kernels'}, CuPy's cache",
    ]


@pytest.mark.parametrize(
    ("sizes", "said"), [([1_250_000], "1 file, 1.2 MB"), ([100_000, 300_000], "2 files, 0.4 MB")]
)
def test_the_cache_on_disk_is_measured(
    sizes: list[int], said: str, info: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "kernels"
    folder.mkdir()
    for index, size in enumerate(sizes):
        (folder / f"{index}.cubin").write_bytes(bytes(size))
    assert lines_below(info(), "kernels")[1] == f"  on disk   {said} in {folder}, CuPy's cache"


def test_the_cache_is_in_the_home_folder_unless_said(
    info: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUPY_CACHE_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert str(tmp_path / ".cupy" / "kernel_cache") in info()


def test_compiled_kernels_are_listed(info: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_cupy", Busy())
    assert lines_below(info(), "kernels")[:2] == [
        "  cuda:0    dense PIXEL=float (42 ms)",
        "  cuda:11   march ROWS=3 (0 ms)",
    ]


def test_json_has_all_of_it(info: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_cupy", Busy())
    report = json.loads(info(options=("--json",)))
    assert report["devices"][1] == vars(H200)
    assert report["kernels"] == {
        "compiled": [
            {"label": "dense PIXEL=float", "device": 0, "milliseconds": 41.6},
            {"label": "march ROWS=3", "device": 11, "milliseconds": 0.2},
        ],
        "cache": {"folder": str(tmp_path / "kernels"), "files": 0, "bytes": 0},
    }


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        ([], "cupy      not installed\n"),
        (["numpy"], "cupy      numpy 2."),
        (["cupy", "cupy-cuda12x"], "cupy      several CuPy packages are installed (cupy, cupy-cud"),
    ],
)
def test_the_installed_cupy_is_named(
    installed: list[str], said: str, info: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "packages", lambda: installed)
    assert said in info()


def test_info_looks_again_whatever_was_remembered(
    info: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    remember.place().parent.mkdir()
    remember.place().write_text("{}")
    info()
    assert not remember.place().exists()


def test_images_are_described_instead(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    np.save(tmp_path / "cells.npy", np.zeros((5, 40, 30), np.uint16))
    assert main(["info", str(tmp_path / "cells.npy"), f"{SAMPLES}/hubble.tif"]) == 0
    first, second = capsys.readouterr().out.split("\n\n")
    assert first.splitlines()[1:] == [
        "  Npy       5 × 40 × 30 uint16, 12.0 kB of pixels",
        "  chunks    1 × 30",
    ]
    assert second.splitlines()[:2] == [
        f"{SAMPLES}/hubble.tif",
        "  TIFF      300 × 450 uint16, 270.0 kB of pixels",
    ]


def test_images_are_described_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json", f"{SAMPLES}/camera.png"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["shape"] == [512, 512]
    assert found["levels"] == [[512, 512]]
    assert found["format"] == "PNG"


def test_an_image_that_cannot_be_read_is_named_and_the_rest_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["info", "nothing.png", f"{SAMPLES}/camera.png"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(f"{SAMPLES}/camera.png\n")
    assert err == "gpuconv info: error: cannot read nothing.png: No such file or directory\n"
