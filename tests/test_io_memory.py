"""Images decoded from memory and encoded into an open file: the same as from and to the disk."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from gpuconv.errors import ImageFileError
from gpuconv.io import read_frames, read_image, write_image
from gpuconv.io.write import encode_image

PHOTO = skimage.data.astronaut()[100:164, 180:230]
SUFFIXES = [".png", ".jpg", ".tif", ".webp", ".bmp", ".ppm", ".tga", ".jp2", ".gif"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_encoded_into_a_file_is_what_is_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"photo{suffix}"
    report = write_image(path, PHOTO)
    with io.BytesIO() as memory:
        assert encode_image(memory, path, PHOTO) == report
        assert memory.getvalue() == path.read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_decoded_from_memory_is_what_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"photo{suffix}"
    write_image(path, PHOTO)
    data, whole = path.read_bytes(), read_image(path)
    path.unlink()
    for image in (read_image(path, data=data), *read_frames(path, data=data)):
        assert np.array_equal(image.pixels, whole.pixels)
        assert image.metadata == whole.metadata


def test_errors_name_the_path(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match=r"cannot read in memory\.png"):
        read_image("in memory.png", data=b"no image")
    with io.BytesIO() as file, pytest.raises(ImageFileError, match=r"cannot write x\.webp"):
        encode_image(file, "x.webp", PHOTO.astype(np.uint16))
