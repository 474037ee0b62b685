"""Which suffix comes out, told from the header; what a folder scan takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image as Pillow

from gpuconv.errors import ImageFileError
from gpuconv.io import (
    DEFAULT_MAX_PIXELS,
    READABLE_SUFFIXES,
    Image,
    output_suffix,
    read_image,
    write_image,
)

PHOTO = skimage.data.astronaut()[100:164, 180:230]
GREY = skimage.data.camera()[100:164, 200:250]
ALPHA = np.dstack([PHOTO, GREY])


def pil(mode: str) -> Pillow.Image:
    pixels = {"L": GREY, "LA": ALPHA[..., 2:], "RGBA": ALPHA}.get(mode, PHOTO)
    if mode in ("L", "LA", "RGB", "RGBA"):
        return Pillow.fromarray(pixels)
    return Pillow.fromarray(GREY if mode == "1" else PHOTO).convert(mode)


def test_suffix_does_not_decide_what_a_file_is(tmp_path: Path) -> None:
    pil("RGB").save(tmp_path / "a.jpg", "PNG")
    image = read_image(tmp_path / "a.jpg")
    assert image.metadata.format == "PNG"
    np.testing.assert_array_equal(image.pixels, PHOTO)
    assert output_suffix(image) == output_suffix(tmp_path / "a.jpg") == ".png"


@pytest.mark.parametrize(
    ("mode", "name", "wanted", "grey"),
    [
        ("RGB", "a.JPG", ".JPG", ".JPG"),
        ("CMYK", "a.jpeg", ".jpeg", ".jpeg"),
        ("RGBA", "a.png", ".png", ".png"),
        ("P", "a.png", ".png", ".png"),
        ("P", "a.gif", ".png", ".gif"),
        ("L", "a.gif", ".gif", ".gif"),
        ("RGB", "a.webp", ".webp", ".webp"),
        ("1", "a.pbm", ".png", ".png"),
        ("RGB", "a.ppm", ".ppm", ".png"),
        ("L", "a.pgm", ".pgm", ".pgm"),
        ("RGB", "a.tiff", ".tiff", ".tiff"),
        ("RGB", "a.bmp", ".bmp", ".bmp"),
        ("RGB", "a.jp2", ".jp2", ".jp2"),
    ],
)
def test_output_suffix(tmp_path: Path, mode: str, name: str, wanted: str, grey: str) -> None:
    pil(mode).save(path := tmp_path / name, optimize=False)
    assert output_suffix(path) == output_suffix(read_image(path)) == wanted
    assert output_suffix(path, grey=True) == output_suffix(read_image(path).grey()) == grey


def test_output_suffix_of_the_rest(tmp_path: Path) -> None:
    pil("L").save(path := tmp_path / "a.gif", save_all=True, append_images=[pil("P")])
    assert output_suffix(path) == ".png"
    write_image(tmp_path / "a.png", ALPHA.astype(np.uint16))
    assert output_suffix(tmp_path / "a.png") == ".png"
    (tmp_path / "b.ppm").write_bytes(b"P6 1 1 65535 abcdef")
    assert output_suffix(tmp_path / "b.ppm") == ".ppm"
    assert output_suffix(Image.from_array(np.zeros((2, 2), np.float32))) == ".tif"
    with pytest.raises(ImageFileError, match=r"cannot read .*none\.png: No such file"):
        output_suffix(tmp_path / "none.png")


def test_readable_suffixes() -> None:
    assert list(READABLE_SUFFIXES) == sorted(set(READABLE_SUFFIXES))
    assert {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".webp"} < set(READABLE_SUFFIXES)
    assert ".eps" not in READABLE_SUFFIXES
    assert DEFAULT_MAX_PIXELS == 2 * Pillow.MAX_IMAGE_PIXELS  # type: ignore[operator]


def test_import_is_light() -> None:
    code = "import gpuconv.io, sys; print({'PIL', 'tifffile', 'cv2', 'scipy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
