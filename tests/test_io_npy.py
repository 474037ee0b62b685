"""Files of numbers, ``.npy`` and raw: regions of all orders, and what is wrong with them."""

from __future__ import annotations

import errno
import gc
import os
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpuconv.errors import ArgumentError, ImageFileError
from gpuconv.io import Layout, create_image, open_image
from gpuconv.io.sink import JournaledSink


def numbers(*shape: int, dtype: Any = "uint16") -> Any:
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def saved(folder: Path, array: Any) -> Path:
    np.save(folder / "a.npy", array)
    return folder / "a.npy"


def sink_of(path: Path, pixels: Any, channels: str = "L", **options: Any) -> JournaledSink:
    sink = create_image(path, Layout(pixels.shape, pixels.dtype, (4, 5), channels), **options)
    assert isinstance(sink, JournaledSink)
    return sink


def no_space(*_: Any) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fill(sink: JournaledSink, pixels: Any, writer: Any = None) -> None:
    """Write all regions of one chunk."""
    high, wide = sink.layout.size
    for plane in np.ndindex(*sink.layout.planes):
        for top in range(0, high, 4):
            for left in range(0, wide, 5):
                rows, columns = (top, min(top + 4, high)), (left, min(left + 5, wide))
                part = pixels[plane][slice(*rows), slice(*columns)]
                (writer or sink.write)(part, rows, columns, plane)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("shape", "channels"),
    [((11, 13), "L"), ((11, 13, 3), "RGB"), ((11, 13, 4), ""), ((3, 2, 11, 13), "L")],
)
def test_regions_are_those_of_the_array(
    tmp_path: Path, shape: Any, channels: str, order: Any
) -> None:
    pixels = np.array(numbers(*shape), order=order)
    with open_image(saved(tmp_path, pixels)) as source:
        assert source.layout.channels == channels
        assert source.shape == shape
        for rows, columns in (
            ((0, 11), (0, 13)),
            ((3, 9), (2, 7)),
            ((0, 11), (4, 5)),
            ((2, 2),) * 2,
        ):
            for plane in np.ndindex(*source.layout.planes):
                found = source.read(rows, columns, plane)
                assert np.array_equal(found, pixels[plane][slice(*rows), slice(*columns)])


@pytest.mark.parametrize("axes", ["yxc", "zyx", "xyz", "cxy", "xcy"])
def test_axes_say_what_is_what(tmp_path: Path, axes: str) -> None:
    pixels = numbers(4, 5, 3)
    with open_image(saved(tmp_path, pixels), axes=axes) as source:
        ordered = source.layout.axes
        assert sorted(ordered) == sorted(axes)
        assert ordered.removesuffix("c").endswith("yx")
        wanted = pixels.transpose([axes.index(letter) for letter in ordered])
        assert np.array_equal(source[...], wanted)


@pytest.mark.parametrize("axes", ["yx", "yxcz", "yyx", "tzc", "", "abc"])
def test_axes_that_do_not_fit_are_refused(tmp_path: Path, axes: str) -> None:
    with pytest.raises(ArgumentError, match="axes="):
        open_image(saved(tmp_path, numbers(4, 5, 3)), axes=axes)


def test_foreign_byte_order_is_read_as_native(tmp_path: Path) -> None:
    pixels = numbers(4, 5, dtype=">f4")
    with open_image(saved(tmp_path, pixels)) as source:
        assert source.dtype.isnative
        assert source[...].dtype.isnative
        assert np.array_equal(source[...], pixels)


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_both_versions_of_the_header_are_read(tmp_path: Path, version: Any) -> None:
    with open(tmp_path / "a.npy", "wb") as file:
        np.lib.format.write_array(file, numbers(4, 5), version)
    assert np.array_equal(open_image(tmp_path / "a.npy")[...], numbers(4, 5))


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((4, 5), bool), "bool"),
        (np.array([[{}]]), "object"),
        (np.zeros(4), "no image"),
        (np.zeros((4, 5), [("r", "u1")]), "void"),
    ],
)
def test_what_is_no_image_is_named(tmp_path: Path, array: Any, reason: str) -> None:
    with pytest.raises(ImageFileError, match=rf"a\.npy.*{reason}"):
        open_image(saved(tmp_path, array))


def test_a_file_cut_short_reads_what_is_there(tmp_path: Path) -> None:
    path = saved(tmp_path, numbers(40, 50))
    os.truncate(path, path.stat().st_size - 100)
    with open_image(path) as source:
        assert source[:39].shape == (39, 50)
        with pytest.raises(ImageFileError, match=r"a\.npy.*truncated"):
            _ = source[39:]


def test_a_damaged_header_is_an_error(tmp_path: Path) -> None:
    path = saved(tmp_path, numbers(4, 5))
    data = path.read_bytes()
    path.write_bytes(data[:20])
    with pytest.raises(ImageFileError, match=r"a\.npy"):
        open_image(path)


def test_threads_read_at_once(tmp_path: Path) -> None:
    pixels = numbers(64, 64)
    wrong: list[int] = []
    with open_image(saved(tmp_path, pixels)) as source:

        def read(start: int) -> None:
            for row in range(start, 64, 4):
                if not np.array_equal(source[row], pixels[row]):
                    wrong.append(row)

        threads = [threading.Thread(target=read, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    ("shape", "channels", "dtype"),
    [((11, 13), "L", "uint8"), ((2, 11, 13, 4), "RGBA", "float32"), ((4, 5), "L", "complex64")],
)
def test_what_is_written_by_regions_is_what_numpy_loads(
    tmp_path: Path, shape: Any, channels: str, dtype: Any
) -> None:
    pixels = numbers(*shape, dtype=dtype)
    with sink_of(tmp_path / "a.npy", pixels, channels) as sink:
        fill(sink, pixels)
        assert not (tmp_path / "a.npy").exists()
        assert sink.finish() == tmp_path / "a.npy"
    assert np.array_equal(np.load(tmp_path / "a.npy"), pixels)
    assert os.listdir(tmp_path) == ["a.npy"]


def test_raw_numbers_come_back_with_shape_and_dtype(tmp_path: Path) -> None:
    pixels = numbers(11, 13, 3)
    with sink_of(tmp_path / "a.raw", pixels, "RGB") as sink:
        fill(sink, pixels)
        sink.finish()
    assert (tmp_path / "a.raw").read_bytes() == pixels.tobytes()
    with open_image(tmp_path / "a.raw", shape=(11, 13, 3), dtype="uint16") as source:
        assert np.array_equal(source[...], pixels)


def test_raw_numbers_may_have_a_header_and_a_byte_order(tmp_path: Path) -> None:
    pixels = numbers(6, 7).astype(">u2")
    (tmp_path / "scan.dat").write_bytes(b"header" + pixels.tobytes())
    with open_image(tmp_path / "scan.dat", shape=[6, 7], dtype=">u2", offset=6) as source:  # type: ignore[arg-type]
        assert np.array_equal(source[2:, 3:], pixels[2:, 3:])


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, ArgumentError, "say shape"),
        ({"shape": (4, 5)}, ArgumentError, "dtype"),
        ({"shape": (4, 5), "dtype": "u1"}, ImageFileError, "40 bytes.*make 20"),
        ({"shape": (4, 10), "dtype": "u1", "offset": 1}, ImageFileError, "40 bytes.*make 41"),
        ({"shape": (40,), "dtype": "u1"}, ArgumentError, "shape="),
        ({"shape": 40, "dtype": "u1"}, ArgumentError, "shape="),
        ({"shape": (4, -10), "dtype": "u1"}, ArgumentError, "shape="),
        ({"shape": (4, 10), "dtype": "?"}, ImageFileError, "bool"),
    ],
)
def test_raw_numbers_that_do_not_fit_are_refused(
    tmp_path: Path, options: Any, error: Any, words: str
) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(40))
    with pytest.raises(error, match=words):
        open_image(tmp_path / "a.raw", **options)


def test_an_interrupted_sink_goes_on(tmp_path: Path) -> None:
    pixels = numbers(8, 10)
    with sink_of(tmp_path / "a.npy", pixels, key="blur") as sink:
        sink.write(pixels[:4, :5], (0, 4), (0, 5))
    with sink_of(tmp_path / "a.npy", pixels, key="blur") as sink:
        assert sink.has((0, 4), (0, 5))
        assert not sink.has((0, 8), (0, 5))
        with pytest.raises(ImageFileError, match=r"3 of its 4 chunks.*row 0, column 5"):
            sink.finish()
        sink.write(pixels[4:], (4, 8), (0, 10))
        sink.write(pixels[:4, 5:], (0, 4), (5, 10))
        sink.finish()
    assert np.array_equal(np.load(tmp_path / "a.npy"), pixels)


@pytest.mark.skipif(not hasattr(os, "pwrite"), reason="the system has no such call")
def test_a_full_disk_is_an_error_and_what_was_written_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = numbers(8, 10)
    with sink_of(tmp_path / "a.npy", pixels) as sink:
        sink.write(pixels[:4], (0, 4), (0, 10))
        with monkeypatch.context() as full:
            full.setattr(os, "pwrite", no_space)
            with pytest.raises(ImageFileError, match=r"cannot write .*a\.npy: No space left"):
                sink.write(pixels[4:], (4, 8), (0, 10))
        assert sink.has((0, 4), (0, 10))
        assert not sink.has((4, 8), (0, 10))
        sink.write(pixels[4:], (4, 8), (0, 10))
        sink.finish()
    assert np.array_equal(np.load(tmp_path / "a.npy"), pixels)


def test_another_key_or_layout_starts_anew(tmp_path: Path) -> None:
    pixels = numbers(8, 10)
    for key, given in (("blur", pixels), ("sharpen", pixels), ("sharpen", pixels.astype("u4"))):
        with sink_of(tmp_path / "a.npy", given, key=key) as sink:
            assert not sink.has((0, 4), (0, 5))
            assert bool(sink.warnings) == (key == "sharpen")
            sink.write(given[:4, :5], (0, 4), (0, 5))


def test_a_journal_without_its_pixels_is_not_believed(tmp_path: Path) -> None:
    pixels = numbers(8, 10)
    with sink_of(tmp_path / "a.npy", pixels) as sink:
        fill(sink, pixels)
        (sink.partial.folder / "pixels").unlink()
    with sink_of(tmp_path / "a.npy", pixels) as sink:
        assert not sink.has((0, 4), (0, 5))


def test_a_writer_works_in_another_process(tmp_path: Path) -> None:
    pixels = numbers(2, 8, 10)
    with sink_of(tmp_path / "a.npy", pixels) as sink:
        writer = pickle.loads(pickle.dumps(sink.writer))
        fill(sink, pixels, writer.put)
        assert not sink.has((0, 8), (0, 10), (1,))
        for plane in ((0,), (1,)):
            sink.note((0, 8), (0, 10), plane)
        sink.finish()
    assert np.array_equal(np.load(tmp_path / "a.npy"), pixels)


def test_a_closed_file_is_not_read(tmp_path: Path) -> None:
    source = open_image(saved(tmp_path, numbers(4, 5)))
    source.close()
    source.close()
    with pytest.raises(ImageFileError, match="closed"):
        _ = source[...]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not list them")
def test_what_came_in_a_message_is_closed_when_it_is_gone(tmp_path: Path) -> None:
    with open_image(saved(tmp_path, numbers(4, 5))) as source:
        message = pickle.dumps(source)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            assert pickle.loads(message).shape == (4, 5)
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("rows", "columns", "shape"),
    [
        ((1, 4), (0, 5), (3, 5)),
        ((0, 3), (0, 5), (3, 5)),
        ((0, 4), (0, 4), (4, 4)),
        ((0, 12), (0, 5), (12, 5)),
        ((0, 0), (0, 5), (0, 5)),
        ((0, 4), (0, 5), (5, 4)),
    ],
)
def test_regions_are_made_of_chunks(tmp_path: Path, rows: Any, columns: Any, shape: Any) -> None:
    with (
        sink_of(tmp_path / "a.npy", numbers(8, 10)) as sink,
        pytest.raises(ArgumentError, match=r"rows|columns|shape"),
    ):
        sink.write(np.zeros(shape, "uint16"), rows, columns)


def test_pixels_of_another_dtype_are_refused(tmp_path: Path) -> None:
    with (
        sink_of(tmp_path / "a.npy", numbers(8, 10)) as sink,
        pytest.raises(ArgumentError, match="uint8"),
    ):
        sink.write(np.zeros((4, 5), "uint8"), (0, 4), (0, 5))


def test_discarding_leaves_nothing(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "a.npy", numbers(8, 10))
    sink.discard()
    assert os.listdir(tmp_path) == []
