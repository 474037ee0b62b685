"""TIFF files of every kind, against tifffile."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow

from gpuconv.errors import ImageFileError
from gpuconv.io import read_frames, read_image

GREY = skimage.data.camera()[100:164, 200:250]


def sixteen(channels: int) -> NDArray[np.uint16]:
    samples = np.random.default_rng(channels).integers(0, 65536, (37, 29, channels))
    return samples.astype(np.uint16)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_sixteen_bit_colour_tiff(
    tmp_path: Path, compression: str | None, planar: str, byteorder: str
) -> None:
    pixels = sixteen(3)
    data = np.moveaxis(pixels, -1, 0) if planar == "separate" else pixels
    tifffile.imwrite(
        tmp_path / "a.tif",
        data,
        photometric="rgb",
        planarconfig=planar,
        compression=compression,
        byteorder=byteorder,
    )
    image = read_image(tmp_path / "a.tif")
    assert (image.channels, image.pixels.dtype) == ("RGB", np.uint16)
    np.testing.assert_array_equal(image.pixels, pixels)


@pytest.mark.parametrize("extra", ["unassalpha", "assocalpha", "unspecified"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_fourth_sample_of_a_tiff(tmp_path: Path, extra: str, dtype: Any) -> None:
    top = np.iinfo(dtype).max if dtype != np.float32 else 1
    alpha = np.full((8, 9, 1), top // 2 if top > 1 else 0.5)
    straight = np.random.default_rng(1).random((8, 9, 3)) * top
    colour = straight / 2 if extra == "assocalpha" else straight
    pixels = np.concatenate([colour, alpha], axis=2).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", extrasamples=[extra])
    image = read_image(tmp_path / "a.tif")
    assert image.channels == ("RGB" if extra == "unspecified" else "RGBA")
    assert image.pixels.dtype == dtype
    np.testing.assert_allclose(image.pixels[..., :3], straight, atol=4 if top == 255 else 3)
    if extra != "assocalpha":
        np.testing.assert_array_equal(image.pixels[..., :3], pixels[..., :3])


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]
)
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_grey_tiff_of_every_dtype(tmp_path: Path, dtype: str, byteorder: str) -> None:
    bits = np.random.default_rng(2).integers(0, 256, (6, 5, np.dtype(dtype).itemsize), np.uint8)
    pixels = np.nan_to_num(bits.view(dtype)[..., 0], nan=1, posinf=1, neginf=1)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", byteorder=byteorder)
    image = read_image(tmp_path / "a.tif")
    assert image.pixels.dtype == np.dtype(dtype)
    assert image.pixels.dtype.isnative
    np.testing.assert_array_equal(image.pixels, pixels)


def test_without_tifffile_a_rare_tiff_is_named_and_said_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(path := tmp_path / "rare.tif", np.ones((4, 5)), photometric="minisblack")
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(ImageFileError, match=r"cannot read .*rare\.tif: .*gpuconv\[tiff\]"):
        read_image(path)
    # 16-bit colour is none of the rare kinds.
    tifffile.imwrite(path, sixteen(3), photometric="rgb")
    np.testing.assert_array_equal(read_image(path).pixels, sixteen(3))


def test_tifffile_would_fill_up_a_truncated_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).random((64, 64, 3))
    tifffile.imwrite(path := tmp_path / "a.tif", noise, photometric="rgb", rowsperstrip=8)
    path.write_bytes(path.read_bytes()[:-9000])
    with pytest.raises(ImageFileError, match=r"a\.tif: it is truncated: its pixels lie outside"):
        read_image(path)


def test_white_is_zero(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GREY, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, 255 - GREY)
    deep = sixteen(1)[..., 0]
    tifffile.imwrite(tmp_path / "b.tif", deep, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "b.tif").pixels, 65535 - deep)


def test_lab_is_refused_by_name(tmp_path: Path) -> None:
    Pillow.new("LAB", (4, 4)).save(path := tmp_path / "lab.tif")
    with pytest.raises(ImageFileError, match=r"cannot read .*lab\.tif: .*photometric"):
        read_image(path)


def test_pages_of_many_kinds_do_not_disturb_each_other(tmp_path: Path) -> None:
    """One Pillow image turns from page to page; each is as when it is read alone."""
    colour = skimage.data.astronaut()[100:164, 200:250]
    upright = Pillow.Exif()
    upright[274] = 6
    pages = [
        Pillow.fromarray(colour),
        Pillow.fromarray(colour).quantize(16),
        Pillow.fromarray(GREY[:20] > 90),
        Pillow.fromarray(GREY.astype(np.float32)),
        Pillow.fromarray(colour).convert("CMYK"),
        Pillow.fromarray(colour[:30]).convert("RGBA"),
        Pillow.fromarray(GREY.astype(np.uint16) * 257),
    ]
    for compression in ("raw", "tiff_lzw"):
        pages[0].save(
            path := tmp_path / f"{compression}.tif",
            save_all=True,
            append_images=pages[1:],
            compression=compression,
            exif=upright,
        )
        frames = list(read_frames(path))
        assert len(frames) == len(pages)
        for number, (frame, page) in enumerate(zip(frames, pages, strict=True)):
            alone = read_image(path, frame=number)
            np.testing.assert_array_equal(frame.pixels, alone.pixels)
            assert (frame.channels, frame.metadata) == (alone.channels, alone.metadata)
            plain = page.convert({"P": "RGB", "1": "L"}.get(page.mode, page.mode))
            seen = np.asarray(plain)
            turned = frame.pixels.shape[:2] != seen.shape[:2]
            np.testing.assert_array_equal(frame.pixels, np.rot90(seen, -1) if turned else seen)


def test_a_salvaged_page_does_not_show_the_one_before(tmp_path: Path) -> None:
    white = Pillow.new("L", (90, 80), 255)
    noise = np.random.default_rng(0).integers(0, 200, (80, 90), np.uint8)
    white.save(
        path := tmp_path / "a.tif",
        save_all=True,
        append_images=[Pillow.fromarray(noise)],
        compression="tiff_lzw",
    )
    data = bytearray(path.read_bytes())
    data[-3000:-2000] = bytes(1000)
    path.write_bytes(data)
    first, second = read_frames(path, salvage=True)
    assert first.pixels.min() == 255
    assert second.metadata.warnings
    assert second.pixels.max() < 255


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_extra_channels_are_left_out_and_it_is_said(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "five.tif"
    five = np.arange(4 * 6 * 5).reshape(4, 6, 5).astype(dtype)
    kinds = ["unspecified", "unspecified"]
    tifffile.imwrite(path, five, photometric="rgb", planarconfig="contig", extrasamples=kinds)
    image = read_image(path)
    assert image.channels == "RGB"
    np.testing.assert_array_equal(image.pixels, five[..., :3])
    assert image.metadata.warnings == ("left out 2 extra channels beside RGB",)


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32"])
@pytest.mark.parametrize("compression", ["zlib", "packbits"])
def test_big_endian_samples_of_a_compressed_tiff_are_not_turned_twice(
    tmp_path: Path, dtype: str, compression: str
) -> None:
    """Pillow takes what libtiff gives in the machine's byte order for the file's."""
    if compression == "packbits":
        pytest.importorskip("imagecodecs")
    pixels = (np.random.default_rng(2).random((20, 30)) * 1000).astype(dtype)
    stored = pixels.astype(pixels.dtype.newbyteorder(">"))
    tifffile.imwrite(tmp_path / "a.tif", stored, byteorder=">", compression=compression)
    image = read_image(tmp_path / "a.tif")
    assert image.pixels.dtype == pixels.dtype
    np.testing.assert_array_equal(image.pixels, pixels)
