"""``gpuconv run`` as a user runs it: files in, files out, what is said and what is left behind."""

from __future__ import annotations

import errno
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage import data

import gpuconv as gc
from gpuconv.cli import main, run
from gpuconv.errors import ImageFileError
from gpuconv.filters import Chain
from gpuconv.io.sink import Sink

COMMAND = [sys.executable, "-m", "gpuconv", "run"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(gc.__file__).parent.parent)}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with photographs in tiled files."""
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("camera.tif", data.camera(), tile=(128, 128), compression="deflate")
    tifffile.imwrite("astronaut.tif", data.astronaut(), tile=(128, 128), photometric="rgb")
    np.save("camera.npy", data.camera())
    return tmp_path


def left(folder: Path) -> set[str]:
    """Return what there is in a folder, hidden or not."""
    return {path.name for path in folder.iterdir()}


def same(path: str, chain: Chain, image: np.ndarray) -> bool:
    found = np.load(path) if path.endswith(".npy") else tifffile.imread(path)
    return found.dtype == image.dtype and np.array_equal(found, chain(image))


# What comes out


def test_a_filter_with_its_parameter_as_a_flag(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = left(folder)
    assert main(["run", "camera.tif", "out.tif", "--filter", "gaussian", "--sigma", "3"]) == 0
    assert same("out.tif", Chain.parse(["gaussian:sigma=3"]), data.camera())
    out, err = capsys.readouterr()
    assert out == ""
    done, bound, memory = err.splitlines()
    assert done.startswith("done: camera.tif -> out.tif (262 kpixel in ")
    assert bound.startswith("bound by ")
    assert all(f"{stage} " in bound for stage in ("read", "compute", "write"))
    assert memory.startswith("memory: ")
    assert memory.endswith(" MiB predicted")
    assert left(folder) - before == {"out.tif"}


def test_a_chain_with_borders_in_small_tiles_has_the_bits_of_the_whole(folder: Path) -> None:
    flags = ["--filter", "gaussian:sigma=4", "--filter", "median:size=5", "--tile", "96x200"]
    flags += ["--border", "wrap,constant", "--cval", "77", "--gain", "1.5"]
    assert main(["run", "astronaut.tif", "out.npy", *flags, "-q"]) == 0
    chain = Chain.parse(
        ["gaussian:sigma=4", "median:size=5"], border=("wrap", "constant"), cval=77, gain=1.5
    )
    assert same("out.npy", chain, data.astronaut())


def test_raw_numbers_have_the_shape_and_dtype_that_are_told(folder: Path) -> None:
    deep = data.camera().astype(np.uint16) * 200
    deep.astype(">u2").tofile("deep.raw")
    flags = ["--filter", "box", "--size", "7", "--shape", "512x512", "--dtype", ">u2"]
    assert main(["run", "deep.raw", "out.npy", *flags, "-q"]) == 0
    assert same("out.npy", Chain.parse(["box:size=7"]), deep)


def test_a_page_of_several_and_all_of_them(folder: Path) -> None:
    pages = np.stack([data.camera(), data.camera()[::-1]])
    tifffile.imwrite("pages.tif", pages, photometric="minisblack")
    flags = ["--filter", "maximum", "--size", "3", "-q"]
    assert main(["run", "pages.tif", "all.npy", *flags]) == 0
    assert main(["run", "pages.tif", "second.npy", "--page", "1", *flags]) == 0
    assert same("second.npy", Chain.parse(["maximum:size=3"]), pages[1])
    assert np.array_equal(np.load("all.npy")[1], np.load("second.npy"))


def test_what_pillow_reads_goes_in_and_comes_out(folder: Path) -> None:
    Image.fromarray(data.astronaut()).save("a.png")
    flags = ["--filter", "box", "--size", "5", "--grey", "--linear", "-q"]
    assert main(["run", "a.png", "b.png", *flags]) == 0
    expected = gc.Image.from_array(data.astronaut()).grey()
    expected = expected.map(Chain.parse(["box:size=5"]), linear=True)
    with Image.open("b.png") as image:
        assert np.array_equal(np.asarray(image), expected.pixels)


def test_what_needs_the_whole_image_gets_it_and_that_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "camera.tif", "out.npy", "--filter", "canny", "--sigma", "2"]) == 0
    lines = np.where(gc.canny(data.camera(), sigma=2), np.uint8(255), np.uint8(0))
    assert np.array_equal(np.load("out.npy"), lines)
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "note: canny needs the whole image at once, so it is read whole"


def test_too_little_memory_is_told_before_any_work(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = left(folder)
    for filter, needed in (("box", "for tiles of 128 × 128"), ("canny", "all of 512 × 512")):
        assert main(["run", "camera.tif", "o.tif", "--filter", filter, "--memory", "9M"]) == 2
        err = capsys.readouterr().err
        assert "is too little" in err
        assert needed in err
    assert left(folder) == before


# What exists


def test_what_exists_is_an_error_or_left_alone_or_replaced(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("out.tif").write_bytes(b"precious")
    command = ["run", "camera.tif", "out.tif", "--filter", "box"]
    assert main(command) == 1
    assert "out.tif exists already: --exists overwrite replaces it" in capsys.readouterr().err
    assert main([*command, "--exists", "skip"]) == 0
    assert capsys.readouterr().err == "skipped: out.tif exists\n"
    assert Path("out.tif").read_bytes() == b"precious"
    assert main([*command, "--exists", "overwrite"]) == 0
    assert same("out.tif", Chain.parse(["box"]), data.camera())


@pytest.mark.parametrize("output", ["camera.tif", "./camera.tif", "store/new.tif", "."])
def test_an_input_is_never_replaced(
    folder: Path, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "store").mkdir()
    before = (folder / "camera.tif").read_bytes()
    source = "store" if output.startswith("store") else "camera.tif"
    assert main(["run", source, output, "--filter", "box", "--exists", "overwrite"]) == 2
    assert "is, holds or lies in the input" in capsys.readouterr().err
    assert (folder / "camera.tif").read_bytes() == before


# What is said


def test_a_dry_run_explains_and_touches_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = left(folder)
    command = ["run", "camera.tif", "out.tif", "--filter", "box", "--tile", "128x512"]
    assert main([*command, "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "filter      box" in out
    assert "128 × 512" in out
    assert main([*command, "-n", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["schema"], plan["status"]) == ("gpuconv.run/1", "would_write")
    assert (plan["tile"], plan["tiles"], plan["pixels"]) == ([128, 512], 4, 512 * 512)
    assert left(folder) == before


def test_verbose_tells_the_plan_and_quiet_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "camera.tif", "a.tif", "--filter", "box", "-v"]) == 0
    told = capsys.readouterr().err
    assert told.startswith("filter      box\n")
    assert "\ndone: camera.tif -> a.tif" in told
    assert main(["run", "camera.tif", "b.tif", "--filter", "box", "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_json_tells_what_became_of_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["run", "camera.tif", "out.tif", "--filter", "box", "--tile", "128x512"]
    assert main([*command, "--json", "-q"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    told = json.loads(out)
    assert told["schema"] == "gpuconv.run/1"
    assert (told["status"], told["error"]) == ("done", None)
    assert (told["input"], told["output"]) == ("camera.tif", "out.tif")
    assert (told["pixels"], told["tiles"]) == (512 * 512, 4)
    assert told["bound"] in told["stages"]
    for stage in ("read", "compute", "write"):
        assert told["stages"][stage]["pieces"] >= 4
        assert 0 < told["stages"][stage]["busy"] <= 1
    assert told["memory"] > 0
    assert main([*command, "--json", "-q", "--exists", "skip"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "skipped"


def test_a_profile_is_a_timeline_and_a_picture(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--filter", "box", "--tile", "128x512", "--profile", "run.json"]
    assert main(["run", "camera.tif", "out.tif", *flags]) == 0
    assert "timeline for https://ui.perfetto.dev: run.json, run.png" in capsys.readouterr().err
    events = json.loads(Path("run.json").read_text())["traceEvents"]
    assert events[0]["args"]["name"] == "box: camera.tif → out.tif"
    tiles = {event["args"]["tile"] for event in events if event["ph"] == "X"}
    assert tiles == {0, 1, 2, 3}
    with Image.open("run.png") as picture:
        assert picture.width > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["camera.tif"], "give an image and where the result is to go"),
        (["camera.tif", "o.tif"], "no filter given: add --filter NAME"),
        (["camera.tif", "o.tif", "--filter", "gauss"], "did you mean 'gaussian'"),
        (["camera.tif", "o.tif", "--filter", "box", "--sigma", "2"], "filter 'box' has the param"),
        (["camera.tif", "o.tfi", "--filter", "box"], "OUTPUT='.tfi' is not that of a known format"),
        (["camera.tif", "o.tif", "--filter", "box", "--tile", "0"], "'0' is no tile"),
        (["camera.tif", "o.tif", "--filter", "box", "--tile", "2x3x4"], "'2x3x4' is no tile"),
        (["camera.tif", "o.tif", "--filter", "box", "--page", "-1"], "'-1' must be an integer"),
        (["camera.tif", "o.tif", "--filter", "box", "--memory", "much"], "like '512M'"),
        (["camera.tif", "o.tif", "--filter", "box", "--shape", "9"], "'9' is no shape"),
        (["camera.tif", "o.tif", "--filter", "box", "--dtype", "u7"], "'u7' is no dtype"),
        (["camera.tif", "o.tif", "--filter", "box", "--dtype", "u2"], "it is for raw"),
        (["camera.tif", "o.tif", "--filter", "box", "--device", "cpu,cpu"], "each once"),
        (["camera.tif", "o.tif", "--filter", "box", "--device", "tpu"], "is not a device"),
        (["camera.tif", "o.tif", "--filter", "box", "--profile", "p.png"], "ends in .json"),
        (["camera.tif", "o.tif", "--filter", "box", "--profile", "x/p.json"], "to exist"),
        (["camera.npy", "p.png", "--filter", "box", "--profile", "p.json"], "would replace p.png"),
        (["camera.npy", "o.png", "--filter", "box", "--pyramid"], "pyramid=True means nothing"),
        (["camera.npy", "o.zarr", "--filter", "box", "-n", "--dask", "tcp://h:1"], "--dry-run is"),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line(
    folder: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = left(folder)
    assert main(["run", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert left(folder) == before


def test_other_failures_have_codes_of_their_own(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "absent.tif", "o.tif", "--filter", "box"]) == 1
    assert "cannot read absent.tif: No such file" in capsys.readouterr().err
    if not any(device.name.startswith("cuda") and device.available for device in gc.devices()):
        assert main(["run", "camera.tif", "o.tif", "--filter", "box", "--device", "cuda:0"]) == 4
        assert "device='cuda:0' cannot be used" in capsys.readouterr().err


def given(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    """Return what the stream is given for a command line."""
    taken: dict[str, Any] = {}

    class TakenError(Exception):
        pass

    def fake(source: Any, sink: Any, chain: Chain, **options: Any) -> Any:
        taken.update(options, source=source.shape, sink=sink, chain=chain.spec)
        raise TakenError

    monkeypatch.setattr(run, "stream", fake)
    with pytest.raises(TakenError):
        run.main(["camera.tif", "out.tif", "--filter", "box", *arguments])
    return taken


def test_options_reach_the_stream(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = given(monkeypatch)
    assert (usual["source"], usual["sink"], usual["chain"]) == ((512, 512), "out.tif", "box")
    assert usual["device"] == "auto"
    assert (usual["resume"], usual["overwrite"], usual["salvage"]) == (True, False, False)
    flags = "--memory 1G --gpu-memory 2G --tile 64x128 --compression zstd --pyramid --restart"
    flags += " --exists overwrite --missing fill --salvage --alpha straight --linear --grey"
    asked = given(monkeypatch, *flags.split(), "--device", "cuda:0, cuda:1", "--device", "cuda:2")
    expected = {
        "memory": "1G",
        "gpu_memory": "2G",
        "tile": (64, 128),
        "compression": "zstd",
        "pyramid": True,
        "resume": False,
        "overwrite": True,
        "missing": "fill",
        "salvage": True,
        "alpha": "straight",
        "linear": True,
        "grey": True,
        "device": ["cuda:0", "cuda:1", "cuda:2"],
    }
    assert {name: asked[name] for name in expected} == expected


# What goes wrong on the way


@pytest.fixture
def damaged(folder: Path) -> Path:
    """An image of 8 × 16 tiles, of which that in row 1 and column 1 cannot be decoded."""
    wide = np.tile(data.camera(), (2, 4))
    tifffile.imwrite("camera.tif", wide, tile=(128, 128), compression="deflate")
    with tifffile.TiffFile("camera.tif") as file:
        start = file.pages[0].dataoffsets[17]  # type: ignore[union-attr]
    with open("camera.tif", "r+b") as image:
        image.seek(start)
        image.write(b"\xff" * 64)
    return folder


def test_what_cannot_be_read_fails_alone_and_is_named(
    damaged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "camera.tif", "out.npy", "--filter", "identity", "--tile", "128"]
    assert main([*command, "--json"]) == 1
    out, err = capsys.readouterr()
    assert "not finished: camera.tif -> out.npy; the same command tries again" in err
    assert "failed: " in err
    told = json.loads(out)
    assert told["status"] == "partial"
    assert told["gaps"]
    for gap in told["gaps"]:
        (top, bottom), _ = gap["rows"], gap["columns"]
        assert top < 256
        assert bottom > 128
        assert gap["reason"].startswith("cannot read camera.tif, tile (1, 1): ")
    assert left(damaged) >= {".gpuconv-out.npy.partial"}
    assert "out.npy" not in left(damaged)


def test_salvage_fills_what_cannot_be_read_and_says_so(
    damaged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "camera.tif", "out.npy", "--filter", "identity", "--salvage", "--cval", "9"]
    assert main(command) == 0
    assert "filled: " in capsys.readouterr().err
    expected = np.tile(data.camera(), (2, 4))
    expected[128:256, 128:256] = 9
    assert np.array_equal(np.load("out.npy"), expected)


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


#: Sixteen tiles, each of which takes long enough for a signal to come in between.
SLOW_FILTER = "bilateral:diameter=33,sigma_color=25"
SLOW = ["camera.tif", "out.npy", "--filter", SLOW_FILTER, "--tile", "128"]


def written(folder: Path) -> bool:
    """Tell whether a tile has been written: the journal has a line more than its key."""
    journal = folder / ".gpuconv-out.npy.partial" / "journal.jsonl"
    return journal.is_file() and journal.read_bytes().count(b"\n") > 1


def test_a_stopped_run_goes_on_and_ends_as_if_undisturbed(folder: Path) -> None:
    process = start(folder, *SLOW)
    wait_until(lambda: written(folder))
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopping: tiles at work are finished first" in told
    assert "the same command goes on from there" in told
    assert ".gpuconv-out.npy.partial" in left(folder)
    assert main(["run", *SLOW, "--json", "-q"]) == 0
    assert same("out.npy", Chain.parse([SLOW_FILTER]), data.camera())
    assert ".gpuconv-out.npy.partial" not in left(folder)


def test_a_full_disk_ends_with_a_code_of_its_own_and_says_where_the_rest_is(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        cause = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise ImageFileError(f"cannot write out.npy: {cause.strerror}") from cause

    monkeypatch.setattr(Sink, "write", full)
    assert main(["run", "camera.tif", "out.npy", "--filter", "box", "-q"]) == 5
    told = capsys.readouterr().err
    assert "(the disk is full); nothing was put at out.npy; what is done is kept in " in told
    assert ".gpuconv-out.npy.partial, and the same call goes on with it" in told


# What a terminal shows


def on_a_terminal(folder: Path, *arguments: str, **environment: str) -> str:
    """Return what a command shows on a terminal of eighty columns."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=ENVIRONMENT | {"TERM": "xterm", "COLUMNS": "80"} | environment,
        stderr=theirs,
        stdout=subprocess.DEVNULL,
    )
    os.close(theirs)
    shown = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            shown += os.read(ours, 4096)
        except OSError:  # the other side is closed
            break
    process.wait(timeout=60)
    os.close(ours)
    return shown.decode()


def test_a_terminal_shows_two_lines_that_go_away(folder: Path) -> None:
    shown = on_a_terminal(folder, *SLOW)
    *drawn, rest = shown.split("\r\x1b[J")
    bars = [part.removesuffix("\x1b[A").split("\r\n") for part in drawn if "%" in part]
    assert all(len(line) < 80 for bar in bars for line in bar)
    assert any("Mpixel/s" in bar[0] or "kpixel/s" in bar[0] for bar in bars)
    assert any("compute" in bar[1] for bar in bars if len(bar) > 1)
    assert rest.startswith("done: camera.tif -> out.npy")


def test_a_dumb_terminal_gets_plain_lines(folder: Path) -> None:
    shown = on_a_terminal(folder, "camera.tif", "o.npy", "--filter", "box", TERM="dumb")
    assert "\x1b" not in shown
    assert shown.startswith("done: ")


def test_help_brings_no_library_that_help_does_not_need() -> None:
    code = (
        "import sys; from gpuconv.cli import main; main(['run', '--help'])\n"
        "heavy = {'PIL', 'zarr', 'dask', 'tifffile', 'imagecodecs', 'matplotlib', 'scipy', 'cupy'}"
        "\nprint(heavy & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=ENVIRONMENT
    )
    assert done.stdout.startswith("usage: gpuconv run INPUT OUTPUT --filter NAME")
    assert done.stdout.splitlines()[-1] == "set()"
