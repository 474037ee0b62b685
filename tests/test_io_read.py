"""What comes out of `read_image` for every mode × format, against decoders nobody here wrote."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image as Pillow

from gpuconv.errors import ArgumentError, ArgumentTypeError, ImageFileError
from gpuconv.io import (
    read_image,
)

PHOTO = skimage.data.astronaut()[100:164, 180:230]
GREY = skimage.data.camera()[100:164, 200:250]
ALPHA = np.dstack([PHOTO, GREY])
DEEP = PHOTO.astype(np.uint16) * 257 ^ np.arange(PHOTO.size, dtype=np.uint16).reshape(PHOTO.shape)


def pil(mode: str) -> Pillow.Image:
    pixels = {"L": GREY, "LA": ALPHA[..., 2:], "RGBA": ALPHA}.get(mode, PHOTO)
    if mode in ("L", "LA", "RGB", "RGBA"):
        return Pillow.fromarray(pixels)
    return Pillow.fromarray(GREY if mode == "1" else PHOTO).convert(mode)


@pytest.mark.parametrize(
    ("mode", "suffix", "channels"),
    [
        *[("L", s, "L") for s in (".png", ".tif", ".bmp", ".pgm", ".tga", ".jp2", ".gif")],
        *[("RGB", s, "RGB") for s in (".png", ".tif", ".bmp", ".ppm", ".tga", ".jp2")],
        *[("LA", s, "LA") for s in (".png", ".tif", ".tga", ".jp2")],
        *[("RGBA", s, "RGBA") for s in (".png", ".tif", ".tga", ".jp2")],
        *[("P", s, "RGB") for s in (".png", ".gif", ".bmp", ".tif", ".tga")],
        *[("1", s, "L") for s in (".png", ".bmp", ".tif", ".pbm", ".gif")],
        ("CMYK", ".tif", "CMYK"),
    ],
)
def test_every_mode(tmp_path: Path, mode: str, suffix: str, channels: str) -> None:
    source = pil(mode)
    # Pillow would sort a grey GIF's palette, and read it as colours.
    source.save(path := tmp_path / f"a{suffix}", optimize=False)
    image = read_image(path)
    wanted = np.asarray(source if mode == "CMYK" else source.convert(channels))
    assert image.channels == channels
    assert image.pixels.dtype == np.uint8
    assert image.metadata.suffix == suffix
    assert image.metadata.warnings == ()
    np.testing.assert_array_equal(np.asarray(image), wanted)


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 80}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_webp(tmp_path: Path, mode: str, options: dict[str, Any]) -> None:
    pil(mode).save(path := tmp_path / "a.webp", **options)
    image = read_image(path)
    np.testing.assert_array_equal(image.pixels, np.asarray(Pillow.open(path)))
    assert image.channels == mode
    assert image.metadata.compressed == ("lossless" in options)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_is_as_pillow_and_opencv_decode_it(tmp_path: Path, mode: str) -> None:
    pil(mode).save(path := tmp_path / "a.jpg", quality=90, subsampling=1)
    image = read_image(path)
    assert image.channels == mode
    np.testing.assert_array_equal(image.pixels, np.asarray(Pillow.open(path)))
    if mode == "RGB":
        np.testing.assert_allclose(image.pixels[..., ::-1], cv2.imread(str(path)), atol=3)
    assert image.metadata.jpeg is not None
    assert image.metadata.jpeg.channels == mode


def test_cmyk_jpeg_of_adobe_is_not_inverted(tmp_path: Path) -> None:
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[..., 1] = 200
    Pillow.frombytes("CMYK", (16, 16), ink.tobytes()).save(path := tmp_path / "a.jpg", quality=100)
    assert b"Adobe" in path.read_bytes()
    np.testing.assert_allclose(read_image(path).pixels, ink, atol=2)
    # The file stores 255 − ink, as Photoshop does; OpenCV turns it into magenta by its own rule.
    blue, green, red = cv2.imread(str(path))[8, 8]
    assert green < 80
    assert min(blue, red) > 240


def sixteen(channels: int) -> NDArray[np.uint16]:
    samples = np.random.default_rng(channels).integers(0, 65536, (37, 29, channels))
    return samples.astype(np.uint16)


def write_chunks(path: Path, *chunks: tuple[bytes, bytes]) -> None:
    """A PNG made by hand, so that no encoder stands between."""
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (*chunks, (b"IEND", b""))
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def write_png(path: Path, pixels: NDArray[Any], colour: int) -> None:
    rows = pixels.astype(">u2").reshape(len(pixels), -1).view(np.uint8)
    rows = np.concatenate([np.zeros((len(rows), 1), np.uint8), rows], axis=1)
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, colour, 0, 0, 0)
    write_chunks(path, (b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes())))


@pytest.mark.parametrize(("channels", "colour"), [("L", 0), ("RGB", 2), ("LA", 4), ("RGBA", 6)])
def test_sixteen_bit_png_is_not_halved(tmp_path: Path, channels: str, colour: int) -> None:
    pixels = sixteen(len(channels))
    write_png(tmp_path / "a.png", pixels, colour)
    image = read_image(tmp_path / "a.png")
    assert image.channels == channels
    assert image.pixels.dtype == np.uint16
    np.testing.assert_array_equal(image.pixels.reshape(pixels.shape), pixels)
    if channels != "LA":
        seen = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
        order = {1: slice(None), 3: [2, 1, 0], 4: [2, 1, 0, 3]}[len(channels)]
        np.testing.assert_array_equal(seen.reshape(pixels.shape), pixels[..., order])


@pytest.mark.parametrize("largest", [1, 100, 255, 1023, 65535])
@pytest.mark.parametrize("kind", [2, 3, 5, 6])
def test_pgm_and_ppm(tmp_path: Path, kind: int, largest: int) -> None:
    shape = (7, 5) if kind in (2, 5) else (7, 5, 3)
    samples = np.random.default_rng(3).integers(0, largest + 1, shape)
    if kind in (2, 3):
        body = " ".join(map(str, samples.ravel())).encode()
    else:
        body = samples.astype(np.uint8 if largest < 256 else ">u2").tobytes()
    (tmp_path / "a.pnm").write_bytes(b"P%d # made\n5 7\n%d\n" % (kind, largest) + body)
    image = read_image(tmp_path / "a.pnm")
    top = 255 if largest < 256 else 65535
    assert image.pixels.dtype == (np.uint8 if top == 255 else np.uint16)
    np.testing.assert_array_equal(image.pixels, np.rint(samples * top / largest))
    if largest < 256:
        np.testing.assert_array_equal(image.pixels, np.asarray(Pillow.open(tmp_path / "a.pnm")))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"P5 0 3 255 ", "its header makes no sense: 0 × 3, largest 255"),
        (b"P6 1 1 70000 abc", "its header makes no sense: 1 × 1, largest 70000"),
        (b"P5 a b c ", "its header makes no sense$"),
        (b"P2 2 1 9 3 10 ", "a sample of 10 is over the largest, 9"),
        (b"P5 2 2 255 abc", "it is truncated"),
        (b"P2 2 2 255 1 2 x 4", "invalid literal"),
    ],
)
def test_senseless_pgm(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "a.pgm").write_bytes(data)
    with pytest.raises(ImageFileError, match=rf"cannot read .*a\.pgm: .*{message}"):
        read_image(tmp_path / "a.pgm")


def test_float_map(tmp_path: Path) -> None:
    pixels = np.random.default_rng(4).random((7, 5), np.float32)
    Pillow.fromarray(pixels).save(tmp_path / "a.pfm")
    np.testing.assert_array_equal(read_image(tmp_path / "a.pfm").pixels, pixels)


@pytest.mark.parametrize(
    ("mode", "key", "channels"),
    [("L", 120, "LA"), ("RGB", (200, 10, 30), "RGBA"), ("P", 3, "RGBA"), ("1", 255, "LA")],
)
def test_transparent_colour_of_png(tmp_path: Path, mode: str, key: Any, channels: str) -> None:
    source = pil(mode)
    source.putpixel((5, 6), key)
    source.save(path := tmp_path / "a.png", transparency=key)
    image = read_image(path)
    assert image.channels == channels
    assert image.pixels[6, 5, -1] == 0
    np.testing.assert_array_equal(image.pixels, np.asarray(Pillow.open(path).convert(channels)))


def test_transparent_grey_of_few_bits(tmp_path: Path) -> None:
    rows = np.tile(np.array([[0x12, 0x30]], np.uint8), (2, 1))
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    write_chunks(
        path := tmp_path / "a.png",
        (b"IHDR", struct.pack(">IIBBBBB", 4, 2, 4, 0, 0, 0, 0)),
        (b"tRNS", struct.pack(">H", 3)),
        (b"IDAT", zlib.compress(raw)),
    )
    image = read_image(path)
    assert image.pixels[0].tolist() == [[17, 255], [34, 255], [51, 0], [0, 255]]


def test_palette_with_alpha_for_each_entry(tmp_path: Path) -> None:
    source = pil("P")
    source.save(path := tmp_path / "a.png", transparency=bytes(range(200)))
    image = read_image(path)
    assert image.channels == "RGBA"
    np.testing.assert_array_equal(image.pixels, np.asarray(Pillow.open(path).convert("RGBA")))


def test_lowered_depth_is_said(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.jp2"), DEEP)
    image = read_image(tmp_path / "a.jp2")
    assert image.pixels.dtype == np.uint8
    (warning,) = image.metadata.warnings
    assert warning.startswith("JPEG2000 of more than 8 bits")
    cv2.imwrite(
        str(tmp_path / "b.jp2"), DEEP[..., 0], [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000]
    )
    deep = read_image(tmp_path / "b.jp2")
    assert (deep.pixels.dtype, deep.metadata.warnings) == (np.uint16, ())
    np.testing.assert_array_equal(deep.pixels, cv2.imread(str(tmp_path / "b.jp2"), -1))


def test_paths_and_arguments(tmp_path: Path) -> None:
    pil("L").save(path := tmp_path / "ünï cödé.png")
    np.testing.assert_array_equal(read_image(str(path)).pixels, GREY)
    with pytest.raises(ArgumentError, match="orient='up' is not a way to treat orientation"):
        read_image(path, orient="up")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="max_pixels=0 is not allowed"):
        read_image(path, max_pixels=0)
    with pytest.raises(ArgumentTypeError, match="path=3 is no path"):
        read_image(3)  # type: ignore[arg-type]
