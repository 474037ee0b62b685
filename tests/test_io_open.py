"""Which kind of file is opened or created, and which options mean something for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpuconv.errors import ArgumentError, ArgumentTypeError, ImageFileError
from gpuconv.io import SINK_SUFFIXES, Layout, create_image, open_image

SAMPLES = Path(__file__).parent.parent / "samples"
LAYOUT = Layout((8, 8), np.dtype("uint8"), (8, 8))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("camera.png", "WholeSource"), ("hubble.tif", "TiffSource"), ("rocket.jpg", "WholeSource")],
)
def test_a_file_is_told_by_its_contents(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / "picture").write_bytes((SAMPLES / name).read_bytes())
    with open_image(tmp_path / "picture") as source:
        assert type(source).__name__ == kind
        assert source.ndim in (2, 3)


def test_numpy_files_are_told_by_their_contents(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 4)))
    (tmp_path / "a.npy").rename(tmp_path / "a.png")
    assert repr(open_image(tmp_path / "a.png")).startswith("<NpySource ")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"missing": "ignore"}, ArgumentError, "missing="),
        ({"page": -1}, ArgumentError, "page="),
        ({"level": True}, ArgumentError, "level="),
        ({"offset": 1.5}, ArgumentError, "offset="),
        ({"level": 1}, ArgumentError, "level=1 means nothing.*TIFF and Zarr"),
        ({"axes": "yx"}, ArgumentError, "axes='yx' means nothing"),
        ({"dtype": "u1"}, ArgumentError, "dtype.*raw"),
        ({"dtype": "bytes of 8"}, ArgumentTypeError, "dtype='bytes of 8'"),
        ({"max_pixels": 0}, ArgumentError, "max_pixels"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        open_image(SAMPLES / "camera.png", **options)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"", "empty"), (b"no image at all", "no image of a known format")],
)
def test_what_is_no_image_is_named(tmp_path: Path, content: Any, reason: str) -> None:
    if content is not None:
        (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageFileError, match=rf"a\.png: .*{reason}"):
        open_image(tmp_path / "a.png")


def test_a_folder_that_is_no_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="a folder, and no Zarr store"):
        open_image(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no such pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ImageFileError, match="not a regular file"):
        open_image(tmp_path / "a.png")


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(ArgumentTypeError, match="path=5"):
        open_image(5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="path=5"):
        create_image(5, LAYOUT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        (".tif", "TiffSink"),
        (".TIFF", "TiffSink"),
        (".zarr", "ZarrSink"),
        (".npy", "NpySink"),
        (".raw", "RawSink"),
        (".bin", "RawSink"),
        (".png", "WholeSink"),
        (".JPG", "WholeSink"),
    ],
)
def test_the_suffix_says_what_is_created(tmp_path: Path, suffix: str, kind: str) -> None:
    sink = create_image(tmp_path / f"a{suffix}", LAYOUT)
    assert type(sink).__name__ == kind
    sink.discard()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["a.txt", "a", "a.avif", ".tif"])
def test_other_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArgumentError, match="suffix"):
        create_image(tmp_path / name, LAYOUT)
    assert ".tif" in SINK_SUFFIXES
    assert ".avif" not in SINK_SUFFIXES


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a.png", {"compression": "zstd"}, "compression='zstd' means nothing"),
        ("a.npy", {"pyramid": True}, "pyramid=True means nothing"),
        ("a.zarr", {"planar": True}, "planar=True.*TIFF"),
        ("a.zarr", {"compression": "lzw"}, "compression='lzw'"),
        ("a.tif", {"shards": (8, 8)}, "shards.*Zarr"),
        ("a.zarr", {"shards": (12, 8)}, "shards.*multiples"),
    ],
)
def test_options_without_meaning_leave_nothing_behind(
    tmp_path: Path, name: str, options: Any, words: str
) -> None:
    with pytest.raises(ArgumentError, match=words):
        create_image(tmp_path / name, LAYOUT, **options)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("layout", "error"),
    [
        (Layout((0, 8), np.dtype("u1"), (8, 8)), ArgumentError),
        (Layout((8, 8), np.dtype(bool), (8, 8)), ArgumentTypeError),
    ],
)
@pytest.mark.parametrize("suffix", [".npy", ".tif", ".zarr", ".png"])
def test_images_that_nobody_can_write_are_refused(
    tmp_path: Path, layout: Layout, error: Any, suffix: str
) -> None:
    with pytest.raises(error):
        create_image(tmp_path / f"a{suffix}", layout)
    assert os.listdir(tmp_path) == []


def test_a_file_and_a_store_do_not_replace_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").write_text("precious")
    (tmp_path / "b.npy").mkdir()
    (tmp_path / "b.npy/zarr.json").write_text("precious")
    for name, reason in (("a.zarr", "is a file"), ("b.npy", "is a folder")):
        with pytest.raises(ImageFileError, match=reason):
            create_image(tmp_path / name, LAYOUT, overwrite=True)
    assert sorted(os.listdir(tmp_path)) == ["a.zarr", "b.npy"]


def test_options_decide_whether_work_is_gone_on_with(tmp_path: Path) -> None:
    for compression, has in (("none", False), ("none", True), ("zstd", False)):
        with create_image(tmp_path / "a.zarr", LAYOUT, compression=compression) as sink:
            assert sink.has((0, 8), (0, 8)) == has
            sink.write(np.zeros((8, 8), np.uint8), (0, 8), (0, 8))
