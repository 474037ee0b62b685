"""Zarr stores: versions 3 and 2, OME-Zarr, shards, missing and damaged chunks, pyramids."""

from __future__ import annotations

import json
import os
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from gpuconv.errors import ArgumentError, ImageFileError, MissingExtraError
from gpuconv.io import Layout, Metadata, create_image, open_image
from gpuconv.io.pyramid import halved
from gpuconv.io.zarr_sink import ZarrSink


def numbers(*shape: int, dtype: Any = "uint16") -> Any:
    return np.random.default_rng(3).integers(0, 200, shape).astype(dtype)


def stored(folder: Path, array: Any, **options: Any) -> Path:
    path = folder / "a.zarr"
    made = zarr.create_array(path, shape=array.shape, dtype=array.dtype, **options)
    made[...] = array
    return path


def sink_of(path: Path, layout: Layout, **options: Any) -> ZarrSink:
    sink = create_image(path, layout, **options)
    assert isinstance(sink, ZarrSink)
    return sink


def fill(sink: ZarrSink, pixels: Any) -> None:
    """Write all regions of one chunk or shard."""
    (high, wide), (down, across) = sink.layout.size, sink.layout.chunks
    for plane in np.ndindex(*sink.layout.planes):
        for top in range(0, high, down):
            for left in range(0, wide, across):
                rows, columns = (top, min(top + down, high)), (left, min(left + across, wide))
                sink.write(pixels[plane][slice(*rows), slice(*columns)], rows, columns, plane)


def written(path: Path, pixels: Any, channels: str = "L", **options: Any) -> Path:
    described = {name: options.pop(name) for name in ("metadata", "axes") if name in options}
    layout = Layout(pixels.shape, pixels.dtype, (8, 12), channels, **described)
    with sink_of(path, layout, **options) as sink:
        fill(sink, pixels)
        return sink.finish()


def files(path: Path) -> list[str]:
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", ["uint8", "float32", ">u2", "int64", "complex64"])
def test_arrays_of_both_versions_are_read(tmp_path: Path, version: Any, dtype: str) -> None:
    pixels = numbers(20, 30, dtype=dtype)
    with open_image(stored(tmp_path, pixels, chunks=(8, 12), zarr_format=version)) as source:
        assert source.chunks == (8, 12)
        assert source.dtype.isnative
        found = source[3:18, 25:4:-2]
        assert found.dtype.isnative
        assert np.array_equal(found, pixels[3:18, 25:4:-2])


def test_leading_axes_are_planes(tmp_path: Path) -> None:
    pixels = numbers(2, 3, 20, 30)
    with open_image(stored(tmp_path, pixels, chunks=(1, 2, 8, 30))) as source:
        assert source.layout.planes == (2, 3)
        assert source.chunks == (8, 30)
        assert np.array_equal(source.read((4, 9), (0, 7), (1, 2)), pixels[1, 2, 4:9, :7])
        assert np.array_equal(source[...], pixels)


@pytest.mark.parametrize(
    ("names", "axes", "channels"),
    [
        (("y", "x", "c"), "yxc", "RGB"),
        (("c", "y", "x"), "cyx", "L"),
        (("x", "y", "z"), "zyx", "L"),
        (("y", "x", "wavelength"), "", "L"),
        (("time", "Y", "X"), "tyx", "L"),
    ],
)
def test_names_of_axes_say_what_is_what(
    tmp_path: Path, names: Any, axes: str, channels: str
) -> None:
    pixels = numbers(5, 6, 3)
    with open_image(stored(tmp_path, pixels, dimension_names=names)) as source:
        assert source.layout.axes == axes
        assert source.layout.channels == channels
        first = {name[0].lower(): i for i, name in enumerate(names)}
        order = [first[letter] for letter in axes or "wyx"]
        assert np.array_equal(source[...], pixels.transpose(order))


def test_axes_without_names_are_channels_if_they_are_few(tmp_path: Path) -> None:
    path = stored(tmp_path, numbers(5, 6, 3))
    assert open_image(path).layout.channels == "RGB"
    assert open_image(path, axes="zyx").layout.planes == (5,)


def test_xarrays_names_of_version_2_are_read(tmp_path: Path) -> None:
    attributes = {"_ARRAY_DIMENSIONS": ["x", "y"]}
    pixels = numbers(5, 6)
    path = stored(tmp_path, pixels, zarr_format=2, attributes=attributes)
    assert np.array_equal(open_image(path)[...], pixels.T)


def test_a_missing_chunk_is_an_error_that_names_it(tmp_path: Path) -> None:
    pixels = numbers(20, 30)
    path = stored(tmp_path, pixels, chunks=(8, 12), fill_value=7)
    (path / "c/1/2").unlink()
    with open_image(path) as source:
        assert np.array_equal(source[:8], pixels[:8])
        with pytest.raises(ImageFileError, match=r"chunk c/1/2 is not in the store.*is 7,"):
            _ = source[4:10, 20:]
    with open_image(path, missing="fill") as source:
        assert (source[8:16, 24:] == 7).all()
        assert np.array_equal(source[:, :24], pixels[:, :24])


def test_a_missing_chunk_of_version_2_is_named(tmp_path: Path) -> None:
    path = stored(tmp_path, numbers(20, 30), chunks=(8, 12), zarr_format=2)
    (path / "1.2").unlink()
    with pytest.raises(ImageFileError, match=r"chunk 1\.2 is not"):
        _ = open_image(path)[...]


@pytest.mark.parametrize("compressors", ["auto", None])
def test_a_chunk_cut_short_is_named(tmp_path: Path, compressors: Any) -> None:
    path = stored(tmp_path, numbers(20, 30), chunks=(8, 12), compressors=compressors)
    chunk = path / "c/1/0"
    os.truncate(chunk, chunk.stat().st_size - 9)
    with open_image(path) as source:
        assert source[:8].shape == (8, 30)
        with pytest.raises(ImageFileError, match=r"a\.zarr, chunk c/1/0: "):
            _ = source[...]


def test_shards_are_read_by_their_chunks(tmp_path: Path) -> None:
    pixels = numbers(40, 48)
    path = stored(tmp_path, pixels, chunks=(4, 6), shards=(16, 24))
    with open_image(path) as source:
        assert source.chunks == (4, 6)
        assert np.array_equal(source[3:30, 20:29], pixels[3:30, 20:29])
    (path / "c/1/1").unlink()
    with pytest.raises(ImageFileError, match="chunk c/1/1 is not"):
        _ = open_image(path)[16:18]


def ome_group(path: Path, version: str) -> list[Any]:
    """Make a pyramid of two levels, as its specification has it; return the levels' pixels."""
    full = numbers(2, 3, 16, 24)
    levels = [full, full[..., ::2, ::2]]
    names = ["t", "c", "y", "x"]
    kinds = ["time", "channel", "space", "space"]
    axes = [{"name": name, "type": kind} for name, kind in zip(names, kinds, strict=True)]
    axes[3]["unit"] = "micrometer"
    datasets = [
        {
            "path": f"s{i}",
            "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 0.5 * f, 0.25 * f]}],
        }
        for i, f in enumerate((1, 2))
    ]
    pyramid = {"axes": axes, "datasets": datasets, "name": "cells"}
    said: dict[str, Any] = {"multiscales": [pyramid], "omero": {"channels": [{"label": "DAPI"}]}}
    said = {"ome": {"version": "0.5", **said}} if version == "0.5" else said
    form: Any = 3 if version == "0.5" else 2
    group = zarr.create_group(path, zarr_format=form, attributes=said)
    for dataset, level in zip(datasets, levels, strict=True):
        group.create_array(dataset["path"], data=level, chunks=(1, 1, 8, 8))
    return levels


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_levels_of_a_pyramid_are_read(tmp_path: Path, version: str) -> None:
    levels = ome_group(tmp_path / "a.zarr", version)
    for level, pixels in enumerate(levels):
        with open_image(tmp_path / "a.zarr", level=level) as source:
            assert source.layout.axes == "tcyx"
            assert source.levels == ((16, 24), (8, 12))
            assert np.array_equal(source[...], pixels)
    with pytest.raises(ArgumentError, match="level=2"):
        open_image(tmp_path / "a.zarr", level=2)
    assert np.array_equal(open_image(tmp_path / "a.zarr" / "s1")[...], levels[1])


def test_a_level_that_is_lost_does_not_hide_the_others(tmp_path: Path) -> None:
    levels = ome_group(tmp_path / "a.zarr", "0.5")
    (tmp_path / "a.zarr/s1/zarr.json").unlink()
    with open_image(tmp_path / "a.zarr") as source:
        assert np.array_equal(source[...], levels[0])
        with pytest.raises(ImageFileError, match="s1"):
            _ = source.levels


def test_what_ome_says_is_carried_to_the_output(tmp_path: Path) -> None:
    pixels = ome_group(tmp_path / "a.zarr", "0.4")[0]
    layout = open_image(tmp_path / "a.zarr").layout
    written(tmp_path / "b.zarr", pixels, metadata=layout.metadata, axes=layout.axes, pyramid=True)
    ome = json.loads((tmp_path / "b.zarr/zarr.json").read_text())["attributes"]["ome"]
    (pyramid,) = ome["multiscales"]
    assert ome["version"] == "0.5"
    assert ome["omero"] == {"channels": [{"label": "DAPI"}]}
    assert pyramid["name"] == "cells"
    assert [axis["name"] for axis in pyramid["axes"]] == ["t", "c", "y", "x"]
    assert pyramid["axes"][3]["unit"] == "micrometer"
    full, half = (dataset["coordinateTransformations"] for dataset in pyramid["datasets"][:2])
    assert full == [{"type": "scale", "scale": [1, 1, 0.5, 0.25]}]
    # The first pixel of the half is the mean of four, and lies in their middle.
    assert half[0]["scale"] == [1, 1, 1.0, 0.5]
    assert half[1] == {"type": "translation", "translation": [0, 0, 0.25, 0.125]}


def test_a_group_with_one_array_is_that_array(tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path / "a.zarr")
    pixels = numbers(5, 6)
    group.create_array("pixels", data=pixels)
    assert np.array_equal(open_image(tmp_path / "a.zarr")[...], pixels)


def test_a_group_of_several_says_what_is_in_it(tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path / "a.zarr")
    group.create_array("pixels", data=numbers(5, 6))
    group.create_group("labels")
    with pytest.raises(ImageFileError, match=r"it holds pixels, labels/"):
        open_image(tmp_path / "a.zarr")


@pytest.mark.parametrize(
    ("array", "reason"), [(np.zeros(5), "no image"), (np.zeros((5, 6), bool), "bool")]
)
def test_an_array_that_is_no_image_is_named(tmp_path: Path, array: Any, reason: str) -> None:
    with pytest.raises(ImageFileError, match=reason):
        open_image(stored(tmp_path, array))


def test_a_damaged_store_is_an_error(tmp_path: Path) -> None:
    path = stored(tmp_path, numbers(5, 6))
    (path / "zarr.json").write_text("{")
    with pytest.raises(ImageFileError, match=r"a\.zarr"):
        open_image(path)


@pytest.mark.parametrize("compression", [None, "none", "zstd", "lz4", "deflate"])
def test_what_is_written_by_regions_is_what_zarr_reads(tmp_path: Path, compression: Any) -> None:
    pixels = numbers(20, 30)
    path = written(tmp_path / "a.zarr", pixels, compression=compression)
    assert os.listdir(tmp_path) == ["a.zarr"]
    found = zarr.open_array(path, mode="r")
    assert found.metadata.zarr_format == 3
    assert found.chunks == (8, 12)
    assert np.array_equal(found[...], pixels)


@pytest.mark.parametrize("pyramid", [False, True])
@pytest.mark.parametrize(
    ("shape", "channels"),
    [
        ((20, 30), "L"),
        ((20, 30, 3), "RGB"),
        ((20, 30, 4), "RGBA"),
        ((2, 20, 30, 2), "LA"),
        ((2, 20, 30), "L"),
        ((20, 30, 7), ""),
    ],
)
def test_images_come_back_as_what_they_were(
    tmp_path: Path, shape: Any, channels: str, pyramid: bool
) -> None:
    pixels = numbers(*shape, dtype="uint8")
    with open_image(written(tmp_path / "a.zarr", pixels, channels, pyramid=pyramid)) as source:
        assert source.shape == shape
        assert source.layout.channels == channels
        assert np.array_equal(source[...], pixels)


def test_levels_are_the_means_of_those_before(tmp_path: Path) -> None:
    pixels = numbers(2, 21, 30, 4, dtype="uint8")
    path = written(tmp_path / "a.zarr", pixels, "RGBA", pyramid=True)
    sizes = open_image(path).levels
    assert sizes == ((21, 30), (11, 15), (6, 8))
    for level in (1, 2):
        found = open_image(path, level=level)[...]
        pixels = np.stack([halved(picture, "RGBA") for picture in pixels])
        assert np.array_equal(found, pixels)


def test_colour_in_a_pyramid_is_stored_as_ome_demands(tmp_path: Path) -> None:
    path = written(tmp_path / "a.zarr", numbers(2, 20, 30, 3), "RGB", pyramid=True)
    (pyramid,) = zarr.open_group(path, mode="r").attrs["ome"]["multiscales"]
    assert [axis["name"] for axis in pyramid["axes"]] == ["c", "z", "y", "x"]
    assert [axis["type"] for axis in pyramid["axes"]] == ["channel", "space", "space", "space"]
    assert zarr.open_array(path, path="0", mode="r").shape == (3, 2, 20, 30)


def test_an_image_of_too_many_axes_is_no_ome(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="more axes"):
        written(tmp_path / "a.zarr", numbers(1, 1, 1, 1, 8, 8), pyramid=True)
    written(tmp_path / "a.zarr", numbers(1, 1, 1, 1, 8, 8))


def test_shards_are_written_whole(tmp_path: Path) -> None:
    pixels = numbers(40, 50)
    path = tmp_path / "a.zarr"
    with sink_of(path, Layout((40, 50), pixels.dtype, (4, 6)), shards=(16, 24)) as sink:
        assert sink.layout.chunks == (16, 24)
        with pytest.raises(ArgumentError, match="multiples of 16"):
            sink.write(pixels[:4, :24], (0, 4), (0, 24))
        fill(sink, pixels)
        sink.finish()
    found = zarr.open_array(path, mode="r")
    assert (found.chunks, found.shards) == ((4, 6), (16, 24))
    assert np.array_equal(found[...], pixels)
    assert len(files(path)) == 1 + 3 * 3


def test_a_pyramid_may_have_shards(tmp_path: Path) -> None:
    pixels = numbers(2, 40, 50, 3, dtype="uint8")
    layout = Layout(pixels.shape, pixels.dtype, (4, 6), "RGB")
    with sink_of(tmp_path / "a.zarr", layout, shards=(16, 24), pyramid=True) as sink:
        fill(sink, pixels)
        path = sink.finish()
    assert open_image(path).levels == ((40, 50), (20, 25), (10, 13))
    for level in range(3):
        assert np.array_equal(open_image(path, level=level)[...], pixels)
        pixels = np.stack([halved(picture) for picture in pixels])


@pytest.mark.parametrize("shards", [(16, 20), (2, 6), (0, 6)])
def test_shards_that_do_not_hold_whole_chunks_are_refused(tmp_path: Path, shards: Any) -> None:
    with pytest.raises(ArgumentError, match="shards"):
        sink_of(tmp_path / "a.zarr", Layout((40, 50), np.dtype("u1"), (4, 6)), shards=shards)


def test_black_chunks_are_written_too(tmp_path: Path) -> None:
    path = written(tmp_path / "a.zarr", np.zeros((20, 30), np.uint8))
    assert len(files(path)) == 1 + 3 * 3
    assert not open_image(path)[...].any()


def test_threads_write_at_once(tmp_path: Path) -> None:
    pixels = numbers(32, 48)
    with sink_of(tmp_path / "a.zarr", Layout((32, 48), pixels.dtype, (8, 12))) as sink:

        def write(top: int) -> None:
            for left in range(0, 48, 12):
                part = pixels[top : top + 8, left : left + 12]
                sink.write(part, (top, top + 8), (left, left + 12))

        threads = [threading.Thread(target=write, args=(top,)) for top in range(0, 32, 8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        path = sink.finish()
    assert np.array_equal(open_image(path)[...], pixels)


def test_an_interrupted_store_goes_on_by_its_journal(tmp_path: Path) -> None:
    pixels, layout = numbers(16, 24), Layout((16, 24), np.dtype("u2"), (8, 12))
    with sink_of(tmp_path / "a.zarr", layout) as sink:
        sink.write(pixels[:8], (0, 8), (0, 24))
        store = sink.partial.folder / "store"
    # A process that was killed left a chunk that no record vouches for, and one half written.
    (store / "c/1").mkdir()
    (store / "c/1/0").write_bytes(b"torn")
    (store / f"c/1/1.{'0' * 32}.partial").write_bytes(b"torn")
    with sink_of(tmp_path / "a.zarr", layout) as sink:
        assert sink.has((0, 8), (0, 24))
        assert not sink.has((8, 16), (0, 12))
        sink.write(pixels[8:], (8, 16), (0, 24))
        path = sink.finish()
    assert np.array_equal(zarr.open_array(path, mode="r")[...], pixels)
    assert files(path) == ["c/0/0", "c/0/1", "c/1/0", "c/1/1", "zarr.json"]


def test_a_store_killed_in_its_making_is_made_anew(tmp_path: Path) -> None:
    layout = Layout((16, 24), np.dtype("u2"), (8, 12))
    with sink_of(tmp_path / "a.zarr", layout) as sink:
        (sink.partial.folder / "store/zarr.json").write_text("{")
    with sink_of(tmp_path / "a.zarr", layout) as sink:
        fill(sink, numbers(16, 24))
        sink.finish()


def test_a_store_is_replaced_in_the_end(tmp_path: Path) -> None:
    old, new = numbers(16, 24), numbers(30, 40)
    path = written(tmp_path / "a.zarr", old)
    with pytest.raises(ImageFileError, match="exists already"):
        written(path, new)
    with sink_of(path, Layout((30, 40), new.dtype, (8, 12)), overwrite=True) as sink:
        fill(sink, new)
        assert np.array_equal(open_image(path)[...], old)
        sink.finish()
    assert np.array_equal(open_image(path)[...], new)
    assert os.listdir(tmp_path) == ["a.zarr"]


def test_a_writer_works_in_another_process(tmp_path: Path) -> None:
    pixels = numbers(16, 24)
    with sink_of(tmp_path / "a.zarr", Layout((16, 24), pixels.dtype, (8, 12))) as sink:
        writer: Any = pickle.loads(pickle.dumps(sink.writer))
        writer.put(pixels, (0, 16), (0, 24), ())
        sink.note((0, 16), (0, 24))
        path = sink.finish()
    assert np.array_equal(open_image(path)[...], pixels)


def test_a_source_is_opened_again_in_another_process(tmp_path: Path) -> None:
    levels = ome_group(tmp_path / "a.zarr", "0.5")
    again = pickle.loads(pickle.dumps(open_image(tmp_path / "a.zarr", level=1)))
    assert np.array_equal(again[...], levels[1])


def test_metadata_without_ome_makes_no_group(tmp_path: Path) -> None:
    path = written(tmp_path / "a.zarr", numbers(20, 30), metadata=Metadata(dpi=(300, 300)))
    assert isinstance(zarr.open(path, mode="r"), zarr.Array)


def test_without_zarr_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stored(tmp_path, numbers(5, 6))
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    with pytest.raises(MissingExtraError, match=r"gpuconv\[zarr\]"):
        open_image(path)
    with pytest.raises(MissingExtraError, match=r"gpuconv\[zarr\]"):
        create_image(tmp_path / "b.zarr", Layout((5, 6), np.dtype("u1"), (5, 6)))
    assert os.listdir(tmp_path) == ["a.zarr"]
