"""The command line as a whole: commands, errors, exit codes, and what goes to which stream."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

import gpuconv
from gpuconv.cli import main
from gpuconv.cli.parser import COMMANDS
from gpuconv.filters import catalog
from gpuconv.io import write_image

Done = subprocess.CompletedProcess[str]


def gpuconv_command(*arguments: str, cwd: Path | None = None, stdin: str = "") -> Done:
    """Run the command line as a user does."""
    env = os.environ | {"PYTHONPATH": str(Path(gpuconv.__file__).parent.parent)}
    return subprocess.run(
        [sys.executable, "-m", "gpuconv", *arguments],
        cwd=cwd,
        env=env,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )


# Commands


def test_version() -> None:
    done = gpuconv_command("--version")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        f"gpuconv {gpuconv.__version__}\n",
        "",
    )


def test_help_names_every_command() -> None:
    done = gpuconv_command("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    for name, command in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(command.help)}$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"usage: gpuconv {command}")
    assert err == ""


def test_help_and_version_are_quick() -> None:
    def seconds(code: str) -> float:
        code += "\nimport time; print(time.thread_time())"
        return float(subprocess.check_output([sys.executable, "-c", code]).split()[-1])

    # Processor time and the best of several, because tests share the machine; most of it is NumPy.
    bare = min(seconds("import numpy") for _ in range(5))
    ours = "from gpuconv.cli import main; main(['--version'])"
    assert min(seconds(ours) for _ in range(5)) < bare + 0.15


def test_version_imports_no_image_library() -> None:
    code = (
        "import sys; from gpuconv.cli import main; main(['--version'])\n"
        "print({'PIL', 'gpuconv.io', 'gpuconv.batch', 'gpuconv.filters'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_no_command_prints_help_on_stderr() -> None:
    done = gpuconv_command()
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("usage: gpuconv COMMAND")


# Errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bacth"], "gpuconv: error: 'bacth' is not a command; did you mean 'batch'?"),
        (["--filter", "box"], "gpuconv: error: unrecognized arguments: --filter box"),
        (["filters", "gausian"], "gpuconv filters: error: filter='gausian' is not a filter"),
        (["show"], "gpuconv show: error: no filter given"),
        (["show", "gaussian"], "gpuconv show: error: filter 'gaussian' needs sigma"),
        (["show", "gaussian", "--sgima", "2"], "--sgima 2; did you mean --sigma?"),
        (["show", "gaussian", "--width", "2"], "--width 2; filter 'gaussian' has the parameters"),
        (["show", "outline", "--sigma", "2"], "--sigma 2; filter 'outline' has no parameters"),
        (["show", "box", "--image", "x.png"], "--image needs -o FILE"),
        (["show", "box", "-o", "x.jpg"], "--output x.jpg must end in .png"),
        (["show", "--kernel", "1 2; 3"], "all rows must be equally long"),
        (["show", "box", "--normalize"], "--normalize is for --kernel, which is not given"),
        (["show", "--kernel", "1 2", "--anchor", "2"], "anchor='2' must be y,x"),
        (["batch"], "gpuconv batch: error: no input given"),
        (["batch", "x.png"], "gpuconv batch: error: give either -o DIR for the results, or"),
        (["batch", "x", "-o", "out", "--in-place"], "give either -o DIR"),
        (["batch", "x", "-o", "out"], "no filter given: add --filter NAME or --kernel MATRIX"),
        (["batch", "x", "-o", "o", "--filter", "gauss"], "did you mean 'gaussian'"),
        (["batch", "x", "-o", "o", "--filter", "box", "--border", "mirorr"], "mean 'mirror'"),
        (["batch", "x", "-o", "o", "--filter", "box", "--jobs", "0"], "'0' must be an integer"),
        (["batch", "x", "-o", "o", "--filter", "box", "--timeout", "-1"], "'-1' must be a number"),
        (["batch", "x", "-o", "o", "--filter", "box", "--max-pixels", "a"], "such as 500M"),
        (["batch", "x", "-o", "o", "--filter", "box", "--exists", "maybe"], "invalid choice"),
        (["batch", "x", "-o", "o", "--filter", "box", "--name", "{stam}"], "did you mean 'stem'"),
        (["batch", "x", "--filter", "box", "--filter", "disk", "--size", "3"], "NAME:key=value"),
        (["batch", "x", "-o", "o", "--filter", "box:size=3", "--size", "3"], "size is given twice"),
        (["batch", "x", "-o", "o", "--filter", "box", "--device", "tpu"], "is not a device"),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_an_unavailable_device_is_exit_4(capsys: pytest.CaptureFixture[str]) -> None:
    if any(device.name.startswith("cuda") and device.available for device in gpuconv.devices()):
        pytest.skip("there is a GPU here")
    assert main(["batch", "x.png", "-o", "out", "--filter", "box", "--device", "cuda:0"]) == 4
    assert "device='cuda:0' cannot be used" in capsys.readouterr().err


def test_a_bug_is_one_line_and_a_traceback_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(arguments: object) -> int:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("gpuconv.cli.info.main", fail)
    assert main(["info"]) == 2
    message = "gpuconv info: error: unexpected ZeroDivisionError: oops (add -v to see where)\n"
    assert capsys.readouterr().err == message
    with pytest.raises(ZeroDivisionError):
        main(["info", "-v"])


def test_ctrl_c_before_the_work_is_exit_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("gpuconv.cli.info.main", interrupted)
    assert main(["info"]) == 130


def test_a_reader_that_has_enough_is_no_error() -> None:
    command = f"{sys.executable} -m gpuconv filters --json | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env=os.environ | {"PYTHONPATH": str(Path(gpuconv.__file__).parent.parent)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("[\n", "")


def test_output_survives_a_terminal_without_unicode() -> None:
    env = os.environ | {
        "PYTHONPATH": str(Path(gpuconv.__file__).parent.parent),
        "PYTHONIOENCODING": "ascii",
    }
    command = [sys.executable, "-m", "gpuconv", "filters", "gaussian"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.startswith("gaussian: ")


# filters and info


def test_filters_lists_all_of_them() -> None:
    done = gpuconv_command("filters")
    assert done.returncode == 0
    assert done.stderr == ""
    names = re.findall(r"^  (\w+)  +[A-Z]", done.stdout, re.MULTILINE)
    kinds = {name: entry.operation for name, entry in catalog().items()}
    assert names == sorted(kinds, key=lambda name: (kinds[name], name))
    titles = [line for line in done.stdout.splitlines() if line.endswith(":")]
    assert titles == [
        "convolutions ('gpuconv show NAME' draws the kernel):",
        "filters of other kinds:",
    ]
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize("name", catalog())
def test_filters_explains_each(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["filters", name]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{name}: ")
    for parameter in catalog()[name].parameters:
        assert f"  --{parameter.replace('_', '-')} " in out
    assert f"--filter {name}" in out


@pytest.mark.parametrize("name", catalog())
def test_no_parameter_is_hidden_by_an_option_of_batch(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["batch", "--filter", name, "--help"]) == 0
    _, _, group = capsys.readouterr().out.partition(f"parameters of {name}:")
    for parameter in catalog()[name].parameters:
        assert f"--{parameter.replace('_', '-')} " in group


def test_all_that_a_parameter_may_be_stands_beside_its_flag(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["filters", "wiener"]) == 0
    assert "  --balance auto|X " in capsys.readouterr().out


def test_filters_as_json() -> None:
    every = json.loads(gpuconv_command("filters", "--json").stdout)
    assert [entry["name"] for entry in every] == list(catalog())
    (one,) = json.loads(gpuconv_command("filters", "gaussian", "--json").stdout)
    sigma, truncate = one["parameters"][:2]
    assert (sigma["name"], sigma["required"], sigma["default"]) == ("sigma", True, None)
    assert (truncate["kind"], truncate["default"]) == ("number", 4.0)
    assert one["kind"] == "convolution"
    (other,) = json.loads(gpuconv_command("filters", "median", "--json").stdout)
    assert other["kind"] == "operation"
    size, footprint, _ = other["parameters"]
    assert (size["kind"], size["default"]) == ("integer or two integers such as 3x5", 3)
    assert footprint["kind"].startswith("rows of numbers such as '0 1 0; 1 1 1; 0 1 0', a file")


def test_info_says_what_is_here_and_why_no_gpu() -> None:
    done = gpuconv_command("info")
    assert done.returncode == 0
    assert done.stderr == ""
    for word in ("gpuconv", "python", "numpy", "blas", "pillow", "threads", "devices", "extras"):
        assert word in done.stdout
    for device in gpuconv.devices():
        assert device.available or device.reason in done.stdout


def test_info_as_json() -> None:
    report = json.loads(gpuconv_command("info", "--json").stdout)
    assert report["gpuconv"] == gpuconv.__version__
    assert report["threads"] >= 1
    assert [d["name"] for d in report["devices"]] == [d.name for d in gpuconv.devices()]
    assert isinstance(report["extras"], dict)


# Streams that nobody reads


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_stop_no_work(closed: str, tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", np.zeros((4, 4), np.uint8))
    env = os.environ | {"PYTHONPATH": str(Path(gpuconv.__file__).parent.parent)}
    command = f"'{sys.executable}' -m gpuconv batch a.png -o out --filter box --json {closed}"
    done = subprocess.run(command, shell=True, cwd=tmp_path, env=env, capture_output=True)
    assert done.returncode == 0
    assert (tmp_path / "out" / "a.png").is_file()


def test_a_log_that_is_cut_off_stops_no_work(tmp_path: Path) -> None:
    for index in range(12):
        write_image(tmp_path / f"{index}.png", np.zeros((4, 4), np.uint8))
    (tmp_path / "broken.png").write_bytes(b"no image")
    env = os.environ | {"PYTHONPATH": str(Path(gpuconv.__file__).parent.parent)}
    command = [sys.executable, "-m", "gpuconv", "batch", ".", "-o", "out", "--filter", "box", "-v"]
    with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        process.stderr.close()
        assert process.wait(60) == 1
    assert len(list((tmp_path / "out").glob("*.png"))) == 12


def test_warnings_of_pillow_are_not_shown(tmp_path: Path) -> None:
    pixels = np.zeros((4, 4, 3), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", bigtiff=True, byteorder=">")
    done = gpuconv_command("batch", "a.tif", "-o", "out", "--filter", "box", cwd=tmp_path)
    assert done.returncode == 0
    assert "Warning" not in done.stderr


def test_a_file_name_does_nothing_to_the_terminal(tmp_path: Path) -> None:
    write_image(tmp_path / "\x1b[31mred\n.png", np.zeros((4, 4), np.uint8))
    done = gpuconv_command("batch", ".", "-o", "out", "--filter", "box", "-v", cwd=tmp_path)
    assert "done: \\x1b[31mred\\n.png -> out/\\x1b[31mred\\n.png" in done.stderr
    assert "\x1b" not in done.stderr
