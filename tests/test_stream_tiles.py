"""Which tiles a stream is made in, as numbers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from gpuconv.errors import ArgumentError
from gpuconv.filters import Chain
from gpuconv.io.source import Layout
from gpuconv.streaming.demand import Workers
from gpuconv.streaming.parts import Parts
from gpuconv.streaming.plan import StreamPlan, make_plan
from gpuconv.streaming.tiles import Grid, Work, choose_tile

MIB = 2**20


def planned(
    memory: int,
    *,
    size: tuple[int, int] = (65536, 65536),
    chunks: tuple[int, int] = (512, 512),
    dtype: str = "uint8",
    filters: tuple[str, ...] = ("gaussian:sigma=5",),
    **options: object,
) -> StreamPlan:
    layout = Layout(size, np.dtype(dtype), chunks)
    parts = Parts(Chain.parse(filters), size, layout.dtype)
    crew = Workers(1, 1, 2)
    return make_plan(layout, layout, parts, crew, memory * MIB, **options)  # type: ignore[arg-type]


def test_tiles_are_strips_of_whole_chunk_rows_where_memory_allows() -> None:
    plan = planned(512)
    assert plan.grid.strips
    assert plan.grid.tile[0] % 512 == 0


def test_strips_lie_on_the_grid_of_the_engine_where_that_costs_nothing() -> None:
    plan = planned(512, chunks=(1, 65536))
    assert plan.grid.tile[0] % plan.parts.grain[0] == 0


def test_strips_that_do_not_fit_give_way_to_narrower_tiles_of_whole_chunks() -> None:
    plan = planned(512, dtype="float32")
    high, wide = plan.grid.tile
    assert wide < 65536
    assert high % 512 == wide % 512 == 0


@pytest.mark.parametrize("memory", [256, 384, 512, 1024, 4096])
@pytest.mark.parametrize("filters", [("gaussian:sigma=5",), ("box:size=31", "median:size=3")])
def test_the_prediction_keeps_to_the_memory(memory: int, filters: tuple[str, ...]) -> None:
    assert planned(memory, filters=filters).host_bytes <= memory * MIB


def test_more_memory_than_is_of_use_is_left() -> None:
    assert planned(2**20).host_bytes < 4096 * MIB


def test_small_images_are_not_cut_into_crumbs_nor_into_one_tile_when_large() -> None:
    assert planned(512, size=(500, 700)).count == 1
    assert planned(2**20, size=(16384, 16384)).count >= 8


def test_a_wish_becomes_whole_chunks() -> None:
    assert planned(4096, tile=(1000, 2000)).grid.tile == (1024, 2048)
    assert planned(4096, tile=(1000, 10**9)).grid.tile == (1024, 65536)


def test_too_little_memory_is_said_with_what_would_do() -> None:
    with pytest.raises(ArgumentError, match=r"memory=1048576 bytes is too little .*give (\d+)M"):
        planned(1)
    with pytest.raises(ArgumentError, match=r"too little for tiles of 16384 × 16384"):
        planned(512, tile=(16384, 16384))


def test_the_memory_that_an_error_asks_for_is_enough() -> None:
    with pytest.raises(ArgumentError) as failure:
        planned(1)
    enough = int(str(failure.value).split("give ")[1].split("M")[0])
    assert planned(enough).host_bytes <= enough * MIB


def test_a_gpus_memory_is_kept_apart() -> None:
    layout = Layout((65536, 65536), np.dtype(np.uint8), (512, 512))
    parts = Parts(Chain.parse(["gaussian:sigma=5"]), layout.shape, layout.dtype)
    crew = Workers(2, 2, 2, lanes=2, depth=3, host=False)
    plan = make_plan(layout, layout, parts, crew, 4096 * MIB, 512 * MIB)
    assert plan.gpu_bytes <= 512 * MIB
    assert plan.host_bytes <= 4096 * MIB
    with pytest.raises(ArgumentError, match="gpu_memory=1048576 bytes is too little"):
        make_plan(layout, layout, parts, crew, 4096 * MIB, MIB)


def test_tiles_cover_each_picture_once_in_order() -> None:
    layout = Layout((2, 3, 300, 200), np.dtype(np.uint8), (64, 64))
    parts = Parts(Chain.parse(["box:size=3"]), (300, 200), layout.dtype)
    plan = make_plan(layout, layout, parts, Workers(1, 1), 512 * MIB, tile=(128, 64))
    seen = np.zeros(layout.shape, int)
    tiles = list(plan.tiles())
    for tile in tiles:
        seen[(*tile.plane, slice(*tile.rows), slice(*tile.columns))] += 1
    assert (seen == 1).all()
    assert plan.count == len(tiles) == tiles[-1].number + 1
    assert plan.pixels == sum(tile.pixels for tile in tiles) == seen.size
    assert all(
        (a.plane, a.rows, a.columns) < (b.plane, b.rows, b.columns) for a, b in pairwise(tiles)
    )


def test_every_kind_of_tile_is_asked_what_it_takes() -> None:
    assert list(Grid((100, 50), (100, 50)).kinds()) == [((0, 100), (0, 50))]
    rows = [rows for rows, _ in Grid((1000, 50), (100, 50)).kinds()]
    assert rows == [(0, 100), (500, 600), (800, 900), (900, 1000)]


def test_narrow_tiles_are_looked_at_when_strips_waste_too_much() -> None:
    def work(grid: Grid) -> Work:
        high, wide = grid.tile
        pixels = (high + 2000) * (wide + 2000)
        return Work(pixels, pixels, high * wide <= 2**22)

    tile = choose_tile((65536, 65536), (64, 64), (64, 64), work)
    assert tile is not None
    assert tile[1] < 65536


def test_a_plan_explains_itself() -> None:
    told = planned(512, filter="gaussian:sigma=5").explain()
    assert "gaussian:sigma=5" in told
    assert "strips as wide as the image" in told
    assert "at most" in told
