"""Several pictures in a file: animations composited, pages of TIFF files."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow

from gpuconv.errors import ArgumentError, ImageFileError
from gpuconv.io import (
    read_frames,
    read_image,
)

PHOTO = skimage.data.astronaut()[100:164, 180:230]
GREY = skimage.data.camera()[100:164, 200:250]


def sixteen(channels: int) -> NDArray[np.uint16]:
    samples = np.random.default_rng(channels).integers(0, 65536, (37, 29, channels))
    return samples.astype(np.uint16)


def test_mpo_of_a_phone_is_one_photograph(tmp_path: Path) -> None:
    second = Pillow.fromarray(255 - PHOTO)
    Pillow.fromarray(PHOTO).save(
        path := tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second]
    )
    (image,) = read_frames(path)
    with Pillow.open(path) as both:
        assert both.n_frames == 2
        np.testing.assert_array_equal(image.pixels, np.asarray(both))


def gif_frames() -> list[Pillow.Image]:
    frames = []
    for step in range(4):
        frame = Pillow.new("RGBA", (40, 30), (0, 0, 0, 0))
        frame.paste((40 * step, 255 - 40 * step, 90, 255), (5 * step, 4, 5 * step + 12, 20))
        frames.append(frame)
    return frames


@pytest.mark.parametrize("disposal", [1, 2, 3])
def test_gif_is_composited(tmp_path: Path, disposal: int) -> None:
    first, *rest = gif_frames()
    first.save(
        path := tmp_path / "a.gif",
        save_all=True,
        append_images=rest,
        disposal=disposal,
        duration=[40, 50, 60, 70],
        loop=2,
    )
    frames = list(read_frames(path))
    assert [frame.metadata.duration for frame in frames] == [40, 50, 60, 70]
    assert {frame.metadata.loop for frame in frames} == {3}
    with Pillow.open(path) as gif:
        for index, frame in enumerate(frames):
            gif.seek(index)
            np.testing.assert_array_equal(
                frame.promoted("RGBA").pixels, np.asarray(gif.convert("RGBA"))
            )
    # OpenCV composites by itself.
    seen = cv2.imreadanimation(str(path))[1].frames
    for theirs, ours in zip(seen, frames, strict=True):
        visible = ours.promoted("RGBA").pixels[..., 3] > 0
        bgr = theirs[..., [2, 1, 0]]
        np.testing.assert_array_equal(ours.pixels[..., :3][visible], bgr[visible])


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_apng_and_webp_are_composited(tmp_path: Path, suffix: str) -> None:
    first, *rest = gif_frames()
    options = {"lossless": True} if suffix == ".webp" else {"disposal": 1, "blend": 0}
    first.save(
        path := tmp_path / f"a{suffix}",
        save_all=True,
        append_images=rest,
        duration=[40, 50, 60, 70],
        loop=2,
        **options,
    )
    frames = list(read_frames(path))
    assert [frame.metadata.duration for frame in frames] == [40, 50, 60, 70]
    assert {frame.metadata.loop for frame in frames} == {2}
    for frame, source in zip(frames, gif_frames(), strict=True):
        wanted = np.asarray(source)
        np.testing.assert_array_equal(frame.pixels[..., 3], wanted[..., 3])
        visible = wanted[..., 3] > 0
        np.testing.assert_array_equal(frame.pixels[visible], wanted[visible])


def test_a_frame_by_number(tmp_path: Path) -> None:
    first, *rest = gif_frames()
    first.save(path := tmp_path / "a.gif", save_all=True, append_images=rest)
    frames = list(read_frames(path))
    np.testing.assert_array_equal(read_image(path, frame=2).pixels, frames[2].pixels)
    with pytest.raises(ArgumentError, match=r"frame=4 is outside .*a\.gif"):
        read_image(path, frame=4)
    with pytest.raises(ArgumentError, match="frame=-1 is no frame number"):
        read_image(path, frame=-1)


def test_still_picture_in_front_of_an_apng_is_not_a_frame(tmp_path: Path) -> None:
    still, *rest = gif_frames()
    still.save(path := tmp_path / "a.png", save_all=True, append_images=rest, default_image=True)
    frames = list(read_frames(path))
    assert len(frames) == 3
    np.testing.assert_array_equal(frames[0].pixels[..., 3], np.asarray(rest[0])[..., 3])


def recoded(chunk: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + chunk + data + struct.pack(">I", zlib.crc32(chunk + data))


def test_frame_that_was_promised_but_is_missing(tmp_path: Path) -> None:
    first, *rest = gif_frames()
    first.save(path := tmp_path / "a.png", save_all=True, append_images=rest)
    four = recoded(b"acTL", struct.pack(">II", 4, 0))
    data = path.read_bytes()
    assert four in data
    path.write_bytes(data.replace(four, recoded(b"acTL", struct.pack(">II", 5, 0))))
    with pytest.raises(ImageFileError, match=r"cannot read .*a\.png: \S"):
        list(read_frames(path))


def test_animation_of_sixteen_bits_is_lowered_and_says_so(tmp_path: Path) -> None:
    samples = sixteen(3)
    rows = samples.astype(">u2").reshape(37, -1).view(np.uint8)
    body = zlib.compress(np.concatenate([np.zeros((37, 1), np.uint8), rows], axis=1).tobytes())
    control = struct.pack(">IIIIHHBB", 29, 37, 0, 0, 1, 10, 0, 0)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 29, 37, 16, 2, 0, 0, 0)),
        (b"acTL", struct.pack(">II", 2, 0)),
        (b"fcTL", struct.pack(">I", 0) + control),
        (b"IDAT", body),
        (b"fcTL", struct.pack(">I", 1) + control),
        (b"fdAT", struct.pack(">I", 2) + body),
        (b"IEND", b""),
    ]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(recoded(kind, part) for kind, part in chunks)
    (tmp_path / "a.png").write_bytes(data)
    for frame in read_frames(tmp_path / "a.png"):
        np.testing.assert_array_equal(frame.pixels, samples >> 8)
        assert frame.metadata.warnings == ("its frames of 16 bits a channel were read as 8 bits",)
        assert frame.metadata.duration == 100


def test_pages_of_a_tiff_may_differ(tmp_path: Path) -> None:
    pages = [GREY, PHOTO[:20], sixteen(3), GREY.astype(np.float32)[:5]]
    with tifffile.TiffWriter(path := tmp_path / "a.tif") as tif:
        tif.write(GREY[::2, ::2], subfiletype=1)
        for page in pages:
            kind = "rgb" if page.ndim == 3 else "minisblack"
            tif.write(page, photometric=kind, contiguous=False)
    frames = list(read_frames(path))
    assert len(frames) == 4
    for frame, page in zip(frames, pages, strict=True):
        assert frame.pixels.dtype == page.dtype
        np.testing.assert_array_equal(frame.pixels, page)
        assert frame.metadata.duration is None
        assert "left out 1 smaller copies" in frame.metadata.warnings[0]
    np.testing.assert_array_equal(read_image(path, frame=2).pixels, pages[2])
