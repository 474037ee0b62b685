"""`write_image` refuses what a format cannot hold, and leaves whole files or none."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import ImageCms

import gpuconv.io.write as writing
from gpuconv.errors import ArgumentError, ArgumentTypeError, ImageFileError
from gpuconv.io import Image, Metadata, read_image, write_image
from gpuconv.io.encode import encode

PHOTO = skimage.data.astronaut()[100:164, 180:230]
GREY = skimage.data.camera()[100:164, 200:250]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def pixels_of(channels: str, dtype: str = "uint8") -> NDArray[Any]:
    rng = np.random.default_rng(len(channels))
    shape = (37, 29) if channels == "L" else (37, 29, len(channels))
    if dtype.startswith("float"):
        return rng.standard_normal(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


@pytest.mark.parametrize(
    ("name", "dtype", "channels", "message"),
    [
        ("a.png", "float32", "L", "PNG cannot hold float32 L pixels: use .tif"),
        ("a.jpg", "uint8", "RGBA", "JPEG cannot hold uint8 RGBA pixels: use .png or .tif"),
        ("a.jpg", "uint16", "RGB", "JPEG cannot hold uint16 RGB pixels: use .png or .tif"),
        ("a.webp", "uint16", "RGBA", "WEBP cannot hold uint16 RGBA pixels: use .png or .tif"),
        ("a.png", "uint8", "CMYK", "PNG cannot hold uint8 CMYK pixels: use .tif"),
        ("a.png", "int32", "L", "PNG cannot hold int32 L pixels: use .tif"),
        ("a.jp2", "uint16", "RGB", "JPEG2000 cannot hold uint16 RGB pixels: use .png or .tif"),
        ("a.pgm", "uint8", "RGB", "PPM under the suffix .pgm cannot hold uint8 RGB"),
        ("a.tif", "complex64", "L", "TIFF cannot hold complex64 L pixels$"),
    ],
)
def test_nothing_is_lowered(
    tmp_path: Path, name: str, dtype: str, channels: str, message: str
) -> None:
    shape = (4, 4) if channels == "L" else (4, 4, len(channels))
    with pytest.raises(ImageFileError, match=rf"cannot write .*{name}: {message}"):
        write_image(tmp_path / name, Image(np.zeros(shape, dtype), channels))
    assert os.listdir(tmp_path) == []


def test_other_errors(tmp_path: Path) -> None:
    image = Image(GREY, "L")
    with pytest.raises(ArgumentError, match=r"path='.*a\.xyz' has no suffix that can be written"):
        write_image(tmp_path / "a.xyz", image)
    with pytest.raises(ArgumentError, match=r"path='.*a\.avif' has no suffix that can be written"):
        write_image(tmp_path / "a.avif", image)
    with pytest.raises(ArgumentError, match=r"format='PNGG' is not a format .* mean 'PNG'"):
        write_image(tmp_path / "a", image, format="pngg")
    with pytest.raises(ImageFileError, match=r"BMP holds one picture, not 2: use \.png or \.tif"):
        write_image(tmp_path / "a.bmp", [image, image])
    with pytest.raises(ImageFileError, match="one size, not 29 × 37, 50 × 64"):
        write_image(tmp_path / "a.gif", [image, Image(pixels_of("L"), "L")])
    with pytest.raises(ImageFileError, match="animations have 8 bits a channel"):
        write_image(tmp_path / "a.png", [image, GREY.astype(np.uint16)])
    with pytest.raises(ImageFileError, match="WEBP holds at most 16383 pixels a side, not 16384"):
        write_image(tmp_path / "a.webp", np.zeros((1, 16384), np.uint8))
    with pytest.raises(ArgumentError, match="image is an empty sequence"):
        write_image(tmp_path / "a.png", [])
    with pytest.raises(ArgumentError, match="image has no pixels"):
        write_image(tmp_path / "a.png", np.zeros((0, 4)))
    with pytest.raises(ArgumentError, match=r"pixels of shape \(2, 2, 5\) are no image"):
        write_image(tmp_path / "a.png", np.zeros((2, 2, 5)))
    with pytest.raises(ArgumentTypeError, match="image of type str is no array of numbers"):
        write_image(tmp_path / "a.png", "picture")
    with pytest.raises(ImageFileError, match=r"cannot write .*none/a\.png: No such file"):
        write_image(tmp_path / "none" / "a.png", image)
    (tmp_path / "d.png").mkdir()
    with pytest.raises(ImageFileError, match=r"cannot write .*d\.png: it is a folder"):
        write_image(tmp_path / "d.png", image)
    assert os.listdir(tmp_path) == ["d.png"]
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageFileError, match=r"cannot write .*pipe\.png: it is not a regular file"):
        write_image(tmp_path / "pipe.png", image)
    assert sorted(os.listdir(tmp_path)) == ["d.png", "pipe.png"]


def test_read_only_target_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"mine")
    (tmp_path / "a.png").chmod(0o444)
    with pytest.raises(ImageFileError, match=r"cannot write .*a\.png: it is read-only"):
        write_image(tmp_path / "a.png", GREY)
    assert (tmp_path / "a.png").read_bytes() == b"mine"


@pytest.mark.parametrize("error", [ValueError("broken"), MemoryError(), KeyboardInterrupt()])
@pytest.mark.parametrize("exists", [True, False])
def test_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, exists: bool
) -> None:
    def fail(file: Any, *rest: Any) -> None:
        file.write(b"half a picture")
        raise error

    if exists:
        (tmp_path / "a.png").write_bytes(b"before")
    monkeypatch.setattr(writing, "encode", fail)
    kind = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else ImageFileError
    with pytest.raises(kind) as caught:
        write_image(tmp_path / "a.png", GREY)
    if kind is ImageFileError:
        assert f"cannot write {tmp_path / 'a.png'}: " in str(caught.value)
    assert os.listdir(tmp_path) == (["a.png"] if exists else [])
    assert not exists or (tmp_path / "a.png").read_bytes() == b"before"


def test_permissions(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", GREY)
    (tmp_path / "plain").touch()
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "plain").stat().st_mode
    (tmp_path / "a.png").chmod(0o640)
    write_image(tmp_path / "a.png", GREY)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o640


def test_a_link_is_replaced_and_its_target_kept(tmp_path: Path) -> None:
    (tmp_path / "original.png").write_bytes(b"original")
    (tmp_path / "a.png").symlink_to(tmp_path / "original.png")
    write_image(tmp_path / "a.png", GREY)
    assert (tmp_path / "original.png").read_bytes() == b"original"
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, GREY)


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: Any, *rest: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(writing, "encode", fail)
    with pytest.raises(ImageFileError, match=r"cannot write .*a\.png: No space left on device"):
        write_image(tmp_path / "a.png", GREY)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("name", ["JPEG", "JPEG2000", "PNG", "TIFF", "WEBP"])
def test_encoders_end_where_nothing_can_be_written(name: str) -> None:
    pixels = np.tile(PHOTO, (8, 8, 1))
    with pytest.raises(OSError, match="No space left"), open("/dev/full", "wb") as file:
        encode(file, name, [Image(pixels, "RGB", Metadata())], None)
