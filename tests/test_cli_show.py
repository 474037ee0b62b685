"""``gpuconv show``: kernels drawn in the terminal and as PNG, and images before and after."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage import data

from gpuconv import kernels
from gpuconv.cli import main
from gpuconv.filters import lookup


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what ``gpuconv show`` prints."""
    assert main(["show", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def facts(text: str) -> dict[str, str]:
    """Return the lines "key value" below the drawing."""
    rows = [line.partition(" ") for line in text.splitlines() if line[:1].isalpha()]
    return {key: value.strip() for key, _, value in rows}


def test_a_kernel_is_drawn_with_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, "sobel_x")
    assert out.splitlines()[:3] == [" 1  0 -1", " 2  0 -2", " 1  0 -1"]
    assert "\x1b" not in out
    assert facts(out) == {
        "filter": "sobel_x",
        "shape": "3×3 (rows×columns), anchor 1,1",
        "weights": "integers",
        "divisor": "1",
        "sum": "0",
        "rank": "1 (separable: column [1 2 1] times row [ 1  0 -1])",
    }


@pytest.mark.parametrize("name", kernels.__all__)
def test_every_filter_is_shown_with_what_it_needs(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [
        part
        for p in lookup(name).parameters.values()
        if p.required
        for part in (f"--{p.name.replace('_', '-')}", "0.2" if p.name == "frequency" else "2")
    ]
    told = facts(shown(capsys, name, *given))
    assert told["filter"].startswith(name)
    assert int(told["rank"].split()[0]) >= 1


def test_parameters_stand_in_the_name_or_as_flags(capsys: pytest.CaptureFixture[str]) -> None:
    flags = shown(capsys, "gabor", "--frequency", "0.2", "--angle", "-45", "--part=complex")
    name = shown(capsys, "gabor:frequency=0.2,angle=-45,part=complex")
    assert flags == name
    assert facts(name)["weights"] == "complex"


def test_a_kernel_of_ones_own_may_begin_with_a_minus(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, "--kernel", "-1,0,1", "--anchor", "0,2")
    assert out.startswith("-1  0  1\n")
    assert facts(out)["shape"] == "1×3 (rows×columns), anchor 0,2"
    normalized = shown(capsys, "--kernel", "1 2; 2 4", "--normalize")
    assert facts(normalized)["divisor"] == "9"
    assert facts(normalized)["rank"].startswith("1 (separable")
    assert facts(shown(capsys, "--kernel", "1 2; 3 4"))["rank"] == "2"


def test_several_are_drawn_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, "--filter", "box:size=5", "--filter", "outline")
    assert out.index("box:size=5") < out.index("outline")


def test_a_kernel_as_png(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "k.png"
    out = shown(capsys, "laplacian", "--neighbours", "8", "-o", str(target))
    assert facts(out)["filter"] == "laplacian:neighbours=8"
    with Image.open(io.BytesIO(target.read_bytes())) as picture:
        assert picture.format == "PNG"
        assert np.asarray(picture.convert("RGB")).std() > 10


def test_an_image_before_and_after(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    camera = data.camera()
    Image.fromarray(camera).save(tmp_path / "camera.png")
    arguments = ["--image", str(tmp_path / "camera.png"), "-o", str(tmp_path / "both.png")]
    shown(capsys, "gaussian", "--sigma", "3", *arguments)
    both = np.asarray(Image.open(tmp_path / "both.png"))
    expected = ndimage.gaussian_filter(camera.astype(float), 3)
    assert np.array_equal(both[:, :512], camera)
    assert np.abs(both[:, 512:] - expected).max() <= 1


def test_the_image_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "camera.png"
    Image.fromarray(data.camera()).save(path)
    before = path.read_bytes()
    assert main(["show", "box", "--image", str(path), "-o", str(path)]) == 2
    assert "is the image itself" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_an_image_that_cannot_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    arguments = ["--image", str(tmp_path / "broken.png"), "-o", str(tmp_path / "both.png")]
    assert main(["show", "box", *arguments]) == 1
    assert "broken.png" in capsys.readouterr().err
    assert not (tmp_path / "both.png").exists()


def test_two_kernels_do_not_fit_one_picture(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--filter", "box", "--filter", "outline", "-o", "x.png"]) == 2
    assert "one picture shows one kernel" in capsys.readouterr().err


def test_a_picture_that_cannot_be_written_leaves_what_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder.png").mkdir()
    assert main(["show", "box", "-o", str(tmp_path / "folder.png")]) == 1
    assert "folder.png: it is a folder" in capsys.readouterr().err
    assert main(["show", "box", "-o", str(tmp_path / "none" / "a.png")]) == 1
    assert "a.png: No such file or directory" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


# Filters that are no convolutions


def test_a_filter_without_a_kernel_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    told = facts(shown(capsys, "median", "--size", "5x3"))
    assert told.pop("does").endswith(".")
    assert told == {
        "filter": "median",
        "kernel": "none: it is no convolution",
        "size": "5x3",
        "footprint": "none",
        "anchor": "none",
    }


def test_the_filter_may_stand_after_its_flags(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--psf", "disk(radius=2)", "wiener"]) == 0
    after = capsys.readouterr().out
    assert main(["show", "wiener(psf=disk(radius=2))"]) == 0
    assert capsys.readouterr().out == after


def test_kernels_among_its_parameters_are_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, "median", "--footprint", "0 1 0; 1 1 1; 0 1 0", "--anchor", "0x1")
    assert out.splitlines()[:4] == ["0 1 0", "1 1 1", "0 1 0", ""]
    told = facts(out)
    assert told["footprint"] == "0 1 0; 1 1 1; 0 1 0"
    assert told["anchor"] == "0x1"
    out = shown(capsys, "richardson_lucy", "--psf", "motion_blur(length=5, angle=90)")
    assert out.splitlines()[:5] == 5 * ["1"]
    assert facts(out)["psf"] == "motion_blur(length=5.0,angle=90.0)"


def test_an_image_before_and_after_a_median(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coins = data.coins()
    Image.fromarray(coins).save(tmp_path / "coins.png")
    files = ["--image", str(tmp_path / "coins.png"), "-o", str(tmp_path / "both.png")]
    shown(capsys, "median", "--size", "5", *files)
    both = np.asarray(Image.open(tmp_path / "both.png"))
    assert np.array_equal(both[:, 384:], ndimage.median_filter(coins, 5))


def test_what_has_no_kernel_cannot_be_drawn_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "median", "-o", "x.png"]) == 2
    assert "filter 'median' has no kernel to draw: add --image FILE" in capsys.readouterr().err
