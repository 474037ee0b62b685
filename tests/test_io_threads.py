"""Reading and writing in many threads at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image as Pillow

from gpuconv.errors import ImageFileError
from gpuconv.io import read_frames, read_image, write_image

PHOTO = skimage.data.astronaut()[:160, 150:300]


def animation(suffix: str, path: Path) -> None:
    frames = [Pillow.fromarray(np.roll(PHOTO, 20 * step, axis=1)) for step in range(4)]
    options = {"lossless": True} if suffix == ".webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50, **options)


def test_no_file_is_left_open(tmp_path: Path) -> None:
    # pytest turns the ResourceWarning of a file that is not closed into an error.
    animation(".gif", path := tmp_path / "a.gif")
    frames = read_frames(path)
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    path.unlink()
    assert not path.exists()


def test_many_threads(tmp_path: Path) -> None:
    """Reading whole and broken files, salvaging, and writing, all at once."""
    rng = np.random.default_rng(0)
    names = [f"{k}{s}" for k in range(6) for s in (".png", ".tif", ".jpg", ".webp", ".gif")]
    sources = {name: rng.integers(0, 256, (90, 80), np.uint8) for name in names}
    for name, pixels in sources.items():
        write_image(tmp_path / name, pixels)
    expected = {name: read_image(tmp_path / name).pixels for name in names}
    whole = (tmp_path / "0.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    barrier = threading.Barrier(8)

    def work(number: int) -> int:
        barrier.wait()
        for name in names[number % 3 :]:
            image = read_image(tmp_path / name)
            np.testing.assert_array_equal(image.pixels, expected[name])
            write_image(tmp_path / f"out-{number}-{name}", image)
            assert read_image(tmp_path / "cut.png", salvage=True).metadata.warnings
            with pytest.raises(ImageFileError, match=r"cut\.png"):
                read_image(tmp_path / "cut.png")
        return number

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(work, range(8))) == list(range(8))
    for name in names[2:]:
        outputs = {(tmp_path / f"out-{number}-{name}").read_bytes() for number in range(8)}
        assert len(outputs) == 1
    assert not list(tmp_path.glob(".gpuconv-*"))


def test_threads_that_write_one_file_leave_one_whole_file(tmp_path: Path) -> None:
    pictures = [np.full((64, 64), value, np.uint8) for value in range(0, 250, 10)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda picture: write_image(tmp_path / "a.png", picture), pictures))
    assert np.unique(read_image(tmp_path / "a.png").pixels).size == 1
