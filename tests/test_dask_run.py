"""Images filtered by a cluster: two processes here, one of which is killed."""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import distributed
import numpy as np
import pytest
import zarr
from numpy.typing import NDArray

import gpuconv.dask
from gpuconv.dask.cluster import _answers, run
from gpuconv.dask.worker import Recipe, make_tile
from gpuconv.errors import ArgumentError, ArgumentTypeError, ImageFileError
from gpuconv.filters import Chain
from gpuconv.io import Image
from gpuconv.io.create import create_image
from gpuconv.io.open import open_image
from gpuconv.io.source import Layout
from gpuconv.streaming import StreamError
from gpuconv.streaming.colour import parts_of
from gpuconv.streaming.plan import Tile

GAUSSIAN = Chain.parse(["gaussian:sigma=3"])


@pytest.fixture(scope="module")
def client() -> Iterator[distributed.Client]:
    """Two workers, processes of one thread each."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", processes=True
        ) as cluster,
        distributed.Client(cluster) as made,
    ):
        yield made


def noise(shape: tuple[int, ...], seed: int = 0) -> NDArray[Any]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def stored(path: Path, pixels: NDArray[Any], chunks: tuple[int, ...] | None = None) -> Path:
    """Write a Zarr array."""
    chunks = chunks or (128, 128, *pixels.shape[2:])
    zarr.create_array(path, shape=pixels.shape, chunks=chunks, dtype=pixels.dtype)[...] = pixels
    return path


def read(path: Path) -> NDArray[Any]:
    with open_image(path) as image:
        return image[...]


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_store_becomes_a_store(client: Any, tmp_path: Path) -> None:
    pixels = noise((700, 900))
    source, sink = stored(tmp_path / "in.zarr", pixels), tmp_path / "out.zarr"
    records = list[Any]()
    summary = run(
        source,
        sink,
        "gaussian:sigma=3",
        client=client,
        border="wrap",
        tile=256,
        progress=records.append,
    )
    whole = Chain.parse(["gaussian:sigma=3"], border="wrap")(pixels)
    np.testing.assert_array_equal(read(sink), whole)
    assert (summary.status, summary.pixels, summary.plan.count) == ("done", pixels.size, 12)
    assert set(summary.stages) == {"read", "compute", "write"}
    assert records[-1].tiles == 12
    assert left_in(tmp_path) == ["in.zarr", "out.zarr"]


def test_alpha_light_and_several_filters_are_as_of_the_whole(client: Any, tmp_path: Path) -> None:
    pixels = noise((300, 400, 4))
    pixels[100:, :, 3] = 255
    source = tmp_path / "in.tif"
    layout = Layout(pixels.shape, pixels.dtype, (128, 128), "RGBA")
    with create_image(source, layout) as sink:
        for top in (0, 128, 256):
            bottom = min(top + 128, 300)
            sink.write(pixels[top:bottom], (top, bottom), (0, 400))
        sink.finish()
    filters = ["median:size=3", "gaussian:sigma=2"]
    run(source, tmp_path / "out.zarr", filters, client=client, linear=True, tile=128)
    whole = Image(pixels, "RGBA").map(Chain.parse(filters), linear=True)
    np.testing.assert_array_equal(read(tmp_path / "out.zarr"), whole.pixels)


def test_pictures_along_leading_axes_are_filtered_one_by_one(client: Any, tmp_path: Path) -> None:
    pixels = noise((3, 200, 150))
    np.save(tmp_path / "in.npy", pixels)
    run(tmp_path / "in.npy", tmp_path / "out.zarr", GAUSSIAN, client=client.scheduler.address)
    expected = np.stack([GAUSSIAN(each) for each in pixels])
    np.testing.assert_array_equal(read(tmp_path / "out.zarr"), expected)


def test_the_death_of_a_worker_is_survived(client: Any, tmp_path: Path) -> None:
    pixels = noise((1500, 1600), 1)
    source, sink = stored(tmp_path / "in.zarr", pixels), tmp_path / "out.zarr"
    victims = list(client.run(os.getpid).values())[:1]

    def kill(record: Any) -> None:
        if record.events and victims:
            os.kill(victims.pop(), signal.SIGKILL)

    summary = run(source, sink, GAUSSIAN, client=client, tile=128, progress=kill)
    assert victims == []
    assert summary.status == "done"
    np.testing.assert_array_equal(read(sink), GAUSSIAN(pixels))
    assert left_in(tmp_path) == ["in.zarr", "out.zarr"]


def test_what_was_stopped_goes_on(client: Any, tmp_path: Path) -> None:
    pixels = noise((900, 900), 2)
    source, sink = stored(tmp_path / "in.zarr", pixels), tmp_path / "out.zarr"
    stop = threading.Event()

    def watch(record: Any) -> None:
        if record.events:
            stop.set()

    options: Any = {"client": client, "tile": 128}
    first = run(source, sink, GAUSSIAN, progress=watch, stop=stop, **options)
    assert first.status == "stopped"
    assert 0 < first.pixels < pixels.size
    assert not sink.exists()
    second = run(source, sink, GAUSSIAN, **options)
    assert second.record.pixels_before == first.pixels
    assert first.pixels + second.pixels == pixels.size
    np.testing.assert_array_equal(read(sink), GAUSSIAN(pixels))


def test_a_chunk_that_is_missing_does_not_stop_the_others(client: Any, tmp_path: Path) -> None:
    pixels = noise((600, 600), 3)
    source, sink = stored(tmp_path / "in.zarr", pixels), tmp_path / "out.zarr"
    lost, kept = source / "c" / "2" / "3", tmp_path / "kept"
    shutil.move(lost, kept)
    options: Any = {"client": client, "tile": 128}
    with pytest.raises(StreamError, match="25 tiles were not made, the first at rows 256") as said:
        run(source, sink, "box:size=1", **options)
    gaps = said.value.summary.gaps
    assert {gap.rows for gap in gaps} == {(256, 384)}
    assert "chunk c/2/3 is not in the store" in gaps[0].reason
    assert not sink.exists()
    shutil.move(kept, lost)
    assert run(source, sink, "box:size=1", **options).pixels == 128 * 600
    np.testing.assert_array_equal(read(sink), pixels)


def test_an_error_of_the_work_itself_ends_it(client: Any, tmp_path: Path) -> None:
    pixels = noise((300, 300, 4))
    with create_image(
        tmp_path / "in.zarr", Layout(pixels.shape, pixels.dtype, (300, 300), "RGBA")
    ) as sink:
        sink.write(pixels, (0, 300), (0, 300))
        sink.finish()
    options: Any = {"client": client, "tile": 128, "negative": "offset"}
    with pytest.raises(ArgumentTypeError, match="mid-grey"):
        run(tmp_path / "in.zarr", tmp_path / "out.zarr", "laplacian", **options)
    assert not (tmp_path / "out.zarr").exists()


def test_where_nothing_can_be_written_it_ends(client: Any, tmp_path: Path) -> None:
    source, sink = stored(tmp_path / "in.zarr", noise((900, 900))), tmp_path / "out.zarr"

    store = tmp_path / ".gpuconv-out.zarr.partial" / "store"

    def put_a_file_there(record: Any) -> None:
        while record.events and store.is_dir():
            shutil.rmtree(store, ignore_errors=True)
            with contextlib.suppress(OSError):
                store.touch()

    with pytest.raises(StreamError, match=r"cannot write .*out\.zarr") as said:
        run(source, sink, GAUSSIAN, client=client, tile=128, progress=put_a_file_there)
    assert said.value.summary.status == "partial"
    assert not sink.exists()


def test_what_cannot_be_done_is_said_before_anything_is_written(
    client: Any, tmp_path: Path
) -> None:
    source = stored(tmp_path / "in.zarr", noise((200, 200)))
    sink = tmp_path / "out.zarr"
    with pytest.raises(ArgumentError, match=r"out\.tif' is no Zarr store"):
        run(source, tmp_path / "out.tif", GAUSSIAN, client=client)
    with pytest.raises(ArgumentTypeError, match="must be the path of a Zarr store"):
        run(source, np.zeros((200, 200)), GAUSSIAN, client=client)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="must be a file that each worker can read"):
        run(noise((20, 20)), sink, GAUSSIAN, client=client)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="device='cuda:1'"):
        run(source, sink, GAUSSIAN, client=client, device="cuda:1")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="retries=-1"):
        run(source, sink, GAUSSIAN, client=client, retries=-1)
    with pytest.raises(ArgumentTypeError, match=r"client=3 must be a distributed\.Client"):
        run(source, sink, GAUSSIAN, client=3)
    with pytest.raises(ArgumentError, match="client='nowhere'"):
        run(source, sink, GAUSSIAN, client="nowhere")
    with pytest.raises(ArgumentError, match="needs the whole image"):
        run(source, sink, "canny", client=client)
    with pytest.raises(ArgumentError, match="memory=1000"):
        run(source, sink, GAUSSIAN, client=client, memory=1000)
    with pytest.raises(ArgumentError, match="tile=0"):
        run(source, sink, GAUSSIAN, client=client, tile=0)
    assert left_in(tmp_path) == ["in.zarr"]
    sink.mkdir()
    with pytest.raises(ImageFileError, match="exists already"):
        run(source, sink, GAUSSIAN, client=client)


def test_workers_that_see_no_file_are_named(client: Any, tmp_path: Path, monkeypatch: Any) -> None:
    source = stored(tmp_path / "in.zarr", noise((200, 200)))
    with open_image(source) as image:
        image.again = Nowhere()
        with pytest.raises(ImageFileError, match=r"worker tcp://.* cannot take part: .*nowhere"):
            run(image, tmp_path / "out.zarr", GAUSSIAN, client=client)
    assert left_in(tmp_path) == ["in.zarr"]


def test_a_cluster_without_workers_is_not_waited_for(tmp_path: Path) -> None:
    source = stored(tmp_path / "in.zarr", noise((200, 200)))
    nobody: Any = {"n_workers": 0, "processes": False, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(**nobody) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
        pytest.raises(ArgumentError, match="has no workers"),
    ):
        run(source, tmp_path / "out.zarr", GAUSSIAN, client=client)
    assert left_in(tmp_path) == ["in.zarr"]


class Nowhere:
    """What opens a file that a worker does not see."""

    def __call__(self) -> Any:
        raise FileNotFoundError("nowhere")

    def __reduce__(self) -> Any:
        return open_image, ("/nowhere.tif",)


def test_a_tile_can_be_made_twice(tmp_path: Path) -> None:
    pixels = noise((200, 200))
    source = open_image(stored(tmp_path / "in.zarr", pixels))
    assert source.again is not None
    sink: Any = create_image(tmp_path / "out.zarr", source.layout)
    parts = parts_of(GAUSSIAN, source.layout)
    recipe = pickle.dumps(Recipe(source.again, parts, sink.writer, "cpu", 0, 1))
    tile = Tile(0, (), (0, 128), (128, 200))
    for _ in range(2):
        outcome = make_tile(recipe, tile)
        assert outcome.who.endswith(f":{os.getpid()}")
        assert [stage for stage, *_ in outcome.stages] == ["read", "compute", "write"]
    made = sink.writer.get((0, 128), (128, 200), ())
    np.testing.assert_array_equal(made, GAUSSIAN(pixels)[:128, 128:])
    source.close()
    sink.discard()


def test_without_a_client_it_is_said_what_is_needed(tmp_path: Path) -> None:
    source = stored(tmp_path / "in.zarr", noise((20, 20)), (20, 20))
    if distributed.client._get_global_client() is None:
        with pytest.raises(ArgumentError, match="no client was made"):
            gpuconv.dask.run(source, tmp_path / "out.zarr", GAUSSIAN)


def test_a_worker_that_dies_while_it_is_asked_is_one_less() -> None:
    class Dying:
        def run(self, function: Any, *given: Any, on_error: str) -> dict[str, Any]:
            assert on_error == "return"
            return {"a": function(*given), "b": distributed.comm.CommClosedError("gone")}

    assert _answers(Dying(), abs, -3) == {"a": 3}
    with pytest.raises(ModuleNotFoundError, match="gpuconv"):
        _answers(Broken(), abs, -3)


class Broken:
    """A cluster whose workers cannot import what they are asked."""

    def run(self, *_: Any, on_error: str) -> dict[str, Any]:
        return {"a": ModuleNotFoundError("No module named 'gpuconv'")}
