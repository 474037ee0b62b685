"""Orientation, EXIF, profiles and resolution: carried over, and applied once."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageCms, ImageOps

from gpuconv.io import exif as exif_tags
from gpuconv.io import read_image, write_image
from gpuconv.io.ifd import Entry, lay_out, pages

#: Not square, and no symmetry: each of the eight orientations is another picture.
PHOTO = skimage.data.astronaut()[96:160, 180:228]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def camera(orientation: int = 1) -> Pillow.Exif:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker of cameras"
    exif[0x8298] = "© nobody"
    exif[0x0132] = "2024:05:06 07:08:09"
    exif.get_ifd(0x8769).update(
        {0x829A: 0.01, 0xA002: 48, 0xA003: 64, 0x927C: b"maker note", 0xA434: "50 mm"}
    )
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 15.5)})
    return exif


def opencv_upright(path: Path) -> Any:
    return cv2.imread(str(path))[..., ::-1]


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png", ".webp"])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_orientation_is_applied_once(
    tmp_path: Path, suffix: str, value: int, compression: str
) -> None:
    options: dict[str, Any] = {"quality": 100, "exif": camera(value)}
    if suffix == ".tif":
        options = {"exif": camera(value), "compression": compression}
    if suffix == ".webp":
        options["lossless"] = True
    Pillow.fromarray(PHOTO).save(path := tmp_path / f"a{suffix}", **options)
    with Pillow.open(path) as source:
        wanted = np.asarray(ImageOps.exif_transpose(source))
    image = read_image(path)
    np.testing.assert_array_equal(image.pixels, wanted)
    if suffix != ".tif":
        np.testing.assert_allclose(image.pixels, opencv_upright(path), atol=3)
    # It says upright now, so that nobody turns it again.
    assert exif_tags.orientation(exif_tags.parse(image.metadata.exif)) == 1
    write_image(again := tmp_path / f"b{suffix}", image)
    with Pillow.open(again) as back:
        assert back.getexif().get(0x0112) == 1
    assert read_image(again).pixels.shape == wanted.shape


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png"])
def test_orientation_can_be_kept(tmp_path: Path, suffix: str, value: int) -> None:
    options = {} if suffix == ".tif" else {"quality": 100}
    Pillow.fromarray(PHOTO).save(path := tmp_path / f"a{suffix}", exif=camera(value), **options)
    image = read_image(path, orient="keep")
    np.testing.assert_allclose(image.pixels, PHOTO, atol=0 if suffix != ".jpg" else 40)
    assert image.pixels.shape == PHOTO.shape
    write_image(again := tmp_path / f"b{suffix}", image)
    np.testing.assert_allclose(
        read_image(again).pixels, read_image(path).pixels, atol=0 if suffix != ".jpg" else 9
    )


@pytest.mark.parametrize("value", range(1, 9))
def test_orientation_of_the_kinds_tifffile_reads(tmp_path: Path, value: int) -> None:
    pixels = PHOTO.astype(np.float32)
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, photometric="rgb", extratags=[(274, 3, 1, value, True)]
    )
    probe = Pillow.fromarray(PHOTO)
    probe.getexif()[0x0112] = value
    wanted = np.asarray(ImageOps.exif_transpose(probe))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, wanted)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", orient="keep").pixels, pixels)


def test_turning_is_undone() -> None:
    for value in range(1, 9):
        turned = exif_tags.turn(PHOTO, value)
        np.testing.assert_array_equal(exif_tags.turn(turned, value, back=True), PHOTO)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("source", [".jpg", ".png", ".tif"])
def test_exif_is_carried(tmp_path: Path, source: str, suffix: str) -> None:
    made = ".png" if source == ".tif" else source
    Pillow.fromarray(PHOTO).save(
        path := tmp_path / f"a{made}", exif=camera(6), icc_profile=SRGB, dpi=(300, 150)
    )
    if source == ".tif":
        # Pillow leaves the camera's directory out of a TIFF.
        write_image(path := tmp_path / "a.tif", read_image(tmp_path / "a.png", orient="keep"))
    report = write_image(again := tmp_path / f"b{suffix}", read_image(path))
    assert report.warnings == ()
    with Pillow.open(again) as image:
        exif = image.getexif()
        assert exif[0x010F] == "Maker of cameras"
        assert exif[0x0132] == "2024:05:06 07:08:09"
        assert exif[0x0112] == 1
        below = exif.get_ifd(0x8769)
        assert float(below[0x829A]) == 0.01
        assert below[0xA434] == "50 mm"
        # The picture was turned: what EXIF says about its size follows.
        assert (below[0xA002], below[0xA003]) == image.size == (64, 48)
        assert 0x927C not in below
        assert exif.get_ifd(0x8825)[2] == (52.0, 30.0, 15.5)
        assert image.info["icc_profile"] == SRGB
        if suffix != ".webp":
            assert image.info["dpi"] == pytest.approx((150, 300), rel=1e-4)


def test_without_metadata(tmp_path: Path) -> None:
    Pillow.fromarray(PHOTO).save(
        tmp_path / "a.jpg", exif=camera(6), icc_profile=SRGB, dpi=(300, 150)
    )
    write_image(tmp_path / "b.jpg", read_image(tmp_path / "a.jpg"), metadata=False)
    with Pillow.open(tmp_path / "b.jpg") as image:
        assert dict(image.getexif()) == {}
        assert image.info["icc_profile"] == SRGB
        assert "dpi" not in image.info


def test_structure_of_a_planar_tiff_does_not_garble_the_output(tmp_path: Path) -> None:
    # Pillow: save(exif=im.getexif()) copies PlanarConfiguration, and scrambles the picture.
    planes = np.moveaxis(PHOTO, -1, 0)
    tifffile.imwrite(
        tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate", rowsperstrip=5,
        description="a face", software="x",
    )  # fmt: skip
    for name in ("b.tif", "b.jpg", "b.png"):
        image = read_image(tmp_path / "a.tif")
        np.testing.assert_array_equal(image.pixels, PHOTO)
        write_image(tmp_path / name, image)
        with Pillow.open(tmp_path / name) as back:
            atol = 60 if name == "b.jpg" else 0
            np.testing.assert_allclose(np.asarray(back).astype(int), PHOTO, atol=atol)
            assert back.getexif()[0x010E] == "a face"
            if name != "b.tif":
                assert not {0x0100, 0x0111, 0x011C} & set(back.getexif())


def test_descriptions_that_are_layouts_are_dropped(tmp_path: Path) -> None:
    stack = np.zeros((3, 8, 9), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True)
    tifffile.imwrite(tmp_path / "b.tif", stack, photometric="minisblack")
    for name in ("a.tif", "b.tif"):
        with tifffile.TiffFile(tmp_path / name) as tif:
            assert 270 in tif.pages[0].tags
        assert 270 not in exif_tags.parse(read_image(tmp_path / name).metadata.exif).get(0, {})


def test_thumbnail_is_dropped(tmp_path: Path) -> None:
    small = io.BytesIO()
    Pillow.fromarray(PHOTO[::4, ::4]).save(small, "JPEG")
    main = lay_out({271: Entry(2, b"Maker\0")}, {}, 8)
    thumb = lay_out(
        {0x0201: Entry.of(4, 8 + len(main) + 30), 0x0202: Entry.of(4, len(small.getvalue()))},
        {},
        8 + len(main),
    )
    # The link to the second directory stands after the 12 bytes of the only entry.
    main = main[:14] + (8 + len(main)).to_bytes(4, "little") + main[18:]
    block = b"II*\0\x08\0\0\0" + main + thumb + small.getvalue()
    Pillow.fromarray(PHOTO).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + block)
    image = read_image(tmp_path / "a.jpg")
    assert len(image.metadata.exif) < 60
    assert b"Maker" in image.metadata.exif


@pytest.mark.parametrize("unit", ["inch", "centimeter", None])
def test_resolution_of_tiff_in_both_units(tmp_path: Path, unit: Any) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", PHOTO, photometric="rgb", resolution=(100, 200),
        resolutionunit=unit or 1,
    )  # fmt: skip
    wanted = {"inch": (100, 200), "centimeter": (254, 508), None: None}[unit]
    image = read_image(tmp_path / "a.tif")
    assert image.metadata.dpi == (None if wanted is None else pytest.approx(wanted))
    write_image(tmp_path / "b.tif", image)
    write_image(tmp_path / "b.png", image)
    for name in ("b.tif", "b.png"):
        with Pillow.open(tmp_path / name) as back:
            dpi = back.info.get("dpi")
            # Pillow says 1 for a TIFF without any.
            assert dpi in (None, (1, 1)) if wanted is None else dpi == pytest.approx(wanted, 1e-3)


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_of_either_byte_order(order: str, tmp_path: Path) -> None:
    exif = camera(8)
    exif.endian = order
    Pillow.fromarray(PHOTO).save(tmp_path / "a.jpg", exif=exif)
    image = read_image(tmp_path / "a.jpg")
    assert image.pixels.shape == (48, 64, 3)
    write_image(tmp_path / "b.tif", image)
    with Pillow.open(tmp_path / "b.tif") as back:
        assert float(back.getexif().get_ifd(0x8769)[0x829A]) == 0.01


def test_exif_that_is_too_long_for_jpeg_is_left_out_and_said(tmp_path: Path) -> None:
    exif = camera()
    exif[0x010E] = "long " * 20000
    Pillow.fromarray(PHOTO).save(tmp_path / "a.png", exif=exif)
    report = write_image(tmp_path / "a.jpg", read_image(tmp_path / "a.png"))
    (warning,) = report.warnings
    assert warning.startswith("left out EXIF: 100")
    report = write_image(tmp_path / "b.png", read_image(tmp_path / "a.png"))
    assert report.warnings == ()


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.binary(max_size=120), st.booleans(), st.integers(0, 60))
def test_hostile_exif_is_no_reason_to_fail(noise: bytes, big: bool, at: int) -> None:
    good = exif_tags.build({0: {271: Entry(2, b"Maker\0"), 274: Entry.of(3, 6)}})
    head = (b"MM\0+\0\x08\0\0" if big else b"MM\0*\0\0\0\x08") + noise
    for block in (noise, head, good[:at] + noise + good[at:], good[:at]):
        parsed = exif_tags.parse(block)
        assert exif_tags.parse(exif_tags.build(parsed)) == parsed
        assert exif_tags.orientation(parsed) in range(1, 9)


def test_directories_that_point_at_themselves_end() -> None:
    block = bytearray(lay_out({271: Entry(2, b"Maker\0")}, {}, 8))
    block[14:18] = (8).to_bytes(4, "little")
    chain, whole = pages(io.BytesIO(b"II*\0\x08\0\0\0" + bytes(block)))
    assert len(chain) == 1
    assert not whole
