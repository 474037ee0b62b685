"""Files that are cut, empty, hostile or no images: an error that names them, or salvage."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageFile

from gpuconv.errors import ImageFileError
from gpuconv.io import Image, read_frames, read_image, write_image

PHOTO = skimage.data.astronaut()[:160, 150:300]


def animation(suffix: str, path: Path) -> None:
    frames = [Pillow.fromarray(np.roll(PHOTO, 20 * step, axis=1)) for step in range(4)]
    options = {"lossless": True} if suffix == ".webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50, **options)


STILL = {
    "a.png": {},
    "a.jpg": {"quality": 90},
    "progressive.jpg": {"quality": 90, "progressive": True},
    "raw.tif": {},
    "lzw.tif": {"compression": "tiff_lzw"},
    "deflate.tif": {"compression": "tiff_adobe_deflate"},
    "jpeg.tif": {"compression": "jpeg"},
    "a.gif": {},
    "a.webp": {"lossless": True},
    "a.bmp": {},
    "a.ppm": {},
    "a.tga": {},
    "rle.tga": {"compression": "tga_rle"},
    "a.jp2": {},
}


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("name", STILL)
def test_truncated_is_an_error(tmp_path: Path, name: str, part: float) -> None:
    Pillow.fromarray(PHOTO).save(path := tmp_path / name, **STILL[name])
    read_image(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    for _ in range(2):
        # Twice: Pillow's second load of the same object would succeed with half a picture.
        with pytest.raises(ImageFileError, match=rf"cannot read .*{name}: \S"):
            read_image(path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "lzw.tif", "raw.tif", "a.ppm", "a.gif"])
def test_salvage_takes_what_there_is(tmp_path: Path, name: str) -> None:
    # An interlaced GIF, Pillow's default, comes as coarse rows first.
    Pillow.fromarray(PHOTO).save(path := tmp_path / name, **STILL[name], interlace=0)
    whole = read_image(path).pixels
    data = path.read_bytes()
    if name.endswith(".tif"):
        # Pillow puts the directory first or last; cut only pixels.
        tifffile.imwrite(path, PHOTO, photometric="rgb", rowsperstrip=16)
        data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    image = read_image(path, salvage=True)
    assert image.pixels.shape == whole.shape
    rows = len(whole) // 4
    np.testing.assert_array_equal(image.pixels[:rows], whole[:rows])
    assert (image.pixels[-8:] != whole[-8:]).any()
    (warning, *_) = image.metadata.warnings
    assert warning.startswith("salvaged what there is: ")
    # Salvage in one place must not make others lenient.
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    with pytest.raises(ImageFileError):
        read_image(path)


def test_salvage_of_a_progressive_jpeg_uses_the_scans_that_are_there(tmp_path: Path) -> None:
    Pillow.fromarray(PHOTO).save(path := tmp_path / "a.jpg", progressive=True, quality=90)
    whole = read_image(path).pixels.astype(int)
    path.write_bytes(path.read_bytes()[:-2000])
    image = read_image(path, salvage=True)
    assert 0 < np.abs(image.pixels - whole).mean() < 20


def test_salvage_of_a_whole_file_says_nothing(tmp_path: Path) -> None:
    for name, options in STILL.items():
        Pillow.fromarray(PHOTO).save(path := tmp_path / name, **options)
        assert read_image(path, salvage=True).metadata.warnings == ()


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_animation_cut_anywhere(tmp_path: Path, suffix: str) -> None:
    animation(suffix, path := tmp_path / f"a{suffix}")
    assert len(list(read_frames(path))) == 4
    data = path.read_bytes()
    for length in range(60, len(data), len(data) // 40):
        path.write_bytes(data[:length])
        with pytest.raises(ImageFileError, match=r"cannot read .*a\."):
            list(read_frames(path))


def gif_boundary(data: bytes) -> int:
    """Where the third frame of a GIF starts: its graphic control extension."""
    places = [k for k in range(len(data)) if data.startswith(b"\x21\xf9\x04", k)]
    return places[2]


def test_gif_cut_between_frames_is_not_a_shorter_one(tmp_path: Path) -> None:
    animation(".gif", path := tmp_path / "a.gif")
    data = path.read_bytes()
    path.write_bytes(data[: gif_boundary(data)])
    with Pillow.open(path) as gif:
        assert gif.n_frames == 2
    with pytest.raises(ImageFileError, match="it is truncated: the end mark is missing"):
        list(read_frames(path))
    frames = list(read_frames(path, salvage=True))
    assert len(frames) == 2
    assert all("salvaged" in frame.metadata.warnings[0] for frame in frames)


def test_tiff_whose_next_page_is_missing(tmp_path: Path) -> None:
    write_image(path := tmp_path / "a.tif", [PHOTO, PHOTO, PHOTO])
    data = path.read_bytes()
    path.write_bytes(data[:-60])
    with pytest.raises(ImageFileError, match=r"a\.tif: it is truncated: a page's directory"):
        list(read_frames(path))
    assert len(list(read_frames(path, salvage=True))) == 2


def test_a_bad_later_frame_raises_when_it_is_reached(tmp_path: Path) -> None:
    write_image(path := tmp_path / "a.tif", [PHOTO] * 3)
    with tifffile.TiffFile(path) as tif:
        second = tif.pages[1].tags[273]
        place = second.valueoffset
    data = bytearray(path.read_bytes())
    data[place : place + 4] = struct.pack("<I", len(data) - 10)
    path.write_bytes(data)
    frames = read_frames(path)
    np.testing.assert_array_equal(next(frames).pixels, PHOTO)
    with pytest.raises(ImageFileError, match=r"cannot read .*a\.tif"):
        next(frames)


def test_damaged_pixels_of_a_png_are_noticed(tmp_path: Path) -> None:
    Pillow.fromarray(PHOTO).save(path := tmp_path / "a.png", compress_level=0)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ImageFileError, match="the checksum of its IDAT chunk is wrong"):
        read_image(path)
    image = read_image(path, salvage=True)
    assert 0 < (image.pixels != PHOTO).sum() < 1000
    assert "checksum" in image.metadata.warnings[0]


def test_no_images(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(ImageFileError, match=r"cannot read .*empty\.png: the file is empty"):
        read_image(tmp_path / "empty.png")
    for name in ("text.png", "text.tga", "text.tif"):
        (tmp_path / name).write_text("Dear reader, this is no picture.\n" * 9)
        with pytest.raises(ImageFileError, match=rf"cannot read .*{name}: \S"):
            read_image(tmp_path / name)
    with pytest.raises(ImageFileError, match=r"text\.png: it is no image of a known format \(AV"):
        read_image(tmp_path / "text.png")
    with pytest.raises(ImageFileError, match=r"cannot read .*none\.png: No such file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(ImageFileError, match=r"cannot read .*: Is a directory"):
        read_image(tmp_path)


def test_postscript_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(ImageFileError, match="no image of a known format"):
        read_image(tmp_path / "a.png")


def bomb(path: Path, side: int) -> None:
    """A PNG of `side`² black pixels in a few bytes."""
    packer = zlib.compressobj()
    row = b"\0" * (1 + side // 8)
    body = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def test_decompression_bomb(tmp_path: Path) -> None:
    bomb(tmp_path / "a.png", 14000)
    with pytest.raises(
        ImageFileError, match=r"14000 × 14000 is 196000000 pixels, over the limit of max_pixels=178"
    ):
        read_image(tmp_path / "a.png")
    # Between Pillow's warning and its error nothing is said: no warning escapes.
    bomb(tmp_path / "b.png", 9504)
    assert read_image(tmp_path / "b.png").pixels.shape == (9504, 9504)
    with pytest.raises(ImageFileError, match="over the limit of max_pixels=1000"):
        read_image(tmp_path / "b.png", max_pixels=1000)


@pytest.mark.parametrize("kind", ["png", "tif", "deflate.tif", "bmp", "pgm"])
def test_limit_can_be_lifted_without_touching_pillows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / f"a.{kind}"
    suffix = path.suffix
    options = {"compression": "tiff_adobe_deflate"} if "deflate" in kind else {}
    mode = "L" if suffix == ".pgm" else "RGB"
    Pillow.fromarray(PHOTO).convert(mode).save(path, **options)
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageFileError, match="max_pixels=23999"):
        read_image(path, max_pixels=160 * 150 - 1)
    for limit in (160 * 150, None):
        assert read_image(path, max_pixels=limit).pixels.shape[:2] == (160, 150)
    assert Pillow.MAX_IMAGE_PIXELS == 100


def named_or_read(path: Path, salvage: bool) -> list[Image]:
    """The pictures of a file, none if there is an error that names it; other errors pass."""
    try:
        return list(read_frames(path, max_pixels=10**6, salvage=salvage))
    except ImageFileError as error:
        if str(path) in str(error):
            return []
        raise


@pytest.mark.parametrize("suffix", [".png", ".tif", ".gif", ".jpg", ".webp", ".bmp", ".tga"])
def test_hostile_headers(tmp_path: Path, suffix: str) -> None:
    """Every byte of the header made the largest it can be: an error or a picture, no surprise."""
    Pillow.fromarray(PHOTO[:20, :20]).save(path := tmp_path / f"a{suffix}")
    data = path.read_bytes()
    for place in range(min(len(data), 60)):
        path.write_bytes(data[:place] + b"\xff" + data[place + 1 :])
        for image in named_or_read(path, salvage=False):
            assert image.pixels.size <= 4 * 10**6


@settings(
    derandomize=True,
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_noise_is_an_error_or_a_picture(tmp_path: Path, data: Any) -> None:
    kind = data.draw(st.sampled_from([".png", ".tif", ".gif", ".ppm", ".bmp", ".tga", ".jp2"]))
    Pillow.fromarray(PHOTO[:12, :12]).save(path := tmp_path / f"a{kind}")
    good = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(good[: data.draw(st.integers(1, len(good)))])
    for salvage in (False, True):
        frames = named_or_read(path, salvage=salvage)
        assert all(isinstance(frame, Image) for frame in frames)


def test_salvage_says_that_frames_are_missing(tmp_path: Path) -> None:
    animation(".webp", path := tmp_path / "a.webp")
    data = bytearray(path.read_bytes())
    third = [k for k in range(len(data)) if data.startswith(b"ANMF", k)][2]
    # Headers stay, so that nothing is known before the decoder gets there.
    data[third + 40 : third + 600] = bytes(560)
    path.write_bytes(data)
    with pytest.raises(ImageFileError, match=r"cannot read .*a\.webp"):
        list(read_frames(path))
    frames = list(read_frames(path, salvage=True))
    assert 1 <= len(frames) < 4
    assert "salvaged what there is: " in frames[-1].metadata.warnings[-1]
