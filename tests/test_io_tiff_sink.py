"""TIFF files written by regions, against tifffile and Pillow."""

from __future__ import annotations

import errno
import os
import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow

from gpuconv.errors import ArgumentError, ArgumentTypeError, ImageFileError, MissingExtraError
from gpuconv.io import Metadata, read_image
from gpuconv.io.create import create_image
from gpuconv.io.exif import build
from gpuconv.io.ifd import ASCII, SHORT, Entry
from gpuconv.io.partial import Partial
from gpuconv.io.positional import Positional
from gpuconv.io.pyramid import halved
from gpuconv.io.source import Layout, Run
from gpuconv.io.tiff_codec import COMPRESSIONS, Codec
from gpuconv.io.tiff_plan import Plan
from gpuconv.io.tiff_sink import TiffSink
from gpuconv.io.tiff_source import TiffSource

COLOUR = skimage.data.astronaut()[:203, :301]
GREY = np.ascontiguousarray(COLOUR[..., 1])
CHANNELS = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,), "CMYK": (4,), "": (5,)}
DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "c8"]


def layout_of(pixels: NDArray[Any], channels: str = "L", tile: int = 64) -> Layout:
    return Layout(pixels.shape, pixels.dtype, (tile, tile), channels)


def regions(size: tuple[int, int], step: tuple[int, int]) -> Iterator[tuple[Run, Run]]:
    for top in range(0, size[0], step[0]):
        for left in range(0, size[1], step[1]):
            yield (top, min(top + step[0], size[0])), (left, min(left + step[1], size[1]))


def sink_at(path: Path, layout: Layout, key: str = "key", **options: Any) -> TiffSink:
    return TiffSink(layout, Partial(path, key, overwrite=True), **options)


def fill(sink: TiffSink, pixels: NDArray[Any], seed: int = 0, *, in_order: bool = False) -> None:
    """Write all regions, by default in a random order."""
    everywhere = [
        (region, plane)
        for plane in np.ndindex(*sink.layout.planes)
        for region in regions(sink.layout.size, (64, 128))
    ]
    if not in_order:
        random.Random(seed).shuffle(everywhere)
    for (rows, columns), plane in everywhere:
        sink.write(pixels[plane][slice(*rows), slice(*columns)], rows, columns, plane)


def write(path: Path, pixels: NDArray[Any], channels: str = "L", **options: Any) -> Path:
    with sink_at(path, layout_of(pixels, channels), **options) as sink:
        fill(sink, pixels)
        assert sink.finish() == path
    assert sorted(path.parent.iterdir()) == [path]
    return path


def pixels_of(page: Any) -> NDArray[Any]:
    found: NDArray[Any] = page.asarray()
    return np.moveaxis(found, 0, -1) if page.planarconfig == 2 and found.ndim == 3 else found


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_compression_is_read_by_tifffile(
    tmp_path: Path, dtype: str, compression: str
) -> None:
    pytest.importorskip("imagecodecs")
    pixels = (COLOUR.astype("f8") * 0.49 - 3).astype(dtype)
    path = write(tmp_path / "a.tif", pixels, "RGB", compression=compression)
    with tifffile.TiffFile(path) as tif:
        page = tif.pages[0]
        assert (page.compression, page.tile) == (COMPRESSIONS[compression], (64, 64))
        assert pixels_of(page).dtype == pixels.dtype
        np.testing.assert_array_equal(pixels_of(page), pixels)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("channels", CHANNELS)
def test_channels_together_and_apart_are_read_again(
    tmp_path: Path, channels: str, planar: bool
) -> None:
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 2**16, (150, 130, *CHANNELS[channels]), np.uint16)
    path = write(tmp_path / "a.tif", pixels, channels, compression="deflate", planar=planar)
    with tifffile.TiffFile(path) as tif:
        np.testing.assert_array_equal(pixels_of(tif.pages[0]), pixels)
    with TiffSource(path) as source:
        assert source.layout.channels == channels
        np.testing.assert_array_equal(source[...], pixels)


@pytest.mark.parametrize("channels", ["L", "LA", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("compression", ["none", "deflate"])
def test_pillow_reads_them(tmp_path: Path, channels: str, compression: str) -> None:
    pixels = np.resize(COLOUR, (203, 301, *CHANNELS[channels]))
    path = write(tmp_path / "a.tif", pixels, channels, compression=compression)
    with Pillow.open(path) as picture:
        assert picture.mode == channels
        np.testing.assert_array_equal(np.asarray(picture), pixels)


@pytest.mark.parametrize("bigtiff", [False, True])
def test_classic_and_bigtiff(tmp_path: Path, bigtiff: bool) -> None:
    path = write(tmp_path / "a.tif", COLOUR, "RGB", bigtiff=bigtiff)
    with tifffile.TiffFile(path) as tif:
        assert tif.is_bigtiff == bigtiff
    np.testing.assert_array_equal(read_image(path).pixels, COLOUR)


@pytest.mark.parametrize(("side", "pyramid", "big"), [(65_000, False, False), (65_000, True, True)])
def test_bigtiff_is_chosen_by_what_pixels_take_uncompressed(
    side: int, pyramid: bool, big: bool
) -> None:
    plan = Plan(Layout((side, side), np.dtype(np.uint8), (256, 256)), pyramid, False)
    assert plan.needs_bigtiff(1.0) == big
    assert plan.needs_bigtiff(1.5)


def test_a_file_that_outgrows_classic_tiff_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpuconv.io.tiff_sink._CLASSIC", 60_000)
    with sink_at(
        tmp_path / "a.tif", layout_of(COLOUR, "RGB"), bigtiff=False, compression="deflate"
    ) as sink:
        with pytest.raises(
            ImageFileError, match=r"a\.tif: it does not fit into the 4 GiB.*bigtiff"
        ):
            fill(sink, COLOUR)
        sink.discard()


def test_uncompressed_files_are_the_same_in_whatever_order_they_are_written(tmp_path: Path) -> None:
    made = []
    for seed in range(3):
        path = tmp_path / f"{seed}.tif"
        with sink_at(path, layout_of(COLOUR, "RGB"), pyramid=True) as sink:
            fill(sink, COLOUR, seed)
            sink.finish()
        made.append(path.read_bytes())
    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize(
    ("chunks", "tile"), [((512, 64), (208, 64)), ((1, 301), (208, 256)), ((100, 100), (208, 256))]
)
def test_tiles_are_the_chunks_that_tiff_allows(
    tmp_path: Path, chunks: tuple[int, int], tile: tuple[int, int]
) -> None:
    layout = replace(layout_of(GREY), chunks=chunks)
    with sink_at(tmp_path / "a.tif", layout) as sink:
        assert sink.layout.chunks == tile
        sink.write(GREY, (0, 203), (0, 301))
        sink.finish()
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), GREY)


def test_metadata_is_carried(tmp_path: Path) -> None:
    exif = build({0: {271: Entry(ASCII, b"Maker\0"), 274: Entry.of(SHORT, 6)}})
    metadata = Metadata(exif=exif, icc=b"a profile", dpi=(300.0, 72.5), compressed=True)
    layout = replace(layout_of(COLOUR, "RGB"), metadata=metadata)
    with sink_at(tmp_path / "a.tif", layout, pyramid=True) as sink:
        fill(sink, COLOUR)
        sink.finish()
    for level in (0, 1):
        with TiffSource(tmp_path / "a.tif", level=level) as source:
            found = source.layout.metadata
            assert (found.icc, found.dpi, found.compressed) == (b"a profile", (300.0, 72.5), True)
    image = read_image(tmp_path / "a.tif", orient="keep")
    assert (image.metadata.icc, image.metadata.dpi) == (b"a profile", (300.0, 72.5))
    with Pillow.open(tmp_path / "a.tif") as picture:
        assert (picture.getexif()[271], picture.tag_v2[274]) == ("Maker", 6)


def check_pyramid(levels: list[NDArray[Any]], full: NDArray[Any], channels: str) -> None:
    expected = full
    for level in levels:
        np.testing.assert_array_equal(level, expected)
        expected = halved(expected, channels)
    assert max(levels[-1].shape[:2]) <= 64


def test_one_picture_has_its_pyramid_after_it(tmp_path: Path) -> None:
    """As openslide and libvips look for it."""
    path = write(tmp_path / "a.tif", COLOUR, "RGB", pyramid=True, compression="deflate")
    with tifffile.TiffFile(path) as tif:
        assert [int(page.subfiletype) for page in tif.pages] == [0, 1, 1, 1]
        check_pyramid([page.asarray() for page in tif.pages], COLOUR, "RGB")
        assert len(tif.series[0].levels) == 4
    with TiffSource(path, level=2) as source:
        assert source.shape == source.levels[2] + (3,) == (51, 76, 3)


@pytest.mark.parametrize("planar", [False, True])
def test_pages_have_their_pyramids_below_them(tmp_path: Path, planar: bool) -> None:
    stack = np.stack([COLOUR, COLOUR[::-1], COLOUR // 2]).reshape(3, 1, 203, 301, 3)
    path = write(tmp_path / "a.tif", stack, "RGB", pyramid=True, planar=planar)
    with tifffile.TiffFile(path) as tif:
        for page, picture in zip(tif.pages, stack[:, 0], strict=True):
            levels = [page, *page.pages]
            check_pyramid([pixels_of(level) for level in levels], picture, "RGB")
    for level in range(4):
        with TiffSource(path, level=level) as source:
            assert source.shape[0] == 3
    with TiffSource(path) as source:
        np.testing.assert_array_equal(source[...], stack[:, 0])


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"])
def test_levels_are_means_rounded_half_to_even(dtype: str) -> None:
    limits = np.iinfo(dtype)
    rng = np.random.default_rng(7)
    pixels = rng.integers(limits.min, limits.max, (40, 60), dtype, endpoint=True)
    pixels[:4, :4] = limits.max
    pixels[4:8, :4] = limits.min
    found = halved(pixels)
    for y, x in np.ndindex(*found.shape):
        total = sum(map(int, pixels[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].ravel()))
        whole, rest = divmod(total, 4)
        assert found[y, x] == whole + (rest == 3 or (rest == 2 and whole % 2 == 1))


def test_colour_hidden_under_transparent_pixels_does_not_show_in_smaller_copies() -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[..., :3] = 255
    pixels[0, 0] = 10, 20, 30, 200
    assert halved(pixels, "RGBA").tolist() == [[[10, 20, 30, 50]]]
    floats = np.full((4, 4), np.finfo("f4").max, np.float32)
    assert np.isfinite(halved(floats)).all()


def interrupted(path: Path, pixels: NDArray[Any], tiles: int, **options: Any) -> None:
    """Write some regions and stop."""
    with sink_at(path, layout_of(pixels, "RGB"), **options) as sink:
        for rows, columns in list(regions(sink.layout.size, (64, 64)))[:tiles]:
            sink.write(pixels[slice(*rows), slice(*columns)], rows, columns)


@pytest.mark.parametrize("compression", ["none", "deflate"])
@pytest.mark.parametrize("tiles", [0, 1, 9, 20])
def test_an_interrupted_file_is_gone_on_with(tmp_path: Path, compression: str, tiles: int) -> None:
    options = {"compression": compression, "pyramid": True}
    interrupted(tmp_path / "a.tif", COLOUR, tiles, **options)
    assert not (tmp_path / "a.tif").exists()
    # What was written but not noted when the process was killed.
    with (tmp_path / ".gpuconv-a.tif.partial" / "image.tif").open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(b"torn" * 10_000)
    with sink_at(tmp_path / "a.tif", layout_of(COLOUR, "RGB"), **options) as sink:
        everywhere = list(regions(sink.layout.size, (64, 64)))
        there = [sink.has(*region) for region in everywhere]
        assert there == [number < tiles for number in range(20)]
        for rows, columns in everywhere[tiles:]:
            sink.write(COLOUR[slice(*rows), slice(*columns)], rows, columns)
        sink.finish()
    plain = write(tmp_path / "b" / "a.tif", COLOUR, "RGB", **options)
    for level in range(4):
        with (
            TiffSource(tmp_path / "a.tif", level=level) as one,
            TiffSource(plain, level=level) as two,
        ):
            np.testing.assert_array_equal(one[...], two[...])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif", "b"]
    if compression == "none":
        assert (tmp_path / "a.tif").read_bytes() == plain.read_bytes()


def test_a_pyramid_that_was_interrupted_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = TiffSink.write_level, []

    def failing(sink: TiffSink, picture: int, level: int, *rest: Any) -> None:
        calls.append(level)
        if calls.count(1) > 3:
            raise KeyboardInterrupt
        real(sink, picture, level, *rest)

    monkeypatch.setattr(TiffSink, "write_level", failing)
    with sink_at(tmp_path / "a.tif", layout_of(COLOUR, "RGB"), pyramid=True) as sink:
        fill(sink, COLOUR)
        with pytest.raises(KeyboardInterrupt):
            sink.finish()
    monkeypatch.undo()
    with sink_at(tmp_path / "a.tif", layout_of(COLOUR, "RGB"), pyramid=True) as sink:
        assert sink.has((0, 203), (0, 301))
        sink.finish()
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        check_pyramid([page.asarray() for page in tif.pages], COLOUR, "RGB")


def test_tiles_that_the_journal_knows_and_the_file_has_lost_are_written_again(
    tmp_path: Path,
) -> None:
    interrupted(tmp_path / "a.tif", COLOUR, 20, compression="deflate")
    os.truncate(tmp_path / ".gpuconv-a.tif.partial" / "image.tif", 40_000)
    with sink_at(tmp_path / "a.tif", layout_of(COLOUR, "RGB"), compression="deflate") as sink:
        assert sink.has((0, 64), (0, 64))
        assert not sink.has((0, 203), (0, 301))
        sink.discard()


def test_what_is_missing_is_counted_and_nothing_is_put_in_place(tmp_path: Path) -> None:
    with sink_at(tmp_path / "a.tif", layout_of(COLOUR, "RGB")) as sink:
        sink.write(COLOUR[:64, :128], (0, 64), (0, 128))
        with pytest.raises(ImageFileError, match=r"a\.tif: 18 of 20 tiles were not written"):
            sink.finish()
    assert not (tmp_path / "a.tif").exists()


def test_a_full_disk_keeps_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Positional.write_at

    def full(file: Positional, offset: int, data: bytes) -> None:
        if offset > 40_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(file, offset, data)

    monkeypatch.setattr(Positional, "write_at", full)
    with sink_at(tmp_path / "a.tif", layout_of(COLOUR, "RGB")) as sink:
        with pytest.raises(ImageFileError, match=r"cannot write .*a\.tif: No space left") as caught:
            fill(sink, COLOUR, in_order=True)
        assert isinstance(caught.value.__cause__, OSError)
        assert sink.has((0, 64), (0, 128))
    assert [path.name for path in tmp_path.iterdir()] == [".gpuconv-a.tif.partial"]


def test_many_threads_write_one_file(tmp_path: Path) -> None:
    with sink_at(tmp_path / "a.tif", layout_of(COLOUR, "RGB"), compression="deflate") as sink:

        def put(region: tuple[Run, Run]) -> None:
            rows, columns = region
            sink.write(COLOUR[slice(*rows), slice(*columns)], rows, columns)

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(put, regions((203, 301), (64, 64))))
        sink.finish()
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, COLOUR)


def test_without_imagecodecs_deflate_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    monkeypatch.setitem(sys.modules, "tifffile", None)
    pixels = COLOUR.astype(np.float32) / 255
    path = write(tmp_path / "a.tif", pixels, "RGB", compression="deflate", pyramid=True)
    monkeypatch.undo()
    with tifffile.TiffFile(path) as tif:
        check_pyramid([page.asarray() for page in tif.pages], pixels, "RGB")
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(MissingExtraError, match=r"'zstd' needs imagecodecs.*gpuconv\[tiff\]"):
        create_image(tmp_path / "b.tif", layout_of(GREY), compression="zstd")
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_begun_without_imagecodecs_is_gone_on_with_as_it_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("imagecodecs")
    pixels = COLOUR.astype(np.float32)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    interrupted(tmp_path / "a.tif", pixels, 9, compression="deflate")
    monkeypatch.undo()
    with sink_at(tmp_path / "a.tif", layout_of(pixels, "RGB"), compression="deflate") as sink:
        for rows, columns in list(regions((203, 301), (64, 64)))[9:]:
            sink.write(pixels[slice(*rows), slice(*columns)], rows, columns)
        sink.finish()
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), pixels)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("library", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
def test_tiles_are_decoded_to_what_was_encoded(
    monkeypatch: pytest.MonkeyPatch, compression: str, library: bool, dtype: str
) -> None:
    if library:
        pytest.importorskip("imagecodecs")
    elif compression in ("lzw", "zstd"):
        pytest.skip("needs the library")
    else:
        monkeypatch.setitem(sys.modules, "imagecodecs", None)
    codec = Codec(compression, np.dtype(dtype))
    rng = np.random.default_rng(9)
    tile = np.frombuffer(rng.bytes(16 * 32 * 3 * np.dtype(dtype).itemsize), dtype)
    tile = np.nan_to_num(tile) if tile.dtype.kind in "fc" else tile
    tile = tile.reshape(16, 32, 3)
    np.testing.assert_array_equal(codec.decode(codec.encode(tile), tile.shape), tile)


def test_options_that_are_not_allowed(tmp_path: Path) -> None:
    partial = Partial(tmp_path / "a.tif", "key")
    with pytest.raises(ArgumentError, match="compression='zip' is not a compression of TIFF"):
        TiffSink(layout_of(GREY), partial, compression="zip")
    with pytest.raises(ArgumentError, match=r"shape \(0, 5\) has no pixels"):
        TiffSink(Layout((0, 5), np.dtype("u1"), (64, 64)), partial)
    with pytest.raises(ArgumentTypeError, match="bool"):
        TiffSink(Layout((5, 5), np.dtype(bool), (64, 64)), partial)
    partial.discard()


def test_create_image_makes_it(tmp_path: Path) -> None:
    with create_image(
        tmp_path / "a.tif", layout_of(COLOUR, "RGB"), compression="deflate", pyramid=True
    ) as sink:
        assert isinstance(sink, TiffSink)
        fill(sink, COLOUR)
        sink.finish()
    with TiffSource(tmp_path / "a.tif") as source:
        assert len(source.levels) == 4


def test_empty_tiles_beside_the_image_are_zero(tmp_path: Path) -> None:
    """What lies beyond the picture in its last tiles is told by nothing."""
    path = write(tmp_path / "a.tif", np.full((70, 70), 9, np.uint8))
    with tifffile.TiffFile(path) as tif:
        tiles = [data for data, _, _ in tif.pages[0].segments(_fullsize=True)]
    assert sum(int(tile.sum()) for tile in tiles) == 9 * 70 * 70
