"""Streams from file to file: the bits of the whole image's result, whatever the files are."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu import ApartRuntime
from fakes.flaky import noise
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv.backends.cuda import runtime
from gpuconv.errors import ArgumentError, ArgumentTypeError, DeviceError, ImageFileError
from gpuconv.filters import Chain, Filter
from gpuconv.io.create import create_image
from gpuconv.io.open import open_image
from gpuconv.io.source import Layout
from gpuconv.streaming import plan_stream, stream
from gpuconv.streaming.ends import out_layout

BORDERS = ("reflect", "mirror", "nearest", "wrap", "constant")
CHAIN = ["gaussian:sigma=2", "median:size=3"]


def tiff(path: Path, pixels: NDArray[Any], **options: Any) -> Path:
    """Write a tiled TIFF with the library that others use."""
    tifffile = pytest.importorskip("tifffile")
    kind = "rgb" if pixels.shape[-1] == 3 else "minisblack"
    tifffile.imwrite(path, pixels, tile=(128, 128), photometric=kind, **options)
    return path


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("tile", [128, (256, 10**6), None])
def test_tiff_to_tiff_has_the_bits_of_the_whole(tmp_path: Path, border: str, tile: Any) -> None:
    image = noise(700, 900)
    source = tiff(tmp_path / "in.tif", image)
    summary = stream(source, tmp_path / "out.tif", CHAIN, border=border, cval=7, tile=tile)
    assert summary.status == "done"
    assert summary.output == tmp_path / "out.tif"
    with open_image(tmp_path / "out.tif") as result:
        assert np.array_equal(result[...], Chain.parse(CHAIN, border=border, cval=7)(image))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.tif", "out.tif"]


@pytest.mark.parametrize("border", BORDERS)
def test_npy_to_npy_has_the_bits_of_the_whole(tmp_path: Path, border: str) -> None:
    image = noise(600, 500, dtype="float32")
    np.save(tmp_path / "in.npy", image)
    stream(tmp_path / "in.npy", tmp_path / "out.npy", CHAIN, border=border, tile=200)
    expected = Chain.parse(CHAIN, border=border)(image)
    assert np.array_equal(np.load(tmp_path / "out.npy"), expected)


def test_compressed_colour_of_16_bits_is_streamed(tmp_path: Path) -> None:
    image = noise(300, 400, 3, dtype="uint16")
    source = tiff(tmp_path / "in.tif", image, compression="zlib")
    stream(source, tmp_path / "out.tif", CHAIN, tile=128)
    with open_image(tmp_path / "out.tif") as result:
        assert result.layout.channels == "RGB"
        assert np.array_equal(result[...], Chain.parse(CHAIN)(image))


def test_from_one_format_to_another(tmp_path: Path) -> None:
    image = noise(300, 400)
    np.save(tmp_path / "in.npy", image)
    stream(tmp_path / "in.npy", tmp_path / "out.png", "median:size=3")
    expected = gc.median(image, 3)
    assert np.array_equal(gc.read_image(tmp_path / "out.png").pixels, expected)


@pytest.mark.parametrize("shape", [(400, 300), (200, 300, 3), (2, 3, 90, 80), (2, 90, 80, 3)])
def test_arrays_are_streamed_picture_by_picture(shape: tuple[int, ...]) -> None:
    image, out = noise(*shape), np.zeros(shape, np.uint8)
    stream(image, out, CHAIN, tile=64)
    chain = Chain.parse(CHAIN)
    lead = shape[: -3 if shape[-1] == 3 else -2]
    for place in np.ndindex(*lead):
        assert np.array_equal(out[place], chain(image[place]))


@pytest.mark.parametrize(
    "wish",
    [
        "gaussian:sigma=2",
        ["gaussian:sigma=2"],
        Filter.parse("gaussian:sigma=2"),
        Chain.parse(["gaussian:sigma=2"]),
        gc.kernels.gaussian(2),
    ],
)
def test_a_filter_may_be_given_in_many_ways(wish: Any) -> None:
    image = noise(100, 120)
    out = np.zeros_like(image)
    stream(image, out, wish)
    assert np.array_equal(out, gc.convolve(image, gc.kernels.gaussian(2)))


def test_what_a_chain_is_told_is_told_to_the_filters() -> None:
    image = noise(100, 120)
    out = np.zeros_like(image)
    told = {"border": "wrap", "negative": "abs", "gain": 2.0}
    stream(image, out, "sobel_x", **told)  # type: ignore[arg-type]
    assert np.array_equal(out, Chain.parse(["sobel_x"], **told)(image))


def test_a_filter_that_needs_the_whole_image_gets_it() -> None:
    image = noise(100, 120)
    out = np.zeros_like(image)
    summary = stream(image, out, "canny:low_threshold=10,high_threshold=30")
    assert summary.record.tiles == 1
    assert out.any()


def test_alpha_is_premultiplied_as_for_images_in_memory(tmp_path: Path) -> None:
    pixels = noise(150, 170, 4)
    gc.write_image(tmp_path / "in.png", gc.Image(pixels, "RGBA"))
    stream(tmp_path / "in.png", tmp_path / "out.png", "gaussian:sigma=2", tile=64)
    expected = gc.Image(pixels, "RGBA").map(Chain.parse(["gaussian:sigma=2"])).pixels
    assert np.array_equal(gc.read_image(tmp_path / "out.png").pixels, expected)


def test_grey_makes_one_channel_of_three(tmp_path: Path) -> None:
    pixels = noise(150, 170, 3)
    gc.write_image(tmp_path / "in.png", gc.Image(pixels, "RGB"))
    stream(tmp_path / "in.png", tmp_path / "out.tif", "box:size=3", grey=True)
    expected = gc.Image(pixels, "RGB").grey().map(Chain.parse(["box:size=3"])).pixels
    with open_image(tmp_path / "out.tif") as result:
        assert np.array_equal(result[...], expected)


def test_opened_images_are_taken_and_left_open(tmp_path: Path) -> None:
    image = noise(100, 120)
    np.save(tmp_path / "in.npy", image)
    layout = Layout(image.shape, image.dtype, (1, 120))
    with (
        open_image(tmp_path / "in.npy") as source,
        create_image(tmp_path / "out.npy", layout) as sink,
    ):
        stream(source, sink, "box:size=3")
        assert np.array_equal(source[0:5], image[0:5])
    assert np.array_equal(np.load(tmp_path / "out.npy"), Chain.parse(["box:size=3"])(image))


# -------------------------------------------------------------------- bad input


def test_an_output_that_exists_is_left_alone_unless_asked(tmp_path: Path) -> None:
    image = noise(50, 60)
    (tmp_path / "out.npy").write_bytes(b"precious")
    with pytest.raises(ImageFileError, match="exists already"):
        stream(image, tmp_path / "out.npy", "box:size=3")
    assert (tmp_path / "out.npy").read_bytes() == b"precious"
    stream(image, tmp_path / "out.npy", "box:size=3", overwrite=True)
    assert np.load(tmp_path / "out.npy").shape == image.shape


def test_what_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    image, out = noise(500, 600), tmp_path / "out.npy"
    with pytest.raises(ArgumentError, match="too little"):
        stream(image, out, "box:size=3", memory="1M")
    with pytest.raises(ArgumentError, match="retries"):
        stream(image, out, "box:size=3", retries=-1)
    with pytest.raises(ArgumentError, match="tile=0"):
        stream(image, out, "box:size=3", tile=0)
    with pytest.raises(ArgumentError, match="no_such"):
        stream(image, out, "no_such")
    with pytest.raises(ArgumentTypeError, match="filter=3"):
        stream(image, out, 3)  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="source=3"):
        stream(3, out, "box")  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="sink=3"):
        stream(image, 3, "box:size=3")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="device"):
        stream(image, out, "box:size=3", device=["cpu", "cpu"])
    with pytest.raises(ArgumentError, match="device"):
        stream(image, out, "box:size=3", device=[])
    with pytest.raises(ArgumentError, match="profile"):
        stream(image, out, "box:size=3", profile=tmp_path / "nowhere" / "run.json")
    with pytest.raises(ArgumentError, match="not for a Chain"):
        stream(image, out, Chain.parse(["box:size=3"]), border="wrap")
    assert list(tmp_path.iterdir()) == []


def test_an_array_that_does_not_suit_the_result_is_refused() -> None:
    image = noise(50, 60)
    with pytest.raises(ArgumentError, match="must have those of the result"):
        stream(image, np.zeros((50, 61), np.uint8), "box:size=3")
    with pytest.raises(ArgumentError, match="no image"):
        stream(np.zeros(5), np.zeros(5), "box:size=3")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match=r"no_such\.tif"):
        stream(tmp_path / "no_such.tif", tmp_path / "out.tif", "box:size=3")
    assert list(tmp_path.iterdir()) == []


def test_an_array_is_stored_as_a_file_of_it_would_be(tmp_path: Path) -> None:
    pixels = noise(40, 50, 3)
    np.save(tmp_path / "in.npy", pixels)
    for source, name in ((pixels, "array"), (tmp_path / "in.npy", "file")):
        stream(source, tmp_path / f"{name}.tif", "box:size=3")
    found = [(tmp_path / name).read_bytes() for name in ("array.tif", "file.tif")]
    assert found[0] == found[1]
    with open_image(tmp_path / "array.tif") as image:
        assert image.layout.channels == "RGB"


def test_formats_that_are_encoded_whole_need_the_memory_for_it(tmp_path: Path) -> None:
    image = np.zeros((5000, 5000), np.uint8)
    with pytest.raises(ArgumentError, match=r"encoded whole.*give 224M"):
        stream(image, tmp_path / "out.png", "box:size=3", memory="200M", tile=512)
    assert list(tmp_path.iterdir()) == []
    assert stream(image, np.zeros_like(image), "box:size=3", memory="200M").output is None


def test_a_file_that_changes_while_it_is_read_is_spoken_of(tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", noise(640, 640))

    def touched(record: Any) -> None:
        os.utime(tmp_path / "in.npy", ns=(1, 1))

    summary = stream(tmp_path / "in.npy", tmp_path / "out.npy", "box:size=3", progress=touched)
    assert "changed while it was read" in summary.warnings[0]


def test_a_profile_is_written(tmp_path: Path) -> None:
    image = noise(50, 60)
    stream(image, np.zeros_like(image), "box:size=3", profile=tmp_path / "run.json")
    assert (tmp_path / "run.json").stat().st_size > 100


def test_a_plan_is_told_without_work(tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", noise(500, 600))
    plan = plan_stream(tmp_path / "in.npy", "gaussian:sigma=3", memory="200M")
    assert plan.count >= 1
    assert plan.host_bytes <= 200 * 2**20
    assert [path.name for path in tmp_path.iterdir()] == ["in.npy"]


def test_outputs_keep_the_sources_chunks_where_they_suit() -> None:
    source = Layout((1000, 1000), np.dtype(np.uint8), (256, 256))
    assert out_layout(source, (1000, 1000), "L", source.dtype).chunks == (256, 256)
    rows = Layout((1000, 100), np.dtype(np.uint8), (1, 100))
    assert out_layout(rows, (1000, 100), "L", rows.dtype).chunks == (512, 100)


# ------------------------------------------------------------------------- GPUs


class SeveralDevices(ApartRuntime):
    """As many devices as anybody asks for."""

    def on_device(self, index: int) -> AbstractContextManager[Any]:
        return nullcontext()


@pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())
@pytest.mark.parametrize("devices", ["cuda", ["cuda:0", "cuda:1"]])
@pytest.mark.parametrize("border", ["reflect", "wrap"])
def test_gpus_give_the_bits_that_one_gives_the_whole(devices: Any, border: str) -> None:
    image = noise(190, 230).astype(">u2")
    out = np.zeros_like(image)
    with runtime.use(SeveralDevices("fast", orders=("forward",))):
        whole = Chain.parse(CHAIN, border=border, device="cuda")(image)
        settings = {"device": devices, "tile": 64, "memory": "1G", "gpu_memory": "1G"}
        summary = stream(image, out, CHAIN, border=border, **settings)
    assert np.array_equal(out, whole)
    assert set(summary.stages) == {"read", "upload", "compute", "download", "write"}
    assert summary.plan.gpu_bytes > 0


def test_the_cpu_and_a_gpu_do_not_share_an_image() -> None:
    with pytest.raises((ArgumentError, DeviceError), match="device"):
        stream(noise(9, 9), np.zeros((9, 9), np.uint8), "box:size=3", device=["cpu", "cuda"])
