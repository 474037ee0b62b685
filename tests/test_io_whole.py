"""Formats that are decoded and encoded whole, behind the doors of regions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpuconv.errors import ArgumentError, ImageFileError
from gpuconv.io import Image, Layout, Metadata, create_image, open_image, read_image, write_image

SAMPLES = Path(__file__).parent.parent / "samples"


def pixels_of(shape: tuple[int, ...], dtype: str = "uint8") -> Any:
    return np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def written(path: Path, pixels: Any, channels: str, metadata: Metadata | None = None) -> Any:
    """Write an image by bands of eight rows; return the sink."""
    wide = Layout(pixels.shape, pixels.dtype, (8, 4096), channels, metadata or Metadata())
    with create_image(path, wide) as sink:
        for plane in np.ndindex(*wide.planes):
            for top in range(0, wide.size[0], 8):
                rows = top, min(top + 8, wide.size[0])
                sink.write(pixels[plane][slice(*rows)], rows, (0, wide.size[1]), plane)
        sink.finish()
    return sink


def test_a_file_is_read_by_regions() -> None:
    whole = read_image(SAMPLES / "chelsea.png").pixels
    with open_image(SAMPLES / "chelsea.png") as source:
        assert source.layout.channels == "RGBA"
        assert np.array_equal(source.read((10, 20), (30, 50)), whole[10:20, 30:50])
        assert source.cache_bytes == whole.nbytes


def test_frames_are_a_leading_axis_or_one_is_chosen() -> None:
    with (
        open_image(SAMPLES / "coins.gif") as frames,
        open_image(SAMPLES / "coins.gif", page=4) as one,
    ):
        assert frames.shape == (9, *one.shape)
        assert np.array_equal(frames[4], one[...])


def test_a_frame_outside_is_refused() -> None:
    with pytest.raises(ArgumentError, match="frame=9"):
        open_image(SAMPLES / "coins.gif", page=9)


def test_a_picture_over_the_limit_is_not_decoded() -> None:
    with pytest.raises(ImageFileError, match="max_pixels=100"):
        open_image(SAMPLES / "chelsea.png", max_pixels=100)
    open_image(SAMPLES / "chelsea.png", max_pixels=None).close()


def test_pixels_are_turned_upright(tmp_path: Path) -> None:
    pixels = pixels_of((8, 12, 3))
    exif = Image(
        pixels,
        "RGB",
        Metadata(exif=b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"),
    )
    write_image(tmp_path / "a.png", exif)
    with open_image(tmp_path / "a.png") as source:
        assert source.shape == (12, 8, 3)


@pytest.mark.parametrize(
    ("suffix", "shape", "dtype", "channels"),
    [
        (".png", (20, 30, 4), "uint8", "RGBA"),
        (".png", (20, 30, 3), "uint16", "RGB"),
        (".png", (20, 30, 1), "uint8", ""),
        (".png", (20, 30, 3), "uint8", ""),
        (".bmp", (20, 30), "uint8", "L"),
        (".ppm", (20, 30, 3), "uint8", "RGB"),
        (".gif", (3, 20, 30), "uint8", "L"),
    ],
)
def test_what_is_written_by_regions_is_the_picture(
    tmp_path: Path, suffix: str, shape: Any, dtype: str, channels: str
) -> None:
    pixels = pixels_of(shape, dtype)
    written(tmp_path / f"a{suffix}", pixels, channels)
    assert os.listdir(tmp_path) == [f"a{suffix}"]
    with open_image(tmp_path / f"a{suffix}") as source:
        assert np.array_equal(source[...], pixels.reshape(source.shape))


def test_metadata_is_carried_and_what_is_lost_is_said(tmp_path: Path) -> None:
    pixels, meta = pixels_of((20, 30, 3)), Metadata(dpi=(300.0, 300.0), text=(("Title", "cells"),))
    assert written(tmp_path / "a.png", pixels, "RGB", meta).warnings == []
    found = read_image(tmp_path / "a.png").metadata
    assert found.text == meta.text
    assert found.dpi == pytest.approx(meta.dpi, rel=1e-3)
    assert "text" in written(tmp_path / "a.jpg", pixels, "RGB", meta).warnings[0]


@pytest.mark.parametrize(
    ("suffix", "shape", "dtype", "channels", "reason"),
    [
        (".jpg", (8, 8, 4), "uint8", "RGBA", "RGBA"),
        (".webp", (8, 8), "uint16", "L", "uint16"),
        (".png", (8, 8, 7), "uint8", "", "at most 4 channels"),
        (".jpg", (2, 8, 8), "uint8", "L", "one picture"),
        (".gif", (8, 70000), "uint8", "L", "65535"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_before_any_work(
    tmp_path: Path, suffix: str, shape: Any, dtype: str, channels: str, reason: str
) -> None:
    with pytest.raises(ImageFileError, match=reason):
        create_image(tmp_path / f"a{suffix}", Layout(shape, np.dtype(dtype), (8, 8), channels))
    assert os.listdir(tmp_path) == []
