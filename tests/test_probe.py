"""Why there is no usable GPU, with drivers and CuPys that fail in every known way; none is real."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpuconv
from gpuconv.backends.cuda import probe, reasons, remember

FAKES = Path(__file__).parent / "fakes"
COMPILER = shutil.which("gcc") or shutil.which("cc")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fake driver is for Linux")

#: Prints devices twice, and which modules came, as another process sees them.
LOOK = """
import json, os, sys, gpuconv
gpuconv.devices()
rows = [vars(device) for device in gpuconv.devices()]
print(json.dumps([rows, os.getpid(), "cupy" in sys.modules]))
"""


@pytest.fixture(scope="session")
def drivers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders that hold a libcuda: a whole one, one without cuInit, and a file that is none."""
    if COMPILER is None:
        pytest.skip("no C compiler builds the fake driver")
    folders = {name: tmp_path_factory.mktemp(name) for name in ("whole", "lacking", "garbage")}
    for name, flags in (("whole", []), ("lacking", ["-DLACKS_INIT"])):
        library = str(folders[name] / "libcuda.so.1")
        command = [COMPILER, "-shared", "-fPIC", *flags, "-o", library, str(FAKES / "libcuda.c")]
        subprocess.run(command, check=True)
    (folders["garbage"] / "libcuda.so.1").write_bytes(b"no library")
    return folders


@pytest.fixture
def fake(tmp_path: Path, drivers: dict[str, Path]) -> Callable[..., dict[str, str]]:
    """Return the environment of a machine with a fake driver and a fake CuPy."""

    def environment(driver: str = "whole", cupy: str | None = None, **more: str) -> dict[str, str]:
        package = tmp_path / "libraries" / "cupy"
        package.mkdir(parents=True)
        text = (FAKES / "cupy_like.py").read_text("utf-8") if cupy is None else cupy
        (package / "__init__.py").write_text(text, "utf-8")
        unset = {probe.OFF, probe.SECONDS, "CUDA_VISIBLE_DEVICES", "PYTHONSAFEPATH"}
        env = {name: value for name, value in os.environ.items() if name not in unset}
        paths = [str(package.parent), str(Path(gpuconv.__file__).parent.parent)]
        return (
            env
            | {
                "LD_LIBRARY_PATH": f"{drivers[driver]}:{env.get('LD_LIBRARY_PATH', '')}",
                "PYTHONPATH": os.pathsep.join(paths),
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
                "CUPY_CACHE_DIR": str(tmp_path / "kernels"),
                "FAKE_CUDA_LOG": str(tmp_path / "log"),
            }
            | more
        )

    return environment


def look(env: dict[str, str]) -> list[dict[str, Any]]:
    """Return the GPU's rows of ``gpuconv.devices()``; `gpuconv info` must show the same."""
    done = subprocess.run([sys.executable, "-c", LOOK], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    rows, process, imported = json.loads(done.stdout)
    assert not imported
    log = Path(env["FAKE_CUDA_LOG"])
    asked = log.read_text().split() if log.exists() else []
    assert str(process) not in asked
    assert len(asked) <= 1
    shown = info(env)
    for row in rows[1:]:
        assert row["reason"] in shown
        assert row["description"] in shown
    return list(rows[1:])


def info(env: dict[str, str], *options: str) -> str:
    command = [sys.executable, "-m", "gpuconv", "info", *options]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# What works


def test_a_working_gpu_is_shown_with_all_it_has(fake: Any) -> None:
    [row] = look(fake())
    assert row == {
        "name": "cuda:0",
        "description": "Fake GPU 0",
        "available": True,
        "reason": "",
        "memory": 1 << 30,
        "capability": "9.0",
        "driver": "CUDA 13.0",
        "library": "CuPy 14.2.0",
    }


def test_info_shows_a_working_gpu_on_two_lines(fake: Any) -> None:
    page = info(fake(FAKE_CUDA_COUNT="2"))
    assert "  cuda:0    Fake GPU 0: available\n" in page
    assert (
        "            2.0 GiB, compute capability 8.0, driver for CUDA 13.0, CuPy 14.2.0\n" in page
    )


def test_each_gpu_has_a_row_and_its_own_verdict(fake: Any) -> None:
    rows = look(fake(FAKE_CUDA_COUNT="3"))
    assert [row["name"] for row in rows] == ["cuda:0", "cuda:1", "cuda:2"]
    assert [row["capability"] for row in rows] == ["9.0", "8.0", "7.0"]
    assert [row["available"] for row in rows] == [True, True, False]
    assert rows[2]["reason"] == ("its compute capability is 7.0, 7.5 is needed; use a newer GPU")


def test_a_newer_driver_and_an_older_cuda_go_together(fake: Any) -> None:
    [row] = look(fake(FAKE_CUPY_CUDA="12090", FAKE_CUDA_CAPABILITY="75"))
    assert row["available"]


# What does not


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"GPUCONV_NO_GPU": "1"}, "GPUCONV_NO_GPU=1 turns it off; unset it"),
        ({"CUDA_VISIBLE_DEVICES": ""}, "CUDA_VISIBLE_DEVICES='' hides every GPU; unset it"),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, "CUDA_VISIBLE_DEVICES='-1' hides every GPU; unset it"),
        ({"driver": "garbage"}, "the NVIDIA driver cannot be loaded: "),
        ({"driver": "lacking"}, "libcuda lacks cuInit: it is broken or no NVIDIA driver"),
        ({"FAKE_CUDA_INIT": "100"}, "the NVIDIA driver finds no GPU; "),
        (
            {"FAKE_CUDA_INIT": "100", "CUDA_VISIBLE_DEVICES": "7"},
            "CUDA_VISIBLE_DEVICES='7' names no GPU of this machine; unset or change it",
        ),
        ({"FAKE_CUDA_COUNT": "0"}, "the NVIDIA driver finds no GPU; "),
        (
            {"FAKE_CUDA_COUNT": "0", "CUDA_VISIBLE_DEVICES": "7"},
            "CUDA_VISIBLE_DEVICES='7' names no GPU of this machine; unset or change it",
        ),
        (
            {"FAKE_CUDA_INIT": "35"},
            "the NVIDIA driver is too old for this CUDA; update the driver (error 35)",
        ),
        (
            {"FAKE_CUDA_INIT": "803"},
            "the NVIDIA driver was updated and the old one still runs (version mismatch of driver "
            "and library); restart the machine (error 803)",
        ),
        (
            {"FAKE_CUDA_INIT": "777"},
            "the NVIDIA driver's cuInit failed with error 777; see nvidia-smi",
        ),
        (
            {"FAKE_CUDA_INIT": "abort"},
            "a probe of the GPU crashed (SIGABRT) while starting the driver; ",
        ),
        (
            {"FAKE_CUDA_INIT": "exit"},
            "a probe of the GPU failed with exit code 7 while starting the driver; ",
        ),
    ],
)
def test_without_a_driver_that_works_one_row_says_why(
    given: dict[str, str], said: str, fake: Any
) -> None:
    [row] = look(fake(**given))
    assert (row["name"], row["description"], row["available"]) == ("cuda", "NVIDIA GPU", False)
    assert row["reason"].startswith(said)


def test_a_driver_that_hangs_is_left_alone(fake: Any) -> None:
    start = time.monotonic()
    [row] = look(fake(FAKE_CUDA_INIT="hang", GPUCONV_PROBE_SECONDS="1"))
    assert row["reason"].startswith(
        "a probe of the GPU gave no answer in 1 s (GPUCONV_PROBE_SECONDS sets this limit) "
        "while starting the driver; "
    )
    assert time.monotonic() - start < 40


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"cupy": "raise ImportError('libcublas.so.13: cannot open')"},
            "CuPy cannot be imported: ImportError: libcublas.so.13: cannot open; pip install ",
        ),
        ({"cupy": "raise SystemExit"}, "CuPy cannot be imported: SystemExit; pip "),
        ({"cupy": "1 / 0"}, "CuPy cannot be imported: ZeroDivisionError: division by zero; "),
        ({"cupy": "import cupy_of_nobody"}, "CuPy cannot be imported: ModuleNotFoundError: "),
        ({"cupy": "import os; os.abort()"}, "a probe of the GPU crashed (SIGABRT) while importing"),
        (
            {"FAKE_CUPY_VERSION": "13.6.0"},
            "CuPy 13.6.0 is too old, 14.2 is needed: pip install 'gpuconv[cuda13]'",
        ),
        (
            {"FAKE_CUDA_VERSION": "12080"},
            "the NVIDIA driver is too old: it runs up to CUDA 12.8, and CuPy is built for CUDA "
            "13.2; update the driver, or replace CuPy: pip uninstall ",
        ),
        ({"FAKE_CUPY_KERNEL": "wrong"}, "a first kernel gave wrong numbers; "),
        (
            {"FAKE_CUPY_KERNEL": "fails"},
            "CuPy cannot run a kernel on it: RuntimeError: CuPy failed to load libnvrtc.so.13: "
            "OSError; pip install 'cupy-cuda13x[ctk]'",
        ),
        (
            {"FAKE_CUDA_CAPABILITY": "61"},
            "its compute capability is 6.1, 7.5 is needed; use a newer GPU",
        ),
    ],
)
def test_a_gpu_that_cupy_cannot_use_is_shown_and_why(
    given: dict[str, str], said: str, fake: Any
) -> None:
    [row] = look(fake(**given))
    assert (row["name"], row["description"], row["available"]) == ("cuda:0", "Fake GPU 0", False)
    assert row["reason"].startswith(said)


@pytest.mark.skipif(bool(probe.packages()), reason="CuPy is installed here")
@pytest.mark.parametrize(("version", "extra"), [("13000", "cuda13"), ("12040", "cuda12")])
def test_a_missing_cupy_is_named_with_the_extra_that_fits_the_driver(
    version: str, extra: str, fake: Any
) -> None:
    env = fake(cupy="raise ModuleNotFoundError('none', name='cupy')", FAKE_CUDA_VERSION=version)
    [row] = look(env)
    assert row["reason"] == f"CuPy is not installed: pip install 'gpuconv[{extra}]'"


def test_several_cupys_are_named(fake: Any, tmp_path: Path) -> None:
    env = fake(cupy="from cupy import of_the_other")
    for name in ("cupy_cuda12x", "cupy_cuda13x"):
        folder = tmp_path / "libraries" / f"{name}-14.2.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 14.2.0\n")
    [row] = look(env)
    assert row["reason"].endswith(
        "; several CuPy packages are installed (cupy-cuda12x, cupy-cuda13x): "
        "uninstall all, then install one"
    )
    assert "cupy      several CuPy packages are installed" in info(env)


def test_no_driver_is_found_without_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv(probe.OFF, raising=False)
    monkeypatch.setattr(probe, "LIBRARY", "libcuda_of_nobody.so.1")
    monkeypatch.setattr(subprocess, "Popen", None)
    probe.forget()
    try:
        [row] = probe.devices()
    finally:
        probe.forget()
    assert row.reason.startswith("no NVIDIA driver (libcuda) is installed on this machine")


def test_cupy_is_found_where_this_process_would_find_it(fake: Any, tmp_path: Path) -> None:
    env = fake(PYTHONPATH=str(Path(gpuconv.__file__).parent.parent))
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'libraries')!r})" + LOOK
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)[0][1]["library"] == "CuPy 14.2.0"


def test_a_probe_that_cannot_be_started_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert "could not be started" in probe._ask()["silence"]


def test_a_mistake_of_ours_is_a_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise KeyError("oops")

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(probe, "_closed", lambda off, visible: "")
    monkeypatch.setattr(probe, "_ask", fail)
    probe.forget()
    try:
        [row] = probe.devices()
    finally:
        probe.forget()
    assert row.reason == "looking for one failed: KeyError: 'oops'"


@pytest.mark.parametrize("text", ["1e9", "x", ""])
def test_the_limit_of_a_probe_is_a_number(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(probe.SECONDS, text)
    assert probe._patience() == (1e9 if text == "1e9" else 60)


def test_long_messages_are_cut_and_put_on_one_line() -> None:
    facts = {"driver": 13000, "gpus": [{}], "broken": "=" * 60 + "\nIt is  broken.\n" + "x" * 999}
    reason = reasons.of_machine(facts, None, [])
    assert reason.startswith("CuPy cannot be imported: It is broken. xxx")
    assert reason.endswith("x…; pip install 'gpuconv[cuda13]'")
    assert len(reason) < 400


# What is remembered


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a driver and CuPy, whose files can be changed."""
    for name in ("driver", "boot", "nvidia0", "cupy.py"):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(remember, "_DRIVER", tmp_path / "driver")
    monkeypatch.setattr(remember, "_BOOT", tmp_path / "boot")
    monkeypatch.setattr(remember, "_NODES", tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv(probe.OFF, raising=False)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def change(path: Path) -> None:
    path.write_text("another")
    os.utime(path, (1, 1))


@pytest.mark.parametrize("changed", [None, "driver", "boot", "cupy.py", "node", "variable"])
def test_good_news_is_remembered_until_something_changes(
    changed: str | None, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {"driver": 13000}
    remember.keep(facts)
    if changed == "node":
        (machine / "nvidia1").write_text("")
    elif changed == "variable":
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    elif changed:
        change(machine / changed)
    assert remember.recall() == (facts if changed is None else None)
    remember.forget()
    assert remember.recall() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "{}", '{"when": 1}'])
def test_a_damaged_memory_is_none(text: str, machine: Path) -> None:
    remember.place().parent.mkdir(parents=True)
    remember.place().write_text(text)
    assert remember.recall() is None


def test_no_place_to_remember_is_no_error(machine: Path) -> None:
    (machine / "cache").write_text("a file where the folder should be")
    remember.keep({"driver": 13000})
    assert remember.recall() is None
    remember.forget()


@pytest.mark.parametrize(("capability", "asked"), [([9, 0], 1), ([6, 1], 3)])
def test_only_good_news_is_remembered(
    capability: list[int], asked: int, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = {"name": "GPU", "memory": 1, "capability": capability}
    facts = {"driver": 13000, "cuda": 13000, "cupy": "14.2.0", "gpus": [gpu], "wrong": False}
    calls = []
    monkeypatch.setattr(probe, "_closed", lambda off, visible: "")
    monkeypatch.setattr(probe, "_ask", lambda: calls.append(1) or facts)
    probe.forget()
    try:
        for _ in range(3):
            rows = probe.devices()
            assert probe.devices() is rows  # within a process, all news is remembered
            assert rows[0].available == (asked == 1)
            probe._devices.cache_clear()  # as in the next process
    finally:
        probe.forget()
    assert len(calls) == asked
