"""TIFF files read by regions, against tifffile and Pillow."""

from __future__ import annotations

import struct
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow

from gpuconv.errors import ArgumentError, ImageFileError, MissingExtraError
from gpuconv.io import read_image
from gpuconv.io.open import open_image
from gpuconv.io.positional import Positional
from gpuconv.io.tiff_page import Page
from gpuconv.io.tiff_source import TiffSource

COLOUR = skimage.data.astronaut()[:203, :301]
GREY = np.ascontiguousarray(COLOUR[..., 1])
DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "c8"]


def written(path: Path, pixels: Any, **options: Any) -> Path:
    tifffile.imwrite(path / "a.tif", pixels, **options)
    return path / "a.tif"


def some_regions(shape: tuple[int, int]) -> list[tuple[slice, slice]]:
    rng = np.random.default_rng(5)
    corners = [np.sort(rng.integers(0, n + 1, (12, 2)), axis=1) for n in shape]
    pairs = zip(*corners, strict=True)
    return [(slice(*rows), slice(*columns)) for rows, columns in pairs]


def assert_regions(path: Path, pixels: NDArray[Any], **options: Any) -> None:
    with TiffSource(path, **options) as source:
        assert (source.shape, source.dtype) == (pixels.shape, pixels.dtype)
        last = () if source.channel_axis is None else (slice(None),)
        for region in some_regions(source.layout.size):
            item = (..., *region, *last)
            np.testing.assert_array_equal(source[item], pixels[item])
        np.testing.assert_array_equal(source[...], pixels)


@pytest.mark.parametrize("layout", [{"tile": (32, 48)}, {"rowsperstrip": 7}, {}], ids=str)
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_regions_of_every_dtype_are_those_of_the_array(
    tmp_path: Path, dtype: str, byteorder: str, layout: dict[str, Any]
) -> None:
    pixels = (GREY.astype("f8") * 0.49).astype(dtype)
    stored = pixels.astype(byteorder + dtype)
    big = byteorder == ">"
    assert_regions(written(tmp_path, stored, byteorder=byteorder, bigtiff=big, **layout), pixels)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("layout", [{"tile": (64, 32)}, {"rowsperstrip": 20}], ids=str)
@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "zstd", "packbits", "lzma"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_compressed_colour_together_and_in_planes(
    tmp_path: Path, compression: str | None, layout: dict[str, Any], planar: str, dtype: str
) -> None:
    if compression not in (None, "zlib"):
        pytest.importorskip("imagecodecs")
    pixels = COLOUR.astype(dtype)
    stored = np.ascontiguousarray(np.moveaxis(pixels, -1, 0)) if planar == "separate" else pixels
    options = {"photometric": "rgb", "planarconfig": planar, "compression": compression, **layout}
    assert_regions(written(tmp_path, stored, **options), pixels)


@pytest.mark.parametrize(("dtype", "predictor"), [("u1", 2), ("u2", 2), ("f4", 3), ("f2", 3)])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_predictors(tmp_path: Path, dtype: str, predictor: int, byteorder: str) -> None:
    pytest.importorskip("imagecodecs")
    pixels = (GREY / 255 if dtype[0] == "f" else GREY).astype(dtype)
    options = {"compression": "zlib", "predictor": predictor, "tile": (64, 64)}
    stored = pixels.astype(byteorder + dtype)
    assert_regions(written(tmp_path, stored, byteorder=byteorder, **options), pixels)


KINDS: dict[str, dict[str, Any]] = {
    "alpha": {"data": np.dstack([COLOUR, GREY]), "extrasamples": ["unassalpha"]},
    "premultiplied": {"data": np.dstack([COLOUR // 2, GREY]), "extrasamples": ["assocalpha"]},
    "premultiplied grey": {
        "data": np.dstack([GREY // 2, np.maximum(GREY, 1)]),
        "extrasamples": ["assocalpha"],
        "photometric": "minisblack",
        "planarconfig": "contig",
    },
    "premultiplied deep": {
        "data": np.dstack([COLOUR // 2, GREY]).astype("u2") * 257,
        "extrasamples": ["assocalpha"],
    },
    "one channel more": {"data": np.dstack([COLOUR, GREY]), "extrasamples": ["unspecified"]},
    "ink": {"data": np.dstack([COLOUR, GREY]), "photometric": "separated"},
    "white is 0": {"data": GREY, "photometric": "miniswhite"},
    "white is 0, deep": {"data": GREY.astype("u2") * 201, "photometric": "miniswhite"},
    "white is 0, float": {"data": GREY.astype("f4"), "photometric": "miniswhite"},
    "bits": {"data": GREY > 100},
    "bits where white is 0": {"data": GREY > 100, "photometric": "miniswhite"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_colours_are_those_of_read_image(tmp_path: Path, kind: str) -> None:
    if KINDS[kind]["data"].dtype == bool:
        pytest.importorskip("imagecodecs")
    options = dict(KINDS[kind])
    if options["data"].ndim == 3:
        options.setdefault("photometric", "rgb")
    path = written(tmp_path, options.pop("data"), tile=(64, 64), **options)
    image = read_image(path)
    assert_regions(path, image.pixels)
    with TiffSource(path) as source:
        assert source.layout.channels == image.channels
        assert len(source.layout.metadata.warnings) == (kind == "one channel more")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "LA", "I;16", "I", "F"])
@pytest.mark.parametrize("compression", [None, "tiff_adobe_deflate", "tiff_lzw"])
def test_files_that_pillow_writes(tmp_path: Path, mode: str, compression: str | None) -> None:
    if compression == "tiff_lzw" or mode == "1":
        pytest.importorskip("imagecodecs")
    grey = Pillow.fromarray(GREY.astype(np.uint16) * 257)
    picture = grey if mode == "I;16" else Pillow.fromarray(COLOUR).convert(mode)
    picture.save(tmp_path / "a.tif", compression=compression)
    image = read_image(tmp_path / "a.tif")
    assert_regions(tmp_path / "a.tif", image.pixels)
    with TiffSource(tmp_path / "a.tif") as source:
        assert source.layout.channels == image.channels


def test_jpeg_in_a_tiff_becomes_rgb_as_pillow_makes_it(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    Pillow.fromarray(COLOUR).convert("YCbCr").save(tmp_path / "a.tif", compression="jpeg")
    assert_regions(tmp_path / "a.tif", read_image(tmp_path / "a.tif").pixels)


def test_samples_that_no_tag_explains_are_all_kept(tmp_path: Path) -> None:
    pixels = np.dstack([COLOUR, COLOUR[..., :2]])
    path = written(tmp_path, pixels, photometric="minisblack", planarconfig="contig")
    assert_regions(path, pixels)
    with TiffSource(path) as source:
        assert source.layout.channels == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": COLOUR, "photometric": "cielab"}, "CIELAB"),
        ({"data": COLOUR, "photometric": "ycbcr"}, "YCBCR"),
        (
            {"data": np.zeros((16, 32, 32), "u1"), "volumetric": True, "tile": (16, 16, 16)},
            "volume",
        ),
    ],
)
def test_kinds_that_are_not_read_are_refused_by_name(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    path = written(tmp_path, options.pop("data"), **options)
    with pytest.raises(ImageFileError, match=rf"a\.tif: .*{message}"):
        TiffSource(path)


def test_only_the_tiles_that_a_region_touches_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, GREY, tile=(32, 32), compression="zlib")
    decoded = []
    real = Page._decoded

    def counted(page: Page, file: Positional, index: int) -> Any:
        decoded.append(index)
        return real(page, file, index)

    monkeypatch.setattr(Page, "_decoded", counted)
    with TiffSource(path) as source:
        source.read((40, 60), (30, 70))
        assert decoded == [10, 11, 12]
        source.read((60, 64), (64, 70))
        assert decoded == [10, 11, 12]
        source.read((60, 66), (64, 70))
        assert decoded == [10, 11, 12, 22]


def test_bands_decode_each_tile_once_and_memory_for_that_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, GREY, tile=(32, 32), compression="zlib")
    decoded = []
    real = Page._decoded
    monkeypatch.setattr(
        Page, "_decoded", lambda page, file, index: decoded.append(index) or real(page, file, index)
    )
    with TiffSource(path) as source:
        for top in range(0, 203, 50):
            source.read((max(0, top - 5), min(203, top + 55)), (0, 301))
        assert sorted(decoded) == list(range(70))
        assert source.cache_bytes == 2 * 10 * 32 * 32


def test_of_strips_that_are_not_compressed_only_the_columns_asked_for_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, COLOUR, rowsperstrip=203, photometric="rgb")
    with TiffSource(path) as source:
        assert source.chunks == (1, 301)
        sizes = []
        real = source._file.read_at
        monkeypatch.setattr(
            source._file, "read_at", lambda at, count: sizes.append(count) or real(at, count)
        )
        np.testing.assert_array_equal(source[100:150, 20:30], COLOUR[100:150, 20:30])
        assert sum(sizes) == 50 * 10 * 3


def test_many_threads_read_one_source(tmp_path: Path) -> None:
    path = written(tmp_path, COLOUR, tile=(32, 32), compression="zlib", photometric="rgb")
    regions = some_regions((203, 301)) * 8
    start = threading.Barrier(4)

    def check(part: int) -> bool:
        start.wait()
        return all(np.array_equal(source[r], COLOUR[r]) for r in regions[part::4])

    with TiffSource(path) as source, ThreadPoolExecutor(4) as threads:
        assert all(threads.map(check, range(4)))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"imagej": True},
        {"ome": True},
        {"imagej": True, "truncate": True},
        {"truncate": True},
        {"tile": (32, 32), "compression": "zlib"},
    ],
    ids=str,
)
def test_pages_of_one_size_are_a_leading_axis(tmp_path: Path, options: dict[str, Any]) -> None:
    """Also those of a stack that has one directory for all."""
    stack = np.stack([GREY, GREY[::-1], GREY // 2]).astype(np.uint16)
    path = written(tmp_path, stack, photometric="minisblack", **options)
    assert_regions(path, stack)
    if "truncate" not in options:
        assert_regions(path, stack[1], page=1)


def test_a_description_that_outlived_its_stack_is_not_believed(tmp_path: Path) -> None:
    path = written(tmp_path, GREY.astype("u2"), description="ImageJ=1.53t\nimages=7\nslices=7\n")
    assert_regions(path, GREY.astype("u2"))


def test_pages_of_unequal_size_need_a_page(tmp_path: Path) -> None:
    path = written(tmp_path, GREY)
    tifffile.imwrite(path, COLOUR, append=True, photometric="rgb")
    with pytest.raises(ImageFileError, match=r"a\.tif as one image: its 2 pages differ.*page=0"):
        TiffSource(path)
    assert_regions(path, GREY, page=0)
    assert_regions(path, COLOUR, page=1)
    with pytest.raises(ArgumentError, match=r"page=2 is outside .*a\.tif, which has 2"):
        TiffSource(path, page=2)


@pytest.mark.parametrize("below", [True, False])
def test_levels_of_a_pyramid(tmp_path: Path, below: bool) -> None:
    levels = [COLOUR, COLOUR[::2, ::2], COLOUR[::4, ::4]]
    path, tiles = tmp_path / "a.tif", {"tile": (32, 32), "photometric": "rgb", "metadata": None}
    with tifffile.TiffWriter(path) as tif:
        tif.write(levels[0], subifds=2 if below else 0, **tiles)
        for level in levels[1:]:
            tif.write(level, subfiletype=1, **tiles)
    for number, level in enumerate(levels):
        assert_regions(path, level, level=number)
    with TiffSource(path, level=1) as source:
        assert source.levels == ((203, 301), (102, 151), (51, 76))
    with pytest.raises(ArgumentError, match=r"level=3 is outside .*a\.tif, whose page 0 has 3"):
        TiffSource(path, level=3)


def test_masks_and_thumbnails_are_no_pages(tmp_path: Path) -> None:
    path = written(tmp_path, COLOUR, photometric="rgb", metadata=None)
    tifffile.imwrite(path, GREY[:20, :20], append=True, subfiletype=1, metadata=None)
    tifffile.imwrite(path, GREY, append=True, subfiletype=1, metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as tif:
        tif.pages[2].tags[254].overwrite(4)
    assert_regions(path, COLOUR)
    with TiffSource(path) as source:
        assert len(source.levels) == 1


def test_levels_of_a_slide_whose_pages_do_not_say_what_they_are(tmp_path: Path) -> None:
    path, tiles = tmp_path / "a.svs", {"photometric": "rgb", "metadata": None, "tile": (64, 64)}
    with tifffile.TiffWriter(path) as tif:
        tif.write(COLOUR, description="Aperio Image Library v12\r\n301x203 |AppMag = 40", **tiles)
        tif.write(
            COLOUR[::4, ::4], description="Aperio thumbnail", photometric="rgb", metadata=None
        )
        tif.write(COLOUR[::2, ::2], description="Aperio level", **tiles)
    assert_regions(path, COLOUR)
    assert_regions(path, COLOUR[::2, ::2], level=1)


def test_metadata_is_that_of_read_image(tmp_path: Path) -> None:
    picture, exif = Pillow.fromarray(COLOUR), Pillow.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    picture.save(tmp_path / "a.tif", dpi=(300, 200), icc_profile=b"profile!", exif=exif)
    with TiffSource(tmp_path / "a.tif") as source:
        assert source.layout.metadata == read_image(tmp_path / "a.tif", orient="keep").metadata
        # Not turned upright: what is written with this metadata will be.
        assert source.layout.size == (203, 301)


def directory_value(path: Path, tag: int, index: int, value: int) -> None:
    """Overwrite one number of a tag."""
    with tifffile.TiffFile(path) as tif:
        found = tif.pages[0].tags[tag]
        where, size = found.valueoffset, struct.calcsize(found.dataformat[-1])
    with path.open("r+b") as file:
        file.seek(where + index * size)
        file.write(value.to_bytes(size, "little"))


OFFSETS, COUNTS = 324, 325


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiles_that_the_file_leaves_out_are_empty(tmp_path: Path, compression: str | None) -> None:
    path = written(tmp_path, GREY, tile=(64, 64), compression=compression)
    directory_value(path, OFFSETS, 1, 0)
    directory_value(path, COUNTS, 1, 0)
    expected = GREY.copy()
    expected[:64, 64:128] = 0
    assert_regions(path, expected)


def test_tiles_left_out_have_the_value_that_gdal_names(tmp_path: Path) -> None:
    nodata = (42113, "s", 0, "77", True)
    path = written(tmp_path, GREY, tile=(64, 64), extratags=[nodata])
    directory_value(path, OFFSETS, 0, 0)
    with TiffSource(path) as source:
        assert (source[:64, :64] == 77).all()


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_tile_outside_the_file_is_named_and_the_others_are_read(
    tmp_path: Path, compression: str | None
) -> None:
    path = written(tmp_path, GREY, tile=(64, 64), compression=compression)
    directory_value(path, OFFSETS, 7, path.stat().st_size - 9)
    with TiffSource(path) as source:
        with pytest.raises(ImageFileError, match=r"a\.tif, tile \(1, 2\): .* it is truncated"):
            source.read((0, 203), (0, 301))
        np.testing.assert_array_equal(source[:, :128], GREY[:, :128])
        np.testing.assert_array_equal(source[128:], GREY[128:])
    with TiffSource(path, missing="fill") as source:
        assert not source[64:128, 128:192].any()


def test_a_damaged_tile_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, np.stack([GREY, GREY]), tile=(64, 64), compression="zlib")
    with tifffile.TiffFile(path) as tif:
        where = tif.pages[1].dataoffsets[6]
    with path.open("r+b") as file:
        file.seek(where + 30)
        file.write(b"\xff" * 40)
    with TiffSource(path) as source:
        with pytest.raises(ImageFileError, match=r"a\.tif, page 1, tile \(1, 1\): "):
            source.read((0, 203), (0, 301), (1,))
        np.testing.assert_array_equal(source[0], GREY)


def test_a_jpeg_tile_that_was_cut_is_not_grey(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    path = written(tmp_path, GREY, tile=(64, 64), compression="jpeg")
    with tifffile.TiffFile(path) as tif:
        count = tif.pages[0].databytecounts[3]
    directory_value(path, COUNTS, 3, count // 2)
    with (
        TiffSource(path) as source,
        pytest.raises(ImageFileError, match=r"tile \(0, 3\).*end mark"),
    ):
        source.read((0, 64), (0, 301))


@pytest.mark.parametrize("count", [2**31, 2**20 + 2 * 64 * 64 + 1])
def test_a_count_that_cannot_be_true_takes_no_memory(tmp_path: Path, count: int) -> None:
    path = written(tmp_path, GREY, tile=(64, 64), compression="zlib")
    with tifffile.TiffFile(path, mode="r+b") as tif:
        tif.pages[0].tags[COUNTS].overwrite([count] * 20, dtype=4)
    with path.open("r+b") as file:
        file.truncate(2**22)
    refused = pytest.raises(ImageFileError, match=r"tile \(0, 0\): .* bytes")
    with TiffSource(path) as source, refused:
        source.read((0, 64), (0, 64))


def test_a_closed_source_reads_no_other_file(tmp_path: Path) -> None:
    with TiffSource(written(tmp_path, GREY)) as source:
        pass
    with pytest.raises(ImageFileError, match=r"a\.tif, strip 0: the file is closed"):
        source.read((0, 10), (0, 10))


def test_strips_and_planes_are_named_too(tmp_path: Path) -> None:
    planes = np.ascontiguousarray(np.moveaxis(COLOUR, -1, 0))
    path = written(
        tmp_path, planes, photometric="rgb", planarconfig="separate", rowsperstrip=50, compression=8
    )
    directory_value(path, 273, 2 * 5 + 3, 2**31)
    with (
        TiffSource(path) as source,
        pytest.raises(ImageFileError, match=r"tif, sample 2, strip 3: "),
    ):
        source.read((0, 203), (0, 301))


def test_a_file_that_ends_before_its_last_page_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, np.stack([GREY, GREY]))
    with tifffile.TiffFile(path) as tif:
        first = tif.pages[0]
        link = first.offset + 2 + 12 * len(first.tags)
    with path.open("r+b") as file:
        file.seek(link)
        file.write(struct.pack("<I", path.stat().st_size + 100))
    with pytest.raises(ImageFileError, match=r"a\.tif: it is truncated"):
        TiffSource(path)


def test_a_strip_that_holds_too_much_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, GREY, rowsperstrip=203, compression="zlib")
    monkeypatch.setattr("gpuconv.io.tiff_page._LARGEST", 50_000)
    with pytest.raises(ImageFileError, match=r"strips is 61103 bytes.*convert it to smaller tiles"):
        TiffSource(path)


def test_more_than_4_gib_are_reached(tmp_path: Path) -> None:
    """A file with holes: on the disk it is small."""
    path = tmp_path / "a.tif"
    blank = np.zeros((1, 1), np.uint8)
    tifffile.imwrite(path, blank, bigtiff=True, tile=(4096, 4096), metadata=None)
    side, tile = 70_000, 4096
    grid = -(-side // tile)
    offsets = 2**20 + np.arange(grid**2) * tile**2
    with tifffile.TiffFile(path, mode="r+b") as tif:
        tags = tif.pages[0].tags
        tags[256].overwrite(side)
        tags[257].overwrite(side)
        tags[OFFSETS].overwrite(offsets.tolist(), dtype=16)
        tags[COUNTS].overwrite([tile**2] * grid**2, dtype=16)
    with path.open("r+b") as file:
        file.truncate(int(offsets[-1]) + tile**2)
        file.seek(int(offsets[-1]) + tile * 10 + 20)
        file.write(b"\x07")
    corner = (grid - 1) * tile
    with TiffSource(path) as source:
        assert source.shape == (side, side)
        found = source.read((corner - 5, corner + 11), (corner - 5, corner + 21))
    assert (found[-1, -1], int(found.sum())) == (7, 7)


def test_without_tifffile_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, GREY)
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(MissingExtraError, match=r"a\.tif needs tifffile.*gpuconv\[tiff\]"):
        TiffSource(path)


def test_open_image_gives_it(tmp_path: Path) -> None:
    path = written(tmp_path, np.stack([GREY, GREY]), metadata=None)
    with open_image(path, page=1) as source:
        assert isinstance(source, TiffSource)
        np.testing.assert_array_equal(np.asarray(source), GREY)
