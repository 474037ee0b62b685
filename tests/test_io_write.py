"""What `write_image` writes, read by other programs; that it writes whole files or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms

from gpuconv.errors import ArgumentError
from gpuconv.io import Image, Metadata, WriteReport, read_frames, read_image, write_image
from gpuconv.io.image import CHANNELS

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


LOSSLESS = [
    *[(s, "uint8", c) for s in (".png", ".tif", ".tga", ".jp2") for c in CHANNELS[:4]],
    *[(".png", "uint16", c) for c in CHANNELS[:4]],
    *[(".bmp", "uint8", c) for c in ("L", "RGB")],
    *[(".gif", "uint8", "L"), (".jp2", "uint16", "L"), (".pfm", "float32", "L")],
    *[(".pgm", d, "L") for d in ("uint8", "uint16")],
    *[(s, d, "RGB") for d in ("uint8", "uint16") for s in (".ppm", ".pnm")],
    *[
        (".tif", d, c)
        for d in ("int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
        for c in CHANNELS
    ],
    *[(".tif", d, "L") for d in ("float16", "int64", "uint64")],
    (".tif", "uint8", "CMYK"),
]


@pytest.mark.parametrize(("suffix", "dtype", "channels"), LOSSLESS)
def test_round_trip(tmp_path: Path, suffix: str, dtype: str, channels: str) -> None:
    image = Image(pixels_of(channels, dtype), channels)
    report = write_image(tmp_path / f"a{suffix}", image)
    assert report == WriteReport(tmp_path / f"a{suffix}", report.format, ())
    back = read_image(tmp_path / f"a{suffix}")
    assert (back.channels, back.pixels.dtype) == (channels, np.dtype(dtype))
    np.testing.assert_array_equal(back.pixels, image.pixels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("compress", [False, True])
def test_opencv_reads_it(
    tmp_path: Path, suffix: str, channels: str, dtype: str, compress: bool
) -> None:
    pixels = pixels_of(channels, dtype)
    write_image(tmp_path / f"a{suffix}", Image(pixels, channels, Metadata(compressed=compress)))
    seen = cv2.imread(str(tmp_path / f"a{suffix}"), cv2.IMREAD_UNCHANGED)
    order: Any = {"L": ..., "RGB": [2, 1, 0], "RGBA": [2, 1, 0, 3]}[channels]
    assert seen.dtype == pixels.dtype
    if (suffix, channels, dtype) == (".tif", "RGBA", "uint8"):
        # OpenCV multiplies these by alpha.
        np.testing.assert_array_equal(seen[..., 3], pixels[..., 3])
        np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), pixels)
        return
    np.testing.assert_array_equal(seen, pixels if channels == "L" else pixels[..., order])


@pytest.mark.parametrize("channels", ["L", "RGB", "RGBA", "LA", "CMYK"])
@pytest.mark.parametrize("compress", [False, True])
def test_pillow_reads_our_tiff(tmp_path: Path, channels: str, compress: bool) -> None:
    image = Image(pixels_of(channels), channels, Metadata(compressed=compress))
    write_image(tmp_path / "a.tif", image)
    with Pillow.open(tmp_path / "a.tif") as seen:
        assert seen.mode == channels
        assert seen.info["compression"] == ("tiff_adobe_deflate" if compress else "raw")
        np.testing.assert_array_equal(np.asarray(seen), image.pixels)


@pytest.mark.parametrize("rows", [1, 5000])
def test_tiff_of_many_strips(tmp_path: Path, rows: int) -> None:
    pixels = np.random.default_rng(5).integers(0, 65536, (rows, 400, 3)).astype(np.uint16)
    for compress in (False, True):
        write_image(tmp_path / "a.tif", Image(pixels, "RGB", Metadata(compressed=compress)))
        np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), pixels)
        np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.tif"), -1)[..., ::-1], pixels)


def test_bigtiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpuconv.io.tiff_write._CLASSIC", 1000)
    pages = [Image(pixels_of("RGB", "uint16"), "RGB"), Image(pixels_of("L"), "L")]
    write_image(tmp_path / "a.tif", pages)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.is_bigtiff
        assert len(tif.pages) == 2
    for ours, page in zip(read_frames(tmp_path / "a.tif"), pages, strict=True):
        np.testing.assert_array_equal(ours.pixels, page.pixels)
        seen = tifffile.imread(tmp_path / "a.tif", key=int(page.channels == "L"))
        np.testing.assert_array_equal(seen, page.pixels)


def test_pages_of_any_kind(tmp_path: Path) -> None:
    pages = [Image(pixels_of(c, d), c) for c, d in (("L", "uint8"), ("RGBA", "uint16"))]
    pages.append(Image(pixels_of("L", "float32")[:5], "L"))
    write_image(tmp_path / "a.tif", pages)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        for ours, theirs in zip(pages, tif.pages, strict=True):
            np.testing.assert_array_equal(ours.pixels, theirs.asarray())


@pytest.mark.parametrize("channels", ["L", "RGB", "CMYK"])
def test_jpeg(tmp_path: Path, channels: str) -> None:
    photo = np.asarray(Pillow.fromarray(PHOTO).convert(channels))
    write_image(tmp_path / "a.jpg", Image(photo, channels))
    with Pillow.open(tmp_path / "a.jpg") as seen:
        assert seen.mode == channels
        assert np.abs(np.asarray(seen).astype(int) - photo).mean() < 3


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_keeps_how_it_was_compressed(tmp_path: Path, mode: str, subsampling: int) -> None:
    source = Pillow.fromarray(PHOTO).convert(mode)
    source.save(tmp_path / "a.jpg", quality=41, subsampling=subsampling, progressive=True)
    write_image(tmp_path / "b.jpg", read_image(tmp_path / "a.jpg"))
    with Pillow.open(tmp_path / "a.jpg") as a, Pillow.open(tmp_path / "b.jpg") as b:
        assert a.quantization == b.quantization
        # Of one component or four inks there is no subsampling.
        assert a.layer == b.layer or mode != "RGB"
        assert b.info["progressive"]


def test_jpeg_tables_of_colour_serve_grey(tmp_path: Path) -> None:
    Pillow.fromarray(PHOTO).save(tmp_path / "a.jpg", quality=41)
    write_image(tmp_path / "b.jpg", read_image(tmp_path / "a.jpg").grey())
    with Pillow.open(tmp_path / "a.jpg") as a, Pillow.open(tmp_path / "b.jpg") as b:
        assert b.quantization == {0: a.quantization[0]}


def test_quality(tmp_path: Path) -> None:
    Pillow.fromarray(PHOTO).save(tmp_path / "a.jpg", quality=41)
    image = read_image(tmp_path / "a.jpg")
    Pillow.fromarray(PHOTO).save(tmp_path / "c.jpg", quality=77)
    for quality, name, source in ((77, "c.jpg", image), (95, "d.jpg", Image(PHOTO, "RGB"))):
        Pillow.fromarray(PHOTO).save(tmp_path / name, quality=quality)
        asked = None if quality == 95 else quality
        write_image(tmp_path / "b.jpg", source, quality=asked)
        with Pillow.open(tmp_path / name) as a, Pillow.open(tmp_path / "b.jpg") as b:
            assert a.quantization == b.quantization
    for bad in (0, 101, 2.5, True, "high"):
        with pytest.raises(ArgumentError, match=f"quality={bad!r} is not allowed: an int from 1"):
            write_image(tmp_path / "b.jpg", image, quality=bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("channels", CHANNELS[:4])
def test_webp(tmp_path: Path, channels: str) -> None:
    image = Image(pixels_of(channels), channels, Metadata(format="WEBP", compressed=True))
    write_image(tmp_path / "a.webp", image)
    wanted = image.promoted("RGBA" if image.has_alpha else "RGB")
    np.testing.assert_array_equal(read_image(tmp_path / "a.webp").pixels, wanted.pixels)
    write_image(tmp_path / "b.webp", Image(PHOTO, "RGB"))
    lossy = np.asarray(Pillow.open(tmp_path / "b.webp")).astype(int)
    assert 0 < np.abs(lossy - PHOTO).mean() < 4


def frames(channels: str = "RGBA") -> list[Image]:
    made = []
    for step in range(4):
        pixels = np.zeros((30, 40, 4), np.uint8)
        pixels[4:20, 5 * step : 5 * step + 12] = (40 * step, 255 - 40 * step, 90, 255)
        meta = Metadata(duration=40 + 10 * step, loop=3)
        made.append(Image(pixels[..., : len(channels)], channels, meta))
    return made


@pytest.mark.parametrize("suffix", [".png", ".gif", ".webp"])
@pytest.mark.parametrize("channels", ["RGB", "RGBA"])
def test_animation(tmp_path: Path, suffix: str, channels: str) -> None:
    lossless = {"format": "WEBP", "compressed": True} if suffix == ".webp" else {}
    source = [
        Image(f.pixels, channels, Metadata(duration=f.metadata.duration, loop=3, **lossless))
        for f in frames(channels)
    ]
    write_image(tmp_path / f"a{suffix}", source)
    back = list(read_frames(tmp_path / f"a{suffix}"))
    assert [f.metadata.duration for f in back] == [40, 50, 60, 70]
    assert {f.metadata.loop for f in back} == {3}
    for ours, wanted in zip(back, source, strict=True):
        seen, whole = ours.promoted("RGBA").pixels, wanted.promoted("RGBA").pixels
        np.testing.assert_array_equal(seen[..., 3], whole[..., 3])
        shown = whole[..., 3] > 0
        np.testing.assert_array_equal(seen[shown], whole[shown])


def test_frames_of_an_animation_get_the_same_channels(tmp_path: Path) -> None:
    mixed = [Image(pixels_of(c), c) for c in ("L", "RGBA", "RGB", "LA")]
    write_image(tmp_path / "a.png", mixed)
    for ours, source in zip(read_frames(tmp_path / "a.png"), mixed, strict=True):
        np.testing.assert_array_equal(ours.pixels, source.promoted("RGBA").pixels)


def test_arrays(tmp_path: Path) -> None:
    for shape in ((5, 4), (5, 4, 1), (5, 4, 2), (5, 4, 3), (5, 4, 4)):
        array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
        write_image(tmp_path / "a.png", array)
        np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels.ravel(), array.ravel())
    write_image(tmp_path / "a.png", np.eye(3, dtype=bool))
    assert read_image(tmp_path / "a.png").pixels.tolist() == (255 * np.eye(3)).tolist()
    write_image(tmp_path / "a.tif", PHOTO[::-1, ::-1].astype(">u2"))
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), PHOTO[::-1, ::-1])
    write_image(tmp_path / "a.png", (page for page in (PHOTO, 255 - PHOTO)))
    assert len(list(read_frames(tmp_path / "a.png"))) == 2


def test_metadata_is_carried(tmp_path: Path) -> None:
    meta = Metadata(icc=SRGB, dpi=(254.0, 127.0), text=(("Title", "Ein Bild"), ("k", "π")))
    for dtype in (np.uint8, np.uint16):
        write_image(tmp_path / "a.png", Image(PHOTO.astype(dtype), "RGB", meta))
        with Pillow.open(tmp_path / "a.png") as seen:
            assert seen.info["icc_profile"] == SRGB
            assert seen.info["dpi"] == pytest.approx((254, 127))
            seen.load()
            assert {**seen.text} == {"Title": "Ein Bild", "k": "π"}
        back = read_image(tmp_path / "a.png").metadata
        assert (back.icc, back.text) == (SRGB, meta.text)
        assert back.dpi == pytest.approx((254, 127))
    write_image(tmp_path / "a.png", Image(PHOTO, "RGB", meta), metadata=False)
    bare = read_image(tmp_path / "a.png").metadata
    assert (bare.icc, bare.dpi, bare.text) == (SRGB, None, ())


def test_what_cannot_be_carried_is_said(tmp_path: Path) -> None:
    image = Image(PHOTO, "RGB", Metadata(icc=SRGB, text=(("a", "b"),)))
    report = write_image(tmp_path / "a.png", image.grey())
    assert report.warnings == ("left out the colour profile, which is not for L",)
    assert read_image(tmp_path / "a.png").metadata.icc is None
    report = write_image(tmp_path / "a.bmp", image)
    assert report.warnings == (
        "left out the colour profile, which BMP does not carry",
        "left out text, which BMP does not carry",
    )


def test_same_bytes(tmp_path: Path) -> None:
    meta = Metadata(icc=SRGB, dpi=(72, 72), duration=50, loop=0)
    for name in ("a.png", "a.gif", "a.webp", "a.tif", "a.jpg", "a.jp2", "a.bmp", "a.tga"):
        image: Any = Image(PHOTO, "RGB", meta)
        if name in ("a.png", "a.gif", "a.webp", "a.tif"):
            image = [image, Image(255 - PHOTO, "RGB", meta)]
        write_image(tmp_path / name, image)
        first = (tmp_path / name).read_bytes()
        write_image(tmp_path / name, image)
        assert (tmp_path / name).read_bytes() == first, name
